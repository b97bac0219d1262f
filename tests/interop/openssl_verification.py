"""What is added to the rules of verification, with OpenSSL on the other side."""

import time

from harness import VERSIONS, InteropTest, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer
from settings import pki, settings

BAD_CERTIFICATE = 42
CERTIFICATE_REVOKED = 44
CERTIFICATE_EXPIRED = 45
CERTIFICATE_UNKNOWN = 46
UNKNOWN_CA = 48
DECRYPT_ERROR = 51

# TLS_REASON_CERTIFICATE_*
UNSUPPORTED, WEAK_KEY = 209, 221

STRICT, ALLOW_UNKNOWN, END_ENTITY_ONLY = "0", "1", "2"


def each_version(*table):
    return rows(*((f"{version} {row[0]}", version, *row[1:]) for version in VERSIONS for row in table))


def presented(name, issuer=None):
    return (
        *("-cert", pki(f"{name}.pem"), "-key", pki(f"{name}.key")),
        *(("-cert_chain", pki(f"{issuer}.pem")) if issuer else ()),
    )


GOOD = presented("ecdsa/server", "ecdsa/inter")
ALONE = presented("ecdsa/server")
REVOKED = presented("bad/revoked", "ecdsa/inter")

DAY = 24 * 60 * 60

# TLS_NAME_*
EMAIL, DNS, URI, IP = 1, 2, 6, 7
SERVER_NAMES = [[DNS, "localhost"], [DNS, "server.test"], [DNS, "*.wild.test"], [IP, "127.0.0.1"], [IP, "::1"]]


class OurClient(InteropTest):
    def connect(self, version, identity, alert, flags=(), **options):
        """alert 0: the connection comes about."""
        server = self.start(SServer(VERSION_FLAGS[version], *flags, server_identity=identity))
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(b"abc\n"), expect="4", **options
        )
        report = client.report()
        server.finish()
        if alert:
            self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)
            self.expect_text(server, f"SSL alert number {alert}\n")
        else:
            self.expect(report, status="TLS_CLOSED", received=4)
        return server, report

    @each_version(
        ("revoked", REVOKED, CERTIFICATE_REVOKED, "crl/all.crl", STRICT),
        ("revoked, in DER", REVOKED, CERTIFICATE_REVOKED, "crl/inter.der", END_ENTITY_ONLY),
        ("not revoked", GOOD, 0, "crl/all.crl", STRICT),
        ("unknown", GOOD, UNKNOWN_CA, "crl/inter.crl", STRICT),
        ("unknown allowed", GOOD, 0, "crl/inter.crl", ALLOW_UNKNOWN),
        ("issuer revoked", GOOD, CERTIFICATE_REVOKED, "crl/root-revokes-inter.crl", ALLOW_UNKNOWN),
    )
    def test_revocation(self, version, identity, alert, crl, policy):
        self.connect(version, identity, alert, crl=pki(crl), revocation=policy)

    @each_version(
        ("filled in", {"intermediates": "ecdsa/inter.pem"}, 0),
        ("missing", {}, UNKNOWN_CA),
    )
    def test_intermediate(self, version, files, alert):
        self.connect(version, ALONE, alert, **{name: pki(file) for name, file in files.items()})

    @each_version(
        ("own key", "ecdsa/server.pin", "peer", 0),
        ("trust anchor", "ecdsa/ca.pin", "peer", 0),
        ("another key", "rsa/ca.pin", "peer", CERTIFICATE_UNKNOWN),
        ("own key alone", "ecdsa/server.pin", "none", 0),
        ("another key alone", "ecdsa/client.pin", "none", CERTIFICATE_UNKNOWN),
    )
    def test_pin(self, version, pin, verify, alert):
        self.connect(version, GOOD, alert, pin=pki(pin), verify=verify)

    @each_version(("another", "a.test", 'TLS client extension "server name"'), ("none", "none", None))
    def test_name_sent(self, version, sni, shown):
        """The server would refuse another name than a.test; the certificate is for server.test."""
        second = ("-cert2", pki("ecdsa/direct.pem"), "-key2", pki("ecdsa/direct.key"))
        flags = ("-servername", "a.test", "-servername_fatal", "-tlsextdebug", *second)
        server, _ = self.connect(version, GOOD, 0, flags, sni=sni)
        if shown:
            self.expect_text(server, shown)
        else:
            self.assertNotIn('extension "server name"', server.text())
            self.expect_text(server, 'extension "supported_groups"')

    @each_version(
        ("expired, and the time is back then", presented("bad/expired"), 0, -10),
        ("expired, and the time is before that", presented("bad/expired"), CERTIFICATE_EXPIRED, -40),
        ("not yet valid, and the time is then", presented("bad/notyet"), 0, 70),
        ("valid, and the time is much later", GOOD, CERTIFICATE_EXPIRED, 400),
    )
    def test_time(self, version, identity, alert, days):
        self.connect(version, identity, alert, verify_time=int(time.time()) + days * DAY)

    @each_version(
        ("RSA key of 1024 bits", presented("weak/rsa1024"), "CN = 1024 bits", WEAK_KEY, CERTIFICATE_UNKNOWN),
        ("signed over SHA-1", presented("weak/sha1"), "CN = SHA-1", UNSUPPORTED, DECRYPT_ERROR),
        (
            "under a root of 1024 bits",
            presented("weak/under1024"),
            "CN = under 1024 bits",
            WEAK_KEY,
            CERTIFICATE_UNKNOWN,
        ),
    )
    def test_weak(self, version, identity, subject, reason, alert):
        """A server of OpenSSL's security level 0, at which its own client takes each of them."""
        flags = (VERSION_FLAGS[version], "-cipher", "ALL:@SECLEVEL=0")
        trust = self.file_with(
            b"".join((settings.pki / name).read_bytes() for name in ("trust/all.pem", "weak/ca1024.pem")), "trust"
        )
        server = self.start(SServer(*flags, connections=2, server_identity=identity))
        theirs = self.start(SClient(server.port(), *flags, trust=trust))
        theirs.wait_for("Verification: OK\n")
        self.expect_text(theirs, f"{subject}\n")
        theirs.finish()
        client = self.our_client(server.port(), job="exchange", expect="1", trust=trust)
        report = client.report()
        server.finish()
        self.expect(report, status="TLS_ERR_CERTIFICATE", reason=reason, alert_sent=alert, received=0)

    @each_version(("of a server", GOOD, SERVER_NAMES),)
    def test_names(self, version, identity, names):
        _, report = self.connect(version, identity, 0)
        self.expect(report, names=names)

    @each_version(("wrong", "server.invalid", "server.test"))
    def test_name_verified(self, version, name, sni):
        self.connect(version, GOOD, BAD_CERTIFICATE, name=name, sni=sni)

    @each_version(("stapled", ("-status_file",)), ("not stapled", ()))
    def test_ocsp(self, version, flags):
        response = settings.pki / "ecdsa/server.ocsp"
        flags = (*flags, str(response)) if flags else ()
        _, report = self.connect(version, GOOD, 0, flags, verify="ask", verdict="rules")
        self.expect(report, asked_verify=True, ocsp=response.read_bytes().hex() if flags else "")


class OurServer(InteropTest):
    def serve(self, version, *flags, **options):
        server = self.our_server(**options)
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *flags, brief=False))
        return server, client

    @each_version(("revoked", "bad/client-revoked", CERTIFICATE_REVOKED), ("not revoked", "ecdsa/client", 0))
    def test_revocation(self, version, name, alert):
        rules = {"client_auth": "required", "trust": pki("trust/all.pem"), "crl": pki("crl/all.crl")}
        server, client = self.serve(version, *presented(name, "ecdsa/inter"), **rules)
        if alert:
            client.wait_for(f"SSL alert number {alert}")
            client.finish()
            self.expect(server.report(), status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)
        else:
            client.write(b"hello\n").join()
            client.wait_for("hello")
            client.finish()
            self.expect(server.report(), status="TLS_CLOSED", received=6)

    @each_version(("of a client",))
    def test_names(self, version):
        rules = {"client_auth": "required", "trust": pki("trust/all.pem")}
        server, client = self.serve(version, *presented("ecdsa/client-names"), **rules)
        client.write(b"hello\n").join()
        client.wait_for("hello")
        client.finish()
        names = [[EMAIL, "one@names.test"], [DNS, "client.test"], [URI, "spiffe://names.test/one"]]
        self.expect(server.report(), status="TLS_CLOSED", names=names)

    @each_version(("stapled", True), ("not stapled", False))
    def test_ocsp(self, version, stapled):
        server, client = self.serve(version, "-status", ocsp=pki("ecdsa/server.ocsp") if stapled else None)
        client.write(b"hello\n").join()
        client.wait_for("hello")
        client.finish()
        self.expect(server.report(), status="TLS_CLOSED", received=6)
        if stapled:
            self.expect_text(client, "OCSP Response Status: successful", "Cert Status: good")
        else:
            self.expect_text(client, "OCSP response: no response sent")
