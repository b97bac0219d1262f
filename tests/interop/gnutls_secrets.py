"""What both ends derive from a connection, compared with GnuTLS: exported keying material, key logs, new keys."""

import re

from gnutls_peer import GnutlsTest
from harness import VERSION_IDS, VERSIONS, pattern_lines, rows

LABEL = "EXPERIMENTAL-tlsbio"
KEYS_IN, KEYS_OUT = 1, 2


class Secrets(GnutlsTest):
    def check_key_log(self, report, path, version):
        """GnuTLS logs the same lines in another order; a line of ours that it has not is the exporter's."""
        theirs = {line.strip() for line in path.read_text().splitlines() if line and not line.startswith("#")}
        ours = set(report["events"])
        # It writes the exporter's secret in some versions only, and one of the handshake twice in others.
        self.assertEqual({line for line in ours - theirs if not line.startswith("EXPORTER_SECRET ")}, set())
        self.assertEqual(theirs - ours, set())
        self.assertEqual(len(ours), 5 if version == "1.3" else 1)


class OurClient(Secrets):
    @rows(*((version, version) for version in VERSIONS))
    def test_key_log(self, version):
        path = self.directory / "keys"
        _, port = self.start_server(version=version, env=(f"SSLKEYLOGFILE={path}",))
        lines = pattern_lines(100)
        client = self.our_client(
            port, job="exchange", send=self.file_with(lines), expect=len(lines), key_log=True
        )
        self.check_key_log(client.report(), path, version)


    def test_new_keys(self):
        """New keys of both, because we ask for them in the middle of the lines."""
        _, port = self.start_server(version="1.3")
        lines = pattern_lines()
        saved = self.directory / "saved"
        client = self.our_client(
            port,
            **{"job": "exchange", "send": self.file_with(lines), "save": saved, "expect": len(lines)},
            **{"new_keys": "100000", "events": "16"},
        )
        report = client.report()
        self.expect(report, status="TLS_CLOSED", received=len(lines), events=[KEYS_OUT, KEYS_IN])
        self.expect_same(saved.read_bytes(), lines)


class OurServer(Secrets):
    def visit(self, server, *flags, **options):
        client = self.start_client(server, *flags, **options)
        client.write(b"hello\n")
        client.wait_for("hello\n")
        client.finish()
        return client, server.report()

    @rows(*((version, version) for version in VERSIONS))
    def test_exported(self, version):
        client, report = self.visit(
            self.our_server(), "--keymatexport", LABEL, "--keymatexportsize", "40", version=version
        )
        material = re.search(r"Key material: ([0-9a-fA-F]+)", client.text())
        self.assertIsNotNone(material, "gnutls-cli exported nothing")
        self.expect(report, version=VERSION_IDS[version], exported=material[1].lower())
        self.assertEqual(len(material[1]), 80)

    @rows(*((version, version) for version in VERSIONS))
    def test_exporter_binding(self, version):
        """tls-exporter (RFC 9266) is the exporter with its label, and a context that is empty: in TLS 1.2 GnuTLS's
        tool, which gives none, derives something else."""
        client, report = self.visit(
            self.our_server(),
            *("--keymatexport", "EXPORTER-Channel-Binding", "--keymatexportsize", "32"),
            version=version,
        )
        material = re.search(r"Key material: ([0-9a-fA-F]+)", client.text())[1].lower()
        same = material == report["exporter_binding"]
        self.assertEqual([len(report["exporter_binding"]), same], [64, version == "1.3"])

    @rows(*((version, version) for version in VERSIONS))
    def test_key_log(self, version):
        path = self.directory / "keys"
        _, report = self.visit(self.our_server(key_log=True), version=version, env=(f"SSLKEYLOGFILE={path}",))
        self.check_key_log(report, path, version)

    def test_key_update_event(self):
        """New keys of the client, once it says so; and ours, for it asks for them."""
        server = self.our_server(events="16")
        client = self.start_client(server, "--inline-commands", version="1.3")
        for line in (b"before\n", b"^rekey^\n", b"after\n"):
            client.write(line).join()
            if not line.startswith(b"^"):
                client.wait_for(line.decode())
        self.assertEqual(client.finish(), 0)
        report = server.report()
        self.expect(report, status="TLS_CLOSED", received=len("before\nafter\n"))
        self.assertIn(1, report["events"])
