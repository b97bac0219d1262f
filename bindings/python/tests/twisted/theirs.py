"""Runs Twisted's own tests of TLS with our connections on one side and OpenSSL's on the other.

theirs.py [--role server|client] [TEXT ...]      all tests, or those whose name has one of the texts in it

Every test runs in a process of its own with a time limit. What cannot apply is in inapplicable.txt, with the reason.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

MODULES = ["twisted.protocols.test.test_tls", "twisted.internet.test.test_tls", "twisted.test.test_ssl"]
SECONDS = 60
HERE = Path(__file__).resolve().parent


def list_tests() -> list[str]:
    """The names of all tests, as the command-line of trial takes them."""
    from twisted.trial.runner import TestLoader
    from twisted.trial.unittest import PyUnitResultAdapter  # noqa: F401  (trial's own, must import first)

    def walk(suite: object) -> list[str]:
        if hasattr(suite, "__iter__"):
            return [name for test in suite for name in walk(test)]
        return [suite.id()]  # type: ignore[attr-defined]

    loader = TestLoader()
    return [name for module in MODULES for name in walk(loader.loadByName(module))]


def run_one(name: str, role: str) -> dict[str, object]:
    """Runs one test in this process."""
    import put_in_place
    from twisted.trial import reporter
    from twisted.trial.runner import TestLoader, TrialRunner

    put_in_place.put(role)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as directory:
        runner = TrialRunner(reporter.Reporter, workingDirectory=f"{directory}/trial", stream=sys.stderr)
        result = runner.run(TestLoader().loadByName(name))
    bad = [str(reason) for _, reason in [*result.failures, *result.errors]]
    bad += [f"unexpected success: {test}" for test, *_ in result.unexpectedSuccesses]
    skips = [str(reason) for _, reason in result.skips]
    return {
        "outcome": "failed" if bad else "skipped" if skips else "passed" if result.testsRun == 1 else "failed",
        "why": "\n".join(bad or skips),
        "ours": put_in_place.Counting.made,
    }


def spawn(name: str, role: str) -> dict[str, object]:
    """Runs one test in a process of its own."""
    command = [sys.executable, __file__, "--role", role, "--one", name]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=HERE, check=False)
    except subprocess.TimeoutExpired:
        return {"outcome": "failed", "why": f"took longer than {SECONDS} s", "ours": 0}
    try:
        answer: dict[str, object] = json.loads(process.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"outcome": "failed", "why": f"status {process.returncode}\n{process.stderr}", "ours": 0}
    return answer


def inapplicable() -> dict[tuple[str, str], str]:
    """By role and name of a test, why it cannot apply. Lines of the file: role, name, reason; * stands for any
    reactor.
    """
    reasons = {}
    for line in (HERE / "inapplicable.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            roles, name, reason = line.split(None, 2)
            for role in ("server", "client") if roles == "both" else (roles,):
                reasons[role, name] = reason
    return reasons


def without_reactor(name: str) -> str:
    """The name of a test without the reactor that it is run with, which stands behind the name of its class."""
    module, case, method = name.rsplit(".", 2)
    return f"{module}.{case.split('_')[0] if '.internet.' in module else case}.{method}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", choices=["server", "client"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("text", nargs="*")
    arguments = parser.parse_args()
    if arguments.list:
        print(json.dumps(list_tests()))
        return 0
    if arguments.one:
        print(json.dumps(run_one(arguments.one, arguments.role)))
        return 0

    listed = subprocess.run([sys.executable, __file__, "--list"], capture_output=True, text=True, check=True)
    names = json.loads(listed.stdout.splitlines()[-1])
    names = [name for name in names if not arguments.text or any(text in name for text in arguments.text)]
    reasons, used = inapplicable(), set()
    counts: Counter[str] = Counter()
    with_ours = 0
    skipped: Counter[str] = Counter()
    for role in [arguments.role] if arguments.role else ["server", "client"]:
        for name in names:
            key = (role, without_reactor(name))
            if key in reasons:
                used.add(key)
                counts["skipped"] += 1
                skipped[f"{reasons[key]} ({key[1]})"] += 1
                continue
            answer = spawn(name, role)
            outcome = str(answer["outcome"])
            counts[outcome] += 1
            if outcome == "passed":
                with_ours += bool(answer["ours"])
            elif outcome == "skipped":
                skipped[str(answer["why"])] += 1
            else:
                print(f"FAILED as {role}: {name}\n{answer['why']}\n", flush=True)
    for reason, number in sorted(skipped.items()):
        print(f"skipped {number}: {reason}")
    stale = [] if arguments.text or arguments.role else sorted(set(reasons) - used)
    for role, name in stale:
        print(f"FAILED: inapplicable.txt lists {name} ({role}), which does not exist")
    print(
        f"{counts['passed']} passed ({with_ours} of them with connections of ours), "
        f"{counts['failed'] + len(stale)} failed, {counts['skipped']} skipped"
    )
    return 1 if counts["failed"] or stale or not with_ours else 0


if __name__ == "__main__":
    sys.exit(main())
