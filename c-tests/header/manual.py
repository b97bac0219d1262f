#!/usr/bin/env python3
"""The header is the manual, and tells the truth about itself: manual.py ROOT

- every function has a comment, which names the errors that it can answer;
- every tls_… and TLS_… that a comment mentions exists;
- every "section N" is the section that the sentence is about;
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
    known = {f.name for f in header.functions} | set(header.constants) | set(header.initialisers) | set(re.findall(r"\btls_\w+", header.code))
    for comment in header.comments:
        # A family of names may be meant by its beginning: TLS_CAN_*, tls_answer_….
        own = FOREIGN.sub("", comment)
        for name, family in re.findall(r"\b((?:tls|TLS)_\w+)(\*|…|\.\.\.)?", own):
            if family or name.endswith("_"):
                if not any(k.startswith(name) for k in known):
                    yield f"a comment mentions {name}{family}, but nothing begins like that"
            elif name not in known:
                yield f"a comment mentions {name}, which does not exist"


SECTION = re.compile(r"^-+ (\d+)\. (.+?) -+$", re.M)
REFERENCE = re.compile(r"\b[Ss]ections? (\d+(?:(?:, | and )\d+)*)\b(?! of RFC)")
# What a sentence that refers to a section has to mention, by the section's title: a number alone is not seen to be wrong.
TOPICS = {
    "Errors": r"error|reason",
    "Builders": r"builder",
    "Contexts": r"context",
    "Connections": r"connection",
    "Wire bytes: feed and drain": r"wire|feed|drain",
    "Plain bytes: read and write": r"plain|read|write",
    "Ways with fewer copies": r"cop(y|ies)|in-place|window",
    "Facts": r"facts?\b",
    "Questions and answers": r"ask|question|answer",
    "What a ClientHello says": r"ClientHello|hello|IANA|TLS_ASK_CONTEXT|name|rustls_accept",
    "Verification": r"judge|verif|check|rules|trust|chain",
    "Resumption": r"session|ticket|resum|keys",
    "Keying material and bindings": r"keying|export|binding|facts",
    "Events": r"event",
    "Control": r"cork|padd|record|suite|group|key update",
    "Limits and time": r"limit|time|clock|deadline|budget",
    "Options of one connection": r"option",
    "Encrypted Client Hello": r"ECH|encrypted",
    "Two halves for two threads": r"hal(f|ves)|split",
    "Traffic secrets for the kernel": r"secret|kernel",
    "A connection moves": r"move|import|export",
    "Completion-based hosts": r"completion|buffer|in flight",
    "Constants and version": r"constant|version",
}


def sections(header):
    """number -> title"""
    return {int(number): title for comment in header.comments for number, title in SECTION.findall(comment)}


def sentences(text):
    """The text in pieces that end where a sentence or a paragraph does."""
    return re.split(r"(?<=[.:!?])\s+(?=[A-Z])|\n\s*\n|(?<=\|)\n", text)


def wrong_sections(text, titles, where):
    for sentence in sentences(SECTION.sub("", text)):
        for numbers in REFERENCE.findall(sentence):
            for number in map(int, re.findall(r"\d+", numbers)):
                title = titles.get(number)
                if title is None:
                    yield f"{where} refers to section {number}, which does not exist"
                elif title not in TOPICS:
                    yield f"section {number}, {title}: manual.py has no topic for it"
                elif not re.search(TOPICS[title], REFERENCE.sub("", sentence), re.I):
                    flat = " ".join(sentence.split())
                    yield f"{where} refers to section {number} ({title}), but speaks of something else: {flat[:160]}"


def references(root, header):
    titles = sections(header)
    numbers = [int(number) for comment in header.comments for number, _ in SECTION.findall(comment)]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the sections are not numbered from 1 on: {numbers}"
    for comment in header.comments:
        yield from wrong_sections(comment, titles, "a comment")
    for name in ("migration.md", "migration-openssl.md", "moving.md", "resumption.md"):
        path = root / "docs" / name
        if path.is_file():
            yield from wrong_sections(path.read_text(encoding="utf-8"), titles, f"docs/{name}")


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
    found = [
        *undocumented(header),
        *names_that_do_not_exist(header),
        *references(root, header),
        *broken_promises(header, root),
    ]
    for problem in dict.fromkeys(found):
        print(f"FAIL {problem}")
    print(
        f"{len(header.functions)} functions, {len(promises_in(header.text))} promises, "
        f"{len(dict.fromkeys(found))} problems"
    )
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
