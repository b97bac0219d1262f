"""Our connection beside OpenSSL's: the same calls, the same answers, the same exceptions."""

from __future__ import annotations

import copy
import gc
import pickle

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from pairs import (
    ROLES,
    VERSIONS,
    carry,
    failure,
    openssl_client,
    openssl_context,
    openssl_server,
    our_client,
    our_server,
    pair,
    reason,
    receive,
    shake,
    x509_der,
)
from pki import pem
from twisted.trial.unittest import SynchronousTestCase

from tlsbio.twisted import Connection, TLSError, failures


def der(name: str) -> bytes:
    return x509.load_pem_x509_certificate(pem(name)).public_bytes(Encoding.DER)


class Facts(SynchronousTestCase):
    """What both ends say of a connection is the same."""

    def test_both_ends_agree(self) -> None:
        for role in ROLES:
            for version in VERSIONS:
                ours, theirs = pair(role, version)
                self.assertEqual(ours.get_protocol_version_name(), version)
                for fact in (
                    "get_protocol_version_name",
                    "get_protocol_version",
                    "get_cipher_name",
                    "get_cipher_bits",
                    "get_cipher_version",
                    "get_alpn_proto_negotiated",
                    "get_servername" if role == "server" else "get_protocol_version",
                    "total_renegotiations",
                    "renegotiate_pending",
                    "get_shutdown",
                    "pending",
                ):
                    self.assertEqual(getattr(ours, fact)(), getattr(theirs, fact)(), (role, version, fact))
                for context in (None, b"", b"context"):
                    self.assertEqual(
                        ours.export_keying_material(b"EXPERIMENTAL-label", 48, context),
                        theirs.export_keying_material(b"EXPERIMENTAL-label", 48, context),
                    )

    def test_every_suite_has_openssls_name(self) -> None:
        suites = [
            ("ecdsa", name)
            for name in (
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
            )
        ] + [
            ("rsa", name)
            for name in (
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-RSA-AES256-GCM-SHA384",
                "ECDHE-RSA-CHACHA20-POLY1305",
            )
        ]
        for kind, name in suites:
            context = openssl_context(identity=f"{kind}/server-chain", version=SSL.TLS1_2_VERSION)
            context.set_cipher_list(name.encode())
            ours, theirs = our_client(trust=pem(f"{kind}/ca.pem")), openssl_server(context)
            shake(ours, theirs)
            self.assertEqual((ours.get_cipher_name(), theirs.get_cipher_name()), (name, name))
            self.assertEqual(ours.get_cipher_bits(), theirs.get_cipher_bits())
        for name in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            context = openssl_context(identity="ecdsa/server-chain", version=SSL.TLS1_3_VERSION)
            context.set_tls13_ciphersuites(name.encode())
            ours, theirs = our_client(), openssl_server(context)
            shake(ours, theirs)
            self.assertEqual((ours.get_cipher_name(), theirs.get_cipher_name()), (name, name))
            self.assertEqual(ours.get_cipher_bits(), theirs.get_cipher_bits())

    def test_groups_have_openssls_names(self) -> None:
        ours, theirs = pair("client")
        named = getattr(theirs, "get_group_name", None)
        self.assertIsNotNone(named, "this pyOpenSSL cannot name groups")
        self.assertEqual(ours.get_group_name(), named())

    def test_before_the_handshake(self) -> None:
        for ours, theirs in ((our_client(), openssl_client()), (our_server(), openssl_server())):
            for fact in (
                "get_peer_certificate",
                "get_peer_cert_chain",
                "get_cipher_name",
                "get_cipher_bits",
                "get_alpn_proto_negotiated",
                "get_shutdown",
                "total_renegotiations",
            ):
                self.assertEqual(getattr(ours, fact)(), getattr(theirs, fact)(), fact)
            self.assertEqual(ours.get_protocol_version_name(), "Unknown")

    def test_certificates(self) -> None:
        ours, _ = pair("client")
        certificate = ours.get_peer_certificate()
        self.assertIsInstance(certificate, crypto.X509)
        self.assertEqual(x509_der(certificate), der("ecdsa/server.pem"))
        self.assertEqual(
            ours.get_peer_certificate(as_cryptography=True).public_bytes(Encoding.DER), x509_der(certificate)
        )
        self.assertEqual(
            [x509_der(one) for one in ours.get_peer_cert_chain()],
            [der("ecdsa/server.pem"), der("ecdsa/inter.pem")],
        )
        self.assertIsNone(ours.get_certificate())

        ours, _ = pair("server")
        self.assertEqual(x509_der(ours.get_certificate()), der("ecdsa/server.pem"))
        self.assertIsNone(ours.get_peer_certificate())
        self.assertIsNone(ours.get_peer_cert_chain())

    def test_client_certificates_in_both_roles(self) -> None:
        chain, key = pem("ecdsa/client-chain.pem"), pem("ecdsa/client.key")
        ours = our_client(identity=(chain, key))
        theirs = openssl_server(openssl_context(identity="ecdsa/server-chain", trust="ecdsa/ca.pem"))
        shake(ours, theirs)
        self.assertEqual(x509_der(theirs.get_peer_certificate()), der("ecdsa/client.pem"))
        self.assertEqual(x509_der(ours.get_certificate()), der("ecdsa/client.pem"))

        ours = our_server(client_trust=pem("ecdsa/ca.pem"))
        theirs = openssl_client(openssl_context(identity="ecdsa/client-chain", trust="ecdsa/ca.pem"))
        shake(ours, theirs)
        self.assertEqual(x509_der(ours.get_peer_certificate()), der("ecdsa/client.pem"))
        # On a server the peer's own certificate is not in the chain: OpenSSL's way.
        reference = openssl_server(openssl_context(identity="ecdsa/server-chain", trust="ecdsa/ca.pem"))
        shake(reference, openssl_client(openssl_context(identity="ecdsa/client-chain", trust="ecdsa/ca.pem")))
        self.assertEqual(
            [x509_der(one) for one in ours.get_peer_cert_chain()],
            [x509_der(one) for one in reference.get_peer_cert_chain()],
        )


class Bytes(SynchronousTestCase):
    """Wire bytes and plain bytes."""

    def test_nothing_to_read(self) -> None:
        ours, _ = pair("client")
        self.assertRaises(SSL.WantReadError, ours.recv, 100)
        self.assertRaises(SSL.WantReadError, ours.recv_into, bytearray(100))
        self.assertRaises(SSL.WantReadError, ours.bio_read, 100)
        server = our_server()
        self.assertRaises(SSL.WantReadError, server.recv, 100)
        self.assertRaises(SSL.WantReadError, server.send, b"too early")
        self.assertRaises(SSL.WantReadError, server.bio_read, 100)

    def test_small_messages_both_ways(self) -> None:
        for role in ROLES:
            for version in VERSIONS:
                ours, theirs = pair(role, version)
                self.assertEqual(ours.send(b"from us"), 7)
                carry(ours, theirs)
                self.assertEqual(theirs.recv(100), b"from us")
                theirs.send(b"from them")
                carry(theirs, ours)
                self.assertEqual(ours.recv(4), b"from")
                self.assertEqual(ours.pending(), 5)
                self.assertEqual(ours.recv(100), b" them")
                self.assertRaises(SSL.WantReadError, ours.recv, 100)

    def test_all_buffers(self) -> None:
        ours, theirs = pair("client")
        for data in (b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), memoryview(b"-bytes-")[1:6]):
            self.assertEqual(ours.send(data), 5)
            carry(ours, theirs)
            self.assertEqual(theirs.recv(100), b"bytes")
        self.assertEqual(ours.send(b""), 0)
        self.assertEqual(ours.sendall(b"all"), 3)
        self.assertEqual(ours.write(b"more"), 4)
        carry(ours, theirs)
        self.assertEqual(theirs.recv(3) + theirs.recv(4), b"allmore")

    def test_receive_into(self) -> None:
        ours, theirs = pair("server")
        theirs.send(b"0123456789")
        carry(theirs, ours)
        buffer = bytearray(b"-" * 6)
        self.assertEqual(ours.recv_into(buffer, 4), 4)
        self.assertEqual(buffer, b"0123--")
        self.assertEqual(ours.recv_into(memoryview(buffer)[4:]), 2)
        self.assertEqual(buffer, b"012345")
        self.assertEqual(ours.recv_into(buffer, 100), 4)
        self.assertEqual(buffer[:4], b"6789")
        self.assertRaises((TypeError, BufferError), ours.recv_into, b"read only")
        self.assertRaises(NotImplementedError, ours.recv, 1, 2)
        self.assertRaises(ValueError, ours.recv, -1)

    def test_any_amount_at_once(self) -> None:
        """A memory BIO takes everything, in both directions: more than the library's limits, too."""
        data = bytes(range(256)) * 8000
        for role in ROLES:
            ours, theirs = pair(role)
            self.assertEqual(ours.send(data), len(data))
            carry(ours, theirs)
            self.assertEqual(receive(theirs, len(data)), data)

            theirs.sendall(data)
            wire = theirs.bio_read(1 << 25)
            self.assertEqual(ours.bio_write(wire), len(wire))
            theirs.send(b"behind it")
            carry(theirs, ours)
            theirs.shutdown()
            carry(theirs, ours)
            ours.bio_shutdown()
            self.assertEqual(receive(ours, len(data) + 9), data + b"behind it")
            self.assertRaises(SSL.ZeroReturnError, ours.recv, 100)

    def test_the_end_comes_behind_what_did_not_fit(self) -> None:
        ours, theirs = pair("client")
        data = b"x" * 200_000
        theirs.sendall(data)
        ours.bio_write(theirs.bio_read(1 << 20))
        ours.bio_shutdown()
        self.assertEqual(receive(ours, len(data)), data)
        self.assertEqual(self.assertRaises(SSL.SysCallError, ours.recv, 1).args, (-1, "Unexpected EOF"))

    def test_wire_is_given_in_pieces(self) -> None:
        ours, theirs = pair("server")
        ours.send(b"y" * 100_000)
        pieces = []
        while True:
            try:
                pieces.append(ours.bio_read(1000))
            except SSL.WantReadError:
                break
        self.assertTrue(all(len(piece) == 1000 for piece in pieces[:-1]))
        theirs.bio_write(b"".join(pieces))
        self.assertEqual(receive(theirs, 100_000), b"y" * 100_000)

    def test_byte_by_byte(self) -> None:
        ours, theirs = our_server(), openssl_client()
        for _ in range(4):
            for source, sink in ((theirs, ours), (ours, theirs)):
                try:
                    source.do_handshake()
                except SSL.WantReadError:
                    pass
                try:
                    wire = source.bio_read(1 << 15)
                except SSL.WantReadError:
                    continue
                for index in range(len(wire)):
                    sink.bio_write(wire[index : index + 1])
        ours.send(b"done")
        carry(ours, theirs)
        self.assertEqual(theirs.recv(4), b"done")

    def test_wrong_arguments(self) -> None:
        ours, _ = pair("client")
        for call in (ours.bio_write, ours.send, ours.recv_into):
            self.assertRaises(TypeError, call, "text")
            self.assertRaises(TypeError, call, None)
        self.assertRaises(TypeError, ours.bio_read, "1")
        self.assertRaises(ValueError, ours.bio_read, 0)
        self.assertRaises(TypeError, ours.recv, "1")
        self.assertRaises(ValueError, ours.recv_into, bytearray(1), -1)
        self.assertRaises(SSL.WantReadError, ours.recv, 1 << 62)
        self.assertRaises(SSL.WantReadError, ours.bio_read, 1 << 62)
        self.assertEqual(ours.recv(0), b"")


class Ends(SynchronousTestCase):
    """How connections end."""

    def test_shutdown_waits_for_the_peer(self) -> None:
        for role in ROLES:
            for version in VERSIONS:
                ours, theirs = pair(role, version)
                self.assertFalse(ours.shutdown())
                self.assertFalse(ours.shutdown())
                self.assertEqual(ours.get_shutdown(), SSL.SENT_SHUTDOWN)
                carry(ours, theirs)
                self.assertRaises(SSL.ZeroReturnError, theirs.recv, 10)
                # What the peer sends after our close_notify is not lost.
                theirs.send(b"last words")
                carry(theirs, ours)
                self.assertFalse(ours.shutdown())
                self.assertEqual(ours.recv(100), b"last words")
                self.assertTrue(theirs.shutdown())
                carry(theirs, ours)
                self.assertTrue(ours.shutdown())
                self.assertEqual(ours.get_shutdown(), SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
                self.assertRaises(SSL.ZeroReturnError, ours.recv, 10)

    def test_the_peer_closes_first(self) -> None:
        ours, theirs = pair("server")
        theirs.send(b"bye")
        theirs.shutdown()
        carry(theirs, ours)
        self.assertEqual(ours.recv(10), b"bye")
        for _ in range(3):
            self.assertRaises(SSL.ZeroReturnError, ours.recv, 10)
        self.assertEqual(ours.get_shutdown(), SSL.RECEIVED_SHUTDOWN)
        # Half close: this side may still send.
        self.assertEqual(ours.send(b"answer"), 6)
        self.assertTrue(ours.shutdown())
        carry(ours, theirs)
        self.assertEqual(theirs.recv(10), b"answer")
        self.assertRaises(SSL.ZeroReturnError, theirs.recv, 10)

    def test_nothing_can_be_sent_after_shutdown(self) -> None:
        ours, theirs = pair("client")
        ours.shutdown()
        theirs.shutdown()
        self.assertEqual(reason(self.assertRaises(SSL.Error, ours.send, b"x")), "protocol is shutdown")
        self.assertEqual(reason(self.assertRaises(SSL.Error, theirs.send, b"x")), "protocol is shutdown")

    def test_shutdown_in_a_handshake(self) -> None:
        for ours, theirs in ((our_client(), openssl_client()), (our_server(), openssl_server())):
            for _ in range(2):
                self.assertRaises(SSL.WantReadError, ours.do_handshake)
                self.assertRaises(SSL.WantReadError, theirs.do_handshake)
                expected = self.assertRaises(SSL.Error, theirs.shutdown)
                self.assertEqual(self.assertRaises(SSL.Error, ours.shutdown).args, expected.args)

    def test_the_transport_ends(self) -> None:
        for role in ROLES:
            ours, theirs = pair(role)
            for connection in (ours, theirs):
                connection.bio_shutdown()
                error = self.assertRaises(SSL.SysCallError, connection.recv, 10)
                self.assertEqual(error.args, (-1, "Unexpected EOF"))

    def test_the_transport_ends_in_a_handshake(self) -> None:
        for ours in (our_client(), our_server()):
            self.assertRaises(SSL.WantReadError, ours.do_handshake)
            ours.bio_shutdown()
            for call in (
                ours.do_handshake,
                lambda ours=ours: ours.recv(1),
                lambda ours=ours: ours.send(b"x"),
            ):
                self.assertEqual(self.assertRaises(SSL.SysCallError, call).args, (-1, "Unexpected EOF"))

    def test_close_notify_in_a_handshake(self) -> None:
        """It ends a handshake as the end of the transport does, and at once.

        Never by a ZeroReturnError, which Twisted cannot take in a handshake: it looks for a reason in the error.
        """
        for ours in (our_client(), our_server()):
            ours.bio_write(bytes.fromhex("15030300020100"))
            for _ in range(2):
                self.assertEqual(self.assertRaises(SSL.SysCallError, ours.do_handshake).args, (-1, "Unexpected EOF"))
                ours.bio_shutdown()

    def test_closed(self) -> None:
        ours, _ = pair("client")
        ours.close()
        ours.close()
        for call in (
            lambda: ours.recv(1),
            lambda: ours.send(b"x"),
            lambda: ours.bio_write(b"x"),
            lambda: ours.bio_read(1),
            ours.do_handshake,
            ours.shutdown,
            ours.bio_shutdown,
        ):
            self.assertRaises(SSL.Error, call)


class Failures(SynchronousTestCase):
    """What goes wrong is said in OpenSSL's words, and the peer hears of it."""

    def test_the_alert_is_readable_after_a_failure(self) -> None:
        ours, theirs = our_client(trust=pem("bad/otherca.pem")), openssl_server()
        mine, peers = failure(ours, theirs)
        assert isinstance(mine, TLSError)
        self.assertEqual(reason(mine), "certificate verify failed")
        self.assertEqual((mine.alert_sent, mine.alert_received), (48, -1))
        self.assertIn("certificate verify failed: ", str(mine))
        self.assertEqual(reason(peers), "tlsv1 alert unknown ca")
        # The error stays, and what still comes is taken.
        self.assertEqual(ours.bio_write(b"more"), 4)
        self.assertEqual(self.assertRaises(SSL.Error, ours.recv, 1).args, mine.args)
        self.assertEqual(self.assertRaises(SSL.Error, ours.send, b"x").args, mine.args)
        self.assertRaises(SSL.Error, ours.shutdown)

    def test_an_alert_of_the_peer(self) -> None:
        ours, theirs = our_server(), openssl_client(openssl_context(trust="bad/otherca.pem"))
        mine, peers = failure(ours, theirs)
        assert isinstance(mine, TLSError)
        self.assertEqual(reason(peers), "certificate verify failed")
        self.assertEqual(reason(mine), "tlsv1 alert unknown ca")
        self.assertEqual(mine.alert_received, 48)

    def test_alerts_have_openssls_names(self) -> None:
        """One connection of each for every alert: both say the same."""
        for alert in range(256):
            if alert in (0, 90, 100) or alert not in failures._ALERTS:
                continue
            wire = bytes((21, 3, 3, 0, 2, 2, alert))
            ours, theirs = our_client(), openssl_client(openssl_context(version=SSL.TLS1_2_VERSION))
            for connection in (ours, theirs):
                self.assertRaises(SSL.WantReadError, connection.do_handshake)
                connection.bio_write(wire)
            expected = reason(self.assertRaises(SSL.Error, theirs.do_handshake))
            self.assertEqual(reason(self.assertRaises(SSL.Error, ours.do_handshake)), expected, alert)

    def test_a_missing_client_certificate(self) -> None:
        ours, theirs = our_server(client_trust=pem("ecdsa/ca.pem")), openssl_client()
        mine, peers = failure(ours, theirs)
        self.assertEqual(reason(mine), "peer did not return a certificate")
        self.assertEqual(reason(peers), "tlsv13 alert certificate required")

        ours = our_client()
        theirs = openssl_server(openssl_context(identity="ecdsa/server-chain", trust="ecdsa/ca.pem"))
        mine, peers = failure(ours, theirs)
        self.assertEqual(reason(peers), "peer did not return a certificate")
        self.assertEqual(reason(mine), "tlsv13 alert certificate required")

    def test_a_bad_client_certificate(self) -> None:
        ours = our_server(client_trust=pem("ecdsa/ca.pem"))
        theirs = openssl_client(openssl_context(identity="bad/client-unknownca", trust="ecdsa/ca.pem"))
        mine, _ = failure(ours, theirs)
        self.assertEqual(reason(mine), "certificate verify failed")

    def test_nothing_in_common(self) -> None:
        client = openssl_context(version=SSL.TLS1_3_VERSION)
        client.set_tls13_ciphersuites(b"TLS_AES_128_CCM_SHA256")
        mine, peers = failure(our_server(), openssl_client(client))
        self.assertEqual(reason(mine), "no shared cipher")
        self.assertEqual(reason(peers), "tls alert handshake failure")

        from twisted.internet.ssl import TLSVersion

        ours = our_server(oldest=TLSVersion.TLSv1_3)
        mine, peers = failure(ours, openssl_client(openssl_context(version=SSL.TLS1_2_VERSION)))
        self.assertEqual(reason(mine), "unsupported protocol")
        self.assertEqual(reason(peers), "tlsv1 alert protocol version")

    def test_not_tls(self) -> None:
        for ours in (our_server(), our_client()):
            ours.bio_write(b"GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(reason(self.assertRaises(SSL.Error, ours.do_handshake)), "wrong version number")

    def test_a_record_that_was_altered(self) -> None:
        for version in VERSIONS:
            ours, theirs = pair("server", version)
            theirs.send(b"good")
            carry(theirs, ours)
            theirs.send(b"altered")
            wire = bytearray(theirs.bio_read(1000))
            wire[-1] ^= 1
            ours.bio_write(wire)
            self.assertEqual(ours.recv(100), b"good")
            self.assertEqual(
                reason(self.assertRaises(SSL.Error, ours.recv, 100)), "decryption failed or bad record mac"
            )
            carry(ours, theirs)
            self.assertEqual(reason(self.assertRaises(SSL.Error, theirs.recv, 1)), "tls alert bad record mac")

    def test_errors_travel(self) -> None:
        """To other processes, and into copies."""
        mine, _ = failure(our_client(trust=pem("bad/otherca.pem")), openssl_server())
        for other in (pickle.loads(pickle.dumps(mine)), copy.copy(mine)):
            self.assertIsInstance(other, TLSError)
            self.assertEqual((other.args, vars(other), str(other)), (mine.args, vars(mine), str(mine)))

    def test_nothing_is_kept_for_nobody(self) -> None:
        """After a failure what comes is taken, and thrown away: even if much was waiting."""
        ours, theirs = pair("server")
        theirs.sendall(b"x" * 300_000)
        wire = bytearray(theirs.bio_read(1 << 20))
        wire[20] ^= 1
        ours.bio_write(wire)
        self.assertRaises(TLSError, ours.recv, 1)
        for _ in range(3):
            self.assertEqual(ours.bio_write(bytes(100_000)), 100_000)
            self.assertIsNone(ours._unfed)

    def test_errors_hold_nothing_of_ours(self) -> None:
        """Somebody keeps an error: no other error hangs at it, whose frames would hold the connection."""
        ours, theirs = our_client(trust=pem("bad/otherca.pem")), openssl_server()
        mine, _ = failure(ours, theirs)
        assert mine is not None
        self.assertIsNone(mine.__context__)
        self.assertIsNone(mine.__cause__)
        ours, _ = pair("client")
        for kind, call in (
            (SSL.WantReadError, lambda: ours.recv(1)),
            (SSL.WantReadError, lambda: ours.bio_read(1)),
        ):
            one, other = self.assertRaises(kind, call), self.assertRaises(kind, call)
            self.assertIsNot(one, other)
            self.assertIsNone(one.__context__)


class Roles(SynchronousTestCase):
    """Whose connection it is."""

    def test_a_role_cannot_be_changed(self) -> None:
        self.assertRaises(ValueError, our_client().set_accept_state)
        self.assertRaises(ValueError, our_server().set_connect_state)

    def test_a_connection_learns_of_nobody(self) -> None:
        class Somebody:
            pass

        somebody = Somebody()
        for ours in (our_client(), our_server(), pair("client")[0], pair("server")[0]):
            ours.set_app_data(somebody)
            self.assertIsNone(ours.get_app_data())
            self.assertNotIn(somebody, gc.get_referents(ours))
        self.assertEqual([one for one in gc.get_referrers(somebody) if isinstance(one, Connection)], [])

    def test_a_connection_has_no_dict(self) -> None:
        with self.assertRaises(AttributeError):
            our_client().protocol = object()  # type: ignore[attr-defined]

    def test_no_renegotiation(self) -> None:
        ours, _ = pair("client", "TLSv1.2")
        self.assertFalse(ours.renegotiate())
        self.assertFalse(ours.renegotiate_pending())
        self.assertEqual(ours.total_renegotiations(), 0)
