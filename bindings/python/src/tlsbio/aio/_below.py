"""The transports of others that ours stands on, and what can be expected of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .._stream import Stream

if TYPE_CHECKING:
    from ._transport import Transport

# Where the transports of sockets are that receive into memory of ours, and use it for nothing else.
_RECEIVES_INTO = ("uvloop.loop", "asyncio.selector_events", "asyncio.proactor_events")

# Of these, where those are that close their socket only after they said so, or with their loop, and that send at once
# what they can.
_SENDS_AT_ONCE = ("uvloop.loop", "asyncio.selector_events")

# Where the transports are that give a window back after buffer_updated(), or instead of it when nothing came.
# asyncio's give it back before.
_GIVES_BACK_AFTERWARDS = ("uvloop.loop",)


def _is_of_socket(transport: object, modules: tuple[str, ...]) -> bool:
    # uvloop's TLS is in the same module as its sockets. What is written to it goes through it.
    return type(transport).__module__ in modules and "SSL" not in type(transport).__name__


def gives_back_afterwards(transport: object) -> bool:
    """Whether it holds a window until after buffer_updated()."""
    return _is_of_socket(transport, _GIVES_BACK_AFTERWARDS)


def sends_at_once(transport: object) -> bool:
    """Whether small pieces may go to its socket directly while nothing waits in it."""
    return _is_of_socket(transport, _SENDS_AT_ONCE)


def as_protocol_of(transport: object, above: Transport) -> asyncio.BaseProtocol:
    """What a transport that is there already is given as its protocol: ``above``, or what hands bytes over to it."""
    if isinstance(transport, Stream) or _is_of_socket(transport, _RECEIVES_INTO):
        return above
    return _Bytes(above)


def begin(above: Transport, below: Any, early: bytes) -> None:
    """Starts above a transport, with the bytes that came before."""
    above.connection_made(below)
    above._hand_over(early)


def taken_from_reader(protocol: object) -> bytes:
    """The bytes that wait in the reader of a stream: they are no data, but the peer's first bytes of TLS."""
    if not isinstance(protocol, asyncio.StreamReaderProtocol):
        return b""
    buffer = getattr(protocol._stream_reader, "_buffer", None)  # type: ignore[attr-defined]
    taken = bytes(buffer or b"")
    if buffer:
        buffer.clear()
    return taken


class _Bytes(asyncio.Protocol):
    """For transports that keep memory, or do more with it than to receive: they hand bytes over."""

    def __init__(self, above: Transport) -> None:
        self._above = above

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._above.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._above._hand_over(data)

    def eof_received(self) -> bool:
        return self._above.eof_received()

    def pause_writing(self) -> None:
        self._above.pause_writing()

    def resume_writing(self) -> None:
        self._above.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._above.connection_lost(exc)
