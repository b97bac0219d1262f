"""TLS over a socket: ``ssl.SSLSocket``, whose engine is ours."""

from __future__ import annotations

import ssl
from typing import Any

from ._socket import SocketChannel
from .context import SSLContext
from .sslobject import Engine, SSLSession


class SocketObject(Engine, SocketChannel):
    """What an SSLSocket has as ``_sslobj``: OpenSSL's part of it. It refers to the socket weakly."""

    @classmethod
    def _create(
        cls,
        context: SSLContext,
        socket: Any,
        server_side: bool,
        server_hostname: str | None,
        owner: Any,
        session: SSLSession | None,
    ) -> SocketObject:
        self = cls.__new__(cls)
        self.owner = owner
        self._open(socket, self._tlsbio_begin(context, server_side, server_hostname, session), server_side)
        self._tlsbio_check_name()
        return self

    def _tlsbio_owner(self) -> Any:
        owner = self.owner
        return self._socket if owner is None else owner


class SSLSocket(ssl.SSLSocket):
    """A socket with TLS, made by ``SSLContext.wrap_socket``; all that ``ssl.SSLSocket`` has.

    One thread may read while another one writes.
    """

    _sslobj: Any

    def group(self) -> str | None:
        """The group that keys were exchanged in, such as "X25519MLKEM768"; None until the handshake is done."""
        self._checkClosed()  # type: ignore[attr-defined]
        return None if self._sslobj is None else self._sslobj.group()

    def get_unverified_chain(self) -> list[bytes]:
        """The certificates that the peer has shown, in DER, its own first."""
        return [] if self._sslobj is None else list(self._sslobj.get_unverified_chain())

    def get_verified_chain(self) -> list[bytes]:
        """Not known: the engine says that a chain was verified, not which one it was."""
        raise NotImplementedError("the engine does not tell the chain that it verified: see get_unverified_chain")


SSLContext.sslsocket_class = SSLSocket
