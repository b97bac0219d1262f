"""``python -m tlsbio``: the versions, the cipher suites, and a self-test between two connections in memory."""

from __future__ import annotations

import datetime
import ipaddress
import platform
import ssl
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import tlsbio

from ._native import lib
from .suites import SUITES


def main() -> int:
    """Prints what there is, and whether it works."""
    number = lib.tls_version_number()
    library = f"{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"
    print(f"tlsbio {tlsbio.__version__}, libtlsbio {library}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {ssl.OPENSSL_VERSION} for sockets")
    print(", ".join(f"{name} {metadata.version(name)}" for name in ("cffi", "cryptography")))
    print()
    print("cipher suites:")
    for suite in SUITES:
        print(f"  0x{suite.number:04x}  {suite.version}  {suite.openssl_name}")
    print()
    print("self-test:")
    try:
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            print("  " + self_test(version))
    except (ssl.SSLError, AssertionError) as error:
        print(f"  FAILED: {error}")
        return 1
    return 0


def self_test(version: ssl.TLSVersion) -> str:
    """A handshake, a megabyte in each direction, and a proper end; what was agreed on."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        make_certificate(certificate, key)
        server = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        client = tlsbio.create_default_context(cafile=certificate)
    for context in client, server:
        context.minimum_version = context.maximum_version = version
    to_server, to_client = tlsbio.MemoryBIO(), tlsbio.MemoryBIO()
    sides = (
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for side in sides * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
    message = bytes(range(256)) * 4096
    for writer, reader in (sides, sides[::-1]):
        writer.write(message)
        received = bytearray()
        while len(received) < len(message):
            received += reader.read(65536)
        if received != message:
            raise AssertionError("the bytes that arrived are not those that were sent")
    for side in sides * 2:
        try:
            side.unwrap()
        except ssl.SSLWantReadError:
            pass
    cipher = sides[0].cipher()
    return f"{sides[0].version()}, {cipher[0] if cipher else None}, 1 MiB in each direction: passed"


def make_certificate(certificate: Path, key: Path) -> None:
    """A certificate of localhost that lives for an hour, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tlsbio self-test")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


if __name__ == "__main__":
    sys.exit(main())
