"""What is known of a connection, under the names of ``ssl.SSLObject``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, overload

from .. import certificates
from .._native import ffi, lib
from ..connection import Connection
from ..suites import BY_NUMBER, VERSION_NAMES

if TYPE_CHECKING:
    from ._transport import Transport

_BINDINGS = {
    "tls-exporter": lib.TLS_BINDING_EXPORTER,
    "tls-server-end-point": lib.TLS_BINDING_SERVER_END_POINT,
}


class Facts:
    """The ``ssl_object`` of a transport: what was negotiated, and with whom.

    It answers from the connection while that lives; afterwards everything is None.
    """

    __slots__ = ("_transport",)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def _connection(self) -> Connection | None:
        connection = self._transport._connection
        # In the library it would be in the way of what the loop's thread does there.
        if connection is not None and threading.get_ident() != self._transport._home:
            raise RuntimeError("use this connection in its loop's thread only")
        return connection

    @property
    def context(self) -> Any:
        """What the connection was configured by."""
        return self._transport.get_extra_info("sslcontext")

    @property
    def server_side(self) -> bool:
        """Whether this is the server."""
        return self._transport.server_side

    @property
    def server_hostname(self) -> str | None:
        """The name that a client asked for."""
        return self._transport.server_hostname

    @property
    def session_reused(self) -> bool | None:
        """Whether the handshake resumed an earlier session."""
        connection = self._connection
        return lib.tls_resumed(connection._handle) == 1 if connection else None

    def version(self) -> str | None:
        """The protocol version, such as ``TLSv1.3``."""
        connection = self._connection
        return VERSION_NAMES.get(connection.version()) if connection else None

    def cipher(self) -> tuple[str, str, int] | None:
        """The cipher suite: OpenSSL's name of it, the protocol version that has it, and the bits of its key."""
        connection = self._connection
        suite = BY_NUMBER.get(connection.cipher_suite()) if connection else None
        return (suite.openssl_name, suite.version, suite.bits) if suite else None

    def group(self) -> int | None:
        """The key exchange group by IANA number."""
        connection = self._connection
        return connection.group() or None if connection else None

    def compression(self) -> None:
        """None: TLS data is never compressed here."""

    def selected_alpn_protocol(self) -> str | None:
        """The application protocol that was agreed on."""
        connection = self._connection
        protocol = connection.alpn() if connection else None
        return protocol.decode("ascii", "backslashreplace") if protocol else None

    def selected_npn_protocol(self) -> None:
        """None: NPN was replaced by ALPN."""

    @overload
    def getpeercert(self, binary_form: Literal[False] = False) -> dict[str, Any] | None: ...
    @overload
    def getpeercert(self, binary_form: Literal[True]) -> bytes | None: ...
    @overload
    def getpeercert(self, binary_form: bool) -> dict[str, Any] | bytes | None: ...
    def getpeercert(self, binary_form: bool = False) -> dict[str, Any] | bytes | None:
        """The peer's certificate, as a dict or in DER; None if it showed none.

        Unlike OpenSSL's the dict is filled in where the context does not verify, too.
        """
        connection = self._connection
        der = connection.peer_certificate() if connection else None
        if der is None or binary_form:
            return der
        return certificates.decode(der)

    def get_unverified_chain(self) -> list[bytes]:
        """The certificates that the peer sent, in DER, its own first."""
        connection, chain = self._connection, list[bytes]()
        while connection and (der := connection.peer_certificate(len(chain))) is not None:
            chain.append(der)
        return chain

    def get_channel_binding(self, cb_type: str = "tls-exporter") -> bytes | None:
        """The channel binding ``tls-exporter`` (RFC 9266) or ``tls-server-end-point`` (RFC 5929), None without.

        ``tls-unique``, which ssl has as its default, does not exist in TLS 1.3 and is not offered.
        """
        kind = _BINDINGS.get(cb_type)
        if kind is None:
            raise ValueError(f"{cb_type!r} channel binding type not implemented")
        connection = self._connection
        if connection is None:
            return None
        binding = ffi.new("char[]", 64)
        length = lib.tls_channel_binding(connection._handle, kind, binding, 64)
        return ffi.buffer(binding, length)[:] if length > 0 else None
