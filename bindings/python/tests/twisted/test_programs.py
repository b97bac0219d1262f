"""The READMEs' programs for Twisted, and the experiment with short connections in its small form."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

from pki import ROOT, path
from twisted.trial.unittest import SynchronousTestCase

EXAMPLE = ROOT / "bindings" / "python" / "examples" / "twisted_echo.py"
README = ROOT / "bindings" / "python" / "README.md"
EXPERIMENT = ROOT / "bindings" / "python" / "benches" / "host_twisted.py"
# The tree's own: of its programs in Python the third is this one.
TREE = ROOT / "README.md"
SECONDS = 120 * int(os.environ.get("TLSBIO_PATIENCE") or 1)


class Example(SynchronousTestCase):
    def test_the_readme_quotes_it(self) -> None:
        section = README.read_text().partition("\n## Twisted\n")[2].partition("\n## ")[0]
        quoted = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
        self.assertIn(EXAMPLE.read_text(), quoted)

    def test_it_echoes(self) -> None:
        command = [sys.executable, str(EXAMPLE)]
        server = subprocess.Popen(
            [*command, "serve", path("ecdsa/server-chain.pem"), path("ecdsa/server.key"), "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        assert server.stdout
        self.addCleanup(server.stdout.close)
        port = server.stdout.readline().split()[-1]

        def ask(ca: str) -> subprocess.CompletedProcess[str]:
            arguments = ["ask", "localhost", port, path(ca), "grüße"]
            return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)

        asked = ask("ecdsa/ca.pem")
        self.assertEqual((asked.returncode, asked.stdout), (0, "grüße over TLSv1.3\n"), asked.stderr)
        refused = ask("bad/otherca.pem")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("certificate verify failed", refused.stderr)
        hello = re.findall(r"```python\n(.*?)```", TREE.read_text(), flags=re.DOTALL)[2]
        said = subprocess.run(
            [sys.executable, "-c", hello, "localhost", port, path("ecdsa/ca.pem")],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, "b'hello'\n", ""))
        refused = subprocess.run(
            [sys.executable, "-c", hello, "localhost", port, path("bad/otherca.pem")],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("certificate verify failed", refused.stderr)

    def test_it_says_how_it_is_used(self) -> None:
        for arguments in ([], ["serve"], ["ask", "localhost"]):
            answer = subprocess.run(
                [sys.executable, EXAMPLE, *arguments],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            self.assertEqual(answer.returncode, 1)
            self.assertIn("twisted_echo.py serve", answer.stderr)


class Experiment(SynchronousTestCase):
    """What short connections leave behind, with the collector off: exact numbers, so that they can be asserted."""

    CONNECTIONS = 400

    def run_one(self, kind: str, variant: str) -> dict[str, Any]:
        command = [sys.executable, str(EXPERIMENT), kind, variant]
        command += ["--connections", str(self.CONNECTIONS), "--at-once", "20"]
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout
        answer: dict[str, Any] = json.loads(output.splitlines()[-1])
        return answer

    def left(self, figures: dict[str, Any]) -> float:
        return (figures["objects_after"] - figures["objects_before"]) / self.CONNECTIONS

    def test_nothing_is_left(self) -> None:
        path("ecdsa/ca.pem")
        for variant in ("shared", "refused"):
            none, ours = self.run_one("none", variant), self.run_one("tlsbio", variant)
            for side in ("server", "client", "tls"):
                self.assertEqual(ours[f"living_{side}_protocols"], 0)
            self.assertLessEqual(self.left(ours) - self.left(none), 1)

    def test_the_experiment_sees_what_openssl_leaves(self) -> None:
        """Were it blind, the numbers above would prove nothing."""
        none, theirs = self.run_one("none", "shared"), self.run_one("pyopenssl", "shared")
        self.assertGreater(self.left(theirs) - self.left(none), 1)
