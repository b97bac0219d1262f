"""Compares what callgrind counted for two libraries: handshake_cost.py DIRECTORY THEN NOW.

DIRECTORY/AGE-VERSION/out.N is one handshake. Most instructions are cryptography, which is not ours. The rest, Rust
(ours and the engine's) and the C library (memory), is told apart by names, and shows what the sum would hide.
"""

import re
import statistics
import sys
from pathlib import Path

# A handshake may cost this much more.
MOST = 1.02
# Everything else in our library is aws-lc's C and assembly.
RUST = re.compile(r"::|^<|^tls_|^__rust")
LIBRARY = "libtlsbio.so"


def instructions(dump):
    """All, and those outside of the cryptographic library."""
    total = ours = 0
    cryptography = called = in_library = False
    for line in dump.read_text(errors="replace").splitlines():
        if line.startswith("ob="):
            in_library = LIBRARY in line
        elif line.startswith("fn="):
            cryptography = in_library and not RUST.search(line[3:])
        elif line.startswith("calls="):
            called = True
        elif re.match(r"[+*\-\d]", line):
            # The line after "calls=" is what the callee cost, which is counted there.
            if not called:
                cost = int(line.split()[1])
                total += cost
                ours += 0 if cryptography else cost
            called = False
    return total, ours


def handshakes(directory):
    counted = [instructions(dump) for dump in directory.glob("out.*")]
    # The last dump is of the time after the last handshake, in which nothing was collected.
    return [one for one in counted if one[0] > 0]


def row(what, then, now):
    def spread(values):
        low, _, high = statistics.quantiles(values, n=4)
        return (high - low) / statistics.median(values)

    ratio = statistics.median(now) / statistics.median(then)
    print(
        f"| {what} | {statistics.median(then):,.0f} | {spread(then):.2%} | {statistics.median(now):,.0f}"
        f" | {spread(now):.2%} | {ratio - 1:+.2%} |"
    )
    return ratio


def main():
    directory, then, now = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    dear = False
    print("| instructions of a handshake | then | spread | now | spread | difference |\n|---|---|---|---|---|---|")
    for version in ("1.2", "1.3"):
        old, new = (handshakes(directory / f"{age}-{version}") for age in (then, now))
        if not old or len(old) != len(new):
            sys.exit(f"TLS {version}: {len(old)} and {len(new)} handshakes were counted")
        dear |= row(f"TLS {version}, all", [one[0] for one in old], [one[0] for one in new]) > MOST
        row(f"TLS {version}, without cryptography", [one[1] for one in old], [one[1] for one in new])
    print(f"\nMedians of {len(old)} handshakes; spread is that of the middle half.")
    if dear:
        sys.exit(f"a handshake costs more than {MOST - 1:.0%} more than it did")


main()
