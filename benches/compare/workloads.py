"""The one description of the work. docs/benchmarks.md explains it to people."""

from dataclasses import dataclass

X25519, HYBRID = "1d", "11ec"
AES128, AES256, TLS12 = "1301", "1302", "c02b"


@dataclass(frozen=True)
class Setting:
    """What is agreed on: a worker's `set`."""

    key: str = "ecdsa"
    suite: str = AES128
    group: str = X25519
    resume: int = 0

    @property
    def command(self):
        return f"set {self.key} {self.suite} {self.group} {self.resume}"


USUAL = Setting()
# A certificate with nothing in it but key, name and signature: what connections hold is then the library's.
SMALL = Setting(key="minimal")


@dataclass(frozen=True)
class Workload:
    """A command of which only the count is open. `{way}` is the contestant's."""

    key: str
    title: str
    command: str
    setting: Setting = USUAL
    # Of one unit.
    bytes: int = 0
    # AES-GCM alone has no connections: it can do moves only.
    moves: bool = True
    quick: bool = True


def size(length):
    if length >= 1 << 20:
        return f"{length >> 20} MiB"
    return f"{length >> 10} KiB" if length >= 1024 else f"{length} B"


def move(length, setting=USUAL, key="move", quick=True):
    return Workload(f"{key}-{length}", size(length), f"move {{way}} {length}", setting, length, quick=quick)


MOVES = [move(length) for length in (64, 256, 1024, 16384, 65536, 1 << 20)]
# One record each: what a record costs, and what a byte.
RECORDS = [move(length, quick=False) for length in (2048, 4096, 8192)]
AES256_MOVES = [move(length, Setting(suite=AES256), "aes256", quick=False) for length in (64, 1024, 16384, 65536)]
TLS12_MOVES = [move(length, Setting(suite=TLS12), "tls12", quick=False) for length in (64, 1024, 16384, 65536)]
EXCHANGE = Workload("exchange", "request 100 B, response 1 KiB", "exchange {way} 100 1024", bytes=1124, moves=False)
HANDSHAKES = [
    Workload("full-ecdsa-x25519", "full, ECDSA P-256, X25519", "handshake", Setting(), moves=False),
    Workload("full-ecdsa-hybrid", "full, ECDSA P-256, X25519MLKEM768", "handshake", Setting(group=HYBRID), moves=False),
    Workload("full-rsa-x25519", "full, RSA-2048, X25519", "handshake", Setting(key="rsa"), moves=False, quick=False),
    Workload(
        "full-rsa-hybrid",
        "full, RSA-2048, X25519MLKEM768",
        "handshake",
        Setting(key="rsa", group=HYBRID),
        moves=False,
        quick=False,
    ),
    Workload("resumed-x25519", "resumed, X25519", "handshake", Setting(resume=1), moves=False),
    Workload(
        "resumed-hybrid", "resumed, X25519MLKEM768", "handshake", Setting(group=HYBRID, resume=1), moves=False, quick=False
    ),
]


@dataclass(frozen=True)
class AtOnce:
    """The same on one thread alone and on two at once, over one context for all of them."""

    key: str
    title: str
    command: str
    setting: Setting = USUAL
    moves: bool = True

    @property
    def workload(self):
        # The count of this one is that of its rounds.
        return Workload(self.key, self.title, f"{self.command} {THREADS}", self.setting, moves=self.moves)


THREADS = 2
AT_ONCE = [
    *(AtOnce(f"threads-{length}", size(length), f"threads {{way}} {length}") for length in (64, 16384)),
    AtOnce("threads-full", "full handshake", "handshake_threads", moves=False),
    AtOnce("threads-resumed", "resumed handshake", "handshake_threads", Setting(resume=1), moves=False),
]
# What AES-GCM alone does in turns with them.
BESIDE_HANDSHAKES = AtOnce("beside-handshakes", size(16384), "threads {way} 16384")
ALL = [*MOVES, *RECORDS, EXCHANGE, *AES256_MOVES, *TLS12_MOVES, *HANDSHAKES]
# Of which allocations and copies are counted.
COUNTED = [one for one in ALL if one in MOVES or one in (EXCHANGE, HANDSHAKES[0])]
