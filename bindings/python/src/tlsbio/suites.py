"""The names that OpenSSL has for cipher suites and groups, and their IANA numbers."""

from __future__ import annotations

from typing import NamedTuple

from ._native import lib


class Suite(NamedTuple):
    """A cipher suite that the engine has."""

    number: int
    openssl_name: str
    iana_name: str
    version: str
    bits: int


SUITES = (
    Suite(0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "TLSv1.3", 128),
    Suite(0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", "TLSv1.3", 256),
    Suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3", 256),
    Suite(0xC02B, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLSv1.2", 128),
    Suite(0xC02C, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLSv1.2", 256),
    Suite(
        0xCCA9, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLSv1.2", 256
    ),
    Suite(0xC02F, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLSv1.2", 128),
    Suite(0xC030, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLSv1.2", 256),
    Suite(0xCCA8, "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLSv1.2", 256),
)

BY_NUMBER = {suite.number: suite for suite in SUITES}
BY_OPENSSL_NAME = {suite.openssl_name: suite for suite in SUITES}

# As OpenSSL's set_ecdh_curve takes them, in lower case.
GROUPS = {
    "prime256v1": 0x0017,
    "secp256r1": 0x0017,
    "p-256": 0x0017,
    "secp384r1": 0x0018,
    "p-384": 0x0018,
    "x25519": 0x001D,
}

VERSION_NAMES = {lib.TLS_VERSION_1_2: "TLSv1.2", lib.TLS_VERSION_1_3: "TLSv1.3"}
