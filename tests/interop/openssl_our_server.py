"""Our server against `openssl s_client`."""

import re

from harness import (
    IDENTITIES,
    P256,
    P384,
    VERSION_IDS,
    VERSIONS,
    WAYS,
    X25519,
    X25519MLKEM768,
    InteropTest,
    certificates,
    pattern,
    rows,
)
from openssl_tools import GROUPS, SUITES, VERSION_FLAGS, VERSION_NAMES, SClient, identity
from openssl_tools import missing_group, suite_flag
from settings import pki


class OurServer(InteropTest):
    def start_client(self, server, *flags, **options):
        return self.start(SClient(server.port(), *flags, **options))

    def exchange(self, server, client):
        """200 KB there and back."""
        data = pattern()
        client.write(data)
        self.expect_same(client.wait_for_bytes(len(data)), data)
        self.assertEqual(client.finish(), 0)
        report = server.report()
        self.expect(report, status="TLS_CLOSED", error="TLS_OK", sent=len(data), received=len(data))
        return report

    def hello(self, client, text=b"hello\n"):
        """One line there and back, in the middle of whatever else the client prints."""
        client.write(text).join()
        client.wait_for(text.decode())

    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        options = {"chain": pki(f"{algorithm}/server-chain.pem"), "key": pki(f"{algorithm}/server.key")}
        flags = [VERSION_FLAGS[version]]
        if with_certificate:
            options |= {"client_auth": "required", "trust": pki(f"{algorithm}/ca.pem")}
            flags += identity("client", algorithm)
        server = self.our_server(**options)
        client = self.start_client(server, *flags, trust=pki(f"{algorithm}/ca.pem"))
        report = self.exchange(server, client)
        self.expect(
            report,
            version=VERSION_IDS[version],
            certificates=certificates(f"{algorithm}/client-chain.pem") if with_certificate else [],
            sni="server.test",
            resumed=0,
        )
        self.expect_text(
            client,
            f"Protocol version: {VERSION_NAMES[version]}\n",
            f"CN = {algorithm} server\n",
            "Verification: OK\n",
            "Verified peername: server.test\n",
        )

    @rows(
        ("1.2 X25519", "1.2", "X25519", X25519, False),
        ("1.2 P-256", "1.2", "P-256", P256, False),
        ("1.2 P-384", "1.2", "P-384", P384, False),
        ("1.3 X25519", "1.3", "X25519", X25519, False),
        ("1.3 P-256", "1.3", "P-256", P256, False),
        ("1.3 P-384", "1.3", "P-384", P384, False),
        ("1.3 X25519MLKEM768", "1.3", "X25519MLKEM768", X25519MLKEM768, False),
        ("1.3 P-521 to X25519 by HelloRetryRequest", "1.3", "P-521:X25519", X25519, True),
        ("1.3 P-521 to P-256 by HelloRetryRequest", "1.3", "P-521:P-256", P256, True),
        ("1.3 X448 to P-384 by HelloRetryRequest", "1.3", "X448:P-384", P384, True),
    )
    def test_group(self, version, offered, group, retried):
        if reason := missing_group(offered):
            self.skipTest(reason)
        # In TLS 1.2 the list of groups also says which curves a certificate may have: an RSA key has none.
        server = self.our_server(chain=pki("rsa/server-chain.pem"), key=pki("rsa/server.key"))
        client = self.start_client(server, VERSION_FLAGS[version], "-groups", offered)
        report = self.exchange(server, client)
        self.expect(report, version=VERSION_IDS[version], group=group, retried=retried)
        # Later releases of OpenSSL say it in other words.
        self.assertRegex(client.err(), f"(Temp Key|[Gg]roup): .*({'|'.join(map(re.escape, GROUPS[group]))})")

    @rows(*((f"{version} {name}", version, number, name, alg) for version, number, name, alg in SUITES))
    def test_suite(self, version, number, name, algorithm):
        server = self.our_server(
            chain=pki(f"{algorithm}/server-chain.pem"), key=pki(f"{algorithm}/server.key")
        )
        client = self.start_client(server, VERSION_FLAGS[version], *suite_flag(version, name))
        self.expect(self.exchange(server, client), suite=number)
        self.expect_text(client, f"Ciphersuite: {name}\n")

    @rows(*WAYS)
    def test_way(self, version, way_in, way_out):
        server = self.our_server(**{"in": way_in, "out": way_out})
        self.exchange(server, self.start_client(server, VERSION_FLAGS[version]))

    @rows(
        ("1.2 records of 512 bytes", "1.2", ("-max_send_frag", "512")),
        ("1.3 records of 512 bytes", "1.3", ("-max_send_frag", "512")),
        ("1.3 padded records", "1.3", ("-record_padding", "4096")),
        ("1.3 without middlebox compatibility", "1.3", ("-no_middlebox",)),
        ("1.2 without tickets", "1.2", ("-no_ticket",)),
        ("1.3 without tickets", "1.3", ("-no_ticket",)),
    )
    def test_shape(self, version, flags):
        server = self.our_server()
        client = self.start_client(server, VERSION_FLAGS[version], *flags)
        self.expect(self.exchange(server, client), version=VERSION_IDS[version])

    @rows(
        ("1.2 our first choice", "1.2", "h2,http/1.1", "http/1.1,h2", "h2"),
        ("1.3 our first choice", "1.3", "h2,http/1.1", "http/1.1,h2", "h2"),
        ("1.3 only one in common", "1.3", "h3,http/1.1", "http/1.1,h2", "http/1.1"),
    )
    def test_alpn(self, version, ours, theirs, chosen):
        server = self.our_server(alpn=ours)
        client = self.start_client(server, VERSION_FLAGS[version], "-alpn", theirs, brief=False)
        self.hello(client)
        self.assertEqual(client.finish(), 0)
        self.expect(server.report(), status="TLS_CLOSED", alpn=chosen)
        self.expect_text(client, f"ALPN protocol: {chosen}\n")

    def test_alpn_not_offered(self):
        """A client that knows nothing of ALPN is served without a protocol."""
        server = self.our_server(alpn="h2")
        self.expect(self.exchange(server, self.start_client(server)), alpn="")

    def test_no_sni(self):
        server = self.our_server()
        client = self.start_client(server, name=None)
        self.expect(self.exchange(server, client), sni="")

    @rows(
        *(
            (f"{label}{form}", name, subject, asker)
            for form, asker in (("", "ask_context"), (", by a context", "asking_context"))
            for label, name, subject in (
                ("the name of the second context", "other.wild.test", "CN = rsa direct\n"),
                ("another name", "server.test", "CN = ecdsa server\n"),
                ("no name", None, "CN = ecdsa server\n"),
            )
        )
    )
    def test_asked_for_context(self, name, subject, asker):
        """The server learns the name before it has chosen its certificate. Without a context it asks, or with one
        that is made to."""
        server = self.our_server(
            **{asker: True},
            other_name="other.wild.test",
            other_chain=pki("rsa/direct.pem"),
            other_key=pki("rsa/direct.key"),
        )
        client = self.start_client(server, name=name)
        report = self.exchange(server, client)
        self.expect(report, asked_context=True, asked_name=name or "", sni=name or "")
        self.expect_text(client, subject)

    @rows(*((f"{version} {verdict}", version, verdict) for version in VERSIONS for verdict in ("accept", "rules")))
    def test_asked_for_verdict(self, version, verdict):
        server = self.our_server(
            client_auth="required",
            trust=pki("trust/all.pem"),
            verify="ask",
            verdict=verdict,
        )
        client = self.start_client(server, VERSION_FLAGS[version], *identity("client", "rsa"))
        report = self.exchange(server, client)
        self.expect(report, asked_verify=True, certificates=certificates("rsa/client-chain.pem"))

    @rows(*((version, version) for version in VERSIONS))
    def test_optional_certificate(self, version):
        server = self.our_server(
            client_auth="optional",
            trust=pki("trust/all.pem"),
        )
        client = self.start_client(server, VERSION_FLAGS[version])
        self.expect(self.exchange(server, client), certificates=[])

    def test_shuffled_chain(self):
        """Our certificates are given in the wrong order: the client gets them in the right one."""
        server = self.our_server(chain=pki("rsa/server-chain-shuffled.pem"), key=pki("rsa/server.key"))
        client = self.start_client(server, brief=True)
        self.exchange(server, client)
        self.expect_text(client, "CN = rsa server\n", "Verification: OK\n")

    @rows(
        ("PKCS#1", "rsa/server-chain.pem", "keys/rsa-pkcs1.key"),
        ("SEC1", "ecdsa/server-chain.pem", "keys/ec-sec1.key"),
    )
    def test_key_form(self, chain, key):
        server = self.our_server(chain=pki(chain), key=pki(key))
        self.exchange(server, self.start_client(server))

    @rows(*((version, version) for version in VERSIONS))
    def test_resumption(self, version):
        server = self.our_server(count="2")
        session = str(self.directory / "session")
        first = self.start_client(server, VERSION_FLAGS[version], "-sess_out", session)
        self.hello(first)
        first.finish()
        second = self.start_client(server, VERSION_FLAGS[version], "-sess_in", session, brief=False)
        self.hello(second)
        second.finish()
        for report, resumed in zip(server.reports(), (0, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, version=VERSION_IDS[version])
        self.expect_text(second, f"Reused, {VERSION_NAMES[version]}")

    def test_key_update(self):
        """New keys in both directions in the middle of an echo, asked for by the client."""
        server = self.our_server()
        client = self.start_client(server, "-tls1_3", brief=False)
        self.hello(client, b"before\n")
        client.write(b"K\n").join()
        client.wait_for("KEYUPDATE\n")
        self.hello(client, b"after\n")
        client.finish()
        self.expect(server.report(), status="TLS_CLOSED", received=len("before\nafter\n"))

    @rows(*((version, version) for version in VERSIONS))
    def test_truncated(self, version):
        """The client vanishes in the middle of the connection, without close_notify."""
        server = self.our_server()
        client = self.start_client(server, VERSION_FLAGS[version])
        self.hello(client)
        client.kill()
        self.expect(server.report(), status="TLS_TRUNCATED", received=len("hello\n"))
