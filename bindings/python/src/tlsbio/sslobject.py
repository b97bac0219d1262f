"""One connection over memory BIOs, as ``ssl.SSLObject``."""

from __future__ import annotations

import functools
import os
import ssl
import sys
import time
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar, overload

from . import certificates, identity_question, ssl_errors
from ._native import ffi, lib
from ._speed import Channel, MemoryBIO
from .context import NativeContext, SSLContext
from .errors import from_struct, new_error
from .strict import Fault
from .suites import BY_NUMBER, GROUP_NAMES, VERSION_NAMES

if TYPE_CHECKING:
    from ssl import _PeerCertRetDictType

P = ParamSpec("P")
R = TypeVar("R")

_ALERT_HANDSHAKE_FAILURE = 40
_ALERT_INTERNAL_ERROR = 80

# Host names that the library has taken.
_names: set[str] = set()
_MAX_NAMES = 1024


class SSLSession:
    """A session of a client, to be resumed by a later connection of the same context to the same server."""

    __slots__ = ("_context", "_handle", "_native", "id", "time")

    def __init__(self, handle: Any, native: NativeContext, context: SSLContext) -> None:
        self._handle = handle
        self._native = native
        self._context = context
        #: Tells sessions apart, and is that of the one that was resumed; it is not sent to anybody.
        self.id = os.urandom(32)
        #: When it was taken from its connection, in Unix seconds.
        self.time = int(time.time())

    @property
    def has_ticket(self) -> bool:
        """Whether the session can be resumed: those without a ticket are not given out."""
        return bool(self._handle)

    @property
    def timeout(self) -> int:
        """For how many seconds from ``time`` on it is good, by what the server has said; 0 once it was used."""
        expires = ffi.new("int64_t *")
        if lib.tls_session_expires(self._handle, expires) != lib.TLS_OK:
            return 0
        return max(0, int(expires[0]) - self.time)

    @property
    def ticket_lifetime_hint(self) -> int:
        """As ``timeout``: the server's word is what counts."""
        return self.timeout

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, SSLSession) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(f"cannot pickle {type(self).__name__!r} object: it has secrets, which are used once")

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            lib.tls_session_free(handle)


def _fact(method: Callable[Concatenate[Engine, P], R]) -> Callable[Concatenate[Engine, P], R]:
    """A method that asks the library something: any thread may, and waits for the one that is inside."""

    @functools.wraps(method)
    def fact(self: Engine, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._hold()
        try:
            return method(self, *args, **kwargs)
        finally:
            self._release()

    return fact


class Engine:
    """What a connection of the library is to Python: what it asks, how it fails, what is known of it.

    Its subclasses are channels, which move the bytes: ``SSLObject`` between BIOs, ``SocketObject`` over a socket.
    """

    _tlsbio_context: SSLContext
    _tlsbio_native: NativeContext | None
    _tlsbio_hostname: str | None
    _tlsbio_server: bool
    _tlsbio_session: SSLSession | None
    _tlsbio_self_signed = False
    _tlsbio_has_identity = True
    _tlsbio_fault: Fault | None = None
    # An SNI callback is being asked for the context.
    _tlsbio_choosing = False
    _tlsbio_owner_reference: weakref.ref[Any] | None = None

    if TYPE_CHECKING:

        @property
        def _address(self) -> int: ...
        @property
        def _header(self) -> bytes: ...
        def _hold(self) -> None: ...
        def _release(self) -> None: ...
        def _take_notes(self) -> None: ...
        @property
        def _has_begun(self) -> bool: ...
        def _unmake(self, wants_notes: bool, /) -> None: ...

    def _tlsbio_begin(self, context: Any, server_side: bool, server_hostname: str | None, session: Any) -> bool:
        """Takes what a connection will be made of at its first step, and answers whether it logs its keys."""
        if not isinstance(context, SSLContext):
            raise TypeError("a tlsbio.SSLContext is needed")
        _check_role(context, server_side, server_hostname)
        if session is not None and server_side:
            raise ValueError("session can only be specified in client mode")
        if session is not None and not isinstance(session, SSLSession):
            raise TypeError(f"session must be a tlsbio.SSLSession, not {type(session).__name__}")
        self._tlsbio_hostname = server_hostname
        self._tlsbio_server = server_side
        return self._settle(context, session)

    def _settle(self, context: SSLContext, session: SSLSession | None) -> bool:
        """What is set in the context now counts. If it cannot, or not with the session, all stays as it was."""
        native = None
        if not self._tlsbio_server:
            if session is not None and session._context is not context:
                raise ValueError("Session refers to a different SSLContext.")
            native = context._native(False, asks_identity=context._tlsbio_choose_identity is not None)
        elif context._tlsbio_identities:
            # Whether there is a callback to choose another context is known when the client has said whom it wants.
            # Without a certificate, too, the handshake is where OpenSSL fails.
            native = context._native(True)
        self._tlsbio_context, self._tlsbio_native, self._tlsbio_session = context, native, session
        return native is not None and native.settings.key_log

    def _tlsbio_check_name(self) -> None:
        """Refuses a host name that is none. Only the library knows, when a connection is made: the first for each."""
        if self._tlsbio_hostname is not None and self._tlsbio_hostname not in _names:
            self._hold()
            try:
                _ = self._address
            finally:
                self._release()

    def _make(self) -> int:
        """The handle of a new connection of the library, made of what was taken. The channel asks for it."""
        error = new_error()
        if self._tlsbio_server:
            handle = lib.tls_server_new(ffi.NULL, error)
        else:
            hostname, session = self._tlsbio_hostname, self._tlsbio_session
            # Without a name none is verified, or the context would have refused it.
            name = ffi.NULL if hostname is None else hostname.encode("ascii")
            handle = self._new_client(name, ffi.NULL if session is None else session._handle, error)
            if not handle and session is not None and error.status in (lib.TLS_ERR_STATE, lib.TLS_ERR_ARGUMENT):
                # It was used, and can be used once only; or it is of another server, or of before the context was
                # changed, and says nothing about what is accepted now: a full handshake, as with a ticket that expired.
                handle = self._new_client(name, ffi.NULL, error)
            if handle and hostname is not None:
                if len(_names) >= _MAX_NAMES:
                    _names.clear()
                _names.add(hostname)
        if not handle:
            failure = from_struct(error)
            if failure.status == lib.TLS_ERR_ARGUMENT:
                raise ValueError(failure.message)
            if failure.status == lib.TLS_ERR_MEMORY:
                raise MemoryError(failure.message)
            raise ssl_errors.from_config(failure)
        return int(ffi.cast("uintptr_t", handle))

    def _new_client(self, name: Any, session: Any, error: Any) -> Any:
        native = self._tlsbio_native
        assert native is not None
        if not native.verifies_any_name:
            return lib.tls_client_new_resuming(native.context.handle, name, session, error)
        options = ffi.new("tls_client_options_t *")
        options.size = ffi.sizeof("tls_client_options_t")
        options.flags = lib.TLS_CLIENT_OWN_SESSIONS
        options.session = session
        is_sent = bool(name) and not ssl_errors.is_address(self._tlsbio_hostname)
        sent = ffi.new("char[]", name) if is_sent else ffi.NULL
        options.sni = sent
        return lib.tls_client_new_with(native.context.handle, options, error)

    @property
    def _handle(self) -> Any:
        return ffi.cast("tls_conn_t *", self._address)

    # What the channel asks for

    def _failure(self, status: int) -> Exception:
        """The exception for a fatal status. It is made here and raised elsewhere, so that it holds no frame of ours."""
        error = new_error()
        lib.tls_conn_error(self._handle, error)
        if error.status != status:
            error.status = status
            name = ffi.string(lib.tls_status_name(status))
            ffi.memmove(error.message, name + b"\0", len(name) + 1)
        failure = from_struct(error)
        if not self._tlsbio_has_identity:
            return ssl_errors.protocol_error("NO_SHARED_CIPHER", "the context has no certificate: load_cert_chain")
        if self._tlsbio_fault is not None and failure.status == lib.TLS_ERR_CERTIFICATE:
            code, message = self._tlsbio_fault
            if code == 20 and self._tlsbio_self_signed:
                code, message = ssl_errors.SELF_SIGNED
            return ssl_errors.refused(code, message)
        peer = ssl_errors.Peer(
            self._tlsbio_hostname,
            self._tlsbio_self_signed,
            lib.tls_protocol_version(self._handle),
            self._header if self._tlsbio_server else b"",
        )
        return ssl_errors.from_error(failure, peer)

    def _truncated_is_end(self) -> bool:
        return self._tlsbio_context._ignores_unexpected_eof

    def _asked(self, status: int) -> None:
        handle = self._handle
        if status == lib.TLS_ASK_CONTEXT:
            self._choose_context(handle)
        elif status == lib.TLS_ASK_VERIFY:
            # What the peer has shown can be had now only.
            chain = self.get_unverified_chain()
            self._tlsbio_self_signed = bool(chain) and certificates.is_self_issued(chain[0])
            assert self._tlsbio_native is not None
            verdict, self._tlsbio_fault = self._tlsbio_native.judge(chain)
            lib.tls_answer_verify(handle, verdict)
        elif status == lib.TLS_ASK_IDENTITY:
            self._choose_identity(handle)
        else:
            raise self._failure(status)

    def _choose_identity(self, handle: Any) -> None:
        request, callback = identity_question.read(handle), self._tlsbio_context.identity_callback
        identity = None
        try:
            if callback is not None:
                self._release()
                try:
                    chosen = callback(self._tlsbio_owner(), request)
                finally:
                    self._hold()
                if isinstance(chosen, SSLContext):
                    identity = chosen._identity_context()
                elif chosen is not None:
                    raise TypeError(f"an identity callback returns a tlsbio.SSLContext or None, not {chosen!r}")
            status = identity_question.answer(handle, identity)
            if status != lib.TLS_OK:
                raise ssl_errors.protocol_error(
                    "NO_SUITABLE_SIGNATURE_ALGORITHM", "no certificate of that context fits what the server takes"
                )
        except BaseException:
            lib.tls_answer_refuse(handle, _ALERT_HANDSHAKE_FAILURE)
            raise

    @property
    def owner(self) -> Any:
        """The ``ssl.SSLSocket`` or ``ssl.SSLObject`` that this one is below, if it is."""
        reference = self._tlsbio_owner_reference
        return None if reference is None else reference()

    @owner.setter
    def owner(self, value: Any) -> None:
        self._tlsbio_owner_reference = None if value is None else weakref.ref(value)

    def _tlsbio_owner(self) -> Any:
        """What a callback is given as its connection."""
        owner = self.owner
        return self if owner is None else owner

    def _choose_context(self, handle: Any) -> None:
        original, native = self._tlsbio_context, self._tlsbio_native
        callback = original.sni_callback
        alert: Any = None
        if callback is not None:
            name = self._server_name(handle)
            self._tlsbio_choosing = True
            # The program may have another thread ask for facts, and wait for it.
            self._release()
            try:
                alert = callback(self._tlsbio_owner(), name, original)
            except Exception as error:
                _report_unraisable(error, callback)
                alert = _ALERT_HANDSHAKE_FAILURE
            else:
                if alert is not None and not isinstance(alert, int):
                    wrong = TypeError(f"an SNI callback returns None or an alert, not {type(alert).__name__}")
                    _report_unraisable(wrong, callback)
                    alert = _ALERT_INTERNAL_ERROR
            finally:
                self._hold()
                self._tlsbio_choosing = False
        if alert is not None:
            if lib.tls_answer_refuse(handle, alert & 0xFF) != lib.TLS_OK:
                lib.tls_answer_refuse(handle, _ALERT_INTERNAL_ERROR)
            return
        if native is None or self._tlsbio_context is not original:
            if not self._tlsbio_context._tlsbio_identities:
                self._tlsbio_has_identity = False
                lib.tls_answer_refuse(handle, _ALERT_HANDSHAKE_FAILURE)
                return
            least_mode = original.verify_mode if native is None else native.settings.verify_mode
            try:
                # Another context brings its certificates; it does not make client certificates optional.
                native = self._tlsbio_context._native(True, least_mode, chosen=True)
            except Exception:
                lib.tls_answer_refuse(handle, _ALERT_INTERNAL_ERROR)
                raise
            self._tlsbio_native = native
            if native.settings.key_log:
                self._take_notes()
        lib.tls_answer_context(handle, native.context.handle)

    @staticmethod
    def _server_name(handle: Any) -> str | None:
        name = ffi.new("char[256]")
        length = lib.tls_sni(handle, name, 256)
        return ffi.string(name).decode("ascii") if length > 0 else None

    def _noted(self) -> None:
        lines = []
        event = ffi.new("tls_event_t *")
        event.size = ffi.sizeof("tls_event_t")
        while lib.tls_next_event(self._handle, event) == 1:
            if event.kind == lib.TLS_EVENT_KEY_LOG:
                lines.append(ffi.string(event.text).decode("ascii") + "\n")
        ffi.memmove(event.text, bytes(ffi.sizeof(event.text)), ffi.sizeof(event.text))
        if lines:
            self._tlsbio_context._log_keys(lines)

    # Facts

    def _is_done(self) -> bool:
        return not lib.tls_state(self._handle) & lib.TLS_HANDSHAKING

    @property
    def context(self) -> SSLContext:
        """The context. An SNI callback may set another one, and so may anybody until the handshake begins."""
        return self._tlsbio_context

    @context.setter
    @_fact
    def context(self, context: ssl.SSLContext) -> None:
        if not isinstance(context, SSLContext):
            raise TypeError("The value must be a tlsbio.SSLContext")
        if context is self._tlsbio_context:
            return
        if self._tlsbio_choosing:
            self._tlsbio_context = context
            return
        if self._has_begun:
            # Who is trusted was decided by the other one.
            raise ValueError("Cannot set context after handshake.")
        _check_role(context, self._tlsbio_server, self._tlsbio_hostname)
        self._unmake(self._settle(context, self._tlsbio_session))

    @property
    @_fact
    def session(self) -> SSLSession | None:
        """The newest session that the server has given, or the one that is resumed."""
        if not self._tlsbio_server and self._tlsbio_native is not None:
            handle = lib.tls_session_take(self._handle, ffi.NULL)
            if handle:
                before = self._tlsbio_session
                self._tlsbio_session = SSLSession(handle, self._tlsbio_native, self._tlsbio_context)
                if before is not None and lib.tls_resumed(self._handle) == 1:
                    self._tlsbio_session.id = before.id
        return self._tlsbio_session

    @session.setter
    @_fact
    def session(self, session: Any) -> None:
        if not isinstance(session, SSLSession):
            raise TypeError("Value is not a SSLSession.")
        if self._tlsbio_server:
            raise ValueError("Cannot set session for server-side SSLObject.")
        if self._has_begun:
            raise ValueError("Cannot set session after handshake.")
        self._unmake(self._settle(self._tlsbio_context, session))

    @property
    @_fact
    def session_reused(self) -> bool:
        """Whether the handshake resumed a session."""
        return bool(lib.tls_resumed(self._handle) == 1)

    @property
    def server_side(self) -> bool:
        """Whether this is a server."""
        return self._tlsbio_server

    @property
    def server_hostname(self) -> str | None:
        """The name of the server that a client asks for."""
        return self._tlsbio_hostname

    @overload
    def getpeercert(self, binary_form: Literal[False] = False) -> _PeerCertRetDictType | None: ...
    @overload
    def getpeercert(self, binary_form: Literal[True]) -> bytes | None: ...
    @overload
    def getpeercert(self, binary_form: bool) -> _PeerCertRetDictType | bytes | None: ...
    def getpeercert(self, binary_form: bool = False) -> Any:
        """The peer's certificate: as a dict ({} if it was not verified), or in DER; None if it has shown none."""
        return self._shown(binary_form)

    @_fact
    def _shown(self, binary_form: bool) -> Any:
        if not self._is_done():
            raise ValueError("handshake not done yet")
        der = self._certificate(0)
        if der is None or binary_form:
            return der
        if self._tlsbio_native is None or self._tlsbio_native.settings.verify_mode == ssl.CERT_NONE:
            return {}
        return certificates.decode(der)

    def _certificate(self, index: int) -> bytes | None:
        handle = self._handle
        length = lib.tls_peer_certificate(handle, index, ffi.NULL, 0)
        if length <= 0:
            return None
        der = ffi.new("char[]", length)
        lib.tls_peer_certificate(handle, index, der, length)
        return bytes(ffi.buffer(der, length))

    @_fact
    def get_unverified_chain(self) -> list[bytes]:
        """The certificates that the peer has shown, in DER, its own first."""
        chain: list[bytes] = []
        while (der := self._certificate(len(chain))) is not None:
            chain.append(der)
        return chain

    def get_verified_chain(self) -> list[bytes]:
        """Not known: the engine says that a chain was verified, not which one it was."""
        raise NotImplementedError("the engine does not tell the chain that it verified: see get_unverified_chain")

    def selected_npn_protocol(self) -> None:
        """None: NPN was replaced by ALPN."""
        return None

    @_fact
    def selected_alpn_protocol(self) -> str | None:
        """The application protocol that was agreed on."""
        protocol = ffi.new("char[255]")
        length = lib.tls_alpn(self._handle, protocol, 255)
        return ffi.buffer(protocol, length)[:].decode("ascii", "replace") if length > 0 else None

    @_fact
    def cipher(self) -> tuple[str, str, int] | None:
        """Name, protocol version and secret bits of the cipher suite, in OpenSSL's words."""
        suite = BY_NUMBER.get(lib.tls_cipher_suite(self._handle))
        return None if suite is None else (suite.openssl_name, suite.version, suite.bits)

    @_fact
    def shared_ciphers(self) -> list[tuple[str, str, int]] | None:
        """On a server the cipher suite that was chosen: what else both have is not kept. None on a client."""
        cipher = self.cipher() if self._tlsbio_server else None
        return None if cipher is None else [cipher]

    def compression(self) -> None:
        """None: the engine does not compress."""
        return None

    @_fact
    def version(self) -> str | None:
        """The protocol version, such as "TLSv1.3"; None until the handshake is done."""
        if not self._is_done():
            return None
        return VERSION_NAMES.get(lib.tls_protocol_version(self._handle))

    @_fact
    def group(self) -> str | None:
        """The group that keys were exchanged in, such as "X25519MLKEM768"; None until the handshake is done."""
        return GROUP_NAMES.get(lib.tls_group(self._handle)) if self._is_done() else None

    @_fact
    def get_channel_binding(self, cb_type: str = "tls-unique") -> bytes | None:
        """A channel binding: "tls-exporter" (RFC 9266) or "tls-server-end-point" (RFC 5929).

        None for "tls-unique", which TLS 1.3 does not have, and while the handshake is not done.
        """
        kinds = {
            "tls-unique": None,
            "tls-exporter": lib.TLS_BINDING_EXPORTER,
            "tls-server-end-point": lib.TLS_BINDING_SERVER_END_POINT,
        }
        if not isinstance(cb_type, str):
            raise TypeError(f"get_channel_binding() argument 'cb_type' must be str, not {type(cb_type).__name__}")
        if cb_type not in kinds:
            raise ValueError(f"{cb_type} channel binding type not implemented")
        kind = kinds[cb_type]
        if kind is None:
            return None
        binding = ffi.new("char[64]")
        length = lib.tls_channel_binding(self._handle, kind, binding, 64)
        return bytes(ffi.buffer(binding, length)) if length > 0 else None

    def verify_client_post_handshake(self) -> None:
        """Not possible: the engine has no authentication after the handshake."""
        raise NotImplementedError("Post-handshake auth is not supported by this engine.")


class SSLObject(Engine, Channel, ssl.SSLObject):  # type: ignore[misc]
    """A TLS connection between two BIOs, made by ``SSLContext.wrap_bio``.

    It refers to its BIOs and its context, and to nobody who uses it: it takes part in no reference cycle. ``close``
    frees at that moment what it holds; being dropped does the same.
    """

    @classmethod
    def _create(
        cls,
        incoming: Any,
        outgoing: Any,
        server_side: bool = False,
        server_hostname: str | None = None,
        session: SSLSession | None = None,
        context: SSLContext | None = None,
    ) -> SSLObject:
        self = cls.__new__(cls)
        self._open(incoming, outgoing, self._tlsbio_begin(context, bool(server_side), server_hostname, session))
        self._tlsbio_check_name()
        return self

    def shutdown(self) -> None:
        """As ``unwrap``, under the name that it has below an ``ssl.SSLObject``."""
        self.unwrap()


__all__ = ["MemoryBIO", "SSLObject", "SSLSession"]

SSLContext.sslobject_class = SSLObject


def _check_role(context: SSLContext, server_side: bool, hostname: str | None) -> None:
    context._check_role(server_side)
    if hostname is not None:
        if server_side:
            raise ValueError("server_hostname can only be specified in client mode")
        if not hostname or hostname.startswith("."):
            raise ValueError("server_hostname cannot be an empty string or start with a leading dot.")
        if "\0" in hostname:
            raise TypeError("server_hostname contains a null character")
    elif not server_side and context.check_hostname:
        raise ValueError("check_hostname requires server_hostname")


def _report_unraisable(error: BaseException, callback: Any) -> None:
    """What ssl does with an exception of an SNI callback: the handshake fails, the exception is shown."""
    sys.unraisablehook(
        SimpleNamespace(
            exc_type=type(error),
            exc_value=error,
            exc_traceback=error.__traceback__,
            err_msg="Exception ignored in SNI callback",
            object=callback,
        )
    )
