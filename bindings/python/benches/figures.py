"""Measures every line of docs/python-figures.md in one run, and writes what it found as JSON.

figures.py OUTPUT.json [--rounds 5] [--connections 10000] [--short] [--only TEXT]...

Each sample is a process of its own. A round takes every line and in it every peer once, in an order that changes from
round to round; what takes long is left out of the later rounds. plots.py makes the page of the result.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from peers import PKI, ROOT

HERE = Path(__file__).resolve().parent

ENGINES = ["ssl", "rtls", "drop-in", "drop-in, own BIO"]
HOSTED = ["plain", "ssl", "rtls", "aiofastnet", "drop-in", "drop-in, own BIO", "tlsbio.aio"]
TWISTED = ["none", "pyopenssl", "tlsbio"]
# Those that can be done without TLS, and the others.
SOCKETS_PLAIN = ["recv_into", "round trip"]
SOCKETS = [
    "connections",
    "getpeercert",
    "wrap_bio",
    "wrap_bio and hello",
    "wrap_bio server",
    "create_default_context",
]

# glibc's malloc maps blocks of 128 KiB and more anew, until it has seen one that was mapped being freed. Fixed at its
# first value it never does; set high, it has from the beginning.
MALLOC_AT_FIRST = {"MALLOC_MMAP_THRESHOLD_": "131072"}
MALLOC_LATER = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "67108864"}


@dataclass
class Line:
    """Something that is measured with several peers."""

    key: str
    peers: list[str]
    # A script beside this one, with its arguments; "PEER" stands for the peer.
    command: list[str]
    rounds: int = 99
    environment: dict[str, str] = field(default_factory=dict)


def lines(connections: int) -> Iterator[Line]:
    """All of them."""
    yield Line("bio small", ENGINES, ["bio.py", "PEER", "small"], environment=MALLOC_AT_FIRST)
    yield Line("bio small, malloc later", ENGINES, ["bio.py", "PEER", "small"], environment=MALLOC_LATER)
    for what in "nothing", "256", "16000", "16384", "65536":
        yield Line(f"bio {what}", ENGINES, ["bio.py", "PEER", what])
    for what in SOCKETS_PLAIN:
        yield Line(f"sockets {what}", ["plain", "ssl", "drop-in"], ["sockets.py", "PEER", what])
    for what in SOCKETS:
        yield Line(f"sockets {what}", ["ssl", "drop-in"], ["sockets.py", "PEER", what])
    for size in "256", "65536":
        yield Line(f"echo uvloop {size}", HOSTED, ["echo.py", "PEER", "uvloop", size])
        yield Line(f"echo uvloop {size} buffered", HOSTED, ["echo.py", "PEER", "uvloop", size, "buffered"])
        yield Line(f"echo asyncio {size}", HOSTED, ["echo.py", "PEER", "asyncio", size])
    yield Line("echo uvloop 256, malloc later", HOSTED, ["echo.py", "PEER", "uvloop", "256"], environment=MALLOC_LATER)
    for loop in "asyncio", "uvloop":
        yield Line(f"idle {loop}", HOSTED, ["idle.py", "PEER", loop], rounds=3)
    yield Line("idle sockets", ["plain", "ssl", "drop-in"], ["sockets.py", "PEER", "idle"], rounds=3)
    yield Line("idle twisted", TWISTED, ["host_twisted.py", "PEER", "idle", "--connections", "1000"], rounds=3)
    many = ["--connections", str(connections)]
    for variant in "shared", "refused", "fresh":
        yield Line(f"twisted {variant}", TWISTED, ["host_twisted.py", "PEER", variant, *many], rounds=2)
    for loop in "asyncio", "uvloop":
        for variant in "short", "refused":
            # Without TLS there is nothing to refuse.
            chosen = [peer for peer in HOSTED if peer != "drop-in, own BIO" and (peer, variant) != ("plain", "refused")]
            yield Line(f"left {loop} {variant}", chosen, ["left.py", "PEER", loop, variant, *many], rounds=1)


def sample(line: Line, peer: str) -> Any:
    """One sample: what the script printed, or None with a word on standard error."""
    command = [sys.executable, str(HERE / line.command[0])]
    command += [peer if argument == "PEER" else argument for argument in line.command[1:]]
    # What is cached must not depend on the order in which types and strings hash.
    environment = {**os.environ, "PYTHONHASHSEED": "0", **line.environment}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    except subprocess.TimeoutExpired:
        print(f"  {line.key}, {peer}: ended after 300 s", file=sys.stderr, flush=True)
        return None
    if done.returncode != 0 or not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["nothing was printed"])[-1]
        print(f"  {line.key}, {peer}: {last}", file=sys.stderr, flush=True)
        return {"failed": last}
    return json.loads(done.stdout.splitlines()[-1])


def machine(connections: int) -> dict[str, Any]:
    """What the figures depend on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    names = ("tlsbio", "rtls", "uvloop", "aiofastnet", "twisted", "pyopenssl", "cryptography")
    return {
        "processor": model.partition(": ")[2],
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}",
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "packages": {name: version(name) for name in names},
        "connections": connections,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument(
        "--short", action="store_true", help="one round with 300 connections, to see that all lines work"
    )
    parser.add_argument("--only", action="append", help="lines with this text in their key")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.connections = 1, 300
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", PKI], check=True)
    chosen = [
        line
        for line in lines(options.connections)
        if not options.only or any(text in line.key for text in options.only)
    ]
    samples: dict[str, dict[str, list[Any]]] = {line.key: {peer: [] for peer in line.peers} for line in chosen}
    begun = time.monotonic()
    for turn in range(options.rounds):
        for line in chosen:
            if turn < line.rounds:
                shift = turn % len(line.peers)
                for peer in line.peers[shift:] + line.peers[:shift]:
                    samples[line.key][peer].append(sample(line, peer))
                print(f"round {turn + 1}, {line.key}: {time.monotonic() - begun:.0f} s", flush=True)
        result = {"machine": machine(options.connections), "rounds": turn + 1, "samples": samples}
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
