#!/usr/bin/env python3
"""Whether docs/migration.md names every function and every type of callback of rustls-ffi, and none that does not exist.

The names are those of its header, src/rustls.h in the crate of the version that the file beside this one is called after.
In the document a name stands in the first column of a table, in backticks; '*' is for the rest of a name, and a name that
begins with '_' is an end that takes the place of the end of the one before it.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = set(Path(__file__).with_name("rustls_ffi_0.15.7.txt").read_text().split())


def patterns():
    """For each name in the document, what it stands for: a set of names, by regular expressions."""
    text = (ROOT / "docs" / "migration.md").read_text()
    section = text.split("\n## rustls-ffi\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        before = None
        for code in re.findall(r"`([^`]+)`", line.split(" | ")[0]):
            if code.startswith("_") and before:
                parts = before.split("_")
                ends = ["_".join(parts[:count]) + code for count in range(2, len(parts) + 1)]
            elif code.startswith("rustls_"):
                before = code
                ends = [code]
            else:
                continue
            yield code, [re.compile(end.replace("*", r"\w*")) for end in ends]


def main():
    named, problems = set(), []
    for code, expressions in patterns():
        meant = {name for name in NAMES if any(expression.fullmatch(name) for expression in expressions)}
        if not meant:
            problems.append(f"docs/migration.md: {code} is nothing of rustls-ffi's")
        named |= meant
    problems += [f"{name} is not in docs/migration.md" for name in sorted(NAMES - named)]
    print("\n".join(problems), end="\n" if problems else "")
    print(f"{len(named)} of {len(NAMES)} functions and callbacks of rustls-ffi are named")
    sys.exit(bool(problems) or len(NAMES) < 150)


main()
