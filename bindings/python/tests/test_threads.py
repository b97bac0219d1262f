"""A second thread that asks for facts: it waits, and harms nothing."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pairs import Pair, check_alive, client_context, server_context

import tlsbio
from tlsbio.raw import ffi, lib

SIZE = 20 << 20
PIECE = 1 << 16


def lib_handle(address: int) -> Any:
    return ffi.cast("tls_conn_t *", address)


def facts_of(side: Any) -> list[Callable[[], Any]]:
    """Everything that asks and changes nothing."""
    facts = [
        side.version,
        side.cipher,
        side.pending,
        side.shared_ciphers,
        side.group,
        side.compression,
        side.selected_alpn_protocol,
        side.selected_npn_protocol,
        side.getpeercert,
        lambda: side.getpeercert(True),
        side.get_unverified_chain,
        lambda: side.get_channel_binding("tls-exporter"),
        lambda: side.get_channel_binding("tls-server-end-point"),
        lambda: side.session_reused,
        lambda: side.server_side,
        lambda: side.server_hostname,
        lambda: side.context,
    ]
    if not side.server_side:
        facts.append(lambda: side.session)
    return facts


@contextmanager
def asking(*sides: Any) -> Iterator[Callable[[], bool]]:
    """Threads that ask for all facts of these sides until the block ends; none may fail.

    The block is given what says whether each has asked for all, and goes on until then.
    """
    failures: list[BaseException] = []
    rounds = [0] * len(sides)
    done = threading.Event()

    def ask(index: int) -> None:
        facts = facts_of(sides[index])
        try:
            while not done.is_set():
                for fact in facts:
                    fact()
                rounds[index] += 1
        except BaseException as failure:
            failures.append(failure)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(sides))]
    for thread in threads:
        thread.start()
    try:
        yield lambda: all(rounds) or bool(failures)
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert failures == []
    assert all(rounds)


@pytest.mark.parametrize("bio", [ssl.MemoryBIO, tlsbio.MemoryBIO])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_facts_wait_for_a_transfer(bio: Any, version: Any) -> None:
    pair = Pair(client_context(maximum_version=version), server_context(), bio=bio).handshake()
    piece = bytes(range(256)) * (PIECE // 256)
    received = 0
    with asking(pair.client, pair.server) as have_asked:
        while received < SIZE or not have_asked():
            assert pair.client.write(piece) == PIECE
            got = b""
            while len(got) < PIECE:
                got += pair.server.read(PIECE)
            assert got == piece
            received += len(got)
    assert pair.to_server.pending == 0
    check_alive(pair)


def test_facts_wait_for_a_handshake() -> None:
    for _ in range(20):
        pair = Pair(client_context(), server_context())
        done = threading.Event()
        failures: list[BaseException] = []

        def ask(side: Any, done: threading.Event = done, failures: list[BaseException] = failures) -> None:
            try:
                while not done.is_set():
                    side.version()
                    side.cipher()
                    side.pending()
                    side.get_unverified_chain()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=ask, args=(side,)) for side in (pair.client, pair.server)]
        for thread in threads:
            thread.start()
        try:
            pair.handshake()
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert failures == []
        check_alive(pair)


def test_an_sni_callback_may_wait_for_a_thread_that_asks() -> None:
    seen: list[Any] = []

    def callback(connection: Any, *_: Any) -> None:
        thread = threading.Thread(target=lambda: seen.append((connection.version(), connection.pending())))
        thread.start()
        thread.join()

    pair = Pair(client_context(), server_context(sni_callback=callback)).handshake()
    assert seen == [(None, 0)]
    check_alive(pair)


def test_bytes_that_were_refused_are_kept() -> None:
    pair = Pair.of("ours-ours")
    pair.server._hold()
    handle = lib_handle(pair.server._address)
    pair.server._release()
    done = threading.Event()

    def be_inside() -> None:
        # By the door of the C interface, where nobody waits for anybody.
        while not done.is_set():
            lib.tls_peer_certificate(handle, 0, ffi.NULL, 0)

    others = [threading.Thread(target=be_inside) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for other in others:
        other.start()
    refused = moved = 0
    try:
        while refused < 3:
            moved += 1
            sent = f"not to be lost: {moved}".encode()
            pair.client.write(sent)
            received = b""
            while received != sent:
                try:
                    received += pair.server.read()
                except ssl.SSLError as error:
                    assert error.reason == "BUSY"
                    refused += 1
    finally:
        done.set()
        for other in others:
            other.join()
        sys.setswitchinterval(interval)
    check_alive(pair)


def test_a_closed_connection_has_no_facts() -> None:
    pair = Pair.of("ours-ours")
    pair.client.close()
    for fact in pair.client.version, pair.client.cipher, pair.client.pending, pair.client.get_unverified_chain:
        with pytest.raises(ValueError, match="closed"):
            fact()
