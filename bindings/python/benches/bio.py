"""What the drop-in costs beside ssl and rtls, without a loop: microseconds of one operation.

bio.py ENGINE WHAT [--samples N]

The engine plays both sides. "own BIO" is tlsbio.MemoryBIO, otherwise it is ssl.MemoryBIO, as hosts make them.
"""

from __future__ import annotations

import argparse
import json
import ssl
import statistics
import time
from collections.abc import Callable
from typing import Any

import peers

import tlsbio


class Pair:
    """A client and a server that are connected."""

    def __init__(self, module: Any, bio: Callable[[], Any]) -> None:
        client = module.create_default_context(cafile=str(peers.CA))
        server = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(str(peers.CHAIN), str(peers.KEY))
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
    "small": read_small,
    "nothing": want_read,
    "256": transfer(256),
    "16000": transfer(16000),
    "16384": transfer(16384),
    "65536": transfer(65536),
}


def engine_of(name: str) -> Pair:
    """The pair of an engine: "ssl", "rtls", "drop-in", or "drop-in, own BIO"."""
    if name == "ssl":
        return Pair(ssl, ssl.MemoryBIO)
    if name == "rtls":
        import rtls

        return Pair(rtls, ssl.MemoryBIO)
    return Pair(tlsbio, tlsbio.MemoryBIO if name.endswith("own BIO") else ssl.MemoryBIO)


def main() -> None:
    """Prints one figure: the median of some samples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=("ssl", "rtls", "drop-in", "drop-in, own BIO"))
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("--samples", type=int, default=21)
    options = parser.parse_args()
    pair = engine_of(options.engine)
    samples = [MEASURES[options.what](pair) for _ in range(options.samples + 3)][3:]
    print(json.dumps({"microseconds": statistics.median(samples)}))


if __name__ == "__main__":
    main()
