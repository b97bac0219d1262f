#!/usr/bin/env python3
"""The generator forgets nothing: generator_test.py HEADER

Every kind of gap between the header and the tables has to stop it, with a message that names the gap.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# what is done to the header -> what the message has to name
NEW_EXPORTS = {
    "tls_status_t tls_new_call(tls_conn_t *conn);": "tls_new_call",
    "void tls_new_builder_call(tls_builder_t *builder);": "tls_new_builder_call",
    "uint32_t tls_new_number(void);": "tls_new_number",
}
REMOVED_EXPORTS = ("tls_advance", "tls_builder_new", "tls_context_free")
NOT_UNDERSTOOD = {
    "tls_status_t tls_table[4];": "tls_table",
    "double tls_advance2(tls_conn_t *conn);": "tls_advance2",
}


def generate(text):
    with tempfile.TemporaryDirectory() as directory:
        header = Path(directory) / "tlsbio.h"
        header.write_text(text, encoding="utf-8")
        command = [sys.executable, str(HERE / "generate.py"), str(header), str(Path(directory) / "cells.c")]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stderr


def without(text, name):
    """The header without one prototype."""
    lines = text.split("\n")
    first = next(i for i, line in enumerate(lines) if f"{name}(" in line and not line.lstrip().startswith(("*", "/")))
    last = next(i for i in range(first, len(lines)) if ";" in lines[i])
    return "\n".join(lines[:first] + lines[last + 1:])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    failures = []

    def refuses(changed, named):
        code, message = generate(changed)
        if code == 0:
            failures.append(f"a header with a gap at {named} was accepted")
        elif named not in message or "Traceback" in message:
            failures.append(f"the message does not name {named}: {message.strip()}")

    code, message = generate(text)
    if code != 0:
        failures.append(message.strip())
    for declaration, name in {**NEW_EXPORTS, **NOT_UNDERSTOOD}.items():
        refuses(text.replace("#ifdef __cplusplus\n}", declaration + "\n#ifdef __cplusplus\n}")
                if "#ifdef __cplusplus\n}" in text else text + declaration + "\n", name)
    for name in REMOVED_EXPORTS:
        refuses(without(text, name), name)
    refuses(text.replace("tls_feed_eof(", "tls_feed_end("), "tls_feed_e")
    refuses(re.sub(r"(tls_builder_versions\([^)]*)\)", r"\1, int32_t extra)", text), "extra")

    for failure in failures:
        print(f"FAIL {failure}")
    print(f"the generator: {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
