"""What a handshake may take of us, with OpenSSL on the other side: wire bytes and time."""

from harness import VERSIONS, InteropTest, pattern, pattern_lines, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer, reversed_lines
from settings import pki

DECODE_ERROR = 50
HANDSHAKE_BUDGET = 310
HANDSHAKE_DEADLINE = 311


def read(name):
    with open(pki(name), "rb") as file:
        return file.read()


class Limits(InteropTest):
    def identity_with_long_chain(self, role):
        """An identity whose chain alone is more than a budget of 4096 bytes."""
        chain = self.file_with(read("rsa/inter.pem") * 8, "chain")
        return "-cert", pki(f"rsa/{role}.pem"), "-key", pki(f"rsa/{role}.key"), "-cert_chain", chain

    def expect_refused(self, report, peer, reason):
        self.expect(report, status="TLS_ERR_PEER", error="TLS_ERR_PEER", reason=reason, alert_sent=DECODE_ERROR)
        self.expect_text(peer, f"SSL alert number {DECODE_ERROR}\n")


class OurServer(Limits):
    def server(self, **options):
        return self.our_server(client_auth="required", trust=pki("trust/all.pem"), **options)

    @rows(*((version, version) for version in VERSIONS))
    def test_long_chain_exceeds_the_budget(self, version):
        server = self.server(budget="4096")
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *self.identity_with_long_chain("client")))
        client.wait_for("SSL alert number")
        client.finish()
        self.expect_refused(server.report(), client, HANDSHAKE_BUDGET)

    @rows(*((version, version) for version in VERSIONS))
    def test_long_chain_within_the_budget(self, version):
        server = self.server(budget="16384", deadline="1000")
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *self.identity_with_long_chain("client")))
        data = pattern()
        client.write(data)
        self.expect_same(client.wait_for_bytes(len(data)), data)
        self.assertEqual(client.finish(), 0)
        self.expect(server.report(), status="TLS_CLOSED", received=len(data))

    @rows(*((version, version) for version in VERSIONS))
    def test_deadline(self, version):
        """It is over when the client's answer to our flight is waited for."""
        server = self.our_server(deadline="1")
        client = self.start(SClient(server.port(), VERSION_FLAGS[version]))
        client.wait_for("SSL alert number")
        client.finish()
        self.expect_refused(server.report(), client, HANDSHAKE_DEADLINE)


    @rows(*((version, version) for version in VERSIONS))
    def test_least_queues(self, version):
        """200 KB through queues of 20 KiB."""
        server = self.our_server(inbound="20480", outbound="20480")
        client = self.start(SClient(server.port(), VERSION_FLAGS[version]))
        data = pattern()
        client.write(data)
        self.expect_same(client.wait_for_bytes(len(data)), data)
        self.assertEqual(client.finish(), 0)
        self.expect(server.report(), status="TLS_CLOSED", received=len(data), sent=len(data))


class OurClient(Limits):
    @rows(*((version, version) for version in VERSIONS))
    def test_least_queues(self, version):
        server = self.start(SServer(VERSION_FLAGS[version]))
        lines = pattern_lines()
        saved = self.directory / "saved"
        client = self.our_client(
            server.port(),
            **{"job": "exchange", "send": self.file_with(lines), "save": saved, "expect": len(lines)},
            **{"inbound": "20480", "outbound": "20480"},
        )
        self.expect(client.report(), status="TLS_CLOSED", received=len(lines))
        server.finish()
        self.expect_same(saved.read_bytes(), reversed_lines(lines))

    @rows(*((version, version) for version in VERSIONS))
    def test_long_chain_exceeds_the_budget(self, version):
        identity = self.identity_with_long_chain("server")
        server = self.start(SServer(VERSION_FLAGS[version], server_identity=identity))
        report = self.our_client(server.port(), job="exchange", expect="1", budget="4096").report()
        server.finish()
        self.expect_refused(report, server, HANDSHAKE_BUDGET)
