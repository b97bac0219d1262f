"""What the library says of a failure, as an exception."""

from __future__ import annotations

import re
from typing import Any

from ._native import ffi, lib

# What the library adds for people who write C.
_WORDS_OF_C = re.compile(r" \((?:tls_|TLS_)[^()]*\)|: [^:]*\btls_\w+[^:]*$")


class Error(Exception):
    """A failure, with everything that the library knows about it (tls_error_t).

    ``status`` is the class to branch on (``lib.TLS_ERR_*``), ``reason`` the fine code (``lib.TLS_REASON_*``),
    both alerts are -1 where there was none, and ``message`` is a sentence for people.
    """

    def __init__(
        self, status: int, message: str, reason: int = 0, alert_sent: int = -1, alert_received: int = -1
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.alert_sent = alert_sent
        self.alert_received = alert_received
        self.message = message

    def __str__(self) -> str:
        return f"{status_name(self.status)}: {self.message}"


def status_name(status: int) -> str:
    """The name of a status, such as ``TLS_WANT_FEED``."""
    name: bytes = ffi.string(lib.tls_status_name(status))
    return name.decode("ascii")


def new_error() -> Any:
    """A tls_error_t for the library to fill in."""
    error = ffi.new("tls_error_t *")
    error.size = ffi.sizeof("tls_error_t")
    return error


def from_struct(error: Any) -> Error:
    """The exception for a tls_error_t that the library has filled in."""
    message = _WORDS_OF_C.sub("", ffi.string(error.message).decode("utf-8", "replace"))
    return Error(error.status, message, error.reason, error.alert_sent, error.alert_received)
