#!/usr/bin/env python3
"""The header is the manual, and tells the truth about itself: manual.py ROOT

- every function has a comment, which names the errors that it can answer;
- every tls_… and TLS_… that a comment mentions exists;
- every promise with an id is named by a test, and no test names a promise that does not exist.
"""

import re
import sys
from pathlib import Path

import tlsbio_header

PROMISE = re.compile(r"\bR-(\d+)\b")
# Nothing to fail at, or no way to say so.
SILENT = ("void", "uint16_t", "uint32_t", "size_t", "const char *")
NO_ERRORS = re.compile(r"\bErrors: (none|0)\b")
# Names of the protocol, and what the library says, are no names of the header's.
FOREIGN = re.compile(r"\bTLS_(AES|CHACHA20|ECDHE)_\w+|\"[^\"]*\"")


def undocumented(header):
    for function in header.functions:
        doc = " ".join(function.doc.split())
        if len(doc) < 40:
            yield f"{function.name} has no comment that explains it"
        elif re.search(r"\bTLS_ERR_[A-Z_]+\b", doc):
            continue
        elif function.returns not in SILENT:
            yield f"{function.name}: its comment names no error (TLS_ERR_…)"
        elif function.parameters and not NO_ERRORS.search(doc):
            yield f"{function.name}: its comment does not say what a wrong argument leads to"


def names_that_do_not_exist(header):
    known = {f.name for f in header.functions} | set(header.constants) | set(re.findall(r"\btls_\w+", header.code))
    for comment in header.comments:
        # A family of names may be meant by its beginning: TLS_CAN_*, tls_answer_….
        own = FOREIGN.sub("", comment)
        for name, family in re.findall(r"\b((?:tls|TLS)_\w+)(\*|…|\.\.\.)?", own):
            if family or name.endswith("_"):
                if not any(k.startswith(name) for k in known):
                    yield f"a comment mentions {name}{family}, but nothing begins like that"
            elif name not in known:
                yield f"a comment mentions {name}, which does not exist"


def promises_in(text):
    return {int(number) for number in PROMISE.findall(text)}


def promises_in_tests(root):
    """promise -> the files that name it: tests, and modules of the library with tests of their own."""
    found = {}
    for directory in ("c-tests", "tests", "src/buffer", "src/engine"):
        for path in sorted((root / directory).rglob("*")):
            if not path.is_file() or "__pycache__" in path.parts or path.name == "checks_test.py":
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            for number in promises_in(text):
                found.setdefault(number, []).append(path.relative_to(root))
    return found


def broken_promises(header, root):
    made, tested = promises_in(header.text), promises_in_tests(root)
    for number in sorted(made - set(tested)):
        yield f"no test names promise {number} of the header"
    for number in sorted(set(tested) - made):
        yield f"{', '.join(map(str, tested[number]))}: the header makes no promise {number}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = Path(sys.argv[1])
    header = tlsbio_header.read(root / "include" / "tlsbio.h")
    found = [*undocumented(header), *names_that_do_not_exist(header), *broken_promises(header, root)]
    for problem in dict.fromkeys(found):
        print(f"FAIL {problem}")
    print(
        f"{len(header.functions)} functions, {len(promises_in(header.text))} promises, "
        f"{len(dict.fromkeys(found))} problems"
    )
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
