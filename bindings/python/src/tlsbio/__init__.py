"""TLS: drop in for the standard library's ssl, over sockets and over memory BIOs.

``SSLContext``, ``SSLSocket``, ``SSLObject``, ``MemoryBIO`` and ``create_default_context`` are used like their
namesakes in ``ssl``. ``tlsbio.aio`` has a transport for asyncio and uvloop, ``tlsbio.twisted`` is for Twisted,
``tlsbio.raw`` is the C API.
"""

from __future__ import annotations

try:
    from . import _native, _socket, _speed, _stream  # noqa: F401
except ImportError as missing:
    raise ImportError(
        f"tlsbio's part in C is not there, or is for another Python or platform: install it anew ({missing})"
    ) from missing

from .connection import Connection
from .context import SSLContext, create_default_context
from .errors import Error
from .identity_question import IdentityRequest
from .sslobject import MemoryBIO, SSLObject, SSLSession
from .sslsocket import SSLSocket
from .verification import verify_chain

__all__ = [
    "Connection",
    "Error",
    "IdentityRequest",
    "MemoryBIO",
    "SSLContext",
    "SSLObject",
    "SSLSession",
    "SSLSocket",
    "create_default_context",
    "verify_chain",
]
__version__ = "0.1.0"
