"""What our server says of a ClientHello of GnuTLS, against the priorities that it was given."""

from gnutls_peer import GnutlsTest
from harness import VERSION_IDS, rows
from hello_facts import offered_by
from process import Process

# (label, version, priorities, suites, groups, schemes): GnuTLS offers what its priorities name, in their order.
OFFERS = (
    (
        "1.2",
        "1.2",
        "-KX-ALL:+ECDHE-ECDSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519"
        ":-SIGN-ALL:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA256",
        [0xC02C, 0xC02B],
        [0x0018, 0x001D],
        [0x0503, 0x0403],
    ),
    (
        "1.3",
        "1.3",
        "-CIPHER-ALL:+CHACHA20-POLY1305:+AES-128-GCM:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"
        ":-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-EDDSA-ED25519",
        [0x1303, 0x1301],
        [0x001D, 0x0017],
        [0x0804, 0x0807],
    ),
)
SCSV = 0x00FF


class ClientHello(GnutlsTest):
    @rows(*OFFERS)
    def test_offer(self, version, priorities, suites, groups, schemes):
        def start(port):
            return self.start(
                Process(
                    *("gnutls-cli", "--port", port, "127.0.0.1", "--insecure", "--sni-hostname", "a.name.test"),
                    *("--alpn", "h2", "--alpn", "http/1.1"),
                    *("--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}:{priorities}"),
                )
            )

        facts, client = offered_by(self, start)
        self.assertEqual([suite for suite in facts["suites"] if suite != SCSV], suites)
        self.assertEqual(facts["groups"], groups)
        self.assertEqual(facts["schemes"], schemes)
        self.assertEqual(facts["alpn"], ["h2", "http/1.1"])
        self.assertEqual(facts["sni"], "a.name.test")
        # A client of TLS 1.2 alone has no extension for versions: our server says which one it means.
        self.assertEqual(facts["versions"], [int(VERSION_IDS[version], 16)])
        client.wait_for(r"\[112\]")
