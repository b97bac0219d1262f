#!/usr/bin/env python3
"""Writes THIRD-PARTY-NOTICES, the licences of all that is linked into the library: notices.py [--check]

Their terms want them to be where the binaries are: cmake --install puts the file beside them.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD-PARTY-NOTICES"
# Packages of the same authors, from the same repository, that come without a copy.
COVERED_BY = {"alloc-stdlib": "alloc-no-stdlib", "rustls-aws-lc-rs": "rustls"}
STANDARD_LIBRARY = "the Rust standard library, as of the compiler: MIT OR Apache-2.0; both texts stand below, under libc"
NAMES = ("license", "licence", "copying", "notice", "copyright", "unlicense")


def cargo(*arguments):
    command = ["cargo", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def linked():
    """(name, version, terms) of each package that the library is linked with, not of what only its build needs."""
    lines = cargo("tree", "-p", "tlsbio", "-e", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe",
                  "--target", "x86_64-unknown-linux-gnu", "--format", "{p}|{l}")
    packages = set()
    for line in lines.splitlines():
        package, terms = line.split("|")
        name, version = package.split()[:2]
        packages.add((name, version.removeprefix("v"), terms))
    return sorted(package for package in packages if package[0] != "tlsbio")


def licence_files(directory):
    """Licences of the package, and of what it has copied from others."""
    found = [path for path in directory.rglob("*") if path.is_file() and path.name.lower().startswith(NAMES)
             and path.suffix not in (".rs", ".go", ".py", ".sh", ".c", ".h")]
    return sorted(path for path in found if "test" not in str(path.relative_to(directory)).lower())


def notices():
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--locked"))
    places = {(p["name"], p["version"]): Path(p["manifest_path"]).parent for p in metadata["packages"]}
    text = ["What is linked into libtlsbio, and under which terms. Made by scripts/notices.py; do not edit.", "",
            STANDARD_LIBRARY, ""]
    shown = {}
    for name, version, terms in linked():
        text += ["=" * 78, f"{name} {version}: {terms}", ""]
        files = licence_files(places[name, version])
        if not files:
            text += [f"Its package has no copy of these terms; they stand under {COVERED_BY[name]}.", ""]
        for path in files:
            content = path.read_text(encoding="utf-8", errors="replace").strip()
            label = f"{name} {version}, {path.relative_to(places[name, version])}"
            same = shown.setdefault(content, label)
            text += [f"-- {label}" + ("" if same == label else f": the same as {same}"), ""]
            if same == label:
                text += [line.rstrip() for line in content.splitlines()] + [""]
    return "\n".join(text)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    text = notices()
    if not check:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
        sys.exit("THIRD-PARTY-NOTICES is not up to date: run scripts/notices.py")


if __name__ == "__main__":
    main()
