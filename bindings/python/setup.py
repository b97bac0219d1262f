"""Builds the shared library with the machine's cargo, puts it into the package, and the bridges to it beside it.

A wheel is for all versions of CPython from 3.11 on (abi3): the bridges use no more than the limited API, which has
buffers from then on. CPython 3.10 and free-threaded ones get wheels of their own.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "bridge"))
from places import HEADER, LIBRARY, ROOT, SOURCES  # noqa: E402

LIMITED = sys.version_info >= (3, 11) and not sysconfig.get_config_var("Py_GIL_DISABLED")


class BuildWithLibrary(build_py):
    """The package together with libtlsbio.so.0, which its bridges find beside themselves."""

    def run(self) -> None:
        # A build of the library that is there already may be used as it is, where cargo shall not run again.
        if not (os.environ.get("TLSBIO_PREBUILT") and LIBRARY.exists()):
            # As `make lib` builds it.
            build = [os.environ.get("CARGO", "cargo"), "rustc", "--locked", "--release", "--lib"]
            subprocess.run([*build, "--crate-type", "cdylib,staticlib"], cwd=ROOT, check=True)
        # Put in place at once: processes may have the former one mapped.
        copy = HERE / "src" / "tlsbio" / f"libtlsbio.so.{os.getpid()}"
        shutil.copy2(LIBRARY, copy)
        copy.replace(copy.with_name("libtlsbio.so.0"))
        super().run()


class WheelWithBill(bdist_wheel):
    """With a bill of materials (PEP 770) of what is linked into the library."""

    def write_wheelfile(self, wheelfile_base: str, *arguments: str) -> None:
        super().write_wheelfile(wheelfile_base, *arguments)
        folder = Path(wheelfile_base) / "sboms"
        folder.mkdir()
        subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "sbom.py"), str(folder / "libtlsbio.cdx.json")], check=True
        )


class SourceWithLibrary(sdist):
    """With the library's sources: what it takes besides is cargo, and a C compiler."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        base = Path(base_dir)
        # The licences, which are links in a checkout.
        for path in base.iterdir():
            if path.is_symlink():
                path.unlink()
                shutil.copy2(HERE / path.name, path)
        leave = shutil.ignore_patterns("__pycache__", "target")
        shutil.copytree(HERE / "bridge", base / "bridge", ignore=leave, dirs_exist_ok=True)
        for name in SOURCES:
            copy = base / "library" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy, ignore=leave)
            else:
                shutil.copy2(ROOT / name, copy)


def compiled(name: str, source: str) -> Extension:
    """A module in C over the library, found beside it."""
    return Extension(
        name,
        [source],
        depends=["bridge/module.h", "bridge/channel.h", str(HEADER)],
        include_dirs=[str(HEADER.parent)],
        library_dirs=[str(LIBRARY.parent)],
        libraries=["tlsbio"],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if LIMITED else [],
        py_limited_api=LIMITED,
        extra_compile_args=["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Wno-cast-function-type"],
        extra_link_args=["-Wl,-rpath,$ORIGIN"],
    )


modules = [
    # Bytes between BIOs and the library.
    compiled("tlsbio._speed", "bridge/speed.c"),
    # Bytes between sockets and the library.
    compiled("tlsbio._socket", "bridge/socket.c"),
    # What a record of tlsbio.aio passes through.
    compiled("tlsbio._stream", "bridge/stream.c"),
]

setup(
    cffi_modules=["bridge/build.py:ffi"],
    ext_modules=modules,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": WheelWithBill, "sdist": SourceWithLibrary},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
)
