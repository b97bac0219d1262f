"""Judges a chain of certificates without a connection (tls_verify_chain)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from . import certificates, ssl_errors
from ._native import ffi, lib
from .config import Context
from .context import SSLContext
from .errors import from_struct, new_error


def verify_chain(
    context: SSLContext | Context,
    chain: Sequence[bytes],
    *,
    server_hostname: str | None = None,
    of_client: bool = False,
    time: int = 0,
) -> None:
    """Judges ``chain`` as a handshake of ``context`` would; raises ``ssl.SSLCertVerificationError`` if it is refused.

    ``chain`` are certificates in DER, the peer's own first, then those that it would send. It is the chain of a server,
    which has to be for ``server_hostname`` (None: any name will do), or ``of_client``. The certificates have to be
    valid at ``time``, in Unix seconds; 0 is now. Whether the peer has the key is seen in a handshake only. A context
    that verifies nobody (``CERT_NONE``) is a ValueError, and so is a chain or a name that is none.
    """
    if not chain:
        raise ValueError("the chain has no certificate")
    if isinstance(context, SSLContext):
        # A context for servers judges servers, too, and the other way round: the rules are those that are set.
        native = context._native(of_client, chosen=True, judges=of_client)
        if native.settings.verify_mode == ssl.CERT_NONE:
            raise ValueError("this context verifies nobody: verify_mode is CERT_NONE")
        if native.refusal is not None or native.ends_strictly is not None:
            verdict, fault = native.judge(list(chain))
            if verdict > 0:
                raise ssl_errors.refused(*fault) if fault else ssl_errors.refused(20, "certificate rejected")
        library = native.context
    else:
        library = context
    texts = [ffi.from_buffer(der) for der in chain]
    pieces = ffi.new("tls_iovec_t[]", [(text, len(text)) for text in texts])
    name = ffi.NULL if server_hostname is None or of_client else server_hostname.encode("idna")
    role = lib.TLS_ROLE_CLIENT if of_client else lib.TLS_ROLE_SERVER
    error = new_error()
    if lib.tls_verify_chain(library.handle, pieces, len(texts), name, time, role, error) == lib.TLS_OK:
        return
    failure = from_struct(error)
    if failure.status != lib.TLS_ERR_CERTIFICATE:
        raise ValueError(failure.message)
    self_signed = certificates.is_self_issued(chain[0])
    raise ssl_errors.from_error(failure, ssl_errors.Peer(server_hostname, self_signed))
