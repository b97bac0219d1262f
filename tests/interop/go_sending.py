"""Go's crypto/tls takes the records that we send: put together, small, and padded."""

from go_peer import GoTest
from harness import RECORD_SETTINGS, VERSION_IDS, pattern, rows


class OurClient(GoTest):
    @rows(*RECORD_SETTINGS)
    def test_record_settings(self, version, settings):
        server = self.start_server(version=version)
        data = pattern()
        saved = self.directory / "saved"
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(data), save=saved, expect=len(data), **settings
        )
        self.expect(client.report(), status="TLS_CLOSED", version=VERSION_IDS[version], sent=len(data))
        self.expect_same(saved.read_bytes(), data)
        self.expect_go(server.report(), error="", clean_end=True, received=len(data))


class OurServer(GoTest):
    @rows(*RECORD_SETTINGS)
    def test_record_settings(self, version, settings):
        server = self.our_server(**settings)
        data = pattern()
        saved = self.directory / "saved"
        client = self.start_client(server.port(), send=self.file_with(data), save=saved, version=version)
        self.expect_go(client.report(), error="", clean_end=True)
        self.expect(server.report(), status="TLS_CLOSED", version=VERSION_IDS[version], sent=len(data))
        self.expect_same(saved.read_bytes(), data)
