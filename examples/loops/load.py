#!/usr/bin/env python3
"""Loads an echo server, and sees that nothing is left: load.py PKI_DIR PROGRAM [MOST]

MOST connections at once (1000) send and compare; then as many come and go wrong: slow readers, half closes, resets, garbage, and stalls at
a random point of the handshake or the data. Descriptors and memory have to be what they were, and the server answers as before.
"""

import asyncio
import os
import random
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
from pathlib import Path

SEED = 20261126
SKIPPED = 77  # the server has said why


def client_context(pki):
    return ssl.create_default_context(cafile=pki / "trust" / "all.pem")


def start(program, pki):
    command = [program, "0", pki / "ecdsa" / "server-chain.pem", pki / "ecdsa" / "server.key"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    words = server.stdout.readline().split()
    if not words and server.wait() == SKIPPED:
        sys.exit(SKIPPED)
    if words[:2] != ["listening", "on"]:
        sys.exit(f"FAIL {program} does not listen")
    return server, int(words[2])


async def echo(port, context, size, slow=False):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost",
                                                   limit=4096 if slow else 65536)
    sent = random.randbytes(size)
    writer.write(sent)
    got = b""
    while len(got) < size:
        if slow:
            await asyncio.sleep(0)
        part = await reader.read(100 if slow else 65536)
        assert part, f"the server ended after {len(got)} of {size} bytes"
        got += part
    assert got == sent
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def last_words(port, context, size):
    """Sends all, and close_notify at once: the whole echo comes nevertheless, with the server's close_notify behind it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    conn = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

    async def until_done(call, *arguments):
        while True:
            try:
                return call(*arguments)
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                part = await reader.read(65536)
                incoming.write(part) if part else incoming.write_eof()

    await until_done(conn.do_handshake)
    sent = random.randbytes(size)
    conn.write(sent)
    try:
        conn.unwrap()
    except ssl.SSLWantReadError:
        pass
    got = b""
    try:
        while len(got) <= size and (part := await until_done(conn.read, 65536)):
            got += part
    except ssl.SSLZeroReturnError:
        pass
    writer.close()
    assert got == sent, f"{len(got)} bytes of {size} came back after close_notify"


def hello(context):
    """The bytes of a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    conn = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        conn.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


async def go_wrong(port, context, wire):
    kind = random.choice(["garbage", "cut", "reset", "half", "stall", "early"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    raw = writer.get_extra_info("socket")
    if kind == "garbage":
        writer.write(random.randbytes(random.randrange(1, 3000)))
    elif kind in ("cut", "reset", "stall", "half"):
        writer.write(wire[: random.randrange(len(wire) + 1)])
    if kind == "half":
        writer.write_eof()
        await reader.read()
    if kind in ("reset", "early"):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if kind == "stall":
        await asyncio.sleep(random.random() / 20)
    writer.transport.abort() if kind in ("reset", "early", "stall") else writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        pass


async def go_wrong_later(port, context):
    """A reset in the middle of the data, of which nothing was read."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    writer.write(random.randbytes(random.randrange(1, 400_000)))
    await asyncio.sleep(random.random() / 50)
    writer.transport.abort()
    try:
        await writer.wait_closed()
    except OSError:
        pass


async def descriptors(pid, wanted):
    """Waits until the server has as many descriptors as it had."""
    for _ in range(600):
        seen = len(os.listdir(f"/proc/{pid}/fd"))
        if seen <= wanted:
            return seen
        await asyncio.sleep(0.05)
    return seen


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


async def load(server, port, pki, most):
    context = client_context(pki)
    await echo(port, context, 100)
    at_first = len(os.listdir(f"/proc/{server.pid}/fd"))
    await asyncio.gather(*(echo(port, context, random.choice([1, 1000, 16384, 100_000])) for _ in range(most)))
    await asyncio.gather(*(echo(port, context, 20_000, slow=True) for _ in range(20)))
    await asyncio.gather(*(last_words(port, context, size) for size in (1, 20_000, 400_000)))
    before = resident(server.pid)
    wire = hello(context)
    for _ in range(4):
        wrong = [go_wrong(port, context, wire) for _ in range(most // 2)]
        wrong += [go_wrong_later(port, context) for _ in range(most // 10)]
        answers = await asyncio.gather(*wrong, return_exceptions=True)
        odd = [a for a in answers if isinstance(a, BaseException) and not isinstance(a, OSError)]
        assert not odd, odd[0]
        await echo(port, context, 50_000)
    left = await descriptors(server.pid, at_first)
    assert left <= at_first, f"{left} descriptors, of which there were {at_first}"
    grown = resident(server.pid) - before
    assert grown < 8 << 20, f"{grown} bytes more after {most * 2} connections went wrong"
    await echo(port, context, 1_000_000)


def refuses(program, pki, port):
    """A missing certificate and a port in use end with one sentence."""
    chain, key = pki / "ecdsa" / "server-chain.pem", pki / "ecdsa" / "server.key"
    for arguments in (["0", pki / "is-not-there.pem", key], [str(port), chain, key]):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, (arguments, done.returncode, done.stderr)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    random.seed(SEED)
    pki, program, most = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server, port = start(program, pki)
    try:
        refuses(program, pki, port)
        asyncio.run(load(server, port, pki, most))
        server.send_signal(signal.SIGTERM)
        said = server.stdout.read().strip()
        assert server.wait(60) == 0 and said == "left: 0 connections, 0 buffers", said
    finally:
        server.kill()
        server.wait()
    print(f"{Path(program).name}: {most} at once, {2 * most + 4 * (most // 10)} that went wrong, nothing left")


if __name__ == "__main__":
    main()
