"""PEP 748: buffers that are fed and drained, made of configurations."""

from __future__ import annotations

from typing import Any

import pytest
from pairs import PKI

from tlsbio import tlslib


def signing(name: str) -> tlslib.SigningChain:
    text = (PKI / f"{name}-chain.pem").read_bytes()
    first, *rest = [part + b"-----END CERTIFICATE-----\n" for part in text.split(b"-----END CERTIFICATE-----\n")[:-1]]
    key = tlslib.PrivateKey.from_file(PKI / f"{name}.key")
    return tlslib.SigningChain((tlslib.Certificate.from_buffer(first), key), list(map(tlslib.Certificate, rest)))


CLIENT = tlslib.TLSClientConfiguration(trust_store=tlslib.TrustStore.from_file(PKI / "ecdsa/ca.pem"))
SERVER = tlslib.TLSServerConfiguration(certificate_chain=[signing("ecdsa/server")])


def carry(giver: tlslib.TLSBuffer, taker: tlslib.TLSBuffer, piece: int = 1000) -> None:
    while giver.outgoing_bytes_buffered():
        waiting = giver.outgoing_bytes_buffered()
        data = giver.process_outgoing(piece)
        assert 0 < len(data) <= piece and giver.outgoing_bytes_buffered() == waiting - len(data)
        before = taker.incoming_bytes_buffered()
        taker.process_incoming(data)
        assert taker.incoming_bytes_buffered() == before + len(data)


def connected(client: Any = CLIENT, server: Any = SERVER, name: str = "localhost") -> list[tlslib.TLSBuffer]:
    pair = [tlslib.ClientContext(client).create_buffer(name), tlslib.ServerContext(server).create_buffer()]
    waiting = list(pair)
    while waiting:
        for side, other in (pair, pair[::-1]):
            if side in waiting:
                try:
                    side.do_handshake()
                    waiting.remove(side)
                except tlslib.WantReadError:
                    pass
            carry(side, other)
    return pair


def test_a_connection() -> None:
    client, server = connected()
    assert client.negotiated_tls_version is tlslib.TLSVersion.TLSv1_3
    assert client.cipher() == server.cipher() and client.cipher() is not None
    assert client.negotiated_protocol() is None
    certificate = client.getpeercert()
    assert certificate is not None and b"BEGIN CERTIFICATE" in certificate.pem and server.getpeercert() is None
    with pytest.raises(tlslib.WantReadError):
        server.read(100)
    assert client.write(b"x" * 40_000) == 40_000
    carry(client, server)
    received = b""
    while len(received) < 40_000:
        piece = server.read(30_000)
        assert isinstance(piece, bytes)
        received += piece
    assert received == b"x" * 40_000
    server.write(b"answer")
    carry(server, client)
    target = bytearray(10)
    assert client.read(10, target) == 6 and target[:6] == b"answer"
    with pytest.raises(tlslib.WantReadError):
        client.shutdown()
    carry(client, server)
    assert server.read(10) == b""
    server.shutdown()
    carry(server, client)
    client.shutdown()


def test_what_is_configured() -> None:
    suite = tlslib.CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
    client = CLIENT.update(
        ciphers=[0xFEFE, suite],
        highest_supported_version=tlslib.TLSVersion.TLSv1_2,
        inner_protocols=[b"own", tlslib.NextProtocol.H2],
        certificate_chain=signing("ecdsa/client"),
    )
    server = SERVER.update(inner_protocols=[tlslib.NextProtocol.H2], trust_store=CLIENT.trust_store)
    one, other = connected(client, server)
    assert one.negotiated_tls_version is tlslib.TLSVersion.TLSv1_2 and one.cipher() is suite
    assert one.negotiated_protocol() is other.negotiated_protocol() is tlslib.NextProtocol.H2
    assert other.getpeercert() is not None
    assert isinstance(one.context, tlslib.ClientContext) and one.context.configuration is client


def test_errors() -> None:
    with pytest.raises(tlslib.TLSError, match="certificate verify failed"):
        connected(name="other.example")
    with pytest.raises(tlslib.TLSError, match="certificate verify failed"):
        connected(CLIENT.update(trust_store=tlslib.TrustStore.from_file(PKI / "rsa/ca.pem")))
    client, server = connected()
    server.process_incoming(b"")
    with pytest.raises(tlslib.RaggedEOF):
        server.read(1)
    client.process_incoming(b"\x17\x03\x03\x00\x02??")
    with pytest.raises(tlslib.TLSError):
        while True:
            client.read(1)
    for wrong in (
        lambda: tlslib.ServerContext(tlslib.TLSServerConfiguration()),
        lambda: tlslib.ClientContext(CLIENT.update(ciphers=[0xFEFE])),
        lambda: tlslib.ClientContext(CLIENT.update(trust_store=tlslib.TrustStore(b"junk"))),
    ):
        with pytest.raises(tlslib.ConfigurationError):
            wrong()
    assert "PRIVATE" not in repr(signing("ecdsa/server"))
