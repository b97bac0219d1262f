"""What short TLS connections leave behind in an asyncio program.

left.py PEER LOOP [short|refused] [--connections 10000] [--at-once 100]

The garbage collector is off. The client verifies the server and sends b"hello", the server echoes it and closes; with
"refused" the client does not trust the server. Half a second after the last connection was lost everything that is
still there is counted: protocols of both sides, objects that the collector knows, and resident memory, after malloc was
told to give back what is free: how much it keeps of asyncio's buffers of 256 KiB is chance.
"""

import gc

if __name__ == "__main__":
    gc.disable()

import argparse
import asyncio
import ctypes
import json
import ssl
from collections import Counter
from typing import Any

import peers

WARM_UP = 200


class Server(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()


class Client(asyncio.Protocol):
    def __init__(self, over: Any) -> None:
        self.over = over

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(b"hello")

    def connection_lost(self, error: Any) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def run(peer: peers.Peer, contexts: tuple[Any, Any], refused: bool, count: int, at_once: int) -> None:
    """So many connections."""
    loop = asyncio.get_running_loop()
    server = await peer.calls.create_server(Server, "127.0.0.1", 0, ssl=contexts[0])
    port = server.sockets[0].getsockname()[1]
    left = count

    async def clients() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            over = loop.create_future()
            try:
                await peer.calls.create_connection(lambda over=over: Client(over), "localhost", port, ssl=contexts[1])
            except ssl.SSLCertVerificationError:
                assert refused
            else:
                assert not refused
                await over

    await asyncio.gather(*(clients() for _ in range(at_once)))
    server.close()
    await asyncio.sleep(0.5)


def state() -> dict[str, int]:
    """What there is now."""
    ctypes.CDLL(None).malloc_trim(0)
    memory = peers.resident(collect=False)
    kinds = Counter(type(each).__name__ for each in gc.get_objects())
    return {"living": kinds["Server"] + kinds["Client"], "objects": sum(kinds.values()), "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer")
    parser.add_argument("loop", choices=("asyncio", "uvloop"))
    parser.add_argument("variant", nargs="?", choices=("short", "refused"), default="short")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--at-once", type=int, default=100)
    options = parser.parse_args()
    peer = peers.peer(options.peer)
    loop = peers.new_loop(options.loop)
    # What is reported of refused handshakes is not the question here.
    loop.set_exception_handler(lambda *_: None)
    refused = options.variant == "refused"
    contexts = peer.contexts(peers.STRANGERS_CA if refused else peers.CA)
    loop.run_until_complete(run(peer, contexts, refused, WARM_UP, options.at_once))
    before = state()
    loop.run_until_complete(run(peer, contexts, refused, options.connections, options.at_once))
    after = state()
    print(json.dumps({what: after[what] - before[what] for what in after}))


if __name__ == "__main__":
    main()
