"""A certificate as ``ssl.SSLSocket.getpeercert`` gives it: a dict in OpenSSL's words."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

# cryptography is imported where certificates are looked into: it takes five times as long as the rest of the package.
if TYPE_CHECKING:
    from cryptography import x509

Name = tuple[tuple[tuple[str, str], ...], ...]

# OpenSSL's long names of what a distinguished name consists of; others it shows as numbers.
_ATTRIBUTES = {
    "2.5.4.3": "commonName",
    "2.5.4.4": "surname",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "countryName",
    "2.5.4.7": "localityName",
    "2.5.4.8": "stateOrProvinceName",
    "2.5.4.9": "streetAddress",
    "2.5.4.10": "organizationName",
    "2.5.4.11": "organizationalUnitName",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.16": "postalAddress",
    "2.5.4.17": "postalCode",
    "2.5.4.18": "postOfficeBox",
    "2.5.4.20": "telephoneNumber",
    "2.5.4.41": "name",
    "2.5.4.42": "givenName",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.45": "x500UniqueIdentifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "userId",
    "0.9.2342.19200300.100.1.25": "domainComponent",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.2.840.113549.1.9.8": "unstructuredAddress",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionLocalityName",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionStateOrProvinceName",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionCountryName",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def decode(der: bytes) -> dict[str, Any]:
    """The dict for a certificate in DER, which is the caller's to change."""
    # What is in it cannot be changed.
    return dict(_decoded(der))


@functools.lru_cache(maxsize=128)
def _decoded(der: bytes) -> dict[str, Any]:
    """Hosts ask on every connection, mostly about the same few servers."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

    certificate = x509.load_der_x509_certificate(der)
    decoded: dict[str, Any] = {
        "subject": _name(certificate.subject),
        "issuer": _name(certificate.issuer),
        "version": certificate.version.value + 1,
        "serialNumber": _serial(certificate.serial_number),
        "notBefore": _time(certificate.not_valid_before_utc),
        "notAfter": _time(certificate.not_valid_after_utc),
    }
    try:
        extensions = certificate.extensions
    except ValueError:
        # OpenSSL leaves out what it cannot parse.
        return decoded
    for extension in extensions:
        if extension.oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
            decoded["subjectAltName"] = tuple(map(_general_name, extension.value))
        elif extension.oid == ExtensionOID.AUTHORITY_INFORMATION_ACCESS:
            for key, method in (
                ("OCSP", AuthorityInformationAccessOID.OCSP),
                ("caIssuers", AuthorityInformationAccessOID.CA_ISSUERS),
            ):
                places = tuple(
                    access.access_location.value
                    for access in extension.value
                    if access.access_method == method
                    and isinstance(access.access_location, x509.UniformResourceIdentifier)
                )
                if places:
                    decoded[key] = places
        elif extension.oid == ExtensionOID.CRL_DISTRIBUTION_POINTS:
            points = tuple(
                name.value
                for point in extension.value
                for name in point.full_name or ()
                if isinstance(name, x509.UniformResourceIdentifier)
            )
            if points:
                decoded["crlDistributionPoints"] = points
    return decoded


class Facts(NamedTuple):
    """What decides about the place of a certificate in a store."""

    is_authority: bool
    is_self_issued: bool
    has_names: bool


def facts_of(der: bytes) -> Facts:
    """The facts of a certificate; none of them is true if it cannot be parsed."""
    from cryptography import x509
    from cryptography.x509.oid import ExtensionOID

    with warnings.catch_warnings():
        # Stores hold certificates with odd serial numbers.
        warnings.simplefilter("ignore")
        try:
            certificate = x509.load_der_x509_certificate(der)
            is_self_issued = certificate.issuer == certificate.subject
            if certificate.version is x509.Version.v1:
                # OpenSSL takes it for that of an authority if it is self-signed.
                return Facts(is_self_issued, is_self_issued, False)
            extensions = certificate.extensions
        except ValueError:
            return Facts(False, False, False)
    known = {extension.oid: extension.value for extension in extensions}
    constraints, usage = known.get(ExtensionOID.BASIC_CONSTRAINTS), known.get(ExtensionOID.KEY_USAGE)
    if isinstance(constraints, x509.BasicConstraints):
        is_authority = constraints.ca
    else:
        is_authority = isinstance(usage, x509.KeyUsage) and usage.key_cert_sign
    return Facts(is_authority, is_self_issued, ExtensionOID.SUBJECT_ALTERNATIVE_NAME in known)


@functools.lru_cache(maxsize=128)
def is_self_issued(der: bytes) -> bool:
    """Whether a certificate names itself as its issuer."""
    return facts_of(der).is_self_issued


def _name(name: x509.Name) -> Name:
    return tuple(tuple((_ATTRIBUTES.get(part.oid.dotted_string, part.oid.dotted_string), _text(part.value))
                       for part in parts) for parts in name.rdns)  # fmt: skip


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _serial(number: int) -> str:
    digits = f"{abs(number):X}"
    return ("-" if number < 0 else "") + "0" * (len(digits) % 2) + digits


def _time(time: datetime.datetime) -> str:
    return f"{_MONTHS[time.month - 1]} {time.day:2d} {time:%H:%M:%S} {time.year} GMT"


def _general_name(name: x509.GeneralName) -> tuple[str, Any]:
    from cryptography import x509

    match name:
        case x509.DNSName():
            return "DNS", name.value
        case x509.RFC822Name():
            return "email", name.value
        case x509.UniformResourceIdentifier():
            return "URI", name.value
        case x509.IPAddress():
            return "IP Address", _address(name.value)
        case x509.DirectoryName():
            return "DirName", _name(name.value)
        case x509.RegisteredID():
            return "Registered ID", name.value.dotted_string
        case _:
            return "othername", "<unsupported>"


def _address(address: Any) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return ":".join(f"{int(part, 16):X}" for part in address.exploded.split(":"))
    return str(address)
