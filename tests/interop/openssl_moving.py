"""A connection moves from context to context while it talks with OpenSSL: after each move, and with new keys that either
side asks for, it goes on."""

import ctypes
import socket
from ctypes import POINTER, byref, c_int32, c_size_t, c_ssize_t, c_uint16, c_void_p

import patience
from harness import InteropTest, rows
from native import Connection, Error, Library, Refused
from openssl_tools import SUITES, SClient, SServer, identity, suite_flag
from settings import pki

CASES = [(f"{version} {name}", version, int(number, 16), name, algorithm) for version, number, name, algorithm in SUITES]
KEY = bytes(range(32))


class Moving(InteropTest):
    def setUp(self):
        super().setUp()
        self.lib = Library()
        for name, result, *arguments in (
            ("tls_builder_suites", c_int32, c_void_p, POINTER(c_uint16), c_size_t),
            ("tls_key_update", c_int32, c_void_p),
            ("tls_conn_export", c_ssize_t, c_void_p, c_void_p, c_void_p, c_size_t, POINTER(Error)),
            ("tls_conn_import", c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, POINTER(Error)),
        ):
            function = getattr(self.lib.handle, name)
            function.restype, function.argtypes = result, arguments
            setattr(self.lib, name, function)

    def start_with(self, sock, server, suite, algorithm):
        """A connection whose handshake is done."""
        lib, error = self.lib, Error()
        builder = lib.tls_builder_new()
        if server:
            chain, key = pki(f"{algorithm}/server-chain.pem"), pki(f"{algorithm}/server.key")
            status = lib.tls_builder_identity_file(builder, chain.encode(), key.encode())
        else:
            status = lib.tls_builder_trust_file(builder, pki(f"{algorithm}/ca.pem").encode())
        status |= lib.tls_builder_suites(builder, byref(c_uint16(suite)), 1)
        self.context = (lib.tls_context_server if server else lib.tls_context_client)(builder, byref(error))
        lib.tls_builder_free(builder)
        if status or not self.context:
            raise Refused(f"{status}: {error.message.decode()}")
        self.addCleanup(lib.tls_context_free, self.context)
        if server:
            handle = lib.tls_server_new(self.context, byref(error))
        else:
            handle = lib.tls_client_new(self.context, b"server.test", byref(error))
        connection = Connection(lib, handle)
        while (status := connection.status()) != "TLS_OK":
            self.assertEqual(status, "TLS_WANT_FEED", connection.error().message)
            self.send_queued(sock, connection)
            self.feed_from(sock, connection)
        self.send_queued(sock, connection)
        return connection

    def moved(self, connection):
        error = Error()
        size = self.lib.tls_conn_export(connection.handle, KEY, None, 0, byref(error))
        self.assertGreater(size, 0, error.message)
        blob = ctypes.create_string_buffer(size)
        self.assertEqual(self.lib.tls_conn_export(connection.handle, KEY, blob, size, byref(error)), size)
        connection.free()
        handle = self.lib.tls_conn_import(self.context, blob, size, KEY, byref(error))
        if not handle:
            raise Refused(error.message.decode())
        return Connection(self.lib, handle)

    def feed_from(self, sock, connection):
        wire = sock.recv(1000)
        self.assertTrue(wire, "the peer has closed the socket")
        connection.feed(wire)

    def send_queued(self, sock, connection):
        while wire := connection.drain(16384):
            sock.sendall(wire)

    def read(self, sock, connection, length):
        """Moves with each piece that comes, wherever it is cut."""
        plain = b""
        while len(plain) < length:
            got = connection.read(length - len(plain))
            if isinstance(got, bytes):
                plain += got
                continue
            self.assertEqual(got, "TLS_WANT_FEED", connection.error().message)
            self.send_queued(sock, connection)
            connection = self.moved(connection)
            self.feed_from(sock, connection)
        return connection, plain

    def write(self, sock, connection, plain):
        """Moves with all that is queued."""
        while plain:
            taken = connection.write(plain)
            self.assertIsInstance(taken, int, connection.error().message)
            plain = plain[taken:]
            connection = self.moved(connection)
            self.send_queued(sock, connection)
        return connection

    def update_keys(self, sock, connection, version):
        if version == "1.3":
            self.assertEqual(self.lib.tls_key_update(connection.handle), 0)
        connection = self.moved(connection)
        self.send_queued(sock, connection)
        return connection

    def end(self, sock, connection):
        self.assertEqual(connection.close_notify(), "TLS_OK")
        self.send_queued(sock, connection)
        connection.free()


class OurClient(Moving):
    @rows(*CASES)
    def test_moves(self, version, suite, name, algorithm):
        server = self.start(SServer(*suite_flag(version, name), server_identity=identity("server", algorithm)))
        with socket.create_connection(("127.0.0.1", server.port()), timeout=patience.SECONDS) as sock:
            connection = self.moved(self.start_with(sock, False, suite, algorithm))
            # s_server takes a KeyUpdate inside of a line for its end.
            for line in (b"first", b"x" * 10000, b"last"):
                connection = self.update_keys(sock, connection, version)
                connection = self.write(sock, connection, line + b"\n")
                connection, back = self.read(sock, connection, len(line) + 1)
                self.expect_same(back, line[::-1] + b"\n")
            self.end(sock, connection)
        self.assertEqual(server.finish(), 0)

    def test_new_keys_of_the_server(self):
        server = self.start(SServer("-tls1_3", mode=()))
        with socket.create_connection(("127.0.0.1", server.port()), timeout=patience.SECONDS) as sock:
            connection = self.start_with(sock, False, 0x1302, "ecdsa")
            for number in range(3):
                server.write(b"K\n").join()
                # What is written in one piece with a command is lost to s_server, and what comes may be tickets still.
                server.wait_for(rf"(?s)(SSL_do_handshake -> 1.*){{{number + 1}}}")
                self.feed_from(sock, connection)
                self.assertEqual(connection.status(), "TLS_OK")
                connection = self.moved(connection)
                server.write(f"after {number}\n".encode()).join()
                connection, line = self.read(sock, connection, 8)
                self.assertEqual(line, f"after {number}\n".encode())
                connection = self.write(sock, connection, f"answer {number}\n".encode())
                server.wait_for(f"answer {number}\n")
            server.write(b"Q\n").join()
            self.end(sock, connection)


class OurServer(Moving):
    @rows(*CASES)
    def test_moves(self, version, suite, name, algorithm):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(patience.SECONDS)
            client = self.start(SClient(listening.getsockname()[1]))
            sock, _ = listening.accept()
        with sock:
            sock.settimeout(patience.SECONDS)
            connection = self.moved(self.start_with(sock, True, suite, algorithm))
            for line in (b"from the client\n", b"y" * 20000 + b"\n", b"and again\n"):
                client.write(line).join()
                connection, got = self.read(sock, connection, len(line))
                self.expect_same(got, line)
                connection = self.update_keys(sock, connection, version)
                connection = self.write(sock, connection, b"answer to " + line)
                client.wait_for("answer to " + line.decode())
            self.end(sock, connection)
        client.finish()
