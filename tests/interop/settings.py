"""Where things are: filled in by run.py before any test runs."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Settings:
    pki: Path = Path()
    peer: Path = Path()
    library: Path = Path()
    go_peer: Path | None = None
    tlslite_python: Path | None = None
    scratch: Path = Path()


settings = Settings()


def pki(name):
    return str(settings.pki / name)
