"""The libraries that are compared: where each comes from, and how its driver becomes a program."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
ROOT = BENCHES.parent
# Programs, peers and what is in between. Nothing of it is committed.
BUILT = ROOT / "target" / "benches" / "compare"
LIBRARY = ROOT / "target" / "release"
WORKER = [BENCHES / "worker" / name for name in ("worker.c", "work.c", "at_once.c", "tally_reader.c")]
C_FLAGS = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", f"-I{BENCHES / 'worker'}"]


class CannotBuild(Exception):
    """Its text is what the report says about the library."""


def run(command, log, **options):
    """Runs what builds something; its output goes into a file, and its end into the exception."""
    with open(log, "w") as output:
        done = subprocess.run([str(word) for word in command], stdout=output, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        lines = [line for line in Path(log).read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()] or lines or [f"exit code {done.returncode}"]
        raise CannotBuild(f"{errors[0].strip()} ({os.path.relpath(log, ROOT)})")


def newest(paths):
    return max((path.stat().st_mtime for path in paths), default=0)


@dataclass
class Library:
    """One contestant's program. `quick` says whether it is built in a quick run too."""

    key: str
    quick: bool = True

    @property
    def program(self):
        return [str(BUILT / self.key)]

    def build(self):
        raise NotImplementedError

    def log(self):
        return BUILT / f"{self.key}.log"


@dataclass
class CDriver(Library):
    """A driver in C, and a library that the system or this tree has."""

    source: str = ""
    packages: tuple = ()  # of pkg-config
    flags: tuple = ()

    def build(self):
        source = BENCHES / "drivers" / self.source
        flags = list(self.flags)
        if self.packages:
            for option in ("--cflags", "--libs"):
                found = subprocess.run(["pkg-config", option, *self.packages], capture_output=True, text=True)
                if found.returncode != 0:
                    raise CannotBuild(f"no development files: {' '.join(self.packages)}")
                flags += found.stdout.split()
        target = BUILT / self.key
        needs = [*WORKER, source, *(BENCHES / "worker").glob("*.h")]
        if target.exists() and target.stat().st_mtime > newest(needs):
            return
        run(["cc", *C_FLAGS, *WORKER, source, *flags, "-lpthread", "-o", target], self.log())


@dataclass
class Crate(Library):
    """A library that cargo builds, with its driver: a member of the workspace benches/peers."""

    quick: bool = False

    def build(self):
        peers = ROOT / "target" / "benches" / "peers"
        command = ["cargo", "build", "--release", "--locked", "--manifest-path", BENCHES / "peers" / "Cargo.toml"]
        run([*command, "-p", f"{self.key}-worker"], self.log(), env={**os.environ, "CARGO_TARGET_DIR": str(peers)})
        shutil.copy2(peers / "release" / f"{self.key}-worker", BUILT / self.key)


@dataclass
class Go(Library):
    """crypto/tls, by the Go toolchain that scripts/find-go.sh finds."""

    def build(self):
        found = subprocess.run([ROOT / "scripts" / "find-go.sh"], capture_output=True, text=True)
        if found.returncode != 0:
            raise CannotBuild("no Go toolchain")
        run(
            [found.stdout.strip(), "build", "-o", BUILT / self.key, "."],
            self.log(),
            cwd=BENCHES / "drivers" / "go",
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )


@dataclass
class Script(Library):
    """A driver that Python runs."""

    source: str = ""

    @property
    def program(self):
        return ["python3", str(BENCHES / "drivers" / self.source)]

    def build(self):
        if shutil.which("python3") is None:
            raise CannotBuild("no Python")


@dataclass
class Contestant:
    """A library by one of its ways: one line of the tables."""

    library: str
    way: str
    label: str
    ours: bool = False
    key: str = field(init=False)

    def __post_init__(self):
        self.key = f"{self.library}/{self.way}"


OURS = CDriver(
    "libtlsbio",
    source="tlsbio.c",
    flags=(f"-I{ROOT / 'include'}", f"-L{LIBRARY}", "-ltlsbio", f"-Wl,-rpath,{LIBRARY}"),
)

LIBRARIES = [
    Crate("aead", quick=True),
    OURS,
    Crate("rustls"),
    Crate("boringssl"),
    CDriver("openssl", source="memory_bio.c", packages=("openssl",)),
    Crate("rustls-ffi"),
    Crate("s2n"),
    CDriver("gnutls", source="gnutls.c", packages=("gnutls",)),
    CDriver("wolfssl", source="wolfssl.c", packages=("wolfssl",)),
    CDriver("mbedtls", source="mbedtls.c", flags=("-lmbedtls", "-lmbedx509", "-lmbedcrypto")),
    Go("go"),
    Script("cpython", source="cpython.py"),
]

CONTESTANTS = [
    Contestant("aead", "aead", "AES-GCM of aws-lc alone"),
    Contestant("libtlsbio", "in-place", "libtlsbio, in place", ours=True),
    Contestant("libtlsbio", "window", "libtlsbio, window and peek", ours=True),
    Contestant("libtlsbio", "copy", "libtlsbio, copies", ours=True),
    Contestant("rustls", "in-place", "rustls, in Rust"),
    Contestant("boringssl", "memory-bio", "BoringSSL, memory BIOs"),
    Contestant("openssl", "memory-bio", "OpenSSL, memory BIOs"),
    Contestant("rustls-ffi", "callbacks", "rustls-ffi"),
    Contestant("s2n", "callbacks", "s2n-tls"),
    Contestant("gnutls", "callbacks", "GnuTLS"),
    Contestant("wolfssl", "callbacks", "wolfSSL"),
    Contestant("mbedtls", "callbacks", "Mbed TLS"),
    Contestant("go", "conn", "Go crypto/tls"),
    Contestant("cpython", "memory-bio", "CPython ssl"),
]


def build_tally():
    """What counts allocations and copies, loaded before the program's own libraries."""
    target = BUILT / "tally.so"
    flags = [*C_FLAGS, "-fno-tree-loop-distribute-patterns", "-fno-builtin", "-fPIC", "-shared"]
    run(["cc", *flags, BENCHES / "worker" / "tally.c", "-o", target], BUILT / "tally.log")
    return target
