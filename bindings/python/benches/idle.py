"""What asyncio keeps for connections, with ssl and with the drop-in: memory of idle ones, and what short ones leave.

    idle.py [--idle N] [--short N] [--json FILE]

Each engine in a process of its own, client and server in the same one, the collector off. "tcp" is the same program
without TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PKI = ROOT / "target" / "pki"
ENGINES = ("tcp", "ssl", "tlsbio")
AT_ONCE = 50


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Server(asyncio.Protocol):
    """Echoes; closes after "bye"."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)
        if data == b"bye":
            self.transport.close()


class Client(asyncio.Protocol):
    """Counts what comes back."""

    def __init__(self, done: asyncio.Future[None], size: int) -> None:
        self.done, self.size = done, size

    def data_received(self, data: bytes) -> None:
        self.size -= len(data)
        if not self.size and not self.done.done():
            self.done.set_result(None)


def contexts(engine: str, trusted: bool) -> tuple[Any, Any]:
    """Of a client and of a server."""
    if engine == "tcp":
        return None, None
    module = ssl if engine == "ssl" else __import__(engine)
    client = module.create_default_context(cafile=str(PKI / ("trust/all.pem" if trusted else "bad/otherca.pem")))
    server = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(str(PKI / "ecdsa" / "server-chain.pem"), str(PKI / "ecdsa" / "server.key"))
    return client, server


async def run(engine: str, what: str, count: int) -> dict[str, float]:
    """The figures of one engine."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    client, server = contexts(engine, what != "refused")
    name = {} if engine == "tcp" else {"server_hostname": "localhost"}
    listening = await loop.create_server(Server, "127.0.0.1", 0, ssl=server, backlog=AT_ONCE)
    port = listening.sockets[0].getsockname()[1]

    async def connect(message: bytes) -> Any:
        done = loop.create_future()
        transport, _ = await loop.create_connection(
            lambda: Client(done, len(message)), "127.0.0.1", port, ssl=client, **name
        )
        transport.write(message)
        await done
        return transport

    async def short() -> None:
        try:
            (await connect(b"bye")).close()
        except ssl.SSLError:
            pass

    async def many(number: int) -> None:
        for _ in range(0, number, AT_ONCE):
            await asyncio.gather(*(short() for _ in range(AT_ONCE)))
        await asyncio.sleep(0.3)

    if what == "idle":
        warm = [await connect(b"m" * 16384) for _ in range(10)]
        before = resident()
        held = [await connect(b"m" * 16384) for _ in range(count)]
        grown = resident() - before
        for transport in warm + held:
            transport.abort()
        return {"bytes of an endpoint": grown / count / 2}
    await many(2 * AT_ONCE)
    gc.collect()
    gc.disable()
    objects, memory = len(gc.get_objects()), resident()
    await many(count)
    living = sum(type(thing).__name__ in ("Server", "Client", "SSLProtocol", "SSLObject") for thing in gc.get_objects())
    return {
        "objects left by a connection": (len(gc.get_objects()) - objects) / count,
        "protocols and connections that live": living,
        "bytes left by a connection": (resident() - memory) / count,
    }


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=300)
    parser.add_argument("--short", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=3)
    arguments = parser.parse_args()
    if arguments.one:
        engine, what, count = arguments.one
        print(json.dumps(asyncio.run(run(engine, what, int(count)))))
        return
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", PKI], check=True)
    results: dict[str, Any] = {}
    for what, count in ("idle", arguments.idle), ("short", arguments.short), ("refused", arguments.short):
        for engine in ENGINES:
            if engine == "tcp" and what == "refused":
                continue
            command = [sys.executable, __file__, "--one", engine, what, str(count)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            results[f"{what}, {engine}"] = json.loads(done.stdout)
            print(f"{what:8} {count:6} connections  {engine:7}", results[f"{what}, {engine}"], flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
