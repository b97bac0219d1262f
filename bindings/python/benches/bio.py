"""What the drop-in costs beside ssl (and rtls, if it is installed), without a loop: interleaved, medians and spread.

    bio.py [--rounds N] [--json FILE]

Each engine plays both sides. "own BIO" is tlsbio.MemoryBIO, otherwise it is ssl.MemoryBIO, as hosts make them.
"""

from __future__ import annotations

import argparse
import json
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
                left -= len(read(262144))

        return timed(work, max(20, min(1000, 2_000_000 // size)))

    return measure


MEASURES: dict[str, Callable[[Pair], float]] = {
    "read(262144) of 64 B": read_small,
    "read(262144) of nothing": want_read,
    "write + read, 256 B": transfer(256),
    "write + read, 16 KiB": transfer(16384),
    "write + read, 64 KiB": transfer(65536),
}


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", PKI], check=True)
    engines: dict[str, tuple[Any, Callable[[], Any]]] = {
        "ssl": (ssl, ssl.MemoryBIO),
        "tlsbio": (tlsbio, ssl.MemoryBIO),
        "tlsbio, own BIO": (tlsbio, tlsbio.MemoryBIO),
    }
    try:
        import rtls

        engines["rtls"] = rtls, ssl.MemoryBIO
    except ImportError:
        print("rtls is not installed")
    pairs = {}
    for name, (module, bio) in engines.items():
        try:
            pairs[name] = Pair(module, bio)
        except Exception as error:
            print(f"{name}: {error!r}")
    print(f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}, medians of {arguments.rounds} rounds, microseconds")
    results: dict[str, dict[str, list[float]]] = {}
    for what, measure in MEASURES.items():
        samples: dict[str, list[float]] = {name: [] for name in pairs}
        for _ in range(arguments.rounds):
            for name, pair in pairs.items():
                samples[name].append(measure(pair))
        results[what] = samples
        base = statistics.median(samples["ssl"])
        print(what)
        for name, values in samples.items():
            values.sort()
            median = statistics.median(values)
            spread = f"{values[len(values) // 4]:.2f} to {values[len(values) * 3 // 4]:.2f}"
            print(f"  {name:16} {median:8.2f}  ({spread})  {median / base:5.2f} x ssl")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
