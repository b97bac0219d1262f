"""What is left of connections without the garbage collector: nothing."""

import asyncio
import collections
import gc
import ssl
import weakref

import pytest
from conftest import Ours, Wire, connected, our_client, our_server, port_of, until

import tlsbio.aio
from tlsbio.connection import Connection

ROUNDS = 30


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def living(*types):
    return [each for each in gc.get_objects() if isinstance(each, types)]


def kinds():
    return collections.Counter(type(each).__name__ for each in gc.get_objects())


class Plain:
    """The same experiments without TLS: what the loop leaves by itself."""

    @staticmethod
    async def create_server(factory, *where, ssl):
        return await asyncio.get_running_loop().create_server(factory, *where)

    @staticmethod
    async def create_connection(factory, *where, ssl):
        return await asyncio.get_running_loop().create_connection(factory, *where)


class Server(asyncio.Protocol):
    # Of how many the connection is over.
    ended = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)
        self.transport.close()

    def connection_lost(self, error):
        Server.ended += 1


class Client(asyncio.Protocol):
    def __init__(self):
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"hello")

    def connection_lost(self, error):
        self.over.set_result(None)


async def short_connections(calls, context, count):
    ended = Server.ended + count
    server = await calls.create_server(Server, "127.0.0.1", 0, ssl=our_server())
    for _ in range(count):
        _, protocol = await calls.create_connection(Client, "127.0.0.1", port_of(server), ssl=context)
        await protocol.over
        del protocol, _
    server.close()
    await until(lambda: Server.ended == ended)


async def failing_connections(transports, context, count):
    server = await tlsbio.aio.create_server(Server, "127.0.0.1", 0, ssl=our_server())
    for _ in range(count):
        try:
            await tlsbio.aio.create_connection(Client, "127.0.0.1", port_of(server), ssl=context)
        except ssl.SSLCertVerificationError:
            pass
        else:
            pytest.fail("this server was accepted")
    server.close()
    await transports.over()


def left(run, experiment, *arguments):
    """How many objects are left of each round, after a first turn for what is made once."""
    run(experiment(*arguments, 3))
    gc.collect()
    before = len(gc.get_objects())
    run(experiment(*arguments, ROUNDS))
    return (len(gc.get_objects()) - before) / ROUNDS


def test_short_connections_leave_nothing(run):
    alone = left(run, short_connections, Plain, None)
    with_tls = left(run, short_connections, tlsbio.aio, our_client())
    assert living(tlsbio.aio.Transport, Connection, Server, Client) == []
    assert with_tls - alone <= 1, f"{alone} objects a connection without TLS, {with_tls} with"


def test_failed_verification_leaves_nothing(run, transports):
    each = left(run, failing_connections, transports, our_client(ca="bad/otherca.pem"))
    assert living(tlsbio.aio.Transport, Connection, Server, Client, ssl.SSLError) == []
    alone = left(run, short_connections, Plain, None)
    assert each - alone <= 1, f"{alone} objects a connection without TLS, {each} of one that failed"


def test_streams_leave_nothing(run, transports):
    async def main(count):
        async def handle(reader, writer):
            writer.write(await reader.readexactly(5))
            writer.close()

        listener = await Ours.start_server(handle, ssl=our_server())
        for _ in range(count):
            reader, writer = await Ours.open_connection(port_of(listener), ssl=context)
            writer.write(b"hello")
            assert await reader.read() == b"hello"
            writer.close()
            await writer.wait_closed()
        listener.close()
        await transports.over()

    context = our_client()
    left(run, main)
    assert living(tlsbio.aio.Transport, Connection) == []


@pytest.mark.parametrize("end", ["close", "abort", "cut", "time"])
def test_a_transport_is_gone_when_its_connection_is_lost(run, transports, end):
    """Even one that somebody keeps holds nothing any more."""

    async def main():
        wire = Wire()
        options = {"ssl_shutdown_timeout": 0.02} if end == "time" else {}
        client, server, listener = await connected(through=wire, **options)
        kept = client.transport
        connection = weakref.ref(server.transport)
        protocol = weakref.ref(server)
        if end == "cut":
            wire.cut()
        elif end == "abort":
            client.transport.abort()
        else:
            if end == "time":
                wire.held.clear()
            client.transport.close()
        await client.lost
        wire.held.set()
        await server.lost
        assert kept._connection is kept._wire is kept._protocol is kept._context is kept._timer is None
        assert not gc.get_referents(kept) or not [
            each for each in gc.get_referents(kept) if isinstance(each, (asyncio.Transport, asyncio.BaseProtocol))
        ]
        del server, client
        await wire.stop()
        listener.close()
        await transports.over()
        return connection, protocol, weakref.ref(kept)

    for reference in run(main()):
        assert reference() is None


def test_a_handshake_that_was_given_up_leaves_nothing(run, transports):
    async def main():
        holding = []
        listener = await asyncio.start_server(lambda *streams: holding.append(streams), "127.0.0.1", 0)
        for turn in range(5):
            with pytest.raises(ConnectionAbortedError):
                await Ours.open_connection(port_of(listener), ssl=our_client(), ssl_handshake_timeout=0.01)
            connecting = asyncio.ensure_future(Ours.open_connection(port_of(listener), ssl=our_client()))
            await until(lambda expected=2 * turn + 2: len(holding) == transports.made == expected)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            del connecting
        for _, writer in holding:
            writer.close()
        listener.close()
        await transports.over()

    run(main())
    assert living(tlsbio.aio.Transport, Connection) == []


def test_a_connection_that_was_given_up_when_it_was_made_leaves_nothing(run, monkeypatch, transports):
    """Between the loop's connection_made() and the end of its own function."""
    made = tlsbio.aio.Transport.connection_made

    async def main():
        holding, running = [], []
        listener = await asyncio.start_server(lambda *streams: holding.append(streams), "127.0.0.1", 0)

        def connection_made(self, transport):
            made(self, transport)
            running.pop().cancel()

        monkeypatch.setattr(tlsbio.aio.Transport, "connection_made", connection_made)
        for _ in range(5):
            connecting = asyncio.ensure_future(Ours.open_connection(port_of(listener), ssl=our_client()))
            running.append(connecting)
            with pytest.raises(asyncio.CancelledError):
                await connecting
        del connecting
        await until(lambda: len(holding) == 5)
        for _, writer in holding:
            writer.close()
        listener.close()
        await transports.over()

    run(main())
    assert living(tlsbio.aio.Transport, Connection) == []


def test_a_server_leaves_nothing_of_clients_that_go_away(run, transports):
    async def main():
        server = await tlsbio.aio.create_server(Server, "127.0.0.1", 0, ssl=our_server())
        hello = bytes.fromhex("1603010005") + b"\x01\x00\x00\x01\x00"
        for what in (b"", b"\x16", hello, b"garbage in place of TLS"):
            for _ in range(5):
                before = transports.made
                _, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
                writer.write(what)
                sent = writer.transport.get_write_buffer_size
                await until(lambda sent=sent, before=before: transports.made > before and sent() == 0)
                writer.transport.abort()
        del writer, sent, _
        server.close()
        await transports.over()

    run(main())
    assert living(tlsbio.aio.Transport, Connection, Server) == []


def test_a_transport_that_never_had_a_socket(run):
    async def main():
        for _ in range(5):
            with pytest.raises(OSError):
                await tlsbio.aio.create_connection(Client, "127.0.0.1", 1, ssl=our_client())

    run(main())
    assert living(tlsbio.aio.Transport, Connection) == []
