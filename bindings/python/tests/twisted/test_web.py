"""HTTPS with twisted.web: its Agent with our policy, its Site with our options, and OpenSSL on the other side."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

from OpenSSL import SSL
from pki import pem
from twisted.internet import reactor, ssl
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, ResponseFailed, readBody
from twisted.web.iweb import IPolicyForHTTPS
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface.verify import verifyObject

from tlsbio.twisted import ConfigError, ServerOptions
from tlsbio.twisted.web import PolicyForHTTPS

# Seconds after which trial gives a test up.
TIMEOUT = 60 * int(os.environ.get("TLSBIO_PATIENCE") or 1)


class Page(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return b"x" * 100_000


def theirs() -> ssl.CertificateOptions:
    chain = pem("ecdsa/direct.pem") + pem("ecdsa/direct.key")
    options: ssl.CertificateOptions = ssl.PrivateCertificate.loadPEM(chain).options()
    return options


def ours(**settings: Any) -> ServerOptions:
    return ServerOptions(pem("ecdsa/server-chain.pem"), pem("ecdsa/server.key"), **settings)


class Https(TestCase):
    timeout = TIMEOUT

    @inlineCallbacks
    def fetch(self, server: Any, policy: Any, host: str = "localhost") -> Generator[Any, Any, bytes]:
        site = Site(Page())
        port = yield SSL4ServerEndpoint(reactor, 0, server, interface="127.0.0.1").listen(site)
        self.addCleanup(port.stopListening)
        pool = HTTPConnectionPool(reactor, persistent=False)
        agent = Agent(reactor, policy, pool=pool)
        response = yield agent.request(b"GET", f"https://{host}:{port.getHost().port}/".encode())
        body: bytes = yield readBody(response)
        return body

    @inlineCallbacks
    def test_pages(self) -> Generator[Any, Any, None]:
        ca = pem("ecdsa/ca.pem")
        our_policy = PolicyForHTTPS(ca)
        their_policy = BrowserLikePolicyForHTTPS(ssl.Certificate.loadPEM(ca))
        for server, policy in ((ours(), their_policy), (theirs(), our_policy), (ours(), our_policy)):
            body = yield self.fetch(server, policy)
            self.assertEqual(body, b"x" * 100_000)
        body = yield self.fetch(theirs(), our_policy, "127.0.0.1")
        self.assertEqual(body, b"x" * 100_000)

    @inlineCallbacks
    def test_a_client_certificate(self) -> Generator[Any, Any, None]:
        identity = (pem("ecdsa/client-chain.pem"), pem("ecdsa/client.key"))
        policy = PolicyForHTTPS(pem("ecdsa/ca.pem"), identity)
        body = yield self.fetch(ours(client_trust=pem("ecdsa/ca.pem")), policy)
        self.assertEqual(len(body), 100_000)

    @inlineCallbacks
    def test_a_server_that_is_not_trusted(self) -> Generator[Any, Any, None]:
        failed = yield self.assertFailure(self.fetch(theirs(), PolicyForHTTPS(pem("bad/otherca.pem"))), ResponseFailed)
        failed.reasons[0].trap(SSL.Error)
        self.assertIn("certificate verify failed", str(failed.reasons[0].value))

    def test_the_interface(self) -> None:
        policy = PolicyForHTTPS(pem("ecdsa/ca.pem"))
        verifyObject(IPolicyForHTTPS, policy)
        self.assertRaises(ConfigError, policy.creatorForNetloc, b"no host", 443)
