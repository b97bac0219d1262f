"""Builds what can be built, measures, and writes what was measured: benches/run.sh."""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import measure, report, workloads
from .libraries import BUILT, CONTESTANTS, LIBRARIES, ROOT, CannotBuild, build_tally
from .worker import WorkerFailed

PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "docs" / "benchmarks" / "results.json"


def arguments():
    parser = argparse.ArgumentParser(prog="benches/run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three minutes: less of everything, and no long builds")
    parser.add_argument("--only", metavar="LIBRARY,...", help="these libraries, and libtlsbio")
    parser.add_argument("--publish", action="store_true", help="write the tables and plots into docs/")
    return parser.parse_args()


def build(chosen, quick):
    """The libraries that can be measured, and why the others cannot."""
    built, reasons = [], {}
    BUILT.mkdir(parents=True, exist_ok=True)
    for library in chosen:
        start = time.monotonic()
        try:
            if quick and not library.quick and not Path(library.program[0]).exists():
                raise CannotBuild("takes long to build: run without --quick once")
            library.build()
            built.append(library)
            print(f"  {library.key}: built in {time.monotonic() - start:.0f} s", flush=True)
        except CannotBuild as reason:
            reasons[library.key] = str(reason)
            print(f"  {library.key}: MISSING: {reason}", flush=True)
    return built, reasons


def machine():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{os.cpu_count()} cores of {model}, {platform.system()}, {' '.join(platform.libc_ver())}"


def with_connections(libraries, bench):
    return [one for one in libraries if bench.workers[one.key].about["connections"]]


def run(options):
    effort = measure.QUICK if options.quick else measure.FULL
    wanted = options.only.split(",") + ["libtlsbio"] if options.only else [one.key for one in LIBRARIES]
    unknown = set(wanted) - {one.key for one in LIBRARIES}
    if unknown:
        sys.exit(f"no such library: {', '.join(sorted(unknown))}")
    start = time.monotonic()
    print("about three minutes" if options.quick else "at most 20 minutes, of which building takes half the first time")
    print("building", flush=True)
    libraries, not_built = build([one for one in LIBRARIES if one.key in wanted], options.quick)
    tally = build_tally()
    pki = ROOT / "target" / "pki"
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", pki], check=True)

    print("measuring time", flush=True)
    # All on one core, so that none has a better one, and what moves processes about has nothing to do.
    core = max(os.sched_getaffinity(0))
    chosen = [one for one in workloads.ALL if one.quick or not options.quick]
    samples = {}
    progress = measure.Progress(len(chosen) * effort.rounds)
    for _ in range(effort.starts):
        bench = measure.Bench(libraries, CONTESTANTS, pki, core=core)
        measure.measure(bench, chosen, effort.rounds // effort.starts, effort, progress, samples)
        bench.stop()
    able = with_connections(libraries, bench)
    about = {library.key: bench.workers[library.key].about for library in libraries}
    missing = [
        {"library": about[library]["library"], "setting": setting.command, "reason": reason}
        for (library, setting), reason in bench.missing.items()
    ]

    print("measuring threads", flush=True)
    bench = measure.Bench(libraries, CONTESTANTS, pki)
    progress = measure.Progress(len(workloads.AT_ONCE) * effort.rounds)
    at_once = measure.measure_at_once(bench, workloads.AT_ONCE, effort.rounds, effort, progress)
    bench.stop()

    print("counting allocations and copies", flush=True)
    counted = measure.count_allocations(able, CONTESTANTS, pki, tally, workloads.COUNTED)

    print("measuring memory", flush=True)
    # These are not timings: they can use all cores.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # The longest first, which is ours: it has the most connections that come and go.
        of_library = {one.key: pool.submit(measure.hold, one, pki, effort) for one in able}
        progress = measure.Progress(len(able))
        for one in as_completed(of_library.values()):
            progress.step(next(key for key, future in of_library.items() if future is one))
        held = {key: future.result() for key, future in of_library.items()}

    print("measuring one connection among many", flush=True)
    crowds = {}
    compared = [("libtlsbio", "copy"), ("boringssl", "memory-bio"), ("openssl", "memory-bio")]
    progress = measure.Progress(len(compared))
    for library, way in compared:
        progress.step(library)
        found = [one for one in able if one.key == library]
        if found:
            crowds[f"{library}/{way}"] = {
                str(count): times for count, times in measure.crowd(found[0], way, pki, effort, held[library]).items()
            }

    return {
        "date": datetime.date.today().isoformat(),
        "effort": "quick" if options.quick else "full",
        "rounds": effort.rounds,
        "starts": effort.starts,
        "idle": effort.idle,
        "machine": machine(),
        "seconds": round(time.monotonic() - start),
        "libraries": {
            key: {what: one[what] for what in ("library", "version", "ways")} for key, one in about.items()
        },
        "not_built": not_built,
        "missing": missing,
        "samples": samples,
        "at_once": at_once,
        "counted": counted,
        "held": held,
        "crowds": crowds,
    }


def main():
    options = arguments()
    try:
        results = run(options)
    except WorkerFailed as failure:
        sys.exit(f"nothing is reported: {failure}")
    except KeyboardInterrupt:
        sys.exit("nothing is reported: the run was interrupted")
    folder = RESULTS.parent if options.publish else BUILT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=None, separators=(",", ":")) + "\n")
    text = report.figures(results)
    (BUILT / "figures.md").write_text(text + "\n")
    print(text)
    if options.publish:
        report.put_into(PAGE, text)
    # Drawn by another program, in an environment of its own.
    subprocess.run([ROOT / "benches" / "plot.sh", "plot.py", folder / "results.json", folder], check=True)
    print(f"\n{results['seconds']} s; figures and plots are in {os.path.relpath(folder, ROOT)}")


if __name__ == "__main__":
    main()
