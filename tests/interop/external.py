"""Our end with a key that it does not have: `openssl` signs what it asks for, in a process of its own. And the tests of
it, as far as they are the same for every peer."""

import socket
import subprocess
from ctypes import byref
from pathlib import Path

import patience
from harness import ALGORITHMS, VERSION_IDS, VERSIONS, InteropTest, rows
from native import Connection, Error, Library, Refused
from settings import pki

# TLS SignatureScheme: the digest, and what `openssl dgst` is told besides. Ed25519 hashes for itself.
PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
SCHEMES = {
    0x0403: ("sha256", ()),
    0x0401: ("sha256", ()),
    0x0501: ("sha384", ()),
    0x0601: ("sha512", ()),
    0x0804: ("sha256", PSS),
    0x0805: ("sha384", PSS),
    0x0806: ("sha512", PSS),
    0x0807: (None, ()),
}


def sign(scheme, key, message, directory):
    path = Path(directory, "to-sign")
    path.write_bytes(message)
    digest, options = SCHEMES[scheme]
    if digest:
        command = ["openssl", "dgst", f"-{digest}", *options, "-sign", key, path]
    else:
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", path]
    return subprocess.run(command, check=True, capture_output=True, timeout=patience.SECONDS).stdout


class ExternalEnd:
    """One connection over a blocking socket, whose certificate is known to the library, and whose key is not."""

    def __init__(self, role, chain, version, sign):
        """`sign(scheme, message)` answers the signature."""
        self.lib = Library()
        self.sign = sign
        self.asked = 0
        builder = self.lib.tls_builder_new()
        pem = Path(chain).read_bytes()
        number = int(VERSION_IDS[version], 16)
        error = Error()
        statuses = [
            self.lib.tls_builder_identity_external(builder, pem, len(pem)),
            self.lib.tls_builder_versions(builder, number, number),
            self.lib.tls_builder_trust_file(builder, pki("trust/all.pem").encode()),
        ]
        server = role == "server"
        make = self.lib.tls_context_server if server else self.lib.tls_context_client
        context = make(builder, byref(error))
        self.lib.tls_builder_free(builder)
        if any(statuses) or not context:
            raise Refused(error.message.decode())
        handle = (
            self.lib.tls_server_new(context, byref(error))
            if server
            else self.lib.tls_client_new(context, b"server.test", byref(error))
        )
        self.lib.tls_context_free(context)
        self.connection = Connection(self.lib, handle)

    def _answer(self):
        message = self.connection._copied_out(self.lib.tls_sign_message)
        scheme = self.lib.tls_sign_scheme(self.connection.handle)
        signature = self.sign(scheme, message)
        status = self.lib.tls_answer_sign(self.connection.handle, signature, len(signature))
        if status != 0:
            raise AssertionError(f"scheme 0x{scheme:04x}: {self.lib.tls_status_name(status).decode()}")
        self.asked += 1

    def run(self, transport, send=b"", echo=False, expect=None):
        """All that came, until the peer has closed its direction or the connection has failed. Our direction is
        closed after `expect` bytes, or after the peer's."""
        transport.settimeout(patience.SECONDS)
        lib, connection, got = self.lib, self.connection, b""
        closed = False
        while True:
            state = connection.state()
            if state & lib.TLS_ASKING:
                self._answer()
            elif state & lib.TLS_CAN_READ:
                plain = connection.read(20000)
                if isinstance(plain, str):
                    continue  # A status: the next round sees it.
                got += plain
                if echo:
                    send += plain
            elif state & lib.TLS_CAN_WRITE and send:
                send = send[connection.write(send) :]
            elif state & lib.TLS_CAN_DRAIN:
                try:
                    transport.sendall(connection.drain(70000))
                except OSError:
                    connection.feed_eof()
            elif not closed and (state & lib.TLS_PEER_CLOSED or (expect is not None and len(got) == expect)):
                connection.close_notify()
                closed = True
            elif state & lib.TLS_CAN_FEED:
                try:
                    wire = transport.recv(20000)
                except ConnectionError:
                    wire = b""
                connection.feed(wire) if wire else connection.feed_eof()
            else:
                return got

    def free(self):
        self.connection.free()


SIGNATURE_WRONG = 506
EXTERNAL_KEYS = rows(*((f"{version} {key}", version, key) for version in VERSIONS for key in ALGORITHMS))


class ExternalKeyTest(InteropTest):
    """A peer makes its end of each connection; here is ours."""

    def as_server(self, version, algorithm, start_client, key=None):
        """Echoes what the client sends that `start_client(port)` makes; answers a function that waits for all of it.
        A key that is not the certificate's makes a signature that the library does not take."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(patience.SECONDS)
            client = start_client(listener.getsockname()[1])
            transport, _ = listener.accept()
        return client, lambda: self._run("server", version, algorithm, transport, key, echo=True)

    def as_client(self, version, algorithm, port, data):
        """Sends the data to an echo server, and answers what came back."""
        transport = socket.create_connection(("127.0.0.1", port))
        return self._run("client", version, algorithm, transport, None, send=data, expect=len(data))

    def _run(self, role, version, algorithm, transport, key, **conversation):
        signer = pki(key or f"{algorithm}/{role}.key")
        end = ExternalEnd(
            role,
            pki(f"{algorithm}/{role}-chain.pem"),
            version,
            lambda scheme, message: sign(scheme, signer, message, self.directory),
        )
        self.addCleanup(end.free)
        with transport:
            got = end.run(transport, **conversation)
        self.assertEqual(end.asked, 1)
        failure = end.connection.error()
        self.assertEqual((failure.reason, failure.alert_sent), (SIGNATURE_WRONG, 40) if key else (0, -1))
        return got
