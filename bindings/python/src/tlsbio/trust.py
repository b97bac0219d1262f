"""Whom a context trusts: what was loaded into it, sorted by what OpenSSL would do with it."""

from __future__ import annotations

import base64
import functools
import os
import re
import ssl
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from . import pem, strict, uses
from .certificates import Facts, facts_of
from .config import Builder
from .errors import Error
from .uses import Uses, Verdict

# The names of files in a directory that OpenSSL looks certificates and CRLs up in: a hash and a number.
# Stores of more certificates are those of systems, where no peer's own is.
_FEW = 16
_HASHED = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")


class Trust:
    """Certificates and CRLs."""

    def __init__(self) -> None:
        self._certificates: dict[bytes, Facts] = {}
        # Of those that came with settings.
        self._uses: dict[bytes, Uses] = {}
        self._crls: dict[bytes, None] = {}
        self._system = False
        # Grows with each addition, so that contexts know when theirs is out of date.
        self.version = 0

    def add_text(
        self, text: bytes, labels: Collection[bytes] = pem.IN_FILES, probe: Callable[[], Any] | None = None
    ) -> bool:
        """Adds the certificates and CRLs of a PEM text, and says whether there are any.

        ``probe`` gives a context of OpenSSL's that has loaded the same: where a text can be read in several ways, it
        is asked whether OpenSSL read it as it was read here. Without it what cannot be read is passed over, as
        OpenSSL does with what the system has.
        """
        read = _read_again(text) if probe is None and labels is pem.IN_FILES else pem.read(text, labels)
        certificates: dict[bytes, Uses | None] = {}
        crls: dict[bytes, None] = {}
        for section in read.sections:
            try:
                if section.label == pem.CRL:
                    crls[section.der] = None
                elif section.label == pem.TRUSTED_CERTIFICATE:
                    certificate, settings = uses.split(section.der)
                    certificates.setdefault(certificate, settings)
                else:
                    certificates.setdefault(next(uses.elements(section.der)).whole, None)
            except ValueError as error:
                if probe is not None:
                    raise pem.refusal(f"a certificate in a PEM text cannot be read: {error}") from None
        if probe is not None and not read.is_plain:
            pem.check_as_openssl(certificates, crls, probe())
        for certificate, settings in certificates.items():
            self._add(certificate, settings)
        self._crls.update(crls)
        self.version += 1
        return bool(certificates or crls)

    def add_der(self, ders: bytes) -> None:
        """Adds certificates in DER, one behind the other, which OpenSSL has read."""
        rest = uses.elements(ders)
        while True:
            try:
                element = next(rest, None)
            except ValueError:
                # OpenSSL takes what is shorter than a header for the end.
                break
            if element is None or len(element.whole) <= 2:
                break
            self._add(element.whole)
        self.version += 1

    def _add(self, der: bytes, settings: Uses | None = None) -> None:
        # What it is, is found out now and not in the first handshake, which an event loop would have to wait for. Of
        # one that comes twice, the first counts, as in OpenSSL's stores.
        if der not in self._certificates:
            self._certificates[der] = _facts_again(der)
            if settings is not None:
                self._uses[der] = settings

    @property
    def certificates(self) -> Collection[bytes]:
        """All certificates, in DER."""
        return self._certificates.keys()

    @property
    def has_crls(self) -> bool:
        """Whether there are any CRLs."""
        return bool(self._crls)

    def check(self, use: bytes) -> None:
        """Raises if an intermediate is rejected for this use: OpenSSL then refuses all chains that it is in."""
        for der, settings in self._uses.items():
            facts = self._certificates[der]
            if facts.is_authority and not facts.is_self_issued and settings.verdict(use) is Verdict.REJECTED:
                raise pem.refusal(
                    "a TRUSTED CERTIFICATE of an intermediate authority rejects what this context verifies: here an "
                    "intermediate can be left out, but a peer may show it all the same: trust no root that it is under"
                )

    def add_directory(self, path: str) -> bool:
        """Adds the certificates and CRLs in a directory whose files are named by hashes, as they are now; whether there
        are any.

        OpenSSL reads such files in the middle of handshakes, which an event loop would have to wait for.
        """
        return any([self.add_text(text) for text in _hashed_files(path)])

    def add_default(self) -> None:
        """Adds what OpenSSL takes by default, or the store of the system where OpenSSL's is not there."""
        paths = ssl.get_default_verify_paths()
        in_file = bool(paths.cafile) and self.add_text(Path(paths.cafile).read_bytes())
        in_directory = bool(paths.capath) and self.add_directory(paths.capath)
        self._system = not in_file and not in_directory
        self.version += 1

    def apply(
        self,
        builder: Builder,
        *,
        use: bytes,
        partial_chains: bool,
        any_name: bool,
        with_crls: bool,
        strictly: bool = False,
    ) -> bool:
        """Gives it all to a builder of a context that verifies peers of this use; whether anybody is trusted."""
        self.check(use)
        verdicts = {der: settings.verdict(use) for der, settings in self._uses.items()}
        anchors, intermediates, peers = _sorted(self._certificates, verdicts, partial_chains, any_name)
        if strictly:
            anchors = [der for der in anchors if strict.fault_of(der, True, True) is None]
            intermediates = [der for der in intermediates if strict.fault_of(der, True, False) is None]
            peers = [der for der in peers if strict.fault_of(der, False, True) is None]
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
    certificates: dict[bytes, Facts], verdicts: dict[bytes, Verdict], partial_chains: bool, any_name: bool
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Trust anchors, intermediates, and certificates of peers themselves, as OpenSSL sees them."""
    anchors: list[bytes] = []
    intermediates: list[bytes] = []
    peers: list[bytes] = []
    # One that has no names is nobody's who is asked for by name, and is then refused for that: so that people hear it.
    tells_of_names = any_name or len(certificates) <= _FEW
    for der, facts in certificates.items():
        verdict = verdicts.get(der, Verdict.UNSAID)
        if verdict is Verdict.REJECTED:
            continue
        if not facts.is_authority:
            # It issues nothing, but may be the peer's own.
            if partial_chains or facts.is_self_issued:
                peers.append(der)
            continue
        is_anchor = facts.is_self_issued or partial_chains or verdict is Verdict.TRUSTED
        (anchors if is_anchor else intermediates).append(der)
        # Whether it could also be a peer's own is a question of names, which authorities do not have.
        if facts.is_self_issued and (tells_of_names or facts.has_names):
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


# Programs make many contexts, most of them with the certificates that the system trusts: one for each request, where a
# host does not keep it. Texts of programs' own are not kept, since people put keys beside certificates.
_facts_again = functools.lru_cache(maxsize=512)(facts_of)
_read_again = functools.lru_cache(maxsize=512)(pem.read)


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
