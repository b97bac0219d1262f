"""A connection is made at its first step; of what it is made, and what is no connection, is settled before."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pairs import TOO_LONG, Pair, check_alive, client_context, server_context

import tlsbio

STEPS: dict[str, Callable[[Any], Any]] = {
    "do_handshake": lambda connection: connection.do_handshake(),
    "read": lambda connection: connection.read(1),
    "write": lambda connection: connection.write(b"early"),
}
FACTS: dict[str, Callable[[Any], Any]] = {
    "version": lambda connection: connection.version(),
    "cipher": lambda connection: connection.cipher(),
    "pending": lambda connection: connection.pending(),
    "selected_alpn_protocol": lambda connection: connection.selected_alpn_protocol(),
    "session": lambda connection: connection.session,
}


def test_who_takes_no_step_uses_up_no_session() -> None:
    context, server = client_context(), server_context()
    session = Pair(context, server).handshake().client.session
    for _ in range(3):
        Pair(context, server, session=session)
    assert Pair(context, server, session=session).handshake().client.session_reused


@pytest.mark.parametrize("step", STEPS)
def test_each_step_makes_it(step: str) -> None:
    pair = Pair(client_context(), server_context())
    assert pair.to_server.pending == 0
    with pytest.raises(ssl.SSLWantReadError):
        STEPS[step](pair.client)
    assert pair.to_server.pending > 0
    check_alive(pair.handshake())


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("side", ["client", "server"])
def test_facts_that_are_asked_before(fact: str, side: str) -> None:
    pair = Pair(client_context(), server_context())
    assert not FACTS[fact](getattr(pair, side))
    assert pair.to_server.pending == pair.to_client.pending == 0
    check_alive(pair.handshake())


@pytest.mark.parametrize("asked", [False, True])
def test_it_is_made_of_the_context_that_is_set_last(asked: bool) -> None:
    pair = Pair(client_context(trust="rsa/ca.pem"), server_context())
    if asked:
        assert pair.client.version() is None
    for trust in "ecdsa/ca.pem", "rsa/ca.pem", "ecdsa/ca.pem":
        pair.client.context = client_context(trust=trust)
        if asked:
            assert pair.client.version() is None
    check_alive(pair.handshake())


@pytest.mark.parametrize("who", ["openssl", "ours"])
def test_what_changes_in_the_context_later_does_not_count(who: str) -> None:
    context = client_context(who, trust="rsa/ca.pem")
    pair = Pair(context, server_context(who))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client, _ = pair.try_handshake()
    assert isinstance(client, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("hostname", ["a b", "-.example", "under_score..example"])
def test_what_is_no_name_is_refused_before_each_time(hostname: str) -> None:
    context = client_context()
    Pair(context, server_context()).handshake()
    for _ in range(2):
        with pytest.raises(ValueError):
            Pair(context, server_context(), hostname=hostname)


@pytest.mark.parametrize("which", ["incoming", "outgoing"])
def test_what_is_no_bio_is_named(which: str) -> None:
    bios: dict[str, Any] = {"incoming": ssl.MemoryBIO(), "outgoing": ssl.MemoryBIO(), which: b""}
    with pytest.raises(TypeError, match=f"{which} must be .* not bytes"):
        client_context().wrap_bio(**bios, server_hostname="localhost")


def test_it_can_be_closed_without_a_step() -> None:
    pair = Pair(client_context(), server_context())
    pair.client.close()
    pair.client.close()
    with pytest.raises(ValueError, match="closed"):
        pair.client.do_handshake()


def test_threads_that_take_the_first_step_together() -> None:
    for _ in range(50):
        pair = Pair(client_context(), server_context())
        together = threading.Barrier(3)
        answers: list[Any] = []

        def ask(client: Any = pair.client, gate: threading.Barrier = together, into: list[Any] = answers) -> None:
            gate.wait()
            into.append(client.version())

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        together.wait()
        with pytest.raises(ssl.SSLWantReadError):
            pair.client.do_handshake()
        for thread in threads:
            thread.join()
        assert answers == [None, None]
        check_alive(pair.handshake())


def test_nothing_is_set_while_another_thread_is_in_its_handshake() -> None:
    left, right = socket.socketpair()
    with left, right:
        server = server_context().wrap_socket(right, server_side=True, do_handshake_on_connect=False)
        done = threading.Thread(target=server.do_handshake)
        done.start()
        deadline = time.monotonic() + TOO_LONG
        while not server._sslobj._has_begun:
            assert time.monotonic() < deadline
            time.sleep(0)
        before = server._sslobj.context
        with pytest.raises(ValueError, match="after handshake"):
            server._sslobj.context = server_context("ours", "rsa/server")
        assert server._sslobj.context is before
        with client_context().wrap_socket(left, server_hostname="localhost") as client:
            done.join()
            client.sendall(b"there")
            assert server.recv(5) == b"there"
        server.close()


def test_the_end_that_came_before_is_not_forgotten() -> None:
    incoming, outgoing = tlsbio.MemoryBIO(), tlsbio.MemoryBIO()
    incoming.write_eof()
    server = server_context().wrap_bio(incoming, outgoing, server_side=True)
    for _ in range(2):
        with pytest.raises(ssl.SSLEOFError):
            server.do_handshake()
    with pytest.raises(ValueError, match="after handshake"):
        server.context = server_context("ours", "rsa/server")
