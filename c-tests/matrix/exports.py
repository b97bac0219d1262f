#!/usr/bin/env python3
"""The shared library exports the header's functions, with their symbol version, and nothing else:
exports.py HEADER LIBRARY
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "header"))

import tlsbio_header  # noqa: E402

SONAME = "libtlsbio.so.0"
VERSION = "TLSBIO_0.1"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def defined_by_nm(library):
    """Names as the dynamic linker sees them, without their versions and without the version's own symbol."""
    names = set()
    for line in output("nm", "-D", "--defined-only", library).splitlines():
        kind, name = line.split()[-2:]
        if not (kind == "A" and name.split("@")[0] == VERSION):
            names.add(name.split("@")[0])
    return names


def versions_by_readelf(library):
    """name -> version suffix ('@@VERSION' or '') of every symbol that is defined and global."""
    versions = {}
    for line in output("readelf", "--dyn-syms", "-W", library).splitlines():
        columns = line.split()
        if len(columns) < 8 or not columns[0].rstrip(":").isdigit():
            continue
        binding, section, name = columns[4], columns[6], columns[7]
        if section in ("UND", "ABS") or binding == "LOCAL":
            continue
        base, at, version = name.partition("@")
        versions[base] = at + version
    return versions


def problems(header, library):
    wanted = {function.name for function in header.functions}
    exported = defined_by_nm(library)
    for name in sorted(wanted - exported):
        yield f"{name} is in the header but not exported"
    for name in sorted(exported - wanted):
        yield f"{name} is exported but not in the header"
    for name, version in sorted(versions_by_readelf(library).items()):
        if version != f"@@{VERSION}":
            yield f"{name}{version}: expected {name}@@{VERSION}"

    dynamic = output("readelf", "-d", "-W", library)
    sonames = re.findall(r"\(SONAME\).*\[(.*)\]", dynamic)
    if sonames != [SONAME]:
        yield f"soname is {sonames} instead of {SONAME}"
    if not re.search(r"\(FLAGS_1\).*\bNODELETE\b", dynamic):
        yield "the NODELETE flag is not set: dlclose would unload the library"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "the library has a search path of its own"
    if re.search(r"\(TEXTREL\)", dynamic):
        yield "the library has text relocations"
    if re.search(r"GNU_STACK.*\bRWE\b", output("readelf", "-l", "-W", library)):
        yield "the library asks for an executable stack"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    header = tlsbio_header.read(sys.argv[1])
    found = list(problems(header, sys.argv[2]))
    for problem in found:
        print(f"FAIL {problem}")
    print(f"{len(header.functions)} functions in the header, {len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
