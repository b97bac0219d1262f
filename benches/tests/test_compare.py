"""What the comparison refuses to report: python3 -m unittest discover benches/tests, after `make lib`."""

import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

import instructions  # noqa: E402: found by the path above
from compare import bars, measure, report, workloads  # noqa: E402: found by the path above
from compare.libraries import BENCHES, BUILT, C_FLAGS, OURS, ROOT, WORKER, CannotBuild, CDriver  # noqa: E402
from compare.worker import Worker, WorkerFailed  # noqa: E402

PKI = ROOT / "target" / "pki"


class Liar:
    def __init__(self, lie):
        self.key = lie
        self.program = [str(BUILT / "liars" / lie)]


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        (BUILT / "liars").mkdir(parents=True, exist_ok=True)
        subprocess.run([ROOT / "tests" / "pki" / "make.sh", PKI], check=True)
        program = BUILT / "liars" / "none"
        honest, driver = program.with_suffix(".o"), BENCHES / "drivers" / OURS.source
        subprocess.run(["cc", *C_FLAGS, *OURS.flags[:1], "-c", driver, "-o", honest], check=True)
        subprocess.run(["objcopy", "--redefine-sym", "driver=honest", honest], check=True)
        sources = [*WORKER, BENCHES / "tests" / "liar.c", honest]
        subprocess.run(["cc", *C_FLAGS, *sources, *OURS.flags, "-lpthread", "-o", program], check=True)
        for lie in ("altered", "short", "suite", "unfinished"):
            shutil.copy2(program, program.with_name(lie))

    def ask(self, lie, *commands):
        worker = Worker(Liar(lie), PKI)
        self.addCleanup(worker.stop)
        return [worker.ask(command) for command in (workloads.USUAL.command, *commands)][-1]

    def test_who_does_not_lie_is_measured(self):
        self.assertGreater(self.ask("none", "move lie 1024 10")["ns"], 0)

    def test_altered_bytes(self):
        with self.assertRaisesRegex(WorkerFailed, "arrived altered"):
            self.ask("altered", "move lie 1024 10")

    def test_missing_bytes(self):
        with self.assertRaisesRegex(WorkerFailed, "1023 bytes of 1024 arrived"):
            self.ask("short", "move lie 1024 10")

    def test_another_suite(self):
        with self.assertRaisesRegex(WorkerFailed, "suite 0x1302, 0x1301 was asked for"):
            self.ask("suite", "move lie 1024 10")

    def test_a_handshake_that_does_not_end(self):
        with self.assertRaisesRegex(WorkerFailed, "did not end"):
            self.ask("unfinished", "handshake 1")

    def test_a_command_that_is_none(self):
        with self.assertRaisesRegex(WorkerFailed, "not a command"):
            self.ask("none", "resume everything")

    def test_a_program_that_ends(self):
        worker = Worker(Liar("none"), PKI)
        self.addCleanup(worker.stop)
        worker.process.kill()
        with self.assertRaisesRegex(WorkerFailed, "ended by itself"):
            worker.ask("hello")

    def test_a_library_that_is_not_there(self):
        with self.assertRaisesRegex(CannotBuild, "no development files"):
            CDriver("nobody", source="gnutls.c", packages=("libtlsbio-has-no-such-peer",)).build()


class Figures(unittest.TestCase):
    samples = {"move-64": {"libtlsbio/copy": [100, 110, 90], "openssl/memory-bio": [250, 220, 270]}}

    def test_ratios_are_those_of_a_round(self):
        found = measure.ratios(self.samples, "move-64", "libtlsbio/copy", "openssl/memory-bio")
        self.assertEqual(found, [2.5, 2.0, 3.0])

    def test_a_bar_is_met_or_missed_or_not_measured(self):
        def verdict(reference, least):
            return bars.ratio("", self.samples, "move-64", "libtlsbio/copy", reference, least).met

        self.assertIs(verdict("openssl/memory-bio", 2.5), True)
        self.assertIs(verdict("openssl/memory-bio", 2.6), False)
        self.assertIs(verdict("nobody", 2.6), None)


class Threads(unittest.TestCase):
    """What threads do at once is reported only where it can be seen."""

    @staticmethod
    def found(*gains, quiet=measure.LEAST_QUIET, cores=2):
        return {"rounds": 100, "quiet": quiet, "cores": cores, "ns": [100], "gain": list(gains)}

    def test_the_gain_is_the_median_of_the_slices(self):
        self.assertEqual(measure.gain(self.found(1.5, 1.9, 2.4)), 1.9)

    def test_more_than_twice_is_no_gain(self):
        self.assertEqual(measure.gain(self.found(2.06)), "one thread was slowed")
        self.assertEqual(measure.gain(self.found(2.04)), 2.04)

    def test_one_core_is_not_enough(self):
        self.assertEqual(measure.gain(self.found(cores=1)), "1 core for 2 threads")

    def test_few_quiet_rounds_are_no_measurement(self):
        found = self.found(2, quiet=measure.LEAST_QUIET - 1)
        self.assertEqual(measure.gain(found), f"{measure.LEAST_QUIET - 1} of 100 rounds were quiet")

    def test_without_two_cores_nothing_is_said(self):
        peer = self.found(2)
        for alone, refused in (2, False), (1.7, True), (1, True):
            found = {"aead/aead": self.found(alone), "openssl/memory-bio": peer}
            self.assertIs(measure.refusal(found) is not None, refused)
            table = report.threads_table({"at_once": {"threads-64": found}})
            self.assertIs(table[0].startswith("Not reported, 64 B: "), refused)
        self.assertIsNotNone(measure.refusal({"openssl/memory-bio": peer}))

    def test_a_workload_beside_which_two_cores_were_seen_is_reported(self):
        peer, good, bad = self.found(2), self.found(2), self.found(1.7)
        seen = {
            "threads-64": {"aead/aead": bad, "openssl/memory-bio": peer},
            "threads-full": {"aead/aead": good, "openssl/memory-bio": peer},
        }
        table = "\n".join(report.threads_table({"at_once": seen}))
        self.assertIn("| | full handshake |", table)
        self.assertIn("Not reported, 64 B: ", table)

    def test_a_bar_is_not_met_by_what_is_not_reported(self):
        good, bad = self.found(2), self.found(1)
        for alone, met in (good, True), (bad, False):
            seen = {"threads-64": {"aead/aead": alone, "libtlsbio/copy": good}}
            self.assertIs(next(bars.at_once(seen)).met, met)
        seen = {"threads-64": {"aead/aead": good, "libtlsbio/copy": good, "libtlsbio/in-place": bad}}
        self.assertIs(next(bars.at_once(seen)).met, False)

    def test_a_worker_on_one_core_says_so(self):
        Refusals.setUpClass()
        worker = Worker(Liar("none"), PKI, core=max(os.sched_getaffinity(0)))
        self.addCleanup(worker.stop)
        worker.ask(workloads.USUAL.command)
        self.assertEqual(worker.ask("threads lie 64 2 3"), {"cores": 1, "rounds": 3, "quiet": 0})
        self.assertEqual(worker.ask("handshake_threads 2 3")["cores"], 1)


class Instructions(unittest.TestCase):
    then = {"total": 1000.0, "functions": {"seal": 600.0, "open": 380.0}}

    def test_two_percent_are_too_much(self):
        for total, too_much in ((990.0, False), (1020.0, False), (1021.0, True)):
            self.assertIs(instructions.has_grown(self.then, {"total": total, "functions": {}}), too_much)

    def test_what_grew_is_named_the_most_first(self):
        now = {"total": 1100.0, "functions": {"seal": 610.0, "open": 370.0, "zero": 90.0}}
        self.assertEqual(instructions.grown(self.then, now), [(90.0, "zero"), (10.0, "seal")])

    def test_calls_are_not_counted_twice(self):
        dump = BUILT / "liars" / "dump"
        dump.parent.mkdir(parents=True, exist_ok=True)
        dump.write_text("fn=outer\n10 5\ncfn=inner\ncalls=1 20\n11 100\n12 7\n\nfn=inner\n20 100\n")
        self.assertEqual(instructions.functions(dump), {"outer": 12, "inner": 100})

    def test_a_key_that_is_elsewhere_may_cost_a_twentieth(self):
        for elsewhere, too_dear in (((900, 3), False), ((1050, 19), False), ((1051, 3), True), ((1000, 20), True)):
            self.assertIs(instructions.is_too_dear((1000, 3), elsewhere), too_dear)

    def test_system_calls_are_counted_where_there_are_any(self):
        events = "==1== Events    : Ir sysCount sysTime\n==1== Collected : "
        self.assertEqual(instructions.cost_of(events + "200 30 2"), (100, 15))
        self.assertEqual(instructions.cost_of(events + "200"), (100, 0))
        self.assertIsNone(instructions.cost_of("==1== Events    : Ir\n==1== Collected : 200"))


if __name__ == "__main__":
    unittest.main()
