"""What the tests of tlsbio.aio share: loops, contexts of both kinds, and a wire that can be disturbed."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
PKI = ROOT / "target" / "pki"

# Nothing here takes this long, in seconds; what does hangs.
TOO_LONG = 60 * int(os.environ.get("TLSBIO_PATIENCE") or 1)


def pytest_configure(config):
    if sys.version_info < (3, 11):
        # asyncio's own transport, which is the peer in some tests, does not note there that its connection was lost.
        about = "Exception ignored in.*_SSLProtocolTransport:pytest.PytestUnraisableExceptionWarning"
        config.addinivalue_line("filterwarnings", f"ignore:{about}")


def loop_factories():
    yield pytest.param(asyncio.new_event_loop, id="asyncio")
    try:
        import uvloop
    except ImportError:
        yield pytest.param(None, id="uvloop", marks=pytest.mark.skip(reason="uvloop is not installed"))
    else:
        yield pytest.param(uvloop.new_event_loop, id="uvloop")


@pytest.fixture(params=loop_factories())
def run(request):
    """Runs a coroutine in a loop of its own. What the loop reports to its exception handler fails the test."""

    def run(main, reported=None):
        loop = request.param()
        unexpected = [] if reported is None else reported
        loop.set_exception_handler(lambda _, context: unexpected.append(context))
        try:
            answer = loop.run_until_complete(asyncio.wait_for(main, TOO_LONG))
            loop.run_until_complete(asyncio.sleep(0))
            if reported is None:
                assert unexpected == []
            return answer
        finally:
            loop.close()

    return run


async def until(condition):
    """Lets the loop go on until that holds; ``run`` ends what never does."""
    while not condition():
        await asyncio.sleep(0.001)


class Transports:
    """How many transports of ours have had a connection, and which have it still."""

    def __init__(self):
        self.made = 0
        self.open = set()

    async def over(self):
        """Waits until each has lost its connection, and was told so."""
        await until(lambda: not self.open)


@pytest.fixture
def transports(monkeypatch):
    from tlsbio.aio import Transport
    from tlsbio.aio._phase import LOST

    made, lost, counted = Transport.connection_made, Transport.connection_lost, Transports()

    def connection_made(self, below):
        # One that was given up before may not hear of its end.
        if self._phase != LOST:
            counted.made += 1
            counted.open.add(id(self))
        made(self, below)

    def connection_lost(self, error):
        try:
            lost(self, error)
        finally:
            counted.open.discard(id(self))
            del error

    monkeypatch.setattr(Transport, "connection_made", connection_made)
    monkeypatch.setattr(Transport, "connection_lost", connection_lost)
    return counted


def read(path):
    return (PKI / path).read_bytes()


def builder(version=None, alpn=()):
    from tlsbio.config import Builder

    made = Builder()
    if version is not None:
        made.versions(version, version)
    if alpn:
        made.alpn([name.encode() for name in alpn])
    return made


def our_server(version=None, alpn=(), identity="ecdsa/server", client_auth=0):
    made = builder(version, alpn)
    made.identity(read(f"{identity}{'-chain' if '/server' in identity else ''}.pem"), read(f"{identity}.key"))
    if client_auth:
        made.trust(read("ecdsa/ca.pem"))
        made.client_auth(client_auth)
    return made.server()


def our_client(version=None, alpn=(), ca="ecdsa/ca.pem", identity=None):
    made = builder(version, alpn)
    made.trust(read(ca))
    if identity:
        made.identity(read(f"{identity}-chain.pem"), read(f"{identity}.key"))
    return made.client()


def ssl_server(version=None, alpn=(), client_auth=0):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
    if client_auth:
        made.load_verify_locations(PKI / "ecdsa/ca.pem")
        made.verify_mode = ssl.CERT_REQUIRED
    return limited(made, version, alpn)


def ssl_client(version=None, alpn=(), ca="ecdsa/ca.pem", identity=None):
    made = ssl.create_default_context(cafile=str(PKI / ca))
    if identity:
        made.load_cert_chain(PKI / f"{identity}-chain.pem", PKI / f"{identity}.key")
    return limited(made, version, alpn)


def limited(context, version, alpn):
    if version is not None:
        context.minimum_version = context.maximum_version = ssl.TLSVersion(version)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class Ours:
    """tlsbio.aio on both sides of a wire, or on one."""

    server_context, client_context = staticmethod(our_server), staticmethod(our_client)

    @staticmethod
    async def start_server(handle, **options):
        import tlsbio.aio

        return await tlsbio.aio.start_server(handle, "127.0.0.1", 0, **options)

    @staticmethod
    async def open_connection(port, **options):
        import tlsbio.aio

        return await tlsbio.aio.open_connection("localhost", port, family=2, **options)


class Theirs:
    """asyncio with the standard library's ssl."""

    server_context, client_context = staticmethod(ssl_server), staticmethod(ssl_client)

    @staticmethod
    async def start_server(handle, **options):
        return await asyncio.start_server(handle, "127.0.0.1", 0, **options)

    @staticmethod
    async def open_connection(port, **options):
        return await asyncio.open_connection("localhost", port, family=2, **options)


PAIRS = [
    pytest.param(Ours, Ours, id="ours-ours"),
    pytest.param(Ours, Theirs, id="ours-ssl"),
    pytest.param(Theirs, Ours, id="ssl-ours"),
]
VERSIONS = [pytest.param(0x0303, id="1.2"), pytest.param(0x0304, id="1.3")]


def port_of(server):
    return server.sockets[0].getsockname()[1]


class Log(asyncio.Protocol):
    """A protocol that notes what it is told, and lets others wait for it."""

    def __init__(self):
        self.events = []
        self.data = bytearray()
        self.lost = asyncio.get_running_loop().create_future()
        self.changed = asyncio.Event()
        self.keep_open = False
        self.transport = None

    def note(self, event):
        self.events.append(event)
        self.changed.set()

    def connection_made(self, transport):
        self.transport = transport
        self.note("made")

    def data_received(self, data):
        assert type(data) is bytes and data
        self.data += data
        self.note("data")

    def eof_received(self):
        self.note("eof")
        return self.keep_open

    def pause_writing(self):
        self.note("pause")

    def resume_writing(self):
        self.note("resume")

    def connection_lost(self, error):
        self.note("lost")
        self.lost.set_result(error)

    async def until(self, condition):
        while not condition():
            self.changed.clear()
            await self.changed.wait()


async def connected(server_protocol=Log, client_protocol=Log, version=None, through=None, **options):
    """A client and a server of ours, shaken hands: both protocols, and the listener."""
    import tlsbio.aio

    accepted = asyncio.get_running_loop().create_future()

    def factory():
        protocol = server_protocol()
        accepted.set_result(protocol)
        return protocol

    server = await tlsbio.aio.create_server(factory, "127.0.0.1", 0, ssl=our_server(version), **options)
    port = port_of(server)
    if through is not None:
        port = await through.start(port)
    _, client = await tlsbio.aio.create_connection(
        client_protocol, "127.0.0.1", port, ssl=our_client(version), **options
    )
    return client, await accepted, server


class Wire:
    """A TCP proxy whose two directions can be cut, held, or changed."""

    def __init__(self):
        self.held = asyncio.Event()
        self.held.set()
        self.change = None
        self.writers = []
        self.seen = bytearray()

    async def start(self, port):
        async def accept(reader, writer):
            below_reader, below_writer = await asyncio.open_connection("127.0.0.1", port)
            self.writers += [writer, below_writer]
            await asyncio.gather(
                self.copy(reader, below_writer, "up"), self.copy(below_reader, writer, "down"), return_exceptions=True
            )

        self.server = await asyncio.start_server(accept, "127.0.0.1", 0)
        return port_of(self.server)

    async def copy(self, reader, writer, direction):
        while data := await reader.read(65536):
            await self.held.wait()
            if self.change is not None:
                data = self.change(direction, data)
            writer.write(data)
            await writer.drain()
        writer.close()

    def cut(self):
        """Ends the transport under the connection, without a word of TLS."""
        for writer in self.writers:
            writer.close()

    async def stop(self):
        self.cut()
        self.server.close()
        await asyncio.sleep(0)
