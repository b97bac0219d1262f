"""Bad arguments and settings: what ssl answers with an exception of a type, is one of that type here."""

from __future__ import annotations

import copy
import pickle
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pairs import PKI, Pair, check_alive, client_context, server_context

import tlsbio

BOTH: tuple[Any, ...] = (ssl, tlsbio)


def outcome(what: Callable[[Any], Any], module: ModuleType) -> type | str:
    """The type of the exception, or of the answer."""
    try:
        answer = what(module)
    except Exception as error:
        return type(error)
    return type(answer).__name__


def pair_of(module: ModuleType) -> Pair:
    who = "openssl" if module is ssl else "ours"
    return Pair.of(f"{who}-{who}")


def ended_bio(module: Any) -> Any:
    bio = module.MemoryBIO()
    bio.write_eof()
    return bio


def client_of(module: Any) -> Any:
    return module.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def setting(name: str, value: Any) -> Callable[[Any], Any]:
    def set_it(module: Any) -> Any:
        context = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        setattr(context, name, value)
        return getattr(context, name)

    return set_it


ODD: list[Any] = [None, -1, 0, 1, b"x", "x", "a\0b", 1.5, 2**70, -(2**70), bytearray(3)]
CALLS: dict[str, Callable[[Any], Any]] = {}
for value in ODD:
    CALLS |= {
        f"write {value!r} to a BIO": lambda module, value=value: module.MemoryBIO().write(value),
        f"write {value!r} to a BIO that was ended": lambda module, value=value: ended_bio(module).write(value),
        f"read {value!r} from a BIO": lambda module, value=value: module.MemoryBIO().read(value),
        f"write {value!r}": lambda module, value=value: pair_of(module).client.write(value),
        f"read {value!r}": lambda module, value=value: pair_of(module).client.read(value),
        f"read into {value!r}": lambda module, value=value: pair_of(module).client.read(5, value),
        f"read {value!r} into 3": lambda module, value=value: pair_of(module).client.read(value, bytearray(3)),
        f"channel binding {value!r}": lambda module, value=value: pair_of(module).client.get_channel_binding(value),
        f"ciphers {value!r}": lambda module, value=value: client_of(module).set_ciphers(value),
        f"protocols {value!r}": lambda module, value=value: client_of(module).set_alpn_protocols(value),
        f"chain {value!r}": lambda module, value=value: client_of(module).load_cert_chain(value),
        f"roots {value!r}": lambda module, value=value: client_of(module).load_verify_locations(value),
        f"roots in {value!r}": lambda module, value=value: client_of(module).load_verify_locations(None, None, value),
        f"tickets {value!r}": setting("num_tickets", value),
        f"mode {value!r}": setting("verify_mode", value),
        f"SNI callback {value!r}": setting("sni_callback", value),
        f"key log {value!r}": setting("keylog_filename", value),
    }
for value in None, 5, "a\0b", b"\xff", "junk":
    CALLS[f"group {value!r}"] = lambda module, value=value: client_of(module).set_ecdh_curve(value)
for value in None, 5, "", ".x", "a\0b", b"a\0b":
    CALLS[f"server {value!r}"] = lambda module, value=value: client_context(
        "openssl" if module is ssl else "ours", check_hostname=False
    ).wrap_bio(module.MemoryBIO(), module.MemoryBIO(), server_hostname=value)
CALLS |= {
    # Some versions of ssl warn of what a server is not asked, in front of the error.
    "a client's context for a server": lambda module: client_context(
        "openssl" if module is ssl else "ours", check_hostname=False
    ).wrap_bio(module.MemoryBIO(), module.MemoryBIO(), server_side=True),
    "a server's context for a client": lambda module: module.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(
        module.MemoryBIO(), module.MemoryBIO()
    ),
    "a session for a server": lambda module: module.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(
        module.MemoryBIO(), module.MemoryBIO(), server_side=True, session=pair_of(module).client.session
    ),
    "a BIO with an argument": lambda module: module.MemoryBIO(3),
    "a copied session": lambda module: copy.copy(pair_of(module).client.session),
    "a pickled session": lambda module: pickle.dumps(pair_of(module).client.session),
    "a copied BIO": lambda module: copy.copy(module.MemoryBIO()),
    "a copied context": lambda module: copy.copy(client_of(module)),
    "a pickled object": lambda module: pickle.dumps(pair_of(module).client),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_type_of_the_answer_is_that_of_ssl(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    theirs, ours = (outcome(CALLS[name], module) for module in BOTH)
    assert ours == theirs, name


@pytest.mark.parametrize("server_side", [False, True])
def test_errors_of_roles_have_all_attributes(server_side: bool) -> None:
    seen = []
    for module in BOTH:
        context = module.SSLContext(ssl.PROTOCOL_TLS_CLIENT if server_side else ssl.PROTOCOL_TLS_SERVER)
        context.check_hostname = False
        with pytest.raises(ssl.SSLError) as refused:
            context.wrap_bio(module.MemoryBIO(), module.MemoryBIO(), server_side=server_side)
        seen.append((refused.value.errno, refused.value.library, refused.value.reason))
    assert seen[0] == seen[1]


def test_bios_of_ssl_are_taken_whatever_is_under_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's recipe, in a program whose uvloop had looked up ssl.MemoryBIO before."""
    stock = ssl.MemoryBIO
    monkeypatch.setattr(ssl, "MemoryBIO", tlsbio.MemoryBIO)
    for bio in stock, ssl.MemoryBIO:
        check_alive(Pair(client_context(), server_context(), bio=bio).handshake())


@pytest.mark.parametrize("count", range(9))
@pytest.mark.parametrize("client", ["openssl", "ours"])
def test_the_number_of_tickets(count: int, client: str) -> None:
    pair = Pair(client_context(client), server_context(num_tickets=count)).handshake()
    sessions = set()
    for _ in range(10):
        session = pair.client.session
        if session is not None and session.has_ticket:
            sessions.add(session.id)
    # OpenSSL's object shows the last one.
    assert len(sessions) == (min(count, 1) if client == "openssl" else count)


def test_more_tickets_than_there_can_be_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="8 tickets"):
        tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER).num_tickets = 9


@pytest.mark.parametrize("flag", [0x10, 0x40, 0x80, 0x100, 0x200, 0x400, 0x2000, 0x10000, 0x200000])
def test_verify_flags_that_cannot_be_honoured_are_refused(flag: int) -> None:
    context = client_context()
    before = context.verify_flags
    with pytest.raises(NotImplementedError, match=f"{flag:#x}"):
        context.verify_flags |= flag
    assert context.verify_flags == before


def test_a_message_callback_is_refused() -> None:
    context: Any = client_context()
    context._msg_callback = None
    with pytest.raises(NotImplementedError):
        context._msg_callback = print


@pytest.mark.parametrize("client", ["openssl", "ours"])
def test_a_crl_that_is_missing_is_found_out_in_the_handshake(client: str) -> None:
    context = client_context(client)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    failure, _ = Pair(context, server_context()).try_handshake()
    assert isinstance(failure, ssl.SSLCertVerificationError)
    assert (failure.verify_code, failure.verify_message) == (3, "unable to get certificate CRL")


@pytest.mark.parametrize("change", ["keylog_filename", "protocols", "roots"])
def test_a_session_of_a_context_that_was_changed_since(change: str, tmp_path: Path) -> None:
    context, server = client_context(), server_context()
    pair = Pair(context, server).handshake()
    session = pair.client.session
    if change == "keylog_filename":
        context.keylog_filename = str(tmp_path / "keys")
    elif change == "protocols":
        context.set_alpn_protocols(["h2"])
    else:
        context.load_verify_locations(str(PKI / "bad/otherca.pem"))
    check_alive(Pair(context, server, session=session).handshake())


def test_a_session_of_another_server_is_a_full_handshake() -> None:
    context, server = client_context(), server_context()
    session = Pair(context, server).handshake().client.session
    pair = Pair(context, server, hostname="server.test", session=session).handshake()
    assert not pair.client.session_reused


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP_REQUEST"),
        (b"POST /form HTTP/1.1\r\n\r\n", "HTTP_REQUEST"),
        (b"HEAD / HTTP/1.1\r\n\r\n", "HTTP_REQUEST"),
        (b"PUT /it HTTP/1.1\r\n\r\n", "HTTP_REQUEST"),
        (b"CONNECT a:443 HTTP/1.1\r\n\r\n", "HTTPS_PROXY_REQUEST"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "WRONG_VERSION_NUMBER"),
        (b"DELETE / HTTP/1.1\r\n\r\n", "WRONG_VERSION_NUMBER"),
    ],
)
@pytest.mark.parametrize("who", ["openssl", "ours"])
def test_a_client_that_speaks_http(who: str, said: bytes, reason: str) -> None:
    for bio in ssl.MemoryBIO, tlsbio.MemoryBIO:
        if who == "openssl" and bio is not ssl.MemoryBIO:
            continue
        incoming, outgoing = bio(), bio()
        incoming.write(said)
        server = server_context(who).wrap_bio(incoming, outgoing, server_side=True)
        with pytest.raises(ssl.SSLError) as refused:
            server.do_handshake()
        assert refused.value.reason == reason


@pytest.mark.parametrize("client", ["openssl", "ours"])
@pytest.mark.parametrize("server", ["openssl", "ours"])
def test_no_suite_in_common(client: str, server: str) -> None:
    client_side = client_context(client, maximum_version=ssl.TLSVersion.TLSv1_2)
    client_side.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    server_side = server_context(server)
    server_side.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    failures: Any = Pair(client_side, server_side).try_handshake()
    reasons = tuple(failure.reason for failure in failures)
    assert reasons[1] == "NO_SHARED_CIPHER" and reasons[0].endswith("_ALERT_HANDSHAKE_FAILURE")


def own_certificate(folder: Path, *options: str) -> tuple[str, str]:
    """As many people make one for a test: self-signed, and its name nowhere but in the subject."""
    certificate, key = str(folder / "own.pem"), str(folder / "own.key")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "3"]
    subprocess.run([*command, "-keyout", key, "-out", certificate, *options], check=True, capture_output=True)
    return certificate, key


def test_a_certificate_without_names_hears_why(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path)
    server = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    failure, _ = Pair(tlsbio.create_default_context(cafile=certificate), server).try_handshake()
    assert isinstance(failure, ssl.SSLCertVerificationError)
    assert failure.verify_code == 62 and "subjectAltName" in str(failure)


def test_messages_are_not_in_words_of_c(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path)
    server = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    failures: list[Any] = [*Pair(client_context(), server).try_handshake()]
    old = client_context(maximum_version=ssl.TLSVersion.TLSv1_2)
    failures += Pair(old, server_context(minimum_version=ssl.TLSVersion.TLSv1_3)).try_handshake()
    with pytest.raises(tlsbio.Error) as refused:
        from tlsbio.config import Builder

        Builder().client()
    failures.append(refused.value)
    for failure in failures:
        assert failure is not None and "tls_" not in str(failure) and "UsedAs" not in str(failure)


@pytest.mark.parametrize("part", ["_native", "_speed", "_stream"])
def test_without_its_part_in_c_it_fails_at_import(part: str) -> None:
    code = f"import sys; sys.modules['tlsbio.{part}'] = None; import tlsbio"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "part in C is not there" in done.stderr


BARE = """
from tlsbio import _socket, _speed, _stream

for kind in _socket.SocketChannel, _speed.Channel, _stream.Stream:
    bare = kind()
    for name in dir(bare):
        if name.startswith("__"):
            continue
        try:
            got = getattr(bare, name)
        except (ValueError, RuntimeError):
            continue
        for arguments in (), (b"x",), (1,), (b"x", 1):
            if callable(got):
                try:
                    got(*arguments)
                except Exception:
                    pass
    # asyncio's transports take one.
    try:
        kind(1, 2)
    except TypeError:
        pass
    else:
        raise AssertionError(kind)
print("alive")
"""


def test_what_is_below_the_objects_needs_no_opening_to_be_asked() -> None:
    done = subprocess.run([sys.executable, "-X", "dev", "-c", BARE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
