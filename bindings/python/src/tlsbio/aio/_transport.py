"""The transport: what happens once in a connection's life. What happens for each record is in the Stream."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import ssl
import threading
from collections.abc import Awaitable, Mapping
from typing import Any

from .. import certificates, ssl_errors
from .._native import ffi, lib
from .._stream import Stream
from ..connection import Connection
from ..context import SSLContext
from ..errors import Error
from . import _below, _questions, _setup
from ._facts import Facts
from ._phase import CLOSING, HANDSHAKING, LOST, OPEN
from ._setup import Setup

_logger = logging.getLogger("tlsbio.aio")

# So many writes to a connection that is over pass unmentioned, as asyncio's transports have it.
_WRITES_UNMENTIONED = 5


def _is_stream(protocol: object) -> bool:
    """Whether it is asyncio's streams, which go on writing over TCP, and take TLS for something that cannot."""
    return getattr(type(protocol), "eof_received", None) is asyncio.StreamReaderProtocol.eof_received


class Transport(Stream):
    """A connection: TLS inside, the loop's own transport below, the application's protocol above.

    It has the methods of ``asyncio.Transport``, with these rules:

    - ``close()`` sends what was written and a close_notify, waits for the peer's (``ssl_shutdown_timeout``), and
      drops what the peer still sends. ``abort()`` does nothing of this.
    - The peer's close_notify is ``eof_received()``. If that answers a true value under TLS 1.3, the connection stays
      open for writing; otherwise it is closed.
    - A transport that ends without close_notify was cut off: ``connection_lost()`` gets an ``ssl.SSLEOFError``, and
      there is no ``eof_received()``. ``ignore_unexpected_eof`` makes it an end like any other.
    - ``write_eof()`` sends a close_notify while the peer goes on, under TLS 1.3; TLS 1.2 has no half-closed
      connections, and ``can_write_eof()`` is false.
    - The sizes of flow control are wire bytes, those that the loop's transport has not sent.

    Used in the thread of its loop only; a call from another one while bytes are being received is a RuntimeError, and
    so is a question about what was negotiated.
    """

    __slots__ = (
        "__weakref__",
        "_context",
        "_error",
        "_held",
        "_held_eof",
        "_home",
        "_judged",
        "_made",
        "_peer_closed",
        "_question",
        "_server_hostname",
        "_setup",
        "_timer",
        "_waiter",
        "_writes_refused",
        "_wrote_eof",
    )

    def __init__(
        self,
        setup: Setup,
        connection: Connection,
        protocol: asyncio.BaseProtocol | None = None,
        server_hostname: str | None = None,
        waiter: asyncio.Future[None] | None = None,
    ) -> None:
        super().__init__()
        self._setup = setup
        self._context: Any = None if isinstance(setup.settings, Mapping) else setup.settings
        self._error: BaseException | None = None
        # Wire bytes that a transport handed over while the application took none, and whether its end came behind them.
        self._held = b""
        self._held_eof = False
        # The thread of the loop.
        self._home = threading.get_ident()
        # Whether the application was asked about its peer.
        self._judged = False
        # Whether the protocol knows of its connection, and so has to hear of its end.
        self._made = False
        self._peer_closed = False
        # The task that waits for an answer of the application.
        self._question: asyncio.Task[None] | None = None
        self._server_hostname = server_hostname
        self._timer: asyncio.TimerHandle | None = None
        self._waiter = waiter
        self._writes_refused = 0
        self._wrote_eof = False
        self._attach(connection, int(ffi.cast("uintptr_t", connection._handle)))
        if protocol is not None:
            self.set_protocol(protocol)

    def __repr__(self) -> str:
        stands = {HANDSHAKING: "handshaking", OPEN: "open", CLOSING: "closing", LOST: "closed"}[self._phase]
        return f"<tlsbio.aio.Transport {stands} over {self._wire!r}>"

    # The protocol of the transport below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport below is there: the handshake begins."""
        self._wire = transport
        if self._phase != HANDSHAKING:
            transport.close()
            return
        self._once = _below.gives_back_afterwards(transport)
        if _below.sends_at_once(transport):
            socket = transport.get_extra_info("socket")
            if socket is not None:
                self._send_directly(self._setup.loop, socket.fileno())
        self._wait_at_most(self._setup.handshake_timeout, self._handshake_timed_out)
        self._handshake_step()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The transport below is over, and so is this one: everything is let go."""
        handshaking = self._phase == HANDSHAKING
        self._phase = LOST
        self._stop_waiting()
        error, self._error = self._error, None
        if error is None:
            error = exc
        waiter, self._waiter = self._waiter, None
        try:
            if waiter is not None and not waiter.done():
                if error is None and handshaking:
                    error = ConnectionResetError("the connection was lost during the TLS handshake")
                elif error is None:
                    error = ConnectionAbortedError("the connection was aborted during the TLS handshake")
                waiter.set_exception(error)
            if self._made and self._protocol is not None:
                self._protocol.connection_lost(error)
        finally:
            # Frames that an exception holds shall not lead to it.
            del error, exc, waiter
            self._let_go()

    def eof_received(self) -> bool:
        """The transport below ended. True keeps it open for writing."""
        connection = self._connection
        if connection is None:
            return False
        if self._held:
            self._held_eof = True
            return True
        # The loop may still hold it, as in buffer_updated(), but is done with it.
        self._close_window()
        connection.feed_eof()
        if self._phase == HANDSHAKING:
            self._handshake_step()
        elif self._phase == OPEN and not self._peer_closed:
            self._deliver()
        return bool(self._phase == OPEN)

    def _hand_over(self, data: bytes) -> None:
        """Takes wire bytes from a transport that does not receive into the library's memory.

        They may be more than there is room for while the application takes nothing: then they wait.
        """
        self._held += data
        while self._held and self._phase != LOST and self._question is None:
            if self._phase == OPEN and self._paused:
                return
            window = self.get_buffer(len(self._held))
            size = min(len(window), len(self._held))
            piece, self._held = self._held[:size], self._held[size:]
            window[:size] = piece
            self.buffer_updated(size)
        if self._held_eof and not self._held:
            self._held_eof = False
            if not self.eof_received():
                self._wire.close()

    def pause_writing(self) -> None:
        """The transport below has more than it should have: passed on."""
        if self._made and self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """The transport below takes more again: passed on."""
        if self._made and self._protocol is not None:
            self._protocol.resume_writing()

    # The handshake

    def _handshake_step(self) -> None:
        while self._phase == HANDSHAKING and self._question is None and (connection := self._connection) is not None:
            status, failure = self._advance(connection)
            self._log_keys(connection)
            self._flush()
            if failure is None and status == lib.TLS_ASK_CONTEXT:
                self._choose_context(connection)
            elif failure is None and status == lib.TLS_ASK_VERIFY and isinstance(self._context, SSLContext):
                # It has nobody to trust, which ssl finds out as late as this, or is strict.
                connection.answer_verify(_setup.verdict(self._context, self._setup.server_side, connection))
            elif failure is None and status in (lib.TLS_ASK_VERIFY, lib.TLS_ASK_SIGN, lib.TLS_ASK_IDENTITY):
                self._ask(connection, status)
            elif failure is None and status not in (lib.TLS_OK, lib.TLS_WANT_FEED, lib.TLS_WANT_DRAIN):
                # TLS_TRUNCATED or TLS_CLOSED.
                failure = ConnectionResetError("the peer closed the connection during the TLS handshake")
            if failure is not None:
                self._handshake_failed(failure)
            elif status == lib.TLS_OK:
                if self._shows_nothing(connection):
                    self._ask(connection, _questions.ASK_ABOUT_NOBODY)
                else:
                    self._handshake_done()
            elif status == lib.TLS_WANT_FEED:
                return

    def _shows_nothing(self, connection: Connection) -> bool:
        """Whether the application has yet to decide about a client without a certificate."""
        return (
            not self._judged
            and self._setup.server_side
            and self._setup.verify is not None
            and _setup.asks_verify(self._context)
            and connection.peer_certificate() is None
        )

    def _advance(self, connection: Connection) -> tuple[int, Exception | None]:
        try:
            return connection.advance(), None
        except Error as error:
            return error.status, self._as_ssl(connection, error)

    def _as_ssl(self, connection: Connection, error: Error) -> ssl.SSLError:
        own = None
        if error.reason == lib.TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER:
            own = connection.peer_certificate()
        self_signed = own is not None and certificates.is_self_issued(own)
        peer = ssl_errors.Peer(self._server_hostname, self_signed, connection.version())
        return ssl_errors.from_error(error, peer)

    def _ask(self, connection: Connection, question: object) -> None:
        """Puts a question to the application. If its answer takes time, the handshake waits."""
        setup = self._setup
        # A raw public key is no certificate, and its owner is asked about all the same.
        self._judged |= question in (_questions.ASK_ABOUT_NOBODY, lib.TLS_ASK_VERIFY)
        try:
            answer = _questions.ask(connection, question, Facts(self), setup.verify, setup.sign, setup.identity)
            if inspect.isawaitable(answer):
                self._question = setup.loop.create_task(self._answer_later(question, answer))
                # The peer has nothing to say meanwhile.
                self._wire.pause_reading()
            else:
                _questions.hand_in(connection, question, answer)
        except Exception as error:
            self._refuse(error)

    async def _answer_later(self, question: object, awaitable: Awaitable[object]) -> None:
        failure = None
        try:
            answer = await awaitable
        except Exception as error:
            failure = error
        self._question, connection = None, self._connection
        if connection is None or self._phase != HANDSHAKING:
            return
        if failure is None:
            try:
                _questions.hand_in(connection, question, answer)
            except Exception as error:
                failure = error
        if failure is not None:
            self._refuse(failure)
            return
        self._wire.resume_reading()
        self._handshake_step()
        self._hand_over(b"")

    def _refuse(self, error: Exception) -> None:
        """Ends the handshake because the application raised that, or answered what is none."""
        connection = self._connection
        if connection is None:
            return
        with contextlib.suppress(Error):
            connection.refuse(_questions.alert_for(error))
        self._advance(connection)
        self._flush()
        if self._waiter is None:
            self._setup.loop.call_exception_handler(
                {"message": "a handshake has got no answer", "exception": error, "transport": self}
            )
        self._handshake_failed(error)

    def _choose_context(self, connection: Connection) -> None:
        settings = self._setup.settings
        try:
            if isinstance(settings, Mapping):
                self._context = _setup.chosen(settings, connection.server_name())
            if self._context is None:
                connection.refuse(_setup.UNRECOGNIZED_NAME)
            else:
                connection.answer_context(_setup.made(self._context, True))
        except Exception as error:
            # The mapping is the application's, and so is what it answers.
            connection.refuse(_setup.INTERNAL_ERROR)
            self._setup.loop.call_exception_handler(
                {"message": "no context for a client", "exception": error, "transport": self}
            )

    def _log_keys(self, connection: Connection) -> None:
        context = self._context
        if not isinstance(context, SSLContext) or context.keylog_filename is None:
            return
        event: Any = ffi.new("tls_event_t *")
        event.size, lines = ffi.sizeof("tls_event_t"), list[str]()
        while lib.tls_next_event(connection._handle, event) == 1:
            if event.kind == lib.TLS_EVENT_KEY_LOG:
                lines.append(ffi.string(event.text).decode("ascii") + "\n")
        # They are secrets.
        ffi.memmove(event.text, bytes(ffi.sizeof(event.text)), ffi.sizeof(event.text))
        if lines:
            context._log_keys(lines)

    def _handshake_done(self) -> None:
        self._stop_waiting()
        self._phase = OPEN
        if self._protocol is None and self._setup.factory is not None:
            self.set_protocol(self._setup.factory())
        self._made = True
        if self._setup.connection_made:
            self._protocol.connection_made(self)
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        # What came with the end of the handshake.
        self._deliver()

    def _handshake_failed(self, failure: Exception) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(failure)
        elif self._setup.loop.get_debug():
            _logger.debug("%r: the TLS handshake failed: %s", self, failure)
        self._lose(None)

    def _handshake_timed_out(self) -> None:
        self._timer = None
        seconds = self._setup.handshake_timeout
        self._error = ConnectionAbortedError(f"the TLS handshake took longer than {seconds} seconds")
        self.abort()

    # The end

    def _ended(self) -> None:
        """All data was given to the application, and no more will come."""
        connection = self._connection
        if connection is None or self._peer_closed:
            return
        status, failure = self._advance(connection)
        self._log_keys(connection)
        if failure is None and status == lib.TLS_TRUNCATED and not self._setup.ignore_unexpected_eof:
            failure = ssl_errors.unexpected_eof()
        if failure is not None:
            self._flush()
            self._lose(failure)
        elif status in (lib.TLS_CLOSED, lib.TLS_TRUNCATED):
            self._peer_closed = True
            goes_on = self._protocol.eof_received() or _is_stream(self._protocol)
            if self._phase == OPEN:
                # What comes behind a close_notify is of no interest to anybody.
                self._wire.pause_reading()
                if not goes_on or self._wrote_eof or connection.version() != _setup.TLS_1_3:
                    self.close()

    def _lose(self, failure: BaseException | None) -> None:
        """Ends after an error, when what is queued was sent, an alert perhaps."""
        self._phase = CLOSING
        self._error = failure
        self._wait_at_most(self._setup.shutdown_timeout, self.abort)
        self._wire.close()

    def close(self) -> None:
        """Sends what was written, and closes."""
        self._at_rest()
        connection = self._connection
        if connection is None or self._phase > OPEN:
            return
        if self._phase == HANDSHAKING:
            self.abort()
            return
        self._phase = CLOSING
        self._wait_at_most(self._setup.shutdown_timeout, self._shutdown_timed_out)
        # If it has failed already, the discarding below finds that out.
        with contextlib.suppress(Error):
            connection.close_notify()
        self._flush()
        if not self._peer_closed:
            # It may be paused, or not have resumed yet.
            self._wire.resume_reading()
        self._closing_step()

    def _closing_step(self) -> None:
        if self._connection is None or self._discard() != lib.TLS_WANT_FEED:
            self._wire.close()

    def _shutdown_timed_out(self) -> None:
        self._timer = None
        seconds = self._setup.shutdown_timeout
        self._error = TimeoutError(f"the peer did not answer the end of the TLS connection in {seconds} seconds")
        self.abort()

    def abort(self) -> None:
        """Ends at once. What was not sent is lost."""
        if self._phase == LOST:
            return
        self._stop_waiting()
        self._phase = CLOSING
        if self._wire is None:
            # There is no transport to end, and none may come.
            waiter, self._waiter = self._waiter, None
            if waiter is not None:
                waiter.cancel()
            self._phase = LOST
            self._let_go()
        else:
            self._wire.abort()

    def _let_go(self) -> None:
        question, self._question = self._question, None
        if question is not None:
            question.cancel()
        self._held = b""
        connection = self._detach()
        if connection is not None:
            connection.close()
        self._wire = self._protocol = self._context = None
        self._setup = _setup.RETIRED

    def _wait_at_most(self, seconds: float, then: Any) -> None:
        self._stop_waiting()
        self._timer = self._setup.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    # The transport of the protocol above

    @property
    def server_side(self) -> bool:
        """Whether this is the server."""
        return bool(self._setup.server_side)

    @property
    def server_hostname(self) -> str | None:
        """The name that a client asked for."""
        connection = self._connection
        if self._server_hostname is None and connection is not None:
            return connection.server_name()
        return self._server_hostname

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """A fact by name: those of the loop's transport, and ssl's.

        ``ssl_object`` (see ``Facts``), ``sslcontext``, ``peercert``, ``cipher`` and ``compression``.
        """
        if name == "sslcontext":
            return default if self._context is None else self._context
        if name == "ssl_object":
            return Facts(self)
        if name == "peercert":
            return Facts(self).getpeercert() or default
        if name == "cipher":
            return Facts(self).cipher() or default
        if name == "compression":
            return None
        return default if self._wire is None else self._wire.get_extra_info(name, default)

    # asyncio's loops upgrade what has this.
    _start_tls_compatible = True

    def _force_close(self, error: BaseException | None) -> None:
        """How asyncio's TLS ends the transport below it after an error."""
        if self._error is None:
            self._error = error
        self.abort()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Changes the protocol above."""
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol above; None once the connection is lost."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._phase > OPEN or (self._wire is not None and bool(self._wire.is_closing()))

    def is_reading(self) -> bool:
        """Whether data is given to the protocol as it comes."""
        return self._phase == OPEN and not self._paused and not self._peer_closed

    def pause_reading(self) -> None:
        """Gives the protocol nothing until ``resume_reading``. The peer is held back."""
        if self._phase <= OPEN and not self._paused:
            self._paused = True
            if self._phase == OPEN:
                self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Goes on giving data to the protocol, what waits first."""
        if self._paused:
            self._paused = False
            if self._phase == OPEN:
                self._setup.loop.call_soon(self._resume)

    def _resume(self) -> None:
        try:
            if self._phase == OPEN:
                self._deliver()
            self._hand_over(b"")
            if self._phase == OPEN and not self._paused and not self._peer_closed:
                self._wire.resume_reading()
        except Exception as error:
            self._setup.loop.call_exception_handler(
                {"message": "data_received() failed", "exception": error, "transport": self, "protocol": self._protocol}
            )
            self._error = error
            self.abort()

    def _write_refused(self) -> None:
        if self._wrote_eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._phase == HANDSHAKING:
            raise RuntimeError("nothing can be written before the handshake is done")
        self._writes_refused += 1
        if self._writes_refused > _WRITES_UNMENTIONED:
            _logger.warning("written to a connection that is closed")

    def can_write_eof(self) -> bool:
        """Whether this side can end its data while the peer goes on."""
        connection = self._connection
        return connection is not None and connection.version() == _setup.TLS_1_3

    def write_eof(self) -> None:
        """Ends this side's data; the peer can go on."""
        self._at_rest()
        connection = self._connection
        if connection is None or self._phase != OPEN or self._wrote_eof:
            return
        if connection.version() != _setup.TLS_1_3:
            raise NotImplementedError("TLS 1.2 has no half-closed connections")
        self._wrote_eof = True
        connection.close_notify()
        self._flush()
        if self._peer_closed:
            self.close()

    def get_write_buffer_size(self) -> int:
        """How many wire bytes the transport below has not sent."""
        return 0 if self._wire is None else int(self._wire.get_write_buffer_size())

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The low and the high mark, in wire bytes."""
        if self._wire is None:
            return 0, 0
        low, high = self._wire.get_write_buffer_limits()
        return low, high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Sets the marks at which the protocol is told to pause and to resume writing, in wire bytes."""
        if self._wire is not None:
            self._wire.set_write_buffer_limits(high=high, low=low)
