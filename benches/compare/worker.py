"""A worker's process: one command, one answer."""

import json
import os
import queue
import subprocess
import threading


class WorkerFailed(Exception):
    """What a driver refused to measure: the run must not be reported."""


class Worker:
    def __init__(self, library, pki, preload=None, core=None):
        self.library = library
        environment = dict(os.environ)
        if preload is not None:
            # Go and Python have other counters of their own.
            environment.update(LD_PRELOAD=str(preload), BENCH_TALLY="1")
        self.process = subprocess.Popen(
            [*library.program, str(pki)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})
        self.answers = queue.Queue()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        self.about = self.ask("hello")

    def _listen(self):
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put(None)

    def ask(self, command, most_seconds=600):
        """The answer to a command. An error, an end, or silence is the end of the run."""
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=most_seconds)
        except BrokenPipeError:
            line = None
        except queue.Empty:
            raise WorkerFailed(f"{self.library.key}: no answer to '{command}' in {most_seconds} s") from None
        if line is None:
            raise WorkerFailed(f"{self.library.key}: ended by itself at '{command}' ({self.process.wait()})")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerFailed(f"{self.library.key}: '{command}': {answer['error']}")
        return answer

    def stop(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listener.join()
        self.process.stdout.close()
