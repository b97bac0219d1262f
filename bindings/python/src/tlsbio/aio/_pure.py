"""What ``tlsbio._stream`` does in C, in Python: for interpreters without that module, and to be read beside it.

The difference is in ``get_buffer``: Python cannot lend the library's memory without leaving a way into it behind,
so the loop receives into a bytearray, whose bytes are then copied.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

from .._native import ffi, lib
from ..connection import Connection

HANDSHAKING, OPEN, CLOSING, LOST = range(4)

_ENDED = lib.TLS_PEER_CLOSED | lib.TLS_FAILED | lib.TLS_EOF
_WINDOW = 20480
_MUCH = 65536


class Stream(asyncio.Transport, asyncio.BufferedProtocol):
    """A protocol of the transport below, and a transport of the protocol above."""

    __slots__ = (
        "_buffered",
        "_conn",
        "_connection",
        "_much",
        "_once",
        "_paused",
        "_phase",
        "_protocol",
        "_thread",
        "_window",
        "_wire",
    )

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._conn: Any = ffi.NULL
        self._wire: Any = None
        self._protocol: Any = None
        self._window: bytearray | None = None
        self._phase = HANDSHAKING
        self._paused = self._buffered = self._much = self._once = False

    def _attach(self, connection: Connection, handle: int) -> None:
        self._connection, self._conn = connection, ffi.cast("tls_conn_t *", handle)
        # The transport below does not say if another one calls, and does harm.
        self._thread = threading.get_ident()

    def _send_directly(self, loop: asyncio.AbstractEventLoop, socket: int) -> None:
        """Everything goes through the transport below."""

    def _detach(self) -> Connection | None:
        connection = self._connection
        self._connection, self._conn, self._window = None, ffi.NULL, None
        return connection

    def _close_window(self) -> None:
        self._window = None

    def _at_rest(self) -> None:
        pass

    # Below

    def get_buffer(self, sizehint: int) -> bytearray:
        """Something to receive into."""
        if self._connection is None:
            raise RuntimeError("nothing can be received now: the connection is lost")
        self._window = bytearray(_MUCH if self._much else _WINDOW)
        return self._window

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were received into the buffer."""
        window, self._window = self._window, None
        if window is None or not 0 <= nbytes <= len(window):
            raise RuntimeError("buffer_updated() without the get_buffer() that it is about")
        self._much = nbytes > _WINDOW // 2
        with memoryview(window)[:nbytes] as rest:
            fed = 0
            while True:
                count = lib.tls_feed(self._conn, ffi.from_buffer(rest) + fed, nbytes - fed)
                fed += max(count, 0)
                self._received()
                # What does not fit has to wait until data was read; after an end or a failure it is of no use.
                if count <= 0 or fed == nbytes or self._phase == LOST:
                    break
        if fed < nbytes and count == 0:
            raise RuntimeError("bytes were received while reading was paused")

    def _received(self) -> None:
        if self._phase == OPEN:
            self._deliver()
        elif self._phase == CLOSING:
            self._closing_step()
        elif self._phase == HANDSHAKING:
            self._handshake_step()

    def _flush(self) -> None:
        while (waiting := lib.tls_drain_pending(self._conn)) > 0:
            wire_bytes = ffi.new("char[]", waiting)
            if lib.tls_drain_into(self._conn, wire_bytes, waiting) != waiting:
                raise RuntimeError("use this connection in its loop's thread only")
            self._wire.write(ffi.buffer(wire_bytes)[:])

    # Above

    def _deliver(self) -> None:
        while self._phase == OPEN and not self._paused:
            got = self._give_in_buffer() if self._buffered else self._give_bytes()
            if got == lib.TLS_ERR_BUSY:
                raise RuntimeError("use this connection in its loop's thread only")
            if self._phase != OPEN:
                return
            state = lib.tls_state(self._conn)
            if state & lib.TLS_CAN_DRAIN:
                self._flush()
            if not state & lib.TLS_CAN_READ:
                if state & _ENDED or not state:
                    self._ended()
                return

    def _give_bytes(self) -> int:
        plain = ffi.new("char[]", _MUCH)
        got: int = lib.tls_read_into(self._conn, plain, _MUCH)
        if got > 0:
            self._protocol.data_received(ffi.buffer(plain, got)[:])
        return got

    def _give_in_buffer(self) -> int:
        if not lib.tls_state(self._conn) & lib.TLS_CAN_READ:
            return int(lib.TLS_WANT_FEED)
        buffer = self._protocol.get_buffer(lib.tls_plain_pending(self._conn))
        if not len(buffer):
            raise RuntimeError("get_buffer() returned an empty buffer")
        with ffi.from_buffer("char[]", buffer, require_writable=True) as plain:
            got: int = lib.tls_read_into(self._conn, plain, len(plain))
        if got > 0:
            self._protocol.buffer_updated(got)
        return got

    def _discard(self) -> int:
        plain = ffi.new("char[]", 4096)
        while (got := lib.tls_read_into(self._conn, plain, 4096)) > 0:
            pass
        return int(got)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypts and sends; what cannot be sent at once is kept."""
        if self._phase == OPEN and threading.get_ident() != self._thread:
            raise RuntimeError("use this connection in its loop's thread only")
        with ffi.from_buffer("char[]", data) as plain:
            if self._phase != OPEN:
                self._write_refused()
                return
            written = 0
            while written < len(plain):
                taken = lib.tls_write_from(self._conn, plain + written, len(plain) - written)
                if taken == lib.TLS_ERR_BUSY:
                    raise RuntimeError("use this connection in its loop's thread only")
                if taken < 0 and taken != lib.TLS_WANT_DRAIN:
                    self._write_refused()
                    return
                written += max(taken, 0)
                self._flush()
                if self._phase != OPEN and written < len(plain):
                    self._write_refused()
                    return

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Encrypts and sends several pieces as if they were one."""
        self.write(b"".join(list_of_data))

    # What happens once in a connection's life is the subclass's.

    def _handshake_step(self) -> None:
        raise NotImplementedError

    def _ended(self) -> None:
        raise NotImplementedError

    def _closing_step(self) -> None:
        raise NotImplementedError

    def _write_refused(self) -> None:
        raise NotImplementedError
