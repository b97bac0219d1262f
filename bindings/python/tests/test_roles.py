"""Which context decides about a connection, and for which role it is."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from pairs import PKI, Pair, check_alive, client_context, server_context

import tlsbio
from tlsbio.config import Builder
from tlsbio.errors import Error

TRUSTING = {"trust": "ecdsa/ca.pem"}
DISTRUSTING = {"trust": "rsa/ca.pem"}


@pytest.mark.parametrize("who", ["openssl", "ours"])
@pytest.mark.parametrize("trusts", [True, False])
def test_the_context_that_is_set_decides(who: str, trusts: bool) -> None:
    first, second = (DISTRUSTING, TRUSTING) if trusts else (TRUSTING, DISTRUSTING)
    pair = Pair(client_context(who, **first), server_context(who))
    other = client_context(who, **second)
    pair.client.context = other
    assert pair.client.context is other
    client, _ = pair.try_handshake()
    assert (client is None) == trusts
    if not trusts:
        assert isinstance(client, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("who", ["openssl", "ours"])
def test_a_server_shows_the_certificate_of_the_context_that_is_set(who: str) -> None:
    pair = Pair(client_context(who), server_context(who))
    pair.server.context = server_context(who, "rsa/server")
    pair.handshake()
    assert pair.client.getpeercert(True) == ssl.PEM_cert_to_DER_cert((PKI / "rsa/server.pem").read_text())


def test_a_server_that_asked_nobody_asks_the_callback_of_the_context_that_is_set() -> None:
    called: list[Any] = []
    pair = Pair(client_context(), server_context())
    pair.server.context = server_context(sni_callback=lambda *arguments: called.append(arguments[1]))
    check_alive(pair.handshake())
    assert called == ["localhost"]


@pytest.mark.parametrize("begun", ["started", "done"])
@pytest.mark.parametrize("side", ["client", "server"])
def test_it_cannot_be_set_when_the_handshake_has_begun(side: str, begun: str) -> None:
    pair = Pair(client_context(), server_context())
    if begun == "done":
        pair.handshake()
    else:
        for each in pair.client, pair.server:
            with pytest.raises(ssl.SSLWantReadError):
                each.do_handshake()
    connection = getattr(pair, side)
    before = connection.context
    with pytest.raises(ValueError, match="after handshake"):
        connection.context = client_context(**DISTRUSTING) if side == "client" else server_context("ours", "rsa/server")
    assert connection.context is before
    connection.context = before
    check_alive(pair.handshake())


def test_a_context_that_cannot_be_set_changes_nothing() -> None:
    pair = Pair(client_context(), server_context())
    before = pair.client.context
    with pytest.raises(ssl.SSLError, match="client socket with a PROTOCOL_TLS_SERVER"):
        pair.client.context = server_context()
    with pytest.raises(TypeError):
        pair.client.context = ssl.create_default_context()
    with pytest.raises(ssl.SSLError, match="server socket with a PROTOCOL_TLS_CLIENT"):
        pair.server.context = client_context()
    assert pair.client.context is before
    check_alive(pair.handshake())

    nameless = Pair(client_context(check_hostname=False), server_context(), hostname=None)
    with pytest.raises(ValueError, match="check_hostname"):
        nameless.client.context = client_context()
    check_alive(nameless.handshake())


def test_a_session_belongs_to_its_context() -> None:
    context, server = client_context(), server_context()
    first = Pair(context, server).handshake()
    session = first.client.session
    assert session is not None
    second = Pair(context, server, session=session)
    with pytest.raises(ValueError, match="different SSLContext"):
        second.client.context = client_context()
    assert second.client.context is context
    second.handshake()
    assert second.client.session_reused


def test_the_keys_are_logged_where_the_context_that_is_set_says(tmp_path: Path) -> None:
    log = tmp_path / "keys"
    pair = Pair(client_context(), server_context())
    pair.client.context = client_context(keylog_filename=str(log))
    pair.handshake()
    assert "CLIENT_TRAFFIC_SECRET_0" in log.read_text()


@pytest.mark.parametrize("who", ["openssl", "ours"])
def test_an_sni_callback_may_choose_a_context_of_any_role(who: str) -> None:
    other = client_context(who, check_hostname=False, verify_mode=ssl.CERT_NONE)
    other.load_cert_chain(str(PKI / "rsa/server-chain.pem"), str(PKI / "rsa/server.key"))

    def callback(connection: Any, *_: Any) -> None:
        connection.context = other

    pair = Pair(client_context(who), server_context(who, sni_callback=callback))
    client, _ = pair.try_handshake()
    assert client is None
    assert pair.client.getpeercert(True) == ssl.PEM_cert_to_DER_cert((PKI / "rsa/server.pem").read_text())


def test_no_connection_of_the_other_role_is_made() -> None:
    bios = tlsbio.MemoryBIO(), tlsbio.MemoryBIO()
    with pytest.raises(ssl.SSLError, match="PROTOCOL_TLS_SERVER"):
        server_context().wrap_bio(*bios, server_hostname="localhost")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_TLS_CLIENT"):
        client_context().wrap_bio(*bios, server_side=True)
    # Whoever comes by another way meets the same check.
    with pytest.raises(ssl.SSLError, match="PROTOCOL_TLS_SERVER"):
        server_context()._native(False)
    with pytest.raises(ssl.SSLError, match="PROTOCOL_TLS_CLIENT"):
        client_context()._native(True)


def complete_builder() -> Builder:
    builder = Builder()
    builder.trust((PKI / "trust/all.pem").read_bytes())
    return builder


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("trust", (b"none",)),
        ("trust", ("a text",)),
        ("crl", (b"none",)),
        ("versions", (0x0304, 0x0303)),
        ("versions", (-1, 1)),
        ("client_auth", (3,)),
        ("verify", (9,)),
        ("suites", ([0x9999],)),
        ("suites", ([1 << 20],)),
        ("groups", ([0x9999],)),
        ("alpn", ([b""],)),
        ("alpn", ([b"x" * 256],)),
        ("limits", (1, 1)),
        ("revocation", (64,)),
        ("identity", (b"none", b"none")),
        ("identity_external", (b"none",)),
        ("intermediates", (b"none",)),
        ("trust_peer", (b"none",)),
        ("sessions", (1 << 60,)),
        ("events", (1 << 31,)),
        ("pool", (-1,)),
    ],
)
def test_what_a_builder_could_not_set_is_missing_from_no_context(name: str, arguments: tuple[Any, ...]) -> None:
    builder = complete_builder()
    builder.client()
    with pytest.raises(Exception) as first:
        getattr(builder, name)(*arguments)
    with pytest.raises(Error):
        builder.verify(77)
    for make in builder.client, builder.server:
        with pytest.raises(type(first.value)) as told:
            make()
        assert told.value is first.value
    builder.clear_error()
    builder.client()


def test_what_is_tried_is_not_remembered_but_what_was_is() -> None:
    builder = complete_builder()
    with pytest.raises(Error), builder.trying():
        builder.versions(0x0304, 0x0303)
    builder.client()
    with pytest.raises(Error) as first:
        builder.client_auth(3)
    with pytest.raises(Error), builder.trying():
        builder.versions(0x0304, 0x0303)
    with pytest.raises(Error) as told:
        builder.client()
    assert told.value is first.value
    # Each tells about itself.
    with pytest.raises(Error, match="0x0305"):
        builder.versions(0x0303, 0x0305)
