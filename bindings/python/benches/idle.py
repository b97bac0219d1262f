"""Resident memory of an idle connection's endpoint, both ends in this process, after 16 KiB each way.

idle.py PEER LOOP [--connections N]

"plain" has no TLS: what the loop's transports hold. What is above it is TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import json

import peers

MESSAGE = 16384
# Connections that are opened first, so that what is made once is made.
FIRST = 20


async def measure(peer: peers.Peer, count: int) -> float:
    """Bytes of an endpoint."""
    loop = asyncio.get_running_loop()
    server_context, client_context = peer.contexts(peers.CA)
    server = await peer.calls.create_server(peers.Echo, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    kept = []

    async def connect() -> None:
        asker = peers.Asker(MESSAGE, loop.create_future())
        kept.append(await peer.calls.create_connection(lambda: asker, "localhost", port, ssl=client_context))
        asker.go(1)
        await asker.done
        asker.message = asker.done = None

    for _ in range(FIRST):
        await connect()
    await asyncio.sleep(0.1)
    before = peers.resident()
    for _ in range(count):
        await connect()
    await asyncio.sleep(0.1)
    used = peers.resident() - before
    for transport, _ in kept:
        transport.abort()
    server.close()
    await asyncio.sleep(0.1)
    return used / (2 * count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer")
    parser.add_argument("loop", choices=("asyncio", "uvloop"))
    parser.add_argument("--connections", type=int, default=400)
    options = parser.parse_args()
    peer = peers.peer(options.peer)
    loop = peers.new_loop(options.loop)
    print(json.dumps({"bytes": loop.run_until_complete(measure(peer, options.connections))}))
    loop.close()


if __name__ == "__main__":
    main()
