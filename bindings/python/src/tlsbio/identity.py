"""A certificate chain and its key, from files."""

from __future__ import annotations

import getpass
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .config import Builder
from .errors import Error
from .ssl_errors import from_config

Password = Callable[[], str | bytes | bytearray] | str | bytes | bytearray | None

_ENCRYPTED = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")


class Identity(NamedTuple):
    """PEM texts, the key not encrypted, and the kind of the key."""

    chain: bytes
    key: bytes
    kind: str


class OneTimePassword:
    """A password that is asked for once, and used twice: by OpenSSL, then by us."""

    def __init__(self, password: Password) -> None:
        self._ask = password if callable(password) else None
        self._known = None if callable(password) else password

    def __call__(self) -> str | bytes | bytearray:
        if self._known is None:
            self._known = self._ask() if self._ask else getpass.getpass("Enter PEM pass phrase:")
        return self._known

    def as_bytes(self) -> bytes:
        """The password as the key's format takes it."""
        password = self()
        return password.encode() if isinstance(password, str) else bytes(password)


def load(certfile: Path, keyfile: Path, password: OneTimePassword) -> Identity:
    """Reads what OpenSSL has found to be a chain and a key that belong together."""
    chain, key = certfile.read_bytes(), keyfile.read_bytes()
    if any(mark in key for mark in _ENCRYPTED):
        key = _decrypted(key, password.as_bytes())
    return of_texts(chain, key)


def of_texts(chain: bytes, key: bytes) -> Identity:
    """The identity of a chain and of a key that is not encrypted; ssl.SSLError if they cannot be used."""
    try:
        builder = Builder()
        builder.identity(chain, key)
    except Error as error:
        raise from_config(error) from None
    return Identity(chain, key, _kind(chain))


def _decrypted(key: bytes, password: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization

    # What may stand before it, such as certificates, is not looked at.
    start = re.search(rb"-----BEGIN (?:\w+ )*PRIVATE KEY-----", key)
    try:
        loaded = serialization.load_pem_private_key(key[start.start() if start else 0 :], password)
    except (ValueError, TypeError) as error:
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, f"the private key cannot be decrypted: {error}") from None
    return loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _kind(chain: bytes) -> str:
    from cryptography import x509

    return type(x509.load_pem_x509_certificate(chain).public_key()).__name__
