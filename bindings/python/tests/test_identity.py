"""A client that chooses its certificate by what the server says, and chains that are judged without a connection."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from pairs import PKI, Pair, check_alive, client_context, server_context

import tlsbio
from tlsbio.config import Builder

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def asking_server(who: str) -> Any:
    context = server_context(who, verify_mode=ssl.CERT_REQUIRED)
    context.load_verify_locations(str(PKI / "ecdsa/ca.pem"))
    return context


def identity() -> tlsbio.SSLContext:
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(str(PKI / "ecdsa/client-chain.pem"), str(PKI / "ecdsa/client.key"))
    return context


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("server", ["openssl", "ours"])
def test_a_client_chooses_its_certificate(server: str, version: Any) -> None:
    seen = []

    def choose(connection: Any, request: tlsbio.IdentityRequest) -> tlsbio.SSLContext:
        # It may ask what is known.
        seen.append((connection, connection.server_hostname, request))
        connection.version()
        return identity()

    pair = Pair(client_context(identity_callback=choose, maximum_version=version), asking_server(server)).handshake()
    check_alive(pair)
    assert pair.server.getpeercert(True) is not None
    ((connection, name, request),) = seen
    assert connection is pair.client and name == "localhost"
    # Python's ssl names no authorities; ours those that it trusts, as their own certificates have it.
    authority = ssl.PEM_cert_to_DER_cert((PKI / "ecdsa/ca.pem").read_text())
    assert [name in authority for name in request.authorities] == [True] * (server == "ours")
    assert 0x0403 in request.schemes


@pytest.mark.parametrize(("answer", "error"), [(None, ssl.SSLError), (5, TypeError), ("raise", ZeroDivisionError)])
def test_answers_that_show_none(answer: Any, error: type[Exception]) -> None:
    def choose(*_: Any) -> Any:
        return 1 / 0 if answer == "raise" else answer

    client = client_context(identity_callback=choose, maximum_version=ssl.TLSVersion.TLSv1_2)
    pair = Pair(client, asking_server("ours"))
    with pytest.raises(error):
        failures = pair.try_handshake()
        raise failures[0] or AssertionError(failures)


def test_a_callback_that_is_none() -> None:
    context = client_context()
    with pytest.raises(TypeError):
        context.identity_callback = 5
    context.identity_callback = None


def chain(name: str) -> list[bytes]:
    text = (PKI / name).read_text()
    sections = [part + "-----END CERTIFICATE-----\n" for part in text.split("-----END CERTIFICATE-----\n")[:-1]]
    return [ssl.PEM_cert_to_DER_cert(section) for section in sections]


def rules() -> list[Any]:
    builder = Builder()
    builder.trust((PKI / "ecdsa/ca.pem").read_bytes())
    return [client_context(trust="ecdsa/ca.pem"), builder.client()]


@pytest.mark.parametrize("kind", [0, 1])
def test_chains_are_judged(kind: int) -> None:
    context, server = rules()[kind], chain("ecdsa/server-chain.pem")
    tlsbio.verify_chain(context, server, server_hostname="localhost")
    tlsbio.verify_chain(context, server)
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        tlsbio.verify_chain(context, server, server_hostname="other.example")
    assert refused.value.verify_code == 62
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        tlsbio.verify_chain(context, server, server_hostname="localhost", time=1)
    assert refused.value.verify_code == 9
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        tlsbio.verify_chain(context, server[:1], server_hostname="localhost")
    assert refused.value.verify_code == 20
    tlsbio.verify_chain(context, chain("ecdsa/client-chain.pem"), of_client=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        tlsbio.verify_chain(context, server, of_client=True)


def test_what_cannot_be_judged() -> None:
    context, server = client_context(), chain("ecdsa/server-chain.pem")
    with pytest.raises(ValueError, match="no certificate"):
        tlsbio.verify_chain(context, [])
    with pytest.raises(ValueError):
        tlsbio.verify_chain(context, server, server_hostname="a b")
    with pytest.raises(ssl.SSLCertVerificationError):
        tlsbio.verify_chain(context, [b"junk"])
    with pytest.raises(ValueError):
        tlsbio.verify_chain(context, server, time=-1)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="verifies nobody"):
        tlsbio.verify_chain(context, server)
    nobody = tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ssl.SSLCertVerificationError):
        tlsbio.verify_chain(nobody, server, server_hostname="localhost")
