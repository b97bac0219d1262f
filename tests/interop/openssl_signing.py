"""A key that is elsewhere, with OpenSSL's TLS on the other side: it verifies what its own `dgst` signed for us."""

from external import EXTERNAL_KEYS, ExternalKeyTest
from harness import VERSIONS, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer
from settings import pki


class ExternalKey(ExternalKeyTest):
    @EXTERNAL_KEYS
    def test_our_server(self, version, algorithm):
        client, serve = self.as_server(
            version, algorithm, lambda port: self.start(SClient(port, VERSION_FLAGS[version]))
        )
        client.write(b"hello\n").join()
        client.end_input()
        self.assertEqual(serve(), b"hello\n")
        client.finish()
        self.expect_text(client, f"CN = {algorithm} server\n", "Verification: OK\n")

    @EXTERNAL_KEYS
    def test_our_client(self, version, algorithm):
        verify = ("-Verify", "3", "-verify_return_error", "-CAfile", pki("trust/all.pem"))
        server = self.start(SServer(VERSION_FLAGS[version], *verify))
        self.assertEqual(self.as_client(version, algorithm, server.port(), b"hello\n"), b"olleh\n")
        server.finish()
        self.expect_text(server, f"CN = {algorithm} client\n", "Verification: OK\n")

    @rows(*((version, version) for version in VERSIONS))
    def test_another_key(self, version):
        """Its signature is not sent: the client learns by an alert that there will be none."""
        client, serve = self.as_server(
            version,
            "ecdsa",
            lambda port: self.start(SClient(port, VERSION_FLAGS[version])),
            key="keys/mismatch.key",
        )
        self.assertEqual(serve(), b"")
        self.assertNotEqual(client.finish(), 0)
        self.expect_text(client, "SSL alert number 40")
