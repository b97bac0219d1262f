"""What all interop tests share: the table of facts, test data, and tables of cases."""

import random
import re
import ssl
import tempfile
import time
import unittest
from pathlib import Path

import patience
from process import Ours
from settings import pki, settings

ALGORITHMS = ("rsa", "ecdsa", "ed25519")
VERSIONS = ("1.2", "1.3")
VERSION_IDS = {"1.2": "0x0303", "1.3": "0x0304"}

X25519 = "0x001d"
P256 = "0x0017"
P384 = "0x0018"
X25519MLKEM768 = "0x11ec"

BULK = 200_000

# Every certificate chain in every version, with and without a client certificate: (label, version, algorithm, with).
IDENTITIES = [
    (f"{version} {algorithm}{' client certificate' if client else ''}", version, algorithm, client)
    for version in VERSIONS
    for algorithm in ALGORITHMS
    for client in (False, True)
]

# The other ways of wire bytes into and out of the library than feeding and peeking.
WAYS = [
    (f"{version} {way_in} and {way_out}", version, way_in, way_out)
    for version in VERSIONS
    for way_in in ("feed", "window", "place")
    for way_out in ("peek", "copy", "direct")
    if (way_in, way_out) != ("feed", "peek")
] + [(f"{version} vectored", version, "vectored", "vectored") for version in VERSIONS]

# Records of other shapes than the engine's own: (label, version, settings of our peer).
RECORD_SETTINGS = [
    (f"{version} {' '.join(settings)}", version, settings)
    for version in VERSIONS
    for settings in (
        {"cork": True},
        {"record_size": "64"},
        {"ramp_size": "1369", "ramp_bytes": "30000"},
        {"padding": "16384"},
        {"cork": True, "record_size": "1000", "padding": "256"},
    )
]


def certificates(name):
    """The certificates of a PEM file as hexadecimal DER, the form in which our peer reports them."""
    blocks = re.findall("-----BEGIN.*?-----END CERTIFICATE-----", (settings.pki / name).read_text(), re.S)
    return [ssl.PEM_cert_to_DER_cert(block).hex() for block in blocks]


def pattern(size=BULK, seed=1):
    return random.Random(seed).randbytes(size)


def pattern_lines(size=BULK, seed=1):
    """Printable lines, for peers that only deal in text."""
    choice = random.Random(seed)
    lines = []
    while size > 0:
        line = "".join(choice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=choice.randint(20, 400)))
        lines.append(line[: size - 1] + "\n")
        size -= len(lines[-1])
    return "".join(lines).encode()


def rows(*table):
    """Marks a test method that is run once for every row. A row is (label, arguments...)."""

    def mark(method):
        method.rows = table
        return method

    return mark


class InteropTest(unittest.TestCase):
    """A test case that owns its processes and expands its tables."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name, method in list(vars(cls).items()):
            if hasattr(method, "rows"):
                delattr(cls, name)
                for label, *arguments in method.rows:
                    cls._add(f"{name} {label}", method, arguments)

    @classmethod
    def _add(cls, name, method, arguments):
        if name in vars(cls):
            raise ValueError(f"two cases are called {name!r}")
        setattr(cls, name, lambda self: method(self, *arguments))

    def setUp(self):
        self.processes = []
        directory = tempfile.TemporaryDirectory(dir=settings.scratch)
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def tearDown(self):
        for process in self.processes:
            process.close()

    def start(self, process):
        self.processes.append(process)
        return process

    def our_server(self, **options):
        if "chain" not in options:
            options |= {"chain": pki("ecdsa/server-chain.pem"), "key": pki("ecdsa/server.key")}
        return self.start(Ours("server", "127.0.0.1:0", **options))

    def our_client(self, port, **options):
        options.setdefault("trust", pki("trust/all.pem"))
        return self.start(Ours("client", f"127.0.0.1:{port}", **options))

    def file_with(self, content, name="content"):
        path = self.directory / name
        path.write_bytes(content)
        return str(path)

    def stories(self):
        return "\n".join(process.story() for process in getattr(self, "processes", []))

    def expect(self, report, **facts):
        """Compares the named facts of a report, all of them at once."""
        different = [
            f"{name} is {report[name]!r}, not {value!r}" for name, value in facts.items() if report[name] != value
        ]
        if different:
            self.fail("our peer: " + "; ".join(different) + f" (message: {report['message']!r})")

    def expect_text(self, process, *fragments):
        """The peer may report after our own has ended: that is waited for, as long as it has not ended itself."""
        hang = time.monotonic() + patience.SECONDS
        text, waits = "", True
        while waits and not all(fragment in text for fragment in fragments):
            # What it prints at last is looked for once more.
            waits = process.talks() and time.monotonic() < hang
            text = process.text()
            if waits:
                time.sleep(0.02)
        for fragment in fragments:
            self.assertIn(fragment, text, "the peer did not report it")

    def expect_same(self, got, sent):
        """Without the megabyte of difference that assertEqual would print."""
        if got != sent:
            where = next((i for i, (a, b) in enumerate(zip(got, sent)) if a != b), min(len(got), len(sent)))
            self.fail(f"{len(got)} bytes came for {len(sent)}, different from byte {where} on")
