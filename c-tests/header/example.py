#!/usr/bin/env python3
"""Takes the complete client out of the header's opening comment: example.py HEADER OUTPUT.c

The block consists of the lines that are indented by four spaces more than the comment's own text. It begins with the
first #include before the line with "int fetch(" and ends at the first "}" in column 0 after that line.
"""

import sys
from pathlib import Path

import tlsbio_header

INDENT = " " * 4
MOST_LINES = 52


class NoExample(Exception):
    pass


def extract(comment):
    lines = comment.split("\n")
    starts = [i for i, line in enumerate(lines) if line.startswith(INDENT) and "int fetch(" in line]
    if len(starts) != 1:
        raise NoExample(f"'int fetch(' stands {len(starts)} times in the opening comment instead of once")
    first = last = starts[0]
    while first > 0 and (lines[first - 1].startswith(INDENT) or not lines[first - 1].strip()):
        first -= 1
    while last < len(lines) and lines[last].rstrip() != INDENT + "}":
        if lines[last].strip() and not lines[last].startswith(INDENT):
            raise NoExample(f"the example is interrupted by '{lines[last]}'")
        last += 1
    if last == len(lines):
        raise NoExample("the example has no end: no line consists of '}'")
    code = [line[len(INDENT):].rstrip() for line in lines[first:last + 1]]
    while code and not code[0].startswith("#include"):
        code.pop(0)
    if "#include <tlsbio.h>" not in code:
        raise NoExample("the example does not include <tlsbio.h>")
    if len(code) > MOST_LINES:
        raise NoExample(f"the example has {len(code)} lines; {MOST_LINES} are the most that a reader takes in")
    return code


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        code = extract(tlsbio_header.read(sys.argv[1]).opening)
    except (NoExample, tlsbio_header.HeaderError) as error:
        sys.exit(f"FAIL {error}")
    Path(sys.argv[2]).write_text("\n".join(code) + "\n", encoding="utf-8")
    print(f"the header's example: {len(code)} lines")


if __name__ == "__main__":
    main()
