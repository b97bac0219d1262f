"""The C API one to one, for people who write hosts.

``lib`` holds every function and constant of tlsbio.h, ``ffi`` makes and reads C data; the header is the manual.
Every call releases the GIL.
"""

from ._native import ffi, lib

__all__ = ["ffi", "lib"]
