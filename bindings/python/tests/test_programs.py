"""The READMEs' programs for asyncio, and ``python -m tlsbio``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pairs import PKI

HERE = Path(__file__).resolve().parents[1]
# The tree's own README: of its programs in Python the first is this one.
TREE = HERE.parents[1] / "README.md"


def test_the_readme_holds_the_program() -> None:
    program = (HERE / "examples" / "asyncio_echo.py").read_text()
    assert f"```python\n{program}```" in (HERE / "README.md").read_text()


def test_the_program_works_and_verifies() -> None:
    program = [sys.executable, str(HERE / "examples" / "asyncio_echo.py")]
    server = subprocess.Popen(
        [*program, "serve", "127.0.0.1", "0", PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout
        port = server.stdout.readline().strip()
        good = subprocess.run(
            [*program, "ask", "localhost", port, PKI / "ecdsa/ca.pem", "hello"], capture_output=True, text=True
        )
        assert (good.returncode, good.stderr) == (0, "")
        assert good.stdout.startswith("hello (TLSv1.3, TLS_")
        bad = subprocess.run(
            [*program, "ask", "localhost", port, PKI / "rsa/ca.pem", "hello"], capture_output=True, text=True
        )
        assert bad.returncode == 1
        assert "certificate verify failed" in bad.stderr
        hello = re.findall(r"```python\n(.*?)```", TREE.read_text(), flags=re.DOTALL)[0]
        said = subprocess.run(
            [sys.executable, "-c", hello, "localhost", port, PKI / "ecdsa/ca.pem"], capture_output=True, text=True
        )
        assert (said.returncode, said.stdout, said.stderr) == (0, "b'hello'\n", "")
    finally:
        server.terminate()
        server.communicate()


def test_the_module_tests_itself() -> None:
    done = subprocess.run([sys.executable, "-m", "tlsbio"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tlsbio 0.1.0" in done.stdout
    assert "TLS_AES_128_GCM_SHA256" in done.stdout and "ECDHE-RSA-CHACHA20-POLY1305" in done.stdout
    assert done.stdout.count("1 MiB in each direction: passed") == 2
