"""TLS for asyncio and uvloop, on a transport of its own.

The functions are asyncio's, with ``ssl`` a ``tlsbio.config.Context`` (from a ``Builder``) or a
``tlsbio.SSLContext``; what else they take is handed to the loop's function of that name:

    reader, writer = await tlsbio.aio.open_connection("example.org", 443, ssl=context)

Wire bytes are received into the library's own memory, plain bytes go into the application's, and a connection
that waits holds no buffer. What transports do differently from asyncio's is said at ``Transport``.

``verify``, ``sign`` and ``identity`` answer what a handshake asks of a context that leaves these to the application, at
once or, if they are coroutine functions, later: see ``Verify``, ``Sign`` and ``ChooseIdentity``. What they raise ends
the handshake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .._native import lib
from ..errors import Error
from ..identity_question import IdentityRequest
from . import _below
from ._facts import Facts
from ._questions import ChooseIdentity, Sign, Verify
from ._setup import Settings, SettingsByName, Setup
from ._transport import Transport

__all__ = [
    "ChooseIdentity",
    "Facts",
    "IdentityRequest",
    "Sign",
    "Transport",
    "Verify",
    "create_connection",
    "create_server",
    "open_connection",
    "start_server",
    "start_tls",
]

_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)

# What asyncio's streams hold before they ask the peer to wait, in bytes.
_STREAM_LIMIT = 65536


async def create_connection(
    protocol_factory: Callable[[], _Protocol],
    host: str | None = None,
    port: int | str | None = None,
    *,
    ssl: Settings,
    server_hostname: str | None = None,
    ssl_handshake_timeout: float | None = None,
    ssl_shutdown_timeout: float | None = None,
    ignore_unexpected_eof: bool = False,
    verify: Verify | None = None,
    sign: Sign | None = None,
    identity: ChooseIdentity | None = None,
    **options: Any,
) -> tuple[Transport, _Protocol]:
    """Connects to a server, and shakes hands.

    The server's certificate must be for ``server_hostname``, or else for ``host``. Raises ``ssl.SSLError`` or one
    of its subclasses when the handshake fails, ConnectionAbortedError when it takes longer than
    ``ssl_handshake_timeout`` (60 seconds), ConnectionResetError when the peer closes during it.
    """
    setup = Setup(
        asyncio.get_running_loop(),
        ssl,
        False,
        handshake_timeout=ssl_handshake_timeout,
        shutdown_timeout=ssl_shutdown_timeout,
        ignore_unexpected_eof=ignore_unexpected_eof,
        verify=verify,
        sign=sign,
        identity=identity,
    )
    protocol = protocol_factory()
    waiter = setup.loop.create_future()
    transport = _client(setup, protocol, host if server_hostname is None else server_hostname, waiter)
    connected = False
    try:
        await _loops_own(setup).create_connection(lambda: transport, host, port, **options)
        connected = True
        await waiter
    except BaseException:
        _give_up(transport, waiter, connected)
        raise
    finally:
        # It holds the exception whose frames would hold it.
        del waiter
    return transport, protocol


async def create_server(
    protocol_factory: Callable[[], asyncio.BaseProtocol],
    host: Any = None,
    port: int | str | None = None,
    *,
    ssl: Settings | SettingsByName,
    ssl_handshake_timeout: float | None = None,
    ssl_shutdown_timeout: float | None = None,
    ignore_unexpected_eof: bool = False,
    verify: Verify | None = None,
    sign: Sign | None = None,
    **options: Any,
) -> asyncio.AbstractServer:
    """Listens, and answers the loop's server object.

    ``ssl`` may be a mapping of names to contexts: the client gets that of the name that it asks for, or of its
    wildcard (``*.example``), or that of None; without any it is refused with the alert unrecognized_name. The
    mapping is asked again for each client, so contexts can be replaced in it.

    A protocol is made when the handshake of its connection is done; a handshake that fails or takes longer than
    ``ssl_handshake_timeout`` (60 seconds) is nobody's business but the debug log's.
    """
    setup = Setup(
        asyncio.get_running_loop(),
        ssl,
        True,
        factory=protocol_factory,
        handshake_timeout=ssl_handshake_timeout,
        shutdown_timeout=ssl_shutdown_timeout,
        ignore_unexpected_eof=ignore_unexpected_eof,
        verify=verify,
        sign=sign,
    )
    server: asyncio.AbstractServer = await _loops_own(setup).create_server(
        lambda: Transport(setup, setup.server()), host, port, **options
    )
    return server


async def open_connection(
    host: str | None = None,
    port: int | str | None = None,
    *,
    ssl: Settings,
    limit: int = _STREAM_LIMIT,
    **options: Any,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connects to a server and answers streams. What else it takes and raises is as for ``create_connection``."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await create_connection(lambda: protocol, host, port, ssl=ssl, **options)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def start_server(
    client_connected_cb: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None],
    host: Any = None,
    port: int | str | None = None,
    *,
    ssl: Settings | SettingsByName,
    limit: int = _STREAM_LIMIT,
    **options: Any,
) -> asyncio.AbstractServer:
    """Listens, and gives each client's streams to ``client_connected_cb``. The rest is as for ``create_server``."""
    loop = asyncio.get_running_loop()

    def factory() -> asyncio.StreamReaderProtocol:
        reader = asyncio.StreamReader(limit=limit, loop=loop)
        return asyncio.StreamReaderProtocol(reader, client_connected_cb, loop=loop)

    return await create_server(factory, host, port, ssl=ssl, **options)


async def start_tls(
    transport: asyncio.BaseTransport,
    protocol: asyncio.BaseProtocol,
    ssl: Settings | SettingsByName,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
    ssl_handshake_timeout: float | None = None,
    ssl_shutdown_timeout: float | None = None,
    ignore_unexpected_eof: bool = False,
    verify: Verify | None = None,
    sign: Sign | None = None,
    identity: ChooseIdentity | None = None,
    received: bytes | bytearray | memoryview = b"",
) -> Transport:
    """Upgrades a connection to TLS, and answers the transport that ``protocol`` is to use from now on.

    ``transport`` is one of the loop's, or a ``Transport``; both may be TLS already. If the handshake fails, it is
    closed.
    As with asyncio's, the protocol is not told by ``connection_made``.

    ``received`` are bytes of TLS that have come already, behind what the peers said before it. Those that wait in the
    reader of a stream are taken by themselves.
    """
    setup = Setup(
        asyncio.get_running_loop(),
        ssl,
        server_side,
        handshake_timeout=ssl_handshake_timeout,
        shutdown_timeout=ssl_shutdown_timeout,
        ignore_unexpected_eof=ignore_unexpected_eof,
        verify=verify,
        sign=sign,
        identity=identity,
        connection_made=False,
    )
    if not isinstance(transport, asyncio.Transport) and not hasattr(transport, "set_protocol"):
        raise TypeError(f"transport {transport!r} is not supported by start_tls()")
    waiter = setup.loop.create_future()
    if server_side:
        upgraded = Transport(setup, setup.server(), protocol, None, waiter)
    else:
        upgraded = _client(setup, protocol, server_hostname, waiter)
    below: Any = transport
    below.pause_reading()
    early = bytes(received) + _below.taken_from_reader(protocol)
    below.set_protocol(_below.as_protocol_of(below, upgraded))
    begin = setup.loop.call_soon(_below.begin, upgraded, below, early)
    go_on = setup.loop.call_soon(below.resume_reading)
    try:
        await waiter
    except BaseException:
        begin.cancel()
        go_on.cancel()
        _give_up(upgraded, waiter, True)
        below.close()
        raise
    finally:
        del waiter
    return upgraded


def _loops_own(setup: Setup) -> Any:
    """The loop, whose functions take more than their types say."""
    return setup.loop


def _client(setup: Setup, protocol: asyncio.BaseProtocol, name: str | None, waiter: asyncio.Future[None]) -> Transport:
    if not name:
        raise ValueError("the name of the server is needed: set server_hostname when no host was specified")
    try:
        connection = setup.client(name)
    except Error as error:
        if error.status != lib.TLS_ERR_ARGUMENT:
            raise
        raise ValueError(error.message) from None
    return Transport(setup, connection, protocol, name, waiter)


def _give_up(transport: Transport, waiter: asyncio.Future[None], connected: bool) -> None:
    """Ends a handshake that nobody waits for any more."""
    # A handshake that has failed is closing already, and may have an alert to send.
    if not transport.is_closing():
        transport.abort()
    if not connected:
        # uvloop says nothing of the end of a transport whose making was cancelled, even if it has said that it is made.
        transport.connection_lost(None)
    if waiter.done() and not waiter.cancelled():
        waiter.exception()
