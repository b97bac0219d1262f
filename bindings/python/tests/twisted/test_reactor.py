"""Whole Twisted programs over loopback: every way in which Twisted takes makers of connections, with OpenSSL as
the peer."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from typing import Any

from OpenSSL import SSL, crypto
from pairs import reason
from pki import pem
from twisted.internet import reactor, ssl
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
    wrapClientTLS,
)
from twisted.internet.error import CertificateError, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tlsbio.twisted import ClientOptions, Connection, ServerOptions

# Seconds after which trial gives a test up.
TIMEOUT = 60 * int(os.environ.get("TLSBIO_PATIENCE") or 1)
SIDES = ("server", "client", "both")


class Echo(Protocol):
    """Sends back what comes."""

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


@implementer(IHandshakeListener)
class Asking(Protocol):
    """Sends a message, waits for its echo, and closes."""

    host: ssl.Certificate | None = None

    def __init__(self, message: bytes) -> None:
        self.message = message
        self.received: list[bytes] = []
        self.length = 0
        self.done: Deferred[bytes] = Deferred()
        self.lost: Deferred[tuple[Failure]] = Deferred()
        self.peer: ssl.Certificate | None = None

    def connectionMade(self) -> None:
        self.transport.write(self.message)

    def handshakeCompleted(self) -> None:
        self.peer = ssl.Certificate.peerFromTransport(self.transport)
        if isinstance(self.transport.getHandle(), Connection):
            try:
                self.host = ssl.Certificate.hostFromTransport(self.transport)
            except CertificateError:
                self.host = None

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)
        self.length += len(data)
        if self.length == len(self.message):
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:
        self.done.callback(b"".join(self.received))
        self.lost.callback((reason,))


def makers(ours: str) -> tuple[Any, Any]:
    """What makes the connections of the server and of the client; ``ours`` says on which side ours do."""
    chain, key, ca = pem("ecdsa/server-chain.pem"), pem("ecdsa/server.key"), pem("ecdsa/ca.pem")
    if ours in ("server", "both"):
        server: Any = ServerOptions(chain, key)
    else:
        own = ssl.PrivateCertificate.loadPEM(chain + key)
        inter = crypto.load_certificate(crypto.FILETYPE_PEM, pem("ecdsa/inter.pem"))
        server = ssl.CertificateOptions(own.privateKey.original, own.original, extraCertChain=[inter])
    if ours in ("client", "both"):
        client: Any = ClientOptions("localhost", ca)
    else:
        client = ssl.optionsForClientTLS("localhost", ssl.Certificate.loadPEM(ca))
    return server, client


class Endpoints(TestCase):
    """A message goes to a server and comes back, and both sides close cleanly."""

    timeout = TIMEOUT

    @inlineCallbacks
    def _echo(self, server_endpoint: Any, client_endpoint: Any, size: int, ours: str) -> Generator[Any, Any, None]:
        port = yield server_endpoint.listen(Factory.forProtocol(Echo))
        self.addCleanup(port.stopListening)
        message = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        asking = yield connectProtocol(client_endpoint(port.getHost().port), Asking(message))
        handle = asking.transport.getHandle()
        self.assertEqual(isinstance(handle, Connection), ours in ("client", "both"))
        echoed = yield asking.done
        self.assertEqual(echoed, message)
        (lost,) = yield asking.lost
        lost.trap(ConnectionDone)
        self.assertEqual(asking.peer.dumpPEM(), pem_of(pem("ecdsa/server.pem")))

    @inlineCallbacks
    def test_wrapped_endpoints(self) -> Generator[Any, Any, None]:
        for ours in SIDES:
            server, client = makers(ours)
            for size in (1, 20_000, 3_000_000):

                class Wrapped:
                    """A server endpoint of older Twisteds, too, which have no wrapServerTLS."""

                    def listen(self, factory: Factory) -> Any:
                        return TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
                            TLSMemoryBIOFactory(server, False, factory)  # noqa: B023
                        )

                yield self._echo(
                    Wrapped(),
                    lambda port: wrapClientTLS(client, TCP4ClientEndpoint(reactor, "127.0.0.1", port)),  # noqa: B023
                    size,
                    ours,
                )

    @inlineCallbacks
    def test_endpoints_for_tls(self) -> Generator[Any, Any, None]:
        for ours in SIDES:
            server, client = makers(ours)
            yield self._echo(
                SSL4ServerEndpoint(reactor, 0, server, interface="127.0.0.1"),
                lambda port: SSL4ClientEndpoint(reactor, "127.0.0.1", port, client),  # noqa: B023
                100_000,
                ours,
            )


class Certificates(TestCase):
    """What Twisted's own Certificate class finds at a transport of ours."""

    timeout = TIMEOUT

    @inlineCallbacks
    def test_both_ends_know_both_certificates(self) -> Generator[Any, Any, None]:
        server_side: list[ssl.Certificate] = []

        @implementer(IHandshakeListener)
        class Server(Echo):
            def handshakeCompleted(self) -> None:
                server_side.append(ssl.Certificate.hostFromTransport(self.transport))
                server_side.append(ssl.Certificate.peerFromTransport(self.transport))

        ca = pem("ecdsa/ca.pem")
        server = ServerOptions(pem("ecdsa/server-chain.pem"), pem("ecdsa/server.key"), client_trust=ca)
        identity = (pem("ecdsa/client-chain.pem"), pem("ecdsa/client.key"))
        port = reactor.listenTCP(
            0, TLSMemoryBIOFactory(server, False, Factory.forProtocol(Server)), interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        for client, own in (
            (ClientOptions("localhost", ca, identity), True),
            (ClientOptions("localhost", ca), False),
        ):
            asking = yield connectProtocol(wrapClientTLS(client, endpoint), Asking(b"x"))
            yield asking.done
            if own:
                self.assertEqual(asking.host.dumpPEM(), pem_of(pem("ecdsa/client.pem")))
                self.assertEqual(
                    [one.dumpPEM() for one in server_side],
                    [pem_of(pem("ecdsa/server.pem")), pem_of(pem("ecdsa/client.pem"))],
                )
            else:
                # It is refused, and has no certificate to show.
                self.assertIsNone(asking.host)
                self.assertEqual(asking.received, [])


def pem_of(text: bytes) -> bytes:
    """A certificate in the PEM that OpenSSL writes."""
    return ssl.Certificate.loadPEM(text).dumpPEM()


class StartTLS(TestCase):
    """A protocol that begins in plain text and goes on under TLS."""

    timeout = TIMEOUT

    @inlineCallbacks
    def test_both_sides(self) -> Generator[Any, Any, None]:
        for ours in SIDES:
            server_maker, client_maker = makers(ours)

            class Server(Protocol):
                def dataReceived(self, data: bytes) -> None:
                    if data == b"STARTTLS":
                        self.transport.write(b"go")
                        self.transport.startTLS(server_maker)  # noqa: B023
                    else:
                        self.transport.write(data.upper())

            class Client(Protocol):
                def __init__(self) -> None:
                    self.seen: list[bytes] = []
                    self.lost: Deferred[tuple[Failure]] = Deferred()

                def connectionMade(self) -> None:
                    self.transport.write(b"STARTTLS")

                def dataReceived(self, data: bytes) -> None:
                    self.seen.append(data)
                    if data == b"go":
                        self.transport.startTLS(client_maker)  # noqa: B023
                        self.transport.write(b"secret")
                    else:
                        self.transport.loseConnection()

                def connectionLost(self, reason: Failure) -> None:
                    self.lost.callback((reason,))

            port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
            self.addCleanup(port.stopListening)
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            client = yield connectProtocol(endpoint, Client())
            (lost,) = yield client.lost
            lost.trap(ConnectionDone)
            self.assertEqual(client.seen, [b"go", b"SECRET"])


class Failing(TestCase):
    """What protocols are told when connections fail, and that others notice nothing."""

    timeout = TIMEOUT

    @inlineCallbacks
    def _attempt(self, server: Any, client: Any) -> Generator[Any, Any, tuple[Failure, Failure]]:
        """One connection with these makers: why each side lost it."""
        server_lost: Deferred[tuple[Failure]] = Deferred()

        class Server(Protocol):
            def connectionLost(self, reason: Failure) -> None:
                server_lost.callback((reason,))

        factory = TLSMemoryBIOFactory(server, False, Factory.forProtocol(Server))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        endpoint = wrapClientTLS(client, TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port))
        asking = yield connectProtocol(endpoint, Asking(b"hello"))
        (client_reason,) = yield asking.lost
        (server_reason,) = yield server_lost
        yield port.stopListening()
        return server_reason, client_reason

    @inlineCallbacks
    def test_a_server_that_is_not_trusted(self) -> Generator[Any, Any, None]:
        server, client = makers("server")[0], ClientOptions("localhost", pem("bad/otherca.pem"))
        for one in (server, makers("client")[0]):
            server_reason, client_reason = yield self._attempt(one, client)
            client_reason.trap(SSL.Error)
            self.assertEqual(reason(client_reason.value), "certificate verify failed")
            self.assertEqual(client_reason.value.alert_sent, 48)
            server_reason.trap(SSL.Error)
            self.assertEqual(reason(server_reason.value), "tlsv1 alert unknown ca")

        theirs = ssl.optionsForClientTLS("localhost", ssl.Certificate.loadPEM(pem("bad/otherca.pem")))
        server_reason, client_reason = yield self._attempt(server, theirs)
        server_reason.trap(SSL.Error)
        self.assertEqual(reason(server_reason.value), "tlsv1 alert unknown ca")

    @inlineCallbacks
    def test_a_server_of_another_name(self) -> Generator[Any, Any, None]:
        client = ClientOptions("other.test", pem("ecdsa/ca.pem"))
        server_reason, client_reason = yield self._attempt(makers("client")[0], client)
        self.assertEqual(reason(client_reason.value), "certificate verify failed")
        self.assertIn("other.test", client_reason.value.message)
        self.assertEqual(reason(server_reason.value), "tls alert bad certificate")

    @inlineCallbacks
    def test_a_server_that_speaks_no_tls(self) -> Generator[Any, Any, None]:
        class Plain(Protocol):
            def connectionMade(self) -> None:
                self.transport.write(b"220 welcome, please speak plain text\r\n")

        port = reactor.listenTCP(0, Factory.forProtocol(Plain), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        client = makers("client")[1]
        endpoint = wrapClientTLS(client, TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port))
        asking = yield connectProtocol(endpoint, Asking(b"hello"))
        (lost,) = yield asking.lost
        lost.trap(SSL.Error)
        self.assertEqual(reason(lost.value), "wrong version number")

    @inlineCallbacks
    def test_a_transport_that_breaks(self) -> Generator[Any, Any, None]:
        """Without a close_notify: ConnectionLost, as with OpenSSL, before the handshake and after it."""
        for handshake in (False, True):
            for ours in ("server", "client"):
                server, client = makers(ours)
                lost: dict[str, Deferred[tuple[Failure]]] = {"server": Deferred(), "client": Deferred()}

                class Side(Protocol):
                    name = "server"

                    def connectionLost(self, reason: Failure) -> None:
                        lost[self.name].callback((reason,))  # noqa: B023

                class Breaking(Side):
                    name = "client"

                    def connectionMade(self) -> None:
                        if not handshake:  # noqa: B023
                            reactor.callLater(0, self.cut)

                    def cut(self) -> None:
                        self.transport.transport.loseConnection()

                    def dataReceived(self, data: bytes) -> None:
                        self.cut()

                class Greeting(Side):
                    def connectionMade(self) -> None:
                        self.transport.write(b"hello")

                factory = TLSMemoryBIOFactory(server, False, Factory.forProtocol(Greeting))
                port = reactor.listenTCP(0, factory, interface="127.0.0.1")
                endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
                yield wrapClientTLS(client, endpoint).connect(Factory.forProtocol(Breaking))
                for deferred in lost.values():
                    (reason_,) = yield deferred
                    reason_.trap(ConnectionLost)
                yield port.stopListening()

    @inlineCallbacks
    def test_garbage_does_not_hurt_others(self) -> Generator[Any, Any, None]:
        """A server goes on with one connection while others send it nonsense."""
        server, client = makers("server")
        factory = TLSMemoryBIOFactory(server, False, Factory.forProtocol(Echo))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)

        class Talking(Protocol):
            def __init__(self) -> None:
                self.answer: Deferred[bytes] = Deferred()

            def ask(self, data: bytes) -> Deferred[bytes]:
                self.answer = Deferred()
                self.transport.write(data)
                return self.answer

            def dataReceived(self, data: bytes) -> None:
                self.answer.callback(data)

        class Nonsense(Protocol):
            def __init__(self, data: bytes) -> None:
                self.data = data
                self.lost: Deferred[None] = Deferred()

            def connectionMade(self) -> None:
                self.transport.write(self.data)

            def connectionLost(self, reason: Failure) -> None:
                self.lost.callback(None)

        talking = yield connectProtocol(wrapClientTLS(client, endpoint), Talking())
        for number, nonsense in enumerate(
            (
                b"\x00" * 100,
                b"\x16\x03\x01\xff\xff",
                b"GET / HTTP/1.1\r\n\r\n",
                b"\x16\x03\x03\x00\x04\x01\x00\x00\x00",
            )
        ):
            one = yield connectProtocol(endpoint, Nonsense(nonsense))
            answer = yield talking.ask(b"still there? %d" % number)
            self.assertEqual(answer, b"still there? %d" % number)
            if number != 1:
                yield one.lost
            else:
                one.transport.loseConnection()
        lost: Deferred[None] = Deferred()
        talking.connectionLost = lambda reason: lost.callback(None)
        talking.transport.loseConnection()
        yield lost


class TLSInTLS(TestCase):
    """TLS over TLS: the transport of one is the protocol of the other."""

    timeout = TIMEOUT

    @inlineCallbacks
    def test_one_in_the_other(self) -> Generator[Any, Any, None]:
        server, client = makers("both")
        their_server, their_client = makers("none")
        for outer, inner in (
            ((server, client), (their_server, their_client)),
            ((their_server, client), (server, their_client)),
        ):
            factory = TLSMemoryBIOFactory(
                outer[0], False, TLSMemoryBIOFactory(inner[0], False, Factory.forProtocol(Echo))
            )
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            wrapped = wrapClientTLS(inner[1], wrapClientTLS(outer[1], endpoint))
            asking = yield connectProtocol(wrapped, Asking(b"x" * 50_000))
            echoed = yield asking.done
            self.assertEqual(echoed, b"x" * 50_000)
            yield port.stopListening()


class ManyConnections(TestCase):
    """Nothing of a connection is left when it is lost, whether it went well or not."""

    timeout = TIMEOUT

    @inlineCallbacks
    def test_handles_end_with_their_protocols(self) -> Generator[Any, Any, None]:
        ends: list[Deferred[None]] = []

        class Brief(Protocol):
            def connectionMade(self) -> None:
                self.transport.write(b"hello")

            def dataReceived(self, data: bytes) -> None:
                self.transport.loseConnection()

            def connectionLost(self, reason: Failure) -> None:
                ends.pop().callback(None)

        kinds = (Connection, ProtocolWrapper, Echo, Brief)

        def living() -> list[Any]:
            return [one for one in gc.get_objects() if isinstance(one, kinds)]

        server, client = makers("both")
        factory = TLSMemoryBIOFactory(server, False, Factory.forProtocol(Echo))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        untrusting = ClientOptions("localhost", pem("bad/otherca.pem"))
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        before = len(living())
        for number in range(20):
            end: Deferred[None] = Deferred()
            ends.append(end)
            wrapped = TLSMemoryBIOFactory(untrusting if number % 2 else client, True, ClientFactory.forProtocol(Brief))
            reactor.connectTCP("127.0.0.1", port.getHost().port, wrapped)
            yield end
        # The server hears of the last end in a turn of the reactor of its own.
        limit = reactor.seconds() + TIMEOUT / 2
        while len(living()) != before and reactor.seconds() < limit:
            turn: Deferred[None] = Deferred()
            reactor.callLater(0.01, turn.callback, None)
            yield turn
        self.assertEqual(len(living()), before)
