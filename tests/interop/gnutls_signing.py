"""A key that is elsewhere, with GnuTLS on the other side: it verifies what `openssl` signed for us."""

from external import EXTERNAL_KEYS, ExternalKeyTest
from gnutls_peer import GnutlsCli, GnutlsTest
from harness import pattern_lines
from settings import pki


class ExternalKey(GnutlsTest, ExternalKeyTest):
    @EXTERNAL_KEYS
    def test_our_server(self, version, algorithm):
        client, serve = self.as_server(
            version, algorithm, lambda port: self.start(GnutlsCli(port, self.directory / "log", version=version))
        )
        client.write(b"hello\n").join()
        client.end_input()
        self.assertEqual(serve(), b"hello\n")
        client.finish()
        self.expect_text(client, "Status: The certificate is trusted.", f"CN={algorithm} server,")

    @EXTERNAL_KEYS
    def test_our_client(self, version, algorithm):
        auth = ("--require-client-cert", "--verify-client-cert", "--x509cafile", pki("trust/all.pem"))
        server, port = self.start_server(version=version, auth=auth)
        lines = pattern_lines(1000)
        self.expect_same(self.as_client(version, algorithm, port, lines), lines)
        self.expect_text(server, f"Subject: CN={algorithm} client,", "Status: The certificate is trusted.")
