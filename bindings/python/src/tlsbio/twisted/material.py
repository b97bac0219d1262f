"""Certificates, keys and trust roots, in all forms that a Twisted program has them, as the PEM that the library
takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from OpenSSL import crypto
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.ssl import Certificate, KeyPair, PrivateCertificate

from .._native import lib
from ..config import Builder
from ..errors import Error
from .failures import ConfigError

Pem = bytes | str
# A trust root: PEM, a certificate in any form, what trustRootFromCertificates and platformTrust answer, several of
# these, or None for the trust store of the system.
Trust = Any
# A chain and its key, both PEM, or a certificate of Twisted's that has its key.
Identity = PrivateCertificate | tuple[Pem, Pem]


def pem_bytes(what: str, pem: object) -> bytes:
    """PEM text as bytes."""
    if isinstance(pem, str):
        # Base64 and its markers are ASCII; what people write around them need not be.
        pem = pem.encode()
    if not isinstance(pem, (bytes, bytearray, memoryview)):
        raise TypeError(f"{what} must be PEM text, not {type(pem).__name__}")
    pem = bytes(pem)
    if b"-----BEGIN" not in pem:
        raise ConfigError.because(what, "no PEM text (the contents of a file are needed, not its name)")
    return pem


def certificate_pem(certificate: crypto.X509) -> bytes:
    """A certificate of pyOpenSSL's as PEM."""
    return certificate.to_cryptography().public_bytes(Encoding.PEM)


def identity_pem(what: str, identity: object) -> tuple[bytes, bytes]:
    """The chain and the key of an identity."""
    if isinstance(identity, PrivateCertificate):
        key = identity.privateKey.original.to_cryptography_key()
        return (
            certificate_pem(identity.original),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
    if isinstance(identity, tuple) and len(identity) == 2:
        chain, key = identity
        return pem_bytes(f"{what}: chain", chain), pem_bytes(f"{what}: key", key)
    raise TypeError(
        f"{what} must be a twisted.internet.ssl.PrivateCertificate or a tuple of a chain and a key, "
        f"not {type(identity).__name__}"
    )


def own_certificate(chain: bytes, key: bytes) -> bytes | None:
    """The certificate of the chain that belongs to the key, in DER."""
    try:
        mine = _public_bytes(KeyPair.load(key, crypto.FILETYPE_PEM).original.to_cryptography_key())
        for certificate in x509.load_pem_x509_certificates(chain):
            if _public_bytes(certificate) == mine:
                return certificate.public_bytes(Encoding.DER)
    except (crypto.Error, ValueError):
        # The library has taken both; what cryptography does not, it cannot show either.
        pass
    return None


def _public_bytes(of: Any) -> bytes:
    form: bytes = of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return form


class _Recorder:
    """Stands in for an OpenSSL.SSL.Context where a trust root adds itself to one, and for the context's store."""

    def __init__(self) -> None:
        self.pem: list[bytes] = []
        self.system = False

    def get_cert_store(self) -> _Recorder:
        return self

    def add_cert(self, certificate: crypto.X509) -> None:
        self.pem.append(certificate_pem(certificate))

    def set_default_verify_paths(self) -> None:
        self.system = True

    def load_verify_locations(self, cafile: Any, capath: Any = None) -> None:
        if capath is not None:
            raise ConfigError.because("trust", "directories of certificates in OpenSSL's form are not supported")
        with open(cafile, "rb") as file:
            self.pem.append(file.read())


def _record(trust: Trust, into: _Recorder) -> None:
    if trust is None:
        into.set_default_verify_paths()
    elif isinstance(trust, (bytes, bytearray, memoryview, str)):
        into.pem.append(pem_bytes("trust", trust))
    elif isinstance(trust, Certificate):
        into.add_cert(trust.original)
    elif isinstance(trust, crypto.X509):
        into.add_cert(trust)
    elif isinstance(trust, x509.Certificate):
        into.pem.append(trust.public_bytes(Encoding.PEM))
    elif hasattr(trust, "_addCACertsToContext"):
        # The one method of Twisted's IOpenSSLTrustRoot.
        trust._addCACertsToContext(into)
    elif isinstance(trust, Iterable):
        for one in trust:
            _record(one, into)
    else:
        root: Any = IOpenSSLTrustRoot(trust, None)
        if root is None:
            raise TypeError(
                "trust must be PEM text, a certificate, a trust root of twisted.internet.ssl, or several of them, "
                f"not {type(trust).__name__}"
            )
        root._addCACertsToContext(into)


def _self_signed(pem: bytes, named: bool) -> bytes:
    """Those certificates of a PEM text that issued themselves; with ``named`` only those that are for names."""
    chosen = b""
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        # The library has taken them as trust anchors, which they are then.
        return chosen
    for certificate in certificates:
        try:
            fits = certificate.issuer == certificate.subject and (not named or _has_names(certificate))
        except ValueError:
            continue
        if fits:
            chosen += certificate.public_bytes(Encoding.PEM)
    return chosen


def _has_names(certificate: x509.Certificate) -> bool:
    return any(extension.oid == x509.SubjectAlternativeName.oid for extension in certificate.extensions)


def add_trust(builder: Builder, what: str, trust: Trust, of_servers: bool) -> None:
    """Gives a builder the trust anchors that a trust root stands for.

    To OpenSSL a self-signed certificate among them is also the peer's own, if it shows it: so here. Where servers
    are verified it needs a name for that.
    """
    recorder = _Recorder()
    _record(trust, recorder)
    if not recorder.system and not recorder.pem:
        raise ConfigError.because(what, "there is no certificate in it, so that no peer could be trusted")
    try:
        if recorder.system:
            builder.trust_system()
        for pem in recorder.pem:
            _add_certificates(builder, pem, of_servers)
    except Error as error:
        raise ConfigError.because(what, error.message, error) from error


def _add_certificates(builder: Builder, pem: bytes, of_servers: bool) -> None:
    peers = _self_signed(pem, of_servers)
    try:
        with builder.trying():
            builder.trust(pem)
    except Error as error:
        # A certificate that issues nothing is no anchor, but may be the peer's own. Nothing else is passed over.
        if error.reason != lib.TLS_REASON_ANCHOR_NOT_CA:
            raise
        authorities, others = _by_authority(pem)
        if not others or any(not _self_signed(other, of_servers) for other in others):
            raise
        for authority in authorities:
            builder.trust(authority)
    if peers:
        builder.trust_peer(peers)


def _by_authority(pem: bytes) -> tuple[list[bytes], list[bytes]]:
    """The certificates that may issue others, and those that say that they do not."""
    authorities: list[bytes] = []
    others: list[bytes] = []
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return authorities, others
    for certificate in certificates:
        try:
            is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_authority = False
        except ValueError:
            return [], []
        (authorities if is_authority else others).append(certificate.public_bytes(Encoding.PEM))
    return authorities, others


def add_identity(builder: Builder, what: str, chain: bytes, key: bytes) -> None:
    """Gives a builder a chain and its key."""
    try:
        builder.identity(chain, key)
    except Error as error:
        raise ConfigError.because(what, error.message, error) from error
