"""Echo over loopback, both ends in this process: microseconds of CPU for a round trip.

echo.py PEER LOOP SIZE [protocol|buffered] [--seconds S]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time

import peers


async def measure(peer: peers.Peer, size: int, buffered: bool, seconds: float) -> dict[str, object]:
    """The figure, and the cipher suite that it was measured with."""
    loop = asyncio.get_running_loop()
    server_context, client_context = peer.contexts(peers.CA)
    asker = (peers.BufferedAsker if buffered else peers.Asker)(size, loop.create_future())
    echo = peers.BufferedEcho if buffered else peers.Echo
    server = await peer.calls.create_server(echo, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await peer.calls.create_connection(lambda: asker, "localhost", port, ssl=client_context)

    async def run(count: int) -> float:
        asker.done = loop.create_future()
        begun = time.process_time()
        asker.go(count)
        await asker.done
        return time.process_time() - begun

    await run(300)
    # As many as fit into the time, by a first guess.
    count = max(300, int(300 * seconds / await run(300)))
    gc.collect()
    used = await run(count)
    cipher = transport.get_extra_info("cipher")
    transport.close()
    server.close()
    await asyncio.sleep(0.05)
    return {"microseconds": used / count * 1e6, "cipher": cipher and cipher[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer")
    parser.add_argument("loop", choices=("asyncio", "uvloop"))
    parser.add_argument("size", type=int)
    parser.add_argument("protocol", nargs="?", choices=("protocol", "buffered"), default="protocol")
    parser.add_argument("--seconds", type=float, default=0.4)
    options = parser.parse_args()
    peer = peers.peer(options.peer)
    loop = peers.new_loop(options.loop)
    work = measure(peer, options.size, options.protocol == "buffered", options.seconds)
    print(json.dumps(loop.run_until_complete(work)))
    loop.close()


if __name__ == "__main__":
    main()
