"""The members of SSLObject that hosts call, with OpenSSL's meaning: each test is run with OpenSSL alone, too."""

from __future__ import annotations

import random
import ssl
from typing import Any

import pytest
from pairs import PKI, Pair, client_context, server_context

import tlsbio

MIB = 1 << 20


def read_all(side: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += side.read(262144)
    return data


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bytes_arrive_in_both_directions(engines: str, version: ssl.TLSVersion) -> None:
    pair = Pair.of(engines, minimum_version=version, maximum_version=version)
    rng = random.Random(1)
    for size in (1, 2, 255, 16383, 16384, 16385, 70000, MIB):
        for writer, reader in (pair.client, pair.server), (pair.server, pair.client):
            message = rng.randbytes(size)
            assert writer.write(message) == size
            assert read_all(reader, size) == message
    assert pair.client.version() == pair.server.version() == version.name.replace("_", ".")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_can_be_written(engines: str, kind: Any) -> None:
    pair = Pair.of(engines)
    assert pair.client.write(kind(b"hello")) == 5
    assert pair.server.read(10) == b"hello"
    assert pair.client.write(kind(b"")) == 0


def test_items_wider_than_a_byte_are_counted_in_bytes(engines: str) -> None:
    pair = Pair.of(engines)
    assert pair.client.write(memoryview(b"abcdefgh").cast("I")) == 8
    assert pair.server.read(10) == b"abcdefgh"


def test_the_rest_of_a_record_stays_readable(engines: str) -> None:
    pair = Pair.of(engines)
    message = bytes(range(250)) * 4
    pair.client.write(message)
    buffer = bytearray(10)
    assert pair.server.pending() == 0
    assert pair.server.read(10, buffer) == 10
    assert buffer == message[:10]
    assert pair.server.pending() == 990
    assert pair.server.read(5) == message[10:15]
    assert pair.server.pending() == 985
    assert pair.server.read() == message[15:]
    assert pair.server.pending() == 0


@pytest.mark.parametrize("count", [0, -1, 11, 2**40])
def test_a_count_that_the_buffer_does_not_have_means_all_of_it(engines: str, count: int) -> None:
    if count == 2**40 and engines == "openssl-openssl":
        pytest.skip("OpenSSL's counts are ints")
    pair = Pair.of(engines)
    pair.client.write(b"0123456789abc")
    buffer = bytearray(10)
    assert pair.server.read(count, memoryview(buffer)) == 10
    assert buffer == b"0123456789"
    assert pair.server.read(len=count if 0 < count < 2**31 else 5, buffer=None) == b"abc"


def test_a_read_gives_one_record(engines: str) -> None:
    pair = Pair.of(engines)
    for message in b"first", b"second":
        pair.client.write(message)
    assert pair.server.read(262144) == b"first"
    assert pair.to_server.pending > 0
    assert pair.server.pending() == 0
    assert pair.server.read(262144) == b"second"
    pair.client.write(bytes(40000))
    assert 16000 < len(pair.server.read(262144)) <= 16384


def test_sizes_that_read_refuses(engines: str) -> None:
    pair = Pair.of(engines)
    with pytest.raises(ValueError, match="negative"):
        pair.server.read(-1)
    assert pair.server.read(0) == b""
    with pytest.raises(TypeError):
        pair.server.read(5, b"read-only")
    with pytest.raises(TypeError):
        pair.server.read(5, memoryview(bytes(5)))
    with pytest.raises(TypeError):
        pair.server.read("5")
    with pytest.raises(TypeError):
        pair.client.write("text")
    with pytest.raises(TypeError):
        pair.client.write(None)
    pair.client.write(b"alive")
    assert pair.server.read() == b"alive"


def test_want_read_is_what_hosts_look_for(engines: str) -> None:
    pair = Pair.of(engines)
    pair.client.do_handshake()
    with pytest.raises(ssl.SSLWantReadError) as caught:
        pair.server.read(1)
    error = caught.value
    assert (error.errno, error.args[0], error.reason, error.library) == (2, 2, None, None)
    assert "did not complete (read)" in str(error)


def test_after_the_peers_end_reads_are_empty_and_writes_go_on(engines: str) -> None:
    pair = Pair.of(engines)
    pair.client.write(b"last words")
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    assert pair.server.read(100) == b"last words"
    assert [pair.server.read(100) for _ in range(3)] == [b"", b"", b""]
    assert pair.server.read(10, bytearray(10)) == 0
    assert pair.server.write(b"late answer") == 11
    assert pair.client.read(100) == b"late answer"
    assert pair.server.unwrap() is None
    assert pair.client.unwrap() is None
    for side in pair.client, pair.server:
        with pytest.raises(ssl.SSLZeroReturnError) as caught:
            side.read(1)
        assert caught.value.args[0] == 6
        with pytest.raises(ssl.SSLError) as refused:
            side.write(b"x")
        assert refused.value.reason == "PROTOCOL_IS_SHUTDOWN"


def test_data_that_comes_after_unwrap_is_told(engines: str) -> None:
    pair = Pair.of(engines)
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    pair.server.write(b"not yet")
    with pytest.raises(ssl.SSLError) as caught:
        pair.client.unwrap()
    assert caught.value.reason == "APPLICATION_DATA_AFTER_CLOSE_NOTIFY"


def test_what_follows_the_tls_stream_stays_in_the_bio(engines: str) -> None:
    pair = Pair.of(engines)
    pair.client.write(b"encrypted")
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    pair.to_server.write(b"plain text on the same transport")
    pair.to_server.write_eof()
    assert pair.server.read(100) == b"encrypted"
    assert pair.server.read(100) == b""
    pair.server.unwrap()
    assert pair.to_server.read() == b"plain text on the same transport"


def test_bytes_that_come_one_by_one(engines: str) -> None:
    pair = Pair.of(engines)
    pair.client.write(b"slowly")
    wire = pair.to_server.read()
    for index in range(len(wire) - 1):
        pair.to_server.write(wire[index : index + 1])
        with pytest.raises(ssl.SSLWantReadError):
            pair.server.read(100)
    pair.to_server.write(wire[-1:])
    assert pair.server.read(100) == b"slowly"


@pytest.mark.parametrize("seed", range(5))
def test_pending_tells_of_all_that_can_be_read(engines: str, seed: int) -> None:
    pair = Pair.of(engines)
    rng = random.Random(seed)
    sent = received = b""
    for _ in range(40):
        for _ in range(rng.randrange(4)):
            message = rng.randbytes(rng.choice([1, 100, 5000, 16384, 40000]))
            pair.client.write(message)
            sent += message
        # On the way from one BIO to the other, in pieces that have nothing to do with records.
        wire = pair.to_server.read()
        while wire:
            size = rng.choice([1, 4, 5, 6, 1000, 16384, 20000, 65536])
            pair.to_server.write(wire[:size])
            wire = wire[size:]
            # uvloop's loop: whoever under-reports leaves bytes unread.
            while pair.to_server.pending or pair.server.pending():
                try:
                    received += pair.server.read(rng.choice([10, 262144]))
                except ssl.SSLWantReadError:
                    break
        assert received == sent


def test_data_behind_the_handshake_waits_in_the_bio(engines: str) -> None:
    client, server, *own = engines.split("-", 2)
    pair = Pair(client_context(client), server_context(server), bio=tlsbio.MemoryBIO if own else ssl.MemoryBIO)
    for side in pair.client, pair.server:
        with pytest.raises(ssl.SSLWantReadError):
            side.do_handshake()
    pair.client.do_handshake()
    pair.client.write(b"with my Finished")
    pair.server.do_handshake()
    assert pair.to_server.pending > len(b"with my Finished")
    assert pair.server.pending() == 0
    assert pair.server.read(100) == b"with my Finished"


def end_of(engine: str) -> type[ssl.SSLError]:
    """What a missing close_notify raises: an older CPython has no class of its own for it."""
    return ssl.SSLEOFError if engine == "ours" else ssl.SSLError


def test_the_end_of_the_transport_is_no_end_of_the_stream(engines: str) -> None:
    pair = Pair.of(engines)
    pair.client.write(b"cut off")
    pair.to_server.write_eof()
    assert pair.server.read(100) == b"cut off"
    for _ in range(2):
        with pytest.raises(end_of(engines.split("-")[1])) as caught:
            pair.server.read(100)
        if isinstance(caught.value, ssl.SSLEOFError):
            assert caught.value.args[0] == 8
    if engines.split("-")[1] == "ours":
        assert "UNEXPECTED_EOF_WHILE_READING" in str(caught.value)


def test_the_end_of_the_transport_counts_where_an_option_says_so(engines: str) -> None:
    pair = Pair.of(engines, options=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).options | 0x80)
    pair.to_server.write_eof()
    assert pair.server.read(100) == b""


def test_the_transport_ends_in_the_handshake(engines: str) -> None:
    client, server, *_ = engines.split("-")
    pair = Pair(client_context(client), server_context(server))
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.do_handshake()
    pair.to_client.write_eof()
    with pytest.raises(end_of(client)):
        pair.client.do_handshake()


def test_unwrap_is_for_connections(engines: str) -> None:
    client, server, *_ = engines.split("-")
    pair = Pair(client_context(client), server_context(server))
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.do_handshake()
    with pytest.raises(ssl.SSLError) as caught:
        pair.client.unwrap()
    assert caught.value.reason == "SHUTDOWN_WHILE_IN_INIT"


def test_facts_before_and_after_the_handshake(engines: str) -> None:
    client, server, *_ = engines.split("-")
    contexts = client_context(client), server_context(server)
    pair = Pair(*contexts)
    assert pair.client.version() is None
    assert pair.client.cipher() is None
    with pytest.raises(ValueError, match="handshake not done"):
        pair.client.getpeercert()
    assert pair.client.selected_alpn_protocol() is None
    pair.handshake()
    name, version, bits = pair.client.cipher()
    assert pair.server.cipher() == (name, version, bits)
    assert name.startswith("TLS_") and version == "TLSv1.3" and bits in (128, 256)
    assert pair.client.compression() is None
    if engines.startswith("ours"):  # An older CPython gives a client its own list.
        assert pair.client.shared_ciphers() is None
    assert (name, version, bits) in pair.server.shared_ciphers()
    assert (pair.client.server_side, pair.server.server_side) == (False, True)
    assert (pair.client.server_hostname, pair.server.server_hostname) == ("localhost", None)
    assert (pair.client.context, pair.server.context) == contexts
    assert pair.server.getpeercert() is None
    assert pair.client.getpeercert(True) == ssl.PEM_cert_to_DER_cert((PKI / "ecdsa/server.pem").read_text())
    certificate = pair.client.getpeercert()
    assert ("DNS", "localhost") in certificate["subjectAltName"]
    assert ("IP Address", "0:0:0:0:0:0:0:1") in certificate["subjectAltName"]
    assert isinstance(pair.client, ssl.SSLObject)
    with pytest.raises(ValueError, match="not implemented"):
        pair.client.get_channel_binding("tls-nothing")


def test_alpn(engines: str) -> None:
    client, server, *_ = engines.split("-")
    contexts = client_context(client), server_context(server)
    contexts[0].set_alpn_protocols(["h2", "http/1.1"])
    contexts[1].set_alpn_protocols(["http/1.1", "h2"])
    pair = Pair(*contexts).handshake()
    assert pair.client.selected_alpn_protocol() == pair.server.selected_alpn_protocol() == "http/1.1"


def test_channel_bindings_agree() -> None:
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        pair = Pair.of("ours-ours", minimum_version=version, maximum_version=version)
        for kind in "tls-exporter", "tls-server-end-point":
            binding = pair.client.get_channel_binding(kind)
            assert binding == pair.server.get_channel_binding(kind) != None  # noqa: E711
            assert len(binding) == 32
        assert pair.client.get_channel_binding() is None


def test_hostnames_in_all_forms() -> None:
    for hostname in "localhost", b"localhost", "127.0.0.1", "::1":
        Pair(client_context(), server_context("openssl"), hostname=hostname).handshake()
    assert Pair(client_context(), server_context(), hostname="bücher.example").client.server_hostname == (
        "xn--bcher-kva.example"
    )


@pytest.mark.parametrize(
    ("hostname", "error"),
    [
        ("", ValueError),
        (".localhost", ValueError),
        ("a b", ValueError),
        ("x\0y", TypeError),
        (None, ValueError),
        (5, (TypeError, AttributeError)),
    ],
)
def test_hostnames_that_are_none(hostname: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        client_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=hostname)


def test_forms_of_the_call() -> None:
    context, incoming, outgoing = client_context(), ssl.MemoryBIO(), ssl.MemoryBIO()
    assert context.wrap_bio(incoming, outgoing, False, "localhost", None).server_hostname == "localhost"
    by_name = context.wrap_bio(
        incoming=incoming, outgoing=outgoing, server_side=False, server_hostname=b"localhost", session=None
    )
    assert not by_name.server_side
    with pytest.raises(TypeError):
        context.wrap_bio(incoming, object(), server_hostname="localhost")
    with pytest.raises(TypeError):
        tlsbio.SSLObject(context)
    with pytest.raises(ssl.SSLError, match="PROTOCOL_TLS_CLIENT"):
        context.wrap_bio(incoming, outgoing, server_side=True)
    with pytest.raises(ssl.SSLError, match="PROTOCOL_TLS_SERVER"):
        server_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ValueError, match="client mode"):
        server_context().wrap_bio(incoming, outgoing, server_side=True, server_hostname="localhost")


def test_nothing_is_sent_before_the_handshake_begins() -> None:
    pair = Pair(client_context(), server_context())
    assert pair.to_server.pending == 0
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.write(b"begins it")
    assert pair.to_server.pending > 100


def test_tls_within_tls() -> None:
    outer = Pair.of("ours-ours")
    inner_client, inner_server = client_context(), server_context()
    bios = [ssl.MemoryBIO() for _ in range(4)]
    client = inner_client.wrap_bio(bios[0], bios[1], server_hostname="localhost")
    server = inner_server.wrap_bio(bios[2], bios[3], server_side=True)

    def carry() -> None:
        for source, writer, reader, target in (
            (bios[1], outer.client, outer.server, bios[2]),
            (bios[3], outer.server, outer.client, bios[0]),
        ):
            if source.pending:
                writer.write(source.read())
            while True:
                try:
                    target.write(reader.read(262144))
                except ssl.SSLWantReadError:
                    break

    for side in (client, server) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
        carry()
    client.write(b"wrapped twice")
    carry()
    assert server.read() == b"wrapped twice"
