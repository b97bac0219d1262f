"""The certificates and CRLs of a PEM text, as OpenSSL reads it: both engines trust the same, or it is an error."""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Collection
from typing import Any, NamedTuple

from .ssl_errors import make

CERTIFICATE = b"CERTIFICATE"
TRUSTED_CERTIFICATE = b"TRUSTED CERTIFICATE"
CRL = b"X509 CRL"
# What OpenSSL looks for in a file, and what ssl looks for in a text.
IN_FILES = (CERTIFICATE, b"X509 CERTIFICATE", TRUSTED_CERTIFICATE, CRL)
IN_TEXTS = (CERTIFICATE, b"X509 CERTIFICATE")

# A boundary has a line of its own: OpenSSL drops what cannot be seen at its end, and a byte-order mark in front of it.
# Between them is nothing but base64, so that nobody can read it in another way.
_PLAIN = re.compile(
    rb"^(?:\xef\xbb\xbf)?-----BEGIN (?P<label>[^\n]+?)-----[\x00-\x09\x0b-\x20]*\n"
    rb"(?P<body>[A-Za-z0-9+/=\s]*)"
    rb"^-----END (?P=label)-----[\x00-\x09\x0b-\x20]*$",
    re.MULTILINE,
)


class Section(NamedTuple):
    """One certificate or CRL."""

    label: bytes
    der: bytes


class Text(NamedTuple):
    """What was read, and whether there is anything in the text that somebody else might read in another way."""

    sections: list[Section]
    is_plain: bool


def read(text: bytes, labels: Collection[bytes] = IN_FILES) -> Text:
    """The sections with these labels."""
    sections: list[Section] = []
    plain = 0
    for found in _PLAIN.finditer(text):
        plain += 1
        if found["label"] not in labels:
            continue
        try:
            der = base64.b64decode(b"".join(found["body"].split()), validate=True)
        except binascii.Error:
            der = b""
        if not der:
            plain -= 1
            continue
        label = CERTIFICATE if found["label"] == b"X509 CERTIFICATE" else found["label"]
        sections.append(Section(label, der))
    return Text(sections, plain == text.count(b"-----BEGIN"))


def check_as_openssl(certificates: Collection[bytes], crls: Collection[bytes], probe: Any) -> None:
    """Raises if OpenSSL, which has read the same into the context ``probe``, has read something else."""
    stats = probe.cert_store_stats()
    here = len(set(certificates)), len(set(crls))
    same = (stats["x509"], stats["crl"]) == here
    if not same or not set(probe.get_ca_certs(True)) <= set(certificates):
        raise refusal(
            f"it is not clear what this PEM text holds: OpenSSL reads {stats['x509']} certificates and {stats['crl']} "
            f"CRLs, and of whole sections there are {here[0]} and {here[1]}: begin and end each with a line of its "
            "own, with nothing but base64 between them"
        )


def refusal(why: str) -> ssl.SSLError:
    """The exception for what is not passed over."""
    return make(ssl.SSLError, ssl.SSL_ERROR_SSL, why)
