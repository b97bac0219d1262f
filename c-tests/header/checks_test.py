#!/usr/bin/env python3
"""The checks of the header find what they look for: checks_test.py HEADER

Each check is given the header with one thing spoilt, and has to name it.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# check, what is replaced (a regular expression, first match), by what, what the answer has to name
SPOILT = [
    ("abi.py", r"tls_advance\(tls_conn_t \*conn\)", "tls_advance(tls_conn_t *conn, void (*done)(int32_t))",
     "function pointer"),
    ("abi.py", r"int32_t mode\)", "bool mode)", "bool"),
    ("abi.py", r"typedef int32_t tls_status_t;", "typedef enum { TLS_A } tls_status_t;", "enum"),
    ("abi.py", r"uint32_t\s+tls_version_number", "unsigned long tls_version_number", "long"),
    ("abi.py", r"int32_t\s+reason;", "int32_t reason : 8;", "bit-field"),
    ("abi.py", r"size_t plain_len\)", "size_t plain_len, ...)", "variadic"),
    ("abi.py", r"size_t plain_len\)", "int plain_len)", "no fixed width"),
    ("abi.py", r"const char\s*\*server_name", "const wchar_t *server_name", "server_name"),
    ("manual.py", r"TLS_ERR_ARGUMENT(?=[^#]*?\*/)", "TLS_ERR_ARGUMANT", "TLS_ERR_ARGUMANT"),
    ("manual.py", r"\[R-\d+\]", "[R-99999]", "99999"),
    ("manual.py", r"two halves \(section \d+\)", "two halves (section 16)", "section 16 (Limits and time)"),
    ("manual.py", r"Corked \(section \d+\)", "Corked (section 77)", "section 77, which does not exist"),
    ("manual.py", r"---- 22\. ", "---- 21. ", "not numbered from 1 on"),
    ("manual.py", r"(tls_status_t\s+tls_feed_eof\([^;]*;)", r"\1\ntls_status_t tls_odd(void);", "tls_odd"),
    ("example.py", r"int fetch\(", "int get(", "int fetch("),
    ("example.py", r"#include <tlsbio.h>", "", "tlsbio.h"),
]


def run(check, text):
    with tempfile.TemporaryDirectory() as directory:
        header = Path(directory) / "include" / "tlsbio.h"
        header.parent.mkdir()
        header.write_text(text, encoding="utf-8")
        arguments = {
            "abi.py": [header],
            "manual.py": [directory],
            "example.py": [header, Path(directory) / "example.c"],
        }[check]
        command = [sys.executable, str(HERE / check), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    failures = []
    for check, pattern, replacement, named in SPOILT:
        spoilt, count = re.subn(pattern, replacement, text, count=1)
        if count == 0:
            failures.append(f"{check}: nothing in the header matches {pattern}")
            continue
        code, answer = run(check, spoilt)
        if code == 0 or named not in answer or "Traceback" in answer:
            failures.append(f"{check} did not name {named}: {answer.strip()[-300:]}")
    for failure in failures:
        print(f"FAIL {failure}")
    print(f"{len(SPOILT)} spoilt headers, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
