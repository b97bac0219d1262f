"""Nothing of the package takes part in a reference cycle, and what is closed or dropped is freed at that moment."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pairs import Pair, client_context, server_context

import tlsbio


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def resident() -> int:
    """Counted page by page: what statm says may be off by some pages for each processor."""
    with open("/proc/self/smaps") as maps:
        return 1024 * sum(int(line.split()[1]) for line in maps if line.startswith("Rss:"))


def stays_where_it_is(work: Callable[[], object]) -> None:
    """The allocators take a megabyte at once, some time: what leaks makes the process grow each time that it works."""
    grown = []
    while not grown or (grown[-1] >= 1 << 20 and len(grown) < 5):
        before = resident()
        work()
        grown.append(resident() - before)
    assert grown[-1] < 1 << 20, f"bytes more each time: {grown}"


def one_life(client: ssl.SSLContext, server: ssl.SSLContext, ends: str) -> list[weakref.ref[object]]:
    pair = Pair(client, server)
    if ends == "mid-handshake":
        with pytest.raises(ssl.SSLWantReadError):
            pair.client.do_handshake()
        with pytest.raises(ssl.SSLWantReadError):
            pair.server.do_handshake()
    else:
        # No exception is kept here: its traceback would hold this frame, and the frame the exception.
        for side in (pair.client, pair.server) * 3:
            try:
                side.do_handshake()
            except ssl.SSLError:
                pass
    if ends == "closed properly":
        for side in (pair.client, pair.server) * 2:
            try:
                side.unwrap()
            except ssl.SSLWantReadError:
                pass
    return [weakref.ref(pair.client), weakref.ref(pair.server)]


@pytest.mark.parametrize("ends", ["mid-handshake", "dropped", "closed properly", "refused"])
@pytest.mark.parametrize("sni", [False, True])
@pytest.mark.usefixtures("without_collector")
def test_nothing_needs_the_collector(ends: str, sni: bool) -> None:
    client, server = client_context(), server_context(identity="bad/expired" if ends == "refused" else "ecdsa/server")
    if sni:
        server.sni_callback = lambda *_: None
    for _ in range(5):
        one_life(client, server, ends)
    before = Counter(type(thing).__name__ for thing in gc.get_objects())
    for _ in range(50):
        for reference in one_life(client, server, ends):
            assert reference() is None
    gained = Counter(type(thing).__name__ for thing in gc.get_objects()) - before
    # Some caches of the interpreter grow once; a leak would be of at least one object for each life.
    assert sum(gained.values()) < 50, gained
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        ours = [thing for thing in gc.garbage if type(thing).__module__.startswith("tlsbio")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert not ours, Counter(type(thing).__qualname__ for thing in ours)


@pytest.mark.parametrize("ends", ["refused", "wait", "end", "shut down"])
def test_an_exception_holds_no_frame_of_ours(ends: str) -> None:
    pair = Pair(client_context(), server_context(identity="bad/expired" if ends == "refused" else "ecdsa/server"))
    if ends != "refused":
        pair.handshake()
    if ends == "end":
        pair.to_client.write_eof()
    if ends == "shut down":
        pair.server.close()
        with pytest.raises(ssl.SSLWantReadError):
            pair.client.unwrap()

    def write_nothing() -> None:
        pair.client.write(b"")

    operations = {"refused": [pair.client.do_handshake, pair.server.do_handshake], "shut down": [write_nothing]}
    caught: ssl.SSLError | None = None
    for operation in operations.get(ends, [pair.client.read]) * 5:
        try:
            operation()
        except ssl.SSLError as error:
            caught = caught if isinstance(caught, ssl.SSLCertVerificationError) else error
    assert caught is not None and caught.__cause__ is None and caught.__context__ is None
    traceback, files = caught.__traceback__, []
    while traceback:
        files.append(Path(traceback.tb_frame.f_code.co_filename).name)
        traceback = traceback.tb_next
    assert set(files) == {"test_lifetime.py"}


def test_each_wait_is_an_exception_of_its_own() -> None:
    pair = Pair.of("ours-ours")
    seen = []
    for _ in range(2):
        with pytest.raises(ssl.SSLWantReadError) as caught:
            pair.server.read()
        seen.append(caught.value)
    assert seen[0] is not seen[1]


@pytest.mark.parametrize("ends", ["mid-handshake", "dropped"])
def test_connections_that_are_dropped_leave_memory_where_it_was(ends: str) -> None:
    # benches/dropped.py does it a million times; these show a leak of a few hundred bytes each as well.
    lives = 3000
    client, server = client_context(), server_context()
    for _ in range(500):
        one_life(client, server, ends)

    def live() -> None:
        for _ in range(lives):
            one_life(client, server, ends)

    stays_where_it_is(live)


@pytest.mark.parametrize("bio", [ssl.MemoryBIO, tlsbio.MemoryBIO])
def test_operations_leave_memory_where_it_was(bio: type) -> None:
    pair = Pair(client_context(), server_context(), bio=bio).handshake()
    buffer = bytearray(300)

    def work(rounds: int) -> None:
        for index in range(rounds):
            pair.client.write(b"message" * (1 + index % 50))
            pair.server.read(300)
            pair.server.read(300, buffer) if pair.server.pending() else None
            for call in (
                lambda: pair.server.read(300),
                lambda: pair.server.read(300, buffer),
                lambda: pair.server.read(-1),
                lambda: pair.server.read(5, b"read-only"),
                lambda: pair.server.read(1, 2, 3),
                lambda: pair.server.write("text"),
                lambda: pair.to_client.write(None),
                lambda: pair.to_client.read("1"),
            ):
                with pytest.raises((ssl.SSLWantReadError, TypeError, ValueError)):
                    call()

    work(300)
    stays_where_it_is(lambda: work(3000))


@pytest.mark.usefixtures("without_collector")
def test_asyncio_keeps_nothing_of_ours() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    async def talk() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context())
        context = client_context()
        port = server.sockets[0].getsockname()[1]
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            living.append(weakref.ref(writer.get_extra_info("ssl_object")))
            writer.write(b"hello")
            assert await reader.read() == b"hello"
            writer.close()
            try:
                await writer.wait_closed()
            except ConnectionError:
                pass
        server.close()

    living: list[weakref.ref[object]] = []
    asyncio.run(talk())
    if sys.version_info >= (3, 13):
        assert not any(reference() for reference in living)
    else:
        # asyncio's own transports are in cycles there.
        gc.collect()
        assert not any(reference() for reference in living)


def test_the_interpreter_ends_while_connections_live() -> None:
    code = """
import sys; sys.path.insert(0, sys.argv[1])
from pairs import Pair
pair = Pair.of("ours-ours")
pair.itself = pair
half = Pair(pair.client.context, pair.server.context)
sys.modules["keeps"] = half
"""
    command = [sys.executable, "-X", "dev", "-c", code, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
