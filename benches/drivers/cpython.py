"""The worker of the comparison for CPython's ssl module, by MemoryBIO and SSLObject as asyncio uses them.

It obeys the same commands as worker/worker.c and does for each what that program does; what the commands mean is said
there. Three things are CPython's own:

- Before 3.15 ssl lets no program choose a suite of TLS 1.3. The settings of OpenSSL do, and are read once by a process:
  "set" begins the program anew with others. Commands are read byte by byte, so that none is lost by that.
- What the interpreter allocates for itself does not come from malloc. "idle" and "churn", which ask malloc, are obeyed
  by a process of their own for which it does.
- Threads have one interpreter lock, so "threads" and "handshake_threads" see nothing.
"""

import ctypes
import gc
import json
import os
import platform
import resource
import ssl
import subprocess
import sys
import time
import warnings

LARGEST_WRITE = 65536
LARGEST_MOVE = 1 << 20
TALK = 16384
# Every slice is preceded by moves of which each byte is compared, and followed by one.
COMPARED = 2

WAY = "memory-bio"
SUITES = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
}
GROUPS = {0x001D: "X25519", 0x11EC: "X25519MLKEM768"}
# Which settings of OpenSSL the process was begun with.
MARK = "BENCH_SETTINGS"


class Failure(Exception):
    pass


def make_pattern():
    """Bytes that no compression can help with. Each move starts at another place of them."""
    made = bytearray()
    x = 0x9E3779B97F4A7C15
    while len(made) < 2 * LARGEST_WRITE:
        x ^= x << 13 & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 7
        x ^= x << 17 & 0xFFFFFFFFFFFFFFFF
        made += x.to_bytes(8, "little")
    return bytes(made)


class Desk:
    """What one thread moves with."""

    pattern = memoryview(make_pattern())

    def __init__(self):
        self.room = memoryview(bytearray(b"\1" * LARGEST_MOVE))
        self.turn = 0


class End:
    """One end of a connection. Its BIOs are the wire: what one end has out is carried to the other's in."""

    __slots__ = ("incoming", "outgoing", "tls")

    def __init__(self, context, **arguments):
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **arguments)

    def shake_hands(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True


def carry(sender, receiver):
    sent = sender.outgoing.read()
    if sent:
        receiver.incoming.write(sent)
    return len(sent)


def move(sender, receiver, length, desk, compare):
    done = 0
    while done < length:
        piece = min(length - done, LARGEST_WRITE)
        start = desk.turn % 4096
        desk.turn += 1
        plain = desk.pattern[start : start + piece]
        written = sender.tls.write(plain)
        if written != piece:
            raise Failure(f"write: {written} of {piece} bytes")
        receiver.incoming.write(sender.outgoing.read())
        room = desk.room[done : done + piece]
        got = 0
        while got < piece:
            n = receiver.tls.read(piece - got, room[got:] if got else room)
            looked_at = n if compare else min(n, 8) if got == 0 else 0
            if looked_at and bytes(room[got : got + looked_at]) != bytes(plain[got : got + looked_at]):
                raise Failure(f"byte {got} and following arrived altered")
            if n == 0:
                raise Failure(f"{got} bytes of {piece} arrived")
            got += n
        done += piece


def moves(pair, length, desk, compare):
    move(*pair, length, desk, compare)


def exchange(pair, request, response, desk, compare):
    client, server = pair
    move(client, server, request, desk, compare)
    move(server, client, response, desk, compare)


def reading():
    return time.monotonic_ns(), time.process_time_ns()


def cost(start, end, count):
    return {"ns": (end[1] - start[1]) / count, "wall_ns": (end[0] - start[0]) / count}


def work_slice(count, work):
    for _ in range(COMPARED):
        work(True)
    start = reading()
    for _ in range(count):
        work(False)
    end = reading()
    work(True)
    return cost(start, end, count)


libc = ctypes.CDLL(None)


class Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


libc.mallinfo2.restype = Mallinfo


def held_now():
    """What the C library has given out, and how much memory the kernel has given to this process."""
    gc.collect()
    libc.malloc_trim(0)
    info = libc.mallinfo2()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return info.uordblks + info.hblkhd, pages * resource.getpagesize()


def settings_for(suite, group):
    """The OpenSSL settings of a process that measures with this suite and group."""
    lines = [f"Groups = {GROUPS[group]}" + (":P-256" if suite == 0xC02B else "")]
    if suite != 0xC02B:
        lines.append(f"Ciphersuites = {SUITES[suite]}")
    sections = ["openssl_conf = all", "[all]", "ssl_conf = tls", "[tls]", "system_default = use", "[use]"]
    return "\n".join([*sections, *lines, ""])


def settings_file():
    return int(os.environ["OPENSSL_CONF"].rpartition("/")[2])


class Worker:
    def __init__(self, pki):
        self.pki = pki
        self.desk = Desk()
        self.contexts = None
        self.session = None
        self.current = None
        self.idle_servers = []
        self.set_line = None

    def hello(self):
        what = "SSLObject.write, MemoryBIO.read; MemoryBIO.write, SSLObject.read into a buffer"
        return {
            "library": "CPython ssl",
            "version": f"{platform.python_version()} with {ssl.OPENSSL_VERSION}",
            "connections": True,
            "tally": False,
            "ways": {WAY: what},
        }

    def set(self, key, suite, group, resume):
        self.current = self.session = self.contexts = None
        self.suite, self.group, self.resume = int(suite, 16), int(group, 16), int(resume)
        if self.suite not in SUITES or self.group not in GROUPS:
            raise Failure(f"suite {suite} and group {group} are not known")
        if self.group == 0x11EC and ssl.OPENSSL_VERSION_INFO < (3, 5):
            return {"missing": f"{ssl.OPENSSL_VERSION}, which this CPython uses, has no X25519MLKEM768"}
        self.set_line = f"set {key} {suite} {group} {resume}"
        if os.environ.get(MARK) != f"{self.suite:x} {self.group:x}":
            self.begin_anew()
        self.version = ssl.TLSVersion.TLSv1_2 if self.suite == 0xC02B else ssl.TLSVersion.TLSv1_3
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for context in client, server:
            context.minimum_version = context.maximum_version = self.version
            if self.suite == 0xC02B:
                context.set_ciphers(SUITES[self.suite])
        client.load_verify_locations(f"{self.pki}/{key}/ca.pem")
        chain = "server" if key == "minimal" else "server-chain"
        server.load_cert_chain(f"{self.pki}/{key}/{chain}.pem", f"{self.pki}/{key}/server.key")
        if self.version == ssl.TLSVersion.TLSv1_3:
            server.num_tickets = self.resume
        elif not self.resume:
            server.options |= ssl.OP_NO_TICKET
        self.contexts = client, server
        return {}

    def begin_anew(self):
        if MARK in os.environ:
            os.close(settings_file())
        settings = os.memfd_create("openssl.cnf", 0)
        os.write(settings, settings_for(self.suite, self.group).encode())
        os.environ["OPENSSL_CONF"] = f"/proc/self/fd/{settings}"
        os.environ[MARK] = f"{self.suite:x} {self.group:x}"
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, os.path.abspath(__file__), self.pki, self.set_line])

    def open(self):
        if self.contexts is None:
            raise Failure("nothing is set")
        client, server = self.contexts
        pair = End(client, server_hostname="localhost", session=self.session), End(server, server_side=True)
        client, server = pair
        done = [False, False]
        while True:
            done[0] = done[0] or client.shake_hands()
            moved = carry(client, server)
            done[1] = done[1] or server.shake_hands()
            moved += carry(server, client)
            if moved == 0:
                break
        if done != [True, True]:
            raise Failure("the handshake did not end")
        return pair

    def check(self, end, role):
        version = "TLSv1.2" if self.suite == 0xC02B else "TLSv1.3"
        if end.tls.version() != version:
            raise Failure(f"the {role} says version {end.tls.version()}")
        if end.tls.cipher()[0] != SUITES[self.suite]:
            raise Failure(f"the {role} says suite {end.tls.cipher()[0]}, {SUITES[self.suite]} was asked for")
        # Since 3.15.
        group = end.tls.group() if hasattr(end.tls, "group") else None
        if group is not None and group.lower() != GROUPS[self.group].lower():
            raise Failure(f"the {role} says group {group}, {GROUPS[self.group]} was asked for")

    def connect(self):
        pair = self.open()
        self.check(pair[0], "client")
        self.check(pair[1], "server")
        return pair

    def connection(self):
        if self.current is None:
            self.current = self.connect()
        return self.current

    def talk(self, pair, length):
        exchange(pair, length, length, self.desk, True)

    def keep_session(self, pair):
        """A ticket comes with the first plain bytes of the server's at the latest."""
        client, server = pair
        move(server, client, 1, self.desk, True)
        self.session = client.tls.session

    def move(self, way, length, count):
        known(way)
        pair, length = self.connection(), int(length)
        return work_slice(int(count), lambda compare: moves(pair, length, self.desk, compare))

    def exchange(self, way, request, response, count):
        known(way)
        pair, request, response = self.connection(), int(request), int(response)
        return work_slice(int(count), lambda compare: exchange(pair, request, response, self.desk, compare))

    def checked_handshake(self, resumed):
        pair = self.connect()
        if any(end.tls.session_reused != resumed for end in pair):
            raise Failure("a handshake was not resumed" if resumed else "a handshake was resumed")
        if self.resume:
            self.keep_session(pair)

    def handshake(self, count):
        # The first one has nothing to resume, unless an earlier slice left a session.
        if self.resume:
            self.keep_session(self.connect())
        self.checked_handshake(bool(self.resume))
        start = reading()
        for _ in range(int(count)):
            pair = self.open()
            if self.resume:
                self.keep_session(pair)
        end = reading()
        self.checked_handshake(bool(self.resume))
        return cost(start, end, int(count))

    def threads(self, way, length, number, windows):
        known(way)
        return self.handshake_threads(number, windows)

    def handshake_threads(self, number, windows):
        """There is no window in which two threads have a core each."""
        return {"refused": "one thread at a time has the interpreter"}

    def idle_pair(self):
        """A connection that has been used, and to which nothing happens any more."""
        pair = self.connect()
        self.talk(pair, TALK)
        return pair

    def warm_up(self):
        """What the first connections of a process leave for those that follow is not theirs."""
        self.current = None
        for _ in range(64):
            self.idle_pair()

    def by_malloc(self, line):
        """The answer of a process of which every allocation is malloc's, or None in that process."""
        if os.environ.get("PYTHONMALLOC") == "malloc":
            return None
        if self.contexts is None:
            raise Failure("nothing is set")
        child = subprocess.run(
            [sys.executable, os.path.abspath(__file__), self.pki],
            input=f"{self.set_line}\n{line}\n",
            env={**os.environ, "PYTHONMALLOC": "malloc"},
            pass_fds=[settings_file()],
            stdout=subprocess.PIPE,
            text=True,
        )
        answer = json.loads(child.stdout.splitlines()[-1])
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def idle(self, count):
        """count connections are count / 2 pairs. Clients go first, so that both roles are told apart."""
        if (answer := self.by_malloc(f"idle {count}")) is not None:
            return answer
        self.warm_up()
        half = int(count) // 2
        clients, servers = [None] * half, [None] * half
        before = held_now()
        for i in range(half):
            clients[i], servers[i] = self.idle_pair()
        both = held_now()
        for i in range(half):
            clients[i] = None
        one = held_now()
        for i in range(half):
            servers[i] = None
        after = held_now()
        return {
            "connections": int(count),
            "heap": (both[0] - before[0]) / (2 * half),
            "resident": (both[1] - before[1]) / (2 * half),
            "heap_client": (both[0] - one[0]) / half,
            "heap_server": (one[0] - before[0]) / half,
            "left": (after[0] - before[0]) / (2 * half),
        }

    def crowd(self, way, length, idle, count):
        """Of idle connections only servers are here. They stay for the next command, if it asks for as many."""
        known(way)
        if len(self.idle_servers) != int(idle):
            self.idle_servers = []
            self.idle_servers = [self.idle_pair()[1] for _ in range(int(idle))]
        return self.move(way, length, count)

    def churn(self, count):
        if (answer := self.by_malloc(f"churn {count}")) is not None:
            return answer
        self.warm_up()
        before = held_now()
        for _ in range(int(count) // 2):
            self.talk(self.connect(), 1024)
        after = held_now()
        return {
            "connections": int(count),
            "left": (after[0] - before[0]) / int(count),
            "left_resident": (after[1] - before[1]) / int(count),
        }

    COMMANDS = {
        "hello": 0,
        "set": 4,
        "move": 3,
        "exchange": 4,
        "handshake": 1,
        "threads": 4,
        "handshake_threads": 2,
        "idle": 1,
        "crowd": 4,
        "churn": 1,
    }

    def obey(self, line):
        name, *arguments = line.split() or [""]
        if self.COMMANDS.get(name) != len(arguments):
            raise Failure(f"not a command: {line}")
        return getattr(self, name)(*arguments)


def known(way):
    if way != WAY:
        raise Failure(f"there is no way '{way}'")


def lines():
    """Reads no more than a line, for the process that may come after this one."""
    line = b""
    while byte := os.read(0, 1):
        line += byte
        if byte == b"\n":
            yield line.decode().rstrip("\n")
            line = b""


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {sys.argv[0]} PKI_DIRECTORY (made by tests/pki/make.sh), commands on standard input")
    worker = Worker(sys.argv[1])

    def answer(line):
        print(json.dumps(worker.obey(line)), flush=True)

    try:
        # The command that begin_anew() was called for.
        for line in sys.argv[2:]:
            answer(line)
        for line in lines():
            answer(line)
    except Exception as failure:
        print(json.dumps({"error": f"{type(failure).__name__}: {failure}"}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
