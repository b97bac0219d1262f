"""TLS over transports that are TLS already, whoever's they are, and bytes that came before TLS was begun."""

import asyncio
import contextlib
import ssl

import pytest
from conftest import PKI, Log, Ours, Theirs, our_client, our_server, port_of
from test_start_tls import talk, upgrade

import tlsbio
import tlsbio.aio


async def connected_by(who):
    """A client and a server over TLS 1.3, of that engine."""
    accepted = asyncio.get_running_loop().create_future()

    def factory():
        protocol = Log()
        accepted.set_result(protocol)
        return protocol

    loop = asyncio.get_running_loop()
    if who is Ours:
        listener = await tlsbio.aio.create_server(factory, "127.0.0.1", 0, ssl=our_server())
        _, client = await tlsbio.aio.create_connection(Log, "localhost", port_of(listener), ssl=our_client(), family=2)
    else:
        listener = await loop.create_server(factory, "127.0.0.1", 0, ssl=Theirs.server_context())
        _, client = await loop.create_connection(
            Log, "localhost", port_of(listener), ssl=Theirs.client_context(), family=2
        )
    return client, await accepted, listener


async def upgraded_by(who, protocol, server_side):
    context = (who.server_context if server_side else who.client_context)(0x0303)
    options = {"server_side": True} if server_side else {"server_hostname": "localhost"}
    if who is Ours:
        await upgrade(protocol, context, **options)
    else:
        loop = asyncio.get_running_loop()
        protocol.transport = await loop.start_tls(protocol.transport, protocol, context, **options)


def is_uvloop():
    return type(asyncio.get_running_loop()).__module__.startswith("uvloop")


@pytest.mark.parametrize("outer", [Ours, Theirs])
@pytest.mark.parametrize("inner_client", [Ours, Theirs])
@pytest.mark.parametrize("inner_server", [Ours, Theirs])
def test_tls_in_tls(run, outer, inner_client, inner_server):
    async def main():
        if is_uvloop() and outer is Ours and Theirs in (inner_client, inner_server):
            # uvloop upgrades its own transports only, and says so.
            client, server, listener = await connected_by(outer)
            with pytest.raises(TypeError, match="start_tls"):
                await upgraded_by(Theirs, client, False)
            client.transport.close()
            await server.lost
            listener.close()
            return
        client, server, listener = await connected_by(outer)
        await asyncio.gather(
            upgraded_by(inner_server, server, True),
            upgraded_by(inner_client, client, False),
        )
        for side in client, server:
            assert side.transport.get_extra_info("ssl_object").version() == "TLSv1.2"
            assert side.transport.get_extra_info("peername")[0] == "127.0.0.1"
        await talk(client, server)
        await talk(server, client)
        client.transport.close()
        await client.lost
        await server.lost
        listener.close()

    run(main())


@pytest.mark.parametrize("outer", [Ours, Theirs])
def test_a_reader_that_pauses_loses_nothing(run, outer):
    """What the outer transport hands over while the application takes nothing waits, and its end behind it."""

    async def main():
        client, server, listener = await connected_by(outer)
        await asyncio.gather(upgraded_by(Ours, server, True), upgraded_by(Ours, client, False))
        size, taken = 3 << 20, 0
        server.transport.write(b"x" * size)
        server.transport.close()
        while taken < size:
            await client.until(lambda taken=taken: len(client.data) > taken)
            client.transport.pause_reading()
            # Whatever the loop had for it has come by now.
            for _ in range(3):
                await asyncio.sleep(0)
            taken = len(client.data)
            client.transport.resume_reading()
        await client.lost
        assert client.data == b"x" * size
        listener.close()

    run(main())


@pytest.mark.parametrize("length", [1, 100, None], ids=["a byte", "some", "all"])
@pytest.mark.parametrize("way", ["received", "reader"])
def test_bytes_that_came_before(run, way, length):
    """A ClientHello that came together with the line before it (STARTTLS, PROXY), whole or in part."""

    async def main():
        loop = asyncio.get_running_loop()
        greeted = loop.create_future()

        async def serve(reader, writer):
            try:
                assert await reader.readline() == b"PROXY TCP4\n"
                early = b""
                if way == "received":
                    early = await reader.read(length or 65536)
                else:
                    while len(reader._buffer) < (length or 1):
                        await reader._wait_for_data("test")
                protocol = writer.transport.get_protocol()
                transport = await tlsbio.aio.start_tls(
                    writer.transport, protocol, our_server(), server_side=True, received=early
                )
                transport.write(b"hello over TLS")
                transport.close()
            except BaseException as error:
                greeted.set_exception(error)
                raise
            greeted.set_result(None)

        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = Theirs.client_context()
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        connection = client.wrap_bio(to_client, to_server, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            connection.do_handshake()
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(listener))
        writer.write(b"PROXY TCP4\n" + to_server.read())
        read = b""
        while len(read) < len(b"hello over TLS"):
            try:
                read += connection.read()
            except ssl.SSLWantReadError:
                writer.write(to_server.read())
                came = await reader.read(65536)
                assert came, "the server has gone"
                to_client.write(came)
        assert read == b"hello over TLS"
        await greeted
        writer.close()
        listener.close()

    run(main())


def test_a_stream_answers_after_the_end_of_the_question(run):
    """As over TCP: the client's end is no reason to take the server's answer away."""

    async def main():
        done = asyncio.get_running_loop().create_future()

        async def serve(reader, writer):
            try:
                question = await reader.read()
                for _ in range(20):
                    writer.write(question * 50_000)
                    await writer.drain()
                writer.close()
            except BaseException as error:
                done.set_exception(error)
                raise
            done.set_result(None)

        listener = await tlsbio.aio.start_server(serve, "127.0.0.1", 0, ssl=our_server())
        reader, writer = await Ours.open_connection(port_of(listener), ssl=our_client())
        writer.write(b"what?")
        assert writer.can_write_eof()
        writer.write_eof()
        assert await reader.read() == b"what?" * 1_000_000
        await done
        writer.close()
        listener.close()

    run(main())


def test_a_context_that_was_changed_refuses_and_says_so(run):
    """It had no callback when the server was started."""
    reported = []

    async def main():
        async def serve(reader, writer):
            writer.close()

        context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
        listener = await Ours.start_server(serve, ssl=context)
        context.sni_callback = lambda *_: None
        with pytest.raises(ssl.SSLError) as refused:
            await Ours.open_connection(port_of(listener), ssl=our_client())
        assert refused.value.reason == "TLSV1_ALERT_INTERNAL_ERROR"
        listener.close()

    run(main(), reported)
    (context,) = reported
    assert isinstance(context["exception"], NotImplementedError) and "mapping" in str(context["exception"])
