"""What this side controls of a connection, with OpenSSL on the other side: suites and groups in its own order, new keys
when it wants them, and what it is told of alerts."""

from harness import P256, P384, VERSIONS, X25519, InteropTest, certificates, pattern, pattern_lines, rows
from openssl_tools import GROUPS, SUITES, VERSION_FLAGS, SClient, SServer, identity, missing_group, reversed_lines
from settings import pki

# Kinds of events.
DONE, RECEIVED, SENT, KEYS = 1, 4, 8, 16
KEYS_IN, KEYS_OUT = 1, 2
CLOSE_NOTIFY, UNKNOWN_CA = 0, 48

# (label, version, our list, theirs, what a server of ours chooses: its own first)
ORDERS = (
    ("1.2", "1.2", "0xc02c,0xc02b", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384", "0xc02c"),
    ("1.3", "1.3", "0x1303,0x1301", "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256", "0x1303"),
    ("1.3 second choice", "1.3", "0x1303,0x1302", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", "0x1302"),
)


def suite_flags(version, names):
    return VERSION_FLAGS[version], "-cipher" if version == "1.2" else "-ciphersuites", names


class OurClient(InteropTest):
    def exchange(self, server, **options):
        lines = pattern_lines()
        saved = self.directory / "saved"
        files = {"send": self.file_with(lines), "save": saved, "expect": len(lines)}
        report = self.our_client(server.port(), job="exchange", **files, **options).report()
        server.finish()
        self.expect(report, status="TLS_CLOSED", received=len(lines))
        self.expect_same(saved.read_bytes(), reversed_lines(lines))
        return report

    @rows(*((f"{version} {name}", version, number, name, algorithm) for version, number, name, algorithm in SUITES))
    def test_suite(self, version, number, name, algorithm):
        """The server has them all, and we one."""
        server = self.start(SServer(VERSION_FLAGS[version], server_identity=identity("server", algorithm)))
        self.expect(self.exchange(server, suites=number), suite=number)
        self.expect_text(server, f"Ciphersuite: {name}\n")

    @rows(*((f"{version} {GROUPS[group][0]}", version, group) for version in VERSIONS for group in (X25519, P256, P384)))
    def test_group(self, version, group):
        """Our first choice is what a key share is sent for: there is no second ClientHello."""
        server = self.start(SServer(VERSION_FLAGS[version], server_identity=identity("server", "rsa")))
        report = self.exchange(server, offer_groups=f"{group},{X25519 if group != X25519 else P256}")
        self.expect(report, group=group, retried=False)

    @rows(("peer", "peer"), ("ask", "ask"))
    def test_new_keys(self, verify):
        server = self.start(SServer("-tls1_3", "-msg"))
        # Before the first line: s_server takes a KeyUpdate inside of one for its end.
        report = self.exchange(server, new_keys="0", events=str(KEYS), verify=verify)
        self.expect(report, events=[KEYS_OUT, KEYS_IN])
        self.expect_text(server, "<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
        self.expect_text(server, ">>> TLS 1.3, Handshake [length 0005], KeyUpdate")

    @rows(*((version, version) for version in VERSIONS))
    def test_events_of_a_whole_connection(self, version):
        server = self.start(SServer(VERSION_FLAGS[version]))
        report = self.exchange(server, events=str(DONE | RECEIVED | SENT))
        # Which close_notify is first depends on who has said all.
        self.expect(report, events=[0x0303 if version == "1.2" else 0x0304, CLOSE_NOTIFY, CLOSE_NOTIFY])

    @rows(*((version, version) for version in VERSIONS))
    def test_event_of_our_alert(self, version):
        server = self.start(SServer(VERSION_FLAGS[version]))
        events = str(DONE | RECEIVED | SENT)
        client = self.our_client(
            server.port(), job="exchange", expect="1", trust=pki("bad/otherca.pem"), events=events
        )
        self.expect(client.report(), status="TLS_ERR_CERTIFICATE", events=[UNKNOWN_CA])
        server.finish()
        self.expect_text(server, f"SSL alert number {UNKNOWN_CA}")


class OurServer(InteropTest):
    def exchange(self, server, *flags):
        data = pattern()
        client = self.start(SClient(server.port(), *flags))
        client.write(data)
        self.expect_same(client.wait_for_bytes(len(data)), data)
        self.assertEqual(client.finish(), 0)
        report = server.report()
        self.expect(report, status="TLS_CLOSED", received=len(data))
        return report

    @rows(*ORDERS)
    def test_suites(self, version, ours, theirs, chosen):
        report = self.exchange(self.our_server(suites=ours), *suite_flags(version, theirs))
        self.expect(report, suite=chosen)

    def test_suites_of_the_client(self):
        """Without a list of our own its order counts."""
        theirs = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
        self.expect(self.exchange(self.our_server(), *suite_flags("1.3", theirs)), suite="0x1301")
        theirs = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
        self.expect(self.exchange(self.our_server(), *suite_flags("1.3", theirs)), suite="0x1303")

    @rows(("ours first, by HelloRetryRequest", f"{P384},{X25519}", P384, True), ("only one", X25519, X25519, False))
    def test_groups(self, ours, group, retried):
        if reason := missing_group("X25519:P-384"):
            self.skipTest(reason)
        report = self.exchange(self.our_server(offer_groups=ours), "-tls1_3", "-groups", "X25519:P-384")
        self.expect(report, group=group, retried=retried)

    @rows(("a context", {}), ("a question", {"ask_context": True}))
    def test_new_keys(self, options):
        """In the middle of an echo. The client's new keys come with what it writes next."""
        server = self.our_server(new_keys="50000", events=str(KEYS), **options)
        client = self.start(SClient(server.port(), "-tls1_3"))
        data = pattern()
        for sent, received in ((data[:100_000], 100_000), (data[100_000:], len(data))):
            client.write(sent)
            self.expect_same(client.wait_for_bytes(received), data[:received])
        self.assertEqual(client.finish(), 0)
        self.expect(server.report(), status="TLS_CLOSED", received=len(data), events=[KEYS_OUT, KEYS_IN])

    @rows(*((version, version) for version in VERSIONS))
    def test_event_of_their_alert(self, version):
        server = self.our_server(events=str(DONE | RECEIVED | SENT))
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], trust=pki("bad/otherca.pem")))
        client.finish()
        self.expect(server.report(), status="TLS_ERR_ALERT", events=[UNKNOWN_CA])
