"""What the report on loops says, and that it says nothing of what was not measured."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loops.report import BEGIN, END, WORK, bars, publish, report  # noqa: E402


def results(**times):
    samples = {loop: {name: list(values) for name, *_ in WORK} for loop, values in times.items()}
    ticks = {loop: {name: [1, 3] for name, *_ in WORK} for loop in times}
    return {"ticks": ticks, "date": "2026-11-26", "processor": "a processor", "kernel": "6", "suite": "a suite", "runs": 3, "load": 0.5, "samples": samples}


class Report(unittest.TestCase):
    def test_a_bar_is_met_by_the_median_of_turns(self):
        # The second turn was slow for both: what counts is how they were to each other.
        lines = bars(results(epoll=(1.0, 4.0, 1.0), libuv=(1.05, 4.2, 1.2))["samples"])
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[2].count("1.05 (1.05 to 1.20), at most 1.1: met"), 3)

    def test_a_bar_that_is_missed_says_so(self):
        lines = bars(results(epoll=(0.6, 0.6, 0.6), openssl=(1.0, 1.0, 1.0))["samples"])
        self.assertEqual(lines[2].count("missed"), 2)
        self.assertIn("at most 0.75: met", lines[2])

    def test_a_loop_that_did_not_run_has_no_line(self):
        self.assertNotIn("io_uring", report(results(epoll=(1.0, 1.0, 1.0))))

    def test_the_page_keeps_what_people_wrote(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "loops.md")
            page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
            publish(results(epoll=(1.0, 2.0, 3.0)), Path(folder))
            text = page.read_text()
        self.assertTrue(text.startswith(f"before\n{BEGIN}\n") and text.endswith(f"{END}\nafter\n"))
        self.assertIn("| epoll | 2.00 (1.00 to 3.00) |", text)
        self.assertIn("| epoll | 1.50 (75%) |", text)
        self.assertNotIn("old", text)


if __name__ == "__main__":
    unittest.main()
