"""The table of the loops, and whether the bars are met."""

import statistics

LOOPS = ("epoll", "libuv", "io_uring", "libevent", "asio")
PEER = "openssl"
LABELS = {
    "epoll": "epoll",
    "libuv": "libuv",
    "io_uring": "io_uring",
    "libevent": "libevent",
    "asio": "Boost.Asio",
    "openssl": "OpenSSL 4.0's memory BIOs on epoll",
}
# Name, bytes of a message, how many, and how many are under way.
WORK = (("1 KiB", 1024, 10_000, 1), ("16 KiB", 16_384, 2_000, 1), ("64 KiB pipelined", 65_536, 800, 4))
# What is held against what: how many times its time is the most.
BARS = (
    ("libuv", "epoll", (1.1, 1.1, 1.1)),
    ("io_uring", "epoll", (1.1, 1.1, 1.1)),
    ("epoll", "openssl", (0.75, 0.5, 0.5)),
    ("libuv", "openssl", (0.75, 0.5, 0.5)),
    ("io_uring", "openssl", (0.75, 0.5, 0.5)),
)
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def ratios(samples, loop, reference, name):
    """Of each turn, in which both ran within seconds: (median, least, most)."""
    of_turns = [mine / theirs for mine, theirs in zip(samples[loop][name], samples[reference][name], strict=True)]
    return statistics.median(of_turns), min(of_turns), max(of_turns)


def table(samples):
    lines = ["| ms per MB | " + " | ".join(name for name, *_ in WORK) + " |", "|---|" + "---|" * len(WORK)]
    for loop, times in samples.items():
        cells = [f"{statistics.median(times[name]):.2f} ({min(times[name]):.2f} to {max(times[name]):.2f})" for name, *_ in WORK]
        lines.append(f"| {LABELS[loop]} | " + " | ".join(cells) + " |")
    return lines


def bars(samples):
    lines = ["| bar | " + " | ".join(name for name, *_ in WORK) + " |", "|---|" + "---|" * len(WORK)]
    for loop, reference, most in BARS:
        if loop not in samples or reference not in samples:
            continue
        cells = []
        for (name, *_), bar in zip(WORK, most, strict=True):
            middle, low, high = ratios(samples, loop, reference, name)
            verdict = "met" if middle <= bar else "**missed**"
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f}), at most {bar}: {verdict}")
        lines.append(f"| {LABELS[loop]}, of {LABELS[reference]} | " + " | ".join(cells) + " |")
    return lines


def kernels(samples, ticks):
    """The part of each median that the kernel spent: sockets, which TLS has no part in."""
    lines = ["| in the kernel, ms per MB | " + " | ".join(name for name, *_ in WORK) + " |", "|---|" + "---|" * len(WORK)]
    for loop, times in samples.items():
        cells = []
        for name, *_ in WORK:
            own, kernel = ticks[loop][name]
            part = kernel / max(own + kernel, 1)
            cells.append(f"{statistics.median(times[name]) * part:.2f} ({part:.0%})")
        lines.append(f"| {LABELS[loop]} | " + " | ".join(cells) + " |")
    return lines


def report(results):
    samples = results["samples"]
    where = f"{results['date']}, {results['processor']}, Linux {results['kernel']}, {results['suite']}, {results['runs']} turns, "
    where += f"load of the machine before {results['load']:.1f}"
    return "\n".join([where + ": medians, with the least and the most.", "", *table(samples), "", *kernels(samples, results["ticks"]), "", *bars(samples)])


def publish(results, folder):
    """Puts the figures between the two marks of the page."""
    page = folder / "loops.md"
    text = page.read_text(encoding="utf-8")
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(f"{text[:before]}\n{report(results)}\n{text[after:]}", encoding="utf-8")
