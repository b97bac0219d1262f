"""What the library is to be, in figures; each is held against the run."""

import statistics
from dataclasses import dataclass

from . import workloads
from .libraries import CONTESTANTS
from .measure import CONTROL as AEAD
from .measure import gain, quartiles, ratios, refusal

OPENSSL, BORINGSSL = "openssl/memory-bio", "boringssl/memory-bio"


@dataclass
class Verdict:
    """One bar. `value` is None if the run does not have what it takes."""

    what: str
    bar: str
    value: float | None
    spread: tuple | None = None
    met: bool | None = None

    def row(self):
        if self.value is None:
            return f"| {self.what} | {self.bar} | not measured | |"
        value = f"{self.value:.2f}" if self.value < 1000 else f"{self.value:.0f}"
        if self.spread:
            value += f" ({self.spread[0]:.2f} to {self.spread[1]:.2f})"
        return f"| {self.what} | {self.bar} | {value} | {'met' if self.met else 'missed'} |"


def ratio(what, samples, workload, contestant, reference, least):
    of_rounds = ratios(samples, workload, contestant, reference)
    if of_rounds is None:
        return Verdict(what, f"≥ {least}", None)
    low, middle, high = quartiles(of_rounds)
    return Verdict(what, f"≥ {least}", middle, (low, high), middle >= least)


def most(what, value, bar, unit=""):
    if value is None:
        return Verdict(what, f"≤ {bar}{unit}", None)
    return Verdict(what, f"≤ {bar}{unit}", value, None, value <= bar)


SIZES = {64: "64 B", 1024: "1 KiB", 16384: "16 KiB", 65536: "64 KiB"}
# Times as fast, by way and size; None where nothing was set.
LEAST = {
    AEAD: {
        "copy": (0.60, 0.70, 0.75, 0.75),
        "window": (0.62, 0.72, 0.84, 0.84),
        "in-place": (0.70, 0.78, 0.93, 0.93),
    },
    OPENSSL: {
        "copy": (2.3, 1.9, 1.7, 1.6),
        "in-place": (2.8, 2.2, 2.2, 2.1),
    },
    BORINGSSL: {
        "copy": (1.1, 1.1, 0.95, 1.2),
        "window": (1.25, 1.2, 1.15, 1.4),
        "in-place": (1.3, 1.3, 1.28, 1.6),
    },
}
# The same against the fastest of all others at that size.
LEAST_OF_ALL = {"copy": (1.0, 1.0, 1.0, 1.0), "in-place": (1.25, 1.25, 1.25, 1.15)}
# What was set against AES-GCM alone holds for these, too.
OTHER_SUITES = {"aes256": "AES-256-GCM", "tls12": "TLS 1.2"}
LABELS = {AEAD: "AES-GCM alone", OPENSSL: "OpenSSL 4.0", BORINGSSL: "BoringSSL"}


LEAST_GAIN = 1.9


def at_once(seen):
    """What two threads do over one context, by the way that gains least."""
    for both in workloads.AT_ONCE:
        found = seen.get(both.key, {})
        gains = [gain(of_one) for key, of_one in found.items() if key.startswith("libtlsbio/")]
        known = [gained for gained in gains if not isinstance(gained, str)]
        value = min(known) if known and len(known) == len(gains) and refusal(found) is None else None
        met = value is not None and value >= LEAST_GAIN
        yield Verdict(f"two threads against one, {both.title}, of the way that gains least", f"≥ {LEAST_GAIN}", value, None, met)


def verdicts(results):
    samples, held, counted = results["samples"], results["held"], results["counted"]
    found = []
    for reference, ways in LEAST.items():
        for way, bars in ways.items():
            for (length, title), least in zip(SIZES.items(), bars, strict=True):
                what = f"{way} against {LABELS[reference]}, {title}"
                found.append(ratio(what, samples, f"move-{length}", f"libtlsbio/{way}", reference, least))
    for key, suite in OTHER_SUITES.items():
        for way, bars in LEAST[AEAD].items():
            for (length, title), least in zip(SIZES.items(), bars, strict=True):
                what = f"{way} against {LABELS[AEAD]}, {suite}, {title}"
                found.append(ratio(what, samples, f"{key}-{length}", f"libtlsbio/{way}", AEAD, least))
    for way, bars in LEAST_OF_ALL.items():
        for (length, title), least in zip(SIZES.items(), bars, strict=True):
            times = samples.get(f"move-{length}", {})
            peers = [key for key in times if key != AEAD and not key.startswith("libtlsbio/")]
            fastest = min(peers, key=lambda key: statistics.median(times[key]), default=None)
            label = next((one.label for one in CONTESTANTS if one.key == fastest), "none was measured")
            what = f"{way} against the fastest of the others, {title}: {label}"
            found.append(ratio(what, samples, f"move-{length}", f"libtlsbio/{way}", fastest, least))
    for length in (16384, 65536):
        what = f"copy against rustls-ffi, {SIZES[length]}"
        found.append(ratio(what, samples, f"move-{length}", "libtlsbio/copy", "rustls-ffi/callbacks", 1.5))
    allocations = [
        counts["allocations"]
        for workload, ways in counted.items()
        if workload.startswith("move")
        for key, counts in ways.items()
        if key.startswith("libtlsbio/")
    ]
    found.append(most("allocations for a record, all ways and sizes", max(allocations, default=None), 0))
    idle = {key: one["idle"]["heap"] for key, one in held.items() if one.get("idle")}
    ours = idle.get("libtlsbio")
    for role, bar in (("client", 1500), ("server", 900)):
        value = held["libtlsbio"]["idle"][f"heap_{role}"] if ours else None
        found.append(most(f"heap of an idle connection, all of malloc, {role}, bytes", value, bar))
    for key, share in (("boringssl", 6), ("openssl", 20)):
        part = ours / idle[key] if ours and key in idle else None
        found.append(most(f"… as a part of that of {LABELS[key + '/memory-bio']}", part, round(1 / share, 3)))
    for reference, least in ((OPENSSL, 2), (BORINGSSL, 1.05)):
        for workload, title in (("full-ecdsa-x25519", "ECDSA P-256, X25519"), ("full-rsa-x25519", "RSA-2048, X25519")):
            what = f"full handshakes against {LABELS[reference]}, {title}"
            found.append(ratio(what, samples, workload, "libtlsbio/in-place", reference, least))
    found += at_once(results["at_once"])
    churn = held.get("libtlsbio", {}).get("churn")
    count = f"{churn['connections']:,}" if churn else "many"
    # What a process keeps once, such as buffers in a pool, is not of any connection.
    left = round(max(0, churn["left"]), 1) if churn else None
    found.append(most(f"bytes left of each of {count} connections, to a tenth", left, 0))
    return found
