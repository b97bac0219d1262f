"""The wheel: for which Pythons and systems it says to be, what is beside the code, what it says without it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
INFO = "tlsbio-0.1.0.dist-info"
IN_C = ("_native", "_socket", "_speed", "_stream")
# From this version on the limited API has all that is used.
LIMITED = sys.version_info >= (3, 11) and not sysconfig.get_config_var("Py_GIL_DISABLED")


@pytest.fixture(scope="module")
def archive() -> Iterator[zipfile.ZipFile]:
    package = os.environ.get("TLSBIO_PACKAGE")
    if not package:
        pytest.skip("TLSBIO_PACKAGE names no wheel")
    with zipfile.ZipFile(package) as opened:
        yield opened


def test_it_is_for_all_pythons_of_a_platform(archive: zipfile.ZipFile) -> None:
    tags = message_from_bytes(archive.read(f"{INFO}/WHEEL")).get_all("Tag")
    assert tags
    here = f"cp{sys.version_info[0]}{sys.version_info[1]}{sys.abiflags}"
    assert all(tag.startswith("cp311-abi3-manylinux_" if LIMITED else f"{here}-{here}-manylinux_") for tag in tags)
    if LIMITED:
        assert {name for name in archive.namelist() if ".so" in name} == {
            *(f"tlsbio/{name}.abi3.so" for name in IN_C),
            "tlsbio/libtlsbio.so.0",
        }


def test_the_record_has_every_file(archive: zipfile.ZipFile) -> None:
    rows = list(csv.reader(io.StringIO(archive.read(f"{INFO}/RECORD").decode())))
    assert sorted(name for name, _, _ in rows) == sorted(n for n in archive.namelist() if not n.endswith("/"))
    for name, digest, size in rows:
        if name != f"{INFO}/RECORD":
            content = archive.read(name)
            hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={hashed}", str(len(content))), name


def test_licences_are_beside_the_code(archive: zipfile.ZipFile) -> None:
    files = message_from_bytes(archive.read(f"{INFO}/METADATA")).get_all("License-File")
    assert files
    assert sorted(files) == ["LICENSE-APACHE", "LICENSE-ISC", "LICENSE-MIT", "THIRD-PARTY-NOTICES"]
    for name in files:
        assert archive.read(f"{INFO}/licenses/{name}") == (ROOT / name).read_bytes()


def test_the_bill_of_materials_is_one_and_names_what_the_notices_name(archive: zipfile.ZipFile) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = archive.read(f"{INFO}/sboms/libtlsbio.cdx.json").decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"]["component"]["purl"] == "pkg:cargo/tlsbio@0.1.0"
    listed = {f"{one['name']} {one['version']}" for one in bill["components"] if one["name"] != "rust-std"}
    lines = (ROOT / "THIRD-PARTY-NOTICES").read_text().splitlines()
    noticed = {lines[at + 1].partition(":")[0] for at, line in enumerate(lines) if line == "=" * 78}
    assert listed == noticed
    references = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {one["ref"] for one in bill["dependencies"]} == references
    assert {on for one in bill["dependencies"] for on in one["dependsOn"]} <= references
    # What comes from a registry has the hash that it was taken with.
    assert all("hashes" in one for one in bill["components"] if one["name"] != "rust-std")


@pytest.mark.parametrize("missing", [*IN_C, "libtlsbio"])
def test_without_a_part_in_c_the_import_fails(archive: zipfile.ZipFile, tmp_path: Path, missing: str) -> None:
    archive.extractall(tmp_path)
    (part,) = (tmp_path / "tlsbio").glob(f"{missing}.*so*")
    part.unlink()
    done = subprocess.run([sys.executable, "-c", IMPORT, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith("tlsbio's part in C is not there, or is for another Python or platform")
    assert missing in done.stderr


IMPORT = """
import sys
sys.path.insert(0, sys.argv[1])
try:
    import tlsbio
except ImportError as error:
    print(error, file=sys.stderr)
else:
    print("imported", tlsbio.__file__)
"""
