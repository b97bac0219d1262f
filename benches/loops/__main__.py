#!/usr/bin/env python3
"""What an echo server's processor spends, loop by loop: loops.py PKI_DIR DIRECTORY [RUNS]

DIRECTORY has the programs loop_epoll, loop_libuv, loop_io_uring and loop_asio (CMake's examples). Each serves one connection: messages of 1 KiB and of
16 KiB to and fro, and 64 KiB pipelined, four messages ahead. What is counted is the time that the server's thread is on a
processor, from Linux's schedstat, in milliseconds per MB echoed; the client's does not count. RUNS (5) in turns; the median is printed, with
the smallest and the largest, and how it is to epoll's.
"""

import socket
import ssl
import statistics
import subprocess
import sys
import threading
from pathlib import Path

LOOPS = ("epoll", "libuv", "io_uring", "asio")
WORK = (("1 KiB", 1024, 8_000, 1), ("16 KiB", 16_384, 1_500, 1), ("64 KiB pipelined", 65_536, 600, 4))


def on_processor(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


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
    """Milliseconds per MB; None if this kernel has no such loop."""
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
            return (on_processor(server.pid) - before) / 1e6 / (size * count / 1e6)
    finally:
        server.kill()
        server.wait()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    pki, directory, runs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) == 4 else 5
    samples = {(loop, name): [] for loop in LOOPS for name, *_ in WORK}
    for _ in range(runs):
        for name, size, count, ahead in WORK:
            for loop in LOOPS:
                spent = measure(directory / f"loop_{loop}", pki, size, count, ahead)
                if spent is not None:
                    samples[loop, name].append(spent)
    print("| ms per MB | " + " | ".join(name for name, *_ in WORK) + " |\n|---|" + "---|" * len(WORK))
    for loop in LOOPS:
        cells = []
        for name, *_ in WORK:
            mine, epoll = samples[loop, name], samples["epoll", name]
            cells.append("-" if not mine else f"{statistics.median(mine):.2f} ({min(mine):.2f} to {max(mine):.2f}), "
                         f"{statistics.median(mine) / statistics.median(epoll):.2f} x")
        print(f"| {loop} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
