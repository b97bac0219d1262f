"""Runs tests in forks of a process that has everything loaded: each in a process of its own, some at a time.

What is forked has imported and collected, and done nothing else: no loop, no thread, no fixture, no connection.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# What a test answers: "outcome" (passed, failed or skipped) and "why".
Answer = dict[str, Any]


class _Running:
    """A process that runs one test."""

    def __init__(self, name: str, test: Callable[[], Answer], folder: Path, number: int) -> None:
        self.name = name
        self.begun = time.monotonic()
        self._answer, self._output = folder / f"{number}.json", folder / f"{number}.txt"
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._in_the_fork(test)

    def _in_the_fork(self, test: Callable[[], Answer]) -> None:
        """Never returns: whatever the test does, nothing of the process that was forked may go on here."""
        status = 70
        try:
            # Ended together with whatever it starts.
            os.setpgid(0, 0)
            output = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for target, source in (0, nothing), (1, output), (2, output):
                os.dup2(source, target)
            answer = test()
            sys.stdout.flush()
            sys.stderr.flush()
            self._answer.write_text(json.dumps(answer))
            status = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)

    def ended(self, status: int | None, limit: float) -> Answer:
        """The answer of a test whose process ended with that status; None if it was ended because of the limit."""
        output = self._output.read_text(errors="replace") if self._output.exists() else ""
        if status is None:
            answer: Answer = {"outcome": "failed", "why": f"{output}\nended after {limit:.0f} s"}
        elif status != 0 or not self._answer.exists():
            answer = {"outcome": "failed", "why": f"{output}\nended with status {os.waitstatus_to_exitcode(status)}"}
        else:
            answer = json.loads(self._answer.read_text())
            answer["why"] = f"{answer['why']}\n{output}" if answer["outcome"] == "failed" else answer["why"]
        return {"name": self.name, "seconds": round(time.monotonic() - self.begun, 2), **answer}

    def end(self) -> None:
        """Ends it with all that it started."""
        for each in lambda: os.killpg(self.pid, signal.SIGKILL), lambda: os.kill(self.pid, signal.SIGKILL):
            try:
                each()
            except ProcessLookupError:
                pass


def run(
    tests: Iterable[tuple[str, Callable[[], Answer]]], at_once: int, limit: float, tell: Callable[[Answer], None]
) -> None:
    """Runs the tests by name, so many at once, and tells each answer, as tests end."""
    waiting = list(tests)[::-1]
    running: dict[int, _Running] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    name, test = waiting.pop()
                    one = _Running(name, test, Path(folder), len(waiting))
                    running[one.pid] = one
                if not _collect(running, limit, tell):
                    time.sleep(0.02)
        finally:
            # They are in groups of their own: an interrupt reaches this process only.
            for one in running.values():
                one.end()


def _collect(running: dict[int, _Running], limit: float, tell: Callable[[Answer], None]) -> bool:
    """Tells the answers of tests that have ended, ends those whose time is over, and says whether there were any."""
    ended = {pid: status for pid, status in map(_poll, list(running)) if pid}
    for pid, status in ended.items():
        one = running.pop(pid)
        # What it started and left behind ends with it.
        one.end()
        tell(one.ended(status, limit))
    late = [pid for pid, one in running.items() if time.monotonic() - one.begun > limit]
    for pid in late:
        one = running.pop(pid)
        one.end()
        os.waitpid(pid, 0)
        tell(one.ended(None, limit))
    return bool(ended or late)


def _poll(pid: int) -> tuple[int, int]:
    return os.waitpid(pid, os.WNOHANG)
