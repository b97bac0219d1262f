#!/usr/bin/env python3
"""abi.py sees what would break a program, and what is only new: abi_test.py ROOT"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# what is replaced in the header, by what, what the answer has to name
BREAKS = [
    (r"  uint64_t wire_in;\n", "  uint32_t wire_in;\n", "wire_in"),
    (r"tls_status_t tls_advance\(tls_conn_t \*conn\);", "", "tls_advance"),
    (r"tls_status_t tls_feed_commit\(tls_conn_t \*conn,\s+size_t len\);",
     "tls_status_t tls_feed_commit(tls_conn_t *conn, uint32_t len);", "tls_feed_commit"),
    (r"  size_t offset;\n(.*?)  size_t len;\n", r"  size_t len;\n\1  size_t offset;\n", "tls_span"),
]
ADDS = (r"uint32_t tls_version_number\(void\);", "uint32_t tls_version_number(void);\nuint32_t tls_new(uint32_t n);", "tls_new")


def answer(root, pattern, replacement):
    with tempfile.TemporaryDirectory() as directory:
        include = Path(directory) / "include"
        include.mkdir()
        text = (root / "include" / "tlsbio.h").read_text(encoding="utf-8")
        text, count = re.subn(pattern, replacement, text, count=1, flags=re.S)
        (include / "tlsbio.h").write_text(text, encoding="utf-8")
        command = [sys.executable, HERE / "abi.py", "check", directory]
        done = subprocess.run(command, capture_output=True, text=True)
        return count, done.returncode, done.stdout + done.stderr


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if not shutil.which("abidiff"):
        sys.exit("abidiff is not installed: scripts/setup.sh installs it")
    root, failures = Path(sys.argv[1]).resolve(), 0
    cases = [(case, "would break") for case in BREAKS] + [(ADDS, "not written down")]
    for (pattern, replacement, named), verdict in cases:
        count, code, said = answer(root, pattern, replacement)
        if count != 1 or code == 0 or named not in said or verdict not in said:
            print(f"FAIL {pattern}: replaced {count} times, answered {code}: {said[-400:]}")
            failures += 1
    print(f"{len(cases)} changed headers, {failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
