"""What can be set on a context, and that what cannot be honoured is refused at once."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pairs import PKI, Pair, client_context, server_context

import tlsbio


@pytest.mark.parametrize("protocol", [ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER])
def test_a_context_is_that_of_ssl(protocol: Any) -> None:
    ours, theirs = tlsbio.SSLContext(protocol), ssl.SSLContext(protocol)
    assert isinstance(ours, ssl.SSLContext)
    for name in (
        "verify_mode",
        "verify_flags",
        "check_hostname",
        "options",
        "minimum_version",
        "maximum_version",
        "protocol",
        "keylog_filename",
        "sni_callback",
        "num_tickets",
        "hostname_checks_common_name",
    ):
        if hasattr(theirs, name):
            assert getattr(ours, name) == getattr(theirs, name), name
    for purpose in ssl.Purpose.SERVER_AUTH, ssl.Purpose.CLIENT_AUTH:
        default, expected = tlsbio.create_default_context(purpose), ssl.create_default_context(purpose)
        assert (default.verify_mode, default.check_hostname) == (expected.verify_mode, expected.check_hostname)
        assert (default.options, default.verify_flags) == (expected.options, expected.verify_flags)
        assert default.cert_store_stats() == expected.cert_store_stats()
    with pytest.raises(TypeError):
        tlsbio.create_default_context("server")  # type: ignore[arg-type]


REFUSED: list[tuple[str, Any]] = [
    ("minimum_version", ssl.TLSVersion.TLSv1_1),
    ("minimum_version", ssl.TLSVersion.TLSv1),
    ("maximum_version", ssl.TLSVersion.TLSv1_1),
    ("post_handshake_auth", True),
    ("num_tickets", 9),
    ("options", 0x100),
    ("verify_flags", 0x40),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_the_engine_cannot_honour_is_refused_at_once(name: str, value: Any) -> None:
    context = server_context()
    before = getattr(context, name)
    with pytest.raises(NotImplementedError):
        setattr(context, name, value)
    assert getattr(context, name) == before
    Pair(client_context(), context).handshake()


def test_calls_that_the_engine_cannot_honour_are_refused_at_once() -> None:
    context = server_context()
    for call in (
        lambda: context.load_dh_params("params.pem"),
        lambda: context.set_npn_protocols(["h2"]),
        lambda: context.set_psk_server_callback(lambda identity: b"key"),
        lambda: context.set_ecdh_curve("secp521r1"),
        lambda: tlsbio.SSLContext(ssl.PROTOCOL_TLSv1_1),
    ):
        with pytest.raises(NotImplementedError):
            call()
    context.set_psk_server_callback(None)
    context.post_handshake_auth = False
    with pytest.raises(ValueError):
        context.set_ecdh_curve("no such curve")


def test_settings_are_checked_as_by_ssl() -> None:
    context = client_context()
    with pytest.raises(ValueError, match="check_hostname"):
        context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError):
        context.set_ciphers("no such cipher")
    with pytest.raises((ssl.SSLError, FileNotFoundError)):
        context.load_cert_chain("/nonexistent.pem")
    with pytest.raises(FileNotFoundError):
        context.load_verify_locations("/nonexistent.pem")
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(PKI / "ecdsa/server.pem", PKI / "rsa/server.key")
    with pytest.raises(ssl.SSLError, match="1 to 255"):
        context.set_alpn_protocols(["x" * 256])


def test_versions() -> None:
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        for settings in (
            {"maximum_version": version, "minimum_version": version},
            {"options": ssl.OP_NO_TLSv1_3 if version == ssl.TLSVersion.TLSv1_2 else ssl.OP_NO_TLSv1_2},
        ):
            pair = Pair(client_context(**settings), server_context()).handshake()
            assert pair.server.version() == version.name.replace("_", ".")
    context = client_context(options=ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3)
    with pytest.raises(ssl.SSLError) as caught:
        Pair(context, server_context())
    assert caught.value.reason == "NO_PROTOCOLS_AVAILABLE"
    client = client_context(minimum_version=ssl.TLSVersion.TLSv1_3)
    ends = Pair(client, server_context(maximum_version=ssl.TLSVersion.TLSv1_2)).try_handshake()
    assert [end.reason for end in ends if isinstance(end, ssl.SSLError)] == [
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
    ]


def test_cipher_suites() -> None:
    client = client_context(maximum_version=ssl.TLSVersion.TLSv1_2)
    client.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305:AES128-SHA")
    names = [cipher["name"] for cipher in client.get_ciphers()]
    assert "ECDHE-ECDSA-CHACHA20-POLY1305" in names and "AES128-SHA" not in names
    pair = Pair(client, server_context("openssl")).handshake()
    assert pair.client.cipher() == ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", 256)
    with pytest.raises(ssl.SSLError, match="AES128-SHA"):
        client.set_ciphers("AES128-SHA")
    assert [cipher["name"] for cipher in client.get_ciphers()] == names
    client.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    ends = Pair(client, server_context()).try_handshake()
    assert isinstance(ends[1], ssl.SSLError)
    assert "SSLV3_ALERT_HANDSHAKE_FAILURE" in str(ends[0])


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1", "X25519"])
def test_groups(curve: str) -> None:
    client = client_context()
    client.set_ecdh_curve(curve)
    Pair(client, server_context("openssl")).handshake()
    pair = Pair(client, server_context())
    assert pair.client.group() is None
    pair.handshake()
    assert pair.client.group() == pair.server.group() == {"prime256v1": "secp256r1"}.get(curve, curve.lower())
    assert Pair.of("ours-ours").client.group() == "X25519MLKEM768"


@pytest.mark.parametrize("how", ["text", "bytes", "call", "call for bytes"])
@pytest.mark.parametrize("key", ["keys/rsa-pkcs8-encrypted.key", "keys/rsa-legacy-encrypted.key"])
def test_encrypted_keys(how: str, key: str, tmp_path: Path) -> None:
    text = password_of(key)
    calls: list[None] = []

    def ask() -> Any:
        calls.append(None)
        return text if how == "call" else text.encode()

    password: Any = {"text": text, "bytes": text.encode()}.get(how, ask)
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PKI / "rsa/server-chain.pem", PKI / key, password)
    assert len(calls) <= 1
    Pair(client_context("openssl"), context).handshake()
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(PKI / "rsa/server-chain.pem", PKI / key, "wrong")


def password_of(key: str) -> str:
    """That of tests/pki/make.sh."""
    script = (Path(__file__).resolve().parents[3] / "tests/pki/make.sh").read_text()
    return script.split("pass:")[1].split()[0].strip("\"'")


def test_one_identity_a_kind_of_key() -> None:
    context = server_context()
    context.load_cert_chain(PKI / "rsa/server-chain.pem", PKI / "rsa/server.key")
    context.load_cert_chain(PKI / "ecdsa/direct.pem", PKI / "ecdsa/direct.key")
    for suite, kind in ("ECDHE-RSA-AES128-GCM-SHA256", "rsa"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa"):
        client = client_context("openssl", maximum_version=ssl.TLSVersion.TLSv1_2)
        client.set_ciphers(suite)
        pair = Pair(client, context).handshake()
        name = "server" if kind == "rsa" else "direct"
        expected = ssl.PEM_cert_to_DER_cert((PKI / f"{kind}/{name}.pem").read_text())
        assert pair.client.getpeercert(True) == expected


@pytest.mark.parametrize("who", ["openssl", "ours"])
def test_a_server_needs_a_certificate(who: str) -> None:
    context = {"openssl": ssl, "ours": tlsbio}[who].SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client_end, server_end = Pair(client_context("openssl"), context).try_handshake()
    assert isinstance(server_end, ssl.SSLError) and server_end.reason == "NO_SHARED_CIPHER"
    assert "HANDSHAKE_FAILURE" in str(client_end)


def test_the_callback_may_bring_the_only_certificate() -> None:
    chosen = server_context()
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda connection, *_: setattr(connection, "context", chosen)
    Pair(client_context("openssl"), context).handshake()


def test_the_name_chooses_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)
    seen: list[Any] = []
    other = server_context(identity="rsa/server")
    other.set_alpn_protocols(["other"])

    def choose(connection: Any, name: str | None, context: Any) -> int | None:
        seen.append((name, context is original, connection.context is original))
        if name == "server.test":
            connection.context = other
        return {"refused.test": 112, "odd.test": "no alert"}.get(name or "")  # type: ignore[return-value]

    original = server_context(sni_callback=choose)
    pair = Pair(client_context("openssl"), original).handshake()
    assert pair.client.getpeercert(True) == ssl.PEM_cert_to_DER_cert((PKI / "ecdsa/server.pem").read_text())
    client = client_context("openssl")
    client.set_alpn_protocols(["other"])
    pair = Pair(client, original, hostname="server.test").handshake()
    assert pair.client.getpeercert(True) == ssl.PEM_cert_to_DER_cert((PKI / "rsa/server.pem").read_text())
    assert pair.client.selected_alpn_protocol() == "other"
    assert pair.server.context is other
    assert seen == [("localhost", True, True), ("server.test", True, True)]
    client_end, server_end = Pair(client_context("openssl"), original, hostname="refused.test").try_handshake()
    assert "UNRECOGNIZED_NAME" in str(client_end)
    assert isinstance(server_end, ssl.SSLError) and server_end.reason == "CALLBACK_FAILED"
    client_end, _ = Pair(client_context("openssl"), original, hostname="odd.test").try_handshake()
    assert "INTERNAL_ERROR" in str(client_end)
    assert [what.exc_type for what in shown] == [TypeError]


def test_an_sni_callback_that_raises_fails_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)

    def fail(*_: Any) -> None:
        raise RuntimeError("from the callback")

    client_end, server_end = Pair(client_context("openssl"), server_context(sni_callback=fail)).try_handshake()
    assert "HANDSHAKE_FAILURE" in str(client_end)
    assert isinstance(server_end, ssl.SSLError)
    assert [str(what.exc_value) for what in shown] == ["from the callback"]


def test_another_context_does_not_make_client_certificates_optional() -> None:
    lenient = server_context()
    strict = server_context(verify_mode=ssl.CERT_REQUIRED)
    strict.load_verify_locations(PKI / "ecdsa/ca.pem")
    strict.sni_callback = lambda connection, *_: setattr(connection, "context", lenient)
    _, server_end = Pair(client_context("openssl"), strict).try_handshake()
    assert isinstance(server_end, ssl.SSLError)
    assert server_end.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("server_is", ["openssl", "ours"])
def test_sessions_are_carried_by_the_host(version: ssl.TLSVersion, server_is: str) -> None:
    context, server = client_context(maximum_version=version), server_context(server_is)
    first = Pair(context, server).handshake()
    assert not first.client.session_reused
    session = first.client.session
    assert isinstance(session, tlsbio.SSLSession) and session.has_ticket
    second = Pair(context, server, session=session).handshake()
    assert second.client.session_reused
    assert second.client.getpeercert() == first.client.getpeercert()
    assert not Pair(context, server).handshake().client.session_reused
    later = Pair(context, server)
    later.client.session = second.client.session or session
    assert later.handshake().client.session_reused
    with pytest.raises(ValueError, match="after handshake"):
        later.client.session = session
    with pytest.raises(ValueError, match="different SSLContext"):
        Pair(client_context(), server, session=session)
    with pytest.raises(TypeError):
        later.client.session = "session"
    if server_is == "ours":
        with pytest.raises(ValueError, match="server"):
            later.server.session = session
    # A TLS 1.3 session is used once; offered again it is a full handshake, as with one that has expired.
    assert Pair(context, server, session=session).handshake().client.session_reused == (version.name == "TLSv1_2")


@pytest.mark.parametrize("setting", [{"num_tickets": 0}, {"options": ssl.OP_NO_TICKET}])
def test_servers_without_tickets(setting: dict[str, Any]) -> None:
    context, server = client_context(), server_context(**setting)
    assert Pair(context, server).handshake().client.session is None


@pytest.mark.parametrize("sni", [False, True])
def test_secrets_are_logged_where_a_file_is_named(tmp_path: Path, sni: bool) -> None:
    path = tmp_path / "keys"
    server = server_context(keylog_filename=path)
    if sni:
        server.sni_callback = lambda *_: None
    client = client_context(keylog_filename=str(path))
    pair = Pair(client, server).handshake()
    pair.client.write(b"x")
    pair.server.read()
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    labels = [label for label, *_ in lines]
    for label in "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "SERVER_HANDSHAKE_TRAFFIC_SECRET":
        assert labels.count(label) == 2
    assert len({tuple(line) for line in lines}) == len(lines) / 2


def test_the_environment_names_a_file_for_secrets(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    code = "import tlsbio; print(tlsbio.create_default_context().keylog_filename)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SSLKEYLOGFILE": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(path)


def test_it_can_stand_in_the_place_of_ssl_sslcontext() -> None:
    code = """
import ssl, tlsbio
ssl.SSLContext = tlsbio.SSLContext
context = ssl.create_default_context()
context.minimum_version = ssl.TLSVersion.TLSv1_2
context.options |= ssl.OP_NO_TICKET
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.verify_flags |= ssl.VERIFY_X509_STRICT
print(type(context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())).__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "tlsbio.sslobject"


@pytest.mark.parametrize("who", ["openssl", "ours"])
def test_a_callback_that_comes_after_the_connection_is_called(who: str, tmp_path: Path) -> None:
    called: list[Any] = []
    context, chosen = server_context(who), server_context(who, "rsa/server")
    chosen.keylog_filename = str(tmp_path / "keys")

    def choose(connection: Any, name: str | None, _: Any) -> int | None:
        called.append(name)
        connection.context = chosen
        return 112 if name == "refused.test" else None

    pair = Pair(client_context("openssl"), context)
    context.sni_callback = choose
    pair.handshake()
    assert called == ["localhost"]
    assert pair.client.getpeercert(True) == ssl.PEM_cert_to_DER_cert((PKI / "rsa/server.pem").read_text())
    if who == "ours":
        assert "SERVER_HANDSHAKE_TRAFFIC_SECRET" in (tmp_path / "keys").read_text()
    context.sni_callback = None
    refused = Pair(client_context("openssl"), context, hostname="refused.test")
    context.sni_callback = choose
    assert "UNRECOGNIZED_NAME" in str(refused.try_handshake()[0])
    # One that was taken away is not.
    pair = Pair(client_context("openssl"), context)
    context.sni_callback = None
    pair.handshake()
    assert called == ["localhost", "refused.test"]


@pytest.mark.parametrize("who", ["openssl", "ours"])
def test_what_is_set_when_a_server_is_made_counts(who: str) -> None:
    context = server_context(who)
    context.sni_callback = lambda *_: None
    pair = Pair(client_context("openssl"), context)
    context.load_verify_locations(PKI / "ecdsa/ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    pair.handshake()


def test_what_the_system_trusts_is_parsed_once() -> None:
    """Hosts make a context for each request, where a program does not keep one."""
    from tlsbio import trust

    first = tlsbio.create_default_context()
    before = trust._facts_again.cache_info(), trust._read_again.cache_info()
    second = tlsbio.create_default_context()
    after = trust._facts_again.cache_info(), trust._read_again.cache_info()
    assert [one.misses for one in after] == [one.misses for one in before]
    assert second._tlsbio_trust._certificates == first._tlsbio_trust._certificates
    # What is added to one is not in the other.
    second.load_verify_locations(cafile=str(PKI / "ecdsa/ca.pem"))
    assert len(second._tlsbio_trust._certificates) == len(first._tlsbio_trust._certificates) + 1
