"""Recipes (tls_builder_t) and what is made of them (tls_context_t)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec

from ._native import ffi, lib
from .errors import Error, from_struct, new_error, status_name

Buffer = bytes | bytearray | memoryview
P = ParamSpec("P")


def alpn_wire(protocols: Sequence[bytes]) -> bytes:
    """A list of protocols as ALPN sends it (RFC 7301): each behind its length."""
    for protocol in protocols:
        if not 0 < len(protocol) < 256:
            raise ValueError(f"an ALPN protocol has 1 to 255 bytes, {protocol!r} has {len(protocol)}")
    return b"".join(bytes((len(protocol),)) + protocol for protocol in protocols)


def _setter(method: Callable[Concatenate[Builder, P], None]) -> Callable[Concatenate[Builder, P], None]:
    """A method of a builder whose failure stays with the builder, whatever kind of exception it is.

    Some arguments never reach the library: what it would remember is not all that can go wrong.
    """

    @functools.wraps(method)
    def setter(self: Builder, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as failure:
            if self._failure is None:
                self._failure = failure
            raise

    return setter


class Builder:
    """A recipe of contexts. Used by one thread at a time.

    What a method cannot set it raises, and remembers: client() and server() then raise the first such failure, until
    clear_error(). A caller that can do without something tries it inside trying().
    """

    __slots__ = ("_asks_clients", "_asks_identity", "_failure", "_handle", "_leaves_verdict")

    def __init__(self) -> None:
        self._failure: Exception | None = None
        self._leaves_verdict = self._asks_clients = self._asks_identity = False
        self._handle = lib.tls_builder_new()
        if not self._handle:
            raise MemoryError("no memory for a builder")

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            lib.tls_builder_free(handle)

    def _check(self, status: int) -> None:
        if status != lib.TLS_OK:
            error = new_error()
            lib.tls_builder_error(self._handle, error)
            failure = from_struct(error) if error.status == status else Error(status, status_name(status))
            # The library tells about the first failure until that is cleared; this object keeps what was told.
            lib.tls_builder_clear_error(self._handle)
            raise failure

    def clear_error(self) -> None:
        """Goes on without what could not be set: the caller has seen it."""
        status = lib.tls_builder_clear_error(self._handle)
        if status != lib.TLS_OK:
            raise Error(status, "what went wrong on this builder cannot be cleared now")
        self._failure = None

    @contextmanager
    def trying(self) -> Iterator[None]:
        """What cannot be set inside is raised, but not remembered; what went wrong before still is."""
        before = self._failure
        try:
            yield
        except Exception:
            self._failure = before
            raise

    @_setter
    def identity(self, chain: Buffer, key: Buffer) -> None:
        """Adds a certificate chain and its private key, both PEM."""
        self._check(
            lib.tls_builder_identity_pem(
                self._handle, ffi.from_buffer(chain), len(chain), ffi.from_buffer(key), len(key)
            )
        )

    @_setter
    def identity_external(self, chain: Buffer) -> None:
        """Adds a certificate chain, PEM, whose private key is elsewhere: handshakes ask for signatures."""
        self._check(lib.tls_builder_identity_external(self._handle, ffi.from_buffer(chain), len(chain)))

    @_setter
    def trust(self, pem: Buffer) -> None:
        """Adds trust anchors, PEM."""
        self._check(lib.tls_builder_trust_pem(self._handle, ffi.from_buffer(pem), len(pem)))

    @_setter
    def trust_system(self) -> None:
        """Adds the trust anchors of the system."""
        self._check(lib.tls_builder_trust_system(self._handle))

    @_setter
    def intermediates(self, pem: Buffer) -> None:
        """Adds intermediate certificates, PEM, for peers that do not send them."""
        self._check(lib.tls_builder_intermediates_pem(self._handle, ffi.from_buffer(pem), len(pem)))

    @_setter
    def trust_peer(self, pem: Buffer) -> None:
        """Adds certificates of peers themselves, PEM, which need no chain."""
        self._check(lib.tls_builder_trust_peer_pem(self._handle, ffi.from_buffer(pem), len(pem)))

    @_setter
    def crl(self, crl: Buffer) -> None:
        """Adds certificate revocation lists, PEM or DER."""
        self._check(lib.tls_builder_crl(self._handle, ffi.from_buffer(crl), len(crl)))

    @_setter
    def revocation(self, policy: int) -> None:
        """Sets what a missing or old CRL means (TLS_REVOCATION_*)."""
        self._check(lib.tls_builder_revocation(self._handle, policy))

    @_setter
    def alpn(self, protocols: Sequence[bytes]) -> None:
        """Sets the application protocols, most preferred first."""
        wire = alpn_wire(protocols)
        self._check(lib.tls_builder_alpn(self._handle, ffi.from_buffer(wire), len(wire)))

    @_setter
    def versions(self, least: int, most: int) -> None:
        """Sets the protocol versions: TLS_VERSION_1_2, TLS_VERSION_1_3."""
        self._check(lib.tls_builder_versions(self._handle, least, most))

    @_setter
    def client_auth(self, mode: int) -> None:
        """Sets whether a server asks for a client certificate (TLS_CLIENT_AUTH_*)."""
        self._check(lib.tls_builder_client_auth(self._handle, mode))
        self._asks_clients = mode != lib.TLS_CLIENT_AUTH_NONE

    @_setter
    def verify(self, mode: int) -> None:
        """Sets how the peer is verified (TLS_VERIFY_*)."""
        self._check(lib.tls_builder_verify(self._handle, mode))
        self._leaves_verdict = mode == lib.TLS_VERIFY_ASK

    @_setter
    def ask_identity(self, mode: bool = True) -> None:
        """Makes clients ask which identity they show to a server that wants one (TLS_ASK_IDENTITY)."""
        self._check(lib.tls_builder_ask_identity(self._handle, int(mode)))
        self._asks_identity = bool(mode)

    @_setter
    def suites(self, suites: Sequence[int]) -> None:
        """Sets the cipher suites by IANA number, in order of preference."""
        self._check(lib.tls_builder_suites(self._handle, suites, len(suites)))

    @_setter
    def groups(self, groups: Sequence[int]) -> None:
        """Sets the key exchange groups by IANA number, in order of preference."""
        self._check(lib.tls_builder_groups(self._handle, groups, len(groups)))

    @_setter
    def limits(self, inbound: int = 0, outbound: int = 0) -> None:
        """Sets the bounds of one connection's queues, in wire bytes; 0 keeps a default."""
        self._check(lib.tls_builder_limits(self._handle, inbound, outbound))

    @_setter
    def pool(self, size: int) -> None:
        """Sets the bound on unused buffers that a context keeps, in bytes."""
        self._check(lib.tls_builder_pool(self._handle, size))

    @_setter
    def sessions(self, count: int) -> None:
        """Sets the most sessions that a context remembers."""
        self._check(lib.tls_builder_sessions(self._handle, count))

    @_setter
    def tickets(self, count: int) -> None:
        """Sets how many tickets a server sends after a TLS 1.3 handshake, up to TLS_MAX_TICKETS; with 0 none at all."""
        self._check(lib.tls_builder_tickets(self._handle, count))

    @_setter
    def events(self, mask: int) -> None:
        """Sets the kinds of events that connections record (TLS_EVENT_*)."""
        self._check(lib.tls_builder_events(self._handle, mask))

    @_setter
    def key_log(self) -> None:
        """Makes connections record every secret as an event: for debugging only."""
        self._check(lib.tls_builder_key_log(self._handle, 1))

    def client(self) -> Context:
        """Makes a context for clients."""
        return self._make(False)

    def server(self) -> Context:
        """Makes a context for servers."""
        return self._make(True)

    def _make(self, server_side: bool) -> Context:
        if self._failure is not None:
            raise self._failure
        error = new_error()
        make = lib.tls_context_server if server_side else lib.tls_context_client
        asks_verify = self._leaves_verdict and (self._asks_clients or not server_side)
        asks_identity = self._asks_identity and not server_side
        return Context(make(self._handle, error), error, server_side, asks_verify, asks_identity)


class Context:
    """What connections share: immutable, used from any number of threads at once."""

    __slots__ = ("asks_identity", "asks_verify", "handle", "server_side")

    def __init__(
        self, handle: Any, error: Any, server_side: bool, asks_verify: bool, asks_identity: bool = False
    ) -> None:
        self.handle = handle
        self.server_side = server_side
        #: Whether its connections leave it to the application whom to trust.
        self.asks_verify = asks_verify
        #: Whether its connections ask which identity to show.
        self.asks_identity = asks_identity
        if not handle:
            raise from_struct(error)

    def __del__(self) -> None:
        if self.handle:
            lib.tls_context_free(self.handle)
