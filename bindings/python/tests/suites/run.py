"""Runs suites that others wrote with our context in the place of OpenSSL's on one side.

    run.py SUITE... [--side client|server|both] [--jobs N] [--match TEXT] [--verbose]

Each test runs in a process of its own with a time limit. The outcome is compared with inapplicable.txt: a test that
fails must be listed there, with a reason, and one that is listed must fail.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import fnmatch
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
SOURCES = ROOT / "target" / "python-suites"
LIMIT = 300


@dataclass
class Suite:
    """A suite: where its tests are, and how one is run."""

    # unittest names that are loaded, or files for pytest.
    tests: list[str]
    pytest: bool = False
    # The package whose sdist holds the tests; None for the standard library.
    package: str | None = None
    sides: list[str] = field(default_factory=lambda: ["client", "server"])
    # A part of the names of the tests that are about TLS; all if empty.
    keyword: str = ""


SUITES = {
    "asyncio_ssl": Suite(["test.test_asyncio.test_ssl"]),
    "asyncio_sslproto": Suite(["test.test_asyncio.test_sslproto"], sides=["both"]),
    "uvloop": Suite(["tests.test_tcp.Test_UV_TCPSSL", "tests.test_tcp.Test_AIO_TCPSSL"], package="uvloop"),
    "anyio": Suite(["tests/streams/test_tls.py"], pytest=True, package="anyio"),
    "urllib3": Suite(["test/test_ssltransport.py"], pytest=True, package="urllib3"),
    "aiohttp": Suite(
        ["tests/test_client_functional.py", "tests/test_connector.py", "tests/test_web_functional.py"],
        pytest=True,
        package="aiohttp",
        keyword="ssl or tls or https or fingerprint",
    ),
    "httpx": Suite(
        ["tests/client/test_async_client.py", "tests/test_config.py", "tests/test_main.py"],
        pytest=True,
        package="httpx",
    ),
}

LIST_UNITTEST = """
import sys, unittest
def names(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from names(test)
        else:
            yield test.id()
print("\\n".join(names(unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:]))))
"""


def source_of(package: str) -> Path:
    """The unpacked sdist of the installed version of a package."""
    version = importlib.metadata.version(package)
    folder = SOURCES / f"{package}-{version}"
    if not folder.exists():
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
             "--no-binary", package, "--dest", str(SOURCES), f"{package}=={version}"],
            check=True,
        )  # fmt: skip
        (archive,) = SOURCES.glob(f"{package}-{version}.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(SOURCES, filter="data")
        # The installed package is tested, not its sources, which lie where Python would look first.
        shutil.rmtree(folder / package, ignore_errors=True)
    return folder


def environment(side: str) -> dict[str, str]:
    """With our context put in on that side."""
    path = [str(HERE / "side"), *filter(None, [os.environ.get("PYTHONPATH")])]
    count = str(SOURCES / f"connections-{os.getpid()}")
    return {**os.environ, "TLSBIO_SUITE_COUNT": count, "TLSBIO_SUITE_SIDE": side, "PYTHONPATH": os.pathsep.join(path)}


def names_of(suite: Suite, folder: Path) -> list[str]:
    """The tests of a suite."""
    if not suite.pytest:
        command = [sys.executable, "-c", LIST_UNITTEST, *suite.tests]
    else:
        command = [*PYTEST, "--collect-only", "-q", *suite.tests]
        if suite.keyword:
            command += ["-k", suite.keyword]
    done = subprocess.run(command, cwd=folder, env=environment(""), capture_output=True, text=True)
    names = [line for line in done.stdout.splitlines() if not suite.pytest or "::" in line]
    if not names or any("_FailedTest" in name for name in names):
        sys.exit(f"no tests were found: {done.stdout}{done.stderr}")
    return names


PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts="]


def run_one(suite: Suite, folder: Path, name: str, side: str) -> tuple[str, str]:
    """"passed", "failed" or "skipped", and what was printed."""
    command = [*PYTEST, "-x", "-q", "-rs", name] if suite.pytest else [sys.executable, "-m", "unittest", "-v", name]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(side), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        return "failed", output + f"\nkilled after {LIMIT} s"
    if process.returncode != 0 and not (suite.pytest and process.returncode == 5):
        return "failed", output
    skipped = ("1 skipped" in output and " passed" not in output) if suite.pytest else "skipped=1" in output
    return ("skipped" if skipped else "passed"), output


def inapplicable(suite: str, side: str) -> dict[str, str]:
    """Patterns of the tests that cannot pass here, with the reasons."""
    found = {}
    for line in (HERE / "inapplicable.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            which, sides, pattern, reason = line.split(None, 3)
            if which == suite and side in sides.split(","):
                found[pattern] = reason
    return found


def main() -> int:
    """Runs what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+", choices=SUITES, metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--side", choices=["client", "server", "both", "none"])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--match", default="")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    SOURCES.mkdir(parents=True, exist_ok=True)
    unexpected = 0
    for suite_name in arguments.suites:
        suite = SUITES[suite_name]
        folder = source_of(suite.package) if suite.package else ROOT / "target"
        names = [name for name in names_of(suite, folder) if arguments.match in name]
        for side in [arguments.side] if arguments.side else suite.sides:
            unexpected += run_side(suite_name, suite, folder, names, side, arguments)
    return 1 if unexpected else 0


def run_side(
    suite_name: str, suite: Suite, folder: Path, names: list[str], side: str, arguments: argparse.Namespace
) -> int:
    """How many tests of a suite ended otherwise than they should."""
    listed = inapplicable(suite_name, side)
    counts = dict.fromkeys(("passed", "failed", "skipped", "inapplicable"), 0)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        shown_side = "" if side == "none" else side
        outcomes = pool.map(lambda name: run_one(suite, folder, name, shown_side), names)
        for name, (outcome, output) in zip(names, outcomes, strict=True):
            reason = next((why for pattern, why in listed.items() if fnmatch.fnmatchcase(name, pattern)), None)
            if reason is not None and outcome == "failed":
                counts["inapplicable"] += 1
                print(f"inapplicable  {side:6} {name}: {reason}", flush=True)
            elif reason is not None and outcome == "passed":
                counts["failed"] += 1
                print(f"FAILED        {side:6} {name}: is listed as inapplicable, and passes", flush=True)
            else:
                counts[outcome] += 1
                print(f"{'FAILED' if outcome == 'failed' else outcome:13} {side:6} {name}", flush=True)
                if outcome == "failed" or arguments.verbose:
                    print(output, flush=True)
    words = ", ".join(f"{number} {what}" for what, number in counts.items())
    used = Path(environment(side)["TLSBIO_SUITE_COUNT"])
    ours = used.stat().st_size if used.exists() else 0
    used.unlink(missing_ok=True)
    print(f"{suite_name}, {side} side ours: {words} ({ours} connections were ours)", flush=True)
    if ours == 0 and side != "none" and not arguments.match:
        print("FAILED: no connection was ours", flush=True)
        return 1
    return counts["failed"]


if __name__ == "__main__":
    sys.exit(main())
