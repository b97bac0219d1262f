"""What short TLS connections leave behind in an asyncio program.

One process, the garbage collector off, N loopback connections, K at a time; the client verifies the server and sends
b"hello", the server echoes it and closes. Half a second after the last connection was lost everything that is still
there is counted: protocols of both sides, objects that the collector knows, resident memory.

    python benches/python/aio_10000.py [--connections 10000] [--at-once 100] [--rounds 3] [--json FILE]

It is run with tlsbio.aio, with asyncio and ssl, and without TLS, on the loops of asyncio and uvloop, each in a process
of its own, in turn. In "failing" the clients do not trust the server; without TLS there is nothing to fail, and the
plain run of "short" is what both are compared with.
"""

import gc

if __name__ == "__main__":
    gc.disable()

import argparse
import asyncio
import json
import platform
import ssl
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import tlsbio.aio
from aio_echo import PKI, Loop, Plain, openssl_contexts, tlsbio_contexts
from aio_idle import resident
from tlsbio.config import Builder

KINDS = {"none": Plain, "tlsbio.aio": tlsbio.aio, "ssl": Loop}
WARM_UP = 200


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)
        self.transport.close()


class Client(asyncio.Protocol):
    def __init__(self, over):
        self.over = over

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"hello")

    def connection_lost(self, error):
        self.over.set_result(None)


def distrusting_client(kind):
    ca = PKI.parent / "bad" / "otherca.pem"
    if kind == "ssl":
        return ssl.create_default_context(cafile=str(ca))
    builder = Builder()
    builder.trust(ca.read_bytes())
    return builder.client()


async def run(calls, contexts, failing, count, at_once):
    loop = asyncio.get_running_loop()
    server = await calls.create_server(Server, "127.0.0.1", 0, ssl=contexts[0])
    port = server.sockets[0].getsockname()[1]
    left = count

    async def clients():
        nonlocal left
        while left > 0:
            left -= 1
            over = loop.create_future()
            try:
                await calls.create_connection(lambda over=over: Client(over), "localhost", port, ssl=contexts[1])
            except ssl.SSLCertVerificationError:
                assert failing
            else:
                assert not failing
                await over

    await asyncio.gather(*(clients() for _ in range(at_once)))
    server.close()
    await asyncio.sleep(0.5)


def work(kind, loop_name, failing, count, at_once):
    contexts = {"none": lambda: (None, None), "ssl": openssl_contexts, "tlsbio.aio": tlsbio_contexts}[kind]()
    if failing:
        contexts = contexts[0], distrusting_client(kind)
    if loop_name == "uvloop":
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    # What is reported of failed handshakes is not the question here.
    loop.set_exception_handler(lambda *_: None)
    loop.run_until_complete(run(KINDS[kind], contexts, failing, WARM_UP, at_once))
    memory_before = resident(collect=False)
    objects_before = len(gc.get_objects())
    loop.run_until_complete(run(KINDS[kind], contexts, failing, count, at_once))
    memory = resident(collect=False) - memory_before
    kinds = Counter(type(each).__name__ for each in gc.get_objects())
    living = kinds["Server"] + kinds["Client"]
    print(json.dumps({"living": living, "objects": sum(kinds.values()) - objects_before, "memory": memory}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        kind, loop_name, variant = options.worker
        work(kind, loop_name, variant == "failing", options.connections, options.at_once)
        return
    runs = [
        (kind, loop_name, variant)
        for variant in ("short", "failing")
        for loop_name in ("asyncio", "uvloop")
        for kind in KINDS
        if (kind, variant) != ("none", "failing")
    ]
    samples = {each: [] for each in runs}
    for _ in range(options.rounds):
        for each in runs:
            command = [sys.executable, __file__, "--connections", str(options.connections)]
            command += ["--at-once", str(options.at_once), "--worker", *each]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                print(f"failed: {each}", file=sys.stderr)
            else:
                samples[each].append(json.loads(done.stdout))
    print(f"{options.connections} connections, {options.at_once} at once, the collector off; medians")
    print("                                 living   objects   above no TLS     MB   above no TLS")
    figures = []
    for (kind, loop_name, variant), values in samples.items():
        if not values:
            continue
        plain = samples["none", loop_name, "short"]
        median = {key: statistics.median(value[key] for value in values) for key in values[0]}
        alone = {key: statistics.median(value[key] for value in plain) for key in plain[0]}
        objects = (median["objects"] - alone["objects"]) / options.connections
        megabytes = (median["memory"] - alone["memory"]) / 1e6
        print(
            f"{variant:8} {loop_name:8} {kind:12} {median['living']:8.0f} {median['objects']:9.0f}"
            f" {objects:8.2f} each {median['memory'] / 1e6:6.1f} {megabytes:8.1f}"
        )
        figures.append({"variant": variant, "loop": loop_name, "kind": kind, "samples": values})
    if options.json:
        machine = {
            "python": platform.python_version(),
            "openssl": ssl.OPENSSL_VERSION,
            "connections": options.connections,
            "at_once": options.at_once,
        }
        options.json.write_text(json.dumps({"machine": machine, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
