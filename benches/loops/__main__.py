"""What an echo server's processor spends, loop by loop: python3 -m loops [--runs N] [--publish], in benches/, after CMake's target loops.

Each loop serves one connection: messages of 1 KiB and of 16 KiB to and fro, and 64 KiB pipelined, four messages ahead. What is counted is the
time that the server's threads are on a processor, from Linux's schedstat, in milliseconds per MB echoed; the client's does not count. The
loops take turns, N times (9). With --publish the figures go into docs/.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys

from compare.libraries import C_FLAGS, OPENSSL, ROOT, CannotBuild, run

from .measure import measure
from .report import LOOPS, PEER, WORK, publish, report

BUILT = ROOT / "target" / "benches" / "loops"
EXAMPLES = ROOT / "target" / "cmake" / "release" / "examples"
PKI = ROOT / "target" / "pki"


def build_peer():
    """The same loop over OpenSSL's memory BIOs."""
    BUILT.mkdir(parents=True, exist_ok=True)
    sources = [ROOT / "benches" / "loops" / "openssl.c", ROOT / "examples" / "net.c"]
    program = BUILT / PEER
    flags = OPENSSL.prepare()
    run(["cc", *C_FLAGS, f"-I{ROOT / 'examples'}", *sources, *flags, "-lpthread", "-o", program], BUILT / f"{PEER}.log")
    return program


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--publish", action="store_true", help="write docs/loops.md and its plot anew")
    options = parser.parse_args()
    programs = {loop: EXAMPLES / f"loop_{loop}" for loop in LOOPS if (EXAMPLES / f"loop_{loop}").exists()}
    try:
        programs[PEER] = build_peer()
    except CannotBuild as error:
        print(f"{PEER} is left out: {error}", file=sys.stderr)
    load = os.getloadavg()[0]
    samples = {loop: {name: [] for name, *_ in WORK} for loop in programs}
    ticks = {loop: {name: [0, 0] for name, *_ in WORK} for loop in programs}
    suites = set()
    for _ in range(options.runs):
        for name, size, count, ahead in WORK:
            for loop, program in programs.items():
                measured = measure(program, PKI, size, count, ahead)
                if measured is not None:
                    samples[loop][name].append(measured["ms per MB"])
                    ticks[loop][name] = [sum(both) for both in zip(ticks[loop][name], measured["ticks"], strict=True)]
                    suites.add(measured["suite"])
    if len(suites) != 1:
        sys.exit(f"nothing is compared: the servers chose different suites: {', '.join(sorted(suites))}")
    results = {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "kernel": platform.release(),
        "suite": suites.pop(),
        "runs": options.runs,
        "load": load,
        "ticks": ticks,
        "samples": {loop: times for loop, times in samples.items() if all(times.values())},
    }
    print(report(results))
    (BUILT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    if options.publish:
        publish(results, ROOT / "docs")
        subprocess.run([ROOT / "benches" / "plot.sh", "plot_loops.py", BUILT / "results.json", ROOT / "docs" / "benchmarks"], check=True)


if __name__ == "__main__":
    main()
