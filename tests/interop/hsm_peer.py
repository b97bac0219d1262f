"""A key that no file holds: it is made inside a SoftHSM2 token and never leaves it. Our end asks, the signer of
examples/hsm_signer lets the token sign in a process of its own, and OpenSSL's TLS is the peer that verifies."""

import os
import socket
import subprocess
from pathlib import Path

import patience
from external import ExternalEnd
from harness import VERSIONS, InteropTest, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer
from process import Process
from settings import pki, settings

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "1234"
SIGNER = Path(__file__).parents[2] / "examples/hsm_signer/sign.sh"
KEY_TYPES = {"rsa": "rsa:2048", "ecdsa": "EC:prime256v1", "ed25519": "EC:edwards25519"}


class Token:
    """A SoftHSM2 token with one key, and a certificate for it from the test PKI's root."""

    def __init__(self, directory, algorithm):
        self.directory = Path(directory)
        self.settings = {
            "SOFTHSM2_CONF": str(self.directory / "softhsm2.conf"),
            "SIGNER_MODULE": MODULE,
            "SIGNER_KEY": "01",
            "SIGNER_PIN": PIN,
        }
        (self.directory / "tokens").mkdir()
        (self.directory / "softhsm2.conf").write_text(f"directories.tokendir = {self.directory}/tokens\n")
        self.run("softhsm2-util", "--init-token", "--free", "--label", "tls", "--so-pin", PIN, "--pin", PIN)
        self.tool("--keypairgen", "--key-type", KEY_TYPES[algorithm], "--id", "01", "--label", "server")
        self.tool("--read-object", "--type", "pubkey", "--id", "01", "--output-file", self.path("public.key"))
        self.certify(algorithm)

    def path(self, name):
        return str(self.directory / name)

    def run(self, *command):
        environment = os.environ | self.settings
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=patience.SECONDS)

    def tool(self, *arguments):
        self.run("pkcs11-tool", "--module", MODULE, "--login", "--pin", PIN, *arguments)

    def certify(self, algorithm):
        # A request needs the key's signature; a certificate does not: the root puts the token's public key
        # into one that was asked for with another key.
        # OpenSSL tells DER from PEM; of pkcs11-tool it depends on the kind of key.
        self.run("openssl", "pkey", "-pubin", "-in", self.path("public.key"), "-out", self.path("public.pem"))
        self.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self.path("unused.key"), "-subj", "/CN=token", "-out", self.path("request.pem"))
        Path(self.path("extensions")).write_text(
            "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n"
            "subjectAltName = DNS:server.test\n"
        )
        self.run("openssl", "x509", "-req", "-in", self.path("request.pem"), "-force_pubkey",
                 self.path("public.pem"), "-CA", pki(f"{algorithm}/ca.pem"), "-CAkey", pki(f"{algorithm}/ca.key"),
                 "-set_serial", "77", "-days", "2", "-extfile", self.path("extensions"),
                 "-out", self.path("server.pem"))

    def sign(self, scheme, message):
        command = [SIGNER, f"0x{scheme:04x}"]
        environment = os.environ | self.settings
        return subprocess.run(
            command, input=message, env=environment, check=True, stdout=-1, timeout=patience.SECONDS
        ).stdout


ROWS = rows(*((f"{version} {algorithm}", version, algorithm) for version in VERSIONS for algorithm in KEY_TYPES))


class HardwareKey(InteropTest):
    """Our key is in a SoftHSM2 token."""

    def end(self, role, version, token):
        end = ExternalEnd(role, token.path("server.pem"), version, token.sign)
        self.addCleanup(end.free)
        return end

    @ROWS
    def test_server(self, version, algorithm):
        token = Token(self.directory, algorithm)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(patience.SECONDS)
            client = self.start(SClient(listener.getsockname()[1], VERSION_FLAGS[version]))
            transport, _ = listener.accept()
        server = self.end("server", version, token)
        client.write(b"hello\n").join()
        client.end_input()
        with transport:
            self.assertEqual(server.run(transport, echo=True), b"hello\n")
        client.finish()
        self.expect_text(client, "CN = token\n", "Verification: OK\n", "Verified peername: server.test\n")
        self.assertEqual(server.asked, 1)

    @ROWS
    def test_client(self, version, algorithm):
        if (version, algorithm) == ("1.2", "ed25519"):
            self.skipTest("pkcs11-tool gives a token at most 1024 bytes at once, and this message is the whole handshake")
        token = Token(self.directory, algorithm)
        verify = ("-Verify", "3", "-verify_return_error", "-CAfile", pki("trust/all.pem"))
        server = self.start(SServer(VERSION_FLAGS[version], *verify))
        client = self.end("client", version, token)
        with socket.create_connection(("127.0.0.1", server.port())) as transport:
            self.assertEqual(client.run(transport, send=b"hello\n", expect=6), b"olleh\n")
        server.finish()
        self.expect_text(server, "CN = token\n", "Verification: OK\n")
        self.assertEqual(client.asked, 1)

    @ROWS
    def test_example(self, version, algorithm):
        """The example itself: a server in C that lets the signer sign."""
        token = Token(self.directory, algorithm)
        program = settings.peer.with_name("hsm_server")
        words = (f"{name}={value}" for name, value in token.settings.items())
        server = self.start(Process("env", *words, program, token.path("server.pem"), SIGNER))
        port = int(server.wait_for(r"listening (\d+)\n").group(1))
        client = self.start(SClient(port, VERSION_FLAGS[version]))
        client.wait_for("signed by a key that is not here\n")
        client.finish()
        self.expect_text(client, "CN = token\n", "Verification: OK\n")
        self.assertEqual(server.finish(), 0)
        self.expect_text(server, ": yes\n", "ended: TLS_OK")
