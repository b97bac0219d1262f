"""One TLS connection (tls_conn_t), in terms of Python's buffers."""

from __future__ import annotations

from typing import Any

from ._native import ffi, lib
from .config import Buffer, Context
from .errors import Error, from_struct, new_error, status_name

# From this status on downwards, something is wrong: what is above it is a wait, a question or an end.
_FIRST_ERROR = lib.TLS_ERR_ARGUMENT


class Connection:
    """Moves wire and plain bytes, and answers statuses: waits, questions and ends are results, errors are raised.

    It refers to nothing but the library's handle, so it takes part in no reference cycle. ``close`` ends it at
    that moment; being collected is a backstop.
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def client(cls, context: Context, server_name: str) -> Connection:
        """Starts a client's handshake with the server of that DNS name or IP address."""
        error = new_error()
        return cls._made(lib.tls_client_new(context.handle, server_name.encode("ascii"), error), error)

    @classmethod
    def server(cls, context: Context | None) -> Connection:
        """Waits for a client; without a context the connection will ask for one (TLS_ASK_CONTEXT)."""
        error = new_error()
        return cls._made(lib.tls_server_new(context.handle if context else ffi.NULL, error), error)

    @classmethod
    def _made(cls, handle: Any, error: Any) -> Connection:
        if not handle:
            raise from_struct(error)
        return cls(handle)

    def close(self) -> None:
        """Ends the connection now and frees all that it held. Sends nothing."""
        handle, self._handle = self._handle, ffi.NULL
        lib.tls_free(handle)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            lib.tls_free(handle)

    def error(self, status: int) -> Error:
        """What the library knows about the error that a call answered with this status."""
        error = new_error()
        lib.tls_conn_error(self._handle, error)
        return from_struct(error) if error.status == status else Error(status, status_name(status))

    def _checked(self, answer: int) -> int:
        if answer <= _FIRST_ERROR:
            raise self.error(answer)
        return answer

    # Wire bytes

    def feed(self, wire: Buffer) -> int:
        """Stores bytes that came from the peer, and says how many: 0 when the inbound limit is reached."""
        return self._checked(lib.tls_feed(self._handle, ffi.from_buffer(wire), len(wire)))

    def feed_eof(self) -> None:
        """Says that no byte will follow those that were fed."""
        self._checked(lib.tls_feed_eof(self._handle))

    def drain(self) -> bytes:
        """Takes all wire bytes that wait for the peer."""
        wire, length = ffi.new("const void **"), ffi.new("size_t *")
        self._checked(lib.tls_drain_peek(self._handle, wire, length))
        if not length[0]:
            return b""
        drained: bytes = ffi.buffer(wire[0], length[0])[:]
        self._checked(lib.tls_drain_consume(self._handle, length[0]))
        return drained

    def surplus(self) -> bytes:
        """Takes the bytes that came behind the peer's close_notify, which are not TLS."""
        length = self._checked(lib.tls_surplus(self._handle, ffi.NULL, 0))
        surplus = bytearray(length)
        self._checked(lib.tls_surplus(self._handle, ffi.from_buffer(surplus), length))
        return bytes(surplus)

    # Plain bytes

    def read_into(self, plain: bytearray | memoryview) -> int:
        """Decrypts into a writable buffer: how many bytes, or a negative wait, question or end."""
        return self._checked(lib.tls_read_into(self._handle, ffi.from_buffer(plain, require_writable=True), len(plain)))

    def write_from(self, plain: Buffer) -> int:
        """Encrypts from a buffer: how many bytes were taken, or a negative wait, question or end."""
        return self._checked(lib.tls_write_from(self._handle, ffi.from_buffer(plain), len(plain)))

    def pending(self) -> int:
        """How many decrypted bytes wait to be read."""
        return self._checked(lib.tls_plain_pending(self._handle))

    # Where it stands

    def advance(self) -> int:
        """Processes what was fed: TLS_OK, or a negative wait, question or end."""
        return self._checked(lib.tls_advance(self._handle))

    def state(self) -> int:
        """The state word: TLS_CAN_READ and so on."""
        return int(lib.tls_state(self._handle))

    def close_notify(self) -> None:
        """Queues the proper end of this side. What the peer still sends can be read."""
        self._checked(lib.tls_close_notify(self._handle))

    # Facts

    def version(self) -> int:
        """The protocol version, 0 if not known yet."""
        return int(lib.tls_protocol_version(self._handle))

    def cipher_suite(self) -> int:
        """The cipher suite by IANA number, 0 if not known yet."""
        return int(lib.tls_cipher_suite(self._handle))

    def group(self) -> int:
        """The key exchange group by IANA number, 0 if not known yet."""
        return int(lib.tls_group(self._handle))

    def alpn(self) -> bytes | None:
        """The negotiated application protocol."""
        protocol = ffi.new("char[255]")
        length = self._checked(lib.tls_alpn(self._handle, protocol, 255))
        return ffi.buffer(protocol, length)[:] if length else None

    def server_name(self) -> str | None:
        """The DNS name that the client asks for (SNI)."""
        name = ffi.new("char[256]")
        length = self._checked(lib.tls_sni(self._handle, name, 256))
        return ffi.string(name).decode("ascii") if length else None

    def peer_certificate(self, index: int = 0) -> bytes | None:
        """A certificate of the peer's chain in DER, its own first."""
        length = self._checked(lib.tls_peer_certificate(self._handle, index, ffi.NULL, 0))
        if not length:
            return None
        der = bytearray(length)
        self._checked(lib.tls_peer_certificate(self._handle, index, ffi.from_buffer(der), length))
        return bytes(der)

    # Answers

    def answer_context(self, context: Context) -> None:
        """Answers TLS_ASK_CONTEXT."""
        self._checked(lib.tls_answer_context(self._handle, context.handle))

    def answer_verify(self, verdict: int) -> None:
        """Answers TLS_ASK_VERIFY: 0 accepts, -1 decides by the context's rules, n > 0 rejects with alert n."""
        self._checked(lib.tls_answer_verify(self._handle, verdict))

    def answer_sign(self, signature: Buffer) -> None:
        """Answers TLS_ASK_SIGN, with a signature in the form that TLS sends."""
        self._checked(lib.tls_answer_sign(self._handle, ffi.from_buffer(signature), len(signature)))

    def answer_identity(self, context: Context | None) -> None:
        """Answers TLS_ASK_IDENTITY: with an identity of a context for clients, or with none."""
        self._checked(lib.tls_answer_identity(self._handle, context.handle if context else ffi.NULL))

    def refuse(self, alert: int) -> None:
        """Ends the handshake at an open question with a fatal alert."""
        self._checked(lib.tls_answer_refuse(self._handle, alert))
