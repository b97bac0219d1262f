"""Two connections that talk to each other through BIOs."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tlsbio

PKI = Path(__file__).resolve().parents[3] / "target" / "pki"
# Nothing here takes this long, in seconds; what does hangs.
TOO_LONG = 60 * int(os.environ.get("TLSBIO_PATIENCE") or 1)


def module(who: str) -> Any:
    """ssl or tlsbio."""
    return ssl if who == "openssl" else tlsbio


def client_context(who: str = "ours", trust: str = "trust/all.pem", **settings: Any) -> Any:
    """A context that verifies, with these attributes."""
    context = module(who).create_default_context(cafile=str(PKI / trust))
    return configured(context, settings)


def server_context(who: str = "ours", identity: str = "ecdsa/server", **settings: Any) -> Any:
    """A context with a certificate, with these attributes."""
    context = module(who).SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = PKI / f"{identity}-chain.pem"
    context.load_cert_chain(str(chain if chain.exists() else PKI / f"{identity}.pem"), str(PKI / f"{identity}.key"))
    return configured(context, settings)


def configured(context: Any, settings: dict[str, Any]) -> Any:
    # An older CPython sets it: an end without close_notify would be taken for a proper one.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class Pair:
    """A client and a server."""

    def __init__(
        self,
        client: Any,
        server: Any,
        hostname: str | None = "localhost",
        bio: Callable[[], Any] = ssl.MemoryBIO,
        session: Any = None,
    ) -> None:
        self.to_server, self.to_client = bio(), bio()
        self.client = client.wrap_bio(self.to_client, self.to_server, server_hostname=hostname, session=session)
        self.server = server.wrap_bio(self.to_server, self.to_client, server_side=True)

    @classmethod
    def of(cls, engines: str, **settings: Any) -> Pair:
        """Connected, of the engines that the fixture names."""
        client, server, *own_bio = engines.split("-", 2)
        bio = tlsbio.MemoryBIO if own_bio else ssl.MemoryBIO
        pair = cls(client_context(client, **settings), server_context(server, **settings), bio=bio)
        return pair.handshake()

    def handshake(self) -> Pair:
        """Until both are done."""
        failures = self.try_handshake()
        assert failures == (None, None), failures
        return self

    def try_handshake(self) -> tuple[Exception | None, Exception | None]:
        """What ended the handshake of the client, and of the server."""
        ends: dict[Any, Exception | None] = {}
        for _ in range(20):
            for side in self.client, self.server:
                if side not in ends:
                    try:
                        side.do_handshake()
                        ends[side] = None
                    except ssl.SSLWantReadError:
                        pass
                    except ssl.SSLError as error:
                        ends[side] = error
        if ends.get(self.client, self) is None:
            # Tickets, or the alert of a server that refuses the client in TLS 1.3.
            try:
                self.client.read(1)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                ends[self.client] = error
        return ends.get(self.client, StillWaiting()), ends.get(self.server, StillWaiting())


class StillWaiting(Exception):
    """A side that waits for bytes that nobody sends."""


def check_alive(pair: Pair) -> None:
    """Bytes still reach the server."""
    pair.client.write(b"alive")
    assert pair.server.read(100) == b"alive"
