"""What connections of one listener, or of one call, have in common."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping

from .._native import lib
from ..config import Context
from ..connection import Connection
from ..context import SSLContext
from ..errors import Error
from ._questions import ChooseIdentity, Sign, Verify

HANDSHAKE_TIMEOUT = 60.0
SHUTDOWN_TIMEOUT = 30.0


Settings = Context | SSLContext
# A server's settings by the name that the client asks for, see ``chosen``.
SettingsByName = Mapping[str | None, Settings]


class Setup:
    """Immutable once it is made."""

    __slots__ = (
        "connection_made",
        "factory",
        "handshake_timeout",
        "identity",
        "ignore_unexpected_eof",
        "loop",
        "server_side",
        "settings",
        "shutdown_timeout",
        "sign",
        "verify",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: Settings | SettingsByName,
        server_side: bool,
        *,
        factory: Callable[[], asyncio.BaseProtocol] | None = None,
        handshake_timeout: float | None = None,
        shutdown_timeout: float | None = None,
        ignore_unexpected_eof: bool = False,
        connection_made: bool = True,
        verify: Verify | None = None,
        sign: Sign | None = None,
        identity: ChooseIdentity | None = None,
    ) -> None:
        self.loop = loop
        self.settings = settings
        self.server_side = server_side
        self.factory = factory
        self.handshake_timeout = _seconds("ssl_handshake_timeout", handshake_timeout, HANDSHAKE_TIMEOUT)
        self.shutdown_timeout = _seconds("ssl_shutdown_timeout", shutdown_timeout, SHUTDOWN_TIMEOUT)
        self.ignore_unexpected_eof = ignore_unexpected_eof or (
            isinstance(settings, SSLContext) and settings._ignores_unexpected_eof
        )
        # Whether the protocol is still to be told of its connection: not if it had one before it was upgraded.
        self.connection_made = connection_made
        self.verify = verify
        self.sign = sign
        self.identity = identity
        if identity is not None and server_side:
            raise ValueError("identity is for clients")
        if isinstance(settings, Mapping):
            if not server_side:
                raise TypeError("a client has one context, not several by name")
            for each in settings.values():
                _check_server(made(each, True))
        elif server_side:
            _check_server(made(settings, True))
        else:
            # Before anything is connected.
            self._made_client()
        if verify is not None and not any(asks_verify(each) for each in self._each()):
            raise ValueError(
                "verify would never be asked: it decides for contexts of Builder.verify(TLS_VERIFY_ASK), "
                "on servers with Builder.client_auth()"
            )

        if identity is not None and not (isinstance(settings, SSLContext) or asks_identity(settings)):
            raise ValueError("identity would never be asked: it decides for contexts of Builder.ask_identity()")

    def _made_client(self) -> Context:
        settings = self.settings
        assert not isinstance(settings, Mapping)
        return made(settings, False, self.identity is not None)

    def _each(self) -> Iterable[Settings]:
        return self.settings.values() if isinstance(self.settings, Mapping) else (self.settings,)

    def client(self, name: str) -> Connection:
        """A connection to the server of that name."""
        if not isinstance(self.settings, Mapping):
            try:
                encoded = name.encode("ascii")
            except UnicodeEncodeError:
                encoded = name.encode("idna")
            return Connection.client(self._made_client(), encoded.decode("ascii"))
        raise TypeError("a client has one context, not several by name")

    def server(self) -> Connection:
        """A connection that waits for a client."""
        if isinstance(self.settings, Mapping):
            return Connection.server(None)
        try:
            return Connection.server(made(self.settings, True))
        except Exception:
            # It was changed since, and cannot be used any more: the client is told so, and the loop's handler.
            return Connection.server(None)


def made(settings: Settings, server_side: bool, asks_identity: bool = False) -> Context:
    """The library's context of what the caller gave as such, for that role and no other: all ways in come by here."""
    if isinstance(settings, Context):
        if settings.server_side != server_side:
            whose, whom = ("client", "server") if server_side else ("server", "client")
            raise ValueError(f"ssl is a context for {whose}s: there can be no {whom} with it")
        return settings
    if not isinstance(settings, SSLContext):
        raise TypeError(f"ssl has to be a tlsbio.config.Context or a tlsbio.SSLContext, not {settings!r}")
    if server_side and settings.sni_callback is not None:
        raise NotImplementedError("tlsbio.aio calls nobody back: give a mapping of names to contexts as ssl")
    native = settings._native(server_side, asks_identity=asks_identity)
    if not server_side and native.verifies_any_name:
        raise NotImplementedError("tlsbio.aio has VERIFY_X509_STRICT with check_hostname only")
    return native.context


def asks_verify(settings: Settings) -> bool:
    """Whether a context leaves it to the application whom to trust."""
    return isinstance(settings, Context) and settings.asks_verify


def asks_identity(settings: object) -> bool:
    """Whether a context's clients ask which identity they show."""
    return isinstance(settings, Context) and settings.asks_identity


def verdict(settings: SSLContext, server_side: bool, connection: Connection) -> int:
    """What a context says of the certificates that a peer has shown, before the library's own rules count."""
    shown: list[bytes] = []
    while (der := connection.peer_certificate(len(shown))) is not None:
        shown.append(der)
    return settings._native(server_side, chosen=True).judge(shown)[0]


def _check_server(context: Context) -> None:
    """Finds out now what every client would find out."""
    try:
        Connection.server(context).close()
    except Error as error:
        raise ValueError(error.message) from None


def chosen(settings: SettingsByName, name: str | None) -> Settings | None:
    """The settings for a name: those under the name itself, under its wildcard (``*.example``), or under None."""
    found = settings.get(name)
    if found is None and name is not None:
        found = settings.get("*." + name.partition(".")[2])
    return settings.get(None) if found is None else found


def _seconds(what: str, given: float | None, default: float) -> float:
    if given is None:
        return default
    if not given > 0 or math.isinf(given):
        raise ValueError(f"{what} should be a positive number, got {given}")
    return given


# Alerts (RFC 8446, 6.2).
INTERNAL_ERROR = 80
UNRECOGNIZED_NAME = 112
TLS_1_3 = lib.TLS_VERSION_1_3


def _retired() -> Setup:
    setup = Setup.__new__(Setup)
    for name in Setup.__slots__:
        setattr(setup, name, None)
    return setup


# What connections that are over hold in place of a setup: nothing of anybody's.
RETIRED = _retired()
