"""How connections end: in order, cut off, in failure, in time."""

import asyncio
import contextlib
import socket
import ssl

import pytest
from conftest import VERSIONS, Log, Ours, Theirs, Wire, connected, our_client, our_server, port_of

import tlsbio.aio


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("closer", ["client", "server"])
def test_close(run, version, closer):
    async def main():
        client, server, listener = await connected(version=version)
        first, second = (client, server) if closer == "client" else (server, client)
        first.transport.write(b"the last")
        first.transport.close()
        assert first.transport.is_closing()
        first.transport.close()
        assert await second.lost is None
        assert await first.lost is None
        assert second.data == b"the last"
        assert second.events == ["made", "data", "eof", "lost"]
        assert first.events == ["made", "lost"]
        assert second.transport.is_closing() and second.transport.get_protocol() is None
        second.transport.close()
        second.transport.abort()
        listener.close()

    run(main())


def test_data_that_crosses_a_close_is_dropped(run):
    async def main():
        client, server, listener = await connected()
        server.transport.write(b"x" * 200_000)
        client.transport.close()
        assert await client.lost is None
        assert await server.lost is None
        assert client.events == ["made", "lost"]
        listener.close()

    run(main())


def test_abort(run):
    async def main():
        client, server, listener = await connected()
        client.transport.abort()
        assert await client.lost is None
        # No close_notify: the other side cannot know whether that was all.
        error = await server.lost
        assert isinstance(error, (ssl.SSLEOFError, ConnectionResetError))
        assert "eof" not in server.events
        listener.close()

    run(main())


@pytest.mark.parametrize("when", ["connection_made", "data_received", "eof_received"])
@pytest.mark.parametrize("how", ["close", "abort"])
def test_ended_from_inside(run, when, how):
    class Ends(Log):
        def connection_made(self, transport):
            super().connection_made(transport)
            if when == "connection_made":
                getattr(transport, how)()

        def data_received(self, data):
            super().data_received(data)
            if when == "data_received":
                getattr(self.transport, how)()

        def eof_received(self):
            if when == "eof_received":
                getattr(self.transport, how)()
            return super().eof_received()

    async def main():
        client, server, listener = await connected(server_protocol=Ends)
        if not server.lost.done():
            client.transport.write(b"data")
            client.transport.close()
        await server.lost
        await client.lost
        assert server.events.count("lost") == 1
        assert server.events.index("lost") == len(server.events) - 1
        listener.close()

    run(main(), reported=[])


@pytest.mark.parametrize("version", VERSIONS)
def test_cut_off(run, version):
    async def main():
        wire = Wire()
        client, server, listener = await connected(version=version, through=wire)
        server.transport.write(b"some of it")
        await client.until(lambda: client.data == b"some of it")
        wire.cut()
        error = await client.lost
        assert type(error) is ssl.SSLEOFError
        assert error.errno == ssl.SSL_ERROR_EOF and error.reason == "UNEXPECTED_EOF_WHILE_READING"
        assert "eof" not in client.events
        assert type(await server.lost) is ssl.SSLEOFError
        await wire.stop()
        listener.close()

    run(main())


def test_cut_off_streams(run):
    async def main():
        wire = Wire()

        async def handle(reader, writer):
            writer.write(b"half of it")
            await writer.drain()
            with pytest.raises(ssl.SSLEOFError):
                await reader.read()

        listener = await Ours.start_server(handle, ssl=our_server())
        reader, writer = await Ours.open_connection(await wire.start(port_of(listener)), ssl=our_client())
        assert await reader.readexactly(10) == b"half of it"
        wire.cut()
        with pytest.raises(ssl.SSLEOFError):
            await reader.read()
        writer.close()
        await wire.stop()
        listener.close()

    run(main())


def test_cut_off_and_nobody_minds(run):
    async def main():
        wire = Wire()
        client, server, listener = await connected(through=wire, ignore_unexpected_eof=True)
        wire.cut()
        assert await client.lost is None
        assert client.events == ["made", "eof", "lost"]
        # The answer to that may have met a socket that was closed.
        assert type(await server.lost) in (type(None), ConnectionResetError, BrokenPipeError)
        await wire.stop()
        listener.close()

    run(main())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_changed_byte(run, version):
    async def main():
        wire = Wire()
        client, server, listener = await connected(version=version, through=wire)
        server.transport.write(b"true")
        await client.until(lambda: client.data == b"true")
        wire.change = lambda direction, data: data[:-1] + bytes([data[-1] ^ 1]) if direction == "down" else data
        server.transport.write(b"false")
        error = await client.lost
        assert type(error) is ssl.SSLError and error.reason == "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
        assert client.data == b"true"
        # The alert arrives.
        error = await server.lost
        assert type(error) is ssl.SSLError and error.reason == "SSLV3_ALERT_BAD_RECORD_MAC"
        await wire.stop()
        listener.close()

    run(main())


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 99]
)
def test_garbage_instead_of_a_client_hello(run, garbage):
    async def main():
        made = []
        server = await tlsbio.aio.create_server(lambda: made.append(Log()), "127.0.0.1", 0, ssl=our_server())
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(garbage)
        answer = await reader.read()
        # An alert record, then the end.
        assert answer[:1] == b"\x15" and len(answer) == 7
        writer.close()
        assert made == []
        # Nobody else notices.
        other = await asyncio.open_connection("127.0.0.1", port_of(server))
        other[1].close()
        server.close()

    run(main())


def test_a_server_that_does_not_speak_tls(run):
    async def main():
        async def handle(reader, writer):
            writer.write(b"220 mail.test ESMTP\r\n")
            await reader.read()
            writer.close()

        listener = await asyncio.start_server(handle, "127.0.0.1", 0)
        with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
            await Ours.open_connection(port_of(listener), ssl=our_client())
        listener.close()

    run(main())


@pytest.mark.parametrize("after", [0, 1, 100])
def test_a_server_that_closes_in_the_handshake(run, after):
    async def main():
        async def handle(reader, writer):
            if after:
                await reader.readexactly(after)
            writer.close()

        listener = await asyncio.start_server(handle, "127.0.0.1", 0)
        with pytest.raises(ConnectionResetError):
            await Ours.open_connection(port_of(listener), ssl=our_client())
        listener.close()

    run(main())


def test_nobody_listens(run):
    async def main():
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                await Ours.open_connection(unused.getsockname()[1], ssl=our_client())

    run(main())


def test_a_server_that_never_answers(run):
    async def main():
        silent = asyncio.get_running_loop().create_future()
        listener = await asyncio.start_server(lambda reader, writer: silent.set_result(writer), "127.0.0.1", 0)
        with pytest.raises(ConnectionAbortedError, match=r"handshake took longer than 0\.05"):
            await Ours.open_connection(port_of(listener), ssl=our_client(), ssl_handshake_timeout=0.05)
        (await silent).close()
        listener.close()

    run(main())


def test_a_client_that_never_speaks(run):
    async def main():
        listener = await Ours.start_server(lambda *_: None, ssl=our_server(), ssl_handshake_timeout=0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(listener))
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        listener.close()

    run(main())


def test_a_peer_that_does_not_answer_close_notify(run):
    async def main():
        wire = Wire()
        client, server, listener = await connected(through=wire, ssl_shutdown_timeout=0.05)
        wire.held.clear()
        client.transport.close()
        error = await client.lost
        assert type(error) is TimeoutError and "0.05" in str(error)
        wire.held.set()
        await wire.stop()
        await server.lost
        listener.close()

    run(main())


def test_a_peer_that_takes_nothing_any_more(run):
    async def main():
        wire = Wire()
        client, server, listener = await connected(through=wire, ssl_shutdown_timeout=0.05)
        wire.held.clear()
        client.transport.write(bytes(1 << 24))
        await client.until(lambda: "pause" in client.events)
        client.transport.close()
        assert type(await client.lost) is TimeoutError
        wire.held.set()
        await wire.stop()
        await server.lost
        listener.close()

    run(main())


def test_cancelled_in_the_handshake(run):
    async def main():
        silent = asyncio.get_running_loop().create_future()
        listener = await asyncio.start_server(lambda *streams: silent.set_result(streams), "127.0.0.1", 0)
        connecting = asyncio.ensure_future(Ours.open_connection(port_of(listener), ssl=our_client()))
        reader, writer = await silent
        assert await reader.readexactly(1) == b"\x16"
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        del connecting
        # The socket was closed.
        with pytest.raises(ConnectionResetError):
            while True:
                if await reader.read(4096) == b"":
                    raise ConnectionResetError
        writer.close()
        listener.close()

    run(main())


def test_cancelled_before_there_is_a_socket(run):
    async def main():
        connecting = asyncio.ensure_future(Ours.open_connection(1, ssl=our_client()))
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises((asyncio.CancelledError, ConnectionRefusedError)):
            await connecting

    run(main())


def test_half_closed(run):
    async def main():
        client, server, listener = await connected()
        server.keep_open = True
        assert client.transport.can_write_eof()
        client.transport.write(b"a question")
        client.transport.write_eof()
        client.transport.write_eof()
        with pytest.raises(RuntimeError, match="after write_eof"):
            client.transport.write(b"more")
        await server.until(lambda: "eof" in server.events)
        assert server.data == b"a question"
        assert not server.transport.is_closing()
        server.transport.write(b"an answer" * 10_000)
        server.transport.close()
        assert await server.lost is None
        assert await client.lost is None
        assert client.data == b"an answer" * 10_000
        listener.close()

    run(main())


def test_both_sides_half_close(run):
    async def main():
        client, server, listener = await connected()
        server.keep_open = client.keep_open = True
        client.transport.write_eof()
        await server.until(lambda: "eof" in server.events)
        server.transport.write_eof()
        assert await server.lost is None
        assert await client.lost is None
        listener.close()

    run(main())


def test_tls_1_2_is_not_half_closed(run):
    async def main():
        client, server, listener = await connected(version=0x0303)
        server.keep_open = True
        assert not client.transport.can_write_eof()
        with pytest.raises(NotImplementedError):
            client.transport.write_eof()
        client.transport.close()
        assert await server.lost is None
        assert server.events == ["made", "eof", "lost"]
        listener.close()

    run(main())


def test_half_closed_by_the_other_side_of_ssl(run):
    """An asyncio client that is closed waits for our close_notify: it comes when the protocol has answered."""

    async def main():
        done = asyncio.get_running_loop().create_future()

        class Answers(Log):
            def connection_made(self, transport):
                super().connection_made(transport)
                transport.write(b"hello")

            def eof_received(self):
                asyncio.get_running_loop().call_soon(self.transport.close)
                return True

            def connection_lost(self, error):
                done.set_result(error)

        listener = await tlsbio.aio.create_server(Answers, "127.0.0.1", 0, ssl=our_server())
        reader, writer = await Theirs.open_connection(port_of(listener), ssl=Theirs.client_context())
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await writer.wait_closed()
        assert await done is None
        listener.close()

    run(main())


@pytest.mark.parametrize("where", ["connection_made", "data_received", "eof_received", "connection_lost"])
def test_an_application_that_raises(run, where):
    reported = []

    class Mistake(Exception):
        pass

    class Raises(Log):
        pass

    def method(self, *arguments):
        getattr(Log, where)(self, *arguments)
        raise Mistake(where)

    setattr(Raises, where, method)

    async def main():
        client, server, listener = await connected(server_protocol=Raises)
        if where != "connection_made":
            client.transport.write(b"data")
            client.transport.close()
        error = await server.lost
        assert (error is None) == (where == "connection_lost")
        await client.lost
        listener.close()

    run(main(), reported)
    assert any(isinstance(context.get("exception"), Mistake) for context in reported)


def test_written_too_late(run, caplog):
    async def main():
        client, server, listener = await connected()
        client.transport.abort()
        await client.lost
        for _ in range(5):
            client.transport.write(b"late")
        assert not caplog.records
        client.transport.write(b"late")
        assert "closed" in caplog.text
        assert client.transport.get_write_buffer_size() == 0
        client.transport.pause_reading()
        client.transport.resume_reading()
        client.transport.set_write_buffer_limits(10)
        client.transport.write_eof()
        assert not client.transport.can_write_eof()
        await server.lost
        listener.close()

    run(main())
