"""Interleaved slices: in each round every contestant has one, in an order that changes."""

import random
import statistics
import time
from dataclasses import dataclass

from . import workloads
from .worker import Worker


@dataclass(frozen=True)
class Effort:
    """How much work a run is."""

    rounds: int
    # How often all programs are started anew: where their memory lies is chance, and small messages show it.
    starts: int
    slice_ms: float
    # Rounds of threads alone and at once, in each slice.
    at_once: int
    idle: int
    crowds: tuple
    # Connections that come and go: of every library, and of ours.
    churn: int
    churn_ours: int


FULL = Effort(21, 3, 25, 8, 10_000, (1, 100, 1_000, 10_000, 100_000), 4_000, 1_000_000)
QUICK = Effort(7, 1, 8, 4, 1_000, (1, 100, 1_000), 1_000, 20_000)
# Ask for many more than fit, and the machine would swap.
MOST_CROWD_BYTES = 8 << 30


class Progress:
    """A line now and then: what is done, and when it will all be."""

    def __init__(self, steps):
        self.steps, self.done, self.start, self.said = steps, 0, time.monotonic(), 0.0

    def step(self, what):
        self.done += 1
        now = time.monotonic()
        if now - self.said > 10 or self.done == self.steps:
            self.said = now
            spent = now - self.start
            left = spent / self.done * (self.steps - self.done)
            print(f"  {self.done * 100 // self.steps:3d} %, {spent:4.0f} s, {left:4.0f} s to go: {what}", flush=True)


class Bench:
    """All workers, each at the setting that it was last given."""

    def __init__(self, libraries, contestants, pki, preload=None, core=None):
        self.workers = {library.key: Worker(library, pki, preload, core) for library in libraries}
        self.contestants = [one for one in contestants if one.library in self.workers]
        self.settings = {}
        # (library, setting) -> why it cannot do it.
        self.missing = {}

    def stop(self):
        for worker in self.workers.values():
            worker.stop()

    def can(self, contestant, workload):
        """Whether it takes part; if so, its worker stands at the workload's setting."""
        worker = self.workers[contestant.library]
        if not worker.about["connections"]:
            if not workload.moves:
                return False
        if self.settings.get(contestant.library) != workload.setting:
            answer = worker.ask(workload.setting.command)
            self.settings[contestant.library] = workload.setting
            key = (contestant.library, workload.setting)
            if "missing" in answer:
                self.missing[key] = answer["missing"]
        return (contestant.library, workload.setting) not in self.missing

    def slice(self, contestant, workload, count):
        command = f"{workload.command.format(way=contestant.way)} {count}"
        return self.workers[contestant.library].ask(command)

    def participants(self, workload):
        able = [one for one in self.contestants if self.can(one, workload)]
        if workload.command.startswith("handshake"):
            # Bytes have ways; a handshake has one, and is counted once for each library.
            able = [one for i, one in enumerate(able) if one.library not in [other.library for other in able[:i]]]
        return able


def measure(bench, chosen, rounds, effort, progress, samples):
    """Adds to {workload: {contestant: [ns of one unit, by round]}}."""
    for workload in chosen:
        able = bench.participants(workload)
        counts = {}
        for one in able:
            # Twice: the first slice of a process is slow, and would make all others short.
            count = 2 if workload.command == "handshake" else 16
            for _ in range(2):
                ns = bench.slice(one, workload, count)["wall_ns"]
                count = max(1, int(effort.slice_ms * 1e6 / ns))
            counts[one.key] = count
        times = samples.setdefault(workload.key, {one.key: [] for one in able})
        for _ in range(rounds):
            random.shuffle(able)
            for one in able:
                answer = bench.slice(one, workload, counts[one.key])
                times[one.key].append(answer["ns"])
            progress.step(workload.title)


def measure_at_once(bench, chosen, rounds, effort, progress):
    """{workload: {contestant: {"cores", "rounds", "quiet", and of each slice that has some quiet rounds "ns" and "gain"}}}"""
    seen = {}
    for both in chosen:
        turns = [(one, both.workload) for one in bench.participants(both.workload)]
        if not both.moves:
            # What shows whether there are two cores takes turns with handshakes, too, which it cannot do.
            moving = workloads.BESIDE_HANDSHAKES.workload
            turns += [(one, moving) for one in bench.contestants if one.key == CONTROL and bench.can(one, moving)]
        of = {
            one.key: {"cores": workloads.THREADS, "rounds": 0, "quiet": 0, "ns": [], "gain": []} for one, _ in turns
        }
        for _ in range(rounds):
            random.shuffle(turns)
            for one, workload in turns:
                answer, found = bench.slice(one, workload, effort.at_once), of[one.key]
                if "refused" in answer:
                    found["refused"] = answer["refused"]
                    continue
                found["cores"] = min(found["cores"], answer["cores"])
                for what in ("rounds", "quiet"):
                    found[what] += answer[what]
                for what in ("ns", "gain"):
                    found[what] += [answer[what]] if what in answer else []
            progress.step(both.title)
        seen[both.key] = of
    return seen


# Fewer rounds than these are no measurement.
LEAST_QUIET = 10
CONTROL = "aead/aead"
# What a computation that shares nothing gains by a second thread where there are two cores.
LEAST_GAIN_ALONE = 1.9
# No two threads do more than twice as much as one: where they seem to, one had a slower core alone, or less of it.
MOST_GAIN = 2.05


def gain(found):
    """How many times as much two threads do at once as one alone, or why that cannot be said."""
    if "refused" in found:
        return found["refused"]
    if found["cores"] < workloads.THREADS:
        return f"{found['cores']} core for {workloads.THREADS} threads"
    if found["quiet"] < LEAST_QUIET:
        return f"{found['quiet']} of {found['rounds']} rounds were quiet"
    gained = statistics.median(found["gain"])
    return gained if gained <= MOST_GAIN else "one thread was slowed"


def refusal(found):
    """Why nothing can be said of a workload on two threads, of which {contestant: …} was found; None if something can."""
    if CONTROL not in found:
        return "AES-GCM alone, which shows whether there are two cores, was not measured"
    gained = gain(found[CONTROL])
    if isinstance(gained, str):
        return f"AES-GCM alone, which shares nothing, could not be measured on two threads: {gained}"
    if gained < LEAST_GAIN_ALONE:
        return f"AES-GCM alone, which shares nothing, did {gained:.2f} times as much on two threads: the machine had no two cores to give"
    return None


def count_allocations(libraries, contestants, pki, tally, chosen):
    """{workload: {contestant: {"allocations", "allocated", "copied"}}} of one unit, without a clock."""
    bench = Bench(libraries, contestants, pki, preload=tally)
    counted = {}
    for workload in chosen:
        counted[workload.key] = {}
        for one in bench.participants(workload):
            answer = bench.slice(one, workload, 20)
            counted[workload.key][one.key] = {
                what: answer[what] for what in ("allocations", "allocated", "copied") if what in answer
            }
    bench.stop()
    return counted


def hold(library, pki, effort):
    """What connections of a library hold, what is left of them, and what many idle ones do to a busy one."""
    worker = Worker(library, pki)
    answer = worker.ask(workloads.SMALL.command)
    if "missing" in answer:
        # A library without TLS 1.3; the report says of which version its figures are.
        answer = worker.ask(workloads.Setting(key="minimal", suite=workloads.TLS12).command)
        held = {"missing": answer.get("missing"), "tls12": True}
    else:
        held = {"missing": None}
    if held["missing"] is None:
        held["idle"] = worker.ask(f"idle {effort.idle}", 1800)
        ours = library.key == "libtlsbio"
        held["churn"] = worker.ask(f"churn {effort.churn_ours if ours else effort.churn}", 3600)
    worker.stop()
    return held


def crowd(library, way, pki, effort, held):
    """{idle connections: [ns of 1 KiB, by slice]}"""
    times = {}
    each = held["idle"]["heap"] if held else 0
    for count in effort.crowds:
        if each * count > MOST_CROWD_BYTES:
            times[count] = None
            continue
        # Another process each: what lies where in memory is then not what the smaller crowd left.
        worker = Worker(library, pki)
        worker.ask(workloads.USUAL.command)
        times[count] = [worker.ask(f"crowd {way} 1024 {count} 10000", 1800)["ns"] for _ in range(5)]
        worker.stop()
    return times


def quartiles(values):
    if len(values) < 2:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4)


def ratios(samples, workload, contestant, reference):
    """Of every round, how many times as fast the contestant was as the reference; or None."""
    times = samples.get(workload, {})
    if contestant not in times or reference not in times:
        return None
    return [theirs / ours for theirs, ours in zip(times[reference], times[contestant], strict=True)]
