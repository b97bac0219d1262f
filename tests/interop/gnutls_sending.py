"""GnuTLS takes the records that we send: put together, small, and padded."""

import re

from gnutls_peer import GnutlsTest
from harness import RECORD_SETTINGS, VERSION_IDS, pattern_lines, rows


class OurClient(GnutlsTest):
    @rows(*RECORD_SETTINGS)
    def test_record_settings(self, version, settings):
        _, port = self.start_server(version=version)
        lines = pattern_lines()
        saved = self.directory / "saved"
        client = self.our_client(
            port, job="exchange", send=self.file_with(lines), save=saved, expect=len(lines), **settings
        )
        self.expect(client.report(), status="TLS_CLOSED", version=VERSION_IDS[version], received=len(lines))
        self.expect_same(saved.read_bytes(), lines)


class OurServer(GnutlsTest):
    @rows(*RECORD_SETTINGS)
    def test_record_settings(self, version, settings):
        server = self.our_server(**settings)
        client = self.start_client(server, version=version)
        lines = pattern_lines(20_000)
        client.write(lines).join()
        client.wait_for(re.escape(lines[-100:].decode()))
        client.finish()
        self.expect(server.report(), status="TLS_CLOSED", version=VERSION_IDS[version], sent=len(lines))
        self.assertIn(lines, client.out())
