"""Early data (0-RTT) with `openssl s_client` and `openssl s_server`."""

from harness import InteropTest
from openssl_tools import SClient, SServer

NONE, ACCEPTED, REJECTED = 0, 2, 3


class EarlyData(InteropTest):
    def visit(self, server, *flags):
        client = self.start(SClient(server.port(), "-tls1_3", *flags, brief=False))
        client.write(b"hello\n").join()
        client.wait_for("hello")
        self.assertEqual(client.finish(), 0)
        return client

    def from_openssl(self, early_limit):
        session = str(self.directory / "session")
        server = self.our_server(count="2", early_limit=early_limit)
        self.visit(server, "-sess_out", session)
        client = self.visit(server, "-sess_in", session, "-early_data", self.file_with(b"GET /early"))
        return client, server.reports()

    def test_from_s_client(self):
        client, (first, second) = self.from_openssl("1000")
        self.expect(first, resumed=0, early="", early_status=NONE)
        self.expect(second, status="TLS_CLOSED", resumed=1, early="GET /early", early_status=ACCEPTED, received=6)
        self.expect_text(client, "Early data was accepted\n")

    def test_off(self):
        client, (_, second) = self.from_openssl("0")
        self.expect(second, status="TLS_CLOSED", resumed=1, early="", early_status=NONE, received=6)
        self.expect_text(client, "Early data was not sent\n")

    def to_openssl(self, *flags):
        server = self.start(SServer("-tls1_3", *flags, connections=2, mode=()))
        data = self.file_with(b"late\n")
        client = self.our_client(
            server.port(),
            **{"job": "exchange", "send": data, "count": "2", "half_close": True, "max": "1.3", "min": "1.3"},
            carry=True,
            early_limit="1",
            early="GET /early",
        )
        return server, client.reports()

    def test_to_s_server(self):
        server, (first, second) = self.to_openssl("-early_data", "-max_early_data", "1000")
        self.expect(first, resumed=0, early_status=NONE)
        self.expect(second, resumed=1, early_status=ACCEPTED)
        self.expect_text(server, "GET /early")

    def test_to_s_server_without_it(self):
        server, (_, second) = self.to_openssl()
        self.expect(second, resumed=1, early_status=NONE)
        server.finish()
        self.assertNotIn("GET /early", server.text())
