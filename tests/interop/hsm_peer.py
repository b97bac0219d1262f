"""A key that no file holds: it is made inside a SoftHSM2 token and never leaves it. The server asks, pkcs11-tool
signs in a process of its own, and Python's ssl module is the client that verifies."""

import os
import subprocess
import tempfile
from ctypes import byref, create_string_buffer
from pathlib import Path

from harness import VERSION_IDS, VERSIONS, InteropTest, rows
from native import Connection, Error, Library, Refused
from pyssl_peer import PythonEnd, python_context
from settings import pki

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "1234"

# TLS SignatureScheme: the digest of the message, and how the token is told to sign it.
SCHEMES = {
    0x0403: ("sha256", ["--mechanism", "ECDSA", "--signature-format", "openssl"]),
    0x0804: ("sha256", ["--mechanism", "RSA-PKCS-PSS", "--hash-algorithm", "SHA256", "--mgf", "MGF1-SHA256"]),
    0x0805: ("sha384", ["--mechanism", "RSA-PKCS-PSS", "--hash-algorithm", "SHA384", "--mgf", "MGF1-SHA384"]),
    0x0806: ("sha512", ["--mechanism", "RSA-PKCS-PSS", "--hash-algorithm", "SHA512", "--mgf", "MGF1-SHA512"]),
}


class Token:
    """A SoftHSM2 token with one key, and a certificate for it from the test PKI's root."""

    def __init__(self, directory, algorithm):
        self.directory = Path(directory)
        self.environment = {**os.environ, "SOFTHSM2_CONF": str(self.directory / "softhsm2.conf")}
        (self.directory / "tokens").mkdir()
        (self.directory / "softhsm2.conf").write_text(f"directories.tokendir = {self.directory}/tokens\n")
        self.run("softhsm2-util", "--init-token", "--free", "--label", "tls", "--so-pin", PIN, "--pin", PIN)
        kind = {"rsa": "rsa:2048", "ecdsa": "EC:prime256v1"}[algorithm]
        self.tool("--keypairgen", "--key-type", kind, "--id", "01", "--label", "server")
        self.tool("--read-object", "--type", "pubkey", "--id", "01", "--output-file", self.path("public.der"))
        self.certify(algorithm)

    def path(self, name):
        return str(self.directory / name)

    def run(self, *command):
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=30)

    def tool(self, *arguments):
        self.run("pkcs11-tool", "--module", MODULE, "--login", "--pin", PIN, *arguments)

    def certify(self, algorithm):
        # A request needs the key's signature; a certificate does not: the root puts the token's public key
        # into one that was asked for with another key.
        self.run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", self.path("public.der"),
                 "-out", self.path("public.pem"))
        self.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self.path("unused.key"), "-subj", "/CN=token", "-out", self.path("request.pem"))
        Path(self.path("extensions")).write_text(
            "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n"
            "subjectAltName = DNS:server.test\n")
        self.run("openssl", "x509", "-req", "-in", self.path("request.pem"), "-force_pubkey",
                 self.path("public.pem"), "-CA", pki(f"{algorithm}/ca.pem"), "-CAkey", pki(f"{algorithm}/ca.key"),
                 "-set_serial", "77", "-days", "2", "-extfile", self.path("extensions"),
                 "-out", self.path("server.pem"))

    def sign(self, scheme, message):
        digest, mechanism = SCHEMES[scheme]
        Path(self.path("message")).write_bytes(message)
        self.run("openssl", "dgst", f"-{digest}", "-binary", "-out", self.path("digest"), self.path("message"))
        self.tool("--sign", "--id", "01", *mechanism, "--input-file", self.path("digest"),
                  "--output-file", self.path("signature"))
        return Path(self.path("signature")).read_bytes()


def external_server(lib, chain, version):
    """A server connection that has a certificate and no key."""
    builder = lib.tls_builder_new()
    pem = Path(chain).read_bytes()
    error = Error()
    try:
        statuses = [
            lib.tls_builder_identity_external(builder, pem, len(pem)),
            lib.tls_builder_versions(builder, version, version),
        ]
        if any(statuses):
            lib.tls_builder_error(builder, byref(error))
            raise Refused(error.message.decode())
        context = lib.tls_context_server(builder, byref(error))
    finally:
        lib.tls_builder_free(builder)
    if not context:
        raise Refused(error.message.decode())
    connection = Connection(lib, lib.tls_server_new(context, byref(error)))
    lib.tls_context_free(context)
    return connection


def blob(call, *arguments):
    buffer = create_string_buffer(call(*arguments, None, 0))
    call(*arguments, buffer, len(buffer))
    return buffer.raw


class HardwareKey(InteropTest):
    """The server's key is in a SoftHSM2 token."""

    def exchange(self, lib, server, client, token):
        """Runs the handshake and an echo; how often a signature was asked for."""
        asked, request, answer = 0, b"from Python", b""
        wrote = False
        for _ in range(50):
            if not client.done:
                client.handshake()
            if client.done and not wrote:
                client.tls.write(request)
                wrote = True
            wire = client.outgoing.read()
            if wire:
                self.assertEqual(lib.tls_feed(server.handle, wire, len(wire)), len(wire))
            status = lib.tls_advance(server.handle)
            if status == lib.TLS_ASK_SIGN:
                asked += 1
                message = blob(lib.tls_sign_message, server.handle)
                signature = token.sign(lib.tls_sign_scheme(server.handle), message)
                self.assertEqual(lib.tls_answer_sign(server.handle, signature, len(signature)), lib.TLS_OK)
                status = lib.tls_advance(server.handle)
            plain = create_string_buffer(100)
            length = lib.tls_read_into(server.handle, plain, len(plain)) if status == lib.TLS_OK else 0
            if length > 0:
                self.assertEqual(lib.tls_write_from(server.handle, plain, length), length)
            out = create_string_buffer(70000)
            drained = lib.tls_drain_into(server.handle, out, len(out))
            client.incoming.write(out.raw[:drained])
            if client.done:
                answer += client.read(100) or b""
            if answer == request:
                return asked
        self.fail("the echo never came")

    @rows(*((f"{version} {algorithm}", version, algorithm) for version in VERSIONS for algorithm in ("ecdsa", "rsa")))
    def test_signed_in_a_token(self, version, algorithm):
        lib = Library()
        with tempfile.TemporaryDirectory() as directory:
            token = Token(directory, algorithm)
            server = external_server(lib, token.path("server.pem"), int(VERSION_IDS[version], 16))
            client = PythonEnd(python_context(server=False, version=version), server=False)
            try:
                self.assertEqual(self.exchange(lib, server, client, token), 1)
                self.assertEqual(client.tls.getpeercert()["subjectAltName"], (("DNS", "server.test"),))
            finally:
                server.free()
