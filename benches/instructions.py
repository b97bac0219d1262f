"""Instructions of the core paths, counted by callgrind and compared with those that are written down beside this file.

    instructions.py            fails if a path has grown by more than 2 %, with the functions that did
    instructions.py --update   writes them down anew
    instructions.py --keys     compares only what a key that is elsewhere costs with what an own one does

What a compiler makes of the same source differs from one version to the next, so figures are those of one set of
tools. With others nothing is compared with them, and this says so.

What the steps of a handshake cost that cannot ask for a signature is compared with the same steps of a context with an
own key, counted here and now: that holds with all tools.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from compare.libraries import BUILT, LIBRARY, OURS, ROOT

WRITTEN_DOWN = Path(__file__).with_suffix(".json")
MOST = 1.02
COUNT = 200
# The function that is counted, whatever the compiler adds to its name, and the command that runs it.
PATHS = {
    f"{way} {length} B": (function, f"move {way} {length} {COUNT}")
    for way, function in (("copy", "by_copy"), ("window", "by_window"), ("in-place", "in_place"))
    for length in (64, 1024, 16384)
}
PATHS["full handshake"] = ("one_handshake", "handshake 40")
PATHS["resumed handshake"] = ("one_handshake", "handshake 40")
# Keys and signatures are random, and no two cost the same: of handshakes only Rust's part is compared.
RUST = re.compile(r"::|^<|^tls_|^__rust")
# How much dearer the steps of a flight that cannot ask may be if the key is elsewhere, and how many more system calls they
# may make: what the system does, such as mapping a stack, is in no count of instructions. A stack takes four calls,
# of the steps that are counted two may have one, and the allocator may have to ask for memory.
MOST_ELSEWHERE = 1.05
MOST_CALLS = 16
FLIGHTS = 2
# Flights that asking_cost.c cuts, and the side, version and bytes in a record that it is told.
FLIGHTS_OF = {"ClientHello in records of 1 B": "server 0 1"} | {
    f"server's flight of TLS {version}, {cut}": f"client {number} {piece}"
    for version, number in (("1.2", "303"), ("1.3", "304"))
    for cut, piece in (("whole", 0), ("records of 1 B", 1), ("records of 100 B", 100))
}
# Of a path, functions that take less than this are one sum.
LEAST_SHARE = 0.002


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tools():
    """What the figures depend on besides the source."""
    flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split()
    return {
        "rustc": output("rustc", "--version").split()[1],
        "cc": output("cc", "-dumpfullversion").strip(),
        "libc": output("ldd", "--version").split("\n")[0].split()[-1],
        "valgrind": output("valgrind", "--version").strip(),
        # Which of its own ways the cryptographic library takes.
        "avx2": "avx2" in flags,
    }


def functions(dump):
    """{function: its own instructions}, from a callgrind file without compression."""
    costs, name, called = {}, None, False
    for line in dump.read_text(errors="replace").splitlines():
        if line.startswith("fn="):
            name = line[3:]
        elif line.startswith("calls="):
            called = True
        elif re.match(r"[+*\-\d]", line):
            # The line after "calls=" is what the callee cost, which is counted there.
            if not called:
                costs[name] = costs.get(name, 0) + int(line.split()[1])
            called = False
    return costs


def count(path, folder):
    function, command = PATHS[path]
    setting = f"set ecdsa 1301 1d {int(path.startswith('resumed'))}"
    dump = Path(folder) / "out"
    done = subprocess.run(
        ["valgrind", "--quiet", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no"]
        + [f"--toggle-collect={function}*", f"--callgrind-out-file={dump}", BUILT / OURS.key, ROOT / "target" / "pki"],
        input=f"{setting}\n{command}\n",
        text=True,
        capture_output=True,
    )
    if done.returncode != 0 or "error" in done.stdout:
        sys.exit(f"{path}: {done.stdout}{done.stderr}")
    units = int(command.split()[-1])
    costs = {name: cost / units for name, cost in functions(dump).items()}
    if function == "one_handshake":
        costs = {name: cost for name, cost in costs.items() if RUST.search(name)}
    total = sum(costs.values())
    kept = {name: round(cost, 1) for name, cost in costs.items() if cost >= total * LEAST_SHARE}
    return {"total": round(total, 1), "functions": dict(sorted(kept.items(), key=lambda item: -item[1]))}


def count_flight(program, key, flight):
    """Instructions and system calls of the steps over one flight, of one connection."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-systime=yes"]
        + ["--toggle-collect=one_flight", "--callgrind-out-file=/dev/null"]
        + [program, ROOT / "target" / "pki", key, *flight.split(), str(FLIGHTS)],
        text=True,
        capture_output=True,
    )
    cost = cost_of(done.stderr)
    if done.returncode != 0 or cost is None or cost[0] == 0:
        sys.exit(f"{program} {key} {flight}: {done.stdout}{done.stderr}")
    return cost


def cost_of(said):
    """The same of what callgrind said, which leaves out a count that is 0 where none follows."""
    events = re.search(r"Events +: Ir sysCount", said)
    collected = re.search(r"Collected : (\d+)(?: (\d+))?", said)
    if events is None or collected is None:
        return None
    return int(collected[1]) / FLIGHTS, int(collected[2] or 0) / FLIGHTS


def is_too_dear(own, elsewhere):
    (instructions, calls), (instructions_elsewhere, calls_elsewhere) = own, elsewhere
    return instructions_elsewhere > MOST_ELSEWHERE * instructions or calls_elsewhere > calls + MOST_CALLS


def compare_keys():
    """Whether steps that cannot ask cost what they cost with an own key."""
    program, tests = BUILT / "asking_cost", ROOT / "c-tests"
    subprocess.run(
        ["cc", "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-D_POSIX_C_SOURCE=200809L"]
        + [f"-I{ROOT / 'include'}", f"-I{tests}", Path(__file__).with_name("asking_cost.c")]
        + [tests / f"{name}.c" for name in ("check", "pair", "pki")]
        + [f"-L{LIBRARY}", "-ltlsbio", f"-Wl,-rpath,{LIBRARY}", "-o", program],
        check=True,
    )
    too_dear = []
    for what, flight in FLIGHTS_OF.items():
        own, elsewhere = (count_flight(program, key, flight) for key in ("own", "elsewhere"))
        print(
            f"{what:40} {own[0]:12,.0f} instructions and {own[1]:2.0f} system calls, "
            f"{elsewhere[0] / own[0] - 1:+.2%} and {elsewhere[1] - own[1]:+.0f} with a key that is elsewhere"
        )
        if is_too_dear(own, elsewhere):
            too_dear.append(what)
    if too_dear:
        most = f"{MOST_ELSEWHERE - 1:.0%}"
        sys.exit(
            f"steps that cannot ask are more than {most} or {MOST_CALLS} system calls dearer if the key is elsewhere: "
            + ", ".join(too_dear)
        )


def has_grown(then, now):
    return now["total"] > MOST * then["total"]


def grown(then, now):
    """What grew, the most first."""
    names = then["functions"].keys() | now["functions"].keys()
    changes = {name: now["functions"].get(name, 0) - then["functions"].get(name, 0) for name in names}
    return sorted(((change, name) for name, change in changes.items() if change > 0), reverse=True)


def main():
    if shutil.which("valgrind") is None:
        print("skipped: there is no valgrind to count instructions with")
        return
    here = tools()
    update = sys.argv[1:] == ["--update"]
    BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", ROOT / "target" / "pki"], check=True)
    if not update:
        compare_keys()
    if sys.argv[1:] == ["--keys"]:
        return
    written = json.loads(WRITTEN_DOWN.read_text()) if WRITTEN_DOWN.exists() else None
    if not update and written["tools"] != here:
        print(f"skipped: instructions were counted with {written['tools']}, and here is {here}")
        return
    OURS.build()
    with tempfile.TemporaryDirectory() as folder:
        counted = {path: count(path, folder) for path in PATHS}
    if update:
        WRITTEN_DOWN.write_text(json.dumps({"tools": here, "paths": counted}, indent=1) + "\n")
    failed = False
    for path, now in counted.items():
        # A path that is new has nothing to grow from.
        then = written["paths"].get(path, now) if written else now
        print(f"{path:20} {now['total']:12,.0f} instructions, {now['total'] / then['total'] - 1:+.2%}")
        if has_grown(then, now) and not update:
            failed = True
            for change, name in grown(then, now)[:5]:
                print(f"  {change:+10,.0f} {name}")
    if failed:
        sys.exit(f"a path has grown by more than {MOST - 1:.0%}; if that is meant: benches/instructions.py --update")


if __name__ == "__main__":
    main()
