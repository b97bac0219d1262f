"""The libraries that are compared: where each comes from, and how its driver becomes a program."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
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


@cache
def sources():
    """{crate: where its source is}, of those that bring the source of a library in C."""
    manifest = BENCHES / "peers" / "sources" / "Cargo.toml"
    host = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout.split("host: ")[1].split()[0]
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host, "--manifest-path", manifest]
    found = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if found.returncode != 0:
        raise CannotBuild(f"its source cannot be had: {found.stderr.strip().splitlines()[-1]}")
    return {one["name"]: Path(one["manifest_path"]).parent for one in json.loads(found.stdout)["packages"]}


@dataclass
class Source(CDriver):
    """A driver in C, and a library whose source a crate brings and whose own build system builds it. Each step is a command,
    in which {source} and {room} are directories: the source is only read, or copied into the room if the build writes into it."""

    quick: bool = False
    crate: str = ""
    within: str = ""
    copied: bool = False
    steps: tuple = ()
    archives: tuple = ()  # in the room, in the order for the linker
    includes: tuple = ()  # "{source}/…" or "{room}/…"

    def prepare(self):
        """Builds the library, unless it is there; returns what a program is compiled with."""
        crate = sources()[self.crate]
        # Its name has the version.
        room = ROOT / "target" / "benches" / "sources" / crate.name
        source = room if self.copied else crate / self.within
        places = {"source": source, "room": room, "jobs": os.cpu_count()}
        done = room / "built"
        if not done.exists():
            shutil.rmtree(room, ignore_errors=True)
            if self.copied:
                shutil.copytree(crate / self.within, room)
            room.mkdir(parents=True, exist_ok=True)
            for step in self.steps:
                run([word.format(**places) for word in step], self.log(), cwd=room)
            done.touch()
            Path(self.program[0]).unlink(missing_ok=True)
        return (
            *(f"-I{one.format(**places)}" for one in self.includes),
            *(str(room / archive) for archive in self.archives),
            *self.flags,
        )

    def build(self):
        self.flags = self.prepare()
        super().build()


@dataclass
class Crate(Library):
    """A library that cargo builds, with its driver: a member of the workspace benches/peers."""

    quick: bool = False
    member: str = ""  # if it is not named after the library
    features: str = ""

    def build(self):
        worker = f"{self.member or self.key}-worker"
        peers = ROOT / "target" / "benches" / "peers"
        command = ["cargo", "build", "--release", "--locked", "--manifest-path", BENCHES / "peers" / "Cargo.toml"]
        command += ["-p", worker, "--features", self.features]
        run(command, self.log(), env={**os.environ, "CARGO_TARGET_DIR": str(peers)})
        shutil.copy2(peers / "release" / worker, BUILT / self.key)


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

OPENSSL = Source(
    "openssl",
    source="memory_bio.c",
    crate="openssl-src",
    within="openssl",
    steps=(
        # What the crate does not bring is left out; all else is as it is by default.
        ("perl", "{source}/Configure", "no-shared", "no-tests", "no-apps", "no-docs", "no-legacy"),
        ("make", "-j{jobs}", "build_libs"),
    ),
    includes=("{room}/include", "{source}/include"),
    archives=("libssl.a", "libcrypto.a"),
    flags=("-ldl",),
)
AWSLC = Source(
    "awslc",
    source="memory_bio.c",
    crate="aws-lc-sys",
    within="aws-lc",
    # Its configuration writes headers beside the others: cargo would build the crate anew, for everybody.
    copied=True,
    steps=(
        ("cmake", "-S", "{source}", "-B", ".", "-DCMAKE_BUILD_TYPE=Release", *(f"-D{what}" for what in (
            "DISABLE_GO=ON", "DISABLE_PERL=ON", "BUILD_TESTING=OFF", "BUILD_TOOL=OFF"
        ))),
        ("cmake", "--build", ".", "-j{jobs}", "--target", "ssl"),
    ),
    includes=("{source}/include",),
    archives=("ssl/libssl.a", "crypto/libcrypto.a"),
)
WOLFSSL = Source(
    "wolfssl",
    source="wolfssl.c",
    crate="wolfssl-sys",
    within="wolfssl-src",
    copied=True,
    steps=(
        ("sh", "./autogen.sh"),
        # With what the processor has, which is off by default.
        ("./configure", "--disable-shared", "--enable-static", "--disable-examples", "--disable-crypttests", *(
            f"--enable-{what}"
            for what in ("intelasm", "aesni", "sp", "sp-asm", "session-ticket", "opensslextra", "sni", "curve25519", "mlkem")
        )),
        ("make", "-j{jobs}"),
    ),
    includes=("{source}",),
    archives=("src/.libs/libwolfssl.a",),
    flags=("-lm",),
)
MBEDTLS = Source(
    "mbedtls",
    source="mbedtls.c",
    crate="mbedtls-rs-sys",
    within="mbedtls",
    steps=(
        # As it is by default, but for threads.
        ("cmake", "-S", "{source}", "-B", ".", "-DCMAKE_BUILD_TYPE=Release", "-DENABLE_PROGRAMS=OFF", "-DENABLE_TESTING=OFF",
         "-DCMAKE_C_FLAGS=-DMBEDTLS_THREADING_C -DMBEDTLS_THREADING_PTHREAD"),
        ("cmake", "--build", ".", "-j{jobs}"),
    ),
    includes=("{source}/include",),
    archives=("library/libmbedtls.a", "library/libmbedx509.a", "library/libmbedcrypto.a"),
    flags=("-DMBEDTLS_THREADING_C", "-DMBEDTLS_THREADING_PTHREAD"),
)

LIBRARIES = [
    Crate("aead", quick=True),
    OURS,
    Crate("rustls"),
    Crate("boringssl"),
    Crate("boringssl-bio", member="boringssl", features="host-bio"),
    OPENSSL,
    CDriver("openssl3", source="memory_bio.c", packages=("openssl",)),
    AWSLC,
    Crate("rustls-ffi"),
    Crate("s2n"),
    CDriver("gnutls", source="gnutls.c", packages=("gnutls",)),
    WOLFSSL,
    MBEDTLS,
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
    Contestant("boringssl-bio", "host-bio", "BoringSSL, a BIO of the host"),
    Contestant("openssl", "memory-bio", "OpenSSL 4.0, memory BIOs"),
    Contestant("openssl3", "memory-bio", "OpenSSL 3.0, memory BIOs"),
    Contestant("awslc", "memory-bio", "AWS-LC, memory BIOs"),
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
