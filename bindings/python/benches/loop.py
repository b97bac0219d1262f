"""Echo over loopback, by asyncio's and uvloop's own TLS transports: CPU of both sides for a round trip.

    loop.py [--rounds N] [--json FILE]

Interleaved: each round measures every engine once, in a process of its own. Medians and quartiles.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PKI = ROOT / "target" / "pki"
ENGINES = ("ssl", "tlsbio", "rtls")
LOOPS = ("asyncio", "uvloop")
SIZES = {256: 3000, 65536: 600}


class Echo(asyncio.Protocol):
    """The server."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Ask(asyncio.Protocol):
    """Sends a message again and again, each when the one before has come back."""

    def __init__(self, message: bytes) -> None:
        self.message, self.left, self.missing = message, 0, 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def start(self, rounds: int) -> asyncio.Future[None]:
        self.left = rounds
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.send()
        return self.done

    def send(self) -> None:
        self.missing = len(self.message)
        self.transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        self.missing -= len(data)
        if not self.missing:
            self.left -= 1
            if self.left:
                self.send()
            else:
                self.done.set_result(None)


async def measure(engine: str, size: int) -> float:
    """Microseconds of CPU for a round trip."""
    module = {"ssl": ssl}.get(engine) or __import__(engine)
    client = module.create_default_context(cafile=str(PKI / "trust" / "all.pem"))
    server = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(str(PKI / "ecdsa" / "server-chain.pem"), str(PKI / "ecdsa" / "server.key"))
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(Echo, "127.0.0.1", 0, ssl=server)
    port = listening.sockets[0].getsockname()[1]
    _, protocol = await loop.create_connection(
        lambda: Ask(b"m" * size), "127.0.0.1", port, ssl=client, server_hostname="localhost"
    )
    await protocol.start(50)
    start = time.process_time()
    await protocol.start(SIZES[size])
    spent = time.process_time() - start
    protocol.transport.abort()
    listening.close()
    return spent / SIZES[size] * 1e6


def one(engine: str, loop: str, size: int) -> None:
    """In a process of its own: prints the figure."""
    if loop == "uvloop":
        import uvloop

        print(uvloop.run(measure(engine, size)))
    else:
        print(asyncio.run(measure(engine, size)))


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=3)
    arguments = parser.parse_args()
    if arguments.one:
        engine, loop, size = arguments.one
        return one(engine, loop, int(size))
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", PKI], check=True)
    results: dict[str, dict[str, list[float]]] = {}
    for loop in LOOPS:
        for size in SIZES:
            samples: dict[str, list[float]] = {engine: [] for engine in ENGINES}
            for _ in range(arguments.rounds):
                for engine in ENGINES:
                    command = [sys.executable, __file__, "--one", engine, loop, str(size)]
                    done = subprocess.run(command, capture_output=True, text=True)
                    if done.returncode == 0:
                        samples[engine].append(float(done.stdout))
            what = f"echo of {size} B on {loop}, CPU of both sides"
            results[what] = samples
            print(f"{what}, microseconds, medians of {arguments.rounds} rounds", flush=True)
            for engine, values in samples.items():
                if not values:
                    print(f"  {engine:8} does not work")
                    continue
                values.sort()
                quartiles = f"{values[len(values) // 4]:.1f} to {values[len(values) * 3 // 4]:.1f}"
                ratio = statistics.median(values) / statistics.median(samples["ssl"])
                print(f"  {engine:8} {statistics.median(values):7.1f}  ({quartiles})  {ratio:.2f} x ssl", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
