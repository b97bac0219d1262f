"""Where the time of a move is, by layer: profile.py [PROGRAM WAY LENGTH]...; without arguments, those of docs/benchmarks.md.

Needs perf (Debian: linux-perf), and the programs that benches/run.sh has built.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from compare.libraries import BUILT, ROOT

LAYERS = [
    ("AES-GCM", r"gcm|aes_|_aes|ghash|skip_iv|initial_|GCM|AES|aead_|AEAD|CRYPTO_memcmp|_init_IV|OPENSSL_ia32"),
    ("aws-lc-rs", r"aws_lc_rs::|<aws_lc_rs|aws_lc"),
    ("rustls", r"rustls"),
    ("libtlsbio", r"tlsbio|^tls_"),
    ("copies", r"mem(cpy|move|set|cmp)"),
    ("driver", r"^(by_copy|by_window|in_place|move|delivered|work_move|exchange)"),
]
USUAL = [
    ("libtlsbio", way, length) for length in (64, 1024, 16384) for way in ("in-place", "copy")
] + [("rustls", "in-place", length) for length in (64, 1024, 16384)]


def profile(program, way, length):
    count = max(20_000, 400_000_000 // (300 + length // 8))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "perf"
        done = subprocess.run(
            ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", "10000", "-o", data]
            + ["taskset", "-c", "0", BUILT / program, ROOT / "target" / "pki"],
            input=f"set ecdsa 1301 1d 0\nmove {way} {length} {count}\n",
            capture_output=True,
            text=True,
            check=True,
        )
        ns = float(re.search(r'"ns": ([\d.]+)', done.stdout)[1])
        report = subprocess.run(
            ["perf", "report", "-i", data, "--stdio", "--no-children", "--percent-limit", "0", "-F", "overhead,sym"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    shares = dict.fromkeys([name for name, _ in LAYERS] + ["else"], 0.0)
    for share, symbol in re.findall(r"^\s+([\d.]+)%\s+\[[.k]\] (.*)$", report, re.MULTILINE):
        layer = next((name for name, pattern in LAYERS if re.search(pattern, symbol)), "else")
        shares[layer] += float(share)
    return ns, shares


def main():
    wanted = list(zip(*[iter(sys.argv[1:])] * 3, strict=True)) or USUAL
    layers = [name for name, _ in LAYERS] + ["else"]
    print("| ns of one move | all | " + " | ".join(layers) + " |\n" + "|---" * (len(layers) + 2) + "|")
    for program, way, length in wanted:
        ns, shares = profile(program, way, int(length))
        whole = sum(shares.values())
        cells = [f"{ns * shares[name] / whole:.0f}" for name in layers]
        print(f"| {program}, {way}, {length} B | {ns:.0f} | " + " | ".join(cells) + " |", flush=True)


main()
