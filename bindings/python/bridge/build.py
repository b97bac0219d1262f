"""The bridge to the library, made from its header by cffi: every function, struct and constant."""

import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HEADER = ROOT / "include" / "tlsbio.h"


def declarations(header: str) -> str:
    """What cffi needs of the header: its text without comments and directives, its macros as constants."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    constants = re.findall(r"^#define (TLS_\w+)[ \t]+[^\s{]", text, flags=re.MULTILINE)
    text = re.sub(r"//.*", "", text)
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    return text + "\n".join(f"#define {name} ..." for name in constants)


ffi = FFI()
ffi.cdef(declarations(HEADER.read_text()))
ffi.set_source(
    "tlsbio._native",
    "#include <tlsbio.h>\n",
    include_dirs=[str(ROOT / "include")],
    library_dirs=[str(ROOT / "target" / "release")],
    libraries=["tlsbio"],
    extra_link_args=["-Wl,-rpath,$ORIGIN"],
)
