"""What a server says with its request for a certificate, and the answer to it (TLS_ASK_IDENTITY)."""

from __future__ import annotations

from typing import Any, NamedTuple

from ._native import ffi, lib
from .config import Context


class IdentityRequest(NamedTuple):
    """What a server that asks for a certificate says about those that it takes."""

    #: The distinguished names of the authorities, in DER; empty where any will do.
    authorities: tuple[bytes, ...]
    #: The signature schemes that it takes, by IANA number, in its order.
    schemes: tuple[int, ...]


def read(handle: Any) -> IdentityRequest:
    """The request of a connection whose question is open."""
    authorities: list[bytes] = []
    while (size := lib.tls_identity_authority(handle, len(authorities), ffi.NULL, 0)) > 0:
        name = ffi.new("char[]", size)
        lib.tls_identity_authority(handle, len(authorities), name, size)
        authorities.append(ffi.buffer(name, size)[:])
    size = max(0, lib.tls_identity_schemes(handle, ffi.NULL, 0))
    wire = ffi.new("unsigned char[]", max(1, size))
    lib.tls_identity_schemes(handle, wire, size)
    schemes = tuple(wire[at] << 8 | wire[at + 1] for at in range(0, size - 1, 2))
    return IdentityRequest(tuple(authorities), schemes)


def answer(handle: Any, identity: Context | None) -> int:
    """Shows an identity of that context, or none: a status, with TLS_ERR_CONFIG where none of them fits."""
    return int(lib.tls_answer_identity(handle, ffi.NULL if identity is None else identity.handle))
