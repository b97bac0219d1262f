"""What the tests share: the throw-away certificates, and pairs of connections over BIOs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


@pytest.fixture
def check_engines(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Fails unless the handshakes that our engine has done are those of the sides that were said to be ours.

    Both sides of the exchange are in this process, or only the client is.
    """
    from tlsbio.sslobject import Engine

    begun: list[Any] = []
    begin = Engine._tlsbio_begin

    def noted(self: Any, context: Any, server_side: bool, *rest: Any) -> bool:
        begun.append(self)
        return begin(self, context, server_side, *rest)

    monkeypatch.setattr(Engine, "_tlsbio_begin", noted)

    def check(engines: str) -> None:
        sides = zip(("client", "server"), engines.split("-"), strict=False)
        done = {"server" if one.server_side else "client" for one in begun if one.version() is not None}
        assert done == {side for side, who in sides if who == "ours"}

    return check
