"""One TLS connection that answers as pyOpenSSL's ``Connection`` over memory BIOs does: what Twisted drives."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Protocol

from cryptography import x509
from OpenSSL import SSL, crypto

from .. import connection as base
from .._native import ffi, lib
from ..config import Buffer, Context
from ..errors import Error, from_struct, new_error, status_name
from .failures import TLSError, state_error, unexpected_eof

_OK = lib.TLS_OK
_WANT_FEED = lib.TLS_WANT_FEED
_WANT_DRAIN = lib.TLS_WANT_DRAIN
_ASK_CONTEXT = lib.TLS_ASK_CONTEXT
_CLOSED = lib.TLS_CLOSED
_TRUNCATED = lib.TLS_TRUNCATED
_UNRECOGNIZED_NAME = 112
_MOST_PLAIN = lib.TLS_DEFAULT_LIMIT

# A buffer that is filled before anybody reads it need not be cleared first.
_room = ffi.new_allocator(should_clear_after_alloc=False)

_VERSIONS = {0: "Unknown", lib.TLS_VERSION_1_2: "TLSv1.2", lib.TLS_VERSION_1_3: "TLSv1.3"}
# IANA's numbers by OpenSSL's names, with the bits of the key.
_SUITES = {
    0x1301: ("TLS_AES_128_GCM_SHA256", 128),
    0x1302: ("TLS_AES_256_GCM_SHA384", 256),
    0x1303: ("TLS_CHACHA20_POLY1305_SHA256", 256),
    0xC02B: ("ECDHE-ECDSA-AES128-GCM-SHA256", 128),
    0xC02C: ("ECDHE-ECDSA-AES256-GCM-SHA384", 256),
    0xC02F: ("ECDHE-RSA-AES128-GCM-SHA256", 128),
    0xC030: ("ECDHE-RSA-AES256-GCM-SHA384", 256),
    0xCCA8: ("ECDHE-RSA-CHACHA20-POLY1305", 256),
    0xCCA9: ("ECDHE-ECDSA-CHACHA20-POLY1305", 256),
}
_GROUPS = {
    0x0017: "secp256r1",
    0x0018: "secp384r1",
    0x0019: "secp521r1",
    0x001D: "x25519",
    0x11EC: "X25519MLKEM768",
}


class Chooser(Protocol):
    """What a server has for the name that a client asks for."""

    def choose(self, name: str | None) -> tuple[Context, bytes | None] | None:
        """The context, and its own certificate in DER; None refuses the client."""


class _Choosing:
    """Stands in the place of a chooser that is being asked."""

    def choose(self, name: str | None) -> None:
        """Nobody asks it."""


_CHOOSING = _Choosing()


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that waits until no other thread is in the library with the connection: no call waits for a peer."""

    @functools.wraps(method)
    def in_turn(self: Connection, /, *args: Any, **kwargs: Any) -> Any:
        with self._turn:
            return method(self, *args, **kwargs)

    return in_turn


def _one_at_a_time(cls: type[Connection]) -> type[Connection]:
    """Has every method of a connection wait for its turn, those that it inherits too.

    In the library a second thread would be an error of the first one, whose call could not be made again.
    """
    wrapped: dict[Any, Any] = {}
    for name in dir(cls):
        method = getattr(cls, name)
        # Neither what makes connections, nor what other methods call in their turn.
        if not name.startswith("_") and method is getattr(method, "__func__", method):
            setattr(cls, name, wrapped.setdefault(method, _in_turn(method)))
    return cls


@_one_at_a_time
class Connection(base.Connection):
    """What Twisted's TLS protocols take for an ``OpenSSL.SSL.Connection`` over memory BIOs.

    It refers to the library's handle and to bytes, never to a protocol or a transport, and nothing of Twisted's is
    called from it: no reference cycle can go through it, and what it holds is freed when its protocol lets go of it.

    Members have the meaning that they have in pyOpenSSL, and raise what they raise there: ``WantReadError``,
    ``ZeroReturnError`` after the peer's close_notify, ``SysCallError(-1, "Unexpected EOF")`` at an end without one,
    and ``TLSError``, an ``OpenSSL.SSL.Error``, for the rest.

    It belongs to the reactor's thread. A call from another one waits for the call that is under way, and harms nothing.
    """

    __slots__ = ("_certificate", "_chooser", "_client", "_eof", "_turn", "_unfed", "_unsent")

    def __init__(self, handle: Any, client: bool, certificate: bytes | None, chooser: Chooser | None = None) -> None:
        super().__init__(handle)
        # Whose turn it is to call the library.
        self._turn = threading.RLock()
        self._client = client
        self._certificate = certificate
        # Until the ClientHello is in.
        self._chooser = chooser
        # Wire bytes that did not fit into the library's inbound limit, and whether the transport's end follows them.
        self._unfed: bytearray | None = None
        self._eof = False
        # Wire bytes that did not fit into its outbound limit together with what followed them.
        self._unsent: bytearray | None = None

    @classmethod
    def for_client(
        cls, context: Context, hostname: str, certificate: bytes | None = None, send_name: bool = True
    ) -> Connection:
        """Starts a client's handshake with the server that has a certificate for that DNS name or IP address."""
        name, error = hostname.encode("ascii"), new_error()
        if send_name:
            handle = lib.tls_client_new(context.handle, name, error)
        else:
            handle = lib.tls_client_new_named(context.handle, ffi.NULL, name, error)
        if not handle:
            raise TLSError(from_struct(error))
        return cls(handle, True, certificate)

    @classmethod
    def for_server(cls, context: Context, certificate: bytes | None = None) -> Connection:
        """Waits for a client."""
        error = new_error()
        handle = lib.tls_server_new(context.handle, error)
        if not handle:
            raise TLSError(from_struct(error))
        return cls(handle, False, certificate)

    @classmethod
    def for_server_by_name(cls, chooser: Chooser) -> Connection:
        """Waits for a client, and chooses the context by the name that it asks for."""
        error = new_error()
        handle = lib.tls_server_new(ffi.NULL, error)
        if not handle:
            raise TLSError(from_struct(error))
        return cls(handle, False, None, chooser)

    def close(self) -> None:
        """Ends the connection now and frees all that it held. Sends nothing."""
        super().close()
        self._chooser = self._unfed = self._unsent = None

    # The handshake

    def set_connect_state(self) -> None:
        """Says that this is a client; it has to be one."""
        if not self._client:
            raise ValueError("this connection was made for a server, and cannot be a client")

    def set_accept_state(self) -> None:
        """Says that this is a server; it has to be one."""
        if self._client:
            raise ValueError("this connection was made for a client, and cannot be a server")

    def set_app_data(self, data: object) -> None:
        """Keeps nothing: nobody here needs to find the way back to a protocol, so no cycle arises."""

    def get_app_data(self) -> None:
        """What ``set_app_data`` kept: nothing."""

    def do_handshake(self) -> None:
        """Goes on with the handshake, until it is done or ``WantReadError`` says that more bytes are needed."""
        while True:
            answer = lib.tls_advance(self._handle)
            if answer == _OK:
                return
            if answer in (_CLOSED, _TRUNCATED) and not lib.tls_state(self._handle) & lib.TLS_HANDSHAKING:
                # The peer has closed behind its last handshake message: for recv() to say.
                return
            self._overcome(answer, before=True)

    def renegotiate(self) -> bool:
        """Whether a renegotiation was started: never, TLS 1.3 has none and this library has none for TLS 1.2."""
        return False

    def renegotiate_pending(self) -> bool:
        """Whether a renegotiation is going on: never."""
        return False

    def total_renegotiations(self) -> int:
        """How many renegotiations there were: none."""
        return 0

    def _overcome(self, answer: int, before: bool = False) -> None:
        """Does what the library waits for, so that the call can be made again; or raises what pyOpenSSL would.

        ``before`` says that the call is none that reads: an end is an error to it, whatever kind of end it is.
        """
        if answer == _WANT_FEED:
            if self._unfed is None or not self._feed_rest():
                raise SSL.WantReadError()
        elif answer == _WANT_DRAIN:
            self._make_room()
        elif answer == _ASK_CONTEXT:
            self._answer_context()
        elif answer == _CLOSED and not before:
            raise SSL.ZeroReturnError()
        elif answer in (_CLOSED, _TRUNCATED):
            raise unexpected_eof()
        else:
            # Nobody will read what has not been fed by now.
            self._unfed = None
            raise TLSError(self.error(answer))

    def _answer_context(self) -> None:
        chooser, name = self._chooser, self.server_name()
        if chooser is _CHOOSING:
            # Another thread asks, and will answer.
            raise SSL.WantReadError()
        self._chooser = _CHOOSING
        # The application may have another thread ask for facts, and wait for it.
        self._turn.release()
        try:
            chosen = chooser.choose(name) if chooser else None
        finally:
            self._turn.acquire()
            self._chooser = None
        if chosen is None:
            # What comes of it is the next call's answer, and the alert is in the queue.
            lib.tls_answer_refuse(self._handle, _UNRECOGNIZED_NAME)
            return
        context, self._certificate = chosen
        status = lib.tls_answer_context(self._handle, context.handle)
        if status != _OK:
            raise TLSError(Error(status, status_name(status)))

    # Wire bytes

    def bio_write(self, buf: Buffer) -> int:
        """Takes bytes that came from the peer, all of them, and says how many they were."""
        with ffi.from_buffer(buf) as wire:
            length = len(wire)
            if self._unfed is not None:
                self._unfed += ffi.buffer(wire)
                return length
            taken = lib.tls_feed(self._handle, wire, length)
            if taken < 0:
                self._refused(taken)
            elif taken < length:
                self._unfed = bytearray(ffi.buffer(wire)[taken:])
        return length

    def _refused(self, answer: int) -> None:
        """After an error or the transport's end a memory BIO takes bytes and nobody reads them: so here."""
        if not lib.tls_state(self._handle) & (lib.TLS_FAILED | lib.TLS_EOF):
            raise TLSError(self.error(answer))

    def _feed_rest(self) -> bool:
        """Feeds what did not fit before, and says whether anything was new to the library."""
        if self._unfed is None:
            return False
        with ffi.from_buffer(self._unfed) as wire:
            taken: int = lib.tls_feed(self._handle, wire, len(wire))
        if taken < 0:
            self._unfed = None
            self._refused(taken)
            return False
        del self._unfed[:taken]
        if not self._unfed:
            self._unfed = None
            if self._eof:
                self.bio_shutdown()
                return True
        return taken > 0

    def bio_shutdown(self) -> None:
        """Says that no byte will follow those that ``bio_write`` got."""
        self._eof = True
        if self._unfed is None:
            status = lib.tls_feed_eof(self._handle)
            if status != _OK:
                raise TLSError(self.error(status))

    def bio_read(self, bufsiz: int) -> bytes:
        """Takes up to ``bufsiz`` bytes that wait for the peer; ``WantReadError`` if there are none."""
        if not isinstance(bufsiz, int):
            raise TypeError("bufsiz must be an integer")
        if bufsiz < 1:
            raise ValueError("bufsiz must be positive")
        unsent = self._unsent
        if unsent is not None:
            # Its bytes are older than those in the library's queue.
            unsent += self.drain()
            wire = bytes(unsent[:bufsiz])
            del unsent[:bufsiz]
            if not unsent:
                self._unsent = None
            return wire
        waiting = lib.tls_drain_pending(self._handle)
        if waiting == 0:
            raise SSL.WantReadError()
        if waiting < 0:
            raise TLSError(self.error(waiting))
        room = _room("char[]", min(bufsiz, waiting))
        taken = lib.tls_drain_into(self._handle, room, len(room))
        drained: bytes = ffi.buffer(room, taken)[:]
        return drained

    def _make_room(self) -> None:
        """Takes all that the library has queued: a memory BIO never is full."""
        if self._unsent is None:
            self._unsent = bytearray()
        self._unsent += self.drain()

    # Plain bytes

    def send(self, buf: Buffer, flags: int = 0) -> int:
        """Encrypts all bytes of a buffer, and says how many they were. ``flags`` are ignored, as in pyOpenSSL."""
        with ffi.from_buffer(buf) as plain:
            length, sent = len(plain), 0
            while sent < length:
                answer = lib.tls_write_from(self._handle, plain + sent, length - sent)
                if answer > 0:
                    sent += answer
                elif answer == lib.TLS_ERR_STATE and lib.tls_state(self._handle) & lib.TLS_WE_CLOSED:
                    raise state_error("protocol is shutdown")
                else:
                    self._overcome(answer, before=True)
        return length

    write = send
    sendall = send

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        """Up to ``bufsiz`` plain bytes, from as many records as have come.

        ``WantReadError`` if none has come, ``ZeroReturnError`` after the peer's close_notify.
        """
        if flags:
            raise NotImplementedError("flags such as MSG_PEEK are not supported")
        if bufsiz < 0:
            raise ValueError("bufsiz must not be negative")
        # More than was fed cannot come.
        length = min(bufsiz, _MOST_PLAIN)
        room = _room("char[]", length)
        plain: bytes = ffi.buffer(room, self._receive(room, length))[:]
        return plain

    read = recv

    def recv_into(self, buffer: bytearray | memoryview, nbytes: int | None = None, flags: int | None = None) -> int:
        """As ``recv``, decrypting straight into a writable buffer; answers how many bytes."""
        if flags:
            raise NotImplementedError("flags such as MSG_PEEK are not supported")
        if nbytes is not None and nbytes < 0:
            raise ValueError("nbytes must not be negative")
        with ffi.from_buffer(buffer, require_writable=True) as room:
            return self._receive(room, len(room) if nbytes is None else min(nbytes, len(room)))

    def _receive(self, room: Any, length: int) -> int:
        while True:
            answer: int = lib.tls_read_into(self._handle, room, length)
            if answer >= 0:
                return answer
            self._overcome(answer)

    # The end

    def shutdown(self) -> bool:
        """Sends a close_notify, if none was sent, and says whether the peer has sent its own.

        What the peer still sends can be received. In the middle of a handshake it is an error, as in OpenSSL.
        """
        if lib.tls_state(self._handle) & (lib.TLS_HANDSHAKING | lib.TLS_FAILED) == lib.TLS_HANDSHAKING:
            raise state_error("shutdown while in init")
        status = lib.tls_close_notify(self._handle)
        if status != _OK:
            raise TLSError(self.error(status))
        return bool(lib.tls_state(self._handle) & lib.TLS_PEER_CLOSED)

    def get_shutdown(self) -> int:
        """SENT_SHUTDOWN, RECEIVED_SHUTDOWN, their sum, or 0."""
        state = lib.tls_state(self._handle)
        sent = SSL.SENT_SHUTDOWN if state & lib.TLS_WE_CLOSED else 0
        return sent | (SSL.RECEIVED_SHUTDOWN if state & lib.TLS_PEER_CLOSED else 0)

    # Facts

    def get_alpn_proto_negotiated(self) -> bytes:
        """The application protocol that was agreed on, b"" if none."""
        return self.alpn() or b""

    def get_servername(self) -> bytes | None:
        """The name that the client asks for, None if it asks for none."""
        name = self.server_name()
        return None if name is None else name.encode("ascii")

    def get_certificate(self, *, as_cryptography: bool = False) -> crypto.X509 | x509.Certificate | None:
        """This side's own certificate."""
        return _certificate(self._certificate, as_cryptography)

    # Where Twisted's Certificate.hostFromTransport looks for it.
    get_host_certificate = get_certificate

    def get_peer_certificate(self, *, as_cryptography: bool = False) -> crypto.X509 | x509.Certificate | None:
        """The peer's certificate, None if it showed none or the handshake is not done."""
        return _certificate(self.peer_certificate(), as_cryptography)

    def get_peer_cert_chain(
        self, *, as_cryptography: bool = False
    ) -> list[crypto.X509 | x509.Certificate | None] | None:
        """The certificates that the peer sent, None if it sent none. On a server without the peer's own, as in
        OpenSSL.
        """
        if self.peer_certificate() is None:
            return None
        chain, index = [], 0 if self._client else 1
        while (der := self.peer_certificate(index)) is not None:
            chain.append(_certificate(der, as_cryptography))
            index += 1
        return chain

    def get_protocol_version(self) -> int:
        """The protocol version as it travels, such as 0x0304 for TLS 1.3; 0 if not known yet."""
        return self.version()

    def get_protocol_version_name(self) -> str:
        """The protocol version, such as "TLSv1.3"; "Unknown" if not known yet."""
        return _VERSIONS[self.version()]

    def get_cipher_name(self) -> str | None:
        """OpenSSL's name of the cipher suite, None if not known yet."""
        return _SUITES.get(self.cipher_suite(), (None, None))[0]

    def get_cipher_bits(self) -> int | None:
        """The bits of the cipher's key, None if not known yet."""
        return _SUITES.get(self.cipher_suite(), (None, None))[1]

    def get_cipher_version(self) -> str | None:
        """The protocol version that the cipher suite belongs to, None if not known yet."""
        return _VERSIONS[self.version()] if self.cipher_suite() else None

    def get_group_name(self) -> str | None:
        """OpenSSL's name of the key exchange group, None if not known yet."""
        return _GROUPS.get(self.group())

    def export_keying_material(self, label: bytes, olen: int, context: bytes | None = None) -> bytes:
        """Derives ``olen`` bytes that both ends of this connection can derive, and nobody else (RFC 5705)."""
        if not 0 < olen <= lib.TLS_MAX_EXPORT:
            raise ValueError(f"olen must be 1 to {lib.TLS_MAX_EXPORT}")
        out = bytearray(olen)
        extra = context or b""
        with ffi.from_buffer(out) as room:
            status = lib.tls_export(
                self._handle, label, len(label), extra, len(extra), int(context is not None), room, olen
            )
        if status < 0:
            raise TLSError(self.error(status))
        return bytes(out)


def _certificate(der: bytes | None, as_cryptography: bool) -> crypto.X509 | x509.Certificate | None:
    if der is None:
        return None
    if as_cryptography:
        return x509.load_der_x509_certificate(der)
    return crypto.load_certificate(crypto.FILETYPE_ASN1, der)
