"""The tables, in Markdown."""

import statistics

from . import workloads
from .bars import verdicts
from .libraries import CONTESTANTS
from .measure import CONTROL, LEAST_GAIN_ALONE, gain, quartiles, ratios, refusal

BEGIN, END = "<!-- figures: written by benches/run.sh -->", "<!-- end of figures -->"


def time_of(ns):
    if ns < 10_000:
        return f"{ns:.0f} ns"
    return f"{ns / 1000:.1f} µs" if ns < 1_000_000 else f"{ns / 1e6:.2f} ms"


def spread(values):
    low, middle, high = quartiles(values)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def times_table(results, chosen, reference):
    """Of each contestant the median time, and how fast it is as a part or a multiple of the reference."""
    present = [one for one in chosen if results["samples"].get(one.key)]
    lines = ["| | " + " | ".join(one.title for one in present) + " |", "|---" * (len(present) + 1) + "|"]
    for contestant in CONTESTANTS:
        cells = []
        for workload in present:
            times = results["samples"][workload.key].get(contestant.key)
            if times is None:
                cells.append("")
                continue
            cell = time_of(statistics.median(times))
            of_rounds = ratios(results["samples"], workload.key, contestant.key, reference)
            if of_rounds and contestant.key != reference:
                cell += f", {spread(of_rounds)}"
            cells.append(cell)
        if any(cells):
            lines.append(f"| {contestant.label} | " + " | ".join(cells) + " |")
    return lines


def counts_table(results):
    present = [one for one in workloads.COUNTED if results["counted"].get(one.key)]
    lines = ["| | " + " | ".join(one.title for one in present) + " |", "|---" * (len(present) + 1) + "|"]
    for contestant in CONTESTANTS:
        cells = []
        for workload in present:
            counts = results["counted"][workload.key].get(contestant.key, {})
            cell = f"{counts['allocations']:.3g}" if "allocations" in counts else ""
            if "copied" in counts:
                cell += f"; {counts['copied']:.0f} B"
            cells.append(cell)
        if any(cells):
            lines.append(f"| {contestant.label} | " + " | ".join(cells) + " |")
    return lines


def memory_table(results):
    lines = [
        "| | heap, B | client | server | resident, B | left after close, B | connections that came and went | left of each, B |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for library, held in results["held"].items():
        if held.get("missing"):
            lines.append(f"| {name_of(results, library)} | {held['missing']} | | | | | | |")
            continue
        idle, churn = held["idle"], held["churn"]
        parts = [f"{idle[what]:.0f}" for what in ("heap", "heap_client", "heap_server", "resident", "left")]
        note = " (TLS 1.2)" if held.get("tls12") else ""
        lines.append(
            f"| {name_of(results, library)}{note} | " + " | ".join(parts) + f" | {churn['connections']:,} | {churn['left']:.2f} |"
        )
    return lines


def crowd_table(results):
    counts = sorted({count for times in results["crowds"].values() for count in times}, key=int)
    lines = ["| idle connections | " + " | ".join(f"{int(count):,}" for count in counts) + " |"]
    lines.append("|---" * (len(counts) + 1) + "|")
    labels = {one.key: one.label for one in CONTESTANTS}
    for key, times in results["crowds"].items():
        cells = []
        for count in counts:
            slices = times.get(count)
            cells.append("does not fit" if slices is None else time_of(statistics.median(slices)))
        lines.append(f"| {labels[key]} | " + " | ".join(cells) + " |")
    return lines


def threads_table(results):
    """Of each contestant the time on one thread, and how many times as much two do; or why that is not said."""
    measured = [one for one in workloads.AT_ONCE if results["at_once"].get(one.key)]
    why = {one: refusal(results["at_once"][one.key]) for one in measured}
    present = [one for one in measured if why[one] is None]
    refused = [f"Not reported, {one.title}: {why[one]}." for one in measured if why[one] is not None]
    if not present:
        return refused
    lines = ["| | " + " | ".join(one.title for one in present) + " |", "|---" * (len(present) + 1) + "|"]
    for contestant in CONTESTANTS:
        cells = []
        for both in present:
            found = results["at_once"][both.key].get(contestant.key)
            gained = gain(found) if found else None
            if gained is None or isinstance(gained, str):
                cells.append(gained or "")
            else:
                cells.append(f"{time_of(statistics.median(found['ns']))}, **{gained:.2f}**")
        if any(cells):
            lines.append(f"| {contestant.label} | " + " | ".join(cells) + " |")
    return [*lines, *(line for one in refused for line in ("", one))]


def name_of(results, library):
    """With its version, where there is another one of that name."""
    about, all_of_them = results["libraries"][library], results["libraries"].values()
    is_alone = sum(other["library"] == about["library"] for other in all_of_them) == 1
    return about["library"] if is_alone else f"{about['library']} {about['version']}"


def libraries_table(results):
    lines = ["| library | version |", "|---|---|"]
    for about in results["libraries"].values():
        lines.append(f"| {about['library']} | {about['version']} |")
    for library, reason in results["not_built"].items():
        lines.append(f"| {library} | missing: {reason} |")
    return lines


def missing_list(results):
    return [f"- {one['library']}, {one['setting']}: {one['reason']}." for one in results["missing"]]


def figures(results):
    """Everything between the two marks of docs/benchmarks.md."""
    against = CONTROL
    parts = [
        f"One run of {results['date']}, {results['effort']}, on {results['machine']}; {results['rounds']} rounds, "
        f"programs started {results['starts']} times.",
        "",
        *libraries_table(results),
        "",
        "### What it was to be",
        "",
        "| | bar | measured | |",
        "|---|---|---|---|",
        *(one.row() for one in verdicts(results)),
        "",
        "### Moving bytes",
        "",
        "Processor time for one message, and how many times as fast as AES-GCM alone.",
        "",
        *times_table(results, workloads.MOVES, against),
        "",
        "Records of other sizes:",
        "",
        *times_table(results, workloads.RECORDS, against),
        "",
        "TLS_AES_256_GCM_SHA384, and AES-256-GCM alone:",
        "",
        *times_table(results, workloads.AES256_MOVES, against),
        "",
        "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, and AES-128-GCM alone with the additional data of TLS 1.2:",
        "",
        *times_table(results, workloads.TLS12_MOVES, against),
        "",
        "### Request and response",
        "",
        "Compared with libtlsbio's copies.",
        "",
        *times_table(results, [workloads.EXCHANGE], "libtlsbio/copy"),
        "",
        "### Handshakes",
        "",
        "Both ends together, from new to free; compared with libtlsbio.",
        "",
        *times_table(results, workloads.HANDSHAKES, "libtlsbio/in-place"),
        "",
        "### Allocations and copied bytes",
        "",
        "Calls of malloc and its kin; bytes through memcpy and memmove. Empty where they are not the C library's.",
        "",
        *counts_table(results),
        "",
        "### Connections",
        "",
        f"Of {results['idle']:,} idle connections, half of them clients, after 16 KiB each way; bytes each. The certificate is one of 290 bytes.",
        "",
        *memory_table(results),
        "",
        "### One busy connection among idle ones",
        "",
        "Processor time for a message of 1 KiB.",
        "",
        *crowd_table(results),
        "",
        "### Two threads over one context",
        "",
        "Time of a message, or of both ends of a handshake, on one thread, and **how many times as much two threads do**, each on a core of its "
        "own and with connections of its own, as each does alone. Only rounds count in which both had their cores to themselves. "
        "AES-GCM alone shares nothing: it takes turns with the others (with handshakes, in messages of 16 KiB), and where it gains less than "
        f"{LEAST_GAIN_ALONE} times nothing is reported.",
        "",
        *threads_table(results),
    ]
    if results["missing"]:
        parts += ["", "### What could not be done", "", *missing_list(results)]
    return "\n".join(parts)


def put_into(page, text):
    """Replaces what stands between the marks."""
    old = page.read_text()
    head, rest = old.split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")
