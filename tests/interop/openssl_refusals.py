"""Connections that must not come about, with OpenSSL on the other side: who refuses, with which alert, and what
the other side makes of it."""

from harness import VERSIONS, InteropTest, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer, identity
from settings import pki

BAD_CERTIFICATE = 42
UNSUPPORTED_CERTIFICATE = 43
CERTIFICATE_EXPIRED = 45
CERTIFICATE_UNKNOWN = 46
UNKNOWN_CA = 48
ACCESS_DENIED = 49
PROTOCOL_VERSION = 70
HANDSHAKE_FAILURE = 40
UNRECOGNIZED_NAME = 112
CERTIFICATE_REQUIRED = 116
NO_APPLICATION_PROTOCOL = 120

# A bad server certificate, the alert that we send for it, and the alert of OpenSSL.
BAD_SERVERS = (
    ("expired", CERTIFICATE_EXPIRED, CERTIFICATE_EXPIRED),
    ("notyet", CERTIFICATE_EXPIRED, BAD_CERTIFICATE),
    ("wronghost", BAD_CERTIFICATE, BAD_CERTIFICATE),
    ("selfsigned", UNKNOWN_CA, UNKNOWN_CA),
    ("unknownca", UNKNOWN_CA, UNKNOWN_CA),
    ("wrongusage", UNSUPPORTED_CERTIFICATE, UNSUPPORTED_CERTIFICATE),
)


def each_version(table):
    return tuple((f"{version} {row[0]}", version, *row) for version in VERSIONS for row in table)


def bad_identity(name):
    return "-cert", pki(f"bad/{name}.pem"), "-key", pki(f"bad/{name}.key")


class RefusalTest(InteropTest):
    def expect_their_alert(self, report, alert):
        """They refuse us. Whatever they refuse after our last flight, we learn from their alert."""
        self.expect(report, status="TLS_ERR_ALERT", error="TLS_ERR_ALERT", alert_received=alert, alert_sent=-1)

    def expect_our_alert(self, report, peer, status, alert):
        """We refuse them, and the alert reached them."""
        self.expect(report, status=status, error=status, alert_sent=alert, alert_received=-1)
        self.assertNotEqual(report["reason"], 0)
        self.assertNotEqual(report["message"], "")
        self.expect_text(peer, f"SSL alert number {alert}\n")


class OurClientRefuses(RefusalTest):
    def refuse(self, server, status, alert, **options):
        report = self.our_client(server.port(), job="exchange", expect="1", **options).report()
        server.finish()
        self.expect_our_alert(report, server, status, alert)
        self.expect(report, received=0)

    @rows(*each_version(BAD_SERVERS))
    def test_certificate(self, version, name, alert, _):
        server = self.start(SServer(VERSION_FLAGS[version], server_identity=bad_identity(name)))
        self.refuse(server, "TLS_ERR_CERTIFICATE", alert)

    @rows(*each_version((("server.invalid", BAD_CERTIFICATE), ("127.0.0.2", BAD_CERTIFICATE))))
    def test_name(self, version, name, alert):
        server = self.start(SServer(VERSION_FLAGS[version]))
        self.refuse(server, "TLS_ERR_CERTIFICATE", alert, name=name)

    @rows(*each_version((("missing intermediate", UNKNOWN_CA),)))
    def test_chain(self, version, _, alert):
        alone = ("-cert", pki("rsa/server.pem"), "-key", pki("rsa/server.key"))
        server = self.start(SServer(VERSION_FLAGS[version], server_identity=alone))
        self.refuse(server, "TLS_ERR_CERTIFICATE", alert)

    @rows(*each_version((("reject", CERTIFICATE_UNKNOWN), ("reject otherwise", ACCESS_DENIED))))
    def test_verdict(self, version, _, alert):
        """A good certificate that the host does not want."""
        server = self.start(SServer(VERSION_FLAGS[version]))
        self.refuse(server, "TLS_ERR_CERTIFICATE", alert, verify="ask", verdict=str(alert))

    @rows(*each_version(BAD_SERVERS))
    def test_verdict_by_the_rules(self, version, name, alert, _):
        server = self.start(SServer(VERSION_FLAGS[version], server_identity=bad_identity(name)))
        self.refuse(server, "TLS_ERR_CERTIFICATE", alert, verify="ask", verdict="rules")

    def test_certificate_taken_on_request(self):
        """The same bad certificate is no hindrance to a host that says so, or that asked not to verify."""
        for options in ({"verify": "ask", "verdict": "accept"}, {"verify": "none"}):
            with self.subTest(**options):
                server = self.start(SServer(server_identity=bad_identity("expired")))
                client = self.our_client(
                    server.port(), job="exchange", send=self.file_with(b"abc\n"), expect="4", **options
                )
                self.expect(client.report(), status="TLS_CLOSED", received=4)


class TheirServerRefuses(RefusalTest):
    @rows(("1.2", "1.2", HANDSHAKE_FAILURE), ("1.3", "1.3", CERTIFICATE_REQUIRED))
    def test_missing_certificate(self, version, alert):
        flags = ("-Verify", "3", "-verify_return_error", "-CAfile", pki("trust/all.pem"))
        server = self.start(SServer(VERSION_FLAGS[version], *flags))
        report = self.our_client(server.port(), job="exchange", expect="1").report()
        server.finish()
        self.expect_their_alert(report, alert)
        self.expect_text(server, "peer did not return a certificate")

    @rows(*((version, version) for version in VERSIONS))
    def test_unknown_certificate(self, version):
        flags = ("-Verify", "3", "-verify_return_error", "-CAfile", pki("bad/otherca.pem"))
        server = self.start(SServer(VERSION_FLAGS[version], *flags))
        identity = {"chain": pki("rsa/client-chain.pem"), "key": pki("rsa/client.key")}
        report = self.our_client(server.port(), job="exchange", expect="1", **identity).report()
        server.finish()
        self.expect_their_alert(report, UNKNOWN_CA)

    @rows(
        ("ours from 1.3, theirs 1.2", "1.3", "1.3", "-tls1_2"),
        ("ours up to 1.2, theirs 1.3", "1.2", "1.2", "-tls1_3"),
    )
    def test_version(self, lowest, highest, theirs):
        server = self.start(SServer(theirs))
        client = self.our_client(server.port(), job="exchange", expect="1", min=lowest, max=highest)
        self.expect_their_alert(client.report(), PROTOCOL_VERSION)

    @rows(("group", ("-groups", "P-521"), HANDSHAKE_FAILURE), ("suite", ("-cipher", "AES128-SHA"), HANDSHAKE_FAILURE))
    def test_nothing_in_common(self, flags, alert):
        version = "-tls1_2" if flags[0] == "-cipher" else "-tls1_3"
        server = self.start(SServer(version, *flags, server_identity=identity("server", "rsa")))
        self.expect_their_alert(self.our_client(server.port(), job="exchange", expect="1").report(), alert)

    @rows(*((version, version) for version in VERSIONS))
    def test_alpn(self, version):
        server = self.start(SServer(VERSION_FLAGS[version], "-alpn", "h3"))
        client = self.our_client(server.port(), job="exchange", expect="1", alpn="h2")
        self.expect_their_alert(client.report(), NO_APPLICATION_PROTOCOL)

    @rows(*((version, version) for version in VERSIONS))
    def test_name(self, version):
        second = ("-cert2", pki("rsa/direct.pem"), "-key2", pki("rsa/direct.key"))
        server = self.start(SServer(VERSION_FLAGS[version], "-servername", "a.test", "-servername_fatal", *second))
        client = self.our_client(server.port(), job="exchange", expect="1")
        self.expect_their_alert(client.report(), UNRECOGNIZED_NAME)


class OurServerRefuses(RefusalTest):
    def refuse(self, server, client, status, alert):
        client.finish()
        report = server.report()
        self.expect_our_alert(report, client, status, alert)
        self.expect(report, received=0)

    def verifying_server(self, **options):
        return self.our_server(client_auth="required", trust=pki("trust/all.pem"), **options)

    @rows(("1.2", "1.2", HANDSHAKE_FAILURE), ("1.3", "1.3", CERTIFICATE_REQUIRED))
    def test_missing(self, version, alert):
        """In TLS 1.3 the client takes the connection for made, and learns of the refusal when it reads on."""
        server = self.verifying_server()
        client = self.start(SClient(server.port(), VERSION_FLAGS[version]))
        client.wait_for("SSL alert number")
        self.refuse(server, client, "TLS_ERR_CERTIFICATE", alert)

    @rows(
        *each_version(
            (
                ("expired", "bad/client-expired", CERTIFICATE_EXPIRED),
                ("self-signed", "bad/client-selfsigned", UNKNOWN_CA),
                ("from an unknown CA", "bad/client-unknownca", UNKNOWN_CA),
                ("of a server", "ecdsa/direct", UNSUPPORTED_CERTIFICATE),
            )
        )
    )
    def test_certificate(self, version, _, name, alert):
        server = self.verifying_server()
        presented = ("-cert", pki(f"{name}.pem"), "-key", pki(f"{name}.key"))
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *presented))
        client.wait_for("SSL alert number")
        self.refuse(server, client, "TLS_ERR_CERTIFICATE", alert)

    @rows(*each_version((("reject", ACCESS_DENIED),)))
    def test_verdict(self, version, _, alert):
        server = self.verifying_server(verify="ask", verdict=str(alert))
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *identity("client", "rsa")))
        client.wait_for("SSL alert number")
        self.refuse(server, client, "TLS_ERR_CERTIFICATE", alert)

    @rows(*((version, version) for version in VERSIONS))
    def test_hello(self, version):
        """The host looks at the ClientHello and wants no context for it."""
        server = self.our_server(ask_context=True, refuse=str(UNRECOGNIZED_NAME))
        client = self.start(SClient(server.port(), VERSION_FLAGS[version]))
        self.refuse(server, client, "TLS_ERR_NO_COMMON", UNRECOGNIZED_NAME)

    @rows(
        ("ours from 1.3, theirs 1.2", "1.3", "1.3", ("-tls1_2",), PROTOCOL_VERSION),
        ("ours up to 1.2, theirs 1.3", "1.2", "1.2", ("-tls1_3",), PROTOCOL_VERSION),
        # Such an old ClientHello says nothing of signature schemes, which is missed before its version is.
        ("theirs 1.1", "1.2", "1.3", ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), HANDSHAKE_FAILURE),
    )
    def test_version(self, lowest, highest, flags, alert):
        server = self.our_server(min=lowest, max=highest)
        client = self.start(SClient(server.port(), *flags))
        self.refuse(server, client, "TLS_ERR_NO_COMMON", alert)

    @rows(
        ("1.2 suite", ("-tls1_2", "-cipher", "AES128-SHA")),
        ("1.2 group", ("-tls1_2", "-groups", "P-521")),
        ("1.3 group", ("-tls1_3", "-groups", "P-521")),
        ("1.3 suite", ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")),
        ("1.2 signature", ("-tls1_2", "-sigalgs", "RSA+SHA256")),
        ("1.3 signature", ("-tls1_3", "-sigalgs", "RSA-PSS+SHA256")),
    )
    def test_nothing_in_common(self, flags):
        server = self.our_server()
        client = self.start(SClient(server.port(), *flags))
        self.refuse(server, client, "TLS_ERR_NO_COMMON", HANDSHAKE_FAILURE)

    @rows(*((version, version) for version in VERSIONS))
    def test_alpn(self, version):
        server = self.our_server(alpn="h2")
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], "-alpn", "h3"))
        self.refuse(server, client, "TLS_ERR_NO_COMMON", NO_APPLICATION_PROTOCOL)


class TheirClientRefuses(RefusalTest):
    @rows(*each_version(BAD_SERVERS))
    def test_certificate(self, version, name, _, alert):
        server = self.our_server(chain=pki(f"bad/{name}.pem"), key=pki(f"bad/{name}.key"))
        client = self.start(SClient(server.port(), VERSION_FLAGS[version]))
        client.finish()
        self.expect_their_alert(server.report(), alert)
