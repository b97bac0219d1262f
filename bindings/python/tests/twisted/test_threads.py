"""A second thread that asks for facts: it waits, and harms nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pairs import carry, our_client, our_server, receive, shake
from pki import pem
from twisted.trial.unittest import SynchronousTestCase

from tlsbio.twisted import ServerOptions

SIZE = 20 << 20
PIECE = 1 << 18
FACTS = (
    "get_alpn_proto_negotiated",
    "get_cipher_bits",
    "get_cipher_name",
    "get_cipher_version",
    "get_group_name",
    "get_peer_certificate",
    "get_peer_cert_chain",
    "get_protocol_version",
    "get_protocol_version_name",
    "get_servername",
    "get_shutdown",
    "pending",
)


@contextmanager
def asking(connection: Any) -> Iterator[Callable[[], bool]]:
    """A thread that asks for facts until the block ends, which is when it has asked for all, or later."""
    failures: list[BaseException] = []
    rounds = [0]
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                for fact in FACTS:
                    getattr(connection, fact)()
                connection.export_keying_material(b"EXPERIMENTAL", 32)
                rounds[0] += 1
        except BaseException as failure:
            failures.append(failure)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield lambda: bool(rounds[0] or failures)
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert failures == []
    assert rounds[0]


class Threads(SynchronousTestCase):
    """Twisted's programs have a thread pool."""

    def test_facts_wait_for_a_transfer(self) -> None:
        client, server = our_client(), our_server()
        shake(client, server)
        piece = bytes(range(256)) * (PIECE // 256)
        sent = 0
        with asking(client) as of_client, asking(server) as of_server:
            while sent < SIZE or not (of_client() and of_server()):
                sent += PIECE
                self.assertEqual(client.send(piece), PIECE)
                carry(client, server)
                self.assertEqual(receive(server, PIECE), piece)

    def test_a_lookup_may_wait_for_a_thread_that_asks(self) -> None:
        inner = ServerOptions(pem("ecdsa/server-chain.pem"), pem("ecdsa/server.key"))
        seen: list[Any] = []
        connections: list[Any] = []

        def in_thread(call: Callable[[], Any]) -> None:
            def run() -> None:
                try:
                    seen.append(call())
                except Exception as failure:
                    seen.append(type(failure).__name__)

            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

        class Names:
            """What is no dict is asked at each handshake."""

            def __getitem__(self, name: str) -> ServerOptions:
                in_thread(connections[0].get_servername)
                in_thread(lambda: connections[0].recv(1))
                return inner

        client, server = our_client(), our_server(ServerOptions(None, None, names=Names()))  # type: ignore[arg-type]
        connections.append(server)
        shake(client, server)
        self.assertEqual(seen, [b"server.test", "WantReadError"])
        client.send(b"alive")
        server.bio_write(client.bio_read(1 << 15))
        self.assertEqual(server.recv(100), b"alive")
