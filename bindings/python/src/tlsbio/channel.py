"""How wire bytes get from a BIO into the engine and back, in terms of cffi.

``tlsbio._speed`` has the same two classes in C; where it could not be built (PyPy), these are used. They are meant
to be read beside each other.

Bytes leave the incoming BIO one record at a time, and only when an operation cannot go on without: so ``pending``
of the BIO and of the connection mean what they mean with OpenSSL, and what follows the end of the TLS stream
is still in the BIO.
"""

from __future__ import annotations

import ssl
import threading
from typing import Any

from . import ssl_errors
from ._native import ffi, lib

_RECORD_HEADER = 5
# The largest record that a peer may send, without its header (RFC 8446, 5.2; RFC 5246, 6.2.3).
_LARGEST_BODY = lib.TLS_MAX_RECORD - _RECORD_HEADER
_FIRST_ERROR = lib.TLS_ERR_ARGUMENT


class MemoryBIO:
    """Bytes that wait between a connection and a transport; as ``ssl.MemoryBIO``."""

    __slots__ = ("_bytes", "_ended", "_lock", "_taken")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._taken = 0
        self._ended = False
        # One thread may take what another one adds.
        self._lock = threading.Lock()

    @property
    def pending(self) -> int:
        """How many bytes wait."""
        with self._lock:
            return len(self._bytes) - self._taken

    @property
    def eof(self) -> bool:
        """Whether no byte waits, and none will come."""
        return self._ended and not self.pending

    def read(self, size: int | None = -1, /) -> bytes:
        """Takes up to ``size`` bytes, or all."""
        with self._lock:
            if size is None or size < 0:
                size = len(self._bytes) - self._taken
            taken = bytes(memoryview(self._bytes)[self._taken : self._taken + size])
            self._taken += len(taken)
            # What was taken is dropped when it is the larger part, so that each byte is moved once at most.
            if self._taken * 2 >= len(self._bytes):
                del self._bytes[: self._taken]
                self._taken = 0
            return taken

    def write(self, data: Any, /) -> int:
        """Adds bytes, and answers how many."""
        if self._ended:
            raise ssl_errors.make(ssl.SSLError, ssl.SSL_ERROR_SSL, "cannot write() after write_eof()")
        with memoryview(data) as view:
            if not view.c_contiguous:
                raise BufferError("memoryview: underlying buffer is not C-contiguous")
            with self._lock:
                self._bytes += view.cast("B") if view.nbytes else b""
            return view.nbytes

    def write_eof(self) -> None:
        """Says that no byte will follow."""
        self._ended = True


class Channel:
    """A connection between two BIOs. What needs words is left to the subclass: ``_failure`` and ``_asked``."""

    __slots__ = (
        "_body",
        "_busy",
        "_conn",
        "_eof_told",
        "_header",
        "_incoming",
        "_lock",
        "_outgoing",
        "_unfed",
        "_wants_notes",
        "_we_closed",
    )

    def _open(self, handle: int, incoming: Any, outgoing: Any, wants_notes: bool) -> None:
        """Takes over the connection of that handle. With ``wants_notes``, ``_noted`` follows each operation."""
        self._conn = ffi.cast("tls_conn_t *", handle)
        self._incoming = incoming
        self._outgoing = outgoing
        self._wants_notes = wants_notes
        self._header = b""
        self._body = 0
        self._busy = False
        # Who has it may call the library.
        self._lock = threading.RLock()
        # What was taken from the BIO and not from us.
        self._unfed = b""
        self._eof_told = False
        self._we_closed = False

    def _replace(self, handle: int, wants_notes: bool) -> None:
        """Takes another connection in place of this one, which has not begun."""
        self._enter()
        before, self._conn = self._conn, ffi.cast("tls_conn_t *", handle)
        self._wants_notes = wants_notes
        self._busy = False
        self._release()
        lib.tls_free(before)

    def _take_notes(self) -> None:
        """Has ``_noted`` follow each operation from this one on."""
        self._wants_notes = True

    def _hold(self) -> None:
        """Waits until no other thread is in the library with this connection, and keeps others out until ``_release``.

        An operation holds the connection too, and no operation waits for a peer: this is short. A second operation is
        refused all the same: which bytes would be whose?
        """
        lock = getattr(self, "_lock", None)
        if lock is None:
            raise ValueError("this SSLObject was closed")
        lock.acquire()

    def _release(self) -> None:
        self._lock.release()

    @property
    def _address(self) -> int:
        """The handle as a number."""
        return int(ffi.cast("uintptr_t", self._entered()))

    def close(self) -> None:
        """Ends the connection now, and frees all that it held. Sends nothing: ``unwrap`` does."""
        if not getattr(self, "_conn", None):
            return
        handle = self._enter()
        self._conn = ffi.NULL
        self._incoming = self._outgoing = None
        self._busy = False
        self._lock.release()
        lib.tls_free(handle)

    def __del__(self) -> None:
        handle = getattr(self, "_conn", None)
        if handle:
            lib.tls_free(handle)

    # What the subclass knows

    def _failure(self, status: int) -> Exception:
        raise NotImplementedError

    def _asked(self, status: int) -> None:
        raise NotImplementedError

    def _noted(self) -> None:
        raise NotImplementedError

    def _truncated_is_end(self) -> bool:
        raise NotImplementedError

    # Operations

    def do_handshake(self) -> None:
        """Goes on with the handshake; ``ssl.SSLWantReadError`` until it is done."""
        handle = self._enter()
        try:
            while True:
                status = lib.tls_advance(handle)
                if status == lib.TLS_CLOSED and lib.tls_state(handle) & lib.TLS_HANDSHAKING:
                    # The peer has left: nothing was agreed on, and nobody was verified.
                    raise ssl_errors.zero_return()
                if status in (lib.TLS_OK, lib.TLS_CLOSED):
                    return
                self._go_on(handle, status)
        finally:
            self._leave(handle)

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        """Reads up to ``len`` plain bytes, of one record; into ``buffer`` if there is one, and answers how many."""
        if buffer is not None:
            with memoryview(buffer) as view:
                if view.readonly:
                    raise TypeError("read() argument 2 must be read-write bytes-like object")
                size = view.nbytes if len <= 0 or len > view.nbytes else len
                with ffi.from_buffer("char[]", view, require_writable=True) as target:
                    return self._read_into(target, size) if size else 0
        if len < 0:
            raise ValueError("size should not be negative")
        if len == 0:
            self._entered()
            return b""
        if len > lib.TLS_MAX_PLAIN_PER_RECORD:
            len = lib.TLS_MAX_PLAIN_PER_RECORD
        scratch = ffi.new("char[]", len)
        return ffi.buffer(scratch, self._read_into(scratch, len))[:]

    def _read_into(self, target: Any, size: int) -> int:
        handle = self._enter()
        try:
            while True:
                got: int = lib.tls_read_into(handle, target, size)
                if got > 0:
                    return got
                if got == lib.TLS_CLOSED:
                    if self._we_closed:
                        raise ssl_errors.zero_return()
                    return 0
                if got == lib.TLS_TRUNCATED and self._truncated_is_end():
                    return 0
                self._go_on(handle, got)
        finally:
            self._leave(handle)

    def write(self, data: Any) -> int:
        """Encrypts all of ``data``, and answers how many bytes that were."""
        with memoryview(data) as view, ffi.from_buffer("char[]", view) as source:
            size, taken = view.nbytes, 0
            handle = self._enter()
            try:
                if self._we_closed:
                    raise ssl_errors.protocol_error("PROTOCOL_IS_SHUTDOWN")
                while taken < size:
                    count = lib.tls_write_from(handle, source + taken, size - taken)
                    if count > 0:
                        taken += count
                    else:
                        self._go_on(handle, count)
                return taken
            finally:
                self._leave(handle)

    def pending(self) -> int:
        """How many plain bytes can be read without any further wire byte."""
        self._hold()
        try:
            return max(0, int(lib.tls_plain_pending(self._entered())))
        finally:
            self._release()

    def unwrap(self) -> None:
        """Says that nothing more will be written, and waits until the peer says the same."""
        handle = self._enter()
        try:
            if lib.tls_state(handle) & (lib.TLS_HANDSHAKING | lib.TLS_FAILED) == lib.TLS_HANDSHAKING:
                raise ssl_errors.protocol_error("SHUTDOWN_WHILE_IN_INIT")
            status = lib.tls_close_notify(handle)
            if status != lib.TLS_OK:
                raise self._failure(status)
            self._we_closed = True
            while True:
                status = lib.tls_advance(handle)
                if status == lib.TLS_CLOSED:
                    return
                if status == lib.TLS_OK:
                    if lib.tls_plain_pending(handle) > 0:
                        raise ssl_errors.protocol_error("APPLICATION_DATA_AFTER_CLOSE_NOTIFY")
                    status = lib.TLS_WANT_FEED
                self._go_on(handle, status)
        finally:
            self._leave(handle)

    # Between the BIOs and the engine

    def _entered(self) -> Any:
        handle = getattr(self, "_conn", None)
        if not handle:
            raise ValueError("this SSLObject was closed")
        return handle

    def _enter(self) -> Any:
        self._entered()
        if self._busy:
            raise ssl_errors.protocol_error("BUSY", "another operation uses this connection")
        self._busy = True
        self._lock.acquire()
        try:
            # It may have been closed meanwhile.
            return self._entered()
        except ValueError:
            self._busy = False
            self._lock.release()
            raise

    def _leave(self, handle: Any) -> None:
        try:
            self._flush(handle)
            if self._wants_notes:
                self._noted()
        finally:
            self._busy = False
            self._lock.release()

    def _go_on(self, handle: Any, status: int) -> None:
        """Does what a negative answer asks for, or raises."""
        if status == lib.TLS_WANT_FEED:
            if not self._pull(handle):
                if self._eof_told or not self._incoming.eof:
                    raise ssl_errors.want_read()
                self._eof_told = True
                lib.tls_feed_eof(handle)
        elif status == lib.TLS_WANT_DRAIN:
            self._flush(handle)
        elif status == lib.TLS_TRUNCATED:
            raise ssl_errors.unexpected_eof()
        elif status > lib.TLS_CLOSED:
            self._asked(status)
        else:
            raise self._failure(status)

    def _pull(self, handle: Any) -> bool:
        """Moves wire bytes up to the end of a record, and says whether there were any."""
        moved = False
        while True:
            in_body = self._body > 0
            wire = self._unfed or self._incoming.read(self._body or _RECORD_HEADER - len(self._header))
            if not wire:
                return moved
            fed = lib.tls_feed(handle, ffi.from_buffer(wire), len(wire))
            if fed != len(wire):
                # A refused call has taken nothing, and what it was given is not lost.
                self._unfed = wire
                raise self._failure(fed if fed < 0 else lib.tls_advance(handle))
            self._unfed = b""
            moved = True
            if in_body:
                self._body -= len(wire)
                if not self._body:
                    return True
            else:
                self._header += wire
                if len(self._header) == _RECORD_HEADER:
                    self._body = int.from_bytes(self._header[3:], "big")
                    is_record = 20 <= self._header[0] <= 24 and 0 < self._body <= _LARGEST_BODY
                    self._header = b""
                    if not is_record:
                        # The engine says what is wrong with it, before more is taken.
                        self._body = 0
                        return True

    def _flush(self, handle: Any) -> None:
        wire, length = ffi.new("const void **"), ffi.new("size_t *")
        while lib.tls_drain_peek(handle, wire, length) == lib.TLS_OK and length[0]:
            self._outgoing.write(ffi.buffer(wire[0], length[0]))
            lib.tls_drain_consume(handle, length[0])
