"""Builds the shared library with the machine's cargo, puts it into the package, and the bridges to it beside it."""

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
# Where the library's sources are: this folder is bindings/python of the checkout.
ROOT = HERE.parents[1]
LIBRARY = ROOT / "target" / "release" / "libtlsbio.so"


class BuildWithLibrary(build_py):
    """The package together with libtlsbio.so.0, which its bridges find beside themselves."""

    def run(self) -> None:
        # A build of the library that is there already may be used as it is, where cargo shall not run again.
        if not (os.environ.get("TLSBIO_PREBUILT") and LIBRARY.exists()):
            subprocess.run(["make", "--no-print-directory", "lib"], cwd=ROOT, check=True)
        # Put in place at once: processes may have the former one mapped.
        copy = HERE / "src" / "tlsbio" / f"libtlsbio.so.{os.getpid()}"
        shutil.copy2(LIBRARY, copy)
        copy.replace(copy.with_name("libtlsbio.so.0"))
        super().run()


def compiled(name: str, source: str) -> Extension:
    """A module in C over the library, found beside it."""
    return Extension(
        name,
        [source],
        include_dirs=[str(ROOT / "include")],
        library_dirs=[str(LIBRARY.parent)],
        libraries=["tlsbio"],
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
    cmdclass={"build_py": BuildWithLibrary},
)
