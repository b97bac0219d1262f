"""The certificates that all tests of this repository share, as tests/pki/make.sh makes them."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "target" / "pki"


@functools.cache
def _made() -> None:
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", FOLDER], check=True)


def pem(name: str) -> bytes:
    """A file of the set, such as "ecdsa/ca.pem"."""
    _made()
    return (FOLDER / name).read_bytes()


def path(name: str) -> str:
    """Where that file is."""
    _made()
    return str(FOLDER / name)
