"""Runs Twisted's own tests of TLS with our connections on one side and OpenSSL's on the other.

theirs.py [--role server|client] [TEXT ...]      all tests, or those whose name has one of the texts in it

Every test runs in a process of its own with a time limit: a fork of one that has imported Twisted, but not its reactor.
What cannot apply is in inapplicable.txt, with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

MODULES = ["twisted.protocols.test.test_tls", "twisted.internet.test.test_tls", "twisted.test.test_ssl"]
SECONDS = 60 * int(os.environ.get("TLSBIO_PATIENCE") or 1)
AT_ONCE = 3
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "suites"))

import forking  # noqa: E402


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


def run_all(names: list[str], role: str) -> dict[str, dict[str, object]]:
    """Runs tests, each in a fork of this process, and answers what came of each."""
    import put_in_place  # noqa: F401
    from twisted.trial import reporter, runner  # noqa: F401

    # A reactor has descriptors that forks would share.
    assert "twisted.internet.reactor" not in sys.modules
    answers = {}

    def tell(answer: forking.Answer) -> None:
        answers[answer["name"]] = answer

    forking.run([(name, lambda name=name: run_one(name, role)) for name in names], AT_ONCE, SECONDS, tell)  # type: ignore[misc]
    return answers


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
    parser.add_argument("--list", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("text", nargs="*")
    arguments = parser.parse_args()
    if arguments.list:
        print(json.dumps(list_tests()))
        return 0

    listed = subprocess.run([sys.executable, __file__, "--list"], capture_output=True, text=True, check=True)
    names = json.loads(listed.stdout.splitlines()[-1])
    names = [name for name in names if not arguments.text or any(text in name for text in arguments.text)]
    reasons, used = inapplicable(), set()
    counts: Counter[str] = Counter()
    with_ours = 0
    skipped: Counter[str] = Counter()
    for role in [arguments.role] if arguments.role else ["server", "client"]:
        answers = run_all([name for name in names if (role, without_reactor(name)) not in reasons], role)
        for name in names:
            key = (role, without_reactor(name))
            if key in reasons:
                used.add(key)
                counts["skipped"] += 1
                skipped[f"{reasons[key]} ({key[1]})"] += 1
                continue
            answer = answers[name]
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
