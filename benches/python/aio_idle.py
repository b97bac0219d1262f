"""Resident memory of an idle connection's endpoint, for tlsbio.aio and its peers.

    python benches/python/aio_idle.py [--connections N] [--rounds N] [--only TEXT] [--json FILE]

Each measurement is a process of its own: it opens connections to itself over loopback, sends 16 KiB each way
through each, and divides the growth of its resident memory by two times their number. "plain" has no TLS: what
the loop's own transports hold, and what is above it is TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import ssl
import statistics
import subprocess
import sys
from pathlib import Path

from aio_echo import Asker, Echo, variants

MESSAGE = 16384
# Connections that are opened first, so that what is made once is made.
FIRST = 20


def resident(collect=True):
    """The resident memory of this process, in bytes."""
    if collect:
        gc.collect()
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def measure(calls, contexts, count):
    server = await calls.create_server(Echo, "127.0.0.1", 0, ssl=contexts[0])
    port = server.sockets[0].getsockname()[1]
    kept = []

    async def connect():
        asker = Asker(MESSAGE, asyncio.get_running_loop().create_future())
        kept.append(await calls.create_connection(lambda: asker, "localhost", port, ssl=contexts[1]))
        asker.go(1)
        await asker.done
        asker.message = asker.done = None

    for _ in range(FIRST):
        await connect()
    await asyncio.sleep(0.1)
    before = resident()
    for _ in range(count):
        await connect()
    await asyncio.sleep(0.1)
    used = resident() - before
    for transport, _ in kept:
        transport.abort()
    server.close()
    await asyncio.sleep(0.1)
    return used / (2 * count)


def work(name, count):
    calls, contexts, loop_factory = variants()[name]
    loop = loop_factory()
    print(loop.run_until_complete(measure(calls, contexts, count)))
    loop.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.connections)
        return
    names = [name for name in variants() if not options.only or any(text in name for text in options.only)]
    samples = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            command = [sys.executable, __file__, "--worker", name, "--connections", str(options.connections)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                print(f"failed: {name}", file=sys.stderr)
            else:
                samples[name].append(float(done.stdout))
    print(f"{options.connections} connections, both ends counted; bytes an endpoint")
    for name, values in samples.items():
        if values:
            print(f"  {name:22} {statistics.median(values):9.0f}  ({min(values):.0f} to {max(values):.0f})")
    if options.json:
        machine = {
            "python": platform.python_version(),
            "openssl": ssl.OPENSSL_VERSION,
            "connections": options.connections,
        }
        options.json.write_text(json.dumps({"machine": machine, "bytes": samples}, indent=1) + "\n")


if __name__ == "__main__":
    main()
