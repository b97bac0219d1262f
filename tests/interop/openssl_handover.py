"""The handshake is ours, the records after it are a test's own (records.py), the peer is OpenSSL: whether the traffic
secrets and sequence numbers are the right ones."""

import contextlib
import socket
from ctypes import POINTER, byref, c_int32, c_size_t, c_uint16, c_void_p

import patience
import records
from harness import InteropTest, rows
from native import Connection, Error, Library, Refused
from openssl_tools import SUITES, SClient, SServer, identity, suite_flag
from records import ALERT, DATA, HANDSHAKE, Direction, Secret
from settings import pki

CASES = [(f"{version} {name}", version, int(number, 16), name, algorithm) for version, number, name, algorithm in SUITES]


class Handover(InteropTest):
    def setUp(self):
        super().setUp()
        if records.MISSING:
            self.skipTest(records.MISSING)
        self.lib = Library()
        for name, *arguments in (
            ("tls_builder_suites", c_void_p, POINTER(c_uint16), c_size_t),
            ("tls_builder_secret_extraction", c_void_p, c_int32),
            ("tls_secrets_take", c_void_p, POINTER(Secret), POINTER(Secret), POINTER(Error)),
        ):
            function = getattr(self.lib.handle, name)
            function.restype, function.argtypes = c_int32, arguments
            setattr(self.lib, name, function)

    def connection(self, server, suite, algorithm):
        lib, error = self.lib, Error()
        builder = lib.tls_builder_new()
        if server:
            chain, key = pki(f"{algorithm}/server-chain.pem"), pki(f"{algorithm}/server.key")
            status = lib.tls_builder_identity_file(builder, chain.encode(), key.encode())
        else:
            status = lib.tls_builder_trust_file(builder, pki(f"{algorithm}/ca.pem").encode())
        status |= lib.tls_builder_suites(builder, byref(c_uint16(suite)), 1)
        status |= lib.tls_builder_secret_extraction(builder, 1)
        context = (lib.tls_context_server if server else lib.tls_context_client)(builder, byref(error))
        lib.tls_builder_free(builder)
        if status or not context:
            raise Refused(f"{status}: {error.message.decode()}")
        if server:
            handle = lib.tls_server_new(context, byref(error))
        else:
            handle = lib.tls_client_new(context, b"server.test", byref(error))
        lib.tls_context_free(context)
        if not handle:
            raise Refused(error.message.decode())
        connection = Connection(lib, handle)
        self.addCleanup(connection.free)
        return connection

    def hand_over(self, connection, sock):
        """Does the handshake record by record, so that nothing of what follows is taken; then takes the secrets."""
        while True:
            status = connection.status()
            while wire := connection.drain(16384):
                sock.sendall(wire)
            if status == "TLS_OK":
                break
            self.assertEqual(status, "TLS_WANT_FEED", connection.error().message)
            connection.feed(records.receive_record(sock))
        receive, send, error = Secret(), Secret(), Error()
        taken = self.lib.tls_secrets_take(connection.handle, byref(receive), byref(send), byref(error))
        self.assertEqual(taken, 0, error.message)
        self.assertEqual(connection.state(), self.lib.TLS_HANDED_OVER)
        return Direction(receive), Direction(send)

    def read(self, direction, sock, length):
        plain = b""
        while len(plain) < length:
            kind, content = direction.open(records.receive_record(sock))
            self.assertIn(kind, (DATA, HANDSHAKE))
            plain += content if kind == DATA else b""
        return plain

    def close(self, send, receive, sock):
        sock.sendall(send.seal(ALERT, b"\x01\x00"))
        with contextlib.suppress(EOFError):
            kind, content = receive.open(records.receive_record(sock))
            self.assertEqual((kind, content), (ALERT, b"\x01\x00"))


class OurClient(Handover):
    @rows(*CASES)
    def test_handover(self, version, suite, name, algorithm):
        server = self.start(SServer(*suite_flag(version, name), server_identity=identity("server", algorithm)))
        with socket.create_connection(("127.0.0.1", server.port()), timeout=patience.SECONDS) as sock:
            receive, send = self.hand_over(self.connection(False, suite, algorithm), sock)
            for line in (b"first", b"second", b"x" * 10000):
                sock.sendall(send.seal(DATA, line + b"\n"))
                self.expect_same(self.read(receive, sock, len(line) + 1), line[::-1] + b"\n")
            self.close(send, receive, sock)
        self.assertEqual(server.finish(), 0)


class OurServer(Handover):
    @rows(*CASES)
    def test_handover(self, version, suite, name, algorithm):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(patience.SECONDS)
            client = self.start(SClient(listening.getsockname()[1]))
            sock, _ = listening.accept()
        with sock:
            sock.settimeout(patience.SECONDS)
            receive, send = self.hand_over(self.connection(True, suite, algorithm), sock)
            for line in (b"from the client\n", b"and again\n"):
                client.write(line).join()
                self.assertEqual(self.read(receive, sock, len(line)), line)
                sock.sendall(send.seal(DATA, b"answer to " + line))
                client.wait_for("answer to " + line.decode())
            self.close(send, receive, sock)
        client.finish()
