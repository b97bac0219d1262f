"""Echo over loopback TLS: CPU time of one round trip, both ends in one process, for tlsbio.aio and its peers.

    python benches/python/aio_echo.py [--rounds N] [--seconds S] [--only TEXT] [--size N] [--json FILE]

Every variant runs once in every round, in an order that changes from round to round; figures are medians over the
rounds, and the spread is from the lower to the upper quartile. All use TLS 1.3 with AES-256-GCM. Peers that are not
installed are named and left out.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import platform
import ssl
import statistics
import sys
import time
from pathlib import Path

import tlsbio.aio
from tlsbio.config import Builder

PKI = Path(__file__).resolve().parents[2] / "target" / "pki" / "ecdsa"
AES_256 = 0x1302


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Asker(asyncio.Protocol):
    """Sends a message, waits for as many bytes, and so on until its time is over."""

    def __init__(self, size, done):
        self.message = bytes(size)
        self.done = done
        self.missing = 0
        self.left = 0

    def connection_made(self, transport):
        self.transport = transport

    def go(self, count):
        self.left = count
        self.ask()

    def ask(self):
        self.missing = len(self.message)
        self.transport.write(self.message)

    def data_received(self, data):
        self.got(len(data))

    def got(self, count):
        self.missing -= count
        if not self.missing:
            self.left -= 1
            if self.left:
                self.ask()
            else:
                self.done.set_result(None)


class BufferedEcho(asyncio.BufferedProtocol):
    """The same with memory of the application."""

    def __init__(self):
        self.memory = bytearray(65536)
        self.view = memoryview(self.memory)

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        return self.memory

    def buffer_updated(self, nbytes):
        self.transport.write(bytes(self.view[:nbytes]))


class BufferedAsker(asyncio.BufferedProtocol):
    __init__, connection_made, go, ask, got = (
        Asker.__init__,
        Asker.connection_made,
        Asker.go,
        Asker.ask,
        Asker.got,
    )
    memory = bytearray(65536)

    def get_buffer(self, sizehint):
        return self.memory

    def buffer_updated(self, nbytes):
        self.got(nbytes)


def openssl_contexts(module=ssl):
    server = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(str(PKI / "server-chain.pem"), str(PKI / "server.key"))
    client = module.create_default_context(cafile=str(PKI / "ca.pem"))
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    return server, client


def tlsbio_contexts():
    server, client = Builder(), Builder()
    for builder in server, client:
        builder.suites([AES_256])
        builder.versions(0x0304, 0x0304)
    server.identity((PKI / "server-chain.pem").read_bytes(), (PKI / "server.key").read_bytes())
    client.trust((PKI / "ca.pem").read_bytes())
    return server.server(), client.client()


class Loop:
    """asyncio's own calls."""

    @staticmethod
    async def create_server(factory, *where, ssl):
        return await asyncio.get_running_loop().create_server(factory, *where, ssl=ssl)

    @staticmethod
    async def create_connection(factory, *where, ssl):
        return await asyncio.get_running_loop().create_connection(factory, *where, ssl=ssl)


class Fast:
    """aiofastnet's."""

    @staticmethod
    async def create_server(factory, *where, ssl):
        import aiofastnet

        return await aiofastnet.create_server(asyncio.get_running_loop(), factory, *where, ssl=ssl)

    @staticmethod
    async def create_connection(factory, *where, ssl):
        import aiofastnet

        return await aiofastnet.create_connection(asyncio.get_running_loop(), factory, *where, ssl=ssl)


class Plain:
    """No TLS: what the sockets and the loop cost."""

    @staticmethod
    async def create_server(factory, *where, ssl):
        return await asyncio.get_running_loop().create_server(factory, *where)

    @staticmethod
    async def create_connection(factory, *where, ssl):
        return await asyncio.get_running_loop().create_connection(factory, *where)


def variants():
    found = {}

    def add(name, calls, contexts, loop, needs=()):
        try:
            for module in needs:
                importlib.import_module(module)
            made = contexts()
        except Exception as error:
            print(f"left out: {name}: {error!r}", file=sys.stderr)
        else:
            found[name] = calls, made, loop

    def uvloop_loop():
        return importlib.import_module("uvloop").new_event_loop()

    add("plain/asyncio", Plain, lambda: (None, None), asyncio.new_event_loop)
    add("plain/uvloop", Plain, lambda: (None, None), uvloop_loop, ["uvloop"])
    add("ssl/asyncio", Loop, openssl_contexts, asyncio.new_event_loop)
    add("ssl/uvloop", Loop, openssl_contexts, uvloop_loop, ["uvloop"])
    add("aiofastnet/uvloop", Fast, openssl_contexts, uvloop_loop, ["uvloop", "aiofastnet"])
    add("aiofastnet/asyncio", Fast, openssl_contexts, asyncio.new_event_loop, ["aiofastnet"])
    add("rtls/uvloop", Loop, lambda: openssl_contexts(importlib.import_module("rtls")), uvloop_loop, ["uvloop", "rtls"])
    add("tlsbio.aio/asyncio", tlsbio.aio, tlsbio_contexts, asyncio.new_event_loop)
    add("tlsbio.aio/uvloop", tlsbio.aio, tlsbio_contexts, uvloop_loop, ["uvloop"])
    return found


async def measure(calls, contexts, size, seconds, buffered):
    done = asyncio.get_running_loop().create_future()
    asker = (BufferedAsker if buffered else Asker)(size, done)
    server = await calls.create_server(BufferedEcho if buffered else Echo, "127.0.0.1", 0, ssl=contexts[0])
    port = server.sockets[0].getsockname()[1]
    transport, _ = await calls.create_connection(lambda: asker, "localhost", port, ssl=contexts[1])
    asker.go(200)
    await done
    # As many as fit into the time, by a first guess.
    begun = time.process_time()
    asker.done = asyncio.get_running_loop().create_future()
    asker.go(300)
    await asker.done
    count = max(300, int(300 * seconds / (time.process_time() - begun)))
    asker.done = asyncio.get_running_loop().create_future()
    gc.collect()
    begun = time.process_time()
    asker.go(count)
    await asker.done
    used = time.process_time() - begun
    transport.close()
    server.close()
    await asyncio.sleep(0.05)
    return used / count * 1e6


def run(loop_factory, *arguments):
    loop = loop_factory()
    try:
        return loop.run_until_complete(measure(*arguments))
    finally:
        loop.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--only", action="append")
    parser.add_argument("--size", type=int, action="append", help="of a message, in bytes")
    parser.add_argument("--protocol", choices=("data_received", "buffered"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    chosen = {
        name: variant
        for name, variant in variants().items()
        if not options.only or any(text in name for text in options.only)
    }
    figures = {}
    for size in options.size or (256, 65536):
        for buffered in (False, True):
            if options.protocol and buffered != (options.protocol == "buffered"):
                continue
            samples = {name: [] for name in chosen}
            for turn in range(options.rounds):
                names = list(chosen)
                names = names[turn % len(names) :] + names[: turn % len(names)]
                for name in names:
                    calls, contexts, loop = chosen[name]
                    try:
                        samples[name].append(run(loop, calls, contexts, size, options.seconds, buffered))
                    except Exception as error:
                        print(f"failed: {name}: {error!r}", file=sys.stderr)
            title = f"{size} bytes, {'BufferedProtocol' if buffered else 'Protocol'}"
            print(title)
            bar = statistics.median(samples["aiofastnet/uvloop"]) if samples.get("aiofastnet/uvloop") else None
            for name, values in samples.items():
                if not values:
                    continue
                median = statistics.median(values)
                low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
                ratio = f"{median / bar:6.2f}" if bar else ""
                print(f"  {name:22} {median:8.1f} us  ({low:.1f} to {high:.1f}) {ratio}")
                figures.setdefault(title, {})[name] = {"us": median, "low": low, "high": high, "all": values}
    if options.json:
        machine = {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION, "rounds": options.rounds}
        options.json.write_text(json.dumps({"machine": machine, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
