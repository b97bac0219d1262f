"""What a Twisted program configures: makers of connections for servers and for clients."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
    IProtocolNegotiationFactory,
)
from twisted.internet.ssl import Certificate, PrivateCertificate, TLSVersion
from twisted.logger import Logger
from zope.interface import implementer  # type: ignore[import-untyped]

from .._native import lib
from ..config import Builder, Context
from ..errors import Error
from .connection import Connection
from .failures import ConfigError, TLSError
from .hostnames import ByName, ascii_name, is_address
from .material import (
    Identity,
    Pem,
    Trust,
    add_identity,
    add_trust,
    certificate_pem,
    identity_pem,
    own_certificate,
    pem_bytes,
)

_log = Logger()

# The number of the key exchange group that costs least.
_X25519 = 0x001D

_VERSIONS = {TLSVersion.TLSv1_2: lib.TLS_VERSION_1_2, TLSVersion.TLSv1_3: lib.TLS_VERSION_1_3}


def _protocols(tls_protocol: Any, own: Sequence[bytes]) -> tuple[bytes, ...]:
    """The application protocols of one connection: those of the factory of its protocol, then the options' own.

    The protocol is asked here, before its connection exists, and nobody keeps it.
    """
    factory = getattr(getattr(tls_protocol, "factory", None), "wrappedFactory", None)
    negotiation: Any = IProtocolNegotiationFactory(factory, None)
    first = () if negotiation is None else negotiation.acceptableProtocols()
    return tuple(dict.fromkeys((*first, *own)))


class _Recipe:
    """What a context is made of, and the contexts that were made of it: one for each list of application protocols."""

    # Factories that answer another list each time could fill the memory: the oldest context gives way.
    MOST_CONTEXTS = 16

    def __init__(self, builder: Builder, client: bool) -> None:
        self._builder = builder
        self._client = client
        self._contexts: dict[tuple[bytes, ...], Context] = {}
        # This side's own, in DER.
        self.certificate: bytes | None = None

    def context(self, alpn: tuple[bytes, ...]) -> Context:
        """The context that negotiates these application protocols."""
        context = self._contexts.get(alpn)
        if context is None:
            try:
                # Other protocols may be asked for next time.
                with self._builder.trying():
                    self._builder.alpn(alpn)
                context = self._builder.client() if self._client else self._builder.server()
            except Error as error:
                # Of what a context is made of, key and certificate can be at odds, and what a builder came with.
                own = error.reason in (lib.TLS_REASON_KEY_MISMATCH, lib.TLS_REASON_CERTIFICATE_UNUSABLE)
                what = ("identity" if self._client else "chain, key") if own else "options"
                raise ConfigError.because(what, error.message, error) from error
            except ValueError as error:
                raise ConfigError.because("alpn", str(error)) from error
            if len(self._contexts) >= self.MOST_CONTEXTS:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[alpn] = context
        return context


def _set_versions(builder: Builder, oldest: Any, newest: Any) -> None:
    for what, version in (("oldest", oldest), ("newest", newest)):
        if version not in _VERSIONS:
            raise ConfigError.because(what, f"there is TLS 1.2 and TLS 1.3 here, not {version!r}")
    try:
        builder.versions(_VERSIONS[oldest], _VERSIONS[newest])
    except Error as error:
        raise ConfigError.because("oldest, newest", error.message, error) from error


def _alpn(alpn: Sequence[bytes]) -> tuple[bytes, ...]:
    protocols = (alpn,) if isinstance(alpn, (bytes, str)) else tuple(alpn)
    for protocol in protocols:
        if not isinstance(protocol, bytes):
            raise TypeError(f"alpn must be a sequence of bytes, not of {type(protocol).__name__}")
    if isinstance(alpn, bytes):
        raise TypeError(f"alpn must be a sequence of bytes, such as [{alpn!r}]")
    return protocols


@functools.cache
def _name_checker() -> Context:
    """A context for connections that are never used, to learn whether a name is one.

    Not the options' own: making a connection takes a session out of its context.
    """
    builder = Builder()
    builder.verify(lib.TLS_VERIFY_DANGEROUS_NONE)
    builder.sessions(0)
    builder.groups([_X25519])
    return builder.client()


@implementer(IOpenSSLServerConnectionCreator)
class ServerOptions:
    """Makes the connections of a server: for ``TLSMemoryBIOFactory``, ``startTLS``, ``listenSSL`` and endpoints.

    ``chain`` and ``key``
        PEM: the server's certificate with its intermediates, and its private key, not encrypted. Both None if there
        is something for certain names only: clients that ask for another name, or for none, are refused then.
    ``alpn``
        Application protocols, most preferred first. Those that the factory of the protocol accepts
        (``IProtocolNegotiationFactory``) come before them. With any, a client that offers protocols but none of them
        is refused; a client that offers none is served.
    ``client_trust``
        Whose client certificates are accepted: PEM, a certificate of Twisted's, pyOpenSSL's or cryptography's, what
        ``trustRootFromCertificates`` answers, or several of these. None: clients are asked for no certificate.
    ``client_required``
        Whether a client without a certificate is refused, if clients are asked for one.
    ``names``
        Other options by the name that a client asks for (SNI): a dict with "example.com" and "*.example.com", or any
        other Mapping, which is asked at each handshake, by lower-case ASCII names. A client that asks for a name
        that is not there gets what these options have themselves. Where they have nothing, it is refused
        (unrecognized_name).
    ``oldest`` and ``newest``
        The protocol versions: ``TLSVersion.TLSv1_2``, ``TLSVersion.TLSv1_3``.
    ``builder``
        A ``tlsbio.config.Builder`` with what there is no argument for: CRLs, pins, cipher suites, groups, limits. It
        belongs to the options from then on.

    What cannot work is a ``ConfigError`` here, not a failed handshake later.
    """

    def __init__(
        self,
        chain: Pem | None,
        key: Pem | None,
        *,
        alpn: Sequence[bytes] = (),
        client_trust: Trust = None,
        client_required: bool = True,
        names: Mapping[str, ServerOptions] | None = None,
        oldest: Any = TLSVersion.TLSv1_2,
        newest: Any = TLSVersion.TLSv1_3,
        builder: Builder | None = None,
    ) -> None:
        self._own_alpn = _alpn(alpn)
        self._names = self._checked_names(names)
        self._recipe: _Recipe | None = None
        if (chain is None) != (key is None):
            raise ConfigError.because("chain, key", "give both or neither")
        if chain is not None:
            builder = builder or Builder()
            pems = pem_bytes("chain", chain), pem_bytes("key", key)
            add_identity(builder, "chain, key", *pems)
            _set_versions(builder, oldest, newest)
            if client_trust is not None:
                add_trust(builder, "client_trust", client_trust, False)
                required = lib.TLS_CLIENT_AUTH_REQUIRED if client_required else lib.TLS_CLIENT_AUTH_OPTIONAL
                builder.client_auth(required)
            self._recipe = _Recipe(builder, False)
            self._recipe.context(self._own_alpn)
            self._recipe.certificate = own_certificate(*pems)
        elif self._names is None:
            raise ConfigError.because("chain, key", "a server needs a certificate and its key, or names")

    @staticmethod
    def _checked_names(names: Mapping[str, ServerOptions] | None) -> Mapping[str, ServerOptions] | None:
        if names is None:
            return None
        if not isinstance(names, dict):
            return names
        if not names:
            raise ConfigError.because("names", "there is no name in it")
        for name, options in names.items():
            if not isinstance(options, ServerOptions):
                raise TypeError(f"names[{name!r}] must be ServerOptions, not {type(options).__name__}")
            if options._recipe is None:
                raise ConfigError.because(f"names[{name!r}]", "these options have no certificate themselves")
        try:
            return ByName(names)
        except UnicodeError as error:
            raise ConfigError.because("names", f"one of them is no DNS name: {error}") from error

    def serverConnectionForTLS(self, protocol: Any) -> Connection:
        """A connection for a protocol that was just made; it keeps nothing of the protocol."""
        alpn = _protocols(protocol, self._own_alpn)
        if self._names is None:
            assert self._recipe is not None
            return Connection.for_server(self._recipe.context(alpn), self._recipe.certificate)
        return Connection.for_server_by_name(_ByName(self._names, self._recipe, _protocols(protocol, ()), alpn))


class _ByName:
    """What one connection needs to know until its ClientHello is in."""

    __slots__ = ("_default", "_default_alpn", "_factory_alpn", "_names")

    def __init__(
        self,
        names: Mapping[str, ServerOptions],
        default: _Recipe | None,
        factory_alpn: tuple[bytes, ...],
        default_alpn: tuple[bytes, ...],
    ) -> None:
        self._names = names
        self._default = default
        self._factory_alpn = factory_alpn
        self._default_alpn = default_alpn

    def choose(self, name: str | None) -> tuple[Context, bytes | None] | None:
        """The context for a name, and its certificate; None if there is none."""
        recipe, alpn = self._default, self._default_alpn
        try:
            if name is not None and (options := self._look_up(name)) is not None:
                recipe, alpn = (
                    options._recipe,
                    tuple(dict.fromkeys((*self._factory_alpn, *options._own_alpn))),
                )
            return None if recipe is None else (recipe.context(alpn), recipe.certificate)
        except Exception:
            # The host's own mapping or factory. Nobody is to get another name's certificate because of a defect there.
            _log.failure("while looking up what is served as {name}", name=name)
            return None

    def _look_up(self, name: str) -> ServerOptions | None:
        try:
            options = self._names[ascii_name(name)]
        except KeyError:
            return None
        if not isinstance(options, ServerOptions):
            raise TypeError(f"names[{name!r}] must be ServerOptions, not {type(options).__name__}")
        return options


@implementer(IOpenSSLClientConnectionCreator)
class ClientOptions:
    """Makes the connections of a client with one server: for ``TLSMemoryBIOFactory``, ``startTLS``, ``wrapClientTLS``.

    ``hostname``
        The DNS name or IP address that the server's certificate must be valid for. A DNS name is also sent (SNI).
    ``trust``
        Who may vouch for the server: PEM, a certificate of Twisted's, pyOpenSSL's or cryptography's, what
        ``trustRootFromCertificates`` or ``platformTrust`` answers, or several of these. None: the system's trust store.
    ``identity``
        The client's own certificate: a ``PrivateCertificate``, or a tuple of chain and key in PEM.
    ``alpn``
        Application protocols to offer, most preferred first, after those that the factory of the protocol accepts
        (``IProtocolNegotiationFactory``).
    ``send_server_name``
        False: the name is verified, but not sent.
    ``sessions``
        How many sessions are remembered for resumption; 0 makes every handshake a full one.
    ``oldest`` and ``newest``
        The protocol versions: ``TLSVersion.TLSv1_2``, ``TLSVersion.TLSv1_3``.
    ``dangerously_accept_any_certificate``
        Verifies nothing: the server can be anybody.
    ``builder``
        A ``tlsbio.config.Builder`` with what there is no argument for: CRLs, pins, cipher suites, groups, limits. It
        belongs to the options from then on.

    What cannot work is a ``ConfigError`` here, not a failed connection later.
    """

    def __init__(
        self,
        hostname: str,
        trust: Trust = None,
        identity: Identity | None = None,
        alpn: Sequence[bytes] = (),
        *,
        send_server_name: bool | None = None,
        oldest: Any = TLSVersion.TLSv1_2,
        newest: Any = TLSVersion.TLSv1_3,
        sessions: int = lib.TLS_DEFAULT_SESSIONS,
        dangerously_accept_any_certificate: bool = False,
        builder: Builder | None = None,
    ) -> None:
        self._own_alpn = _alpn(alpn)
        builder = builder or Builder()
        _set_versions(builder, oldest, newest)
        try:
            builder.sessions(sessions)
        except (Error, OverflowError) as error:
            raise ConfigError.because("sessions", f"must be 0 to {lib.TLS_MAX_SESSIONS}") from error
        if identity is not None:
            pems = identity_pem("identity", identity)
            add_identity(builder, "identity", *pems)
        if dangerously_accept_any_certificate:
            builder.verify(lib.TLS_VERIFY_DANGEROUS_NONE)
        else:
            add_trust(builder, "trust", trust, True)
        self._recipe = _Recipe(builder, True)
        self._recipe.context(self._own_alpn)
        if identity is not None:
            self._recipe.certificate = own_certificate(*pems)
        self._set_name(hostname, send_server_name)

    def with_hostname(self, hostname: str) -> ClientOptions:
        """The same for another server; trust anchors, keys and sessions are shared, not copied."""
        other = ClientOptions.__new__(ClientOptions)
        other._own_alpn = self._own_alpn
        other._recipe = self._recipe
        other._set_name(hostname, None)
        return other

    def _set_name(self, hostname: str, send: bool | None) -> None:
        if not isinstance(hostname, str):
            raise TypeError(f"hostname must be text, not {type(hostname).__name__}")
        address = is_address(hostname)
        if send and address:
            raise ConfigError.because("send_server_name", "an IP address cannot be sent as a name (RFC 6066, 3)")
        try:
            self._hostname = hostname if address else ascii_name(hostname)
        except UnicodeError as error:
            raise ConfigError.because("hostname", f"{hostname!r} is no DNS name: {error}") from error
        self._send = send is not False
        try:
            Connection.for_client(_name_checker(), self._hostname).close()
        except TLSError as error:
            raise ConfigError.because("hostname", f"{hostname!r}: {error.message}") from None

    def _connection(self, alpn: tuple[bytes, ...]) -> Connection:
        recipe = self._recipe
        return Connection.for_client(recipe.context(alpn), self._hostname, recipe.certificate, self._send)

    def clientConnectionForTLS(self, protocol: Any) -> Connection:
        """A connection for a protocol that was just made; it keeps nothing of the protocol."""
        return self._connection(_protocols(protocol, self._own_alpn))


def optionsForClientTLS(
    hostname: str,
    trustRoot: Trust = None,
    clientCertificate: PrivateCertificate | None = None,
    acceptableProtocols: Sequence[bytes] | None = None,
    *,
    extraCertificateOptions: Mapping[str, Any] | None = None,
    sendServerName: bool | None = None,
) -> ClientOptions:
    """``twisted.internet.ssl.optionsForClientTLS``, with its parameters.

    Of ``extraCertificateOptions``, ``raiseMinimumTo``, ``insecurelyLowerMinimumTo`` and ``lowerMaximumSecurityTo`` are
    honoured; others are a ``ConfigError``, rather than ignored.
    """
    if not isinstance(hostname, str):
        raise TypeError(f"optionsForClientTLS requires text for host names, not {type(hostname).__name__}")
    oldest, newest = _versions_of(extraCertificateOptions or {})
    return ClientOptions(
        hostname,
        trustRoot,
        clientCertificate,
        acceptableProtocols or (),
        send_server_name=sendServerName,
        oldest=oldest,
        newest=newest,
    )


def optionsForServerTLS(
    certificate: PrivateCertificate,
    *authorities: Certificate,
    extraCertChain: Sequence[Any] = (),
    acceptableProtocols: Sequence[bytes] | None = None,
    extraCertificateOptions: Mapping[str, Any] | None = None,
) -> ServerOptions:
    """What ``certificate.options(*authorities)`` is with OpenSSL: with authorities, clients must have a certificate of
    theirs.

    ``extraCertChain`` has further certificates of the chain, as ``OpenSSL.crypto.X509``.
    """
    oldest, newest = _versions_of(extraCertificateOptions or {})
    chain, key = identity_pem("certificate", certificate)
    return ServerOptions(
        chain + b"".join(map(certificate_pem, extraCertChain)),
        key,
        alpn=acceptableProtocols or (),
        client_trust=authorities or None,
        oldest=oldest,
        newest=newest,
    )


def _versions_of(extra: Mapping[str, Any]) -> tuple[Any, Any]:
    """The protocol versions that keyword arguments of Twisted's CertificateOptions mean."""
    extra = dict(extra)
    raised = extra.pop("raiseMinimumTo", None)
    lowered = extra.pop("insecurelyLowerMinimumTo", None)
    newest = extra.pop("lowerMaximumSecurityTo", None) or TLSVersion.TLSv1_3
    if extra:
        raise ConfigError.because("extraCertificateOptions", f"cannot be honoured here: {', '.join(sorted(extra))}")
    if lowered is not None and lowered < TLSVersion.TLSv1_2:
        raise ConfigError.because("insecurelyLowerMinimumTo", "there is nothing older than TLS 1.2 here")
    oldest = lowered or TLSVersion.TLSv1_2
    if raised is not None and raised > oldest:
        oldest = raised
    return oldest, newest
