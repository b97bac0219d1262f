"""What short TLS connections leave behind in a Twisted program, and what idle ones hold.

host_twisted.py none|tlsbio|pyopenssl shared|fresh|refused|idle [--connections 10000] [--at-once 100]

The experiment that showed the reference cycles of Twisted's TLS in 2018: one process, the garbage collector off, N
loopback connections, K at a time; the client verifies the server, sends b"hello", the server echoes it and closes;
half a second after the last connection was lost everything that is still there is counted.

"shared" has one TLSMemoryBIOFactory for all clients, "fresh" one for each connection, as endpoints do; "refused" is
"shared" with clients that do not trust the server. "idle" holds connections open after an echo of 16 KiB.
"""

import gc

if __name__ == "__main__":
    gc.disable()

import argparse
import json
import os
import resource
from collections import Counter
from typing import Any

from peers import CA, CHAIN, KEY, PKI, STRANGERS_CA, resident

KINDS = ("none", "tlsbio", "pyopenssl")
VARIANTS = ("shared", "fresh", "refused")
ECHO = 16384


def makers(kind: str, refused: bool) -> tuple[Any, Any]:
    """What makes the connections of a server and of a verifying client; every handshake is a full one."""
    from twisted.internet import ssl

    import tlsbio.twisted

    chain, key = (
        CHAIN.read_bytes(),
        KEY.read_bytes(),
    )
    trust = (STRANGERS_CA if refused else CA).read_bytes()
    if kind == "tlsbio":
        server = tlsbio.twisted.ServerOptions(chain, key)
        return server, tlsbio.twisted.ClientOptions("localhost", trust, sessions=0)
    own = ssl.PrivateCertificate.loadPEM(chain + key)
    rest = [ssl.Certificate.loadPEM((PKI / "ecdsa" / "inter.pem").read_bytes()).original]
    server = ssl.CertificateOptions(own.privateKey.original, own.original, extraCertChain=rest)
    return server, ssl.optionsForClientTLS("localhost", ssl.Certificate.loadPEM(trust))


def wrapped(kind: str, maker: Any, is_client: bool, factory: Any) -> Any:
    """The factory with TLS around it, or without."""
    from twisted.protocols.tls import TLSMemoryBIOFactory

    return factory if kind == "none" else TLSMemoryBIOFactory(maker, is_client, factory)


def short_connections(kind: str, variant: str, connections: int, at_once: int) -> dict[str, Any]:
    """The experiment, in this process."""
    from twisted.internet import reactor
    from twisted.internet.protocol import ClientFactory, Factory, Protocol
    from twisted.protocols.tls import TLSMemoryBIOProtocol

    started = lost = finished = 0

    class DummyServerProtocol(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)
            self.transport.loseConnection()

        def connectionLost(self, reason: Any) -> None:
            nonlocal lost
            lost += 1
            stop_at_the_end()

    class DummyClientProtocol(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(b"hello")

        def dataReceived(self, data: bytes) -> None:
            nonlocal finished
            finished += data == b"hello"

        def connectionLost(self, reason: Any) -> None:
            nonlocal lost
            lost += 1
            start()
            stop_at_the_end()

    def stop_at_the_end() -> None:
        if lost == 2 * connections:
            reactor.callLater(0.5, reactor.stop)

    refused = variant == "refused"
    server, client = makers(kind, refused)
    port = reactor.listenTCP(
        0, wrapped(kind, server, False, Factory.forProtocol(DummyServerProtocol)), interface="127.0.0.1"
    )

    def new_factory() -> Any:
        plain = ClientFactory()
        plain.protocol = DummyClientProtocol
        plain.noisy = False
        return wrapped(kind, client, True, plain)

    shared = new_factory()

    def start() -> None:
        nonlocal started
        if started < connections:
            started += 1
            reactor.connectTCP("127.0.0.1", port.getHost().port, new_factory() if variant == "fresh" else shared)

    reactor.callWhenRunning(lambda: [start() for _ in range(at_once)])
    before = gc.get_objects()
    types_before = Counter(type(one).__qualname__ for one in before)
    result = {"objects_before": len(before), "resident_before": resident(collect=False)}
    del before
    cpu = sum(os.times()[:2])
    reactor.run()
    result["cpu_seconds"] = sum(os.times()[:2]) - cpu
    result["resident_after"] = resident(collect=False)
    after = gc.get_objects()
    result["objects_after"] = len(after)
    result["living_server_protocols"] = sum(isinstance(one, DummyServerProtocol) for one in after)
    result["living_client_protocols"] = sum(isinstance(one, DummyClientProtocol) for one in after)
    result["living_tls_protocols"] = sum(isinstance(one, TLSMemoryBIOProtocol) for one in after)
    types = Counter(type(one).__qualname__ for one in after)
    del after
    types.subtract(types_before)
    result["left_by_type"] = {name: number for name, number in types.most_common(12) if number >= connections // 2}
    gc.collect()
    result["resident_after_collecting"] = resident(collect=False)
    expected = connections if kind == "none" or not refused else 0
    if finished != expected or lost != 2 * connections:
        raise SystemExit(f"{finished} echoes and {lost} ends, not {expected} and {2 * connections}")
    return result


def idle_connections(kind: str, connections: int) -> dict[str, Any]:
    """What an endpoint holds after an echo, in this process, which has both ends."""
    from twisted.internet import reactor
    from twisted.internet.protocol import ClientFactory, Factory, Protocol

    gc.enable()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    echoed = 0
    message = b"x" * ECHO

    class Echo(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    class Client(Protocol):
        received = 0

        def connectionMade(self) -> None:
            self.transport.write(message)

        def dataReceived(self, data: bytes) -> None:
            nonlocal echoed
            self.received += len(data)
            if self.received == ECHO:
                echoed += 1
                if echoed == connections:
                    reactor.callLater(0.5, reactor.stop)
                start()

    server, client = makers(kind, False)
    port = reactor.listenTCP(
        0, wrapped(kind, server, False, Factory.forProtocol(Echo)), interface="127.0.0.1", backlog=128
    )
    plain = ClientFactory()
    plain.protocol = Client
    plain.noisy = False
    factory = wrapped(kind, client, True, plain)
    started = 0

    def start() -> None:
        nonlocal started
        if started < connections:
            started += 1
            reactor.connectTCP("127.0.0.1", port.getHost().port, factory)

    measured = {}

    def measure() -> None:
        gc.collect()
        measured["resident_after"] = resident(collect=False)

    reactor.addSystemEventTrigger("before", "shutdown", measure)
    reactor.callWhenRunning(lambda: [start() for _ in range(20)])
    gc.collect()
    before = resident(collect=False)
    reactor.run()
    if echoed != connections:
        raise SystemExit(f"{echoed} echoes, not {connections}")
    grown = measured["resident_after"] - before
    return {"resident_before": before, **measured, "bytes_per_endpoint": grown / (2 * connections)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("variant", choices=(*VARIANTS, "idle"))
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--at-once", type=int, default=100)
    options = parser.parse_args()
    # All imports first, the same for every kind: what differs between them is the connections.
    import twisted.internet.reactor
    import twisted.protocols.tls  # noqa: F401

    import tlsbio.twisted  # noqa: F401

    if options.variant == "idle":
        result = idle_connections(options.kind, options.connections)
    else:
        result = short_connections(options.kind, options.variant, options.connections, options.at_once)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
