"""What our server says of a ClientHello, against what `openssl s_client` was told to offer and prints of itself."""

import re
import socket
import ssl
from ctypes import c_int32, c_ssize_t, c_size_t, c_uint8, c_void_p

import patience
from harness import InteropTest, rows
from native import Connection, Library
from openssl_tools import VERSION_FLAGS, SClient
from settings import settings

FACTS = ("suites", "alpn", "groups", "versions", "schemes", "authorities", "raw")
UNRECOGNIZED_NAME = 112

# The signalling value that asks for nothing but safe renegotiation (RFC 5746): OpenSSL sends it always.
SCSV = 0x00FF

# (label, version, suites, groups, schemes, most bytes of a record)
OFFERS = (
    (
        *("1.2", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"),
        *("X25519:P-256", "RSA+SHA256:ECDSA+SHA256", 0),
    ),
    (
        *("1.3", "1.3", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"),
        *("P-384:X25519", "ecdsa_secp256r1_sha256:ed25519", 0),
    ),
    ("1.3 in several records", "1.3", "TLS_AES_128_GCM_SHA256", "X448:P-256", "rsa_pss_rsae_sha256", 512),
)
NUMBERS = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B,
    "ECDHE-RSA-AES256-GCM-SHA384": 0xC030,
    "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
    "TLS_AES_128_GCM_SHA256": 0x1301,
    "X25519": 0x001D,
    "X448": 0x001E,
    "P-256": 0x0017,
    "P-384": 0x0018,
    "RSA+SHA256": 0x0401,
    "ECDSA+SHA256": 0x0403,
    "ecdsa_secp256r1_sha256": 0x0403,
    "rsa_pss_rsae_sha256": 0x0804,
    "ed25519": 0x0807,
}


def wire_list(*numbers):
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def numbers(names):
    return [NUMBERS[name] for name in names.split(":")]


def names_of_subject(file):
    """The subject of a certificate in DER, behind its length: it is the last SEQUENCE before the public key's."""
    der = ssl.PEM_cert_to_DER_cert(settings.pki.joinpath(file).read_text())
    # Self-signed: issuer and subject are the same bytes, with the validity (two UTCTimes) between them.
    validity = re.search(rb"\x30\x1e\x17\x0d[0-9]{12}Z\x17\x0d[0-9]{12}Z", der)
    name = der[validity.end() : validity.end() + 2 + der[validity.end() + 1]]
    if der[validity.start() - len(name) : validity.start()] != name:
        raise AssertionError("a root whose issuer is not its subject")
    return len(name).to_bytes(2, "big") + name


class HelloLibrary(Library):
    """With the calls that give a ClientHello."""

    def __init__(self):
        super().__init__()
        for name in FACTS:
            self._declare(f"tls_hello_{name}", c_ssize_t, c_void_p, c_void_p, c_size_t)
        self._declare("tls_answer_refuse", c_int32, c_void_p, c_uint8)

    def _declare(self, name, result, *arguments):
        function = getattr(self.handle, name)
        function.restype = result
        function.argtypes = arguments
        setattr(self, name, function)


class ClientHello(InteropTest):
    def offered_by(self, *flags, **options):
        """What our server learns of s_client with these flags, and s_client after it was refused."""
        lib = HelloLibrary()
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        client = self.start(SClient(listener.getsockname()[1], "-msg", *flags, brief=False, **options))
        transport, _ = listener.accept()
        self.addCleanup(transport.close)
        transport.settimeout(patience.SECONDS)
        server = Connection(lib, lib.tls_server_new(None, None))
        self.addCleanup(server.free)
        received = 0
        while server.status() == "TLS_WANT_FEED":
            wire = transport.recv(100)
            received += len(wire)
            self.assertTrue(wire, "s_client ended before its ClientHello")
            self.assertEqual(server.feed(wire), len(wire))
        self.assertEqual(server.status(), "TLS_ASK_CONTEXT")
        facts = {name: server._copied_out(getattr(lib, f"tls_hello_{name}")) for name in FACTS}
        facts["sni"] = server.sni()
        # One record has one header of 5 bytes, which is not of the message.
        facts["in_one_record"] = received == len(facts["raw"]) + 5
        self.assertEqual(lib.tls_answer_refuse(server.handle, UNRECOGNIZED_NAME), 0)
        transport.sendall(server.drain(100))
        client.finish()
        return facts, client

    def printed_hello(self, client):
        """The message as s_client printed it: lines of hexadecimal below a title."""
        title = r">>> [^\n]*Handshake \[length ([0-9a-f]+)\], ClientHello\n"
        found = re.search(title + r"((?: +[0-9a-f ]+\n)+)", client.text())
        self.assertTrue(found, "s_client printed no ClientHello")
        message = bytes.fromhex(found[2])
        self.assertEqual(len(message), int(found[1], 16))
        return message

    @rows(*OFFERS)
    def test_offer(self, version, suites, groups, schemes, record):
        protocols = "h2," + ",".join(f"protocol-{i:03}" for i in range(40))
        facts, client = self.offered_by(
            *(VERSION_FLAGS[version], "-cipher" if version == "1.2" else "-ciphersuites", suites),
            *("-groups", groups, "-sigalgs", schemes, "-alpn", protocols),
            *(("-max_send_frag", str(record)) if record else ()),
        )
        self.assertEqual(facts["raw"], self.printed_hello(client))
        self.assertEqual(facts["in_one_record"], not record)
        self.assertEqual(facts["suites"], wire_list(*numbers(suites), SCSV))
        self.assertEqual(facts["groups"], wire_list(*numbers(groups)))
        self.assertEqual(facts["schemes"], wire_list(*numbers(schemes)))
        self.assertEqual(facts["versions"], wire_list({"1.2": 0x0303, "1.3": 0x0304}[version]))
        listed = b"".join(bytes([len(name)]) + name.encode() for name in protocols.split(","))
        self.assertEqual(facts["alpn"], listed)
        self.assertEqual(facts["authorities"], b"")
        self.assertEqual(facts["sni"], "server.test")
        self.expect_text(client, f"SSL alert number {UNRECOGNIZED_NAME}")

    def test_authorities(self):
        files = ("rsa/ca.pem", "ecdsa/ca.pem")
        both = self.file_with(b"".join(settings.pki.joinpath(name).read_bytes() for name in files), "both.pem")
        facts, client = self.offered_by("-tls1_3", "-requestCAfile", both)
        self.assertEqual(facts["authorities"], b"".join(map(names_of_subject, files)))
        self.assertEqual(facts["raw"], self.printed_hello(client))

    def test_both_versions_without_alpn(self):
        facts, client = self.offered_by("-min_protocol", "TLSv1.2", name=None)
        self.assertEqual(facts["versions"], wire_list(0x0304, 0x0303))
        self.assertEqual(facts["alpn"], b"")
        self.assertEqual(facts["sni"], "")
        self.assertEqual(facts["raw"], self.printed_hello(client))
