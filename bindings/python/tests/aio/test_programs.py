"""The READMEs' programs for tlsbio.aio."""

import os
import re
import subprocess
import sys

import pytest
from conftest import PKI, ROOT

EXAMPLE = ROOT / "bindings" / "python" / "examples" / "aio_echo.py"
README = ROOT / "bindings" / "python" / "README.md"
# The tree's own: of its programs in Python the second is this one.
TREE = ROOT / "README.md"
SECONDS = 60 * int(os.environ.get("TLSBIO_PATIENCE") or 1)


def test_the_readme_quotes_it():
    section = README.read_text().partition("\n## asyncio, with a transport of its own\n")[2].partition("\n## ")[0]
    assert EXAMPLE.read_text() in re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)


@pytest.fixture
def server():
    command = [sys.executable, EXAMPLE, "serve", "127.0.0.1", "0"]
    command += [PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().split()[-1]
    process.kill()
    process.wait()
    process.stdout.close()


def ask(port, ca):
    command = [sys.executable, EXAMPLE, "ask", "localhost", port, PKI / ca, "grüße"]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_it_echoes(server):
    asked = ask(server, "ecdsa/ca.pem")
    assert (asked.returncode, asked.stdout) == (0, "grüße over TLSv1.3\n")
    asked = ask(server, "bad/otherca.pem")
    assert asked.returncode == 1 and asked.stderr.startswith("SSLCertVerificationError: ")
    assert ask(server, "ecdsa/ca.pem").returncode == 0


def test_the_one_in_the_tree_says_hello(server):
    program = re.findall(r"```python\n(.*?)```", TREE.read_text(), flags=re.DOTALL)[1]
    command = [sys.executable, "-c", program, "localhost", server, PKI / "ecdsa/ca.pem"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, "b'hello'\n", "")


def test_it_says_how_it_is_used():
    used = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert used.returncode == 1 and "aio_echo.py serve HOST PORT" in used.stderr
