"""What ``VERIFY_X509_STRICT`` asks of the certificates of a chain: RFC 5280 to the letter, as OpenSSL reads it.

The engine does not ask for it, so that it is asked here, of what the store has and of what the peer shows. Which of
the authorities that it shows the chain will be of is not known yet: all count that the peer's own can be under.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cryptography import x509


class Fault(NamedTuple):
    """OpenSSL's verify code, and its words."""

    code: int
    message: str


_CRITICAL = Fault(34, "unhandled critical extension")
_INVALID_EXTENSION = Fault(41, "invalid or unsupported extension")
_INVALID_CA = Fault(79, "invalid CA certificate")
_PATH_LENGTH_WITHOUT_KEY_USAGE = Fault(81, "Path length given without key usage keyCertSign")
_KEY_CERT_SIGN = Fault(82, "Key usage keyCertSign invalid for non-CA cert")
_ISSUER_EMPTY = Fault(83, "Issuer name empty")
_SUBJECT_EMPTY = Fault(84, "Subject empty")
_NO_AUTHORITY_KEY_IDENTIFIER = Fault(85, "Missing Authority Key Identifier")
_NO_SUBJECT_KEY_IDENTIFIER = Fault(86, "Missing Subject Key Identifier")
_EMPTY_ALTERNATIVE_NAME = Fault(87, "Empty Subject Alternative Name extension")
_ALTERNATIVE_NAME_NOT_CRITICAL = Fault(88, "Subject empty and Subject Alt Name extension not critical")
_CONSTRAINTS_NOT_CRITICAL = Fault(89, "Basic Constraints of CA cert not marked critical")
_NO_KEY_USAGE = Fault(92, "CA cert does not include key usage extension")


@functools.lru_cache(maxsize=512)
def fault_of(der: bytes, issues: bool, is_last: bool) -> Fault | None:
    """What is wrong with a certificate; ``issues`` says that it has to be an authority's, ``is_last`` that nothing is
    above it in the chain.
    """
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            certificate = x509.load_der_x509_certificate(der)
            extensions = {extension.oid: extension for extension in certificate.extensions}
            return _fault(certificate, extensions, issues, is_last)
        except ValueError:
            return _INVALID_EXTENSION


def _fault(
    certificate: x509.Certificate,
    extensions: dict[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]],
    issues: bool,
    is_last: bool,
) -> Fault | None:
    from cryptography import x509
    from cryptography.x509.oid import ExtensionOID

    constraints, usage = (extensions.get(oid) for oid in (ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE))
    names = extensions.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    own, above = (
        extensions.get(oid) for oid in (ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    )
    value = constraints.value if constraints else None
    is_authority = isinstance(value, x509.BasicConstraints) and value.ca
    signs = bool(usage and isinstance(usage.value, x509.KeyUsage) and usage.value.key_cert_sign)
    has_subject = bool(certificate.subject.rdns)
    key_of_issuer = (
        above.value.key_identifier if above and isinstance(above.value, x509.AuthorityKeyIdentifier) else None
    )
    is_new = certificate.version is x509.Version.v3
    faults = (
        ((own is not None and own.critical) or (above is not None and above.critical), _CRITICAL),
        (issues and not is_authority, _INVALID_CA),
        (isinstance(value, x509.BasicConstraints) and value.path_length is not None and not signs,
         _PATH_LENGTH_WITHOUT_KEY_USAGE),
        (is_authority and constraints is not None and not constraints.critical, _CONSTRAINTS_NOT_CRITICAL),
        (is_authority and usage is None, _NO_KEY_USAGE),
        (not is_authority and signs, _KEY_CERT_SIGN),
        (not certificate.issuer.rdns, _ISSUER_EMPTY),
        (not has_subject and (is_authority or names is None), _SUBJECT_EMPTY),
        (not has_subject and names is not None and not names.critical, _ALTERNATIVE_NAME_NOT_CRITICAL),
        (names is not None and isinstance(names.value, x509.SubjectAlternativeName) and not list(names.value),
         _EMPTY_ALTERNATIVE_NAME),
        (is_new and not is_last and key_of_issuer is None, _NO_AUTHORITY_KEY_IDENTIFIER),
        (is_new and is_authority and own is None, _NO_SUBJECT_KEY_IDENTIFIER),
    )  # fmt: skip
    return next((fault for holds, fault in faults if holds), None)


def fault_in(shown: Sequence[bytes], is_last: frozenset[bytes]) -> Fault | None:
    """What is wrong with a chain as a peer shows it; certificates that issued themselves or are among ``is_last`` need
    nothing above them.
    """
    return _fault_in(tuple(shown), is_last)


@functools.lru_cache(maxsize=128)
def _fault_in(shown: tuple[bytes, ...], is_last: frozenset[bytes]) -> Fault | None:
    """The same few peers show the same chains on each connection, and no time plays a part."""
    from cryptography import x509

    certificates = []
    for index, der in enumerate(shown):
        try:
            certificates.append((der, x509.load_der_x509_certificate(der), index > 0))
        except ValueError:
            return _INVALID_EXTENSION
    above = certificates[:1]
    seen = set()
    while above:
        der, certificate, issues = above.pop()
        if der in seen:
            continue
        seen.add(der)
        fault = fault_of(der, issues, der in is_last or certificate.issuer == certificate.subject)
        if fault is not None:
            return fault
        above += [other for other in certificates[1:] if other[1].subject == certificate.issuer]
    return None
