"""``wrap_socket``: TLS over sockets that block, that do not, and that have a timeout; with OpenSSL on either side."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import select
import socket
import ssl
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pairs import TOO_LONG, client_context, server_context

import tlsbio

PAIRS = ["ours-openssl", "openssl-ours", "ours-ours"]


class Sockets:
    """A client and a server, connected."""

    def __init__(self, engines: str = "ours-ours", client: Any = None, server: Any = None, **options: Any) -> None:
        who_client, who_server = engines.split("-")
        left, right = socket.socketpair()
        client = client or client_context(who_client)
        server = server or server_context(who_server)
        accepted: list[Any] = []

        def accept() -> None:
            try:
                accepted.append(server.wrap_socket(right, server_side=True, **options))
            except Exception as error:
                accepted.append(error)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            self.client = client.wrap_socket(left, server_hostname="localhost", **options)
        finally:
            thread.join()
        if isinstance(accepted[0], Exception):
            raise accepted[0]
        self.server = accepted[0]

    def close(self) -> None:
        self.client.close()
        self.server.close()


@contextlib.contextmanager
def connected(*arguments: Any, **options: Any) -> Iterator[Sockets]:
    sockets = Sockets(*arguments, **options)
    try:
        yield sockets
    finally:
        sockets.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TOO_LONG
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0)


def beside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("engines", PAIRS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bytes_get_there(engines: str, version: Any) -> None:
    client = client_context(engines.split("-")[0], maximum_version=version)
    with connected(engines, client) as sockets:
        data = os.urandom(1 << 20)
        for giver, taker in (sockets.client, sockets.server), (sockets.server, sockets.client):
            thread = beside(lambda giver=giver: giver.sendall(data))
            taken, target = bytearray(), bytearray(50_000)
            while len(taken) < len(data):
                taken += target[: taker.recv_into(target)]
            thread.join()
            assert taken == data
        assert sockets.client.version() == sockets.server.version()
        assert sockets.client.cipher() == sockets.server.cipher()
        assert ("commonName", "localhost") in [part[0] for part in sockets.client.getpeercert()["subject"]] or (
            "DNS",
            "localhost",
        ) in sockets.client.getpeercert()["subjectAltName"]


@pytest.mark.parametrize("engines", PAIRS)
def test_both_directions_at_once(engines: str) -> None:
    """One thread reads while another one writes, on either side."""
    size = 4 << 20
    with connected(engines) as sockets:
        received: dict[Any, int] = {}

        def take(side: Any) -> None:
            got = 0
            while got < size:
                got += len(side.recv(65536))
            received[side] = got

        threads = [beside(lambda side=side: take(side)) for side in (sockets.client, sockets.server)]
        threads += [beside(lambda side=side: side.sendall(bytes(size))) for side in (sockets.client, sockets.server)]
        for thread in threads:
            thread.join()
        assert set(received.values()) == {size}


def test_a_thread_that_waits_keeps_nobody_from_writing_or_asking() -> None:
    with connected() as sockets:
        read: list[bytes] = []
        thread = beside(lambda: read.append(sockets.client.recv(100)))
        for _ in range(100):
            sockets.client.sendall(b"x")
            assert sockets.client.version() == "TLSv1.3" and sockets.client.pending() == 0
        assert not read
        sockets.server.sendall(b"answer")
        thread.join()
        assert read == [b"answer"]


@pytest.mark.parametrize("engines", PAIRS)
def test_a_socket_that_does_not_block(engines: str) -> None:
    with connected(engines) as sockets:
        for side in sockets.client, sockets.server:
            side.setblocking(False)
            # Tickets are no data.
            with pytest.raises(ssl.SSLWantReadError):
                side.recv(100)
        data, sent, received = os.urandom(5 << 20), 0, bytearray()
        while len(received) < len(data):
            if sent < len(data):
                with contextlib.suppress(ssl.SSLWantWriteError):
                    sent += sockets.client.send(memoryview(data)[sent : sent + 100_000])
            with contextlib.suppress(ssl.SSLWantReadError):
                received += sockets.server.recv(30_000)
            if not sockets.server.pending() and sent < len(data):
                select.select([sockets.server], [sockets.client], [])
        assert received == data


def test_a_write_that_could_not_be_sent_has_to_be_repeated() -> None:
    with connected() as sockets:
        sockets.client.setblocking(False)
        sent = 0
        with pytest.raises(ssl.SSLWantWriteError):
            while True:
                sent += sockets.client.send(b"a" * 50_000)
        with pytest.raises(ssl.SSLError) as refused:
            sockets.client.send(b"a")
        assert refused.value.reason == "BAD_LENGTH"
        received = 0
        while received < sent:
            received += len(sockets.server.recv(65536))
        sockets.client.setblocking(True)
        thread = beside(lambda: sockets.client.sendall(b"a" * 50_000))
        while received < sent + 50_000:
            got = sockets.server.recv(65536)
            assert set(got) == {ord("a")}
            received += len(got)
        thread.join()
        assert received == sent + 50_000


def test_select_and_pending_say_what_there_is() -> None:
    """No byte of a further record leaves the socket."""
    with connected() as sockets:
        sockets.client.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            sockets.client.recv(1)
        for text in b"one", b"two":
            sockets.server.sendall(text)
        assert sockets.client.recv(2) == b"on"
        assert sockets.client.pending() == 1
        assert sockets.client.recv(100) == b"e"
        assert sockets.client.pending() == 0
        assert select.select([sockets.client], [], [], 0)[0]
        assert sockets.client.recv(100) == b"two"
        assert not select.select([sockets.client], [], [], 0)[0]


@pytest.mark.parametrize("what", ["read", "write", "handshake"])
def test_timeouts(what: str) -> None:
    if what == "handshake":
        left, right = socket.socketpair()
        left.settimeout(0.01)
        with pytest.raises(TimeoutError, match="handshake operation timed out"), left, right:
            client_context().wrap_socket(left, server_hostname="localhost")
        return
    with connected() as sockets:
        sockets.client.settimeout(0.01)
        with pytest.raises(TimeoutError, match=f"{what} operation timed out"):
            while True:
                if what == "read":
                    sockets.client.recv(1)
                else:
                    sockets.client.send(bytes(1 << 20))


def test_a_thread_that_waits_keeps_nobody_from_a_handshake_that_is_done() -> None:
    with connected() as sockets:
        read: list[bytes] = []
        waiting = beside(lambda: read.append(sockets.client.recv(100)))
        until(lambda: sockets.client._sslobj._is_read)
        other = beside(sockets.client.do_handshake)
        other.join(TOO_LONG)
        was_kept = other.is_alive()
        sockets.server.sendall(b"answer")
        waiting.join()
        other.join()
        assert not was_kept and read == [b"answer"]


@pytest.mark.parametrize("engines", PAIRS)
def test_a_thread_that_waits_hears_the_answer_to_an_end(engines: str) -> None:
    with connected(engines) as sockets:
        side, peer = sockets.client, sockets.server
        if not isinstance(side, tlsbio.SSLSocket):
            side, peer = peer, side
        heard: list[Any] = []

        def wait() -> None:
            try:
                heard.append(side.recv(100))
            except ssl.SSLError as error:
                heard.append(error)

        waiting = beside(wait)
        until(lambda: side._sslobj._is_read)
        ending = beside(side.unwrap)
        peer.settimeout(TOO_LONG)
        assert peer.recv(100) == b""
        peer.unwrap()
        waiting.join()
        ending.join()
        assert heard[0] == b"" or isinstance(heard[0], ssl.SSLZeroReturnError)


@pytest.mark.parametrize("engines", PAIRS)
def test_what_follows_tls_is_still_in_the_socket(engines: str) -> None:
    with connected(engines) as sockets:
        plain: list[Any] = []

        def serve() -> None:
            below = sockets.server.unwrap()
            below.sendall(b"no longer TLS")
            plain.append(below)

        thread = beside(serve)
        below = sockets.client.unwrap()
        thread.join()
        assert below.recv(100) == b"no longer TLS"
        below.close()
        plain[0].close()


@pytest.mark.parametrize("suppress", [True, False])
def test_an_end_without_close_notify(suppress: bool) -> None:
    with connected(suppress_ragged_eofs=suppress) as sockets:
        sockets.server.sendall(b"cut")
        socket.socket(fileno=sockets.server.detach()).close()
        assert sockets.client.recv(100) == b"cut"
        if suppress:
            assert sockets.client.recv(100) == b""
        else:
            with pytest.raises(ssl.SSLEOFError):
                sockets.client.recv(100)


def test_files_of_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(300_000))
    with connected() as sockets:

        def serve() -> None:
            with path.open("rb") as file:
                assert sockets.server.sendfile(file) == 300_000
            sockets.server.sendall(b"\nline\n")
            with contextlib.suppress(OSError):
                sockets.server.unwrap()

        thread = beside(serve)
        with sockets.client.makefile("rb") as reader:
            assert reader.read(300_000) == path.read_bytes()
            assert reader.readline() == b"\n" and reader.readline() == b"line\n"
            assert reader.read() == b""
        with contextlib.suppress(OSError):
            sockets.client.unwrap()
        thread.join()


def test_what_a_socket_with_tls_is_not() -> None:
    with connected() as sockets:
        assert isinstance(sockets.client, tlsbio.SSLSocket) and isinstance(sockets.client, ssl.SSLSocket)
        assert sockets.client.group() == "X25519MLKEM768"
        with pytest.raises(NotImplementedError):
            sockets.client.dup()
        for call in (
            lambda: sockets.client.recvfrom(1),
            lambda: sockets.client.sendto(b"x", ("", 0)),
            lambda: sockets.client.send(b"x", 1),
            lambda: sockets.client.recv(1, 1),
        ):
            with pytest.raises(ValueError):
                call()
        with pytest.raises(NotImplementedError):
            sockets.client.sendmsg([b"x"])
        with pytest.raises(TypeError):
            tlsbio.SSLSocket()
    with pytest.raises(OSError):
        sockets.client.recv(1)
    assert sockets.client.fileno() == -1


def test_roles_and_names_are_checked() -> None:
    for context, options in (
        (client_context(), {"server_side": True}),
        (server_context(), {}),
        (client_context(), {}),
        (client_context(), {"server_hostname": "a b"}),
    ):
        left, right = socket.socketpair()
        with left, right, pytest.raises((ssl.SSLError, ValueError)):
            context.wrap_socket(left, **options)


@pytest.mark.parametrize("engines", PAIRS)
def test_who_is_not_trusted_is_refused(engines: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Sockets(engines, client_context(engines.split("-")[0], trust="bad/otherca.pem"))


def test_an_sni_callback_gets_the_socket() -> None:
    seen: list[Any] = []
    other = server_context(identity="rsa/server")

    def callback(connection: Any, name: str | None, context: Any) -> None:
        seen.append((connection, name, context))
        # It is in use: an answer is what it waits for.
        with pytest.raises(ssl.SSLError) as refused:
            connection.do_handshake()
        assert refused.value.reason == "BUSY"
        connection.context = other

    first = server_context(sni_callback=callback)
    with connected("ours-ours", None, first) as sockets:
        ((connection, name, context),) = seen
        assert connection is sockets.server and name == "localhost" and context is first
        assert sockets.server.context is other


def test_a_subclass_of_ssls_object_is_over_our_engine() -> None:
    class Object(ssl.SSLObject):
        pass

    context = client_context()
    context.sslobject_class = Object
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    assert type(made) is Object and isinstance(made._sslobj, tlsbio.SSLObject)
    peer = server_context("openssl").wrap_bio(outgoing, incoming, server_side=True)
    ends = [made, peer]
    while ends:
        for side in list(ends):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
                ends.remove(side)
    made.write(b"hello")
    assert peer.read() == b"hello"
    with pytest.raises(ssl.SSLWantReadError):
        made.unwrap()


def test_a_socket_takes_part_in_no_cycle() -> None:
    gc.collect()
    gc.disable()
    try:
        sockets = Sockets()
        left = weakref.ref(sockets.client), weakref.ref(sockets.client._sslobj)
        sockets.client.sendall(b"x")
        sockets.close()
        del sockets
        assert [each() for each in left] == [None, None]
    finally:
        gc.enable()


def test_a_number_that_is_another_sockets_by_now_is_not_used() -> None:
    with connected() as sockets:
        number = sockets.client.detach()
        with pytest.raises(OSError):
            sockets.client.send(b"x")
        socket.socket(fileno=number).close()


def test_a_handler_of_a_signal_is_served_while_it_waits() -> None:
    import signal

    class Enough(Exception):
        pass

    served: list[int] = []

    def enough(number: int, *_: Any) -> None:
        if served:
            return
        served.append(number)
        # The connection is in use by the thread that was interrupted.
        with pytest.raises(ssl.SSLError):
            sockets.client.recv(1)
        raise Enough

    def interrupt(waiting: int) -> None:
        until(lambda: sockets.client._sslobj._is_read)
        # The first one may come just before it waits, and would be served when the wait is over.
        while not served:
            signal.pthread_kill(waiting, signal.SIGALRM)
            time.sleep(0.001)

    with connected() as sockets:
        before = signal.signal(signal.SIGALRM, enough)
        try:
            for timeout in None, TOO_LONG:
                served.clear()
                sockets.client.settimeout(timeout)
                interrupting = beside(lambda: interrupt(threading.main_thread().ident or 0))
                try:
                    with pytest.raises(Enough):
                        sockets.client.recv(1)
                finally:
                    # No signal comes when nobody serves it any more.
                    served.append(0)
                    interrupting.join()
        finally:
            signal.signal(signal.SIGALRM, before)
        sockets.server.sendall(b"still there")
        assert sockets.client.recv(100) == b"still there"


@pytest.mark.parametrize("size", [1, 5, 6, 20, 100, 16384, 16385, 100_000])
def test_cut_anywhere_records_are_put_together(size: int) -> None:
    """The wire in pieces of one size, and the answer as well."""
    left, middle_left = socket.socketpair()
    middle_right, right = socket.socketpair()
    over = threading.Event()

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for start in range(0, len(data), size):
                    target.sendall(data[start : start + size])
        over.set()

    threads = [beside(lambda: carry(middle_left, middle_right)), beside(lambda: carry(middle_right, middle_left))]
    accepted: list[Any] = []
    accept = beside(lambda: accepted.append(server_context().wrap_socket(right, server_side=True)))
    client = client_context().wrap_socket(left, server_hostname="localhost")
    accept.join()
    (server,) = accepted
    data = os.urandom(40_000)
    writer = beside(lambda: client.sendall(data))
    received = io.BytesIO()
    while received.tell() < len(data):
        received.write(server.recv(3000))
    writer.join()
    assert received.getvalue() == data
    for each in client, server, middle_left, middle_right:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
    for thread in threads:
        thread.join()
    assert over.is_set()


class ByHand:
    """A client whose records are sent in pieces, and a server over a socket."""

    def __init__(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.wire = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        listener.close()
        servers: list[Any] = []
        thread = beside(lambda: servers.append(server_context().wrap_socket(accepted, server_side=True)))
        incoming, self.records = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client_context().wrap_bio(incoming, self.records, server_hostname="localhost")
        while True:
            try:
                self.client.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.wire.sendall(self.records.read())
                incoming.write(self.wire.recv(65536))
        self.wire.sendall(self.records.read())
        thread.join()
        self.server = servers[0]

    def __enter__(self) -> ByHand:
        return self

    def __exit__(self, *_: Any) -> None:
        self.wire.close()
        self.server.close()

    def begin_a_record(self, plain: bytes) -> bytes:
        """Sends its header, and answers the rest."""
        self.client.write(plain)
        record = self.records.read()
        self.wire.sendall(record[:5])
        return record[5:]


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("timeout", [None, TOO_LONG])
def test_a_body_that_comes_later_is_waited_for(timeout: float | None, size: int) -> None:
    with ByHand() as pair:
        pair.server.settimeout(timeout)
        rest = pair.begin_a_record(b"m" * size)
        taken: list[bytes] = []
        thread = beside(lambda: taken.append(pair.server.recv(size)))
        until(lambda: pair.server._sslobj._header == b"\x17\x03\x03" + len(rest).to_bytes(2, "big"))
        assert not taken
        for piece in rest[:1], rest[1:]:
            pair.wire.sendall(piece)
        thread.join()
        assert taken == [b"m" * size]


@pytest.mark.parametrize("size", [1, 10_000])
def test_without_blocking_a_body_is_not_waited_for(size: int) -> None:
    with ByHand() as pair:
        pair.server.setblocking(False)
        rest = pair.begin_a_record(b"m" * size)
        for piece in rest[:-1], rest[-1:]:
            with pytest.raises(ssl.SSLWantReadError):
                while select.select([pair.server], [], [], TOO_LONG)[0]:
                    pair.server.recv(size)
            pair.wire.sendall(piece)
        select.select([pair.server], [], [], TOO_LONG)
        assert pair.server.recv(size) == b"m" * size


@pytest.mark.parametrize("size", [1, 10_000])
def test_a_reset_within_a_record_is_told(size: int) -> None:
    with ByHand() as pair:
        pair.begin_a_record(b"m" * size)
        pair.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        pair.wire.close()
        with pytest.raises(ConnectionResetError):
            pair.server.recv(size)
