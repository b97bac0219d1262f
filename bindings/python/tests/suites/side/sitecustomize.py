"""Puts our context in the place of ssl.SSLContext, for one side of the connections of a suite that others wrote.

TLSBIO_SUITE_SIDE says which side's memory BIOs and sockets are ours: client, server or both. The other side's are
OpenSSL's.
"""

import os
import ssl
from typing import Any

_SIDE = os.environ.get("TLSBIO_SUITE_SIDE")
# One element for each connection of ours, so that the runner can say how many there were.
connections: list[None] = []

if _SIDE:
    import tlsbio

    _openssl = ssl.SSLContext

    _native = _openssl.__mro__[1]

    class SSLContext(tlsbio.SSLContext):
        def wrap_bio(
            self,
            incoming: Any,
            outgoing: Any,
            server_side: bool = False,
            server_hostname: Any = None,
            session: Any = None,
        ) -> Any:
            if _is_ours(server_side) or self.sslobject_class is not tlsbio.SSLObject:
                return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
            return ssl.SSLObject._create(  # type: ignore[attr-defined]
                incoming,
                outgoing,
                server_side=server_side,
                server_hostname=self._encode_hostname(server_hostname),  # type: ignore[attr-defined]
                session=session,
                context=self,
            )

        def _wrap_bio(self, incoming: Any, outgoing: Any, server_side: bool, *rest: Any, **named: Any) -> Any:
            below = super() if _is_ours(server_side) else _native
            target = () if below is not _native else (self,)
            return below._wrap_bio(*target, incoming, outgoing, server_side, *rest, **named)

        def _wrap_socket(self, sock: Any, server_side: bool, *rest: Any, **named: Any) -> Any:
            below = super() if _is_ours(server_side) else _native
            target = () if below is not _native else (self,)
            return below._wrap_socket(*target, sock, server_side, *rest, **named)

    def _is_ours(server_side: bool) -> bool:
        ours = _SIDE in ("both", "server" if server_side else "client")
        if ours:
            connections.append(None)
        return ours

    ssl.SSLContext = SSLContext  # type: ignore[misc]
