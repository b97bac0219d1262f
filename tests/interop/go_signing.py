"""A key that is elsewhere, with Go on the other side: it verifies what `openssl` signed for us."""

from external import EXTERNAL_KEYS, ExternalKeyTest
from go_peer import GoTest
from harness import certificates, pattern
from settings import pki


class ExternalKey(GoTest, ExternalKeyTest):
    @EXTERNAL_KEYS
    def test_our_server(self, version, algorithm):
        data = pattern(1000)
        files = {"send": self.file_with(data), "save": self.directory / "saved"}
        client, serve = self.as_server(
            version, algorithm, lambda port: self.start_client(port, version=version, **files)
        )
        self.expect_same(serve(), data)
        chain = certificates(f"{algorithm}/server-chain.pem")
        self.expect_go(client.report(), error="", clean_end=True, certificates=chain)

    @EXTERNAL_KEYS
    def test_our_client(self, version, algorithm):
        server = self.start_server(version=version, client_auth="required", trust=pki("trust/all.pem"))
        data = pattern(1000)
        self.expect_same(self.as_client(version, algorithm, server.port(), data), data)
        self.expect_go(server.report(), error="", certificates=certificates(f"{algorithm}/client-chain.pem"))
