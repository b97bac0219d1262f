"""A connection in two halves, each with a thread of its own, and `openssl s_server` at the other end."""

import socket
import threading
from ctypes import POINTER, byref, c_void_p

import patience
from harness import VERSIONS, InteropTest, pattern_lines, rows
from native import Connection, Context, Error, Library, Refused
from openssl_tools import VERSION_FLAGS, SServer, reversed_lines
from settings import pki


class Halves(InteropTest):
    def setUp(self):
        super().setUp()
        self.lib = Library()
        split = self.lib.handle.tls_split
        split.restype, split.argtypes = c_void_p, [c_void_p, POINTER(Error)]
        self.woken = threading.Event()
        self.failures = []

    def connect(self, server):
        """A socket, the receiving half and the sending half."""
        context = Context(self.lib, False, trust=pki("trust/all.pem"))
        connection = context.connection("server.test")
        context.free()
        self.addCleanup(connection.free)
        sock = socket.create_connection(("127.0.0.1", server.port()), timeout=patience.SECONDS)
        self.addCleanup(sock.close)
        while (status := connection.status()) != "TLS_OK":
            self.assertEqual(status, "TLS_WANT_FEED", connection.error().message)
            sock.sendall(connection.drain(16384))
            if connection.state() & self.lib.TLS_HANDSHAKING:
                connection.feed(sock.recv(16384))
        error = Error()
        half = self.lib.handle.tls_split(connection.handle, byref(error))
        if not half:
            raise Refused(error.message.decode())
        sending = Connection(self.lib, half)
        self.addCleanup(sending.free)
        # The last flight was queued when the connection was split.
        self.send_queued(sock, sending)
        return sock, connection, sending

    def send_queued(self, sock, sending):
        while wire := sending.drain(16384):
            sock.sendall(wire)

    def in_thread(self, work):
        def run():
            try:
                work()
            except Exception as failure:  # told by the thread of the test
                self.failures.append(failure)
                self.woken.set()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def receive(self, sock, receiving, length, received):
        while len(received) < length:
            wire = sock.recv(16384)
            while wire:
                taken = receiving.feed(wire)
                if taken < 0:
                    raise Refused(receiving.error().message.decode())
                wire = wire[taken:]
                while isinstance(plain := receiving.read(65536), bytes) and plain:
                    received += plain
            if receiving.state() & self.lib.TLS_WAKE_SENDER:
                self.woken.set()

    def join(self, thread):
        thread.join(patience.SECONDS)
        self.assertFalse(thread.is_alive(), "the receiving thread did not end")
        self.assertEqual(self.failures, [])


class OurClient(Halves):
    @rows(*((version, version) for version in VERSIONS))
    def test_halves(self, version):
        server = self.start(SServer(VERSION_FLAGS[version]))
        sock, receiving, sending = self.connect(server)
        lines, received = pattern_lines(), bytearray()
        thread = self.in_thread(lambda: self.receive(sock, receiving, len(lines), received))
        sent = 0
        while sent < len(lines):
            sent += sending.write(lines[sent : sent + 5000])
            self.send_queued(sock, sending)
        self.join(thread)
        self.expect_same(bytes(received), reversed_lines(lines))
        self.assertEqual(sending.close_notify(), "TLS_OK")
        self.send_queued(sock, sending)
        self.assertEqual(server.finish(), 0)

    def test_halves_and_new_keys(self):
        """The server asks for new keys: the receiving thread wakes the other one, which has the answer."""
        server = self.start(SServer("-tls1_3", mode=()))
        sock, receiving, sending = self.connect(server)
        received = bytearray()
        thread = self.in_thread(lambda: self.receive(sock, receiving, len("after\n"), received))
        server.write(b"K\n").join()
        self.assertTrue(self.woken.wait(patience.SECONDS), "the sending half was not woken")
        self.assertTrue(sending.state() & self.lib.TLS_CAN_DRAIN)
        self.send_queued(sock, sending)
        self.assertFalse(receiving.state() & self.lib.TLS_WAKE_SENDER)
        self.assertEqual(sending.write(b"under new keys\n"), 15)
        self.send_queued(sock, sending)
        server.wait_for("under new keys\n")
        server.write(b"after\n").join()
        self.join(thread)
        self.assertEqual(bytes(received), b"after\n")
        server.write(b"Q\n").join()
