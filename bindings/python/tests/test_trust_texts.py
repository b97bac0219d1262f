"""What texts of certificates mean: to OpenSSL, and to us."""

from __future__ import annotations

import base64
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pairs import PKI, Pair, server_context

import tlsbio
from tlsbio import uses

BEGIN, END = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n"


def texts() -> dict[str, bytes]:
    """Texts by what is odd about them; in most, a certificate that is plain comes first."""
    a, b = (PKI / "ecdsa/ca.pem").read_bytes(), (PKI / "rsa/ca.pem").read_bytes()
    crls = (PKI / "crl/all.crl").read_bytes()
    key = (PKI / "ecdsa/server.key").read_bytes()
    a_der, b_der = (ssl.PEM_cert_to_DER_cert(pem.decode()) for pem in (a, b))
    mark = b"\xef\xbb\xbf"
    return {
        "plain": a + b,
        "twice": a + a,
        "byte-order mark": mark + a + b,
        "byte-order mark, one certificate": mark + a,
        "byte-order mark between": a + mark + b,
        "two byte-order marks": mark + mark + a + b,
        "joined": a.rstrip() + b,
        "indented": a + b" " + b,
        "behind a letter": a + b"x" + b,
        "behind a number sign": a + b"#" + b,
        "behind NUL": a + b"\0" + b,
        "behind a long line": a + b"x" * 254 + b,
        "CR LF": (a + b).replace(b"\n", b"\r\n"),
        "CR": (a + b).replace(b"\n", b"\r"),
        "CR in the second": a + b.replace(b"\n", b"\r"),
        "blanks at line ends": (a + b).replace(b"\n", b" \t\n"),
        "controls at line ends": a + b.replace(b"-----\n", b"-----\x01\x1f\n"),
        "no base64": a + b.replace(b"\nMII", b"\n!II"),
        "not all base64": a + b.replace(b"\nMII", b"\nM!II"),
        "blank in base64": a + b.replace(b"\nMII", b"\nM II"),
        "one line of base64": a + BEGIN + b"".join(b.splitlines()[1:-1]) + b"\n" + END,
        "no padding": a + BEGIN + base64.b64encode(b_der + bytes(-len(b_der) % 3 + 1)).rstrip(b"=") + b"\n" + END,
        "more behind it": a + BEGIN + base64.b64encode(b_der + b"more") + b"\n" + END,
        "padding in the middle": a + b.replace(b"\nMII", b"\nMA==MII"),
        "unknown label": a + b.replace(b"CERTIFICATE", b"WEIRD"),
        "label in lower case": a + b.replace(b"CERTIFICATE", b"certificate"),
        "old label": a + b.replace(b"CERTIFICATE", b"X509 CERTIFICATE"),
        "label of trusted ones": a + b.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
        "another end": a + b.replace(b"END CERTIFICATE", b"END X509 CERTIFICATE"),
        "no end": a + b.partition(b"-----END")[0],
        "no end, and another": a.partition(b"-----END")[0] + b,
        "cut off": a + b[: len(b) // 2],
        "begins twice": a + BEGIN + b,
        "half a beginning": a + b"-----BEGIN CERTIFICATE\n" + b,
        "headers": a + b.replace(b"\n", b"\nName: value\n\n", 1),
        "a header": a + b.replace(b"\n", b"\nName: value\n", 1),
        "empty section": a + BEGIN + END,
        "section of blanks": a + BEGIN + b" \n" + END,
        "blank lines": a + b.replace(b"\n", b"\n\n"),
        "out-commented": a + b.replace(b"\n", b"\n#"),
        "with a key": a + key + b,
        "with CRLs": crls + a,
        "CRLs alone": crls,
        "short label of CRLs": a + crls.replace(b"X509 CRL", b"CRL"),
        "UTF-16": (a + b).decode().encode("utf-16"),
        "text": b"nothing\n",
        "nothing": b"",
        "DER": a_der,
        "two in DER": a_der + b_der,
        "DER and a byte": a_der + b"\0",
        "DER and a tag": a_der + b"\x30",
        "DER and half a header": a_der + b"\x30\x82",
        "DER and more": a_der + b"more",
        "DER and zeros": a_der + bytes(10),
        "DER that is cut off": a_der + b_der[:-5],
        "DER, then PEM": a_der + a,
    }


# OpenSSL takes the base64 of the first with the end of the second, or passes over both, or over text that happens to
# be as long as its buffer: what was meant, nobody knows.
NOT_CLEAR = {"no end, and another", "begins twice", "behind a long line"}


def given(context: Any, form: str, text: bytes, directory: Path) -> None:
    """Loads a text in one of the forms that load_verify_locations takes."""
    if form == "file":
        (directory / "text.pem").write_bytes(text)
        context.load_verify_locations(directory / "text.pem")
    else:
        context.load_verify_locations(cadata=text.decode("latin-1") if form == "str" else text)


def outcome(context: Any, form: str, text: bytes, directory: Path) -> Any:
    """What is raised, or None."""
    try:
        given(context, form, text, directory)
    except (ssl.SSLError, ValueError, TypeError) as error:
        return type(error)
    return None


@pytest.mark.parametrize("form", ["file", "str", "bytes"])
def test_a_text_means_the_same(form: str, tmp_path: Path) -> None:
    differ = []
    for name, text in texts().items():
        theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        expected, got = (outcome(context, form, text, tmp_path) for context in (theirs, ours))
        if expected is None and got is None:
            stats, trust = theirs.cert_store_stats(), ours._tlsbio_trust
            expected = (stats["x509"], stats["crl"], set(theirs.get_ca_certs(True)))
            got = (len(trust._certificates), len(trust._crls), set(trust._certificates))
        if expected != got and not (name in NOT_CLEAR and got is ssl.SSLError):
            differ.append(name)
    assert differ == []


ROOT_SETTINGS = [
    [],
    ["-setalias", "a name"],
    ["-addtrust", "serverAuth"],
    ["-addtrust", "clientAuth"],
    ["-addtrust", "emailProtection"],
    ["-addtrust", "anyExtendedKeyUsage"],
    ["-addtrust", "serverAuth", "-addtrust", "clientAuth"],
    ["-addreject", "serverAuth"],
    ["-addreject", "clientAuth"],
    ["-addreject", "emailProtection"],
    ["-addreject", "anyExtendedKeyUsage"],
    ["-addtrust", "serverAuth", "-addreject", "serverAuth"],
    ["-addtrust", "serverAuth", "-addreject", "clientAuth"],
    ["-addtrust", "anyExtendedKeyUsage", "-addreject", "serverAuth"],
]


def with_settings(certificate: str, settings: list[str]) -> bytes:
    """A certificate of the test PKI as OpenSSL writes it with what it is trusted for."""
    command = ["openssl", "x509", "-in", str(PKI / certificate), "-trustout", *settings]
    return subprocess.run(command, check=True, capture_output=True).stdout


def accepts(module: Any, verifier: str, *roots: bytes, flags: int = 0, directory: Path) -> bool:
    """Whether a client or a server that trusts these accepts the other side."""
    server = server_context("openssl")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(PKI / "ecdsa/ca.pem")
    client.load_cert_chain(PKI / "ecdsa/client-chain.pem", PKI / "ecdsa/client.key")
    if verifier == "client":
        client = judge = module.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        judge = server = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
        server.verify_mode = ssl.CERT_REQUIRED
    judge.verify_flags |= flags
    (directory / "roots.pem").write_bytes(b"".join(roots))
    judge.load_verify_locations(directory / "roots.pem")
    failure = Pair(client, server).try_handshake()[verifier == "server"]
    assert failure is None or isinstance(failure, ssl.SSLCertVerificationError), failure
    return failure is None


@pytest.mark.parametrize("verifier", ["client", "server"])
@pytest.mark.parametrize("settings", ROOT_SETTINGS, ids=" ".join)
def test_a_root_is_trusted_for_what_its_settings_say(settings: list[str], verifier: str, tmp_path: Path) -> None:
    root = with_settings("ecdsa/ca.pem", settings)
    expected = accepts(ssl, verifier, root, directory=tmp_path)
    assert accepts(tlsbio, verifier, root, directory=tmp_path) == expected
    # Of one that comes twice, the first counts.
    plain = (PKI / "ecdsa/ca.pem").read_bytes()
    for roots in (root, plain), (plain, root):
        assert accepts(tlsbio, verifier, *roots, directory=tmp_path) == accepts(
            ssl, verifier, *roots, directory=tmp_path
        )


@pytest.mark.parametrize("flags", [0, 0x80000])
@pytest.mark.parametrize("verifier", ["client", "server"])
def test_an_intermediate_that_is_trusted_expressly_is_an_anchor(verifier: str, flags: int, tmp_path: Path) -> None:
    use = {"client": "serverAuth", "server": "clientAuth"}[verifier]
    trusted = with_settings("ecdsa/inter.pem", ["-addtrust", use])
    for module in ssl, tlsbio:
        assert accepts(module, verifier, trusted, flags=flags, directory=tmp_path)


@pytest.mark.parametrize("verifier", ["client", "server"])
def test_an_intermediate_that_is_rejected_is_refused_at_once(verifier: str, tmp_path: Path) -> None:
    use = {"client": "serverAuth", "server": "clientAuth"}[verifier]
    roots = (PKI / "ecdsa/ca.pem").read_bytes(), with_settings("ecdsa/inter.pem", ["-addreject", use])
    assert not accepts(ssl, verifier, *roots, directory=tmp_path)
    with pytest.raises(ssl.SSLError, match="TRUSTED CERTIFICATE of an intermediate authority rejects"):
        accepts(tlsbio, verifier, *roots, directory=tmp_path)
    # A context of both roles says it when its role is known.
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(tmp_path / "roots.pem")
    with pytest.raises(ssl.SSLError, match="TRUSTED CERTIFICATE of an intermediate authority rejects"):
        context._native(verifier == "server")


def test_a_peers_own_certificate_that_is_rejected_is_not_accepted(tmp_path: Path) -> None:
    for settings in [], ["-addreject", "serverAuth"], ["-addtrust", "clientAuth"]:
        outcomes = []
        for module in ssl, tlsbio:
            context = module.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            (tmp_path / "own.pem").write_bytes(with_settings("bad/selfsigned.pem", settings))
            context.load_verify_locations(tmp_path / "own.pem")
            outcomes.append(Pair(context, server_context("openssl", "bad/selfsigned")).try_handshake()[0] is None)
        assert outcomes == [not settings] * 2, settings


def test_settings_in_a_directory_count(tmp_path: Path) -> None:
    (tmp_path / "0123abcd.0").write_bytes(with_settings("ecdsa/ca.pem", ["-addreject", "serverAuth"]))
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(capath=tmp_path)
    client, _ = Pair(context, server_context("openssl")).try_handshake()
    assert isinstance(client, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("behind", ["30", "3003", "0403020100", "300430020401", "3080", "3002a001"])
def test_settings_that_cannot_be_read(behind: str) -> None:
    certificate = b"\x30\x03\x02\x01\x01"
    with pytest.raises(ValueError):
        uses.split(certificate + bytes.fromhex(behind))
