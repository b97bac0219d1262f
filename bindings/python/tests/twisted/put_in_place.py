"""Puts makers of our connections where a program asks Twisted for OpenSSL's: on one side, as the others stay."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet._sslverify import ClientTLSOptions
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.internet.ssl import TLSVersion
from twisted.protocols import _tls_legacy, tls
from zope.interface import implementer

import tlsbio.twisted

# Whom a client asks for that does not say whom, and verifies nobody.
SOMEBODY = "somebody.example"


@implementer(IOpenSSLServerConnectionCreator, IOpenSSLClientConnectionCreator)
class Counting:
    """Makes the connections that other options make, counts them, and says when a handshake is done."""

    made = 0

    def __init__(self, options: Any, finished: Any = None) -> None:
        self._options = options
        self._finished = finished

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        Counting.made += 1
        return self._options.serverConnectionForTLS(protocol)

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        Counting.made += 1
        connection = self._options.clientConnectionForTLS(protocol)
        return connection if self._finished is None else NoticingConnection(connection, self._finished)


class NoticingConnection:
    """A connection that fires a Deferred when its handshake is done, as OpenSSL's info callback does."""

    def __init__(self, connection: Any, finished: Any) -> None:
        self._connection = connection
        self._finished = finished

    def do_handshake(self) -> None:
        self._connection.do_handshake()
        finished, self._finished = self._finished, None
        if finished is not None:
            finished.callback(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def versions(method: int) -> dict[str, Any]:
    """The versions that one of OpenSSL's methods allows."""
    if method == SSL.TLSv1_2_METHOD:
        return {"oldest": TLSVersion.TLSv1_2, "newest": TLSVersion.TLSv1_2}
    return {}


def as_server(creator: Any) -> Any:
    """Our options for what a server was given, None where there is nothing to put in place."""
    from twisted.test.ssl_helpers import ServerTLSContext

    if type(creator) is ServerTLSContext:
        pem = Path(creator.filename).read_bytes()
        return Counting(tlsbio.twisted.ServerOptions(pem, pem, **versions(creator._method)))
    if type(creator) is ssl.CertificateOptions and creator.certificate and creator._contextForServerName is None:
        chain, key = pems(creator)
        trust = creator.trustRoot if creator.verify else None
        return Counting(
            tlsbio.twisted.ServerOptions(
                chain,
                key,
                alpn=creator._acceptableProtocols or (),
                client_trust=trust,
                client_required=creator.requireCertificate,
            )
        )
    return None


def pems(options: Any) -> tuple[bytes, bytes]:
    """Chain and key of Twisted's CertificateOptions."""
    certificate = ssl.PrivateCertificate.fromCertificateAndKeyPair(
        ssl.Certificate(options.certificate), ssl.KeyPair(options.privateKey)
    )
    pem = certificate.dumpPEM()
    return pem + b"".join(ssl.Certificate(extra).dumpPEM() for extra in options.extraCertChain), pem


def as_client(creator: Any) -> Any:
    """Our options for what a client was given, None where there is nothing to put in place."""
    from twisted.protocols.test import test_tls
    from twisted.test.ssl_helpers import ClientTLSContext

    if type(creator) in (ssl.ClientContextFactory, ClientTLSContext):
        return Counting(
            tlsbio.twisted.ClientOptions(SOMEBODY, dangerously_accept_any_certificate=True, **versions(creator.method))
        )
    if type(creator) is test_tls.HandshakeCallbackContextFactory:
        options = tlsbio.twisted.ClientOptions(
            SOMEBODY, dangerously_accept_any_certificate=True, **versions(creator._method)
        )
        return Counting(options, creator._finished)
    if type(creator) is ClientTLSOptions:
        options = creator._createConnection.__self__
        return Counting(
            tlsbio.twisted.ClientOptions(
                creator._hostname,
                options.trustRoot,
                pems(options) if options.certificate else None,
                options._acceptableProtocols or (),
                send_server_name=creator._sendServerName,
            )
        )
    return None


def put(role: str) -> None:
    """From now on every connection of that role ("server" or "client") is ours, if it can be translated."""
    original = tls._convertToAppropriateFactory

    def convert(is_client: bool, creator: Any) -> Any:
        if is_client == (role == "client"):
            creator = (as_client if is_client else as_server)(creator) or creator
        return original(is_client, creator)

    tls._convertToAppropriateFactory = convert
    # Twisted's warning names the caller by counting frames, of which there are two more now.
    _tls_legacy.warn = lambda *args, stacklevel: warnings.warn(*args, stacklevel=stacklevel + 2)
