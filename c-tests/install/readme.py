#!/usr/bin/env python3
"""Takes the programs out of README and what builds them, as they stand there: readme.py README DIRECTORY

The one block of C becomes hello.c, that of C++ hello.cpp, CMake's CMakeLists.txt, and the shell's with pkg-config build.sh.
"""

import re
import sys
from pathlib import Path

FILES = {"c": "hello.c", "cpp": "hello.cpp", "cmake": "CMakeLists.txt", "sh": "build.sh"}


def blocks(text):
    """{language: [what stands in its blocks]}"""
    found = {}
    for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        found.setdefault(language, []).append(body)
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    found = blocks(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for language, name in FILES.items():
        if len(found.get(language, [])) != 1:
            sys.exit(f"FAIL README has {len(found.get(language, []))} blocks of {language} where one is expected")
        Path(sys.argv[2], name).write_text(found[language][0], encoding="utf-8")


if __name__ == "__main__":
    main()
