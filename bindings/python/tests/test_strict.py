"""``VERIFY_X509_STRICT``: what OpenSSL refuses under it, we refuse."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID
from pairs import PKI, Pair, check_alive, client_context, module, server_context

PARTIAL_CHAIN = 0x80000
Extensions = dict[x509.ObjectIdentifier, tuple[x509.ExtensionType, bool]]


class Made(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)] if text else [])


def key_usage(*uses: str) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in uses for name in names})


def make(name: str, issuer: Made | None, odd: Callable[[Extensions], str | None] | None) -> Made:
    """A certificate that is as RFC 5280 has it, but for what ``odd`` makes of its extensions, and of its name."""
    key = ec.generate_private_key(ec.SECP256R1())
    above = issuer.key if issuer else key
    is_authority = name != "own"
    extensions: Extensions = {
        ExtensionOID.BASIC_CONSTRAINTS: (x509.BasicConstraints(is_authority, None), True),
        ExtensionOID.KEY_USAGE: (key_usage("key_cert_sign" if is_authority else "digital_signature"), True),
        ExtensionOID.SUBJECT_KEY_IDENTIFIER: (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER: (
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()),
            False,
        ),
    }
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        extensions[ExtensionOID.SUBJECT_ALTERNATIVE_NAME] = (names, False)
    renamed = odd(extensions) if odd else None
    subject = named(name if renamed is None else renamed)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder(issuer.certificate.subject if issuer else subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
    )
    for value, critical in extensions.values():
        builder = builder.add_extension(value, critical)
    return Made(builder.sign(above, hashes.SHA256()), key)


def without(oid: x509.ObjectIdentifier) -> Callable[[Extensions], None]:
    def odd(extensions: Extensions) -> None:
        del extensions[oid]

    return odd


def marked(oid: x509.ObjectIdentifier, critical: bool) -> Callable[[Extensions], None]:
    def odd(extensions: Extensions) -> None:
        extensions[oid] = extensions[oid][0], critical

    return odd


def with_value(oid: x509.ObjectIdentifier, value: x509.ExtensionType) -> Callable[[Extensions], None]:
    def odd(extensions: Extensions) -> None:
        extensions[oid] = value, extensions[oid][1]

    return odd


def no_subject(critical: bool) -> Callable[[Extensions], str]:
    def odd(extensions: Extensions) -> str:
        oid = ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        extensions[oid] = extensions[oid][0], critical
        return ""

    return odd


def key_identifier_without_key(extensions: Extensions) -> None:
    extensions[ExtensionOID.AUTHORITY_KEY_IDENTIFIER] = x509.AuthorityKeyIdentifier(None, None, None), False


ODD: dict[str, tuple[str, Any]] = {
    "nothing": ("own", None),
    "no authority key identifier": ("own", without(ExtensionOID.AUTHORITY_KEY_IDENTIFIER)),
    "no key in it": ("own", key_identifier_without_key),
    "critical authority key identifier": ("own", marked(ExtensionOID.AUTHORITY_KEY_IDENTIFIER, True)),
    "critical subject key identifier": ("own", marked(ExtensionOID.SUBJECT_KEY_IDENTIFIER, True)),
    "no subject key identifier": ("own", without(ExtensionOID.SUBJECT_KEY_IDENTIFIER)),
    "no basic constraints": ("own", without(ExtensionOID.BASIC_CONSTRAINTS)),
    "basic constraints not critical": ("own", marked(ExtensionOID.BASIC_CONSTRAINTS, False)),
    "no key usage": ("own", without(ExtensionOID.KEY_USAGE)),
    "signs certificates": ("own", with_value(ExtensionOID.KEY_USAGE, key_usage("digital_signature", "key_cert_sign"))),
    "no subject": ("own", no_subject(True)),
    "no subject, names not critical": ("own", no_subject(False)),
    **{
        f"{what} ({who})": (who, odd)
        for who in ("intermediate", "root")
        for what, odd in {
            "no authority key identifier": without(ExtensionOID.AUTHORITY_KEY_IDENTIFIER),
            "no subject key identifier": without(ExtensionOID.SUBJECT_KEY_IDENTIFIER),
            "basic constraints not critical": marked(ExtensionOID.BASIC_CONSTRAINTS, False),
            "no key usage": without(ExtensionOID.KEY_USAGE),
            "critical subject key identifier": marked(ExtensionOID.SUBJECT_KEY_IDENTIFIER, True),
            "path length": with_value(ExtensionOID.BASIC_CONSTRAINTS, x509.BasicConstraints(True, 3)),
        }.items()
    },
}


class Chain:
    """A root, an intermediate and a peer, one of which may be odd."""

    def __init__(self, odd: str, directory: Path) -> None:
        who, how = ODD[odd]
        self.root = make("root", None, how if who == "root" else None)
        self.intermediate = make("intermediate", self.root, how if who == "intermediate" else None)
        self.own = make("own", self.intermediate, how if who == "own" else None)
        self.directory = directory
        (directory / "own.pem").write_bytes(self.own.pem + self.intermediate.pem + self.own.key_pem)

    def failure(self, who: str, verifier: str, flags: int, *trusted: Made, **settings: Any) -> Exception | None:
        """What a verifier that trusts these says of the peer."""
        (self.directory / "trusted.pem").write_bytes(b"".join(made.pem for made in trusted))
        client = module(who if verifier == "client" else "openssl").SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        server = module(who if verifier == "server" else "openssl").SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if verifier == "client":
            server.load_cert_chain(self.directory / "own.pem")
        else:
            server.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            client.load_cert_chain(self.directory / "own.pem")
            server.verify_mode = ssl.CERT_REQUIRED
        judge = client if verifier == "client" else server
        for name, value in settings.items():
            setattr(judge, name, value)
        judge.verify_flags |= flags
        judge.load_verify_locations(self.directory / "trusted.pem")
        return Pair(client, server).try_handshake()[verifier == "server"]


@pytest.mark.parametrize("verifier", ["client", "server"])
@pytest.mark.parametrize("odd", ODD)
def test_the_same_certificates_are_refused(odd: str, verifier: str, tmp_path: Path) -> None:
    chain = Chain(odd, tmp_path)
    strict = int(ssl.VERIFY_X509_STRICT)
    is_well_but_for_that = chain.failure("openssl", verifier, 0, chain.root) is None
    # Where OpenSSL refuses it anyway, the question is another one.
    for flags in (strict, strict | PARTIAL_CHAIN, *([0] if is_well_but_for_that else [])):
        for trusted in (chain.root,), (chain.root, chain.intermediate), (chain.intermediate,):
            theirs, ours = (chain.failure(who, verifier, flags, *trusted) for who in ("openssl", "ours"))
            case = flags, len(trusted), theirs, ours
            assert (theirs is None) == (ours is None), case
            if theirs is not None and is_well_but_for_that and ODD[odd][0] == "own" and trusted[0] is chain.root:
                assert isinstance(theirs, ssl.SSLCertVerificationError), case
                assert isinstance(ours, ssl.SSLCertVerificationError), case
                assert (ours.verify_code, ours.verify_message) == (theirs.verify_code, theirs.verify_message)


def test_a_client_of_any_name_is_strict_too(tmp_path: Path) -> None:
    for odd, accepted in ("nothing", True), ("no authority key identifier", False):
        chain = Chain(odd, tmp_path)
        for who in "openssl", "ours":
            flags = int(ssl.VERIFY_X509_STRICT)
            (tmp_path / "trusted.pem").write_bytes(chain.root.pem)
            context = module(who).SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_flags |= flags
            context.load_verify_locations(tmp_path / "trusted.pem")
            for hostname in "another.test", "127.0.0.1", None:
                server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                server.load_cert_chain(tmp_path / "own.pem")
                seen: list[Any] = []
                server.sni_callback = lambda _, name, __, seen=seen: seen.append(name)  # type: ignore[misc]
                pair = Pair(context, server, hostname=hostname)
                assert (pair.try_handshake()[0] is None) == accepted, (who, hostname)
                assert seen == ["another.test" if hostname == "another.test" else None]
                if accepted and who == "ours":
                    check_alive(pair)
                    assert Pair(context, server, hostname=hostname, session=pair.client.session).handshake()


def test_a_strict_client_knows_a_wrong_name(tmp_path: Path) -> None:
    chain = Chain("nothing", tmp_path)
    (tmp_path / "trusted.pem").write_bytes(chain.root.pem)
    context = module("ours").SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(tmp_path / "trusted.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "own.pem")
    failure, _ = Pair(context, server, hostname="another.test").try_handshake()
    assert isinstance(failure, ssl.SSLCertVerificationError)
    assert failure.verify_code == 62


def test_a_chain_that_was_judged_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client, server = client_context(), server_context()
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    check_alive(Pair(client, server).handshake())

    def read(*_: Any) -> Any:
        raise AssertionError("a certificate is read")

    monkeypatch.setattr(x509, "load_der_x509_certificate", read)
    check_alive(Pair(client, server).handshake())
