"""The library's failures as the exceptions that Twisted knows: those of pyOpenSSL."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

from .._native import lib
from ..errors import Error

# What OpenSSL 4 calls the alerts that a peer can send (RFC 8446, 6.2). People search for these words.
_ALERTS = {
    10: "tls alert unexpected message",
    20: "tls alert bad record mac",
    21: "tlsv1 alert decryption failed",
    22: "tlsv1 alert record overflow",
    30: "tls alert decompression failure",
    40: "tls alert handshake failure",
    41: "tls alert no certificate",
    42: "tls alert bad certificate",
    43: "tls alert unsupported certificate",
    44: "tls alert certificate revoked",
    45: "tls alert certificate expired",
    46: "tls alert certificate unknown",
    47: "tls alert illegal parameter",
    48: "tlsv1 alert unknown ca",
    49: "tlsv1 alert access denied",
    50: "tlsv1 alert decode error",
    51: "tlsv1 alert decrypt error",
    60: "tlsv1 alert export restriction",
    70: "tlsv1 alert protocol version",
    71: "tlsv1 alert insufficient security",
    80: "tlsv1 alert internal error",
    86: "tlsv1 alert inappropriate fallback",
    90: "tlsv1 alert user cancelled",
    100: "tlsv1 alert no renegotiation",
    109: "tlsv13 alert missing extension",
    110: "tlsv1 unsupported extension",
    111: "tlsv1 certificate unobtainable",
    112: "tlsv1 unrecognized name",
    113: "tlsv1 bad certificate status response",
    114: "tlsv1 bad certificate hash value",
    115: "tlsv1 alert unknown psk identity",
    116: "tlsv13 alert certificate required",
    120: "tlsv1 alert no application protocol",
}

# What OpenSSL says where the library has these reasons.
_REASONS = {
    lib.TLS_REASON_CERTIFICATE_MISSING: "peer did not return a certificate",
    lib.TLS_REASON_NOT_TLS: "wrong version number",
    lib.TLS_REASON_UNEXPECTED_MESSAGE: "unexpected message",
    lib.TLS_REASON_RECORD_OVERFLOW: "packet length too long",
    lib.TLS_REASON_HANDSHAKE_TOO_LARGE: "excessive message size",
    lib.TLS_REASON_NO_COMMON_VERSION: "unsupported protocol",
    lib.TLS_REASON_NO_COMMON_SUITE: "no shared cipher",
    lib.TLS_REASON_NO_COMMON_GROUP: "no suitable key share",
    lib.TLS_REASON_NO_COMMON_SIGNATURE: "no suitable signature algorithm",
    lib.TLS_REASON_NO_COMMON_ALPN: "no application protocol",
    lib.TLS_REASON_REFUSED: "clienthello tlsext",
}


def _openssl_reason(error: Error) -> str:
    if error.status == lib.TLS_ERR_ALERT:
        return _ALERTS.get(error.alert_received, f"tls alert number {error.alert_received}")
    if error.reason in _REASONS:
        return _REASONS[error.reason]
    if error.status == lib.TLS_ERR_CERTIFICATE:
        return "certificate verify failed"
    if error.status == lib.TLS_ERR_DECRYPT:
        return "decryption failed or bad record mac"
    return error.message


class TLSError(SSL.Error):
    """An ``OpenSSL.SSL.Error`` with everything that the library knows about it.

    ``args`` has OpenSSL's form, a list of (library, function, reason), so that code which looks at the reason goes
    on working. ``status``, ``reason``, ``alert_sent``, ``alert_received`` and ``message`` are those of
    ``tlsbio.errors.Error``.
    """

    def __init__(self, error: Error) -> None:
        super().__init__([("SSL routines", "", _openssl_reason(error))])
        self.status = error.status
        self.reason = error.reason
        self.alert_sent = error.alert_sent
        self.alert_received = error.alert_received
        self.message = error.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Failures travel between processes.
        return _rebuilt, (self.status, self.message, self.reason, self.alert_sent, self.alert_received)

    def __str__(self) -> str:
        reason: str = self.args[0][0][2]
        return reason if reason == self.message else f"{reason}: {self.message}"


def _rebuilt(*facts: Any) -> TLSError:
    return TLSError(Error(*facts))


class ConfigError(Error, ValueError):
    """A certificate, key, trust root, name or option that cannot be used. Raised when options are made."""

    @classmethod
    def because(cls, what: str, message: str, cause: Error | None = None) -> ConfigError:
        """The error of what was given as ``what``."""
        status = cause.status if cause else lib.TLS_ERR_CONFIG
        return cls(status, f"{what}: {message}", cause.reason if cause else 0)


def state_error(reason: str) -> SSL.Error:
    """What OpenSSL raises for a call at the wrong moment."""
    return SSL.Error([("SSL routines", "", reason)])


def unexpected_eof() -> SSL.SysCallError:
    """What pyOpenSSL raises when the transport ended without a close_notify."""
    return SSL.SysCallError(-1, "Unexpected EOF")
