"""For HTTP clients: which connections ``twisted.web.client.Agent`` makes for https URLs."""

from __future__ import annotations

from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer  # type: ignore[import-untyped]

from .material import Identity, Trust
from .options import ClientOptions


@implementer(IPolicyForHTTPS)
class PolicyForHTTPS:
    """Verifies each server for the host of its URL: ``Agent(reactor, PolicyForHTTPS())``.

    ``trust`` and ``identity`` are those of ``ClientOptions``. What they load is loaded once, and sessions are resumed
    between connections to the same server.
    """

    def __init__(self, trust: Trust = None, identity: Identity | None = None) -> None:
        # The name is of no account: each host gets options of its own, made from these.
        self._options = ClientOptions("localhost", trust, identity)

    def creatorForNetloc(self, hostname: bytes, port: int) -> ClientOptions:
        """What makes the connections to that host."""
        return self._options.with_hostname(hostname.decode("ascii"))
