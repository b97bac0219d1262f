"""Sessions that cross processes: `openssl s_client` between two of our servers, our client and `openssl s_server`."""

import re
import ssl
import time

from harness import P384, VERSION_IDS, VERSIONS, InteropTest, certificates, rows
from openssl_tools import VERSION_FLAGS, VERSION_NAMES, SClient, SServer, identity
from settings import pki

WEEK = 7 * 24 * 60 * 60


# The ticket in a session of OpenSSL's (i2d_SSL_SESSION): an OCTET STRING under [10], longer than 127 bytes.
TICKET = re.compile(rb"\xaa(?:\x81.|\x82..)\x04(?:\x81(.)|\x82(..))", re.S)


def alter_ticket(path, place):
    """Changes one bit at the start, in the middle or at the end of the ticket that the file holds."""
    der = bytearray(ssl.PEM_cert_to_DER_cert(path.read_text().replace("SSL SESSION PARAMETERS", "CERTIFICATE")))
    (found,) = TICKET.finditer(bytes(der))
    length = int.from_bytes(found[1] or found[2], "big")
    der[found.end() + {"start": 0, "middle": length // 2, "end": length - 1}[place]] ^= 1
    text = ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "SSL SESSION PARAMETERS")
    path.write_text(text)


class SharedKeys(InteropTest):
    def visit(self, version, server, *flags):
        """One line there and back, in the middle of whatever else the client prints."""
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *flags, brief=False))
        client.write(b"hello\n").join()
        client.wait_for("hello")
        self.assertEqual(client.finish(), 0)
        return client, server.report()

    def cross(self, version, first, second, *flags):
        """The second server's report, and the client's words, after a session of the first was offered to it."""
        session = str(self.directory / "session")
        _, report = self.visit(version, self.our_server(**first), "-sess_out", session, *flags)
        self.expect(report, resumed=0, error="TLS_OK")
        client, report = self.visit(version, self.our_server(**second), "-sess_in", session, *flags)
        self.expect(report, status="TLS_CLOSED", error="TLS_OK", version=VERSION_IDS[version])
        return client, report

    @rows(*((version, version) for version in VERSIONS))
    def test_same_key(self, version):
        client, report = self.cross(version, {"ticket_key": "7"}, {"ticket_key": "7"})
        self.expect(report, resumed=1, sni="server.test")
        self.expect_text(client, f"Reused, {VERSION_NAMES[version]}")

    @rows(*((version, version) for version in VERSIONS))
    def test_client_certificate(self, version):
        options = {"ticket_key": "7", "client_auth": "required", "trust": pki("trust/all.pem")}
        _, report = self.cross(version, options, options, *identity("client", "rsa"))
        self.expect(report, resumed=1, certificates=certificates("rsa/client-chain.pem"))

    @rows(*((version, version) for version in VERSIONS))
    def test_certificate_required_by_the_second_only(self, version):
        strict = {"ticket_key": "7", "client_auth": "required", "trust": pki("trust/all.pem")}
        _, report = self.cross(version, {"ticket_key": "7"}, strict, *identity("client", "rsa"))
        self.expect(report, resumed=0, certificates=certificates("rsa/client-chain.pem"))

    @rows(
        *((f"{version} another key", version, {"ticket_key": "8"}) for version in VERSIONS),
        *((f"{version} keys of its own", version, {}) for version in VERSIONS),
        *((f"{version} expired", version, {"ticket_key": "7", "ticket_until": "1"}) for version in VERSIONS),
    )
    def test_not_resumed(self, version, second):
        client, report = self.cross(version, {"ticket_key": "7"}, second)
        self.expect(report, resumed=0)
        self.expect_text(client, f"New, {VERSION_NAMES[version]}")

    @rows(("a context", {}), ("a question", {"ask_context": True}), ("two questions", {"verify": "ask", "client_auth": "optional"}))
    def test_another_suite_after_a_retry(self, options):
        """The session is of a suite with SHA-384; the second ClientHello is for one with SHA-256, and has none."""
        first = {"ticket_key": "7", "suites": "0x1302", **options}
        second = {"ticket_key": "7", "suites": "0x1301", "offer_groups": P384, **options}
        client, report = self.cross("1.3", first, second)
        self.expect(report, resumed=0, retried=True, suite="0x1301", group=P384)
        self.expect_text(client, "New, TLSv1.3")

    @rows(*((version, version) for version in VERSIONS))
    def test_data_in_tickets(self, version):
        """What the first server put into the ticket the second one finds, and nobody else sees."""
        session = str(self.directory / "session")
        secret = "what the host put in"
        _, report = self.visit(
            version, self.our_server(ticket_key="7", ticket_data=secret), "-sess_out", session
        )
        self.expect(report, resumed=0, ticket_data="")
        client, report = self.visit(version, self.our_server(ticket_key="7"), "-sess_in", session)
        self.expect(report, resumed=1, ticket_data=secret, status="TLS_CLOSED")
        self.assertNotIn(secret, client.text())

    @rows(*((f"{version} {place}", version, place) for version in VERSIONS for place in ("start", "middle", "end")))
    def test_tampered(self, version, place):
        """A ticket that was altered makes a full handshake, and no error."""
        session = self.directory / "session"
        self.visit(version, self.our_server(ticket_key="7"), "-sess_out", str(session))
        alter_ticket(session, place)
        client, report = self.visit(version, self.our_server(ticket_key="7"), "-sess_in", str(session))
        self.expect(report, resumed=0, status="TLS_CLOSED", error="TLS_OK", received=6)
        self.expect_text(client, f"New, {VERSION_NAMES[version]}")

    @rows(*((version, version) for version in VERSIONS))
    def test_lifetime_hint(self, version):
        soon = int(time.time()) + 100_000
        for until, least, most in ((soon, 99_000, 100_000), (soon + WEEK, WEEK, WEEK)):
            server = self.our_server(ticket_key="7", ticket_until=str(until))
            client, _ = self.visit(version, server)
            hint = re.search(r"ticket lifetime hint: (\d+) \(seconds\)", client.text())
            self.assertIsNotNone(hint, "the client was told no lifetime")
            self.assertTrue(least <= int(hint.group(1)) <= most, hint.group(0))


class Number(InteropTest):
    @rows(("default", None, 2), ("none", "0", 0), ("one", "1", 1), ("eight", "8", 8))
    def test_of_tickets(self, count, expected):
        server = self.our_server(tickets=count)
        client = self.start(SClient(server.port(), "-tls1_3", "-msg", brief=False))
        client.write(b"hello\n").join()
        client.wait_for("hello")
        client.finish()
        self.expect(server.report(), status="TLS_CLOSED", received=6)
        self.assertEqual(len(re.findall(r"<<< [^\n]*, NewSessionTicket", client.text())), expected)


class Carried(InteropTest):
    def test_resumed_with_another_group(self):
        server = self.start(SServer("-tls1_3", connections=3))
        data = self.file_with(b"one line\n")
        options = {"job": "exchange", "send": data, "expect": "9", "count": "3", "carry": True}
        client = self.our_client(server.port(), resumed_groups=P384, **options)
        for report, resumed in zip(client.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, retried=False)
            self.assertEqual(report["group"] == P384, bool(resumed))

    @rows(*((version, version) for version in VERSIONS))
    def test_session_of_one_connection_in_the_next(self, version):
        server = self.start(SServer(VERSION_FLAGS[version], connections=3))
        data = self.file_with(b"one line\n")
        client = self.our_client(server.port(), job="exchange", send=data, expect="9", count="3", carry=True)
        for report, resumed in zip(client.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, version=VERSION_IDS[version])
