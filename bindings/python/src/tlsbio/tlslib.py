"""The classes of PEP 748, a unified TLS interface, as far as its draft of 2025 says: buffers, contexts, configurations.

What it leaves to implementations is done over ``tlsbio.SSLContext``. Certificates, keys and trust stores are PEM; there
are no sockets here (``TLSSocket`` of the draft): an application has ``tlsbio.SSLContext.wrap_socket`` for them.
"""

from __future__ import annotations

import enum
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import identity
from ._speed import MemoryBIO
from .context import OP_IGNORE_UNEXPECTED_EOF, SSLContext
from .sslobject import SSLObject

__all__ = [
    "Certificate",
    "CipherSuite",
    "ClientContext",
    "ConfigurationError",
    "NextProtocol",
    "PrivateKey",
    "RaggedEOF",
    "ServerContext",
    "SigningChain",
    "TLSBuffer",
    "TLSClientConfiguration",
    "TLSError",
    "TLSServerConfiguration",
    "TLSVersion",
    "TrustStore",
    "WantReadError",
    "WantWriteError",
]


class TLSError(Exception):
    """The base of all errors here."""


class WantReadError(TLSError):
    """More bytes of the peer are needed: ``process_incoming``, then again."""


class WantWriteError(TLSError):
    """Never raised: a buffer takes what there is to send."""


class RaggedEOF(TLSError):
    """The peer's bytes ended without a close_notify."""


class ConfigurationError(TLSError):
    """A configuration that cannot be honoured."""


class TLSVersion(enum.Enum):
    """Protocol versions. Those that the engine does not have are not here."""

    MINIMUM_SUPPORTED = "MINIMUM_SUPPORTED"
    TLSv1_2 = "TLSv1.2"
    TLSv1_3 = "TLSv1.3"
    MAXIMUM_SUPPORTED = "MAXIMUM_SUPPORTED"


class NextProtocol(enum.Enum):
    """Application protocols by their ALPN identifiers."""

    H2 = b"h2"
    H2C = b"h2c"
    HTTP1 = b"http/1.1"
    WEBRTC = b"webrtc"
    C_WEBRTC = b"c-webrtc"
    FTP = b"ftp"
    STUN = b"stun.nat-discovery"
    TURN = b"stun.turn"


class CipherSuite(enum.IntEnum):
    """The cipher suites of the engine, by IANA's number."""

    TLS_AES_128_GCM_SHA256 = 0x1301
    TLS_AES_256_GCM_SHA384 = 0x1302
    TLS_CHACHA20_POLY1305_SHA256 = 0x1303
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 = 0xC02B
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 = 0xC02C
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 = 0xC02F
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 0xC030
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA8
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA9


@dataclass(frozen=True)
class _Pem:
    pem: bytes

    @classmethod
    def from_buffer(cls, buffer: bytes | bytearray | memoryview) -> Any:
        """From PEM in memory."""
        return cls(bytes(buffer))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Any:
        """From a file of PEM."""
        return cls(Path(path).read_bytes())


class Certificate(_Pem):
    """A certificate."""


class PrivateKey(_Pem):
    """A private key, not encrypted."""

    def __repr__(self) -> str:
        return "PrivateKey(...)"


class TrustStore(_Pem):
    """The certificates of authorities."""

    @classmethod
    def system(cls) -> TrustStore:
        """What the system trusts."""
        return cls(b"")


@dataclass(frozen=True)
class SigningChain:
    """A certificate with its key, and those that it was issued under."""

    leaf: tuple[Certificate, PrivateKey]
    chain: Sequence[Certificate] = ()


@dataclass(frozen=True)
class TLSClientConfiguration:
    """What a client is to do. Without a trust store it is the system's."""

    certificate_chain: SigningChain | None = None
    ciphers: Sequence[CipherSuite | int] | None = None
    inner_protocols: Sequence[NextProtocol | bytes] | None = None
    lowest_supported_version: TLSVersion | None = None
    highest_supported_version: TLSVersion | None = None
    trust_store: TrustStore | None = None

    def update(self, **changes: Any) -> TLSClientConfiguration:
        """The same with these changes."""
        return replace(self, **changes)


@dataclass(frozen=True)
class TLSServerConfiguration:
    """What a server is to do. With a trust store clients have to show a certificate of it."""

    certificate_chain: Sequence[SigningChain] | None = None
    ciphers: Sequence[CipherSuite | int] | None = None
    inner_protocols: Sequence[NextProtocol | bytes] | None = None
    lowest_supported_version: TLSVersion | None = None
    highest_supported_version: TLSVersion | None = None
    trust_store: TrustStore | None = None

    def update(self, **changes: Any) -> TLSServerConfiguration:
        """The same with these changes."""
        return replace(self, **changes)


class TLSBuffer:
    """One connection in memory. What came from the peer goes in by ``process_incoming``, what is for it comes out by
    ``process_outgoing``."""

    def __init__(self, context: ClientContext | ServerContext, make: Any) -> None:
        self._context = context
        self._incoming, self._outgoing = MemoryBIO(), MemoryBIO()
        self._connection: SSLObject = make(self._incoming, self._outgoing)

    def _do(self, operation: Any, *arguments: Any) -> Any:
        try:
            return operation(*arguments)
        except ssl.SSLWantReadError:
            # No frame of ssl's exception is of interest to anybody.
            raise WantReadError("more bytes of the peer are needed") from None
        except ssl.SSLEOFError as error:
            raise RaggedEOF(str(error)) from error
        except ssl.SSLError as error:
            raise TLSError(str(error)) from error

    @property
    def context(self) -> ClientContext | ServerContext:
        """What it was made by."""
        return self._context

    def do_handshake(self) -> None:
        """Goes on with the handshake; WantReadError until it is done."""
        self._do(self._connection.do_handshake)

    def read(self, amt: int, buffer: Any = None) -> bytes | int:
        """Up to ``amt`` bytes of data, or how many were put into ``buffer``; b"" or 0 at the peer's end."""
        answer: bytes | int = self._do(self._connection.read, amt, *(() if buffer is None else (buffer,)))
        return answer

    def write(self, buf: Any) -> int:
        """Encrypts all of ``buf``, and answers how many bytes that were."""
        return int(self._do(self._connection.write, buf))

    def shutdown(self) -> None:
        """Ends this side, and WantReadError until the peer has ended its own."""
        self._do(self._connection.unwrap)

    def process_incoming(self, data_from_network: Any) -> None:
        """Takes bytes that came from the peer; b"" says that no more will."""
        if len(data_from_network):
            self._incoming.write(data_from_network)
        else:
            self._incoming.write_eof()

    def incoming_bytes_buffered(self) -> int:
        """How many bytes of the peer were not looked at yet."""
        return self._incoming.pending

    def process_outgoing(self, amount_bytes_for_network: int) -> bytes:
        """Takes up to so many bytes that are for the peer."""
        return self._outgoing.read(amount_bytes_for_network)

    def outgoing_bytes_buffered(self) -> int:
        """How many bytes there are for the peer."""
        return self._outgoing.pending

    def getpeercert(self) -> Certificate | None:
        """The certificate that the peer has shown."""
        der = self._connection.getpeercert(True)
        return None if der is None else Certificate(ssl.DER_cert_to_PEM_cert(der).encode())

    def cipher(self) -> CipherSuite | None:
        """The cipher suite; None until the handshake is done."""
        from .suites import SUITES

        chosen = self._connection.cipher()
        numbers = [suite.number for suite in SUITES if chosen and suite.openssl_name == chosen[0]]
        return CipherSuite(numbers[0]) if numbers else None

    def negotiated_protocol(self) -> NextProtocol | bytes | None:
        """The application protocol that was agreed on."""
        name = self._connection.selected_alpn_protocol()
        try:
            return None if name is None else NextProtocol(name.encode())
        except ValueError:
            return name.encode() if name is not None else None

    @property
    def negotiated_tls_version(self) -> TLSVersion | None:
        """The protocol version; None until the handshake is done."""
        version = self._connection.version()
        return None if version is None else TLSVersion(version)


class ClientContext:
    """Makes clients of one configuration."""

    def __init__(self, configuration: TLSClientConfiguration) -> None:
        self._configuration = configuration
        chains = () if configuration.certificate_chain is None else (configuration.certificate_chain,)
        self._context = _made(ssl.PROTOCOL_TLS_CLIENT, configuration, chains)
        if configuration.trust_store is None:
            self._context.load_default_certs(ssl.Purpose.SERVER_AUTH)

    @property
    def configuration(self) -> TLSClientConfiguration:
        """What it was made of."""
        return self._configuration

    def create_buffer(self, server_hostname: str) -> TLSBuffer:
        """A connection to the server of that name, which its certificate has to be for."""
        return TLSBuffer(self, lambda i, o: self._context.wrap_bio(i, o, server_hostname=server_hostname))


class ServerContext:
    """Makes servers of one configuration."""

    def __init__(self, configuration: TLSServerConfiguration) -> None:
        self._configuration = configuration
        if not configuration.certificate_chain:
            raise ConfigurationError("a server needs a certificate chain")
        self._context = _made(ssl.PROTOCOL_TLS_SERVER, configuration, configuration.certificate_chain)
        if configuration.trust_store is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED

    @property
    def configuration(self) -> TLSServerConfiguration:
        """What it was made of."""
        return self._configuration

    def create_buffer(self) -> TLSBuffer:
        """A connection that waits for a client."""
        return TLSBuffer(self, lambda i, o: self._context.wrap_bio(i, o, server_side=True))


def _made(
    protocol: int, configuration: TLSClientConfiguration | TLSServerConfiguration, chains: Sequence[SigningChain]
) -> SSLContext:
    from .suites import SUITES

    context = SSLContext(protocol)
    # Some builds of CPython, Debian's among them, take the end of the transport for a close_notify.
    context.options &= ~OP_IGNORE_UNEXPECTED_EOF
    try:
        for version, name in (
            (configuration.lowest_supported_version, "minimum_version"),
            (configuration.highest_supported_version, "maximum_version"),
        ):
            if version is not None:
                setattr(context, name, ssl.TLSVersion[version.name])
        if configuration.ciphers is not None:
            wanted = [int(suite) for suite in configuration.ciphers]
            known = {suite.number: suite.openssl_name for suite in SUITES}
            # Those that nobody knows are passed over, as the draft has it.
            context._tlsbio_suites = tuple(number for number in wanted if number in known)
            if not context._tlsbio_suites:
                raise ConfigurationError("the engine has none of the cipher suites")
        if configuration.inner_protocols is not None:
            names = [each.value if isinstance(each, NextProtocol) else each for each in configuration.inner_protocols]
            context.set_alpn_protocols([name.decode("ascii") for name in names])
        for chain in chains:
            _load(context, chain)
        store = configuration.trust_store
        if store is not None and store.pem:
            context.load_verify_locations(cadata=store.pem.decode("ascii"))
        elif store is not None:
            context.load_default_certs(
                ssl.Purpose.SERVER_AUTH if protocol == ssl.PROTOCOL_TLS_CLIENT else ssl.Purpose.CLIENT_AUTH
            )
    except (ssl.SSLError, NotImplementedError, ValueError) as error:
        raise ConfigurationError(str(error)) from error
    return context


def _load(context: SSLContext, chain: SigningChain) -> None:
    certificate, key = chain.leaf
    # Not by load_cert_chain, which would want the key in a file.
    loaded = identity.of_texts(b"\n".join([certificate.pem, *(each.pem for each in chain.chain)]), key.pem)
    context._tlsbio_identities[loaded.kind] = loaded
