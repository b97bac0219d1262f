"""getpeercert's dict is the one that the standard library's own decoder makes."""

from __future__ import annotations

import _ssl
import ssl
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from pairs import PKI

from tlsbio import certificates

STDLIB = Path(sysconfig.get_path("stdlib")) / "test"


def everywhere() -> list[Path]:
    folders = [STDLIB / "certdata", STDLIB, Path("/etc/ssl/certs"), PKI]
    # A link to nowhere is none.
    found = (path for folder in folders for path in sorted(folder.rglob("*.pem")) if path.exists())
    return [path for path in found if b"BEGIN CERTIFICATE" in path.read_bytes()]


def test_certificates_are_decoded_as_by_openssl() -> None:
    compared = 0
    for path in everywhere():
        try:
            expected = _ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
        except (ssl.SSLError, UnicodeDecodeError):
            # Names that are no text at all it cannot show.
            continue
        pem = path.read_text(errors="replace")
        start = pem.index("-----BEGIN CERTIFICATE-----")
        end = pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
        decoded = certificates.decode(ssl.PEM_cert_to_DER_cert(pem[start:end]))
        if path.name == "talos-2019-0758.pem":
            # A malformed extension: OpenSSL leaves out that one, cryptography gives none of them.
            expected.pop("subjectAltName")
        assert decoded == expected, path
        compared += 1
    assert compared > 20


@pytest.mark.skipif(not (STDLIB / "certdata" / "allsans.pem").exists() and not (STDLIB / "allsans.pem").exists(),
                    reason="the standard library's tests, with their certificates, are not installed")  # fmt: skip
def test_all_kinds_of_names() -> None:
    path = next(path for path in (STDLIB / "certdata" / "allsans.pem", STDLIB / "allsans.pem") if path.exists())
    pem = path.read_text()
    pem = pem[pem.index("-----BEGIN CERTIFICATE-----") : pem.index("-----END CERTIFICATE-----") + 25]
    kinds = [kind for kind, _ in certificates.decode(ssl.PEM_cert_to_DER_cert(pem))["subjectAltName"]]
    assert {"DNS", "othername", "email", "DirName", "URI", "IP Address", "Registered ID"} <= set(kinds)


def test_what_is_answered_is_the_callers() -> None:
    """It is remembered for the next connection, which sees nothing of what was done to it."""
    der = ssl.PEM_cert_to_DER_cert((PKI / "ecdsa/ca.pem").read_text())
    first = certificates.decode(der)
    first.clear()
    assert certificates.decode(der)["subject"]


def test_cryptography_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, tlsbio, tlsbio.aio; assert not any(name.startswith('cryptography') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
