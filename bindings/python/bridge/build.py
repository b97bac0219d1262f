"""The bridge to the library, made from its header by cffi: every function, struct and constant."""

import re
import sys
from pathlib import Path

from cffi import FFI

sys.path.insert(0, str(Path(__file__).resolve().parent))
from places import HEADER, LIBRARY


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
    include_dirs=[str(HEADER.parent)],
    library_dirs=[str(LIBRARY.parent)],
    libraries=["tlsbio"],
    extra_link_args=["-Wl,-rpath,$ORIGIN"],
)
