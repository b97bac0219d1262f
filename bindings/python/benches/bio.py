"""What the drop-in costs beside ssl (and rtls, if it is installed), without a loop: interleaved, medians and spread.

    bio.py [--rounds N] [--json FILE]

Each engine plays both sides. "own BIO" is tlsbio.MemoryBIO, otherwise it is ssl.MemoryBIO, as hosts make them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tlsbio

ROOT = Path(__file__).resolve().parents[3]
PKI = ROOT / "target" / "pki"


class Pair:
    """A client and a server that are connected."""

    def __init__(self, module: Any, bio: Callable[[], Any]) -> None:
        client = module.create_default_context(cafile=str(PKI / "trust" / "all.pem"))
        server = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(str(PKI / "ecdsa" / "server-chain.pem"), str(PKI / "ecdsa" / "server.key"))
        # The same suite for all.
        for context in client, server:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        self.to_server, self.to_client = bio(), bio()
        self.client = client.wrap_bio(self.to_client, self.to_server, server_hostname="localhost")
        self.server = server.wrap_bio(self.to_server, self.to_client, server_side=True)
        waiting = [self.client, self.server]
        while waiting:
            for side in list(waiting):
                try:
                    side.do_handshake()
                    waiting.remove(side)
                except ssl.SSLWantReadError:
                    pass


def timed(work: Callable[[], None], calls: int) -> float:
    """Microseconds of one call."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls * 1e6


def read_small(pair: Pair, calls: int = 500) -> float:
    """read(262144) of a 64-byte message that waits in the BIO."""
    message = b"m" * 64
    write, read, clock = pair.client.write, pair.server.read, time.perf_counter_ns
    spent = 0
    for _ in range(calls):
        write(message)
        start = clock()
        read(262144)
        spent += clock() - start
    return spent / calls / 1000


def want_read(pair: Pair, calls: int = 500) -> float:
    """read(262144) without a byte in the BIO."""
    read = pair.server.read

    def work() -> None:
        try:
            read(262144)
        except ssl.SSLWantReadError:
            pass

    return timed(work, calls)


def transfer(size: int) -> Callable[[Pair], float]:
    """write and read of one message, one direction."""
    message = b"m" * size

    def measure(pair: Pair) -> float:
        write, read = pair.client.write, pair.server.read

        def work() -> None:
            write(message)
            left = size
            while left:
                left -= len(read(16384))

        return timed(work, max(20, min(1000, 2_000_000 // size)))

    return measure


MEASURES: dict[str, Callable[[Pair], float]] = {
    "read(262144) of 64 B": read_small,
    # glibc's malloc maps memory of 128 KiB and more, until it has seen that such memory is freed; and it sees that or
    # not, as chance has it. Here it never does.
    "read(262144) of 64 B, malloc as at the start": read_small,
    "read(262144) of nothing": want_read,
    "write + read, 256 B": transfer(256),
    "write + read, 16 KiB": transfer(16384),
    "write + read, 16000 B": transfer(16000),
    "write + read, 64 KiB": transfer(65536),
}


def engine_of(name: str) -> Pair:
    """The pair of an engine: "ssl", "rtls", "tlsbio", or "tlsbio, own BIO"."""
    if name == "ssl":
        return Pair(ssl, ssl.MemoryBIO)
    if name == "rtls":
        import rtls

        return Pair(rtls, ssl.MemoryBIO)
    return Pair(tlsbio, tlsbio.MemoryBIO if name.endswith("own BIO") else ssl.MemoryBIO)


class Process:
    """An engine in a process of its own: what the allocator has learned from one does not count for another."""

    def __init__(self, name: str, what: str) -> None:
        command = [sys.executable, __file__, "--engine", name]
        fixed = {"MALLOC_MMAP_THRESHOLD_": "131072"} if what.endswith("as at the start") else {}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **fixed}
        )

    def measure(self, what: str) -> float:
        """One sample, in microseconds."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--engine")
    arguments = parser.parse_args()
    if arguments.engine:
        pair = engine_of(arguments.engine)
        for line in sys.stdin:
            print(MEASURES[line.strip()](pair), flush=True)
        return
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", PKI], check=True)
    engines = ["ssl", "tlsbio", "tlsbio, own BIO"]
    if importlib.util.find_spec("rtls"):
        engines.append("rtls")
    else:
        print("rtls is not installed")
    print(f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}, microseconds, medians of {arguments.rounds} rounds")
    results: dict[str, dict[str, list[float]]] = {}
    for what in MEASURES:
        samples: dict[str, list[float]] = {name: [] for name in engines}
        processes = {name: Process(name, what) for name in engines}
        for _ in range(arguments.rounds):
            for name, process in processes.items():
                samples[name].append(process.measure(what))
        for process in processes.values():
            process.process.communicate()
        results[what] = samples
        base = statistics.median(samples["ssl"])
        print(what)
        for name, values in samples.items():
            values.sort()
            median = statistics.median(values)
            spread = f"{values[len(values) // 4]:.2f} to {values[len(values) * 3 // 4]:.2f}"
            print(f"  {name:16} {median:8.2f}  ({spread})  {median / base:5.2f} x ssl", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
