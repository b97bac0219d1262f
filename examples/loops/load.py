#!/usr/bin/env python3
"""Loads an echo server, and sees that nothing is left: load.py PKI_DIR PROGRAM [MOST [KILLED]]

KILLED connections (2000) come and go wrong, fifty at a time: half closes, resets, garbage, stalls, and ends at a random byte of the handshake
or the data; the server's memory does not grow, or has grown for the last time. Then MOST at once (1000) send and compare, beside curl,
OpenSSL's s_client and wrk, and some that read slowly, or late, or say their last word at once. Descriptors are what they were, and the server answers as before.
"""

import asyncio
import os
import random
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SEED = 20261126
AT_ONCE = 50
GROWTH = 2 << 20  # libevent keeps up to 1.5 MB more, once; a thousand bytes for each of two thousand are too many
ROUNDS = 20  # the heap of a collector grows for a while (that of Node.js 18 in up to nine of them), and then no more; what is lost makes it grow in each
MORE_THAN_KERNELS_TAKE = 12 << 20  # so a part of it is in flight in the server
SKIPPED = 77  # the server has said why
PATIENCE = int(os.environ.get("TLSBIO_PATIENCE") or 1)
HANG = 60 * PATIENCE  # seconds for one step; asyncio's own limits are for a machine with nothing else to do
LIMITS = {"ssl_handshake_timeout": HANG} | ({"ssl_shutdown_timeout": HANG} if sys.version_info >= (3, 11) else {})


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
                                                   limit=4096 if slow else 65536, **LIMITS)
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


async def read_late(port, context, size):
    """Reads nothing until the server takes no more. Its bytes in flight stay what they are, while others come and go."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost", **LIMITS)
    sent, before = random.randbytes(size), None
    writer.write(sent)
    while (waiting := writer.transport.get_write_buffer_size()) not in (0, before):
        before = waiting
        await echo(port, context, 100_000)
        await asyncio.sleep(0.2)
    got = await reader.readexactly(size)
    assert got == sent, "what was in flight has changed"
    writer.close()
    await writer.wait_closed()


class Killed(Exception):
    """The connection has moved as many bytes as it may."""


class Wire:
    """TLS in memory over asyncio's streams, so that nothing happens unasked. It is killed after BUDGET bytes of wire, either way."""

    def __init__(self, context, budget=sys.maxsize):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.left = budget

    async def connect(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)

    async def done(self, call, *arguments):
        while True:
            try:
                return call(*arguments)
            except ssl.SSLWantReadError:
                await self.flush()
                part = await self.reader.read(min(self.left, 65536))
                self.spend(len(part))
                self.incoming.write(part) if part else self.incoming.write_eof()

    async def flush(self):
        wire = self.outgoing.read()
        self.writer.write(wire[: self.left])
        self.spend(len(wire))
        await self.writer.drain()

    def spend(self, count):
        self.left -= count
        if self.left <= 0:
            raise Killed


async def last_words(port, context, size):
    """Sends all, and close_notify at once: the whole echo comes nevertheless, with the server's close_notify behind it."""
    wire = Wire(context)
    await wire.connect(port)
    await wire.done(wire.tls.do_handshake)
    sent = random.randbytes(size)
    wire.tls.write(sent)
    try:
        wire.tls.unwrap()
    except ssl.SSLWantReadError:
        pass
    wire.writer.write(wire.outgoing.read())  # as it is read, so it is sent: nobody waits for the one or the other
    got = b""
    try:
        while len(got) <= size and (part := await wire.done(wire.tls.read, 65536)):
            got += part
    except ssl.SSLZeroReturnError:
        pass
    wire.writer.close()
    assert got == sent, f"{len(got)} bytes of {size} came back after close_notify"


async def kill(port, context, _):
    """A connection that is cut, or reset, after any number of bytes: in the handshake, or in the data behind it."""
    wire = Wire(context, random.randrange(1, random.choice([4_000, 100_000])))
    await wire.connect(port)
    try:
        await wire.done(wire.tls.do_handshake)
        while True:
            size = random.randrange(1, 20_000)
            wire.tls.write(bytes(size))
            await wire.flush()
            while size > 0:
                size -= len(await wire.done(wire.tls.read, size))
    except Killed:
        pass
    if random.random() < 0.5:
        raw = wire.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.writer.transport.abort()


async def run(*command, says=None):
    """What a program prints, once it has ended well. With SAYS, what it has to repeat; then it is ended."""
    stdin = asyncio.subprocess.PIPE if says else asyncio.subprocess.DEVNULL
    stderr = asyncio.subprocess.DEVNULL if says else asyncio.subprocess.STDOUT
    child = await asyncio.create_subprocess_exec(*map(str, command), stdin=stdin, stdout=asyncio.subprocess.PIPE,
                                                 stderr=stderr)
    if says:
        child.stdin.write(says)
        heard = await child.stdout.readexactly(len(says))
        child.kill()
        await child.wait()
        return heard
    heard, _ = await child.communicate()
    assert child.returncode == 0, (command, heard.decode(errors="replace"))
    return heard


def programs_of_others(port, pki, folder):
    """curl, OpenSSL's s_client and wrk. To those of HTTP the echo of what they send has to be an answer: so it is one."""
    body = folder / "body"
    body.write_bytes(random.randbytes(100_000))
    roots = pki / "trust" / "all.pem"
    url = f"https://localhost:{port}/"

    async def curl():
        # The request line is "HTTP/1.1 200 / HTTP/1.1", the content what is sent.
        heard = await run("curl", "-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", 2 * HANG, "--cacert", roots,
                          "--http1.1", "-H", "Expect:", "-X", "HTTP/1.1 200", "--data-binary", f"@{body}", url)
        assert heard == body.read_bytes(), "curl's answer is another"

    async def s_client():
        said = random.randbytes(50_000).hex().encode()
        heard = await run("openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-CAfile", roots, "-connect",
                          f"localhost:{port}", says=said)
        assert heard == said, "s_client's echo is another"

    async def wrk():
        script = folder / "wrk.lua"
        # The first one is not sent: wrk looks whether it is a request.
        script.write_text('local first, answer = true, "HTTP/1.1 200 OK\\r\\nContent-Length: 1000\\r\\n\\r\\n" .. ("x"):rep(1000)\n'
                          "function request()\n"
                          '    if first then first = false return "GET / HTTP/1.1\\r\\n\\r\\n" end\n'
                          "    return answer\n"
                          "end\n")
        # In its second it may come to nothing beside the crowd.
        answered = duration = 0
        while not answered:
            duration = 2 * duration or 1
            heard = (await run("wrk", "--threads", 1, "--connections", 50, "--duration", duration, "--timeout", HANG, "--script", script,
                               url)).decode()
            counted = re.search(r"(\d+) requests in ", heard)
            assert "Socket errors" not in heard and "Non-2xx" not in heard and counted, heard
            answered = int(counted[1])
            assert answered or duration < HANG, heard

    found = {"curl": curl, "openssl": s_client, "wrk": wrk}
    missing = [name for name in found if not shutil.which(name)]
    if missing:
        print(f"without {', '.join(missing)}: not installed")
    return [found[name]() for name in found if name not in missing for _ in range(1 if name == "wrk" else 5)]


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


async def go_wrong_later(port, context, _):
    """A reset in the middle of the data, of which nothing was read."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost", **LIMITS)
    writer.write(random.randbytes(random.randrange(1, 400_000)))
    await asyncio.sleep(random.random() / 50)
    writer.transport.abort()
    try:
        await writer.wait_closed()
    except OSError:
        pass


async def descriptors(pid, wanted):
    """Waits until the server has as many descriptors as it had."""
    for _ in range(20 * HANG):
        seen = len(os.listdir(f"/proc/{pid}/fd"))
        if seen <= wanted:
            return seen
        await asyncio.sleep(0.05)
    return seen


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


async def go_wrong_all(port, context, count):
    """COUNT connections that go wrong, AT_ONCE of them at a time."""
    wire, room = hello(context), asyncio.Semaphore(AT_ONCE)

    async def one():
        async with room:
            await random.choice([go_wrong, go_wrong, go_wrong_later, kill])(port, context, wire)

    answers = await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)
    odd = [a for a in answers if isinstance(a, BaseException) and not isinstance(a, OSError)]
    assert not odd, odd[0]
    await echo(port, context, 50_000)


async def load(server, port, pki, most, killed):
    context = client_context(pki)
    await echo(port, context, 100)
    at_first = len(os.listdir(f"/proc/{server.pid}/fd"))
    # Before there are many at once: memory that these leave to the allocator would hide what is lost.
    await go_wrong_all(port, context, 500)
    for _ in range(ROUNDS):
        before = resident(server.pid)
        await go_wrong_all(port, context, killed)
        grown = resident(server.pid) - before
        if grown <= GROWTH:
            break
    assert grown <= GROWTH, f"{grown} bytes more after {killed} connections went wrong, for the {ROUNDS}th time"
    crowd = [echo(port, context, random.choice([1, 1000, 16384, 100_000])) for _ in range(most)]
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.gather(*crowd, *programs_of_others(port, pki, Path(folder)))
    await asyncio.gather(*(echo(port, context, 20_000, slow=True) for _ in range(20)))
    await asyncio.gather(*(read_late(port, context, MORE_THAN_KERNELS_TAKE) for _ in range(5)))
    await asyncio.gather(*(last_words(port, context, size) for size in (1, 20_000, 400_000)))
    left = await descriptors(server.pid, at_first)
    assert left <= at_first, f"{left} descriptors, of which there were {at_first}"
    await echo(port, context, 1_000_000)


def refuses(program, pki, port):
    """A missing certificate and a port in use end with one sentence."""
    chain, key = pki / "ecdsa" / "server-chain.pem", pki / "ecdsa" / "server.key"
    for arguments in (["0", pki / "is-not-there.pem", key], [str(port), chain, key]):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=HANG)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, (arguments, done.returncode, done.stderr)


def main():
    if len(sys.argv) not in (3, 4, 5):
        sys.exit(__doc__)
    random.seed(SEED)
    pki, program = Path(sys.argv[1]), sys.argv[2]
    most, killed = (*map(int, sys.argv[3:]), *(1000, 2000)[len(sys.argv) - 3:])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server, port = start(program, pki)
    try:
        refuses(program, pki, port)
        asyncio.run(load(server, port, pki, most, killed))
        server.send_signal(signal.SIGTERM)
        said = server.stdout.read().strip()
        assert server.wait(HANG) == 0 and said == "left: 0 connections, 0 buffers", said
    finally:
        server.kill()
        server.wait()
    print(f"{Path(program).name}: {most} at once beside curl, s_client and wrk, {killed} that went wrong, nothing left")


if __name__ == "__main__":
    main()
