"""What short TLS connections leave behind in a Twisted program, and what idle ones hold.

The experiment that showed the reference cycles of Twisted's TLS in 2018: one process, the garbage collector off, N
loopback connections, K at a time; the client verifies the server, sends b"hello", the server echoes it and closes;
half a second after the last connection was lost everything that is still there is counted.

It is run with this library, with pyOpenSSL, and without TLS, each in a process of its own, in turn, for some rounds.
Every process imports the same modules, so that what differs between them is the connections.

    twisted_10000.py [--connections 10000] [--at-once 100] [--rounds 3] [--idle 1000] [--json FILE]

The variants: "shared" has one TLSMemoryBIOFactory for all clients, "fresh" one for each connection, as endpoints do;
"failing" is "shared" with clients that do not trust the server. "idle" holds connections open after an echo of 16 KiB.
"""

import gc

if __name__ == "__main__":
    gc.disable()

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PKI = ROOT / "target" / "pki"
KINDS = ("none", "tlsbio", "pyopenssl")
VARIANTS = ("shared", "fresh", "failing")
ECHO = 16384


def resident() -> int:
    """The resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def makers(kind: str, failing: bool) -> tuple[Any, Any]:
    """What makes the connections of a server and of a verifying client; every handshake is a full one."""
    import tlsbio.twisted
    from twisted.internet import ssl

    chain, key = (
        (PKI / "ecdsa" / "server-chain.pem").read_bytes(),
        (PKI / "ecdsa" / "server.key").read_bytes(),
    )
    trust = (PKI / ("bad/otherca.pem" if failing else "ecdsa/ca.pem")).read_bytes()
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

    failing = variant == "failing"
    server, client = makers(kind, failing)
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
            reactor.connectTCP(
                "127.0.0.1", port.getHost().port, new_factory() if variant == "fresh" else shared
            )

    reactor.callWhenRunning(lambda: [start() for _ in range(at_once)])
    before = gc.get_objects()
    types_before = Counter(type(one).__qualname__ for one in before)
    result = {"objects_before": len(before), "resident_before": resident()}
    del before
    cpu = sum(os.times()[:2])
    reactor.run()
    result["cpu_seconds"] = sum(os.times()[:2]) - cpu
    result["resident_after"] = resident()
    after = gc.get_objects()
    result["objects_after"] = len(after)
    result["living_server_protocols"] = sum(isinstance(one, DummyServerProtocol) for one in after)
    result["living_client_protocols"] = sum(isinstance(one, DummyClientProtocol) for one in after)
    result["living_tls_protocols"] = sum(isinstance(one, TLSMemoryBIOProtocol) for one in after)
    types = Counter(type(one).__qualname__ for one in after)
    del after
    types.subtract(types_before)
    result["left_by_type"] = {
        name: number for name, number in types.most_common(12) if number >= connections // 2
    }
    gc.collect()
    result["resident_after_collecting"] = resident()
    expected = connections if kind == "none" or not failing else 0
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
        measured["resident_after"] = resident()

    reactor.addSystemEventTrigger("before", "shutdown", measure)
    reactor.callWhenRunning(lambda: [start() for _ in range(20)])
    gc.collect()
    before = resident()
    reactor.run()
    if echoed != connections:
        raise SystemExit(f"{echoed} echoes, not {connections}")
    grown = measured["resident_after"] - before
    return {"resident_before": before, **measured, "bytes_per_endpoint": grown / (2 * connections)}


def child(arguments: argparse.Namespace) -> None:
    """One run, in this process. All imports first, the same for every kind."""
    import tlsbio.twisted  # noqa: F401
    import twisted.internet.reactor
    import twisted.protocols.tls  # noqa: F401

    if arguments.variant == "idle":
        result = idle_connections(arguments.child, arguments.idle)
    else:
        result = short_connections(
            arguments.child, arguments.variant, arguments.connections, arguments.at_once
        )
    print(json.dumps(result))


def run(kind: str, variant: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One run, in a process of its own."""
    command = [sys.executable, __file__, "--child", kind, "--variant", variant]
    for name in ("connections", "at_once", "idle"):
        command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    # What is cached between runs must not depend on the order in which types and strings hash.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer


def spread(values: list[float], unit: str = "", digits: int = 1) -> str:
    """The median, with the least and the greatest value."""
    shown = f"{statistics.median(values):.{digits}f}{unit}"
    return shown if len(values) == 1 else f"{shown} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def mb(values: list[float]) -> str:
    return spread([value / 1e6 for value in values], " MB")


def report_short(
    variant: str, runs: dict[str, list[dict[str, Any]]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Prints the lines of 2018 for each kind, and what is above the run without TLS."""
    figures: dict[str, Any] = {}
    number = arguments.connections
    for kind in KINDS:
        of = runs[kind]
        print(f"\n{variant}, {kind}: N={number}, K={arguments.at_once}")
        print(f"  objects before                   {spread([one['objects_before'] for one in of], digits=0)}")
        for side in ("server", "client", "tls"):
            living = [one[f"living_{side}_protocols"] for one in of]
            print(
                f"  {side} protocols still living    {'   ' if side == 'tls' else ''}{spread(living, digits=0)}"
            )
        print(f"  objects after                    {spread([one['objects_after'] for one in of], digits=0)}")
        print(f"  mem before                       {mb([one['resident_before'] for one in of])}")
        print(f"  mem after                        {mb([one['resident_after'] for one in of])}")
        print(f"  mem after collecting             {mb([one['resident_after_collecting'] for one in of])}")
        print(
            f"  CPU per connection               {spread([one['cpu_seconds'] / number * 1e6 for one in of], ' us', 0)}"
        )
        left = {name: round(count / number, 2) for name, count in of[0]["left_by_type"].items()}
        print(f"  left per connection, by type     {left}")
        objects = [
            (one["objects_after"] - one["objects_before"] - none["objects_after"] + none["objects_before"])
            / number
            for one, none in zip(of, runs["none"], strict=True)
        ]
        memory = [
            one["resident_after"] - none["resident_after"] for one, none in zip(of, runs["none"], strict=True)
        ]
        grown = [
            one["resident_after"] - one["resident_before"] - none["resident_after"] + none["resident_before"]
            for one, none in zip(of, runs["none"], strict=True)
        ]
        if kind != "none":
            print(
                f"  above the run without TLS: {spread(objects, ' objects per connection', 3)}, {mb(memory)}"
            )
        figures[kind] = {
            "living_protocols": max(
                one["living_server_protocols"] + one["living_client_protocols"] + one["living_tls_protocols"]
                for one in of
            ),
            "objects_per_connection_above_none": statistics.median(objects),
            "resident_above_none": statistics.median(memory),
            "growth_above_none": statistics.median(grown),
            "cpu_microseconds_per_connection": statistics.median(
                one["cpu_seconds"] / number * 1e6 for one in of
            ),
            "runs": of,
        }
    return figures


def report_idle(runs: dict[str, list[dict[str, Any]]], arguments: argparse.Namespace) -> dict[str, Any]:
    """Prints what an idle endpoint holds."""
    print(
        f"\nidle: resident memory per endpoint, {arguments.idle} connections of two endpoints, after an echo of 16 KiB"
    )
    figures: dict[str, Any] = {}
    for kind in KINDS:
        values = [one["bytes_per_endpoint"] for one in runs[kind]]
        print(f"  {kind:10} {spread([value / 1000 for value in values], ' KB')}")
        figures[kind] = {"bytes_per_endpoint": statistics.median(values), "runs": runs[kind]}
    ratio = figures["tlsbio"]["bytes_per_endpoint"] / figures["pyopenssl"]["bytes_per_endpoint"]
    print(f"  tlsbio / pyopenssl: {ratio:.2f}")
    return figures | {"ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--idle", type=int, default=1000, help="connections of the idle run, 0 for none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
        return

    subprocess.run([ROOT / "tests" / "pki" / "make.sh", PKI], check=True)
    from importlib.metadata import version

    packages = {name: version(name) for name in ("twisted", "pyopenssl", "cryptography", "tlsbio")}
    figures: dict[str, Any] = {"python": platform.python_version(), "packages": packages}
    print(f"Python {figures['python']}, {', '.join(f'{name} {number}' for name, number in packages.items())}")
    variants = [one for one in arguments.variants.split(",") if one] + (["idle"] if arguments.idle else [])
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {one: {kind: [] for kind in KINDS} for one in variants}
    for _ in range(arguments.rounds):
        for variant in variants:
            for kind in KINDS:
                runs[variant][kind].append(run(kind, variant, arguments))
    for variant in variants:
        if variant == "idle":
            figures[variant] = report_idle(runs[variant], arguments)
        else:
            figures[variant] = report_short(variant, runs[variant], arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
