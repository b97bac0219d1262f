"""Bad input and faults: an exception of the documented class each time, and the connection goes on where it can."""

from __future__ import annotations

import os
import ssl
import sys
import threading
from typing import Any

import pytest
from pairs import Pair, check_alive, client_context, server_context

import tlsbio


def test_a_closed_object_says_so() -> None:
    pair = Pair.of("ours-ours")
    pair.client.close()
    pair.client.close()
    for call in (
        pair.client.do_handshake,
        pair.client.read,
        lambda: pair.client.read(0),
        lambda: pair.client.read(5, bytearray(5)),
        lambda: pair.client.write(b"x"),
        pair.client.pending,
        pair.client.unwrap,
        pair.client.getpeercert,
        pair.client.version,
        pair.client.cipher,
        lambda: pair.client.session,
        lambda: pair.client.get_channel_binding("tls-exporter"),
    ):
        with pytest.raises(ValueError, match="closed"):
            call()
    assert pair.client.server_hostname == "localhost"


def test_an_object_that_was_never_opened_says_so() -> None:
    empty = tlsbio.SSLObject.__new__(tlsbio.SSLObject)
    for call in empty.do_handshake, empty.read, empty.pending, empty.unwrap, empty.version:
        with pytest.raises(ValueError, match="closed"):
            call()
    empty.close()


@pytest.mark.parametrize("is_server", [False, True])
def test_a_peer_that_closes_in_the_handshake_has_not_done_it(is_server: bool) -> None:
    for version in (b"\x03\x01", b"\x03\x03"):
        incoming, outgoing = tlsbio.MemoryBIO(), tlsbio.MemoryBIO()
        context = server_context() if is_server else client_context()
        name = None if is_server else "localhost"
        end = context.wrap_bio(incoming, outgoing, is_server, server_hostname=name)
        with pytest.raises(ssl.SSLWantReadError):
            end.do_handshake()
        incoming.write(b"\x15" + version + b"\x00\x02\x01\x00")
        for _ in range(2):
            with pytest.raises(ssl.SSLZeroReturnError):
                end.do_handshake()
        assert end.read() == b""
        with pytest.raises(ssl.SSLError):
            end.write(b"secret")
        assert end.cipher() is None


@pytest.mark.parametrize("bio", [ssl.MemoryBIO, tlsbio.MemoryBIO])
def test_garbage_instead_of_tls(bio: Any) -> None:
    for garbage, reason in (
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP_REQUEST"),
        (bytes(500), "WRONG_VERSION_NUMBER"),
        (b"\x16\x03\x01\xff\xff" + bytes(70000), None),
        (b"\x16\x03\x01\x00\x05" + b"\x01\x00\x00\x01\x00", None),
    ):
        pair = Pair(client_context(), server_context(), bio=bio)
        pair.to_server.write(garbage)
        for _ in range(2):
            with pytest.raises(ssl.SSLError) as caught:
                pair.server.do_handshake()
            assert not isinstance(caught.value, ssl.SSLWantReadError)
            assert caught.value.library == "SSL"
            if reason:
                assert caught.value.reason == reason
        assert pair.to_client.pending == 7, "the alert is in the BIO"


def test_a_damaged_record() -> None:
    pair = Pair.of("ours-ours")
    pair.client.write(b"first")
    pair.client.write(b"second")
    wire = bytearray(pair.to_server.read())
    wire[-1] ^= 1
    pair.to_server.write(wire)
    assert pair.server.read() == b"first"
    for _ in range(2):
        with pytest.raises(ssl.SSLError) as caught:
            pair.server.read()
        assert caught.value.reason == "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
    with pytest.raises(ssl.SSLError) as told:
        pair.client.read()
    assert told.value.reason == "SSLV3_ALERT_BAD_RECORD_MAC"
    with pytest.raises(ssl.SSLError):
        pair.server.write(b"x")


def test_an_outgoing_bio_that_was_ended() -> None:
    pair = Pair.of("ours-ours")
    pair.to_server.write_eof()
    with pytest.raises(ssl.SSLError, match="write_eof"):
        pair.client.write(b"x")
    own = tlsbio.MemoryBIO()
    own.write_eof()
    with pytest.raises(ssl.SSLError, match="write_eof"):
        own.write(b"x")


def test_a_buffer_cannot_be_resized_while_it_is_lent() -> None:
    pair = Pair.of("ours-ours")
    data = bytearray(8 << 20)
    refused: list[BaseException] = []
    done = threading.Event()

    def resize() -> None:
        while not done.is_set():
            try:
                data.append(0)
                data.pop()
            except BufferError as error:
                refused.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=resize)
    thread.start()
    try:
        for _ in range(50):
            assert pair.client.write(data) >= 8 << 20
            pair.to_server.read()
            if refused:
                break
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert refused


def test_two_threads_at_once_harm_nothing() -> None:
    pair = Pair.of("ours-ours")
    outcomes: list[Any] = []
    data = bytes(1 << 20)

    def write() -> None:
        for _ in range(30):
            try:
                outcomes.append(pair.client.write(data))
            except ssl.SSLError as error:
                outcomes.append(error.reason)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) <= {1 << 20, "BUSY"}
    received = 0
    while received < outcomes.count(1 << 20) << 20:
        received += len(pair.server.read(262144))
    check_alive(pair)


@pytest.mark.parametrize("bio", [ssl.MemoryBIO, tlsbio.MemoryBIO])
def test_another_thread_takes_the_wire_bytes(bio: Any) -> None:
    pair = Pair(client_context(), server_context(), bio=bio).handshake()
    between, messages = tlsbio.MemoryBIO(), 200
    done = threading.Event()

    def carry() -> None:
        while not done.is_set() or pair.to_server.pending:
            between.write(pair.to_server.read(5000))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=carry)
    thread.start()
    try:
        for index in range(messages):
            pair.client.write(bytes([index % 256]) * 20000)
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
    pair.to_server.write(between.read())
    received = b"".join(pair.server.read(262144) for _ in range(messages * 2))
    assert received == b"".join(bytes([index % 256]) * 20000 for index in range(messages))


def test_a_handshake_moves_between_threads() -> None:
    pair = Pair(client_context(), server_context())
    for _ in range(3):
        thread = threading.Thread(target=pair.try_handshake)
        thread.start()
        thread.join()
    check_alive(pair)


def test_an_sni_callback_cannot_use_the_connection_itself() -> None:
    caught: list[Any] = []

    def callback(connection: Any, *_: Any) -> None:
        for call in connection.do_handshake, connection.read, connection.close:
            try:
                call()
            except ssl.SSLError as error:
                caught.append(error.reason)
        assert connection.version() is None

    pair = Pair(client_context(), server_context(sni_callback=callback)).handshake()
    assert caught == ["BUSY"] * 3
    check_alive(pair)


def test_the_context_is_changed_while_connections_live() -> None:
    client, server = client_context(), server_context()
    pair = Pair(client, server).handshake()
    waiting = Pair(client, server)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    del client, server
    check_alive(pair)
    waiting.handshake()
    assert waiting.client.version() == "TLSv1.3"
    assert waiting.client.getpeercert()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_connection_goes_on_in_a_forked_process() -> None:
    pair = Pair.of("ours-ours")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            check_alive(pair)
            check_alive(Pair(pair.client.context, pair.server.context).handshake())
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    # The parent leaves its copy alone, and makes new ones.
    check_alive(Pair(pair.client.context, pair.server.context).handshake())


def test_bios_compare_with_those_of_ssl() -> None:
    import random

    rng = random.Random(5)
    ours, theirs = tlsbio.MemoryBIO(), ssl.MemoryBIO()
    for _ in range(5000):
        if rng.random() < 0.5:
            data = rng.randbytes(rng.choice([0, 1, 5, 100, 5000]))
            assert ours.write(data) == theirs.write(data)
        else:
            size = rng.choice([-1, None, 0, 1, 7, 300, 10000])
            arguments = () if size is None else (size,)
            assert ours.read(*arguments) == theirs.read(*arguments)
        assert (ours.pending, ours.eof) == (theirs.pending, theirs.eof)
    for wrong in "text", 5, None:
        with pytest.raises(TypeError):
            ours.write(wrong)
    with pytest.raises(BufferError):
        ours.write(memoryview(bytes(10))[::2])
    with pytest.raises(TypeError):
        ours.read("1")
    ours.write_eof()
    theirs.write_eof()
    assert (ours.eof, theirs.eof) == (not ours.pending, not theirs.pending)
