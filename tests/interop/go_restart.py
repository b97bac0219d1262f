"""examples/hot_restart: an echo server restarts some times while a thousand connections of Go and OpenSSL are busy, and
none of them misses a byte."""

import os
import signal
import socket

import patience
from go_peer import GoPeer, GoTest
from harness import VERSIONS, pattern
from openssl_tools import VERSION_FLAGS, SClient
from process import Process
from settings import pki, settings

GO_CONNECTIONS = 940
OPENSSL_CLIENTS = 60
RESTARTS = 3
# What an OpenSSL client sends before, between and after the restarts.
PART = 20_000


class RestartingServer(Process):
    """It goes on in processes that are not children of this one, under the same group and with the same output."""

    def __init__(self):
        program = settings.peer.with_name("hot_restart")
        super().__init__(program, pki("ecdsa/server-chain.pem"), pki("ecdsa/server.key"))
        self.moves = 0

    def port(self):
        return int(self.wait_for(r"listening on 127\.0\.0\.1:(\d+)\n").group(1))

    def pid(self):
        return int(self.wait_for(self._taken() if self.moves else r"process (\d+) listening").group(1))

    def _taken(self):
        """Of the process that took over last."""
        line = r"process (\d+) took (\d+) connections over\n"
        return rf"(?s)(?:took \d+ connections over\n.*?){{{self.moves - 1}}}{line}"

    def ask_for_restart(self):
        os.kill(self.pid(), signal.SIGUSR2)
        self.moves += 1

    def taken_over(self):
        return int(self.wait_for(self._taken()).group(2))

    def end(self):
        os.kill(self.pid(), signal.SIGTERM)
        return self.finish()

    def close(self):
        # The first process may have ended long ago; the last one has the group's output open.
        if self.talks():
            try:
                os.kill(self.pid(), signal.SIGKILL)
            except (AssertionError, ProcessLookupError):
                pass
        super().close()


class OurServer(GoTest):
    def test_restarts_under_a_thousand_connections(self):
        server = self.start(RestartingServer())
        port = server.port()
        crowd = self.start(
            GoPeer("crowd", f"127.0.0.1:{port}", trust=pki("trust/all.pem"), count=GO_CONNECTIONS)
        )
        clients = [
            self.start(SClient(port, VERSION_FLAGS[VERSIONS[index % 2]])) for index in range(OPENSSL_CLIENTS)
        ]
        parts = [pattern(PART, seed) for seed in range(RESTARTS + 2)]
        for client in clients:
            client.write(parts[0])
        for client in clients:
            client.wait_for_bytes(PART)
        crowd.wait_for("ready\n")

        for number in range(1, RESTARTS + 1):
            for client in clients:
                client.write(parts[number])
            server.ask_for_restart()
            self.assertEqual(server.taken_over(), GO_CONNECTIONS + OPENSSL_CLIENTS, server.err())
        for client in clients:
            client.write(parts[-1])
        data = b"".join(parts)
        for client in clients:
            self.expect_same(client.wait_for_bytes(len(data)), data)
            self.assertEqual(client.finish(), 0, client.err())
        crowd.write(b"stop\n").join()
        report = crowd.report()
        self.assertEqual(report["connections"], GO_CONNECTIONS)
        self.assertGreater(report["bytes"], GO_CONNECTIONS)
        # New ones come to the last process.
        late = self.start(SClient(port))
        late.write(b"late")
        late.wait_for_bytes(4)
        self.assertEqual(late.finish(), 0)
        self.assertEqual(server.end(), 0)
        self.assertEqual(server.err(), "")

    def test_new_keys_after_restarts(self):
        """A client of OpenSSL asks for new keys in every process."""
        server = self.start(RestartingServer())
        client = self.start(SClient(server.port(), "-tls1_3", brief=False))
        for number in range(4):
            client.write(b"K\n").join()
            client.wait_for(rf"(?s)(KEYUPDATE.*){{{number + 1}}}")
            line = f"line {number} under new keys\n"
            client.write(line.encode()).join()
            client.wait_for(line)
            server.ask_for_restart()
            self.assertEqual(server.taken_over(), 1)
            line = f"line {number} in a new process\n"
            client.write(line.encode()).join()
            client.wait_for(line)
        self.assertEqual(client.finish(), 0)
        self.assertEqual(server.end(), 0)

    def test_a_handshake_stays_behind(self):
        """What is not established goes on in the old process, and everything else in the new one."""
        server = self.start(RestartingServer())
        with socket.create_connection(("127.0.0.1", server.port()), timeout=patience.SECONDS) as half:
            half.sendall(b"\x16\x03\x01\x01")
            client = self.start(SClient(server.port()))
            client.write(b"one")
            client.wait_for_bytes(3)
            server.ask_for_restart()
            self.assertEqual(server.taken_over(), 1)
            server.wait_for("a connection stays: the handshake is not done\n")
            server.wait_for("handed 1 connections over, and keeps 1\n")
            client.write(b"two")
            self.expect_same(client.wait_for_bytes(6), b"onetwo")
            self.assertEqual(client.finish(), 0)
        self.assertEqual(server.end(), 0)
