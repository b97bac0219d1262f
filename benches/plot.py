"""Draws what a comparison measured: plot.py RESULTS.json DIRECTORY."""

import json
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402: the line before it must come first
from matplotlib.ticker import FuncFormatter  # noqa: E402

OURS, OTHERS, LIMIT, INK, FAINT = "#0b6e99", "#b9c2c9", "#444444", "#222222", "#e4e7ea"
LABELS = {
    "aead/aead": "AES-GCM alone",
    "libtlsbio/in-place": "libtlsbio, in place",
    "libtlsbio/window": "libtlsbio, window",
    "libtlsbio/copy": "libtlsbio, copies",
    "rustls/in-place": "rustls, in Rust",
    "boringssl/memory-bio": "BoringSSL",
    "boringssl-bio/host-bio": "BoringSSL, host's BIO",
    "openssl/memory-bio": "OpenSSL 4.0",
    "openssl3/memory-bio": "OpenSSL 3.0",
    "awslc/memory-bio": "AWS-LC",
    "rustls-ffi/callbacks": "rustls-ffi",
    "s2n/callbacks": "s2n-tls",
    "gnutls/callbacks": "GnuTLS",
    "wolfssl/callbacks": "wolfSSL",
    "mbedtls/callbacks": "Mbed TLS",
    "go/conn": "Go crypto/tls",
    "cpython/memory-bio": "CPython ssl",
}
plt.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.edgecolor": FAINT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "libtlsbio",
        # Text stays text: smaller, and it can be read aloud and searched.
        "svg.fonttype": "none",
    }
)


def color(key):
    return LIMIT if key.startswith("aead") else OURS if key.startswith("libtlsbio") else OTHERS


def bars(axes, values, title, form, note=None):
    """Horizontal bars, the best first; values is {label: (value, low, high, color)}."""
    order = list(values)
    for place, label in enumerate(order):
        value, low, high, fill = values[label]
        axes.barh(place, value, color=fill, height=0.68)
        if low is not None and high - low > 0:
            axes.plot([low, high], [place, place], color=INK, linewidth=1)
        axes.annotate(form(value), (max(value, high or value), place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(order)), order)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.xaxis.set_visible(False)
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.margins(x=0.16)
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", pad=10 if note is None else 22)
    if note:
        axes.annotate(note, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", fontsize=8, color="#666666")


def part_of(samples, workload, reference):
    """{contestant: (median, quartiles)} of how fast each is, as a multiple of the reference."""
    times = samples.get(workload, {})
    if reference not in times:
        return {}
    found = {}
    for key, values in times.items():
        of_rounds = [theirs / own for theirs, own in zip(times[reference], values, strict=True)]
        low, middle, high = statistics.quantiles(of_rounds, n=4)
        found[key] = (middle, low, high)
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))


def speed_bars(axes, samples, workload, reference, title, note):
    values = {
        LABELS[key]: (*figures, color(key)) for key, figures in part_of(samples, workload, reference).items()
    }
    if values:
        bars(axes, values, title, lambda value: f"{value:.2f} ×", note)


def idle_bars(axes, results):
    heap = {key: one["idle"]["heap"] for key, one in results["held"].items() if one.get("idle")}
    values = {
        results["libraries"][key]["library"]: (value / 1024, None, None, color(key + "/"))
        for key, value in sorted(heap.items(), key=lambda item: item[1])
    }
    bars(axes, values, "An idle connection", lambda value: f"{value:.1f} KiB", "heap, mean of client and server")


def handshake_bars(axes, results, workload, title):
    times = results["samples"].get(workload, {})
    rates = {}
    for key, values in times.items():
        low, middle, high = statistics.quantiles([1e9 / ns for ns in values], n=4)
        rates[results["libraries"][key.split("/")[0]]["library"]] = (middle, low, high, color(key))
    rates = dict(sorted(rates.items(), key=lambda item: -item[1][0]))
    bars(axes, rates, title, lambda value: f"{value:,.0f}", "a second, both ends on one core")


def save(figure, path, description):
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None, "Title": description})
    plt.close(figure)
    print(f"  {path.name}: {description}")


def main_plot(results, folder):
    figure, axes = plt.subplots(1, 3, figsize=(11.5, 3.9), gridspec_kw={"wspace": 0.75})
    speed_bars(axes[0], results["samples"], "move-16384", "aead/aead", "Messages of 16 KiB", "speed, AES-128-GCM alone is 1")
    idle_bars(axes[1], results)
    handshake_bars(axes[2], results, "full-ecdsa-x25519", "Full handshakes")
    save(figure, folder / "main.svg", "speed, memory and handshakes, next to each other")


def sizes_plot(results, folder):
    """Each contestant a line: how much of AES-GCM's speed is left, by size."""
    lengths = sorted(int(key.split("-")[1]) for key in results["samples"] if key.startswith("move-"))
    figure, axes = plt.subplots(figsize=(8, 4.4))
    ends = []
    for key in LABELS:
        points = []
        for length in lengths:
            found = part_of(results["samples"], f"move-{length}", "aead/aead").get(key)
            if found and key != "aead/aead":
                points.append((length, found[0]))
        if not points:
            continue
        ours = key.startswith("libtlsbio")
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=color(key), linewidth=2 if ours else 1.2, marker="o", markersize=3, zorder=3 if ours else 2)
        ends.append([y[-1], LABELS[key], ours, x[-1]])
    spread_labels(axes, ends, 0.052)
    axes.set_xscale("log", base=2)
    axes.set_xticks(lengths, [f"{n >> 20} MiB" if n >> 20 else f"{n >> 10} KiB" if n >> 10 else f"{n} B" for n in lengths])
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.1f}"))
    axes.grid(axis="y", color=FAINT)
    axes.set_axisbelow(True)
    axes.set_title("What is left of AES-128-GCM's speed, by size of message", loc="left", fontsize=10, fontweight="bold")
    save(figure, folder / "sizes.svg", "speed by size of message")


def spread_labels(axes, ends, least):
    """Names at the right ends of lines, moved apart so that all can be read."""
    ends.sort()
    place = -least
    for y, label, ours, x in ends:
        place = max(y, place + least)
        axes.annotate(
            label,
            (x, y),
            (x * 1.5, place),
            fontsize=8,
            va="center",
            color=OURS if ours else INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.8},
        )


def handshakes_plot(results, folder):
    titles = {
        "full-ecdsa-x25519": "ECDSA P-256, X25519",
        "full-ecdsa-hybrid": "ECDSA P-256, X25519MLKEM768",
        "full-rsa-x25519": "RSA-2048, X25519",
        "resumed-x25519": "resumed, X25519",
    }
    present = [key for key in titles if results["samples"].get(key)]
    figure, axes = plt.subplots(1, len(present), figsize=(3.8 * len(present), 3.6), gridspec_kw={"wspace": 0.8}, squeeze=False)
    for place, key in zip(axes[0], present, strict=True):
        handshake_bars(place, results, key, titles[key])
    save(figure, folder / "handshakes.svg", "handshakes a second")


def crowd_plot(results, folder):
    figure, axes = plt.subplots(figsize=(7, 3.4))
    ends = []
    for key, times in results["crowds"].items():
        points = [(int(count), statistics.median(slices)) for count, slices in times.items() if slices]
        x, y = zip(*sorted(points), strict=True)
        axes.plot(x, [ns / 1000 for ns in y], color=color(key), linewidth=2, marker="o", markersize=4)
        ends.append([y[-1] / 1000, LABELS[key], key.startswith("libtlsbio"), x[-1]])
    spread_labels(axes, ends, 0.075 * max(end[0] for end in ends))
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("idle connections in the process")
    axes.set_ylabel("µs")
    axes.grid(axis="y", color=FAINT)
    axes.set_title("1 KiB on one connection, beside idle ones", loc="left", fontsize=10, fontweight="bold")
    save(figure, folder / "crowd.svg", "cost of a message beside idle connections")


def main():
    results, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    main_plot(results, folder)
    sizes_plot(results, folder)
    handshakes_plot(results, folder)
    crowd_plot(results, folder)


if __name__ == "__main__":
    main()
