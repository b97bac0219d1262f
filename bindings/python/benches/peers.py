"""Who is measured: TLS engines on asyncio's loops, the same certificates for all, and an echo to measure them with."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PKI = ROOT / "target" / "pki"
CHAIN, KEY, CA = (PKI / "ecdsa" / name for name in ("server-chain.pem", "server.key", "ca.pem"))
STRANGERS_CA = PKI / "bad" / "otherca.pem"
AES_256 = 0x1302


def resident(collect: bool = True) -> int:
    """The resident memory of this process, in bytes."""
    if collect:
        gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Echo(asyncio.Protocol):
    """A server that sends back what comes."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Asker(asyncio.Protocol):
    """A client that sends a message, waits for as many bytes, and so on as often as it is told."""

    def __init__(self, size: int, done: asyncio.Future[None]) -> None:
        self.message: bytes | None = bytes(size)
        self.done: asyncio.Future[None] | None = done
        self.missing = 0
        self.left = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def go(self, count: int) -> None:
        """Begins."""
        self.left = count
        self.ask()

    def ask(self) -> None:
        self.missing = len(self.message)
        self.transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        self.got(len(data))

    def got(self, count: int) -> None:
        self.missing -= count
        if not self.missing:
            self.left -= 1
            if self.left:
                self.ask()
            else:
                self.done.set_result(None)


class BufferedEcho(asyncio.BufferedProtocol):
    """The same with memory of the application."""

    def __init__(self) -> None:
        self.memory = bytearray(65536)
        self.view = memoryview(self.memory)

    connection_made = Echo.connection_made

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.memory

    def buffer_updated(self, nbytes: int) -> None:
        self.transport.write(bytes(self.view[:nbytes]))


class BufferedAsker(asyncio.BufferedProtocol):
    """The same with memory of the application."""

    __init__, connection_made, go, ask, got = (
        Asker.__init__,
        Asker.connection_made,
        Asker.go,
        Asker.ask,
        Asker.got,
    )
    memory = bytearray(65536)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.memory

    def buffer_updated(self, nbytes: int) -> None:
        self.got(nbytes)


def contexts_like_ssl(module: Any, ca: Path = CA) -> tuple[Any, Any]:
    """Of a server and of a verifying client, by a module that looks like ssl."""
    server = module.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(str(CHAIN), str(KEY))
    client = module.create_default_context(cafile=str(ca))
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    return server, client


def contexts_of_tlsbio(ca: Path = CA) -> tuple[Any, Any]:
    """The same with the library's own builder, and with the cipher suite that OpenSSL chooses."""
    from tlsbio.config import Builder

    server, client = Builder(), Builder()
    for builder in server, client:
        builder.suites([AES_256])
        builder.versions(0x0304, 0x0304)
    server.identity(CHAIN.read_bytes(), KEY.read_bytes())
    client.trust(ca.read_bytes())
    return server.server(), client.client()


class Loops:
    """asyncio's own calls."""

    @staticmethod
    async def create_server(factory: Any, *where: Any, **options: Any) -> Any:
        return await asyncio.get_running_loop().create_server(factory, *where, **options)

    @staticmethod
    async def create_connection(factory: Any, *where: Any, **options: Any) -> Any:
        return await asyncio.get_running_loop().create_connection(factory, *where, **options)


class Fast:
    """aiofastnet's."""

    @staticmethod
    async def create_server(factory: Any, *where: Any, **options: Any) -> Any:
        import aiofastnet

        return await aiofastnet.create_server(asyncio.get_running_loop(), factory, *where, **options)

    @staticmethod
    async def create_connection(factory: Any, *where: Any, **options: Any) -> Any:
        import aiofastnet

        return await aiofastnet.create_connection(asyncio.get_running_loop(), factory, *where, **options)


@dataclass
class Peer:
    """An engine: the calls that make its connections, and what makes its contexts of a CA's file."""

    calls: Any
    contexts: Callable[[Path], tuple[Any, Any]]


def peer(name: str) -> Peer:
    """By its name in the figures."""
    if name == "plain":
        return Peer(Loops, lambda ca: (None, None))
    if name == "ssl":
        return Peer(Loops, lambda ca: contexts_like_ssl(ssl, ca))
    if name == "aiofastnet":
        return Peer(Fast, lambda ca: contexts_like_ssl(ssl, ca))
    if name == "rtls":
        import rtls

        return Peer(Loops, lambda ca: contexts_like_ssl(rtls, ca))
    import tlsbio
    import tlsbio.aio

    if name == "tlsbio.aio":
        return Peer(tlsbio.aio, contexts_of_tlsbio)
    if name == "drop-in, own BIO":
        # What a program may do that has no OpenSSL context for memory BIOs: hosts make theirs by this name.
        ssl.MemoryBIO = tlsbio.MemoryBIO  # type: ignore[assignment, misc]
    elif name != "drop-in":
        raise SystemExit(f"there is no peer {name}")
    return Peer(Loops, lambda ca: contexts_like_ssl(tlsbio, ca))


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    """A loop of asyncio or uvloop."""
    if name == "uvloop":
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
    return asyncio.new_event_loop()
