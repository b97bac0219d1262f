#!/usr/bin/env python3
"""The interface that programs are compiled against, as types: abi.py check|write ROOT

abidw reads debug information, of which a library in Rust has none about C. So it is shown a library that is made from the header alone:
each function with an empty body. What it says is committed (tlsbio.abi), and the header of today is compared with that.

check   fails if a program that was compiled before would no longer work, and if something was added that is not written down
write   writes it down, but nothing that may break a program; where that is wanted, or looked at, remove the file first
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "header"))

import tlsbio_header  # noqa: E402

COMMITTED = HERE / "tlsbio.abi"
# Of abidiff's exit status.
CHANGED, INCOMPATIBLE = 4, 8


def stub(header):
    lines = ["/* Made by abi.py from tlsbio.h. */", "#include <tlsbio.h>"]
    for function in header.functions:
        parameters = ", ".join(f"{p.type} {p.name}" for p in function.parameters) or "void"
        body = " ".join(f"(void){p.name};" for p in function.parameters)
        body += "" if function.returns == "void" else " return 0;"
        lines.append(f"{function.returns} {function.name}({parameters}) {{ {body} }}")
    return "\n".join(lines) + "\n"


def dump(root, work):
    """tlsbio.abi as the header is now."""
    source, library, made = work / "stub.c", work / "libtlsbio.so.0", work / "tlsbio.abi"
    source.write_text(stub(tlsbio_header.read(root / "include" / "tlsbio.h")), encoding="utf-8")
    # Neither where it was made, nor in which line of the header.
    include = (root / "include").resolve()
    subprocess.run(["cc", "-g", "-shared", "-fPIC", f"-ffile-prefix-map={work}=.", f"-ffile-prefix-map={include}=.",
                    "-Wl,-soname,libtlsbio.so.0", "-I", include, source, "-o", library], check=True, cwd=work)
    subprocess.run(["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", "--out-file", made,
                    library], check=True)
    return made


def differences(before, now, *options):
    done = subprocess.run(["abidiff", *options, before, now], capture_output=True, text=True)
    if done.returncode & ~(CHANGED | INCOMPATIBLE):
        sys.exit(f"abidiff could not compare: {done.stdout}{done.stderr}")
    return done.stdout if done.returncode else ""


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("check", "write"):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        made = dump(Path(sys.argv[2]), Path(directory))
        # What is neither a new function nor a type that only those know is taken for what breaks programs: also a struct that
        # has grown, of which somebody has to see that its new members are behind the others.
        if COMMITTED.is_file() and (said := differences(COMMITTED, made, "--no-added-syms")):
            sys.exit(f"FAIL programs that were compiled before would break:\n{said}")
        if sys.argv[1] == "write":
            COMMITTED.write_text(made.read_text(encoding="utf-8"), encoding="utf-8")
        elif said := differences(COMMITTED, made):
            sys.exit(f"FAIL something was added that is not written down; run make abi:\n{said}")
    print("the interface is as programs know it")


if __name__ == "__main__":
    main()
