"""Who takes no data holds the other side back, and loses nothing."""

import asyncio
import select

import pytest
from conftest import Log, connected, our_client, our_server, port_of, until

import tlsbio.aio


async def came(protocol):
    """Waits until bytes are in the socket of one that is paused, and the loop has had time to take them."""
    below = protocol.transport.get_extra_info("socket").fileno()
    await until(lambda: protocol.data or select.select([below], [], [], 0)[0])
    for _ in range(5):
        # In each turn it looks what its sockets have.
        await asyncio.sleep(0)


def test_paused_reading_holds_the_peer_back(run):
    async def main():
        client, server, listener = await connected()
        client.transport.pause_reading()
        client.transport.pause_reading()
        assert not client.transport.is_reading()
        message = bytes(range(256)) * (1 << 16)
        server.transport.write(message)
        await server.until(lambda: "pause" in server.events)
        assert server.transport.get_write_buffer_size() > 0
        assert client.data == b""
        client.transport.resume_reading()
        assert client.transport.is_reading()
        await client.until(lambda: len(client.data) == len(message))
        assert client.data == message
        await server.until(lambda: "resume" in server.events)
        assert server.transport.get_write_buffer_size() == 0
        server.transport.close()
        await client.lost
        listener.close()

    run(main())


@pytest.mark.parametrize("size", [10, 20_000, 100_000])
def test_paused_in_the_middle_of_what_came(run, size):
    """What came with the data at which reading was paused is delivered when it is resumed, in order."""

    class Pauses(Log):
        paused = False

        def data_received(self, data):
            assert not self.paused
            super().data_received(data)
            self.transport.pause_reading()
            self.paused = True

    async def main():
        client, server, listener = await connected(client_protocol=Pauses)
        message = bytes(range(250)) * (size // 10)
        for start in range(0, len(message), size):
            server.transport.write(message[start : start + size])
        server.transport.close()
        while not client.lost.done():
            client.changed.clear()
            client.paused = False
            client.transport.resume_reading()
            await client.changed.wait()
        assert client.data == message
        assert client.lost.result() is None
        listener.close()

    run(main())


def test_paused_and_resumed_at_once(run):
    async def main():
        client, server, listener = await connected()
        for number in range(50):
            client.transport.pause_reading()
            server.transport.write(b"%03d" % number)
            client.transport.resume_reading()
            client.transport.resume_reading()
            if number % 3 == 0:
                await asyncio.sleep(0)
        await client.until(lambda: len(client.data) == 150)
        assert client.data == b"".join(b"%03d" % number for number in range(50))
        client.transport.close()
        await server.lost
        listener.close()

    run(main())


def test_closed_while_paused(run):
    async def main():
        client, server, listener = await connected()
        client.transport.pause_reading()
        server.transport.write(bytes(100_000))
        await until(lambda: server.transport.get_write_buffer_size() == 0)
        await came(client)
        client.transport.close()
        assert await client.lost is None
        assert await server.lost is None
        assert client.data == b""
        listener.close()

    run(main())


def test_paused_in_connection_made(run):
    class Pauses(Log):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    async def main():
        client, server, listener = await connected(server_protocol=Pauses)
        client.transport.write(b"early")
        await came(server)
        assert server.data == b""
        server.transport.resume_reading()
        await server.until(lambda: server.data == b"early")
        client.transport.close()
        await server.lost
        listener.close()

    run(main())


def test_marks_of_flow_control(run):
    async def main():
        client, server, listener = await connected()
        client.transport.set_write_buffer_limits(high=100_000, low=20_000)
        assert client.transport.get_write_buffer_limits() == (20_000, 100_000)
        with pytest.raises(ValueError):
            client.transport.set_write_buffer_limits(high=1, low=2)
        server.transport.pause_reading()
        while "pause" not in client.events:
            client.transport.write(bytes(50_000))
            await asyncio.sleep(0)
        assert client.transport.get_write_buffer_size() > 100_000
        server.transport.resume_reading()
        await client.until(lambda: "resume" in client.events)
        assert client.transport.get_write_buffer_size() <= 20_000
        client.transport.close()
        await server.lost
        listener.close()

    run(main())


def test_small_and_large_pieces_stay_in_order_under_pressure(run):
    """Small pieces may go into the socket directly, but never past what waits in front of them."""

    async def main():
        client, server, listener = await connected()
        server.transport.pause_reading()
        expected = bytearray()
        for number in range(3000):
            piece = number.to_bytes(4, "big") * (1 if number % 7 else 5000)
            expected += piece
            client.transport.write(piece)
            if number == 1500:
                server.transport.resume_reading()
            if number % 10 == 0:
                await asyncio.sleep(0)
        client.transport.close()
        assert await server.lost is None
        assert server.data == expected
        listener.close()

    run(main())


def test_closed_when_told_to_pause(run):
    class Closes(Log):
        def pause_writing(self):
            super().pause_writing()
            self.transport.abort()

    async def main():
        client, server, listener = await connected(client_protocol=Closes)
        server.transport.pause_reading()
        client.transport.write(bytes(1 << 25))
        await client.lost
        server.transport.resume_reading()
        await server.lost
        listener.close()

    run(main())


def test_streams_under_backpressure(run):
    async def main():
        total = 1 << 24

        async def handle(reader, writer):
            while data := await reader.read(10_000):
                writer.write(data)
                await writer.drain()
            writer.close()

        listener = await tlsbio.aio.start_server(handle, "127.0.0.1", 0, ssl=our_server(), limit=4096)
        reader, writer = await tlsbio.aio.open_connection("127.0.0.1", port_of(listener), ssl=our_client(), limit=4096)

        async def send():
            for _ in range(total >> 16):
                writer.write(bytes(1 << 16))
                await writer.drain()

        sending = asyncio.ensure_future(send())
        got = 0
        while got < total:
            got += len(await reader.read(50_000))
        await sending
        writer.close()
        await writer.wait_closed()
        listener.close()

    run(main())
