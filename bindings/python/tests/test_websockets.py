"""websockets with our context: its asyncio side, and the one that blocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pairs import TOO_LONG, client_context, server_context

websockets = pytest.importorskip("websockets")

PAIRS = ["openssl-openssl", "ours-openssl", "openssl-ours", "ours-ours"]
SIZES = [1, 100, 16_384, 500_000]


@pytest.mark.parametrize("engines", PAIRS)
def test_asyncio(engines: str, check_engines: Callable[[str], None]) -> None:
    client, server = engines.split("-")

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async def talk() -> None:
        async with websockets.serve(echo, "127.0.0.1", 0, ssl=server_context(server), open_timeout=TOO_LONG) as serving:
            url = f"wss://localhost:{serving.sockets[0].getsockname()[1]}/"
            async with websockets.connect(
                url, ssl=client_context(client), proxy=None, open_timeout=TOO_LONG
            ) as connection:
                for size in SIZES:
                    await connection.send(b"x" * size)
                    assert await connection.recv() == b"x" * size

    asyncio.run(talk())
    check_engines(engines)


@pytest.mark.parametrize("engines", PAIRS)
def test_threads(engines: str, check_engines: Callable[[str], None]) -> None:
    from websockets.sync.client import connect
    from websockets.sync.server import serve

    client, server = engines.split("-")

    def echo(connection: Any) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0, ssl=server_context(server), open_timeout=TOO_LONG) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        url = f"wss://localhost:{serving.socket.getsockname()[1]}/"
        with connect(url, ssl=client_context(client), proxy=None, open_timeout=TOO_LONG) as connection:
            for size in SIZES:
                connection.send(b"x" * size)
                assert connection.recv() == b"x" * size
        serving.shutdown()
        thread.join()
    check_engines(engines)
