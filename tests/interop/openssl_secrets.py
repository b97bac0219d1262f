"""What both ends derive from a connection, compared with `openssl s_server` and `openssl s_client`."""

import hashlib

from harness import VERSION_IDS, InteropTest, certificates, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer, identity
from settings import pki

EXPORT = ("-keymatexport", "EXPERIMENTAL-tlsbio", "-keymatexportlen", "40")

# (label, version, algorithm): the binding by certificate is not defined for Ed25519.
CASES = [
    (f"{version} {algorithm}", version, algorithm)
    for version in ("1.2", "1.3")
    for algorithm in ("rsa", "ecdsa", "ed25519")
]


class Secrets(InteropTest):
    def check(self, report, theirs, version, algorithm):
        material = theirs.wait_for(r"Keying material: ([0-9A-F]+)\n").group(1).lower()
        certificate = bytes.fromhex(certificates(f"{algorithm}/server-chain.pem")[0])
        end_point = "" if algorithm == "ed25519" else hashlib.sha256(certificate).hexdigest()
        self.expect(report, version=VERSION_IDS[version], exported=material, end_point_binding=end_point)
        self.assertEqual(len(report["exporter_binding"]), 64)
        self.assertEqual(len(material), 80)


class OurClient(Secrets):
    @rows(*CASES)
    def test_secrets(self, version, algorithm):
        flags = (VERSION_FLAGS[version], *EXPORT)
        server = self.start(SServer(*flags, mode=(), server_identity=identity("server", algorithm)))
        client = self.our_client(server.port(), job="echo", trust=pki(f"{algorithm}/ca.pem"))
        server.wait_for("Keying material: ")
        server.write(b"Q\n").join()
        self.check(client.report(), server, version, algorithm)


class OurServer(Secrets):
    @rows(*CASES)
    def test_secrets(self, version, algorithm):
        server = self.our_server(
            chain=pki(f"{algorithm}/server-chain.pem"), key=pki(f"{algorithm}/server.key")
        )
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *EXPORT, brief=False))
        client.wait_for("Keying material: ")
        client.finish()
        self.check(server.report(), client, version, algorithm)
