"""uvicorn and hypercorn with our context: requests of httpx and websockets over HTTP/1.1, HTTP/2 and upgrades."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pairs import TOO_LONG, client_context, server_context

PAIRS = ["openssl-openssl", "ours-openssl", "openssl-ours", "ours-ours"]
BODY = b"x" * 300_000


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An application of ASGI: answers a request with its body, and a message with itself."""
    if scope["type"] == "http":
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-scheme", scope["scheme"].encode())]})
        await send({"type": "http.response.body", "body": body})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        while message["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": message["bytes"]})
            message = await receive()
    elif scope["type"] == "lifespan":
        for event in "startup", "shutdown":
            await receive()
            await send({"type": f"lifespan.{event}.complete"})


@contextlib.asynccontextmanager
async def uvicorn_server(context: Any) -> AsyncIterator[int]:
    uvicorn = pytest.importorskip("uvicorn")
    config = uvicorn.Config(echo, host="127.0.0.1", port=0, log_level="warning", ssl_context_factory=lambda *_: context)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), serving
        await asyncio.sleep(0.001)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def hypercorn_server(context: Any) -> AsyncIterator[int]:
    hypercorn = pytest.importorskip("hypercorn")
    from hypercorn.asyncio import serve

    context.set_alpn_protocols(["h2", "http/1.1"])
    listening = socket.create_server(("127.0.0.1", 0))

    port = listening.getsockname()[1]

    class Config(hypercorn.Config):  # type: ignore[misc, name-defined]
        def create_ssl_context(self) -> Any:
            return context

    config, end = Config(), asyncio.Event()
    config.bind = [f"fd://{listening.detach()}"]
    # It asks its own method for a context if there are files.
    config.certfile = config.keyfile = "in the context"
    config.errorlog = None
    serving = asyncio.create_task(serve(echo, config, shutdown_trigger=end.wait))
    try:
        yield port
    finally:
        end.set()
        await serving


SERVERS = {"uvicorn": uvicorn_server, "hypercorn": hypercorn_server}


@pytest.mark.parametrize("engines", PAIRS)
@pytest.mark.parametrize("host", SERVERS)
def test_requests_and_messages(host: str, engines: str, check_engines: Callable[[str], None]) -> None:
    httpx, websockets = pytest.importorskip("httpx"), pytest.importorskip("websockets")
    client, server = engines.split("-")

    async def talk() -> None:
        async with SERVERS[host](server_context(server)) as port:
            # Only hypercorn has HTTP/2.
            for two in [False, True][: 1 + (host == "hypercorn")]:
                context = client_context(client)
                async with httpx.AsyncClient(verify=context, trust_env=False, timeout=TOO_LONG, http2=two) as session:
                    for _ in range(3):
                        response = await session.post(f"https://localhost:{port}/", content=BODY)
                        assert (response.content, response.headers["x-scheme"]) == (BODY, "https")
                        assert response.http_version == ("HTTP/2" if two else "HTTP/1.1")
            url, context = f"wss://localhost:{port}/", client_context(client)
            async with websockets.connect(url, ssl=context, proxy=None, open_timeout=TOO_LONG) as connection:
                for size in 1, 100, 100_000:
                    await connection.send(BODY[:size])
                    assert await connection.recv() == BODY[:size]
            # Nobody else's certificates are taken.
            untrusting = client_context(client, trust="rsa/ca.pem")
            async with httpx.AsyncClient(verify=untrusting, trust_env=False, timeout=TOO_LONG) as session:
                with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                    await session.get(f"https://localhost:{port}/")

    loop = asyncio.new_event_loop()
    # The refused connection is the peer's to complain of.
    loop.set_exception_handler(lambda *_: None)
    try:
        loop.run_until_complete(talk())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    check_engines(engines)
