"""Compressed certificates (RFC 8879) with tlslite-ng, which says of both chains how they came."""

import json
from pathlib import Path

from harness import InteropTest, certificates, rows
from process import Process
from settings import pki, settings

LINE = b"one line\n"

# What each side can do, in its order of preference, and what comes of it.
CHOICES = [
    ("zlib", "zlib", "zlib", "zlib"),
    ("brotli", "brotli", "brotli", "brotli"),
    ("both, zlib first here", "zlib,brotli", "zlib,brotli", "zlib"),
    ("both, brotli first here", "brotli,zlib", "brotli,zlib", "brotli"),
    ("nothing in common", "zlib", "brotli", None),
    ("nothing here", None, "zlib,brotli", None),
    ("nothing there", "zlib,brotli", None, None),
]
# Both forms of our engine: the second one asks about the peer's certificate.
FORMS = (("", {}), (", asked", {"verify": "ask", "verdict": "rules"}))


class Tlslite(Process):
    def __init__(self, role, *flags):
        program = Path(__file__).with_name("tlslite") / "peer.py"
        super().__init__(settings.tlslite_python, program, role, *flags)

    def port(self):
        return int(self.wait_for(r"listening (\d+)\n").group(1))

    def report(self):
        if self.finish() != 0:
            raise AssertionError(f"the tlslite program failed: {self.err()}")
        return json.loads(self.out().decode().splitlines()[-1])


def identity(role):
    return "--chain", pki(f"rsa/{role}-chain.pem"), "--key", pki(f"rsa/{role}.key")


def compress(algorithms):
    return ("--compress", algorithms) if algorithms else ()


class Compression(InteropTest):
    def expect_theirs(self, report, algorithm, client):
        facts = {"error": "", "line": LINE.decode(), "server": algorithm, "client": algorithm if client else None}
        self.assertEqual({name: report[name] for name in facts}, facts)

    @rows(*((f"{label}{form}", ours, theirs, used, options)
            for label, ours, theirs, used in CHOICES for form, options in FORMS))
    def test_our_server(self, ours, theirs, used, options):
        server = self.our_server(
            chain=pki("rsa/server-chain.pem"), key=pki("rsa/server.key"), compress=ours,
            client_auth="required", trust=pki("rsa/ca.pem"), **options,
        )
        client = self.start(Tlslite("client", "--port", server.port(), *identity("client"), *compress(theirs)))
        theirs = client.report()
        self.expect_theirs(theirs, used, client=True)
        self.assertEqual(theirs["server_chain"], certificates("rsa/server-chain.pem"))
        self.expect(server.report(), status="TLS_CLOSED", certificates=certificates("rsa/client-chain.pem"))

    @rows(*((f"{label}{form}", ours, theirs, used, options)
            for label, ours, theirs, used in CHOICES for form, options in FORMS))
    def test_our_client(self, ours, theirs, used, options):
        # Without algorithms its request for a certificate has an empty list of them, which is not allowed.
        ask = ("--ask",) if theirs else ()
        server = self.start(Tlslite("server", *ask, *identity("server"), *compress(theirs)))
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(LINE), expect=len(LINE), compress=ours,
            chain=pki("rsa/client-chain.pem"), key=pki("rsa/client.key"), **options,
        )
        ours = client.report()
        self.expect(ours, status="TLS_CLOSED", received=len(LINE), certificates=certificates("rsa/server-chain.pem"))
        theirs = server.report()
        self.expect_theirs(theirs, used, client=True)
        self.assertEqual(theirs["client_chain"], certificates("rsa/client-chain.pem") if ask else [])

    @rows(*((f"{algorithm}, {lie}{form}", algorithm, lie, options)
            for algorithm in ("zlib", "brotli") for lie in ("length", "stream", "garbage") for form, options in FORMS))
    def test_lying_server(self, algorithm, lie, options):
        server = self.start(Tlslite("server", *identity("server"), *compress(algorithm), "--lie", lie))
        client = self.our_client(server.port(), job="exchange", expect="1", compress=algorithm, **options)
        report = client.report()
        self.expect(report, status="TLS_ERR_PEER", certificates=[], received=0)
        # Ten megabytes of zeros are short on the wire, and nothing is decompressed of more than is allowed.
        self.assertIn("65536" if lie == "length" else "a compressed certificate", report["message"])
        self.assertNotEqual(server.report()["error"], "")

    @rows(*((f"{algorithm}, {lie}", algorithm, lie)
            for algorithm in ("zlib", "brotli") for lie in ("length", "stream", "garbage")))
    def test_lying_client(self, algorithm, lie):
        server = self.our_server(client_auth="required", trust=pki("rsa/ca.pem"), compress=algorithm)
        client = self.start(Tlslite(
            "client", "--port", server.port(), *identity("client"), *compress(algorithm), "--lie", lie
        ))
        client.report()
        self.expect(server.report(), status="TLS_ERR_PEER", certificates=[], received=0)
