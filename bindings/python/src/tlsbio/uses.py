"""What a certificate is trusted for and what not, as OpenSSL writes it behind one (``TRUSTED CERTIFICATE``)."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import NamedTuple

# In DER, without the tag and the length.
SERVER_AUTH = bytes.fromhex("2b06010505070301")
CLIENT_AUTH = bytes.fromhex("2b06010505070302")
_ANY = bytes.fromhex("551d2500")

_SEQUENCE, _OBJECT_IDENTIFIER, _REJECTED = 0x30, 0x06, 0xA0


class Verdict(enum.Enum):
    """What the settings of a certificate say about a use."""

    TRUSTED = enum.auto()
    REJECTED = enum.auto()
    # As one without settings: it is an anchor if it is self-signed.
    UNSAID = enum.auto()


class Uses(NamedTuple):
    """Object identifiers; ``trusted`` is None where nothing is said, and then no use is left out."""

    trusted: frozenset[bytes] | None
    rejected: frozenset[bytes]

    def verdict(self, use: bytes) -> Verdict:
        """By OpenSSL's rules: what is rejected is rejected, and a list of uses that are trusted rejects the others."""
        if self.rejected & {use, _ANY}:
            return Verdict.REJECTED
        if self.trusted is None:
            return Verdict.UNSAID
        return Verdict.TRUSTED if self.trusted & {use, _ANY} else Verdict.REJECTED


class Element(NamedTuple):
    """One element of DER."""

    tag: int
    whole: bytes
    content: bytes


def elements(ders: bytes) -> Iterator[Element]:
    """Elements of DER, one behind the other; ValueError at one that is cut off."""
    while ders:
        if len(ders) < 2:
            raise ValueError("DER is cut off")
        length, header = ders[1], 2
        if length >= 0x80:
            header += length & 0x7F
            length = int.from_bytes(ders[2:header], "big")
        if (header == 2 and ders[1] == 0x80) or len(ders) < header + length:
            raise ValueError("DER is cut off, or has an element without a length")
        yield Element(ders[0], ders[: header + length], ders[header : header + length])
        ders = ders[header + length :]


def split(trusted_certificate: bytes) -> tuple[bytes, Uses | None]:
    """The certificate and its settings; ValueError if they cannot be read."""
    parts = elements(trusted_certificate)
    certificate, settings = next(parts).whole, next(parts, None)
    if settings is None:
        return certificate, None
    if settings.tag != _SEQUENCE:
        raise ValueError("what follows the certificate is not what OpenSSL writes there")
    trusted: frozenset[bytes] | None = None
    rejected: frozenset[bytes] = frozenset()
    # Its name and its key's identifier follow, which decide nothing.
    for part in elements(settings.content):
        if part.tag == _SEQUENCE:
            trusted = _identifiers(part.content)
        elif part.tag == _REJECTED:
            rejected = _identifiers(part.content)
    return certificate, Uses(trusted, rejected)


def _identifiers(content: bytes) -> frozenset[bytes]:
    found = set()
    for part in elements(content):
        if part.tag != _OBJECT_IDENTIFIER:
            raise ValueError("a use is not an object identifier")
        found.add(part.content)
    return frozenset(found)
