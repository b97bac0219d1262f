"""A key that is elsewhere, with GnuTLS on the other side: it verifies what `openssl` signed for us."""

import socket

from external import ExternalEnd, listening
from gnutls_peer import GnutlsCli, GnutlsTest
from harness import ALGORITHMS, VERSIONS, pattern_lines, rows
from settings import pki

ROWS = rows(*((f"{version} {algorithm}", version, algorithm) for version in VERSIONS for algorithm in ALGORITHMS))


class ExternalKey(GnutlsTest):
    def end(self, role, algorithm, version):
        end = ExternalEnd(role, algorithm, version, self.directory)
        self.addCleanup(end.free)
        return end

    @ROWS
    def test_our_server(self, version, algorithm):
        listener = listening()
        self.addCleanup(listener.close)
        client = self.start(GnutlsCli(listener.getsockname()[1], self.directory / "log", version=version))
        transport, _ = listener.accept()
        self.addCleanup(transport.close)
        server = self.end("server", algorithm, version)
        client.write(b"hello\n").join()
        client.end_input()
        self.assertEqual(server.run(transport, echo=True), b"hello\n")
        client.finish()
        self.expect_text(client, "Status: The certificate is trusted.", f"CN={algorithm} server,")
        self.assertEqual(server.asked, 1)

    @ROWS
    def test_our_client(self, version, algorithm):
        auth = ("--require-client-cert", "--verify-client-cert", "--x509cafile", pki("trust/all.pem"))
        server, port = self.start_server(version=version, auth=auth)
        transport = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(transport.close)
        client = self.end("client", algorithm, version)
        lines = pattern_lines(1000)
        self.expect_same(client.run(transport, send=lines, expect=len(lines)), lines)
        self.expect_text(server, f"Subject: CN={algorithm} client,", "Status: The certificate is trusted.")
        self.assertEqual(client.asked, 1)
