"""``ssl.SSLContext``, with connections over memory BIOs by our engine."""

from __future__ import annotations

import _ssl
import operator
import os
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from . import identity, pem, ssl_errors, strict, uses
from ._native import lib
from .config import Builder, Context
from .errors import Error
from .suites import BY_OPENSSL_NAME, GROUPS
from .trust import Trust

if TYPE_CHECKING:
    from .identity_question import IdentityRequest
    from .sslobject import SSLObject, SSLSession
    from .sslsocket import SocketObject

# OpenSSL's context, below the standard library's class: its settings are read and set here, because the setters of
# that class look for themselves under the name ssl.SSLContext, in whose place people put other classes.
_Native: Any = _ssl._SSLContext
# How its settings are read on the way of each connection.
_PROTOCOL, _OPTIONS, _LEAST, _MOST, _VERIFY_MODE, _VERIFY_FLAGS, _CHECK_HOSTNAME, _TICKETS, _KEY_LOG = (
    getattr(_Native, name).__get__
    for name in (
        "protocol",
        "options",
        "minimum_version",
        "maximum_version",
        "verify_mode",
        "verify_flags",
        "check_hostname",
        "num_tickets",
        "keylog_filename",
    )
)

_OLD_VERSIONS = (ssl.TLSVersion.SSLv3, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
_OLD_PROTOCOLS = tuple(
    getattr(ssl, name)
    for name in ("PROTOCOL_SSLv2", "PROTOCOL_SSLv3", "PROTOCOL_TLSv1", "PROTOCOL_TLSv1_1")
    if hasattr(ssl, name)
)
_OP_ALLOW_CLIENT_RENEGOTIATION = 0x100
OP_IGNORE_UNEXPECTED_EOF = 0x80
_VERIFY_PARTIAL_CHAIN = 0x80000
_CLIENT_ONLY, _SERVER_ONLY = int(ssl.PROTOCOL_TLS_CLIENT), int(ssl.PROTOCOL_TLS_SERVER)
_ALERT_BAD_CERTIFICATE = 42
_ALERT_UNKNOWN_CA = 48
_REFUSED_OPTIONS = {_OP_ALLOW_CLIENT_RENEGOTIATION: "the engine never renegotiates"}
# Checks of CRLs, strictness, partial chains; trusted certificates first, and no other chain than that: one way is all
# that the engine has.
_HONOURED_FLAGS = 0x4 | 0x8 | 0x20 | 0x8000 | _VERIFY_PARTIAL_CHAIN | 0x100000


_UNKNOWN_ISSUER = strict.Fault(20, "unable to get local issuer certificate")
_NO_CRL = strict.Fault(3, "unable to get certificate CRL")


class Settings(NamedTuple):
    """All that a native context depends on: when one of them changes, a new one is made."""

    server_side: bool
    least: int
    most: int
    verify_mode: int
    verify_flags: int
    check_hostname: bool
    tickets: int
    suites: tuple[int, ...]
    groups: tuple[int, ...]
    alpn: tuple[bytes, ...]
    identities: tuple[identity.Identity, ...]
    trust_version: int
    key_log: bool
    asks_identity: bool
    judges: bool


class NativeContext(NamedTuple):
    """A context of the library, and what it was made of."""

    settings: Settings
    context: Context
    # Why whatever a peer shows is refused when it comes, as OpenSSL does.
    refusal: strict.Fault | None
    # Under VERIFY_X509_STRICT, those of a chain that nothing has to be above.
    ends_strictly: frozenset[bytes] | None = None

    @property
    def verifies_any_name(self) -> bool:
        """Whether a client takes a server of any name, though something is asked before the engine's rules count."""
        return self.ends_strictly is not None and self.refusal is None and not self.settings.check_hostname

    def judge(self, shown: list[bytes]) -> tuple[int, strict.Fault | None]:
        """The answer to TLS_ASK_VERIFY, and what is wrong with the certificates."""
        if self.refusal is not None or self.ends_strictly is None:
            return _ALERT_UNKNOWN_CA, self.refusal
        fault = strict.fault_in(shown, self.ends_strictly)
        return (-1, None) if fault is None else (_ALERT_BAD_CERTIFICATE, fault)


ChooseIdentity = Callable[["SSLObject", "IdentityRequest"], "SSLContext | None"]


class SSLContext(ssl.SSLContext):
    """As ``ssl.SSLContext``, with connections by our engine.

    ``wrap_bio`` gives a :class:`tlsbio.SSLObject`, ``wrap_socket`` a :class:`tlsbio.SSLSocket`. A setting that our
    engine cannot honour raises ``NotImplementedError`` at once.
    """

    sslobject_class: type[SSLObject]

    # aiofastnet (1.2.0) looks for OpenSSL's context in the memory of this object and uses that, unless it finds this
    # attribute: then it calls wrap_bio.
    _aiofastnet_force_fallback_ssl = True

    _tlsbio_trust: Trust
    _tlsbio_identities: dict[str, identity.Identity]
    _tlsbio_suites: tuple[int, ...]
    _tlsbio_groups: tuple[int, ...]
    _tlsbio_alpn: tuple[bytes, ...]
    _tlsbio_natives: dict[tuple[bool, int, bool, bool], tuple[tuple[Any, ...], NativeContext]]
    _tlsbio_key_log: str | None
    _tlsbio_lock: threading.Lock
    _tlsbio_choose_identity: ChooseIdentity | None

    def __new__(cls, protocol: int | None = None, *args: Any, **kwargs: Any) -> SSLContext:
        if protocol in _OLD_PROTOCOLS:
            raise NotImplementedError("the engine has TLS 1.2 and TLS 1.3 only")
        self = super().__new__(cls, *(() if protocol is None else (protocol,)), *args, **kwargs)
        self._tlsbio_trust = Trust()
        self._tlsbio_identities = {}
        self._tlsbio_suites = ()
        self._tlsbio_groups = ()
        self._tlsbio_alpn = ()
        self._tlsbio_natives = {}
        self._tlsbio_key_log = None
        self._tlsbio_lock = threading.Lock()
        self._tlsbio_choose_identity = None
        return self

    def _raw(self, name: str) -> Any:
        """A setting as OpenSSL's context has it."""
        return getattr(_Native, name).__get__(self)

    def wrap_bio(
        self,
        incoming: Any,
        outgoing: Any,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: SSLSession | None = None,  # type: ignore[override]
    ) -> SSLObject:
        """Starts a connection between two BIOs: ``ssl.MemoryBIO`` or :class:`tlsbio.MemoryBIO`."""
        return self.sslobject_class._create(
            incoming,
            outgoing,
            server_side=server_side,
            server_hostname=self._encode_hostname(server_hostname),  # type: ignore[attr-defined]
            session=session,
            context=self,
        )

    def _wrap_bio(
        self,
        incoming: Any,
        outgoing: Any,
        server_side: bool = False,
        server_hostname: str | None = None,
        *,
        owner: Any = None,
        session: SSLSession | None = None,
    ) -> SSLObject:
        """What ``ssl.SSLObject``, of which ``sslobject_class`` may be a subclass, asks for what is below it."""
        from .sslobject import SSLObject

        made = SSLObject._create(incoming, outgoing, bool(server_side), server_hostname, session, self)
        made.owner = owner
        return made

    def _wrap_socket(
        self,
        sock: Any,
        server_side: bool = False,
        server_hostname: str | None = None,
        *,
        owner: Any = None,
        session: SSLSession | None = None,
    ) -> SocketObject:
        """What ``ssl.SSLSocket``, and those of gevent and eventlet, ask for what is below them."""
        from .sslsocket import SocketObject

        return SocketObject._create(self, sock, bool(server_side), server_hostname, owner, session)

    # Versions and options

    @property  # type: ignore[override]
    def minimum_version(self) -> ssl.TLSVersion:
        """The least protocol version. Only TLS 1.2 and 1.3 can be set."""
        return super().minimum_version

    @minimum_version.setter
    def minimum_version(self, value: ssl.TLSVersion) -> None:
        _check_version(value)
        _Native.minimum_version.__set__(self, value)

    @property  # type: ignore[override]
    def maximum_version(self) -> ssl.TLSVersion:
        """The greatest protocol version. Only TLS 1.2 and 1.3 can be set."""
        return super().maximum_version

    @maximum_version.setter
    def maximum_version(self, value: ssl.TLSVersion) -> None:
        _check_version(value)
        _Native.maximum_version.__set__(self, value)

    @property
    def options(self) -> ssl.Options:
        """OpenSSL's options: ``OP_NO_TLSv1_2``, ``OP_NO_TLSv1_3`` and ``OP_NO_TICKET`` count here, too."""
        return super().options

    @options.setter
    def options(self, value: int) -> None:
        for bit, why in _REFUSED_OPTIONS.items():
            if value & bit:
                raise NotImplementedError(why)
        _Native.options.__set__(self, value)

    @property
    def verify_flags(self) -> ssl.VerifyFlags:
        """How certificates are verified: CRL checks and partial chains count here, too."""
        return super().verify_flags

    @verify_flags.setter
    def verify_flags(self, value: int) -> None:
        unknown = operator.index(value) & ~_HONOURED_FLAGS
        if unknown:
            raise NotImplementedError(f"the engine has nothing for the verify flags {unknown & 0xFFFFFFFF:#x}")
        _Native.verify_flags.__set__(self, value)

    @property
    def verify_mode(self) -> ssl.VerifyMode:
        """Whether the peer's certificate is asked for, and verified."""
        return super().verify_mode

    @verify_mode.setter
    def verify_mode(self, value: int) -> None:
        _Native.verify_mode.__set__(self, value)

    @property  # type: ignore[override]
    def post_handshake_auth(self) -> bool | None:
        """None, as where OpenSSL has no authentication after the handshake: hosts (http.client) set it if it is not."""
        return None

    @post_handshake_auth.setter
    def post_handshake_auth(self, value: bool | None) -> None:
        if value:
            raise NotImplementedError("the engine has no post-handshake authentication (RFC 8446, 4.6.2)")

    @property
    def num_tickets(self) -> int:
        """How many tickets a server issues in TLS 1.3, up to 8; with 0 there are none in TLS 1.2 either."""
        return cast(int, self._raw("num_tickets"))

    @num_tickets.setter
    def num_tickets(self, value: int) -> None:
        if lib.TLS_MAX_TICKETS < operator.index(value) < 1 << 63:
            raise NotImplementedError(f"the engine issues no more than {lib.TLS_MAX_TICKETS} tickets")
        _Native.num_tickets.__set__(self, value)

    def _versions(self, options: int, least: int, most: int) -> tuple[int, int]:
        protocol = _PROTOCOL(self)
        usable = [
            version
            for version, never in ((lib.TLS_VERSION_1_2, ssl.OP_NO_TLSv1_2), (lib.TLS_VERSION_1_3, ssl.OP_NO_TLSv1_3))
            if not options & never
            and (least < 0 or least <= version)
            and (most < 0 or version <= most)
            and not (protocol == ssl.PROTOCOL_TLSv1_2 and version != lib.TLS_VERSION_1_2)
        ]
        if not usable:
            raise ssl_errors.protocol_error("NO_PROTOCOLS_AVAILABLE", "the engine has TLS 1.2 and TLS 1.3 only")
        return usable[0], usable[-1]

    # Suites, groups, protocols

    def set_ciphers(self, cipherlist: str, /) -> None:
        """Sets the cipher suites of TLS 1.2; those of TLS 1.3 stay, as with OpenSSL."""
        before = self._tlsbio_names()
        super().set_ciphers(cipherlist)
        names = self._tlsbio_names()
        suites = tuple(BY_OPENSSL_NAME[name].number for name in names if name in BY_OPENSSL_NAME)
        old = [name for name in names if not name.startswith("TLS_")]
        if old and not any(name in BY_OPENSSL_NAME for name in old):
            super().set_ciphers(":".join(name for name in before if not name.startswith("TLS_")))
            raise ssl.SSLError(
                "No cipher can be selected.", f"the engine has none of the cipher suites {', '.join(old)}"
            )
        self._tlsbio_suites = suites

    def _tlsbio_names(self) -> list[str]:
        return [cipher["name"] for cipher in super().get_ciphers()]

    def get_ciphers(self) -> Any:
        """Those of OpenSSL's cipher suites that the engine has, too."""
        return [cipher for cipher in super().get_ciphers() if cipher["name"] in BY_OPENSSL_NAME]

    def set_ecdh_curve(self, name: str, /) -> None:
        """Sets the one group for key exchange: prime256v1, secp384r1 or X25519."""
        os.fsencode(name)  # which says that it is no name, as ssl does
        text = (name.decode("ascii", "replace") if isinstance(name, bytes) else name).lower()
        if text != "x25519":  # which the ssl of old versions does not take
            super().set_ecdh_curve(name)
        if text not in GROUPS:
            raise NotImplementedError(f"the engine has no group {name}")
        self._tlsbio_groups = (GROUPS[text],)

    def load_dh_params(self, path: Any, /) -> None:
        """Not possible: the engine has no finite-field key exchange."""
        raise NotImplementedError("the engine has no finite-field key exchange, and needs no parameters for it")

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Sets the application protocols, most preferred first."""
        protocols = list(alpn_protocols)
        super().set_alpn_protocols(protocols)
        self._tlsbio_alpn = tuple(bytes(protocol, "ascii") for protocol in protocols)

    def set_npn_protocols(self, npn_protocols: Iterable[str]) -> None:
        """Not possible: NPN was replaced by ALPN."""
        raise NotImplementedError("the engine has no NPN: use set_alpn_protocols")

    def set_psk_client_callback(self, callback: Any) -> None:
        """Not possible, but for None."""
        _refuse_callback(callback)

    def set_psk_server_callback(self, callback: Any, identity_hint: str | None = None) -> None:
        """Not possible, but for None."""
        _refuse_callback(callback)

    # Certificates

    def load_cert_chain(
        self,
        certfile: str | bytes | os.PathLike[str] | os.PathLike[bytes],
        keyfile: str | bytes | os.PathLike[str] | os.PathLike[bytes] | None = None,
        password: identity.Password = None,
    ) -> None:
        """Sets the certificate chain and the private key of this side."""
        once = identity.OneTimePassword(password)
        super().load_cert_chain(certfile, keyfile, once if password is None or callable(password) else password)
        chain = Path(os.fsdecode(certfile))
        loaded = identity.load(chain, chain if keyfile is None else Path(os.fsdecode(keyfile)), once)
        # As with OpenSSL, a further one takes the place of that with a key of the same kind.
        self._tlsbio_identities[loaded.kind] = loaded

    def load_verify_locations(
        self,
        cafile: str | bytes | os.PathLike[str] | os.PathLike[bytes] | None = None,
        capath: str | bytes | os.PathLike[str] | os.PathLike[bytes] | None = None,
        cadata: Any = None,
    ) -> None:
        """Adds certificates that are trusted, and CRLs."""
        super().load_verify_locations(cafile, capath, cadata)
        trust = self._tlsbio_trust
        if cafile is not None:
            trust.add_text(Path(os.fsdecode(cafile)).read_bytes(), probe=lambda: _loaded(cafile=cafile))
        if capath is not None:
            trust.add_directory(os.fsdecode(capath))
        if isinstance(cadata, str):
            trust.add_text(cadata.encode("ascii"), pem.IN_TEXTS, lambda: _loaded(cadata=cadata))
        elif cadata is not None:
            trust.add_der(bytes(cadata))
        for protocol, use in (
            (ssl.PROTOCOL_TLS_CLIENT, uses.SERVER_AUTH),
            (ssl.PROTOCOL_TLS_SERVER, uses.CLIENT_AUTH),
        ):
            if self.protocol == protocol:
                trust.check(use)

    def set_default_verify_paths(self) -> None:
        """Trusts what OpenSSL trusts by default, or the store of the system where OpenSSL's is not there."""
        super().set_default_verify_paths()
        self._tlsbio_trust.add_default()

    # What is told

    @property  # type: ignore[override]
    def sni_callback(self) -> Callable[[Any, str | None, Any], int | None] | None:
        """Called with (connection, server name, this context) when a client has said whom it wants."""
        return cast("Callable[[Any, str | None, Any], int | None] | None", self._raw("sni_callback"))

    @sni_callback.setter
    def sni_callback(self, callback: Callable[[Any, str | None, Any], int | None] | None) -> None:
        _Native.sni_callback.__set__(self, callback)

    @property  # type: ignore[override]
    def keylog_filename(self) -> str | None:
        """The file that the secrets of connections are appended to: for debugging only."""
        return cast("str | None", self._raw("keylog_filename"))

    @keylog_filename.setter
    def keylog_filename(self, value: str | os.PathLike[str] | None) -> None:
        _Native.keylog_filename.__set__(self, value)

    def _log_keys(self, lines: list[str]) -> None:
        path = self.keylog_filename
        if path is not None:
            with self._tlsbio_lock, open(path, "a", encoding="ascii") as file:
                file.writelines(lines)

    @property
    def identity_callback(self) -> ChooseIdentity | None:
        """Called with (connection, what the server says of the certificates that it takes) on clients that are asked.

        It answers the context whose certificate is shown (``load_cert_chain``), or None to show none; without a
        callback it is this context's own. What it raises ends the handshake, which raises it. ssl has no such thing.
        """
        return self._tlsbio_choose_identity

    @identity_callback.setter
    def identity_callback(self, callback: ChooseIdentity | None) -> None:
        if callback is not None and not callable(callback):
            raise TypeError("not a callable object")
        self._tlsbio_choose_identity = callback

    @property
    def _msg_callback(self) -> None:
        """None: the engine shows its messages to nobody."""
        return None

    @_msg_callback.setter
    def _msg_callback(self, callback: Any) -> None:
        if callback is not None:
            raise NotImplementedError("the engine shows its messages to nobody: there is no _msg_callback")

    # The library's context

    def _check_role(self, server_side: bool) -> None:
        """A server's context does not verify servers: no client is made of it, and no server of a client's."""
        protocol = _PROTOCOL(self)
        if server_side and protocol == _CLIENT_ONLY:
            raise _role_error("Cannot create a server socket with a PROTOCOL_TLS_CLIENT context")
        if not server_side and protocol == _SERVER_ONLY:
            raise _role_error("Cannot create a client socket with a PROTOCOL_TLS_SERVER context")

    def _native(
        self,
        server_side: bool,
        least_mode: int = ssl.CERT_NONE,
        *,
        chosen: bool = False,
        asks_identity: bool = False,
        judges: bool = False,
    ) -> NativeContext:
        """The library's context for what is set now; one that verifies no less than ``least_mode``.

        Whatever makes connections of this context comes through here. One that was chosen for a connection in its
        handshake only adds to what that one's own has settled: its role does not matter, as with ssl.
        """
        if not chosen:
            self._check_role(server_side)
        key = server_side, least_mode, asks_identity, judges
        # Each connection asks, and nearly always nothing was changed. What is made is made of this, even if another
        # thread changes something meanwhile.
        state = (
            _OPTIONS(self),
            _LEAST(self),
            _MOST(self),
            _VERIFY_MODE(self),
            _VERIFY_FLAGS(self),
            _CHECK_HOSTNAME(self),
            _TICKETS(self),
            _KEY_LOG(self),
            self._tlsbio_suites,
            self._tlsbio_groups,
            self._tlsbio_alpn,
            tuple(self._tlsbio_identities.values()),
            self._tlsbio_trust.version,
        )
        found = self._tlsbio_natives.get(key)
        if found is not None and found[0] == state:
            return found[1]
        settings = self._settings(key, *state)
        # What changed may be nothing that the library's context depends on.
        native = None if found is None or found[1].settings != settings else found[1]
        if native is None:
            try:
                native = self._build(settings)
            except Error as error:
                raise ssl_errors.from_config(error) from None
        self._tlsbio_natives[key] = state, native
        return native

    def _settings(
        self,
        key: tuple[bool, int, bool, bool],
        options: int,
        least: int,
        most: int,
        verify_mode: int,
        verify_flags: int,
        check_hostname: bool,
        tickets: int,
        key_log: str | None,
        *of_ours: Any,
    ) -> Settings:
        server_side, least_mode, asks_identity, judges = key
        suites, groups, alpn, identities, trust_version = of_ours
        least, most = self._versions(options, least, most)
        return Settings(
            server_side=server_side,
            least=least,
            most=most,
            verify_mode=max(verify_mode, least_mode),
            verify_flags=verify_flags,
            check_hostname=check_hostname,
            tickets=0 if options & ssl.OP_NO_TICKET else tickets,
            suites=suites,
            groups=groups,
            alpn=alpn,
            identities=identities,
            trust_version=trust_version,
            key_log=key_log is not None,
            asks_identity=asks_identity,
            judges=judges,
        )

    def _identity_context(self) -> Context:
        """A context of the library with the certificates of this one, to show to a server that asks for one."""
        if not self._tlsbio_identities:
            raise ssl_errors.protocol_error("NO_CERTIFICATE_ASSIGNED", "the context has no certificate")
        builder = Builder()
        for own in self._tlsbio_identities.values():
            builder.identity(own.chain, own.key)
        builder.verify(lib.TLS_VERIFY_DANGEROUS_NONE)  # nobody is verified by it: its certificates alone count
        return builder.client()

    def _build(self, settings: Settings) -> NativeContext:
        builder = Builder()
        builder.versions(settings.least, settings.most)
        for own in settings.identities:
            builder.identity(own.chain, own.key)
        # With two suites of TLS 1.2 and all of 1.3, say: those that no version is left for do no harm.
        if settings.suites:
            builder.suites(settings.suites)
        if settings.groups:
            builder.groups(settings.groups)
        if settings.alpn:
            builder.alpn(settings.alpn)
        if settings.key_log:
            builder.key_log()
        refusal: strict.Fault | None = None
        strictly: frozenset[bytes] | None = None
        if settings.verify_mode == ssl.CERT_NONE:
            builder.verify(lib.TLS_VERIFY_DANGEROUS_NONE)
        else:
            any_name = not settings.server_side and not settings.check_hostname
            crl_checks = settings.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN
            trusted = self._tlsbio_trust.apply(
                builder,
                use=uses.CLIENT_AUTH if settings.server_side else uses.SERVER_AUTH,
                partial_chains=bool(settings.verify_flags & _VERIFY_PARTIAL_CHAIN),
                any_name=any_name or settings.server_side,
                with_crls=bool(crl_checks),
                strictly=bool(settings.verify_flags & ssl.VERIFY_X509_STRICT),
            )
            if not trusted:
                refusal = _UNKNOWN_ISSUER
            elif crl_checks and not self._tlsbio_trust.has_crls:
                refusal = _NO_CRL
            elif crl_checks:
                whole = crl_checks == ssl.VERIFY_CRL_CHECK_CHAIN
                builder.revocation(lib.TLS_REVOCATION_STRICT if whole else lib.TLS_REVOCATION_END_ENTITY_ONLY)
            if settings.verify_flags & ssl.VERIFY_X509_STRICT:
                partial = settings.verify_flags & _VERIFY_PARTIAL_CHAIN
                strictly = frozenset(self._tlsbio_trust.certificates if partial else ())
            if refusal is not None or strictly is not None:
                builder.verify(lib.TLS_VERIFY_ASK)
            elif any_name:
                builder.verify(lib.TLS_VERIFY_ANY_NAME)
            if settings.server_side:
                required = settings.verify_mode == ssl.CERT_REQUIRED
                builder.client_auth(lib.TLS_CLIENT_AUTH_REQUIRED if required else lib.TLS_CLIENT_AUTH_OPTIONAL)
        if not settings.server_side:
            # Each connection has sessions of its own, which the host hands on.
            builder.sessions(0)
            builder.ask_identity(settings.asks_identity)
            return NativeContext(settings, builder.client(), refusal, strictly)
        if settings.judges:
            # It serves nobody, and needs no certificate: chains of clients are judged by it.
            return NativeContext(settings, builder.client(), refusal, strictly)
        builder.tickets(settings.tickets)
        if not settings.tickets:
            builder.sessions(0)
        return NativeContext(settings, builder.server(), refusal, strictly)

    @property
    def _ignores_unexpected_eof(self) -> bool:
        return bool(_OPTIONS(self) & OP_IGNORE_UNEXPECTED_EOF)


def _loaded(**what: Any) -> Any:
    """A context of OpenSSL's that has loaded these certificates and nothing else."""
    context = _Native(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(**what)
    return context


def _role_error(text: str) -> ssl.SSLError:
    return ssl_errors.make(ssl.SSLError, 0, text)


def _check_version(value: int) -> None:
    if value in _OLD_VERSIONS:
        raise NotImplementedError(f"the engine has TLS 1.2 and TLS 1.3 only, not {ssl.TLSVersion(value).name}")


def _refuse_callback(callback: Any) -> None:
    if callback is not None:
        raise NotImplementedError("the engine takes no pre-shared keys from outside")


def create_default_context(
    purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH,
    *,
    cafile: str | os.PathLike[str] | None = None,
    capath: str | os.PathLike[str] | None = None,
    cadata: str | bytes | None = None,
) -> SSLContext:
    """As ``ssl.create_default_context``, with the same settings."""
    if not isinstance(purpose, type(ssl.Purpose.SERVER_AUTH)):
        raise TypeError(purpose)
    if purpose == ssl.Purpose.SERVER_AUTH:
        context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
    elif purpose == ssl.Purpose.CLIENT_AUTH:
        context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    else:
        raise ValueError(purpose)
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    if cafile or capath or cadata:
        context.load_verify_locations(cafile, capath, cadata)
    elif context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs(purpose)
    key_log = os.environ.get("SSLKEYLOGFILE")
    if key_log and not sys.flags.ignore_environment:
        context.keylog_filename = key_log
    return context
