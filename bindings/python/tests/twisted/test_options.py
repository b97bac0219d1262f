"""What programs configure: names, trust, application protocols; and what cannot work is said at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from pairs import (
    failure,
    openssl_client,
    openssl_context,
    openssl_server,
    our_client,
    our_server,
    reason,
    shake,
    x509_der,
)
from pki import path, pem
from twisted.internet import ssl
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
    IProtocolNegotiationFactory,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import TLSVersion
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tlsbio.config import Builder
from tlsbio.errors import Error
from tlsbio.raw import lib
from tlsbio.twisted import ClientOptions, ConfigError, ServerOptions, optionsForClientTLS, optionsForServerTLS


def server_options(kind: str = "ecdsa", **settings: Any) -> ServerOptions:
    return ServerOptions(pem(f"{kind}/server-chain.pem"), pem(f"{kind}/server.key"), **settings)


def private_certificate(name: str) -> ssl.PrivateCertificate:
    return ssl.PrivateCertificate.loadPEM(pem(f"{name}.pem") + pem(f"{name}.key"))


@implementer(IProtocolNegotiationFactory)
class NegotiatingFactory(Factory):
    protocol = Protocol

    def __init__(self, protocols: list[bytes]) -> None:
        self._protocols = protocols

    def acceptableProtocols(self) -> list[bytes]:
        return self._protocols


class Interfaces(SynchronousTestCase):
    def test_they_are_what_twisted_takes(self) -> None:
        verifyObject(IOpenSSLServerConnectionCreator, server_options())
        verifyObject(IOpenSSLClientConnectionCreator, ClientOptions("server.test", pem("ecdsa/ca.pem")))

    def test_a_server_is_no_client(self) -> None:
        """Twisted itself says so, when the factory is made."""
        for options, is_client in (
            (server_options(), True),
            (ClientOptions("a.test", pem("ecdsa/ca.pem")), False),
        ):
            with self.assertRaises(TypeError):
                TLSMemoryBIOFactory(options, is_client, Factory.forProtocol(Protocol))
        self.flushWarnings()


class Mistakes(SynchronousTestCase):
    """Everything that cannot work is an error when options are made, and says which argument it is."""

    def refused(self, text: str, make: Any, *args: Any, **settings: Any) -> ConfigError:
        error: ConfigError = self.assertRaises(ConfigError, make, *args, **settings)
        self.assertIn(text, str(error))
        self.assertIsInstance(error, ValueError)
        self.assertIsInstance(error, Error)
        return error

    def test_identities(self) -> None:
        chain, key = pem("ecdsa/server-chain.pem"), pem("ecdsa/server.key")
        self.refused("chain, key", ServerOptions, chain, pem("keys/mismatch.key"))
        self.refused("chain, key", ServerOptions, chain, pem("keys/rsa-pkcs8-encrypted.key"))
        self.refused("chain, key", ServerOptions, key, key)
        self.refused("chain, key", ServerOptions, chain, chain)
        self.refused("chain, key", ServerOptions, chain[:300], key)
        self.refused("chain, key", ServerOptions, chain, None)
        self.refused("chain, key", ServerOptions, None, key)
        self.refused("chain, key", ServerOptions, None, None)
        self.refused("not its name", ServerOptions, path("ecdsa/server-chain.pem"), key)
        self.refused("not its name", ServerOptions, chain, path("ecdsa/server.key"))
        self.assertRaises(TypeError, ServerOptions, 1, key)
        self.refused("identity", ClientOptions, "a.test", pem("ecdsa/ca.pem"), (chain, pem("keys/mismatch.key")))
        self.assertRaises(TypeError, ClientOptions, "a.test", pem("ecdsa/ca.pem"), chain)

    def test_trust(self) -> None:
        self.refused("trust", ClientOptions, "a.test", b"")
        self.refused("trust", ClientOptions, "a.test", [])
        self.refused("trust", ClientOptions, "a.test", pem("ecdsa/server.key"))
        self.refused("client_trust", server_options, client_trust=[])
        self.assertRaises(TypeError, ClientOptions, "a.test", 5)
        self.assertRaises(TypeError, ClientOptions, "a.test", [5])

    def test_names(self) -> None:
        for name in (
            "",
            "no such name",
            "a..b",
            "x" * 64 + ".test",
            "-",
            "a.test:443",
            "300.1.1.1",
            "ä" * 64 + ".test",
        ):
            self.refused("hostname", ClientOptions, name, pem("ecdsa/ca.pem"))
        for name in (b"a.test", None, 5):
            self.assertRaises(TypeError, ClientOptions, name, pem("ecdsa/ca.pem"))
        self.refused("send_server_name", ClientOptions, "::1", pem("ecdsa/ca.pem"), send_server_name=True)
        self.refused("names", server_options, names={})
        self.refused("names", server_options, names={"ä" * 64: server_options()})
        self.assertRaises(TypeError, server_options, names={"a.test": 5})
        nested = ServerOptions(None, None, names={"a.test": server_options()})
        self.refused("names['b.test']", server_options, names={"b.test": nested})

    def test_protocols_and_versions(self) -> None:
        self.refused("alpn", server_options, alpn=[b""])
        self.refused("alpn", server_options, alpn=[b"x" * 256])
        self.assertRaises(TypeError, server_options, alpn=b"h2")
        self.assertRaises(TypeError, server_options, alpn=["h2"])
        self.refused("oldest", server_options, oldest=TLSVersion.TLSv1_1)
        self.refused("newest", server_options, newest=0x0304)
        self.refused("oldest, newest", server_options, oldest=TLSVersion.TLSv1_3, newest=TLSVersion.TLSv1_2)
        self.refused("sessions", ClientOptions, "a.test", pem("ecdsa/ca.pem"), sessions=-1)
        self.refused("sessions", ClientOptions, "a.test", pem("ecdsa/ca.pem"), sessions=1 << 40)

    def test_options_of_twisteds_that_cannot_be_honoured(self) -> None:
        for extra in (
            {"verifyDepth": 3},
            {"acceptableCiphers": None},
            {"insecurelyLowerMinimumTo": TLSVersion.TLSv1_0},
        ):
            self.refused(
                next(iter(extra)),
                optionsForClientTLS,
                "a.test",
                pem("ecdsa/ca.pem"),
                extraCertificateOptions=extra,
            )
        self.assertRaises(TypeError, optionsForClientTLS, b"a.test")


class Trust(SynchronousTestCase):
    """Trust roots in all the forms that programs have them."""

    def forms(self) -> Iterator[Any]:
        text = pem("ecdsa/ca.pem")
        certificate = ssl.Certificate.loadPEM(text)
        yield text
        yield text.decode()
        yield bytearray(text)
        yield certificate
        yield certificate.original
        yield x509.load_pem_x509_certificate(text)
        yield ssl.trustRootFromCertificates([certificate])
        yield [pem("bad/otherca.pem"), certificate]
        yield (ssl.trustRootFromCertificates([certificate]), pem("rsa/ca.pem"))
        yield pem("bad/otherca.pem") + text

    def test_all_forms(self) -> None:
        for trust in self.forms():
            shake(our_client(trust=trust), openssl_server())
            shake(
                our_server(client_trust=trust),
                openssl_client(openssl_context(identity="ecdsa/client-chain", trust="ecdsa/ca.pem")),
            )

    def test_a_trust_root_that_trusts_others(self) -> None:
        for trust in (pem("bad/otherca.pem"), ssl.Certificate.loadPEM(pem("bad/otherca.pem"))):
            mine, _ = failure(our_client(trust=trust), openssl_server())
            self.assertEqual(reason(mine), "certificate verify failed")

    def test_a_trust_root_of_others(self) -> None:
        """Whatever adds itself to a context of OpenSSL's by its public calls."""

        class FromFile:
            def _addCACertsToContext(self, context: Any) -> None:
                context.load_verify_locations(path("ecdsa/ca.pem"))

        shake(our_client(trust=FromFile()), openssl_server())

        class FromFolder:
            def _addCACertsToContext(self, context: Any) -> None:
                context.load_verify_locations(None, path("ecdsa"))

        self.assertRaises(ConfigError, our_client, trust=FromFolder())

    def test_self_signed_certificates(self) -> None:
        """Whoever trusts one trusts the peer that shows it, and nobody else: as with OpenSSL, whatever marks it has."""
        for name in ("bad/selfsigned", "bad/selfsigned-ca"):
            text = pem(f"{name}.pem")
            for trust in (text, ssl.Certificate.loadPEM(text), [pem("bad/otherca.pem"), text]):
                shake(our_client(trust=trust), openssl_server(openssl_context(identity=name)))
            for hostname, identity in (("other.test", name), ("server.test", "ecdsa/direct")):
                theirs = openssl_server(openssl_context(identity=identity))
                mine, _ = failure(our_client(hostname, trust=text), theirs)
                self.assertEqual(reason(mine), "certificate verify failed", (name, hostname))
            mine, _ = failure(our_client(trust=pem("bad/otherca.pem")), openssl_server(openssl_context(identity=name)))
            self.assertEqual(reason(mine), "certificate verify failed")
        for name in ("bad/client-selfsigned", "bad/selfsigned-ca-wrongusage"):
            ours = our_server(client_trust=ssl.Certificate.loadPEM(pem(f"{name}.pem")))
            shake(ours, openssl_client(openssl_context(identity=name, trust="ecdsa/ca.pem")))
            self.assertIsNotNone(ours.get_peer_certificate())

    def test_the_system(self) -> None:
        """The system's trust store, where SSL_CERT_FILE says that it is."""
        self.patch(os, "environ", os.environ.copy())
        before = os.environ.get("SSL_CERT_FILE")
        os.putenv("SSL_CERT_FILE", path("ecdsa/ca.pem"))
        self.addCleanup(
            os.putenv if before else os.unsetenv,
            *(["SSL_CERT_FILE", before] if before else ["SSL_CERT_FILE"]),
        )
        for trust in (None, ssl.platformTrust(), [ssl.platformTrust(), pem("bad/otherca.pem")]):
            options = ClientOptions("server.test", trust)
            shake(options.clientConnectionForTLS(None), openssl_server())
        os.putenv("SSL_CERT_FILE", path("bad/otherca.pem"))
        mine, _ = failure(ClientOptions("server.test").clientConnectionForTLS(None), openssl_server())
        self.assertEqual(reason(mine), "certificate verify failed")

    def test_what_is_wrong_with_a_server(self) -> None:
        for fault in ("expired", "notyet", "wronghost", "selfsigned", "unknownca", "wrongusage"):
            theirs = openssl_server(openssl_context(identity=f"bad/{fault}"))
            mine, peers = failure(our_client(), theirs)
            self.assertEqual(reason(mine), "certificate verify failed", fault)
            self.assertIsNotNone(peers, fault)
            theirs = openssl_server(openssl_context(identity=f"bad/{fault}"))
            shake(our_client(dangerously_accept_any_certificate=True), theirs)

    def test_a_client_certificate_may_be_optional(self) -> None:
        options = {"client_trust": pem("ecdsa/ca.pem"), "client_required": False}
        ours = our_server(**options)
        shake(ours, openssl_client())
        self.assertIsNone(ours.get_peer_certificate())
        ours = our_server(**options)
        shake(ours, openssl_client(openssl_context(identity="ecdsa/client-chain", trust="ecdsa/ca.pem")))
        self.assertIsNotNone(ours.get_peer_certificate())
        ours = our_server(**options)
        mine, _ = failure(ours, openssl_client(openssl_context(identity="bad/client-unknownca", trust="ecdsa/ca.pem")))
        self.assertEqual(reason(mine), "certificate verify failed")

    def test_nothing_else_is_passed_over(self) -> None:
        """Beside a peer's own certificate there is one with what OpenSSL trusts it for, or CRLs."""
        command = ["openssl", "x509", "-in", path("ecdsa/ca.pem"), "-trustout", "-addreject", "serverAuth"]
        trusted = subprocess.run(command, check=True, capture_output=True).stdout
        for more in trusted, pem("crl/all.crl"):
            for text in (pem("bad/selfsigned.pem") + more, more + pem("bad/selfsigned.pem")):
                self.assertRaises(ConfigError, ClientOptions, "localhost", text)


class Names(SynchronousTestCase):
    """Who a client asks for, and what a server has for each name."""

    def served(self, options: ServerOptions, name: str | None, trust: str = "trust/all.pem") -> bytes:
        """The certificate that a client of OpenSSL's is shown."""
        ours = options.serverConnectionForTLS(None)
        theirs = openssl_client(openssl_context(trust=trust), name)
        shake(ours, theirs)
        shown = x509_der(theirs.get_peer_certificate())
        own = ours.get_certificate()
        assert isinstance(own, crypto.X509)
        self.assertEqual(x509_der(own), shown)
        self.assertEqual(ours.get_servername(), None if name is None else name.lower().encode())
        return shown

    def shown(self, kind: str) -> bytes:
        return x509_der(crypto.load_certificate(crypto.FILETYPE_PEM, pem(f"{kind}/server.pem")))

    def test_a_map_of_names(self) -> None:
        options = server_options(
            "ecdsa",
            names={
                "Rsa.test": server_options("rsa"),
                "*.wild.test": server_options("ed25519"),
                "rsa.wild.test": server_options("rsa"),
                "bücher.example": server_options("ed25519"),
            },
        )
        for name, kind in {
            "rsa.test": "rsa",
            "RSA.TEST": "rsa",
            "a.wild.test": "ed25519",
            "rsa.wild.test": "rsa",
            "a.b.wild.test": "ecdsa",
            "wild.test": "ecdsa",
            "xn--bcher-kva.example": "ed25519",
            "unknown.test": "ecdsa",
            None: "ecdsa",
        }.items():
            self.assertEqual(self.served(options, name), self.shown(kind), name)

    def test_names_alone(self) -> None:
        options = ServerOptions(None, None, names={"rsa.test": server_options("rsa")})
        self.assertEqual(self.served(options, "rsa.test"), self.shown("rsa"))
        for name in ("unknown.test", None):
            ours = options.serverConnectionForTLS(None)
            mine, peers = failure(ours, openssl_client(name=name))
            self.assertEqual(reason(mine), "clienthello tlsext")
            self.assertEqual(reason(peers), "tlsv1 unrecognized name")

    def test_a_mapping_that_is_asked_at_each_handshake(self) -> None:
        asked = []

        class Live(Mapping[str, ServerOptions]):
            def __getitem__(self, name: str) -> Any:
                asked.append(name)
                return {"rsa.test": rsa, "odd.test": 5}[name] if name != "bug.test" else 1 / 0

            def __iter__(self) -> Iterator[str]:
                raise AssertionError("nobody needs all names")

            __len__ = __iter__  # type: ignore[assignment]

        rsa = server_options("rsa")
        options = server_options("ecdsa", names=Live())
        self.assertEqual(self.served(options, "rsa.test"), self.shown("rsa"))
        self.assertEqual(self.served(options, "else.test"), self.shown("ecdsa"))
        self.assertEqual(asked, ["rsa.test", "else.test"])
        # What goes wrong in the host's code refuses the client, and is logged: nobody gets another's certificate.
        for name, kind in (("odd.test", TypeError), ("bug.test", ZeroDivisionError)):
            mine, peers = failure(options.serverConnectionForTLS(None), openssl_client(name=name))
            self.assertEqual(reason(peers), "tlsv1 unrecognized name")
            self.assertIsNotNone(mine)
            self.assertEqual(len(self.flushLoggedErrors(kind)), 1)

    def test_each_name_has_rules_of_its_own(self) -> None:
        options = server_options(
            names={"closed.test": server_options("rsa", client_trust=pem("ecdsa/ca.pem"), alpn=[b"closed"])}
        )
        shake(options.serverConnectionForTLS(None), openssl_client(name="open.test"))
        mine, _ = failure(options.serverConnectionForTLS(None), openssl_client(openssl_context(), name="closed.test"))
        self.assertEqual(reason(mine), "peer did not return a certificate")
        ours = options.serverConnectionForTLS(None)
        context = openssl_context(identity="ecdsa/client-chain", trust="trust/all.pem", offer=[b"other", b"closed"])
        shake(ours, openssl_client(context, "closed.test"))
        self.assertEqual(ours.get_alpn_proto_negotiated(), b"closed")

    def test_what_a_client_sends(self) -> None:
        for hostname, sent, settings in (
            ("server.test", b"server.test", {}),
            ("Server.Test", b"server.test", {}),
            ("a.wild.test", b"a.wild.test", {}),
            ("127.0.0.1", None, {}),
            ("::1", None, {}),
            ("server.test", None, {"send_server_name": False}),
            ("127.0.0.1", None, {"send_server_name": False}),
        ):
            theirs = openssl_server()
            shake(our_client(hostname, **settings), theirs)
            self.assertEqual(theirs.get_servername(), sent, hostname)
        # Not to send a name is not to forget it.
        mine, _ = failure(our_client("other.test", send_server_name=False), openssl_server())
        self.assertEqual(reason(mine), "certificate verify failed")
        mine, _ = failure(our_client("127.0.0.2"), openssl_server())
        self.assertEqual(reason(mine), "certificate verify failed")

    def test_an_international_name(self) -> None:
        theirs = openssl_server()
        mine, _ = failure(our_client("Bücher.example"), theirs)
        self.assertEqual(reason(mine), "certificate verify failed")
        self.assertEqual(theirs.get_servername(), b"xn--bcher-kva.example")

    def test_one_recipe_for_several_servers(self) -> None:
        first = ClientOptions("server.test", pem("ecdsa/ca.pem"), alpn=[b"h2"])
        for hostname in ("localhost", "a.wild.test"):
            theirs = openssl_server(openssl_context(identity="ecdsa/server-chain", choose=[b"h2"]))
            ours = first.with_hostname(hostname).clientConnectionForTLS(None)
            shake(ours, theirs)
            self.assertEqual(theirs.get_servername(), hostname.encode())
            self.assertEqual(ours.get_alpn_proto_negotiated(), b"h2")
        self.assertRaises(ConfigError, first.with_hostname, "no name")


class Alpn(SynchronousTestCase):
    """Application protocols."""

    def test_a_server_chooses(self) -> None:
        for offered, chosen in (([b"http/1.1", b"h2"], b"h2"), ([b"http/1.1"], b"http/1.1"), (None, b"")):
            ours = our_server(alpn=[b"h2", b"http/1.1"])
            theirs = openssl_client(openssl_context(trust="ecdsa/ca.pem", offer=offered))
            shake(ours, theirs)
            self.assertEqual(ours.get_alpn_proto_negotiated(), chosen)
            self.assertEqual(theirs.get_alpn_proto_negotiated(), chosen)

    def test_a_server_refuses(self) -> None:
        theirs = openssl_client(openssl_context(trust="ecdsa/ca.pem", offer=[b"spdy/1"]))
        mine, peers = failure(our_server(alpn=[b"h2"]), theirs)
        self.assertEqual(reason(mine), "no application protocol")
        self.assertEqual(reason(peers), "tlsv1 alert no application protocol")

    def test_a_client_offers(self) -> None:
        for choose, chosen in (([b"http/1.1"], b"http/1.1"), (None, b"")):
            ours = our_client(alpn=[b"h2", b"http/1.1"])
            shake(ours, openssl_server(openssl_context(identity="ecdsa/server-chain", choose=choose)))
            self.assertEqual(ours.get_alpn_proto_negotiated(), chosen)

    def test_the_factory_of_the_protocol_has_protocols(self) -> None:
        """As with OpenSSL: those of the factory come before those of the options."""
        client = ClientOptions("server.test", pem("ecdsa/ca.pem"), alpn=[b"own", b"both"])
        factory = TLSMemoryBIOFactory(client, True, NegotiatingFactory([b"both", b"factory"]))
        offered: list[bytes] = []
        context = openssl_context(identity="ecdsa/server-chain")

        def choice(_: SSL.Connection, protocols: list[bytes]) -> bytes:
            offered.extend(protocols)
            return protocols[0]

        context.set_alpn_select_callback(choice)
        shake(client.clientConnectionForTLS(factory.buildProtocol(None)), openssl_server(context))
        self.assertEqual(offered, [b"both", b"factory", b"own"])

        for settings in ({}, {"names": {"server.test": server_options(alpn=[b"own"])}}):
            server = server_options(alpn=[b"own"], **settings)
            wrapped = TLSMemoryBIOFactory(server, False, NegotiatingFactory([b"factory"]))
            for offer, chosen in (([b"own", b"factory"], b"factory"), ([b"own"], b"own")):
                ours = server.serverConnectionForTLS(wrapped.buildProtocol(None))
                shake(ours, openssl_client(openssl_context(trust="ecdsa/ca.pem", offer=offer)))
                self.assertEqual(ours.get_alpn_proto_negotiated(), chosen)

    def test_factories_cannot_fill_the_memory(self) -> None:
        client = ClientOptions("server.test", pem("ecdsa/ca.pem"))
        for number in range(100):
            factory = TLSMemoryBIOFactory(client, True, NegotiatingFactory([b"%d" % number]))
            client.clientConnectionForTLS(factory.buildProtocol(None)).close()
        self.assertLessEqual(len(client._recipe._contexts), client._recipe.MOST_CONTEXTS)


class OfTheBuilder(SynchronousTestCase):
    """What there is no argument for."""

    def test_suites_groups_and_revocation(self) -> None:
        builder = Builder()
        builder.suites([0x1303])
        builder.groups([0x0018])
        ours, theirs = our_client(builder=builder), openssl_server()
        shake(ours, theirs)
        self.assertEqual(theirs.get_cipher_name(), "TLS_CHACHA20_POLY1305_SHA256")
        self.assertEqual(ours.get_group_name(), "secp384r1")

        builder = Builder()
        builder.crl(pem("crl/all.crl"))
        theirs = openssl_server(openssl_context(identity="bad/revoked-chain"))
        mine, peers = failure(our_client(builder=builder), theirs)
        self.assertEqual(reason(mine), "certificate verify failed")
        self.assertIn("revoked", str(mine))
        self.assertEqual(reason(peers), "tls alert certificate revoked")

        builder = Builder()
        builder.suites([0xC02F])
        error = self.assertRaises(ConfigError, server_options, builder=builder, oldest=TLSVersion.TLSv1_3)
        self.assertIn("options: ", str(error))


class LikeTwisteds(SynchronousTestCase):
    """The two functions with the parameters of Twisted's own."""

    def test_a_client(self) -> None:
        authority = ssl.Certificate.loadPEM(pem("ecdsa/ca.pem"))
        mine = private_certificate("ecdsa/direct")
        for version, extra in (
            ("TLSv1.3", None),
            ("TLSv1.3", {"raiseMinimumTo": TLSVersion.TLSv1_3}),
            ("TLSv1.2", {"lowerMaximumSecurityTo": TLSVersion.TLSv1_2}),
        ):
            options = optionsForClientTLS(
                "server.test", authority, mine, [b"h2"], extraCertificateOptions=extra, sendServerName=False
            )
            ours = options.clientConnectionForTLS(None)
            theirs = openssl_server(openssl_context(identity="ecdsa/server-chain", choose=[b"h2"]))
            shake(ours, theirs)
            self.assertIsNone(theirs.get_servername())
            self.assertEqual(ours.get_alpn_proto_negotiated(), b"h2")
            self.assertEqual(ours.get_protocol_version_name(), version)
            self.assertEqual(x509_der(ours.get_certificate()), mine.dump())

    def test_a_server(self) -> None:
        mine = private_certificate("ecdsa/server")
        authority = ssl.Certificate.loadPEM(pem("ecdsa/ca.pem"))
        inter = crypto.load_certificate(crypto.FILETYPE_PEM, pem("ecdsa/inter.pem"))
        options = optionsForServerTLS(mine, authority, extraCertChain=[inter], acceptableProtocols=[b"h2"])
        ours = options.serverConnectionForTLS(None)
        theirs = openssl_client(openssl_context(identity="ecdsa/client-chain", trust="ecdsa/ca.pem", offer=[b"h2"]))
        shake(ours, theirs)
        self.assertEqual(ours.get_alpn_proto_negotiated(), b"h2")
        self.assertIsNotNone(ours.get_peer_certificate())
        mine_, _ = failure(options.serverConnectionForTLS(None), openssl_client())
        self.assertEqual(reason(mine_), "peer did not return a certificate")
        self.assertEqual(self.flushWarnings(), [])


class Sessions(SynchronousTestCase):
    """Resumption."""

    def test_sessions_are_resumed_unless_none_are_kept(self) -> None:
        server = SSL.Context(SSL.TLS_METHOD)
        server.use_certificate_chain_file(path("ecdsa/server-chain.pem"))
        server.use_privatekey_file(path("ecdsa/server.key"))
        server.set_session_id(b"tests")
        for sessions, resumed in ((256, [0, 1]), (0, [0, 0])):
            first = ClientOptions("localhost", pem("ecdsa/ca.pem"), sessions=sessions)
            seen = []
            for _ in range(2):
                # Options of the same recipe share what they remember.
                options = first.with_hostname("server.test")
                ours, theirs = options.clientConnectionForTLS(None), openssl_server(server)
                shake(ours, theirs)
                self.assertRaises(SSL.WantReadError, ours.recv, 1)
                seen.append(lib.tls_resumed(ours._handle))
            self.assertEqual(seen, resumed)
