"""Whom a context trusts: what was loaded into it, sorted by what OpenSSL would do with it."""

from __future__ import annotations

import base64
import binascii
import os
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from .certificates import Facts, facts_of
from .config import Builder
from .errors import Error

_PEM = re.compile(
    rb"-----BEGIN (?P<label>(?:X509 |TRUSTED )?CERTIFICATE|X509 CRL)-----(?P<body>.*?)-----END (?P=label)-----",
    re.DOTALL,
)
# The names of files in a directory that OpenSSL looks certificates and CRLs up in: a hash and a number.
_HASHED = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")


class Trust:
    """Certificates and CRLs."""

    def __init__(self) -> None:
        self._certificates: dict[bytes, Facts] = {}
        self._crls: dict[bytes, None] = {}
        self._system = False
        # Grows with each addition, so that contexts know when theirs is out of date.
        self.version = 0

    def add_text(self, pem: bytes) -> None:
        """Adds the certificates and CRLs of a PEM text."""
        for section in _PEM.finditer(pem):
            try:
                der = base64.b64decode(section["body"])
            except binascii.Error:
                continue
            if section["label"] == b"X509 CRL":
                self._crls[der] = None
            else:
                # A "TRUSTED CERTIFICATE" is followed by what OpenSSL alone understands.
                self._add(next(_split(der), der))
        self.version += 1

    def add_der(self, der: bytes) -> None:
        """Adds certificates in DER, one behind the other."""
        for certificate in _split(der):
            self._add(certificate)
        self.version += 1

    def _add(self, der: bytes) -> None:
        # What it is, is found out now and not in the first handshake, which an event loop would have to wait for.
        if der not in self._certificates:
            self._certificates[der] = facts_of(der)

    def add_directory(self, path: str) -> None:
        """Adds the certificates and CRLs in a directory whose files are named by hashes, as they are now.

        OpenSSL reads such files in the middle of handshakes, which an event loop would have to wait for.
        """
        for text in _hashed_files(path):
            self.add_text(text)

    def add_default(self) -> None:
        """Adds what OpenSSL takes by default, or the store of the system where OpenSSL's is not there."""
        paths = ssl.get_default_verify_paths()
        if paths.cafile:
            self.add_text(Path(paths.cafile).read_bytes())
        if paths.capath:
            self.add_directory(paths.capath)
        self._system = True
        self.version += 1

    def apply(self, builder: Builder, *, partial_chains: bool, any_name: bool, with_crls: bool) -> bool:
        """Gives it all to a builder; whether anybody is trusted."""
        anchors, intermediates, peers = _sorted(self._certificates, partial_chains, any_name)
        trusted = _add_usable(builder, builder.trust, anchors)
        _add_usable(builder, builder.intermediates, intermediates)
        if peers:
            trusted = _add_usable(builder, builder.trust_peer, peers) or trusted
        if with_crls:
            for der in self._crls:
                builder.crl(der)
        if not trusted and self._system:
            try:
                with builder.trying():
                    builder.trust_system()
            except Error:
                return False
            return True
        return trusted


def _sorted(
    certificates: dict[bytes, Facts], partial_chains: bool, any_name: bool
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Trust anchors, intermediates, and certificates of peers themselves, as OpenSSL sees them."""
    anchors: list[bytes] = []
    intermediates: list[bytes] = []
    peers: list[bytes] = []
    for der, facts in certificates.items():
        if not facts.is_authority:
            # It issues nothing, but may be the peer's own.
            if partial_chains or facts.is_self_issued:
                peers.append(der)
            continue
        (anchors if facts.is_self_issued or partial_chains else intermediates).append(der)
        # Whether it could also be a peer's own is a question of names, which authorities do not have.
        if facts.is_self_issued and (any_name or facts.has_names):
            peers.append(der)
    return anchors, intermediates, peers


def _add_usable(builder: Builder, add: Callable[[bytes], None], ders: list[bytes]) -> bool:
    """Adds all that the engine can parse; whether there is one. OpenSSL would fail when it needs such a one."""
    if not ders:
        return False
    try:
        with builder.trying():
            add(b"".join(map(_pem, ders)))
    except Error:
        if len(ders) == 1:
            return False
        halves = ders[: len(ders) // 2], ders[len(ders) // 2 :]
        return any([_add_usable(builder, add, half) for half in halves])
    return True


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def _split(ders: bytes) -> Iterator[bytes]:
    """Elements of DER, one behind the other."""
    while len(ders) > 2:
        length, header = ders[1], 2
        if length >= 0x80:
            header += length & 0x7F
            length = int.from_bytes(ders[2:header], "big")
        yield ders[: header + length]
        ders = ders[header + length :]


def _hashed_files(directory: str) -> Iterator[bytes]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        if _HASHED.fullmatch(name):
            try:
                yield Path(directory, name).read_bytes()
            except OSError:
                continue
