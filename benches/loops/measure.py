"""One server, one connection: what the server's processor spends."""

import select
import socket
import ssl
import subprocess
import sys
from pathlib import Path


def on_processor(pid):
    """Nanoseconds that the threads of the process have spent on a processor, the kernel's workers for it included."""
    return sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def in_kernel(pid):
    """Ticks that the process has spent: in itself, and in the kernel for it. Coarse; many turns together say something."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]), int(fields[12])


def connect(port, pki):
    context = ssl.create_default_context(cafile=pki / "trust" / "all.pem")
    raw = socket.create_connection(("127.0.0.1", port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw, server_hostname="localhost")


def receive(conn, buffer, count):
    view, left = memoryview(buffer), count
    while left > 0:
        got = conn.recv_into(view[:min(left, len(view))])
        if got == 0:
            sys.exit("the server ended")
        left -= got


def exchange(conn, size, count, ahead):
    """Messages to and fro, AHEAD of them on the way. One thread: the interpreter's ssl objects are no others' while they write or read."""
    message, buffer = memoryview(bytes(size)), bytearray(size)
    if ahead == 1:
        for _ in range(count):
            conn.sendall(message)
            receive(conn, buffer, size)
        return
    conn.setblocking(False)
    sent = received = 0
    while received < size * count:
        moved = full = False
        if sent < min(size * count, received + size * ahead):
            try:
                sent += conn.send(message[sent % size:])
                moved = True
            except ssl.SSLWantWriteError:
                full = True
        try:
            got = conn.recv_into(buffer)
            if got == 0:
                sys.exit("the server ended")
            received += got
            moved = True
        except ssl.SSLWantReadError:
            pass
        if not moved:
            select.select([conn], [conn] if full else [], [])
    conn.setblocking(True)


def measure(program, pki, size, count, ahead):
    """What was spent, and with which suite; None if this kernel has no such loop."""
    command = [program, "0", pki / "ecdsa" / "server-chain.pem", pki / "ecdsa" / "server.key"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        words = server.stdout.readline().split()
        if not words:
            return None
        with connect(int(words[2]), pki) as conn:
            exchange(conn, size, count // 10, ahead)
            ticks, before = in_kernel(server.pid), on_processor(server.pid)
            exchange(conn, size, count, ahead)
            spent = on_processor(server.pid) - before
            ticks = [after - earlier for after, earlier in zip(in_kernel(server.pid), ticks, strict=True)]
            return {"ms per MB": spent / 1e6 / (size * count / 1e6), "ticks": ticks, "suite": conn.cipher()[0]}
    finally:
        server.kill()
        server.wait()
