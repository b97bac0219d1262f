"""What the tests share: the throw-away certificates, and pairs of connections over BIOs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(scope="session", autouse=True)
def pki() -> Path:
    """The certificates of tests/pki/make.sh."""
    made = ROOT / "target" / "pki"
    subprocess.run([ROOT / "tests" / "pki" / "make.sh", made], check=True)
    return made


@pytest.fixture(params=["openssl-openssl", "ours-openssl", "openssl-ours", "ours-ours", "ours-ours-own-bio"])
def engines(request: pytest.FixtureRequest) -> str:
    """Whose the client is, and whose the server. The first says that a test asks for what OpenSSL does."""
    return str(request.param)
