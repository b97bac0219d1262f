"""A connection of ours and one of OpenSSL's, and what carries bytes between them."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL, crypto
from pki import path, pem

import tlsbio.twisted
from tlsbio.twisted import ClientOptions, ServerOptions

ROLES = ("server", "client")
VERSIONS = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}


def openssl_context(
    *,
    version: int | None = None,
    identity: str | None = None,
    trust: str | None = None,
    mode: int = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
    offer: list[bytes] | None = None,
    choose: list[bytes] | None = None,
) -> SSL.Context:
    """A context of OpenSSL's, with files of the test PKI."""
    context = SSL.Context(SSL.TLS_METHOD)
    if version is not None:
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
    if identity is not None:
        context.use_certificate_chain_file(path(f"{identity}.pem"))
        key = identity.removesuffix("-chain")
        context.use_privatekey_file(path(f"{key}.key"))
    if trust is not None:
        context.load_verify_locations(path(trust))
        context.set_verify(mode)
    if offer is not None:
        context.set_alpn_protos(offer)
    if choose is not None:

        def choice(_: SSL.Connection, offered: list[bytes]) -> Any:
            return next((one for one in choose if one in offered), SSL.NO_OVERLAPPING_PROTOCOLS)

        context.set_alpn_select_callback(choice)
    return context


def openssl_client(context: SSL.Context | None = None, name: str | None = "server.test") -> SSL.Connection:
    """A client of OpenSSL's."""
    connection = SSL.Connection(context or openssl_context(trust="ecdsa/ca.pem"))
    if name is not None:
        connection.set_tlsext_host_name(name.encode())
    connection.set_connect_state()
    return connection


def openssl_server(context: SSL.Context | None = None) -> SSL.Connection:
    """A server of OpenSSL's."""
    connection = SSL.Connection(context or openssl_context(identity="ecdsa/server-chain"))
    connection.set_accept_state()
    return connection


def our_server(options: ServerOptions | None = None, **settings: Any) -> tlsbio.twisted.Connection:
    """A server of ours."""
    options = options or ServerOptions(pem("ecdsa/server-chain.pem"), pem("ecdsa/server.key"), **settings)
    connection = options.serverConnectionForTLS(None)
    connection.set_accept_state()
    return connection


def our_client(hostname: str = "server.test", trust: Any = None, **settings: Any) -> tlsbio.twisted.Connection:
    """A client of ours."""
    options = ClientOptions(hostname, pem("ecdsa/ca.pem") if trust is None else trust, **settings)
    connection = options.clientConnectionForTLS(None)
    connection.set_connect_state()
    return connection


def pair(role: str, version: str | None = None) -> tuple[tlsbio.twisted.Connection, SSL.Connection]:
    """Ours in a role, and OpenSSL's in the other, with the handshake done."""
    number = None if version is None else VERSIONS[version]
    if role == "server":
        ours: Any = our_server()
        theirs = openssl_client(openssl_context(trust="ecdsa/ca.pem", version=number))
    else:
        ours = our_client()
        theirs = openssl_server(openssl_context(identity="ecdsa/server-chain", version=number))
    shake(ours, theirs)
    return ours, theirs


def carry(source: Any, sink: Any) -> bool:
    """Carries what waits from one to the other, and says whether that was anything."""
    moved = False
    while True:
        try:
            wire = source.bio_read(1 << 15)
        except SSL.WantReadError:
            return moved
        sink.bio_write(wire)
        moved = True


def shake(one: Any, other: Any) -> None:
    """Does the handshake of two connections, until it is done or one of them fails."""
    done: set[int] = set()
    for _ in range(20):
        for connection in (one, other):
            if id(connection) not in done:
                try:
                    connection.do_handshake()
                    done.add(id(connection))
                except SSL.WantReadError:
                    pass
        moved = carry(one, other) | carry(other, one)
        if len(done) == 2 and not moved:
            return
    raise AssertionError("the handshake does not come to an end")


def failure(one: Any, other: Any) -> tuple[SSL.Error | None, SSL.Error | None]:
    """Lets a handshake fail, and answers what each of the two says."""
    errors: list[SSL.Error | None] = [None, None]
    for _ in range(10):
        for index, connection in enumerate((one, other)):
            try:
                connection.do_handshake()
                connection.recv(1)
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                errors[index] = errors[index] or error
        carry(one, other)
        carry(other, one)
    return errors[0], errors[1]


def reason(error: SSL.Error | None) -> str:
    """The last reason in an error of OpenSSL's form."""
    assert error is not None
    return str(error.args[0][-1][2])


def receive(connection: Any, length: int) -> bytes:
    """That many plain bytes, which are there."""
    plain = b""
    while len(plain) < length:
        plain += connection.recv(1 << 15)
    return plain


def x509_der(certificate: Any) -> bytes:
    """A certificate of pyOpenSSL's in DER."""
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
