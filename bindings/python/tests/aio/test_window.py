"""The memory that is lent to the loop: who may touch it, and until when."""

import asyncio
import ctypes
from asyncio.protocols import _feed_data_to_buffered_proto as hand_over

import pytest
from conftest import Log, connected, our_client, our_server

import tlsbio.aio
from tlsbio.aio import _setup


class Below(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self):
        super().__init__()
        self.written = bytearray()
        self.ended = []

    def write(self, data):
        self.written += data

    def take(self):
        taken = bytes(self.written)
        self.written.clear()
        return taken

    def get_write_buffer_size(self):
        return len(self.written)

    def is_closing(self):
        return bool(self.ended)

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def close(self):
        self.ended.append("close")

    def abort(self):
        self.ended.append("abort")


class Pair:
    """A client and a server whose wires end in the test."""

    def __init__(self, protocol=Log):
        loop = asyncio.get_running_loop()
        server = _setup.Setup(loop, our_server(), True, factory=Log)
        client = _setup.Setup(loop, our_client(), False)
        self.server = tlsbio.aio.Transport(server, server.server())
        self.protocol = protocol()
        self.client = tlsbio.aio.Transport(client, client.client("localhost"), self.protocol, "localhost")
        self.below_server, self.below_client = Below(), Below()
        self.server.connection_made(self.below_server)
        self.client.connection_made(self.below_client)
        self.exchange()
        assert self.protocol.events == ["made"]

    def exchange(self):
        while self.below_client.written or self.below_server.written:
            if data := self.below_client.take():
                hand_over(self.server, data)
            if data := self.below_server.take():
                hand_over(self.client, data)

    def end(self):
        for each in self.client, self.server:
            each.connection_lost(None)


class Reader:
    """What a loop written in C does: takes memory, has it filled, gives it back."""

    class Buffer(ctypes.Structure):
        _fields_ = [
            ("buf", ctypes.c_void_p),
            ("obj", ctypes.py_object),
            ("len", ctypes.c_ssize_t),
            ("rest", ctypes.c_char * 256),
        ]

    def __init__(self, window):
        self.buffer = self.Buffer()
        get = ctypes.pythonapi.PyObject_GetBuffer
        get.argtypes = [ctypes.py_object, ctypes.c_void_p, ctypes.c_int]
        get.restype = ctypes.c_int
        assert get(window, ctypes.addressof(self.buffer), 1) == 0

    def fill(self, data):
        assert len(data) <= self.buffer.len
        ctypes.memmove(self.buffer.buf, data, len(data))

    def release(self):
        ctypes.pythonapi.PyBuffer_Release.argtypes = [ctypes.c_void_p]
        ctypes.pythonapi.PyBuffer_Release(ctypes.addressof(self.buffer))


def inside_a_loop(test):
    async def main():
        test()

    def run():
        asyncio.run(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@inside_a_loop
def test_bytes_are_handed_over():
    pair = Pair()
    pair.client.write(b"a question")
    pair.exchange()
    assert pair.server.get_protocol().data == b"a question"
    pair.server.write(bytes(300_000))
    pair.exchange()
    assert pair.protocol.data == bytes(300_000)
    pair.end()


@inside_a_loop
def test_a_window_is_no_memoryview():
    pair = Pair()
    window = pair.client.get_buffer(-1)
    assert len(window) >= 16384
    with pytest.raises(BufferError, match="memoryview"):
        memoryview(window)
    with pytest.raises(TypeError):
        window[0]
    with pytest.raises(TypeError):
        window[0] = 1
    with pytest.raises(TypeError):
        del window[:1]
    with pytest.raises(TypeError):
        window[:1] = 1
    for wrong in b"", b"ab":
        with pytest.raises(ValueError):
            window[:1] = wrong
    with pytest.raises(ValueError):
        window[:2:2] = b"a"
    with pytest.raises(TypeError):
        type(window)()
    pair.end()


@pytest.mark.parametrize("how", ["buffer_updated", "write", "close", "eof_received", "connection_lost", "get_buffer"])
def test_a_window_that_is_closed(how):
    async def main():
        pair = Pair()
        window = pair.client.get_buffer(-1)
        arguments = {"buffer_updated": (0,), "write": (b"data",), "connection_lost": (None,), "get_buffer": (-1,)}
        getattr(pair.client, how)(*arguments.get(how, ()))
        assert len(window) == 0
        with pytest.raises(BufferError, match="closed"):
            Reader(window)
        with pytest.raises(ValueError):
            window[:1] = b"x"
        window[:0] = b""
        pair.end()

    asyncio.run(main())


@inside_a_loop
def test_nothing_moves_while_a_reader_has_the_memory():
    pair = Pair()
    pair.server.write(b"for the client")
    wire = pair.below_server.take()
    reader = Reader(pair.client.get_buffer(-1))
    for call, arguments in [
        ("write", (b"data",)),
        ("writelines", ([b"data"],)),
        ("close", ()),
        ("write_eof", ()),
        ("get_buffer", (-1,)),
    ]:
        with pytest.raises(RuntimeError, match="thread"):
            getattr(pair.client, call)(*arguments)
    reader.fill(wire)
    # uvloop gives the memory back behind buffer_updated.
    pair.client.buffer_updated(len(wire))
    reader.release()
    assert pair.protocol.data == b"for the client"
    pair.client.write(b"now")
    pair.exchange()
    assert pair.server.get_protocol().data == b"now"
    pair.end()


@inside_a_loop
def test_a_window_into_which_nothing_came():
    """uvloop asks once more when a buffer was filled, and gives the next one back when nothing is there."""
    pair = Pair()
    pair.client._once = True
    window = pair.client.get_buffer(-1)
    Reader(window).release()
    assert len(window) == 0
    with pytest.raises(BufferError):
        Reader(window)
    with pytest.raises(RuntimeError):
        pair.client.buffer_updated(1)
    pair.server.write(b"later")
    pair.exchange()
    assert pair.protocol.data == b"later"
    # asyncio's gives it back before it says how much came.
    pair.client._once = False
    pair.server.write(b" and again")
    wire = pair.below_server.take()
    reader = Reader(pair.client.get_buffer(-1))
    reader.fill(wire)
    reader.release()
    pair.client.buffer_updated(len(wire))
    assert pair.protocol.data == b"later and again"
    pair.end()


@inside_a_loop
def test_memory_outlives_the_connection_as_long_as_a_reader_has_it():
    pair = Pair()
    reader = Reader(pair.client.get_buffer(-1))
    connection = pair.client._connection
    pair.client.connection_lost(ConnectionResetError())
    assert pair.client._connection is None
    # Still the library's, and still alive.
    assert connection._handle
    del connection
    reader.fill(b"x" * 16384)
    reader.release()
    pair.server.connection_lost(None)


@inside_a_loop
def test_memory_outlives_the_transport_as_long_as_a_reader_has_it():
    pair = Pair()
    reader = Reader(pair.client.get_buffer(-1))
    pair.protocol.transport = None
    pair.client.set_protocol(asyncio.Protocol())
    del pair.client
    reader.fill(b"x" * 16384)
    reader.release()
    pair.server.connection_lost(None)


@inside_a_loop
def test_counts_that_cannot_be():
    pair = Pair()
    with pytest.raises(RuntimeError, match="without the get_buffer"):
        pair.client.buffer_updated(1)
    size = len(pair.client.get_buffer(-1))
    for wrong in size + 1, -1:
        with pytest.raises((RuntimeError, ValueError)):
            pair.client.buffer_updated(wrong)
    with pytest.raises((TypeError, OverflowError)):
        pair.client.buffer_updated("1")
    with pytest.raises(OverflowError):
        pair.client.buffer_updated(1 << 70)
    pair.end()


@inside_a_loop
def test_a_transport_that_is_over():
    pair = Pair()
    pair.end()
    pair.end()
    with pytest.raises(RuntimeError):
        pair.client.get_buffer(-1)
        pair.client.buffer_updated(1)
    assert not pair.client.eof_received()
    pair.client.pause_writing()
    pair.client.resume_writing()
    assert repr(pair.client) == "<tlsbio.aio.Transport closed over None>"


def test_every_cut_of_the_wire(run):
    """How the bytes arrive makes no difference."""

    async def main():
        for step in 1, 2, 5, 7, 100, 16406:
            pair = Pair()
            pair.server.write(bytes(range(200)) * 200)
            pair.server.close()
            wire = pair.below_server.take()
            for start in range(0, len(wire), step):
                hand_over(pair.client, wire[start : start + step])
            assert pair.protocol.data == bytes(range(200)) * 200
            assert pair.protocol.events[-1] == "eof"
            pair.end()

    run(main())


def test_a_question_from_another_thread_harms_nobody(run):
    async def main():
        client, server, listener = await connected()
        about = client.transport.get_extra_info("ssl_object")
        questions = [
            about.version,
            about.cipher,
            about.group,
            about.selected_alpn_protocol,
            about.getpeercert,
            about.get_unverified_chain,
            about.get_channel_binding,
            lambda: about.session_reused,
            lambda: client.transport.get_extra_info("cipher"),
            lambda: client.transport.get_extra_info("peercert"),
        ]

        def ask():
            for question in questions * 200:
                with pytest.raises(RuntimeError, match="loop's thread"):
                    question()

        asking = asyncio.get_running_loop().run_in_executor(None, ask)
        sent = 0
        while not asking.done():
            server.transport.write(b"y" * 5000)
            sent += 5000
            await asyncio.sleep(0)
        await asking
        await client.until(lambda: len(client.data) == sent)
        assert about.version() == "TLSv1.3"
        client.transport.close()
        await client.lost
        await server.lost
        listener.close()

    run(main())


def test_a_call_from_another_thread_harms_nobody(run, request):
    if "uvloop" in request.node.name:
        pytest.skip("uvloop's own transports, which are below, must not be called from another thread")

    async def main():
        client, server, listener = await connected()
        errors = []

        def write():
            for _ in range(2000):
                try:
                    client.transport.write(b"x" * 100)
                except RuntimeError as error:
                    errors.append(error)

        writing = asyncio.get_running_loop().run_in_executor(None, write)
        while not writing.done():
            server.transport.write(b"y" * 5000)
            await asyncio.sleep(0)
        await writing
        client.transport.abort()
        await client.lost
        await server.lost
        assert all("thread" in str(error) for error in errors)
        listener.close()

    run(main(), reported=[])
