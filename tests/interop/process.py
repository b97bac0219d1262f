"""Child processes that cannot hang, and the peer that is ours."""

import json
import os
import re
import signal
import subprocess
import threading

import patience
from settings import settings

# No process of a test lives longer than this, whatever goes wrong.
LIMIT_SECONDS = patience.SECONDS


class Process:
    """A child with its output collected in the background, and with a hard end."""

    def __init__(self, *argv, cwd=None):
        self.argv = [str(part) for part in argv]
        self.output = {"stdout": bytearray(), "stderr": bytearray()}
        self.news = threading.Condition()
        self.child = subprocess.Popen(
            self.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or settings.scratch,
            start_new_session=True,
        )
        self.readers = [
            threading.Thread(target=self._collect, args=(name, getattr(self.child, name)), daemon=True)
            for name in self.output
        ]
        for reader in self.readers:
            reader.start()
        self.timed_out = False
        self.watchdog = threading.Timer(LIMIT_SECONDS, self._time_out)
        self.watchdog.daemon = True
        self.watchdog.start()

    def _collect(self, name, stream):
        while chunk := stream.read1(65536):
            with self.news:
                self.output[name] += chunk
                self.news.notify_all()
        stream.close()
        with self.news:
            self.news.notify_all()

    def _time_out(self):
        self.timed_out = True
        self.kill()

    def talks(self):
        """Whether more may be printed yet."""
        return any(reader.is_alive() for reader in self.readers)

    def kill(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)

    def out(self):
        return bytes(self.output["stdout"])

    def err(self):
        return self.output["stderr"].decode(errors="replace")

    def text(self):
        return self.out().decode(errors="replace") + self.err()

    def write(self, data):
        """Sends to stdin from a thread of its own: a peer that echoes must be read at the same time."""

        def send():
            try:
                self.child.stdin.write(data)
                self.child.stdin.flush()
            except (BrokenPipeError, ValueError):
                pass  # The peer ended first; what it printed says why.

        writer = threading.Thread(target=send, daemon=True)
        writer.start()
        return writer

    def end_input(self):
        try:
            self.child.stdin.close()
        except BrokenPipeError:
            pass

    def _wait_until(self, reached, what):
        with self.news:
            self.news.wait_for(
                lambda: reached() or not self.talks(), LIMIT_SECONDS
            )
            if not reached():
                raise AssertionError(f"{self.argv[0]} never printed {what}")

    def wait_for(self, regex):
        """The match of `regex` in anything that was printed, as soon as it is there."""
        self._wait_until(lambda: re.search(regex, self.text()), regex)
        return re.search(regex, self.text())

    def wait_for_bytes(self, count):
        self._wait_until(lambda: len(self.output["stdout"]) >= count, f"{count} bytes")
        return self.out()

    def finish(self):
        """Waits for the end and answers the exit status."""
        self.end_input()
        status = self.child.wait()
        for reader in self.readers:
            reader.join()
        self.watchdog.cancel()
        if self.timed_out:
            raise AssertionError(f"{self.argv[0]} was still running after {LIMIT_SECONDS} s and was killed")
        return status

    def close(self):
        self.kill()
        self.watchdog.cancel()
        self.end_input()
        self.child.wait()
        for reader in self.readers:
            reader.join()

    def story(self):
        def shown(name):
            text = self.output[name].decode(errors="backslashreplace")
            return text if len(text) < 4000 else text[:2000] + "\n[...]\n" + text[-2000:]

        return (
            f"$ {' '.join(self.argv)}\n(exit status {self.child.poll()})\n"
            f"--- stdout\n{shown('stdout')}\n--- stderr\n{shown('stderr')}\n"
        )


class Ours(Process):
    """The interop peer over libtlsbio."""

    def __init__(self, role, address, **options):
        argv = [settings.peer, role, "--address", address]
        for name, value in options.items():
            if value is None or value is False:
                continue
            argv.append("--" + name.replace("_", "-"))
            if value is not True:
                argv.append(value)
        super().__init__(*argv)

    def port(self):
        return int(self.wait_for(r"listening (\d+)\n").group(1))

    def reports(self):
        """One report per connection, in order. A broken promise of the library is a failure of any test."""
        status = self.finish()
        lines = [line for line in self.out().decode().splitlines() if line.startswith("{")]
        reports = [json.loads(line) for line in lines]
        for report in reports:
            if report["broken"]:
                raise AssertionError(f"our peer gave up: {report['broken']}")
        if status != 0:
            raise AssertionError(f"our peer ended with status {status}")
        return reports

    def report(self):
        reports = self.reports()
        if len(reports) != 1:
            raise AssertionError(f"{len(reports)} connections instead of one")
        return reports[0]
