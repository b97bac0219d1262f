"""What the drop-in costs beside ssl over blocking sockets of loopback: microseconds of CPU.

sockets.py ENGINE WHAT [--samples N]

The engine plays both sides, with TLS 1.3 and the suite and groups that are its first, and certificates are verified.
"plain" has none: it moves as many bytes as a record has, by as many calls, and shows what of the others is not TLS.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import peers

import tlsbio

RECORD = 16384
HEADER, REST = 5, 17  # of a record in TLS 1.3: before its plain bytes, and behind them


class Plain:
    """A socket without TLS."""

    memory = bytearray(HEADER + RECORD + REST)

    def __init__(self, below: socket.socket) -> None:
        self.below = below

    def send(self, message: bytes) -> None:
        self.below.sendall(memoryview(self.memory)[: HEADER + len(message) + REST])

    sendall = send

    def recv_into(self, memory: bytearray, size: int) -> int:
        self.below.recv_into(self.memory, HEADER)
        return max(0, self.below.recv_into(self.memory, size + REST) - REST)

    def recv(self, size: int) -> bytes:
        return bytes(self.recv_into(self.memory, size))

    def close(self) -> None:
        self.below.close()


class Sockets:
    """A listener, and how connections to it are made."""

    def __init__(self, module: Any) -> None:
        if module is not None:
            self.server, self.client = peers.contexts_like_ssl(module)
        self.has_tls = module is not None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept(self) -> Any:
        below, _ = self.listener.accept()
        below.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.server.wrap_socket(below, server_side=True) if self.has_tls else Plain(below)

    def connect(self) -> Any:
        below = socket.create_connection(self.listener.getsockname())
        below.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.client.wrap_socket(below, server_hostname="localhost") if self.has_tls else Plain(below)

    def pair(self) -> tuple[Any, Any]:
        """Both ends of one."""
        accepted: list[Any] = []
        thread = threading.Thread(target=lambda: accepted.append(self.accept()))
        thread.start()
        client = self.connect()
        thread.join()
        return client, accepted[0]


def receiving(sockets: Sockets, calls: int = 400) -> float:
    """recv_into of a record of 16 KiB that is in the socket; what its sender costs does not count."""
    client, server = sockets.pair()
    message, memory, spent = b"m" * RECORD, bytearray(RECORD), 0
    for _ in range(calls):
        client.sendall(message)
        start = time.thread_time_ns()
        left = RECORD
        while left:
            left -= server.recv_into(memory, left)
        spent += time.thread_time_ns() - start
    client.close()
    server.close()
    return spent / calls / 1000


def round_trip(sockets: Sockets, calls: int = 1500) -> float:
    """256 bytes there and back."""
    client, server = sockets.pair()
    message = b"m" * 256
    start = time.thread_time_ns()
    for _ in range(calls):
        client.send(message)
        server.send(server.recv(RECORD))
        client.recv(RECORD)
    spent = time.thread_time_ns() - start
    client.close()
    server.close()
    return spent / calls / 1000


def connections(sockets: Sockets, calls: int = 60) -> float:
    """A connection with its handshake, one request and one answer; both ends."""

    def serve() -> None:
        for _ in range(calls):
            connection = sockets.accept()
            connection.sendall(connection.recv(RECORD))
            connection.close()

    thread = threading.Thread(target=serve)
    start = time.process_time_ns()
    thread.start()
    for _ in range(calls):
        connection = sockets.connect()
        connection.sendall(b"request")
        assert connection.recv(RECORD) == b"request"
        connection.close()
    thread.join()
    return (time.process_time_ns() - start) / calls / 1000


def idle(sockets: Sockets, count: int = 300) -> float:
    """Bytes of resident memory for an endpoint after 16 KiB each way."""
    kept = []

    def connect() -> None:
        client, server = sockets.pair()
        for giver, taker in (client, server), (server, client):
            giver.sendall(b"m" * RECORD)
            left = RECORD
            while left:
                left -= len(taker.recv(left))
        kept.append((client, server))

    # What is made once is made.
    for _ in range(20):
        connect()
    before = peers.resident()
    for _ in range(count):
        connect()
    used = peers.resident() - before
    for client, server in kept:
        client.close()
        server.close()
    return used / (2 * count)


def repeated(work: Callable[[], Any], calls: int) -> float:
    """Microseconds of one call."""
    start = time.thread_time_ns()
    for _ in range(calls):
        work()
    return (time.thread_time_ns() - start) / calls / 1000


def getting_the_certificate(sockets: Sockets) -> float:
    """getpeercert(), as hosts call it on each connection."""
    client, server = sockets.pair()
    spent = repeated(client.getpeercert, 2000)
    client.close()
    server.close()
    return spent


def wrapping(sockets: Sockets) -> float:
    """wrap_bio of a client."""
    client = sockets.client
    return repeated(lambda: client.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost"), 300)


def beginning(sockets: Sockets) -> float:
    """The same, and the first do_handshake, which is when OpenSSL makes what ours has made by then."""
    client = sockets.client

    def begin() -> None:
        connection = client.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
        try:
            connection.do_handshake()
        except ssl.SSLWantReadError:
            pass

    return repeated(begin, 300)


def wrapping_a_server(sockets: Sockets) -> float:
    """wrap_bio of a server."""
    server = sockets.server
    return repeated(lambda: server.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True), 300)


def making_contexts(module: Any) -> float:
    """create_default_context(), with the certificates that the system trusts."""
    return repeated(module.create_default_context, 10)


MEASURES: dict[str, Callable[[Any], float]] = {
    "recv_into": receiving,
    "round trip": round_trip,
    "connections": connections,
    "getpeercert": getting_the_certificate,
    "wrap_bio": wrapping,
    "wrap_bio and hello": beginning,
    "wrap_bio server": wrapping_a_server,
    "create_default_context": making_contexts,
}


def main() -> None:
    """Prints one figure: the median of some samples, or the memory of idle connections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=("plain", "ssl", "drop-in"))
    parser.add_argument("what", choices=[*MEASURES, "idle"])
    parser.add_argument("--samples", type=int, default=11)
    options = parser.parse_args()
    module: Any = {"plain": None, "ssl": ssl, "drop-in": tlsbio}[options.engine]
    subject = module if options.what == "create_default_context" else Sockets(module)
    if options.what == "idle":
        print(json.dumps({"bytes": idle(subject)}))
        return
    measure = MEASURES[options.what]
    samples = [measure(subject) for _ in range(options.samples + 2)][2:]
    print(json.dumps({"microseconds": statistics.median(samples)}))


if __name__ == "__main__":
    main()
