"""Puts our context in the place of ssl.SSLContext, for one side of the connections of a suite that others wrote.

TLSBIO_SUITE_SIDE says which side's memory BIOs are ours: client, server or both. The other side's, and all sockets,
are OpenSSL's.
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

    class SSLContext(tlsbio.SSLContext):
        def wrap_bio(
            self,
            incoming: Any,
            outgoing: Any,
            server_side: bool = False,
            server_hostname: Any = None,
            session: Any = None,
        ) -> Any:
            ours = _SIDE in ("both", "server" if server_side else "client")
            if ours:
                connections.append(None)
            wrap = super().wrap_bio if ours else lambda *rest: _openssl_wrap(self, *rest)
            return wrap(incoming, outgoing, server_side, server_hostname, session)

    def _openssl_wrap(
        context: Any, incoming: Any, outgoing: Any, server_side: bool, hostname: Any, session: Any
    ) -> Any:
        return ssl.SSLObject._create(  # type: ignore[attr-defined]
            incoming,
            outgoing,
            server_side=server_side,
            server_hostname=context._encode_hostname(hostname),
            session=session,
            context=context,
        )

    ssl.SSLContext = SSLContext  # type: ignore[misc]
