"""Sessions and early data with GnuTLS: its client between two of our servers, our client and its server."""

from gnutls_peer import GnutlsTest
from harness import VERSION_IDS, VERSIONS, certificates, pattern_lines, rows
from settings import pki
from switch import Switch

NONE, ACCEPTED, REJECTED = 0, 2, 3


class SharedKeys(GnutlsTest):
    def cross(self, version, first, second, *flags):
        """gnutls-cli connects once to get a ticket, and at once again with it: to the other server."""
        servers = self.our_server(**first), self.our_server(**second)
        switch = Switch(server.port() for server in servers)
        self.addCleanup(switch.close)
        client = self.start_client(switch, "--resume", "--waitresumption", *flags, version=version)
        client.write(b"hello\n")
        client.wait_for_bytes(len("hello\n"))
        client.finish()
        one, other = (server.report() for server in servers)
        self.expect(one, resumed=0, error="TLS_OK", version=VERSION_IDS[version])
        self.expect(other, status="TLS_CLOSED", error="TLS_OK", received=6)
        return client, other

    @rows(*((version, version) for version in VERSIONS))
    def test_same_key(self, version):
        client, report = self.cross(version, {"ticket_key": "7"}, {"ticket_key": "7"})
        self.expect(report, resumed=1, sni="server.test")
        self.expect_text(client, "*** This is a resumed session")

    @rows(*((version, version) for version in VERSIONS))
    def test_client_certificate(self, version):
        options = {"ticket_key": "7", "client_auth": "required", "trust": pki("trust/all.pem")}
        identity = ("--x509certfile", pki("rsa/client-chain.pem"), "--x509keyfile", pki("rsa/client.key"))
        _, report = self.cross(version, options, options, *identity)
        self.expect(report, resumed=1, certificates=certificates("rsa/client-chain.pem"))

    @rows(
        *((f"{version} another key", version, {"ticket_key": "8"}) for version in VERSIONS),
        *((f"{version} expired", version, {"ticket_key": "7", "ticket_until": "1"}) for version in VERSIONS),
    )
    def test_not_resumed(self, version, second):
        client, report = self.cross(version, {"ticket_key": "7"}, second)
        self.expect(report, resumed=0)
        self.assertNotIn("This is a resumed session", client.text())


class Carried(GnutlsTest):
    @rows(*((version, version) for version in VERSIONS))
    def test_session_of_one_connection_in_the_next(self, version):
        server, port = self.start_server(version=version)
        lines = pattern_lines(1000)
        client = self.our_client(
            port, job="exchange", count="3", send=self.file_with(lines), expect=len(lines), carry=True
        )
        for report, resumed in zip(client.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, received=len(lines))
        server.wait_for(r"(?s)This is a resumed session.*This is a resumed session")


class EarlyData(GnutlsTest):
    def from_gnutls(self, **options):
        server = self.our_server(count="2", **options)
        early = self.file_with(b"GET /early")
        client = self.start_client(
            server, "--resume", "--waitresumption", "--earlydata", early, version="1.3"
        )
        client.write(b"hello\n")
        client.wait_for_bytes(len("hello\n"))
        client.finish()
        return server.reports()

    def test_to_our_server(self):
        first, second = self.from_gnutls(early_limit="1000")
        self.expect(first, resumed=0, early="", early_status=NONE)
        self.expect(second, status="TLS_CLOSED", resumed=1, early="GET /early", early_status=ACCEPTED, received=6)

    def test_to_our_server_without_it(self):
        _, second = self.from_gnutls()
        self.expect(second, status="TLS_CLOSED", resumed=1, early="", early_status=NONE, received=6)

    @rows(("taken", ("--earlydata", "--maxearlydata", "1000"), ACCEPTED), ("not offered", (), NONE))
    def test_to_their_server(self, flags, status):
        _, port = self.start_server(*flags, version="1.3")
        lines = pattern_lines(1000)
        client = self.our_client(
            port,
            **{"job": "exchange", "count": "2", "send": self.file_with(lines), "min": "1.3"},
            **{"expect": len(lines), "carry": True, "early_limit": "1", "early": "early\n"},
        )
        first, second = client.reports()
        self.expect(first, resumed=0, early_status=NONE)
        self.expect(second, status="TLS_CLOSED", resumed=1, early_status=status)
