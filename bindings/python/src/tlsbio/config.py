"""Recipes (tls_builder_t) and what is made of them (tls_context_t)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ._native import ffi, lib
from .errors import Error, from_struct, new_error, status_name

_NEVER = 2**62

Buffer = bytes | bytearray | memoryview


def alpn_wire(protocols: Sequence[bytes]) -> bytes:
    """A list of protocols as ALPN sends it (RFC 7301): each behind its length."""
    for protocol in protocols:
        if not 0 < len(protocol) < 256:
            raise ValueError(f"an ALPN protocol has 1 to 255 bytes, {protocol!r} has {len(protocol)}")
    return b"".join(bytes((len(protocol),)) + protocol for protocol in protocols)


class Builder:
    """A recipe of contexts. Used by one thread at a time."""

    __slots__ = ("_handle",)

    def __init__(self) -> None:
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
            raise from_struct(error) if error.status == status else Error(status, status_name(status))

    def identity(self, chain: Buffer, key: Buffer) -> None:
        """Adds a certificate chain and its private key, both PEM."""
        self._check(
            lib.tls_builder_identity_pem(
                self._handle, ffi.from_buffer(chain), len(chain), ffi.from_buffer(key), len(key)
            )
        )

    def identity_external(self, chain: Buffer) -> None:
        """Adds a certificate chain, PEM, whose private key is elsewhere: handshakes ask for signatures."""
        self._check(lib.tls_builder_identity_external(self._handle, ffi.from_buffer(chain), len(chain)))

    def trust(self, pem: Buffer) -> None:
        """Adds trust anchors, PEM."""
        self._check(lib.tls_builder_trust_pem(self._handle, ffi.from_buffer(pem), len(pem)))

    def trust_system(self) -> None:
        """Adds the trust anchors of the system."""
        self._check(lib.tls_builder_trust_system(self._handle))

    def intermediates(self, pem: Buffer) -> None:
        """Adds intermediate certificates, PEM, for peers that do not send them."""
        self._check(lib.tls_builder_intermediates_pem(self._handle, ffi.from_buffer(pem), len(pem)))

    def trust_peer(self, pem: Buffer) -> None:
        """Adds certificates of peers themselves, PEM, which need no chain."""
        self._check(lib.tls_builder_trust_peer_pem(self._handle, ffi.from_buffer(pem), len(pem)))

    def crl(self, crl: Buffer) -> None:
        """Adds certificate revocation lists, PEM or DER."""
        self._check(lib.tls_builder_crl(self._handle, ffi.from_buffer(crl), len(crl)))

    def revocation(self, policy: int) -> None:
        """Sets what a missing or old CRL means (TLS_REVOCATION_*)."""
        self._check(lib.tls_builder_revocation(self._handle, policy))

    def alpn(self, protocols: Sequence[bytes]) -> None:
        """Sets the application protocols, most preferred first."""
        wire = alpn_wire(protocols)
        self._check(lib.tls_builder_alpn(self._handle, ffi.from_buffer(wire), len(wire)))

    def versions(self, least: int, most: int) -> None:
        """Sets the protocol versions: TLS_VERSION_1_2, TLS_VERSION_1_3."""
        self._check(lib.tls_builder_versions(self._handle, least, most))

    def client_auth(self, mode: int) -> None:
        """Sets whether a server asks for a client certificate (TLS_CLIENT_AUTH_*)."""
        self._check(lib.tls_builder_client_auth(self._handle, mode))

    def verify(self, mode: int) -> None:
        """Sets how the peer is verified (TLS_VERIFY_*)."""
        self._check(lib.tls_builder_verify(self._handle, mode))

    def suites(self, suites: Sequence[int]) -> None:
        """Sets the cipher suites by IANA number, in order of preference."""
        self._check(lib.tls_builder_suites(self._handle, suites, len(suites)))

    def groups(self, groups: Sequence[int]) -> None:
        """Sets the key exchange groups by IANA number, in order of preference."""
        self._check(lib.tls_builder_groups(self._handle, groups, len(groups)))

    def limits(self, inbound: int = 0, outbound: int = 0) -> None:
        """Sets the bounds of one connection's queues, in wire bytes; 0 keeps a default."""
        self._check(lib.tls_builder_limits(self._handle, inbound, outbound))

    def pool(self, size: int) -> None:
        """Sets the bound on unused buffers that a context keeps, in bytes."""
        self._check(lib.tls_builder_pool(self._handle, size))

    def sessions(self, count: int) -> None:
        """Sets the most sessions that a context remembers."""
        self._check(lib.tls_builder_sessions(self._handle, count))

    def events(self, mask: int) -> None:
        """Sets the kinds of events that connections record (TLS_EVENT_*)."""
        self._check(lib.tls_builder_events(self._handle, mask))

    def key_log(self) -> None:
        """Makes connections record every secret as an event: for debugging only."""
        self._check(lib.tls_builder_key_log(self._handle, 1))

    def client(self) -> Context:
        """Makes a context for clients."""
        error = new_error()
        return Context(lib.tls_context_client(self._handle, error), error)

    def server(self) -> Context:
        """Makes a context for servers."""
        error = new_error()
        return Context(lib.tls_context_server(self._handle, error), error)


class Context:
    """What connections share: immutable, used from any number of threads at once."""

    __slots__ = ("handle",)

    def __init__(self, handle: Any, error: Any) -> None:
        self.handle = handle
        if not handle:
            raise from_struct(error)

    def stop_tickets(self) -> None:
        """Makes a server's context issue no tickets: its one key is of a time that never comes."""
        key = ffi.new("tls_ticket_key_t *")
        key.size = ffi.sizeof("tls_ticket_key_t")
        key.secret_len = 32
        ffi.memmove(key.secret, os.urandom(32), 32)
        key.encrypt_from, key.decrypt_until = _NEVER, _NEVER + 1
        error = new_error()
        if lib.tls_context_ticket_keys(self.handle, key, 1, error) != lib.TLS_OK:
            raise from_struct(error)

    def __del__(self) -> None:
        if self.handle:
            lib.tls_context_free(self.handle)
