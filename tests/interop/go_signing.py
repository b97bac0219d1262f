"""A key that is elsewhere, with Go on the other side: it verifies what `openssl` signed for us."""

import socket

from external import ExternalEnd, listening
from go_peer import GoTest
from harness import ALGORITHMS, VERSIONS, certificates, pattern, rows
from settings import pki

ROWS = rows(*((f"{version} {algorithm}", version, algorithm) for version in VERSIONS for algorithm in ALGORITHMS))


class ExternalKey(GoTest):
    def end(self, role, algorithm, version):
        end = ExternalEnd(role, algorithm, version, self.directory)
        self.addCleanup(end.free)
        return end

    @ROWS
    def test_our_server(self, version, algorithm):
        listener = listening()
        self.addCleanup(listener.close)
        data = pattern(1000)
        client = self.start_client(
            listener.getsockname()[1], version=version, send=self.file_with(data), save=self.directory / "saved"
        )
        transport, _ = listener.accept()
        self.addCleanup(transport.close)
        server = self.end("server", algorithm, version)
        self.expect_same(server.run(transport, echo=True), data)
        self.expect_go(
            client.report(), error="", clean_end=True, certificates=certificates(f"{algorithm}/server-chain.pem")
        )
        self.assertEqual(server.asked, 1)

    @ROWS
    def test_our_client(self, version, algorithm):
        server = self.start_server(version=version, client_auth="required", trust=pki("trust/all.pem"))
        transport = socket.create_connection(("127.0.0.1", server.port()))
        self.addCleanup(transport.close)
        client = self.end("client", algorithm, version)
        data = pattern(1000)
        self.expect_same(client.run(transport, send=data, expect=len(data)), data)
        self.expect_go(server.report(), error="", certificates=certificates(f"{algorithm}/client-chain.pem"))
        self.assertEqual(client.asked, 1)
