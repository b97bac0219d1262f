"""Runs suites that others wrote with our context in the place of OpenSSL's on one side.

    run.py SUITE... [--side client|server|both|none] [--at-once N] [--match TEXT]

Each test runs in a process of its own with a time limit, some at a time: a fork of one that has imported and collected.
The outcome is compared with inapplicable.txt: a test that fails must be listed there, with a reason, and one that is
listed must fail, or is not run if the reason says so, unless its suite has a "?". Side "none" runs without us.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
SOURCES = ROOT / "target" / "python-suites"
# Seconds for a test. The slowest takes 20 on a machine with nothing else to do.
PATIENCE = int(os.environ.get("TLSBIO_PATIENCE") or 1)
LIMIT = 150 * PATIENCE
# Most of what tests do is to wait.
AT_ONCE = 4


@dataclass
class Suite:
    """A suite: where its tests are, and how they are run."""

    # unittest names that are loaded, or files for pytest.
    tests: list[str]
    pytest: bool = False
    # The package whose sdist holds the tests; None for the standard library.
    package: str | None = None
    sides: list[str] = field(default_factory=lambda: ["client", "server"])
    # Why there is nothing to run with that side ours.
    not_on: dict[str, str] = field(default_factory=dict)
    # Parts of the names of the tests, or of their fixtures, that are about TLS; all if empty.
    about: list[str] = field(default_factory=list)
    # Further options of pytest.
    options: list[str] = field(default_factory=list)
    # What fixtures of the suite answer here, in the place of what they find out by means that the engine has not.
    fixtures: dict[str, list[str]] = field(default_factory=dict)
    # Names in its modules that are other numbers here: limits for a machine that has nothing else to do.
    numbers: dict[str, float] = field(default_factory=dict)
    # Whether it makes connections, so that none of ours would mean that it was run without us.
    connects: bool = True


SUITES = {
    "asyncio_ssl": Suite(["test.test_asyncio.test_ssl"]),
    "asyncio_sslproto": Suite(["test.test_asyncio.test_sslproto"], sides=["both"]),
    "ssl": Suite(
        [
            f"test.test_ssl.{name}"
            for name in (
                "BasicSocketTests",
                "ContextTests",
                "MemoryBIOTests",
                "SSLErrorTests",
                "SSLObjectTests",
                "SimpleBackgroundTests",
                "TestPostHandshakeAuth",
                "TestPreHandshakeClose",
                "TestSSLDebug",
                "ThreadedTests",
            )
        ],
    ),
    # The modules that take a context and wrap sockets with it: those of their tests that do.
    "httplib": Suite(["test.test_httplib.HTTPSTest"]),
    "ftplib": Suite([f"test.test_ftplib.TestTLS_FTPClass{more}" for more in ("", "Mixin")]),
    "poplib": Suite([f"test.test_poplib.TestPOP3_{what}Class" for what in ("SSL", "TLS")]),
    "imaplib": Suite([f"test.test_imaplib.{name}" for name in ("NewIMAPSSLTests", "ThreadedNetworkedTestsSSL")]),
    # Its tests use no TLS: tests/test_blocking_hosts.py does that.
    "smtplib": Suite(["test.test_smtplib"], sides=["both"], connects=False),
    "uvloop": Suite(["tests.test_tcp.Test_UV_TCPSSL", "tests.test_tcp.Test_AIO_TCPSSL"], package="uvloop"),
    "anyio": Suite(["tests/streams/test_tls.py"], pytest=True, package="anyio"),
    # Its tests come with it.
    "trio": Suite(
        ["trio._tests.test_ssl", "trio._tests.test_highlevel_ssl_helpers"],
        pytest=True,
        options=["-p", "trio._tests.pytest_plugin", "--pyargs"],
    ),
    "tornado": Suite(
        [
            f"tornado.test.{name}"
            for name in (
                "httpserver_test.SSLTest",
                "httpserver_test.SSLXHeaderTest",
                "iostream_test.TestIOStreamSSL",
                "iostream_test.TestIOStreamSSLContext",
                "iostream_test.TestIOStreamStartTLS",
                "iostream_test.TestIOStreamWebHTTPS",
                "simple_httpclient_test.SimpleHTTPSClientTestCase",
            )
        ],
    ),
    "gevent": Suite(["gevent.tests.test__ssl"]),
    "urllib3": Suite(
        ["test/test_ssltransport.py"],
        pytest=True,
        package="urllib3",
        sides=["client"],
        not_on={"server": "its servers choose their engine themselves"},
    ),
    "urllib3_https": Suite(
        ["test/with_dummyserver/test_https.py"],
        pytest=True,
        package="urllib3",
        # It would connect with TLS 1.0 and 1.1 to see whether they are there.
        fixtures={"supported_tls_versions": ["TLSv1.2", "TLSv1.3"]},
        # How long a connection may take that comes about: a tenth of a second.
        numbers={"LONG_TIMEOUT": LIMIT / 3},
    ),
    "requests": Suite(
        ["tests/test_requests.py"],
        pytest=True,
        package="requests",
        about=["ssl", "tls", "https", "secure", "nosan", "cert", "verify"],
    ),
    "aiohttp": Suite(
        [
            f"tests/test_{name}.py"
            for name in (
                "client_fingerprint",
                "client_functional",
                "client_ws_functional",
                "connector",
                "proxy_functional",
                "run_app",
                "web_functional",
                "web_sendfile_functional",
            )
        ],
        pytest=True,
        package="aiohttp",
        about=["ssl", "tls", "https", "fingerprint", "certificate"],
        # Warnings of aiohttp about itself, which fail six of its tests without us as well.
        options=[
            option
            for about in ("BasicAuth is", "The 'auth' parameter is", "The 'proxy_auth' parameter is")
            for option in ("-W", f"ignore:{about} deprecated:DeprecationWarning")
        ],
    ),
    # Its tests make contexts, and connect to nobody over TLS: tests/test_hosts.py does that.
    "httpx": Suite(["tests/test_config.py"], pytest=True, package="httpx", sides=["both"], connects=False),
}


def source_of(package: str) -> Path:
    """The unpacked sdist of the installed version of a package."""
    version = importlib.metadata.version(package)
    folder = SOURCES / f"{package}-{version}"
    if not folder.exists():
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--no-binary", package, "--dest", str(SOURCES), f"{package}=={version}"],
            check=True,
        )  # fmt: skip
        (archive,) = SOURCES.glob(f"{package}-{version}.tar.gz")
        # What a run has left that was ended here is taken for nothing.
        with tempfile.TemporaryDirectory(dir=SOURCES) as room:
            with tarfile.open(archive) as tar:
                # Python 3.11.2, which Debian 12 has, does not know filters yet. pip has compared the archive's hash.
                safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                tar.extractall(room, **safely)
            made = Path(room) / folder.name
            # The installed package is tested, not its sources, which lie where Python would look first.
            shutil.rmtree(made / package, ignore_errors=True)
            made.rename(folder)
    return folder


def environment(side: str) -> dict[str, str]:
    """With our context put in on that side."""
    path = [str(HERE / "side"), *filter(None, [os.environ.get("PYTHONPATH")])]
    shown = "" if side == "none" else side
    # In seconds; what tornado allows to each of its tests.
    patience = {"ASYNC_TEST_TIMEOUT": str(LIMIT)}
    return {**os.environ, **patience, "TLSBIO_SUITE_SIDE": shown, "PYTHONPATH": os.pathsep.join(path)}


def answers_of(
    suite: Suite, folder: Path, side: str, cut: dict[str, str], match: str, at_once: int
) -> list[dict[str, Any]]:
    """What each test of the suite answered, with that side ours, those that are not run included."""
    with tempfile.TemporaryDirectory() as temporary:
        answers, output = Path(temporary) / "answers", Path(temporary) / "output"
        wanted = {
            "tests": suite.tests,
            "pytest": suite.pytest,
            "about": suite.about,
            "options": suite.options,
            "fixtures": suite.fixtures,
            "numbers": suite.numbers,
            "patience": PATIENCE,
            "cut": list(cut.items()),
            "match": match,
            "at_once": at_once,
            "limit": LIMIT,
            "answers": str(answers),
        }
        with output.open("w") as told:
            done = subprocess.run(
                [sys.executable, str(HERE / "warm.py")],
                input=json.dumps(wanted),
                text=True,
                cwd=folder,
                env=environment(side),
                stdout=told,
                stderr=subprocess.STDOUT,
            )
        found = [json.loads(line) for line in answers.read_text().splitlines()] if answers.exists() else []
        if done.returncode != 0 or not found or any("_FailedTest" in one["name"] for one in found):
            sys.exit(f"the tests could not be run (status {done.returncode}): {output.read_text()}")
    return sorted(found, key=lambda one: str(one["name"]))


def inapplicable(suite: str, side: str) -> tuple[dict[str, str], set[str]]:
    """Patterns of the tests that cannot pass here, with the reasons; and those of which some may pass, or not exist."""
    found, optional = {}, set()
    for line in (HERE / "inapplicable.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            which, sides, pattern, reason = line.split(None, 3)
            if which.removesuffix("?") == suite and side in sides.split(","):
                found[pattern] = reason
                if which.endswith("?"):
                    optional.add(pattern)
    return found, optional


def run_side(name: str, suite: Suite, folder: Path, side: str, arguments: argparse.Namespace) -> int:
    """How many tests of a suite ended otherwise than they should."""
    begun = time.monotonic()
    listed, optional = ({}, set()) if side == "none" else inapplicable(name, side)
    cut = {pattern: reason for pattern, reason in listed.items() if reason.startswith("not run")}
    met = set()
    counts = dict.fromkeys(("passed", "failed", "skipped", "inapplicable"), 0)
    ours = 0
    for answer in answers_of(suite, folder, side, cut, arguments.match, arguments.at_once):
        test, outcome, why = answer["name"], answer["outcome"], answer["why"]
        ours += answer.get("ours", 0)
        pattern = next((each for each in listed if fnmatch.fnmatchcase(test, each)), None)
        met.add(pattern)
        if outcome == "cut" or (pattern is not None and outcome == "failed"):
            outcome, why = "inapplicable", listed[str(pattern)]
        elif pattern is not None and pattern not in optional and outcome == "passed":
            outcome, why = "failed", "it is listed as inapplicable, and passes"
        counts[outcome] += 1
        shown = "FAILED" if outcome == "failed" else outcome
        print(f"{shown:12} {side:6} {answer['seconds']:6.2f} s  {test}{f': {why}' if why else ''}", flush=True)
    if not arguments.match:
        for pattern in sorted(set(listed) - met - optional):
            counts["failed"] += 1
            print(f"FAILED       {side:6} inapplicable.txt has {pattern}, which is no test")
        if ours == 0 and suite.connects and side != "none":
            counts["failed"] += 1
            print(f"FAILED       {side:6} no connection was ours")
    words = ", ".join(f"{number} {what}" for what, number in counts.items())
    seconds = time.monotonic() - begun
    print(f"{name}, {side} side ours: {words} ({ours} connections were ours, {seconds:.0f} s)", flush=True)
    return counts["failed"]


def main() -> int:
    """Runs what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+", choices=SUITES, metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--side", choices=["client", "server", "both", "none"])
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    parser.add_argument("--match", default="")
    arguments = parser.parse_args()
    SOURCES.mkdir(parents=True, exist_ok=True)
    unexpected = 0
    for name in arguments.suites:
        suite = SUITES[name]
        folder = source_of(suite.package) if suite.package else ROOT / "target"
        for side in [arguments.side] if arguments.side else suite.sides:
            unexpected += run_side(name, suite, folder, side, arguments)
        for side, reason in suite.not_on.items():
            print(f"{name}, {side} side ours: nothing to run: {reason}", flush=True)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
