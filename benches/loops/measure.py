"""One server, one connection: what the server's processor spends."""

import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path


def on_processor(pid):
    """Nanoseconds that the threads of the process have spent on a processor, the kernel's workers for it included."""
    return sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{pid}/task").glob("*/schedstat"))


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
    message, buffer = bytes(size), bytearray(size)
    if ahead == 1:
        for _ in range(count):
            conn.sendall(message)
            receive(conn, buffer, size)
        return
    room = threading.Semaphore(ahead)

    def send():
        for _ in range(count):
            room.acquire()
            conn.sendall(message)

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(count):
        receive(conn, buffer, size)
        room.release()
    sender.join()


def measure(program, pki, size, count, ahead):
    """Milliseconds per MB, and the suite; None if this kernel has no such loop."""
    command = [program, "0", pki / "ecdsa" / "server-chain.pem", pki / "ecdsa" / "server.key"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        words = server.stdout.readline().split()
        if not words:
            return None
        with connect(int(words[2]), pki) as conn:
            exchange(conn, size, count // 10, ahead)
            before = on_processor(server.pid)
            exchange(conn, size, count, ahead)
            spent = on_processor(server.pid) - before
            return spent / 1e6 / (size * count / 1e6), conn.cipher()[0]
    finally:
        server.kill()
        server.wait()
