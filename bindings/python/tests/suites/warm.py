"""The process whose forks run the tests of one suite: warm.py, with what to do as JSON on standard input.

It imports and collects, once; then each test runs in a fork. One line of JSON for each test goes to the file that it
is told. Which side is ours is said by the environment: see side/sitecustomize.py.
"""

from __future__ import annotations

import fnmatch
import io
import json
import logging
import os
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import forking


def ours() -> int:
    """How many connections of this process were ours."""
    import sitecustomize

    return len(getattr(sitecustomize, "connections", ()))


def tests_of_unittest(names: list[str]) -> Iterator[tuple[str, Callable[[], forking.Answer]]]:
    """The tests of unittest under these names."""

    def single(tests: Any) -> Iterator[unittest.TestCase]:
        for test in tests:
            if isinstance(test, unittest.TestSuite):
                yield from single(test)
            else:
                yield test

    def run(test: unittest.TestCase) -> forking.Answer:
        if test.id().startswith("test."):
            # Those of CPython name their files by the process that imported them, which is one for all.
            os.chdir(tempfile.mkdtemp())
        output = io.StringIO()
        result = unittest.TextTestRunner(stream=output, verbosity=2).run(unittest.TestSuite([test]))
        bad = not result.wasSuccessful() or result.testsRun != 1
        why = output.getvalue() if bad else "; ".join(reason for _, reason in result.skipped)
        return {"outcome": "failed" if bad else "skipped" if result.skipped else "passed", "why": why, "ours": ours()}

    # As tornado's own runner has it: its tests fail when something is logged that they do not expect.
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    for test in single(unittest.defaultTestLoader.loadTestsFromNames(names)):
        yield test.id(), lambda test=test: run(test)  # type: ignore[misc]


def be_patient_with_cpython(times: int) -> None:
    """Its tests allow as many times as long, as with the option --timeout of its own runner."""
    try:
        from test import support
    except ImportError:
        return
    for name in "LOOPBACK_TIMEOUT", "SHORT_TIMEOUT", "LONG_TIMEOUT":
        setattr(support, name, times * getattr(support, name))


def be_patient_with_gevent(times: int) -> None:
    """Its tests may be told of the end of a time later than a tenth of a second after it, never before."""
    loaded: Any = sys.modules.get("gevent.testing.testcase")
    if loaded is None:
        return
    mixin = loaded.TimeAssertMixin
    within = mixin.assertTimeWithinRange

    def assertTimeWithinRange(self: Any, time_taken: float, min_time: float, max_time: float) -> None:
        within(self, time_taken, min_time, max_time + 10 * times)

    mixin.assertTimeWithinRange = assertTimeWithinRange


class Forks:
    """A plugin of pytest that runs each test in a fork, with its fixtures and their ends."""

    def __init__(
        self,
        go: Callable[[list[tuple[str, Callable[[], forking.Answer]]]], None],
        about: list[str],
        fixtures: dict[str, list[str]],
        numbers: dict[str, float],
    ) -> None:
        self._go = go
        self._about = about
        self._fixtures = fixtures
        self._numbers = numbers

    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> set[str] | None:
        """Answers for the fixtures whose answers are given."""
        if fixturedef.argname not in self._fixtures:
            return None
        answer = set(self._fixtures[fixturedef.argname])
        fixturedef.cached_result = (answer, fixturedef.cache_key(request), None)
        return answer

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leaves the tests that have one of the words in their name or a fixture's, and gives numbers to names."""
        for module in {item.module for item in items}:
            for name, number in self._numbers.items():
                if hasattr(module, name):
                    setattr(module, name, number)
        if self._about:
            items[:] = [
                item
                for item in items
                if any(word in f"{item.name} {' '.join(item.fixturenames)}".lower() for word in self._about)
            ]

    def pytest_runtestloop(self, session: Any) -> bool:
        """Instead of pytest's own."""
        if not session.testsfailed:
            self._go([(item.nodeid, lambda item=item: self._run(item)) for item in session.items])  # type: ignore[misc]
        return True

    @staticmethod
    def _run(item: Any) -> forking.Answer:
        from _pytest.runner import runtestprotocol

        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, log=False, nextitem=None)
        failed = [f"{report.when}: {report.longreprtext}" for report in reports if report.failed]
        skipped = [str(report.longrepr) for report in reports if report.skipped]
        outcome = "failed" if failed else "skipped" if skipped else "passed"
        return {"outcome": outcome, "why": "\n".join(failed or skipped), "ours": ours()}


def main() -> int:
    """Runs what standard input asks for."""
    wanted = json.load(sys.stdin)
    told: TextIO
    with open(wanted["answers"], "w") as told:

        def tell(answer: forking.Answer) -> None:
            told.write(json.dumps(answer) + "\n")
            told.flush()

        def go(tests: list[tuple[str, Callable[[], forking.Answer]]]) -> None:
            left_out = [(name, reason) for name, _ in tests if (reason := cut(name))]
            for name, reason in left_out:
                tell({"name": name, "outcome": "cut", "why": reason, "ours": 0, "seconds": 0.0})
            chosen = [(name, test) for name, test in tests if wanted["match"] in name and not cut(name)]
            forking.run(chosen, wanted["at_once"], wanted["limit"], tell)

        def cut(name: str) -> str | None:
            return next((why for pattern, why in wanted["cut"] if fnmatch.fnmatchcase(name, pattern)), None)

        if not wanted["pytest"]:
            sys.path.insert(0, os.getcwd())
            be_patient_with_cpython(wanted["patience"])
            tests = list(tests_of_unittest(wanted["tests"]))
            be_patient_with_gevent(wanted["patience"])
            go(tests)
            return 0
        import pytest

        options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-s", "-o", "addopts="]
        sys.path.insert(0, os.getcwd())
        return int(
            pytest.main(
                [*options, *wanted["options"], *wanted["tests"]],
                plugins=[Forks(go, wanted["about"], wanted["fixtures"], wanted["numbers"])],
            )
        )


if __name__ == "__main__":
    sys.exit(main())
