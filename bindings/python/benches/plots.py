"""Makes docs/python-figures.md and its plots of what figures.py has measured.

plots.py [FIGURES.json] [--docs FOLDER]
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[3]

OURS, OTHERS, NOTHING, MISSED = "#1f6f8b", "#a8b0b8", "#dde1e5", "#c8553d"
plt.rcParams.update(
    {
        "font.family": ["DejaVu Sans", "sans-serif"],
        "font.size": 9.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "svg.fonttype": "none",
        # The same figures make the same file.
        "svg.hashsalt": "tlsbio",
        "figure.facecolor": "white",
    }
)

# What a reader calls the peers.
NAMES = {
    "plain": "no TLS",
    "none": "no TLS",
    "ssl": "ssl (OpenSSL)",
    "pyopenssl": "pyOpenSSL",
    "rtls": "rtls",
    "aiofastnet": "aiofastnet",
    "drop-in": "tlsbio, drop-in",
    "drop-in, own BIO": "tlsbio, drop-in, own BIO",
    "tlsbio.aio": "tlsbio.aio",
    "tlsbio": "tlsbio.twisted",
}


def colour(peer: str) -> str:
    """Ours, others, and the measure of what TLS costs."""
    return NOTHING if peer in ("plain", "none") else OURS if NAMES[peer].startswith("tlsbio") else OTHERS


class Figures:
    """What was measured."""

    def __init__(self, measured: dict[str, Any]) -> None:
        self.machine = measured["machine"]
        self._samples = measured["samples"]

    def peers(self, key: str) -> list[str]:
        """Those that could do the work."""
        return [peer for peer in self._samples[key] if self.values(key, peer)]

    def failures(self, key: str) -> list[str]:
        """Those that could not."""
        return [peer for peer in self._samples[key] if not self.values(key, peer)]

    def was_asked(self, key: str, peer: str) -> bool:
        """Whether there is such a line for it."""
        return peer in self._samples[key]

    def values(self, key: str, peer: str, what: str | Callable[[Any], float] | None = None) -> list[float]:
        """All samples, by the name of a figure or by a function of all of them."""
        found = [one for one in self._samples[key].get(peer, []) if one and "failed" not in one]
        if what is None:
            return [0.0] * len(found)
        return [what(one) if callable(what) else one[what] for one in found]

    def median(self, key: str, peer: str, what: str | Callable[[Any], float]) -> float:
        """The middle of all rounds."""
        return statistics.median(self.values(key, peer, what))

    def quartiles(self, key: str, peer: str, what: str | Callable[[Any], float]) -> tuple[float, float]:
        """Where the middle half of the rounds lies."""
        values = self.values(key, peer, what)
        if len(values) < 2:
            return values[0], values[0]
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return low, high

    def ratio(self, key: str, one: str, other: str, what: str = "microseconds") -> float:
        """Of two medians."""
        return self.median(key, one, what) / self.median(key, other, what)


@dataclass
class Line:
    """A line of the issue's table: what was found, and what was asked for."""

    what: str
    value: float
    bar: float
    unit: str

    @property
    def met(self) -> bool:
        return self.value <= self.bar

    def shown(self, value: float) -> str:
        """With the unit."""
        digits = 0 if value == int(value) and not self.unit.startswith("×") else 2
        return f"{value:.{digits}f} {self.unit}".rstrip()


def short(value: float) -> str:
    """Three digits, without a power of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def lines_of(figures: Figures) -> list[Line]:
    """The table."""
    count = figures.machine["connections"]

    def living(key: str, peer: str) -> float:
        if key.startswith("left"):
            return max(figures.values(key, peer, "living"))
        return max(max(figures.values(key, peer, f"living_{side}_protocols")) for side in ("server", "client", "tls"))

    def objects(key: str, peer: str, without: str) -> float:
        """Per connection, above the run without TLS."""

        def grown(one: Any) -> float:
            return float(one["objects"] if "objects" in one else one["objects_after"] - one["objects_before"])

        base = key.replace("refused", "short") if key.startswith("left") else key
        return max(0.0, (figures.median(key, peer, grown) - figures.median(base, without, grown)) / count)

    def memory(key: str) -> float:
        """MB above the run without TLS."""
        return (figures.median(key, "tlsbio", "resident_after") - figures.median(key, "none", "resident_after")) / 1e6

    found = []
    for variant, words in (("shared", ""), ("refused", ", refused"), ("fresh", ", a factory each")):
        key = f"twisted {variant}"
        found += [
            Line(f"Twisted{words}: protocols still living", living(key, "tlsbio"), 0, ""),
            Line(f"Twisted{words}: objects left", objects(key, "tlsbio", "none"), 1, "each"),
            Line(f"Twisted{words}: memory above no TLS", memory(key), 8, "MB"),
        ]
    for peer in "tlsbio.aio", "drop-in":
        for loop in "asyncio", "uvloop":
            for variant, words in (("short", ""), ("refused", ", refused")):
                key, who = f"left {loop} {variant}", f"{peer} on {loop}{words}"
                found += [
                    Line(f"{who}: protocols still living", living(key, peer), 0, ""),
                    Line(f"{who}: objects left", objects(key, peer, "plain"), 1, "each"),
                ]
    for loop in "asyncio", "uvloop":
        kilobytes = figures.median(f"idle {loop}", "tlsbio.aio", "bytes") / 1000
        found.append(Line(f"idle endpoint, tlsbio.aio on {loop}", kilobytes, 8, "KB"))
    for peer in "drop-in", "drop-in, own BIO":
        ratio = figures.ratio("idle asyncio", peer, "ssl", "bytes")
        found.append(Line(f"idle endpoint, {peer} on asyncio", ratio, 0.85, "× ssl"))
    found.append(Line("idle socket", figures.ratio("idle sockets", "drop-in", "ssl", "bytes"), 0.25, "× ssl"))
    ratio = figures.ratio("idle twisted", "tlsbio", "pyopenssl", "bytes_per_endpoint")
    found.append(Line("idle endpoint, Twisted", ratio, 0.35, "× pyOpenSSL"))
    for key, words in (("bio small", "malloc at first"), ("bio small, malloc later", "malloc later")):
        found.append(Line(f"read(262144) of 64 bytes, {words}", figures.ratio(key, "drop-in", "ssl"), 0.2, "× ssl"))
    for key, words in (("echo uvloop 256", "malloc at first"), ("echo uvloop 256, malloc later", "malloc later")):
        found.append(
            Line(f"echo 256 B, drop-in on uvloop, {words}", figures.ratio(key, "drop-in", "ssl"), 0.6, "× ssl")
        )
    for size, words in (("256", "256 B"), ("65536", "64 KiB")):
        for kind, protocol in (("", "Protocol"), (" buffered", "BufferedProtocol")):
            ratio = figures.ratio(f"echo uvloop {size}{kind}", "tlsbio.aio", "aiofastnet")
            found.append(Line(f"echo {words}, tlsbio.aio on uvloop, {protocol}", ratio, 0.9, "× aiofastnet"))
    for peer in "drop-in", "drop-in, own BIO":
        found.append(Line(f"write and read 16 KiB, {peer}", figures.ratio("bio 16384", peer, "ssl"), 0.5, "× ssl"))
    for key, words, bar in (
        ("recv_into", "recv_into of 16 KiB, sockets", 0.6),
        ("round trip", "256 B there and back, sockets", 0.9),
        ("connections", "a connection, sockets", 0.6),
        ("getpeercert", "getpeercert()", 1.5),
        ("wrap_bio", "wrap_bio of a client", 1.5),
        ("wrap_bio and hello", "wrap_bio of a client, and its ClientHello", 1.5),
        ("wrap_bio server", "wrap_bio of a server", 1.5),
        ("create_default_context", "create_default_context()", 1.5),
    ):
        found.append(Line(words, figures.ratio(f"sockets {key}", "drop-in", "ssl"), bar, "× ssl"))
    return found


def against_rtls(figures: Figures) -> list[tuple[str, float]]:
    """Each line that rtls can do, and what ours is of its."""
    found = []
    for key, words, peer, what in (
        ("bio small", "read(262144) of 64 bytes, malloc at first", "drop-in", "microseconds"),
        ("bio small, malloc later", "read(262144) of 64 bytes, malloc later", "drop-in", "microseconds"),
        ("bio 256", "write and read 256 B", "drop-in", "microseconds"),
        ("bio 16384", "write and read 16 KiB", "drop-in", "microseconds"),
        ("bio 65536", "write and read 64 KiB", "drop-in", "microseconds"),
        ("echo asyncio 256", "echo 256 B, asyncio", "drop-in", "microseconds"),
        ("echo asyncio 65536", "echo 64 KiB, asyncio", "drop-in", "microseconds"),
        ("echo uvloop 256", "echo 256 B, uvloop", "drop-in", "microseconds"),
        ("echo uvloop 65536", "echo 64 KiB, uvloop", "drop-in", "microseconds"),
        ("echo uvloop 256", "echo 256 B, uvloop", "tlsbio.aio", "microseconds"),
        ("echo uvloop 65536", "echo 64 KiB, uvloop", "tlsbio.aio", "microseconds"),
        ("idle asyncio", "idle endpoint, asyncio", "drop-in", "bytes"),
        ("idle uvloop", "idle endpoint, uvloop", "drop-in", "bytes"),
        ("idle uvloop", "idle endpoint, uvloop", "tlsbio.aio", "bytes"),
        ("left asyncio short", "memory left by short connections, asyncio", "drop-in", "memory"),
        ("left uvloop short", "memory left by short connections, uvloop", "drop-in", "memory"),
        ("left asyncio refused", "memory left by refused ones, asyncio", "drop-in", "memory"),
        ("left asyncio refused", "memory left by refused ones, asyncio", "tlsbio.aio", "memory"),
        ("left uvloop refused", "memory left by refused ones, uvloop", "drop-in", "memory"),
    ):
        # Less than a megabyte after thousands of connections says nothing.
        if key.startswith("left") and max(figures.median(key, one, what) for one in (peer, "rtls")) < 1e6:
            continue
        if figures.values(key, "rtls"):
            found.append((f"{words}, {NAMES[peer].removeprefix('tlsbio, ')}", figures.ratio(key, peer, "rtls", what)))
    return found


# ---- Plots -------------------------------------------------------------------------------------


def save(figure: Any, path: Path) -> None:
    """Without a date in it."""
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def bars(axes: Any, title: str, labels: list[str], values: list[float], colours: list[str], unit: str) -> None:
    """Horizontal bars, the first on top, each with its number."""
    places = range(len(labels))[::-1]
    axes.barh(places, values, color=colours, height=0.7)
    axes.set_yticks(list(places), labels)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title(title, pad=8)
    widest = max(values)
    for place, value in zip(places, values, strict=True):
        axes.text(value + widest * 0.015, place, f"{short(value)} {unit}", va="center", fontsize=9)
    axes.set_xlim(0, widest * 1.25)


def panel(axes: Any, figures: Figures, title: str, key: str, what: str, unit: str, scale: float = 1) -> None:
    """One line for all its peers."""
    peers = figures.peers(key)
    values = [figures.median(key, peer, what) * scale for peer in peers]
    bars(axes, title, [NAMES[peer] for peer in peers], values, [colour(peer) for peer in peers], unit)


def plot_table(lines: list[Line], path: Path) -> None:
    """How much of what each line allows was used."""
    shown = [line for line in lines if line.bar > 0]
    figure, axes = plt.subplots(figsize=(7.6, 0.27 * len(shown) + 0.9))
    places = range(len(shown))[::-1]
    limit = 2.0
    shares = [line.value / line.bar for line in shown]
    colours = [OURS if line.met else MISSED for line in shown]
    axes.barh(places, [min(share, limit) for share in shares], color=colours, height=0.62)
    axes.set_yticks(list(places), [line.what for line in shown])
    axes.tick_params(axis="y", length=0)
    axes.axvline(1, color="#333333", linewidth=1)
    axes.set_xlim(0, limit)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_xticks([0, 0.5, 1, 1.5, 2], ["0", "half", "the bar", "", "twice"])
    for place, line, share in zip(places, shown, shares, strict=True):
        if share > limit:
            axes.text(limit * 0.985, place, "»", va="center", ha="right", color="white", fontsize=10)
        colour_of_text = "#333333" if line.met else MISSED
        axes.text(limit * 1.03, place, line.shown(line.value), va="center", fontsize=8.5, color=colour_of_text)
        axes.text(limit * 1.33, place, line.shown(line.bar), va="center", fontsize=8.5, color="#777777")
    top = len(shown) - 0.1
    axes.text(limit * 1.03, top, "measured", fontsize=8.5, fontweight="bold")
    axes.text(limit * 1.33, top, "bar", fontsize=8.5, fontweight="bold", color="#777777")
    save(figure, path)


def plot_idle(figures: Figures, path: Path) -> None:
    """Memory of idle endpoints."""
    figure, (first, second, third) = plt.subplots(
        3, 1, figsize=(7.4, 6.6), gridspec_kw={"height_ratios": [7, 7, 3], "hspace": 0.42}
    )
    title = "Resident memory of an idle endpoint, {}"
    panel(first, figures, title.format("asyncio"), "idle asyncio", "bytes", "KB", 1e-3)
    panel(second, figures, title.format("uvloop"), "idle uvloop", "bytes", "KB", 1e-3)
    panel(third, figures, title.format("Twisted"), "idle twisted", "bytes_per_endpoint", "KB", 1e-3)
    save(figure, path)


def plot_echo(figures: Figures, path: Path) -> None:
    """CPU of round trips."""
    figure, rows = plt.subplots(2, 2, figsize=(11, 5.4), gridspec_kw={"hspace": 0.35, "wspace": 0.62})
    for row, (size, words) in zip(rows, (("256", "256 B"), ("65536", "64 KiB")), strict=True):
        for axes, loop in zip(row, ("uvloop", "asyncio"), strict=True):
            panel(
                axes,
                figures,
                f"Echo of {words} on {loop}, CPU of both ends",
                f"echo {loop} {size}",
                "microseconds",
                "µs",
            )
    save(figure, path)


def plot_engine(figures: Figures, path: Path) -> None:
    """Without a loop."""
    figure, rows = plt.subplots(2, 2, figsize=(11, 3.9), gridspec_kw={"hspace": 0.5, "wspace": 0.62})
    for axes, (key, title) in zip(
        rows.flat,
        (
            ("bio small", "read(262144) of 64 bytes, malloc at first"),
            ("bio small, malloc later", "read(262144) of 64 bytes, malloc later"),
            ("bio 256", "write and read 256 B"),
            ("bio 16384", "write and read 16 KiB"),
        ),
        strict=True,
    ):
        panel(axes, figures, title, key, "microseconds", "µs")
    save(figure, path)


def plot_left(figures: Figures, path: Path) -> None:
    """Memory that connections leave."""
    figure, rows = plt.subplots(2, 2, figsize=(11, 5.0), gridspec_kw={"hspace": 0.45, "wspace": 0.62})
    count = figures.machine["connections"]
    (first, second), (third, fourth) = rows
    for axes, key, words in (
        (first, "left asyncio refused", f"{count:,} refused connections, asyncio"),
        (second, "left uvloop refused", f"{count:,} refused connections, uvloop"),
    ):
        panel(axes, figures, f"Memory left by {words}", key, "memory", "MB", 1e-6)
    for axes, key, words in (
        (third, "twisted shared", f"{count:,} short connections, Twisted"),
        (fourth, "twisted refused", f"{count:,} refused connections, Twisted"),
    ):
        peers = figures.peers(key)
        values = [
            figures.median(key, peer, lambda one: one["resident_after"] - one["resident_before"]) / 1e6
            for peer in peers
        ]
        labels, colours = [NAMES[peer] for peer in peers], [colour(peer) for peer in peers]
        bars(axes, f"Memory left by {words}", labels, [max(value, 0) for value in values], colours, "MB")
    save(figure, path)


# ---- The page ----------------------------------------------------------------------------------


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def full(figures: Figures, what: str, keys: list[tuple[str, str]], scale: float = 1, base: str = "ssl") -> str:
    """Medians and quartiles of all peers, and the ratio to one of them."""
    peers = [peer for peer in figures.peers(keys[0][0])]
    rows = []
    for key, words in keys:
        row = [words]
        for peer in peers:
            if not figures.values(key, peer):
                row.append("does not work" if figures.was_asked(key, peer) else "")
                continue
            median = figures.median(key, peer, what)
            low, high = figures.quartiles(key, peer, what)
            ratio = "" if peer == base else f", {median / figures.median(key, base, what):.2f}"
            row.append(f"{short(median * scale)} ({short(low * scale)} to {short(high * scale)}){ratio}")
        rows.append(row)
    return table(["", *(NAMES[peer] for peer in peers)], rows)


PAGE = (Path(__file__).resolve().parent / "page.md").read_text()


def page(figures: Figures, lines: list[Line], folder: str) -> str:
    """All of it."""
    machine = figures.machine
    count = machine["connections"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items() if name != "tlsbio")
    rows = [
        [line.what, line.shown(line.bar) if line.bar else "0", line.shown(line.value), "yes" if line.met else "**no**"]
        for line in lines
    ]
    rtls = [[words, f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"] for words, ratio in against_rtls(figures)]
    left = []
    for loop in "asyncio", "uvloop":
        for variant in "short", "refused":
            key = f"left {loop} {variant}"
            plain = f"left {loop} short"
            for peer in figures.peers(key):
                if peer != "plain":
                    objects = figures.median(key, peer, "objects") - figures.median(plain, "plain", "objects")
                    memory = figures.median(key, peer, "memory") - figures.median(plain, "plain", "memory")
                    living = f"{figures.median(key, peer, 'living'):.0f}"
                    left.append(
                        [
                            f"{loop}, {variant}",
                            NAMES[peer],
                            living,
                            f"{abs(objects) / count:.2f}",
                            f"{max(memory, 0) / 1e6:.1f}",
                        ]
                    )
            left += [[f"{loop}, {variant}", NAMES[peer], "does not work", "", ""] for peer in figures.failures(key)]
    twisted = []
    for variant in "shared", "refused", "fresh":
        key = f"twisted {variant}"

        def grown(one: Any) -> float:
            return float(one["objects_after"] - one["objects_before"])

        for peer in "tlsbio", "pyopenssl":
            living = sum(figures.median(key, peer, f"living_{side}_protocols") for side in ("server", "client", "tls"))
            objects = figures.median(key, peer, grown) - figures.median(key, "none", grown)
            memory = figures.median(key, peer, "resident_after") - figures.median(key, "none", "resident_after")
            cpu = figures.median(key, peer, "cpu_seconds") / count * 1e6
            twisted.append(
                [variant, NAMES[peer], f"{living:.0f}", f"{objects / count:.2f}", f"{memory / 1e6:.1f}", f"{cpu:.0f}"]
            )
    return PAGE.format(
        folder=folder,
        count=f"{count:,}",
        rtls_version=machine["packages"]["rtls"],
        machine=f"CPython {machine['python']}, {machine['openssl']}, {packages}; "
        f"{machine['processors']} processors ({machine['processor']}), {machine['system']}.",
        table=table(["", "bar", "measured", "met"], rows),
        rtls=table(["", "× rtls"], rtls),
        engine=full(
            figures,
            "microseconds",
            [
                ("bio small", "read(262144) of 64 bytes, malloc at first"),
                ("bio small, malloc later", "… malloc later"),
                ("bio nothing", "read(262144) of nothing (SSLWantReadError)"),
                ("bio 256", "write and read, 256 B"),
                ("bio 16000", "… 16 000 B"),
                ("bio 16384", "… 16 KiB"),
                ("bio 65536", "… 64 KiB"),
            ],
        ),
        sockets=full(
            figures,
            "microseconds",
            [
                ("sockets recv_into", "`recv_into` of a record of 16 KiB"),
                ("sockets round trip", "256 B there and back"),
                ("sockets connections", "a connection with its handshake, a request and an answer"),
                ("sockets getpeercert", "`getpeercert()`"),
                ("sockets wrap_bio", "`wrap_bio` of a client"),
                ("sockets wrap_bio and hello", "… and its ClientHello"),
                ("sockets wrap_bio server", "`wrap_bio` of a server"),
                ("sockets create_default_context", "`create_default_context()`"),
            ],
        ),
        echo=full(
            figures,
            "microseconds",
            [
                ("echo uvloop 256", "256 B, uvloop"),
                ("echo uvloop 256, malloc later", "… malloc later"),
                ("echo uvloop 256 buffered", "… `BufferedProtocol`"),
                ("echo uvloop 65536", "64 KiB, uvloop"),
                ("echo uvloop 65536 buffered", "… `BufferedProtocol`"),
                ("echo asyncio 256", "256 B, asyncio"),
                ("echo asyncio 65536", "64 KiB, asyncio"),
            ],
        ),
        idle=full(figures, "bytes", [("idle asyncio", "asyncio"), ("idle uvloop", "uvloop")], 1e-3),
        idle_sockets=full(figures, "bytes", [("idle sockets", "sockets that block")], 1e-3),
        idle_twisted=full(figures, "bytes_per_endpoint", [("idle twisted", "Twisted")], 1e-3, "pyopenssl"),
        left=table(["", "", "living", "objects", "MB"], left),
        left_twisted=table(["Twisted", "", "living", "objects", "MB", "CPU, µs a connection"], twisted),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path, nargs="?", default=ROOT / "docs" / "python-figures" / "figures.json")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    options = parser.parse_args()
    figures = Figures(json.loads(options.figures.read_text()))
    folder = options.docs / "python-figures"
    folder.mkdir(exist_ok=True)
    lines = lines_of(figures)
    plot_table(lines, folder / "table.svg")
    plot_idle(figures, folder / "idle.svg")
    plot_echo(figures, folder / "echo.svg")
    plot_engine(figures, folder / "engine.svg")
    plot_left(figures, folder / "left.svg")
    (options.docs / "python-figures.md").write_text(page(figures, lines, folder.name).rstrip() + "\n")


if __name__ == "__main__":
    main()
