"""Draws what the loops cost: plot_loops.py RESULTS.json DIRECTORY."""

import json
import statistics
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from loops.report import LABELS, PEER, WORK
from plot import OTHERS, OURS, bars, save


def main():
    results, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    figure, axes = plt.subplots(1, len(WORK), figsize=(11.5, 2.9), gridspec_kw={"wspace": 0.8})
    for place, (name, *_) in zip(axes, WORK, strict=True):
        values = {
            LABELS[loop].replace("4.0's ", "4.0's\n"): (
                statistics.median(times[name]),
                min(times[name]),
                max(times[name]),
                OTHERS if loop == PEER else OURS,
            )
            for loop, times in results["samples"].items()
        }
        best_first = dict(sorted(values.items(), key=lambda item: item[1][0]))
        bars(place, best_first, name, lambda value: f"{value:.2f}", "ms of the server's processor per MB echoed")
    save(figure, folder / "loops.svg", "what an echo server spends, by its loop")


main()
