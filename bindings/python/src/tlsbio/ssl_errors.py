"""Errors of the library as the exceptions of the standard library's ssl, with what OpenSSL would put into them."""

from __future__ import annotations

import ipaddress
import ssl
from typing import NamedTuple, TypeVar

from ._native import lib
from .errors import Error

_SSLErrorType = TypeVar("_SSLErrorType", bound=ssl.SSLError)

# The reasons for which OpenSSL has a verification code (X509_V_ERR_*), and the texts that go with them.
_VERIFY_CODES = {
    lib.TLS_REASON_CERTIFICATE_EXPIRED: (10, "certificate has expired"),
    lib.TLS_REASON_CERTIFICATE_NOT_YET_VALID: (9, "certificate is not yet valid"),
    lib.TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER: (20, "unable to get local issuer certificate"),
    lib.TLS_REASON_CERTIFICATE_REVOKED: (23, "certificate revoked"),
    lib.TLS_REASON_CERTIFICATE_WRONG_USAGE: (26, "unsuitable certificate purpose"),
    lib.TLS_REASON_CERTIFICATE_BAD_SIGNATURE: (7, "certificate signature failure"),
    lib.TLS_REASON_CERTIFICATE_WEAK_KEY: (66, "EE certificate key too weak"),
    lib.TLS_REASON_CERTIFICATE_MALFORMED: (6, "unable to decode issuer public key"),
    lib.TLS_REASON_CERTIFICATE_UNSUPPORTED: (68, "CA signature digest algorithm too weak"),
    lib.TLS_REASON_CERTIFICATE_REFUSED: (20, "unable to get local issuer certificate"),
    lib.TLS_REASON_CERTIFICATE_NOT_PINNED: (28, "certificate rejected"),
    lib.TLS_REASON_CERTIFICATE_STATUS_UNKNOWN: (3, "unable to get certificate CRL"),
    lib.TLS_REASON_CRL_EXPIRED: (12, "CRL has expired"),
    lib.TLS_REASON_CERTIFICATE_IS_CA: (79, "invalid CA certificate"),
    lib.TLS_REASON_CERTIFICATE_ISSUER_NOT_CA: (79, "invalid CA certificate"),
    lib.TLS_REASON_CERTIFICATE_NAME_CONSTRAINT: (47, "permitted subtree violation"),
    lib.TLS_REASON_CERTIFICATE_PATH_LENGTH: (25, "path length constraint exceeded"),
    lib.TLS_REASON_CERTIFICATE_TOO_COMPLEX: (22, "certificate chain too long"),
    lib.TLS_REASON_CERTIFICATE_ALGORITHMS_DIFFER: (
        77,
        "subject signature algorithm and issuer public key algorithm mismatch",
    ),
    lib.TLS_REASON_CRL_BAD_SIGNATURE: (8, "CRL signature failure"),
    lib.TLS_REASON_CRL_ISSUER_UNFIT: (35, "key usage does not include CRL signing"),
    lib.TLS_REASON_CERTIFICATE_OTHER: (1, "unspecified certificate verification error"),
}

# OpenSSL's names for what else goes wrong on this side.
_REASONS = {
    lib.TLS_REASON_NOT_TLS: "WRONG_VERSION_NUMBER",
    lib.TLS_REASON_MALFORMED: "LENGTH_MISMATCH",
    lib.TLS_REASON_UNEXPECTED_MESSAGE: "UNEXPECTED_MESSAGE",
    lib.TLS_REASON_RECORD_OVERFLOW: "DATA_LENGTH_TOO_LONG",
    lib.TLS_REASON_VIOLATION: "BAD_EXTENSION",
    lib.TLS_REASON_HANDSHAKE_TOO_LARGE: "EXCESSIVE_MESSAGE_SIZE",
    lib.TLS_REASON_NO_COMMON_VERSION: "UNSUPPORTED_PROTOCOL",
    lib.TLS_REASON_NO_COMMON_SUITE: "NO_SHARED_CIPHER",
    lib.TLS_REASON_NO_COMMON_GROUP: "NO_SUITABLE_KEY_SHARE",
    lib.TLS_REASON_NO_COMMON_SIGNATURE: "NO_SUITABLE_SIGNATURE_ALGORITHM",
    lib.TLS_REASON_NO_COMMON_ALPN: "NO_APPLICATION_PROTOCOL",
    lib.TLS_REASON_NO_COMMON_FEATURE: "MISSING_SUPPORTED_GROUPS_EXTENSION",
    lib.TLS_REASON_REFUSED: "CALLBACK_FAILED",
    lib.TLS_REASON_KEYS_EXHAUSTED: "AT_LEAST_TLS_1_3_NEEDED",
    lib.TLS_REASON_CERTIFICATE_MISSING: "PEER_DID_NOT_RETURN_A_CERTIFICATE",
    lib.TLS_REASON_BINDER_WRONG: "BINDER_DOES_NOT_VERIFY",
    lib.TLS_REASON_FINISHED_WRONG: "DIGEST_CHECK_FAILED",
    lib.TLS_REASON_DOWNGRADE: "INAPPROPRIATE_FALLBACK",
    lib.TLS_REASON_EMPTY_RECORD: "BAD_LENGTH",
    lib.TLS_REASON_ALERT_LEVEL: "UNKNOWN_ALERT_TYPE",
    lib.TLS_REASON_WARNING_ALERT: "UNKNOWN_ALERT_TYPE",
    lib.TLS_REASON_CHANGE_CIPHER_SPEC: "UNEXPECTED_CCS_MESSAGE",
    lib.TLS_REASON_CHANGE_CIPHER_SPEC_MALFORMED: "BAD_CHANGE_CIPHER_SPEC",
    lib.TLS_REASON_RECORD_NOT_ENCRYPTED: "BAD_RECORD_TYPE",
    lib.TLS_REASON_INNER_PLAINTEXT: "BAD_RECORD_TYPE",
    lib.TLS_REASON_KEY_SHARE_INVALID: "BAD_ECPOINT",
    lib.TLS_REASON_KEY_SHARE_GROUP: "BAD_KEY_SHARE",
    lib.TLS_REASON_KEY_SHARE_DUPLICATE: "BAD_KEY_SHARE",
    lib.TLS_REASON_KEY_SHARE_MISSING: "NO_SUITABLE_KEY_SHARE",
    lib.TLS_REASON_NO_KEY_SHARE_EXTENSION: "NO_SUITABLE_KEY_SHARE",
    lib.TLS_REASON_NO_GROUPS_EXTENSION: "MISSING_SUPPORTED_GROUPS_EXTENSION",
    lib.TLS_REASON_NO_SIGNATURES_EXTENSION: "MISSING_SIGALGS_EXTENSION",
    lib.TLS_REASON_SUITE_NOT_OFFERED: "WRONG_CIPHER_RETURNED",
    lib.TLS_REASON_RETRY_SUITE_NOT_OFFERED: "WRONG_CIPHER_RETURNED",
    lib.TLS_REASON_RETRY_SUITE_CHANGED: "BAD_CIPHER",
    lib.TLS_REASON_GROUP_NOT_OFFERED: "WRONG_CURVE",
    lib.TLS_REASON_COMPRESSION_SELECTED: "UNSUPPORTED_COMPRESSION_ALGORITHM",
    lib.TLS_REASON_COMPRESSION_NOT_OFFERED: "UNSUPPORTED_COMPRESSION_ALGORITHM",
    lib.TLS_REASON_SIGNATURE_SCHEME_NOT_OFFERED: "WRONG_SIGNATURE_TYPE",
    lib.TLS_REASON_EXTENSION_NOT_OFFERED: "UNSOLICITED_EXTENSION",
    lib.TLS_REASON_TOO_MANY_EMPTY_RECORDS: "RECORD_TOO_SMALL",
    lib.TLS_REASON_TOO_MANY_WARNINGS: "TOO_MANY_WARN_ALERTS",
    lib.TLS_REASON_TOO_MANY_MESSAGES: "TOO_MANY_KEY_UPDATES",
    lib.TLS_REASON_TOO_MUCH_EARLY_DATA: "TOO_MUCH_EARLY_DATA",
    lib.TLS_REASON_MESSAGE_INTERLEAVED: "MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA",
    lib.TLS_REASON_KEY_CHANGE_INSIDE_MESSAGE: "NOT_ON_RECORD_BOUNDARY",
    lib.TLS_REASON_RENEGOTIATION_INFO: "RENEGOTIATION_MISMATCH",
    lib.TLS_REASON_NO_EXTENDED_MASTER_SECRET: "INCONSISTENT_EXTMS",
    lib.TLS_REASON_RESUMPTION_EXTENDED_SECRET: "INCONSISTENT_EXTMS",
    lib.TLS_REASON_TICKET_EMPTY: "BAD_LENGTH",
    lib.TLS_REASON_LIST_EMPTY: "BAD_LENGTH",
    lib.TLS_REASON_KEY_UPDATE_MALFORMED: "BAD_KEY_UPDATE",
}

# What OpenSSL says of all else by which a peer breaks the protocol.
_OTHER_REASONS = {
    lib.TLS_ERR_PEER: "BAD_EXTENSION",
    lib.TLS_ERR_NO_COMMON: "MISSING_SUPPORTED_GROUPS_EXTENSION",
    lib.TLS_ERR_BUSY: "BUSY",
}
# And of messages that cannot be parsed.
_SYNTAX = range(600, 700)

# What OpenSSL calls the alerts of a peer.
_ALERTS = {
    10: "SSLV3_ALERT_UNEXPECTED_MESSAGE",
    20: "SSLV3_ALERT_BAD_RECORD_MAC",
    22: "TLSV1_ALERT_RECORD_OVERFLOW",
    40: "SSLV3_ALERT_HANDSHAKE_FAILURE",
    42: "SSLV3_ALERT_BAD_CERTIFICATE",
    43: "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    44: "SSLV3_ALERT_CERTIFICATE_REVOKED",
    45: "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    46: "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    47: "SSLV3_ALERT_ILLEGAL_PARAMETER",
    48: "TLSV1_ALERT_UNKNOWN_CA",
    49: "TLSV1_ALERT_ACCESS_DENIED",
    50: "TLSV1_ALERT_DECODE_ERROR",
    51: "TLSV1_ALERT_DECRYPT_ERROR",
    70: "TLSV1_ALERT_PROTOCOL_VERSION",
    71: "TLSV1_ALERT_INSUFFICIENT_SECURITY",
    80: "TLSV1_ALERT_INTERNAL_ERROR",
    86: "TLSV1_ALERT_INAPPROPRIATE_FALLBACK",
    90: "TLSV1_ALERT_USER_CANCELLED",
    109: "TLSV13_ALERT_MISSING_EXTENSION",
    110: "TLSV1_UNSUPPORTED_EXTENSION",
    112: "TLSV1_UNRECOGNIZED_NAME",
    113: "TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE",
    115: "TLSV1_ALERT_UNKNOWN_PSK_IDENTITY",
    116: "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    120: "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
}


class Peer(NamedTuple):
    """What is known beside a failure, and decides what OpenSSL would say."""

    hostname: str | None
    self_signed: bool = False
    version: int = 0
    #: The first bytes of the last record; on a server.
    start: bytes = b""


SELF_SIGNED = (18, "self-signed certificate")
# How OpenSSL tells who speaks HTTP to a server: by the first bytes.
_HTTP = {b"GET ": "HTTP_REQUEST", b"POST": "HTTP_REQUEST", b"HEAD": "HTTP_REQUEST", b"PUT ": "HTTP_REQUEST"}
_HTTP_PROXY = b"CONNE"


def make(kind: type[_SSLErrorType], number: int, text: str, reason: str | None = None) -> _SSLErrorType:
    """An exception of ssl with the attributes that OpenSSL's have."""
    error = kind(int(number), text)
    error.library = "SSL" if reason else None  # type: ignore[assignment]
    error.reason = reason  # type: ignore[assignment]
    return error


def protocol_error(reason: str, detail: str = "") -> ssl.SSLError:
    """An SSLError of this reason, in OpenSSL's words."""
    return make(ssl.SSLError, ssl.SSL_ERROR_SSL, _text(reason, detail=detail), reason)


def want_read() -> ssl.SSLWantReadError:
    """More wire bytes are needed."""
    return make(ssl.SSLWantReadError, ssl.SSL_ERROR_WANT_READ, "The operation did not complete (read)")


def zero_return() -> ssl.SSLZeroReturnError:
    """Both sides have closed."""
    return make(ssl.SSLZeroReturnError, ssl.SSL_ERROR_ZERO_RETURN, "TLS/SSL connection has been closed (EOF)")


def unexpected_eof() -> ssl.SSLEOFError:
    """The transport ended without a close_notify."""
    reason = "UNEXPECTED_EOF_WHILE_READING"
    text = f"[SSL: {reason}] EOF occurred in violation of protocol"
    return make(ssl.SSLEOFError, ssl.SSL_ERROR_EOF, text, reason)


def from_error(error: Error, peer: Peer) -> ssl.SSLError:
    """The exception for a fatal error of a connection."""
    if error.status == lib.TLS_ERR_CERTIFICATE:
        if error.reason != lib.TLS_REASON_CERTIFICATE_MISSING:
            return _refused_certificate(error, peer)
    if error.status == lib.TLS_ERR_ALERT:
        reason = _ALERTS.get(error.alert_received, "TLSV1_ALERT_INTERNAL_ERROR")
        return make(ssl.SSLError, ssl.SSL_ERROR_SSL, _text(reason, detail=error.message), reason)
    if error.status == lib.TLS_ERR_DECRYPT:
        reason = "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
    elif error.reason == lib.TLS_REASON_NOT_TLS and peer.start == _HTTP_PROXY:
        reason = "HTTPS_PROXY_REQUEST"
    elif error.reason == lib.TLS_REASON_NOT_TLS and peer.start[:4] in _HTTP:
        reason = _HTTP[peer.start[:4]]
    elif error.reason == lib.TLS_REASON_NO_COMMON_SIGNATURE and peer.version != lib.TLS_VERSION_1_3:
        # There suites and certificates go together.
        return protocol_error("NO_SHARED_CIPHER", "no cipher suite in common that goes with the certificate")
    else:
        other = "LENGTH_MISMATCH" if error.reason in _SYNTAX else _OTHER_REASONS.get(error.status, "INTERNAL_ERROR")
        reason = _REASONS.get(error.reason, other)
    return make(ssl.SSLError, ssl.SSL_ERROR_SSL, _text(reason, detail=error.message), reason)


def from_config(error: Error) -> ssl.SSLError:
    """The exception for a setting that the library refuses."""
    reason = {
        lib.TLS_REASON_KEY_MISMATCH: "KEY_VALUES_MISMATCH",
        lib.TLS_REASON_NO_IDENTITY: "NO_CERTIFICATE_ASSIGNED",
        lib.TLS_REASON_SUITE_UNSUPPORTED: "NO_CIPHER_MATCH",
        lib.TLS_REASON_KEY_UNUSABLE: "UNKNOWN_PKEY_TYPE",
        lib.TLS_REASON_CERTIFICATE_UNUSABLE: "BAD_CERTIFICATE",
        lib.TLS_REASON_VERSION_UNSUPPORTED: "NO_PROTOCOLS_AVAILABLE",
        lib.TLS_REASON_NO_CRL: "NO_CRL",
    }.get(error.reason, "BAD_VALUE")
    return make(ssl.SSLError, ssl.SSL_ERROR_SSL, _text(reason, detail=error.message), reason)


def _refused_certificate(error: Error, peer: Peer) -> ssl.SSLCertVerificationError:
    code, message = _VERIFY_CODES.get(error.reason, _VERIFY_CODES[lib.TLS_REASON_CERTIFICATE_OTHER])
    if error.reason == lib.TLS_REASON_CERTIFICATE_WRONG_NAME:
        what, code = ("IP address", 64) if is_address(peer.hostname) else ("Hostname", 62)
        message = f"{what} mismatch, certificate is not valid for '{peer.hostname}'."
    elif code == 20 and peer.self_signed:
        code, message = SELF_SIGNED
    return refused(code, message, error.message)


def refused(code: int, message: str, detail: str = "") -> ssl.SSLCertVerificationError:
    """The exception for a certificate that is not accepted, with OpenSSL's verify code and its words."""
    reason = "CERTIFICATE_VERIFY_FAILED"
    text = f"{_text(reason)}: {message}" + (f" ({detail})" if detail else "")
    failure = make(ssl.SSLCertVerificationError, ssl.SSL_ERROR_SSL, text, reason)
    failure.verify_code = code
    failure.verify_message = message
    return failure


def _text(reason: str, detail: str = "") -> str:
    text = f"[SSL: {reason}] {reason.lower().replace('_', ' ')}"
    return f"{text} ({detail})" if detail else text


def is_address(name: str | None) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name or "")
    except ValueError:
        return False
    return True
