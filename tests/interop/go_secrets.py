"""What both ends derive from a connection, compared with Go: exported keying material, bindings, key logs."""

import hashlib

from go_peer import GoTest
from harness import VERSION_IDS, VERSIONS, certificates, pattern, rows
from settings import pki

KEYS_IN, KEYS_OUT = 1, 2
ROWS = [(f"{version} {algorithm}", version, algorithm) for version in VERSIONS for algorithm in ("rsa", "ecdsa")]


def lines_of(path):
    return sorted(path.read_text().splitlines())


class Secrets(GoTest):
    def check_secrets(self, ours, theirs, version, algorithm):
        certificate = bytes.fromhex(certificates(f"{algorithm}/server-chain.pem")[0])
        self.assertEqual([len(theirs["exported"]), len(theirs["exporter_binding"])], [80, 64])
        self.expect(
            ours,
            version=VERSION_IDS[version],
            exported=theirs["exported"],
            exporter_binding=theirs["exporter_binding"],
            end_point_binding=hashlib.sha256(certificate).hexdigest(),
        )

    def check_key_log(self, ours, path, version):
        """Go writes no exporter secret, which ours has as well."""
        lines = [line for line in ours["events"] if not line.startswith("EXPORTER_SECRET ")]
        self.assertEqual(sorted(lines), lines_of(path))
        self.assertEqual(len(lines), 4 if version == "1.3" else 1)


class OurClient(Secrets):
    @rows(*ROWS)
    def test_secrets(self, version, algorithm):
        server = self.start_server(
            version=version, chain=pki(f"{algorithm}/server-chain.pem"), key=pki(f"{algorithm}/server.key")
        )
        data = pattern(100)
        client = self.our_client(server.port(), job="exchange", send=self.file_with(data), expect=len(data))
        self.check_secrets(client.report(), server.report(), version, algorithm)

    @rows(*((version, version) for version in VERSIONS))
    def test_key_log(self, version):
        path = self.directory / "keys"
        server = self.start_server(version=version, key_log=path)
        data = pattern(100)
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(data), expect=len(data), key_log=True
        )
        self.check_key_log(client.report(), path, version)


    def test_new_keys(self):
        """New keys of both, because we ask for them in the middle of the data."""
        server = self.start_server(version="1.3")
        data = pattern()
        saved = self.directory / "saved"
        client = self.our_client(
            server.port(),
            **{"job": "exchange", "send": self.file_with(data), "save": saved, "expect": len(data)},
            **{"new_keys": "100000", "events": "16"},
        )
        self.expect(client.report(), status="TLS_CLOSED", received=len(data), events=[KEYS_OUT, KEYS_IN])
        self.expect_same(saved.read_bytes(), data)
        self.expect_go(server.report(), error="", clean_end=True, received=len(data))


class OurServer(Secrets):
    def test_new_keys(self):
        server = self.our_server(new_keys="100000", events="16")
        data = pattern()
        saved = self.directory / "saved"
        client = self.start_client(server.port(), version="1.3", send=self.file_with(data), save=saved)
        self.expect_go(client.report(), error="", clean_end=True, received=len(data))
        self.expect(server.report(), status="TLS_CLOSED", sent=len(data), events=[KEYS_OUT, KEYS_IN])
        self.expect_same(saved.read_bytes(), data)

    @rows(*ROWS)
    def test_secrets(self, version, algorithm):
        server = self.our_server(chain=pki(f"{algorithm}/server-chain.pem"), key=pki(f"{algorithm}/server.key"))
        client = self.start_client(server.port(), version=version, send=self.file_with(pattern(100)))
        theirs = client.report()
        self.check_secrets(server.report(), theirs, version, algorithm)

    @rows(*((version, version) for version in VERSIONS))
    def test_key_log(self, version):
        path = self.directory / "keys"
        server = self.our_server(key_log=True)
        self.start_client(
            server.port(), version=version, send=self.file_with(pattern(100)), key_log=path
        ).report()
        self.check_key_log(server.report(), path, version)
