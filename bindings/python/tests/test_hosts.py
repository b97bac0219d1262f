"""The hosts that take a context of ssl's take ours: trio, anyio, aiohttp and httpx, with OpenSSL as the peer."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pairs import TOO_LONG, client_context, server_context

BODY = b"x" * 100_000


@contextlib.asynccontextmanager
async def https_server(context: Any) -> AsyncIterator[str]:
    """Answers each request with BODY, over asyncio's own TLS transport."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize("engines", ["openssl-openssl", "ours-openssl", "openssl-ours", "ours-ours"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_aiohttp_and_httpx(engines: str, loop: str, check_engines: Callable[[str], None]) -> None:
    aiohttp, httpx = pytest.importorskip("aiohttp"), pytest.importorskip("httpx")
    client, server = engines.split("-")

    async def fetch() -> None:
        async with https_server(server_context(server)) as url:
            context = client_context(client)
            async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
                assert await response.read() == BODY
            async with httpx.AsyncClient(verify=context, trust_env=False, timeout=TOO_LONG) as session:
                assert (await session.get(url)).content == BODY
            untrusting = client_context(client, trust="rsa/ca.pem")
            async with aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await session.get(url, ssl=untrusting)
            async with httpx.AsyncClient(verify=untrusting, trust_env=False, timeout=TOO_LONG) as session:
                with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                    await session.get(url)

    if loop == "uvloop":
        new = pytest.importorskip("uvloop").new_event_loop()
    else:
        new = asyncio.new_event_loop()
    # The refused connections are the peer's to complain of.
    new.set_exception_handler(lambda *_: None)
    try:
        new.run_until_complete(fetch())
    finally:
        new.run_until_complete(new.shutdown_asyncgens())
        new.close()
    check_engines(engines)


@pytest.mark.parametrize("engines", ["ours-openssl", "openssl-ours", "ours-ours"])
def test_trio(engines: str) -> None:
    trio = pytest.importorskip("trio")
    pytest.importorskip("trio.testing")
    client, server = engines.split("-")

    async def limited() -> None:
        with trio.fail_after(TOO_LONG):
            await close_one_by_one()
            await exchange()

    async def close_one_by_one() -> None:
        left, right = trio.testing.memory_stream_pair()
        here = trio.SSLStream(left, client_context(client), server_hostname="localhost")
        there = trio.SSLStream(right, server_context(server), server_side=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.do_handshake)
            nursery.start_soon(there.do_handshake)

        async def close_and_go_on() -> None:
            stream, _ = await here.unwrap()
            await stream.send_all(b"plain again")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(close_and_go_on)
            stream, trailing = await there.unwrap()
            while len(trailing) < len(b"plain again"):
                trailing += await stream.receive_some()
            assert trailing == b"plain again"

    async def exchange() -> None:
        left, right = trio.testing.memory_stream_pair()
        here = trio.SSLStream(left, client_context(client), server_hostname="localhost", https_compatible=True)
        there = trio.SSLStream(right, server_context(server), server_side=True, https_compatible=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.send_all, BODY)
            received = b""
            while len(received) < len(BODY):
                received += await there.receive_some()
            assert received == BODY

    trio.run(limited)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_hosts_that_are_given_our_bio(loop: str) -> None:
    """README: a program may put tlsbio.MemoryBIO where hosts look for ssl's, before it connects."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    done = subprocess.run(
        [sys.executable, "-c", OWN_BIO, loop, str(Path(__file__).parent)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


OWN_BIO = """
import asyncio, ssl, sys
import tlsbio
ssl.MemoryBIO = tlsbio.MemoryBIO
sys.path.insert(0, sys.argv[2])
from pairs import client_context, server_context

async def echo(reader, writer):
    writer.write(await reader.readexactly(5))
    writer.close()

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context())
    port = server.sockets[0].getsockname()[1]
    options = {"ssl": client_context(), "server_hostname": "localhost"}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    assert type(writer.transport.get_extra_info("ssl_object")) is tlsbio.SSLObject
    writer.write(b"hello")
    print((await reader.read()).decode())
    writer.close()
    server.close()

if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""
