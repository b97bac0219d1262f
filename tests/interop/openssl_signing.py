"""A key that is elsewhere, with OpenSSL's TLS on the other side: it verifies what its own `dgst` signed for us."""

import socket

from external import ExternalEnd, listening
from harness import ALGORITHMS, VERSIONS, InteropTest, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer
from settings import pki

ROWS = rows(*((f"{version} {algorithm}", version, algorithm) for version in VERSIONS for algorithm in ALGORITHMS))


class ExternalKey(InteropTest):
    def end(self, role, algorithm, version):
        end = ExternalEnd(role, algorithm, version, self.directory)
        self.addCleanup(end.free)
        return end

    @ROWS
    def test_our_server(self, version, algorithm):
        listener = listening()
        self.addCleanup(listener.close)
        client = self.start(SClient(listener.getsockname()[1], VERSION_FLAGS[version]))
        transport, _ = listener.accept()
        self.addCleanup(transport.close)
        server = self.end("server", algorithm, version)
        client.write(b"hello\n").join()
        client.end_input()
        self.assertEqual(server.run(transport, echo=True), b"hello\n")
        client.finish()
        self.expect_text(client, f"CN = {algorithm} server\n", "Verification: OK\n")
        self.assertEqual(server.asked, 1)

    @ROWS
    def test_our_client(self, version, algorithm):
        server = self.start(
            SServer(VERSION_FLAGS[version], "-Verify", "3", "-verify_return_error", "-CAfile", pki("trust/all.pem"))
        )
        transport = socket.create_connection(("127.0.0.1", server.port()))
        self.addCleanup(transport.close)
        client = self.end("client", algorithm, version)
        self.assertEqual(len(client.run(transport, send=b"hello\n", expect=6)), 6)
        server.finish()
        self.expect_text(server, f"CN = {algorithm} client\n", "Verification: OK\n")
        self.assertEqual(client.asked, 1)
