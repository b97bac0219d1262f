#!/usr/bin/env python3
"""Writes a bill of materials of what is linked into the library, in CycloneDX 1.6: sbom.py FILE

It asks cargo, which needs no network for it once the library was built. The same sources and compiler give the same file.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from notices import ROOT, cargo


def checksums():
    """The SHA-256 of each package's archive in the registry, as Cargo.lock has it."""
    found = {}
    for block in (ROOT / "Cargo.lock").read_text().split("[[package]]")[1:]:
        fields = dict(re.findall(r'^(name|version|checksum) = "([^"]+)"$', block, flags=re.MULTILINE))
        if "checksum" in fields:
            found[fields["name"], fields["version"]] = fields["checksum"]
    return found


def compiler(fact):
    """What the compiler says of itself: its release, or its host."""
    told = subprocess.run([os.environ.get("RUSTC", "rustc"), "-vV"], check=True, capture_output=True, text=True).stdout
    return re.search(rf"^{fact}: (.+)$", told, flags=re.MULTILINE)[1]


def standard_library():
    version = compiler("release")
    return {
        "type": "library",
        "bom-ref": f"rust-std@{version}",
        "name": "rust-std",
        "version": version,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "externalReferences": [{"type": "website", "url": "https://www.rust-lang.org/"}],
    }


def component(name, version, terms, repository, sums):
    purl = f"pkg:cargo/{name}@{version}"
    made = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if (name, version) in sums:
        made["hashes"] = [{"alg": "SHA-256", "content": sums[name, version]}]
    # What older packages have between their licences is a choice, too.
    made["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", terms)}]
    if repository:
        made["externalReferences"] = [{"type": "vcs", "url": repository}]
    return made


def bill():
    lines = cargo("tree", "-p", "tlsbio", "-e", "normal,no-proc-macro", "--prefix", "depth", "--no-dedupe", "--locked",
                  "--target", compiler("host"), "--format", " {p}|{l}|{r}")
    sums, rust = checksums(), standard_library()
    components, needs, above = {}, {rust["bom-ref"]: set()}, []
    for line in lines.splitlines():
        depth, package, terms, repository = re.fullmatch(r"(\d+) ([^|]+)\|([^|]*)\|([^|]*)", line).groups()
        name, version = package.split()[:2]
        made = component(name, version.removeprefix("v"), terms, repository, sums)
        components[made["bom-ref"]] = made
        needs.setdefault(made["bom-ref"], {rust["bom-ref"]})
        del above[int(depth):]
        if above:
            needs[above[-1]].add(made["bom-ref"])
        above.append(made["bom-ref"])
    # What comes first is the library itself.
    subject = components.pop(next(iter(components)))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": subject},
        "components": sorted([*components.values(), rust], key=lambda one: one["bom-ref"]),
        "dependencies": [{"ref": one, "dependsOn": sorted(on)} for one, on in sorted(needs.items())],
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Path(sys.argv[1]).write_text(json.dumps(bill(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
