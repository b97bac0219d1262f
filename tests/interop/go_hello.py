"""What our server says of a ClientHello of Go, against what Go was told to offer."""

from go_peer import GoTest
from harness import P256, P384, VERSION_IDS, VERSIONS, X25519, rows
from hello_facts import offered_by

# Go does not let the order of groups be chosen, nor suites of TLS 1.3.
GROUPS = (X25519, P256, P384)
ALWAYS_SUITES = {"1.2": {0xC02B, 0xC02F, 0xCCA9}, "1.3": {0x1301, 0x1302, 0x1303}}
ALWAYS_SCHEMES = {0x0403, 0x0804, 0x0807}


class ClientHello(GoTest):
    @rows(*((version, version) for version in VERSIONS))
    def test_offer(self, version):
        protocols = [f"protocol-{number}" for number in range(30)]
        facts, client = offered_by(
            self,
            lambda port: self.start_client(
                port, version=version, groups=",".join(GROUPS), alpn=",".join(protocols), name="a.name.test"
            ),
        )
        self.assertEqual(facts["alpn"], protocols)
        self.assertEqual(facts["sni"], "a.name.test")
        self.assertEqual(facts["versions"], [int(VERSION_IDS[version], 16)])
        self.assertEqual(set(facts["groups"]), {int(group, 16) for group in GROUPS})
        self.assertLessEqual(ALWAYS_SUITES[version], set(facts["suites"]))
        self.assertLessEqual(ALWAYS_SCHEMES, set(facts["schemes"]))
        self.assertIn("unrecognized name", client.report()["error"])

    def test_both_versions(self):
        facts, _ = offered_by(self, self.start_client)
        self.assertEqual(facts["versions"], [0x0304, 0x0303])
        self.assertEqual(facts["alpn"], [])
        self.assertLessEqual(ALWAYS_SUITES["1.2"] | ALWAYS_SUITES["1.3"], set(facts["suites"]))
