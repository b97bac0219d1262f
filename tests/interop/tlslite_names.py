"""Server names (SNI) that are none, from tlslite-ng, which sends whatever it is told to. That the handshake is done shows that
both sides have hashed the same ClientHello."""

from harness import VERSIONS, InteropTest, certificates, rows
from settings import pki
from tlslite_compression import LINE, Tlslite, identity


def content(*names, kind=0):
    """Of the extension, with these names."""
    entries = b"".join(bytes([kind]) + len(name).to_bytes(2, "big") + name for name in names)
    return (len(entries).to_bytes(2, "big") + entries).hex()


NAMES = (
    ("in brackets", content(b"[localhost]")),
    ("with a port", content(b"localhost:443")),
    ("an address", content(b"127.0.0.1")),
    ("not ASCII", content("ü.test".encode())),
    ("too long", content(b"a" * 300)),
    ("empty", content(b"")),
    ("two", content(b"one.test", b"two.test")),
    ("none of a host", content(b"a", kind=7)),
)
FORMS = (
    ("a context", {}),
    ("a question", {"ask_context": True}),
    ("two questions", {"ask_context": True, "verify": "ask", "verdict": "rules"}),
)


class Names(InteropTest):
    @rows(*((f"{version} {label}, {form}", version, name, options)
            for version in VERSIONS for label, name in NAMES for form, options in FORMS))
    def test_no_name(self, version, name, options):
        """With a certificate: in TLS 1.2 its signature is over the ClientHello itself."""
        server = self.our_server(
            chain=pki("rsa/server-chain.pem"), key=pki("rsa/server.key"),
            client_auth="required", trust=pki("rsa/ca.pem"), **options,
        )
        client = self.start(Tlslite(
            "client", "--port", server.port(), "--version", version, "--server-name", name, *identity("client")
        ))
        report = client.report()
        self.assertEqual((report["error"], report["line"]), ("", LINE.decode()))
        self.expect(server.report(), status="TLS_CLOSED", sni="", certificates=certificates("rsa/client-chain.pem"))
