"""Identities, verification as data, and both questions about them, with GnuTLS on the other side."""

from gnutls_peer import GnutlsTest
from harness import VERSIONS, certificates, pattern_lines, rows
from settings import pki, settings

# (label, name, the subject that is shown): the first identity has one name, the second has a wildcard.
NAMES = (
    ("exact name", "one.wild.test", "ecdsa exact"),
    ("wildcard name", "two.wild.test", "rsa server"),
    ("another name", "server.test", "rsa server"),
)
REFUSED = "Error in handshake: A TLS fatal alert has been received."


def each_version(*table):
    return rows(*((f"{version} {row[0]}", version, *row[1:]) for version in VERSIONS for row in table))


class OurServer(GnutlsTest):
    def visit(self, server, *flags, **options):
        client = self.start_client(server, *flags, **options)
        client.write(b"hello\n")
        client.wait_for("hello\n")
        client.finish()
        report = server.report()
        self.expect(report, status="TLS_CLOSED", received=6)
        return client, report

    def refused(self, server, alert, *flags, **options):
        client = self.start_client(server, *flags, **options)
        client.wait_for(rf"\[{alert}\]")
        client.finish()
        return server.report()

    @each_version(*NAMES)
    def test_identity_by_name(self, version, name, subject):
        server = self.our_server(
            chain=pki("ecdsa/exact.pem"),
            key=pki("ecdsa/exact.key"),
            more_chain=pki("rsa/server-chain.pem"),
            more_key=pki("rsa/server.key"),
        )
        client, report = self.visit(server, version=version, name=name)
        self.expect(report, sni=name)
        self.expect_text(client, f"CN={subject},", "Status: The certificate is trusted.")

    @each_version(*NAMES)
    def test_asked_for_context(self, version, name, subject):
        server = self.our_server(
            chain=pki("rsa/server-chain.pem"),
            key=pki("rsa/server.key"),
            ask_context=True,
            other_name="one.wild.test",
            other_chain=pki("ecdsa/exact.pem"),
            other_key=pki("ecdsa/exact.key"),
        )
        client, report = self.visit(server, version=version, name=name)
        self.expect(report, asked_context=True, asked_name=name)
        self.expect_text(client, f"CN={subject},", "Status: The certificate is trusted.")

    @each_version(("refused",))
    def test_no_context(self, version):
        server = self.our_server(ask_context=True, refuse="112")
        report = self.refused(server, 112, version=version)
        self.expect(report, asked_context=True, alert_sent=112, received=0)

    @each_version(
        ("accepted", "accept", "bad/client-revoked", None),
        ("accepted by the rules", "rules", "ecdsa/client", None),
        ("refused by the rules", "rules", "bad/client-revoked", 44),
        ("refused", "45", "ecdsa/client", 45),
    )
    def test_asked_for_verdict(self, version, verdict, name, alert):
        rules = {"trust": pki("trust/all.pem"), "crl": pki("crl/all.crl")}
        server = self.our_server(client_auth="required", verify="ask", verdict=verdict, **rules)
        identity = ("--x509certfile", pki(f"{name}-chain.pem"), "--x509keyfile", pki(f"{name}.key"))
        if alert:
            report = self.refused(server, alert, *identity, version=version)
            self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)
        else:
            _, report = self.visit(server, *identity, version=version)
            self.expect(report, certificates=certificates(f"{name}-chain.pem"))
        self.expect(report, asked_verify=True)

    @each_version(("revoked", "bad/client-revoked", 44), ("not revoked", "ecdsa/client", None))
    def test_revocation(self, version, name, alert):
        server = self.our_server(client_auth="required", trust=pki("trust/all.pem"), crl=pki("crl/all.crl"))
        identity = ("--x509certfile", pki(f"{name}-chain.pem"), "--x509keyfile", pki(f"{name}.key"))
        if alert:
            report = self.refused(server, alert, *identity, version=version)
            self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert)
        else:
            self.visit(server, *identity, version=version)

    @each_version(("stapled", True), ("not stapled", False))
    def test_ocsp(self, version, stapled):
        """What GnuTLS saved is what we sent, and it has checked it."""
        response, saved = settings.pki / "ecdsa/server.ocsp", self.directory / "saved"
        server = self.our_server(ocsp=response if stapled else None)
        client, _ = self.visit(server, "--save-ocsp", saved, version=version)
        if stapled:
            self.assertEqual(saved.read_bytes(), response.read_bytes())
            self.expect_text(client, "OCSP status request,")
        else:
            self.assertFalse(saved.exists() and saved.read_bytes())


class OurClient(GnutlsTest):
    def visit(self, version, identity, *flags, **options):
        server, port = self.start_server(*flags, version=version, identity=identity)
        lines = pattern_lines(100)
        client = self.our_client(port, job="exchange", send=self.file_with(lines), expect=len(lines), **options)
        report = client.report()
        return server, report

    def good(self, report):
        self.expect(report, status="TLS_CLOSED", received=100)

    @each_version(
        ("accepted", "accept", ("bad/selfsigned.pem", "bad/selfsigned.key"), None),
        ("accepted by the rules", "rules", None, None),
        ("refused by the rules", "rules", ("bad/selfsigned.pem", "bad/selfsigned.key"), 48),
        ("refused", "46", None, 46),
    )
    def test_asked_for_verdict(self, version, verdict, identity, alert):
        server, report = self.visit(version, identity, verify="ask", verdict=verdict)
        self.expect(report, asked_verify=True)
        if alert:
            self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)
            server.wait_for(REFUSED)
        else:
            self.good(report)

    @each_version(("revoked", "bad/revoked", 44), ("not revoked", "ecdsa/server", None))
    def test_revocation(self, version, name, alert):
        identity = f"{name}-chain.pem", f"{name}.key"
        server, report = self.visit(version, identity, crl=pki("crl/all.crl"))
        if alert:
            self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert)
            server.wait_for(REFUSED)
        else:
            self.good(report)

    @each_version(("own key", "ecdsa/server.pin", None), ("another key", "rsa/ca.pin", 46))
    def test_pin(self, version, pin, alert):
        _, report = self.visit(version, None, pin=pki(pin))
        if alert:
            self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert)
        else:
            self.good(report)

    @each_version(("another", "one.wild.test", "one.wild.test"), ("none", "none", None))
    def test_name_sent(self, version, sni, seen):
        server, report = self.visit(version, None, sni=sni)
        self.good(report)
        # What there is to say of the connection stands in front of what came over it.
        server.wait_for("received cmd: ")
        if seen:
            self.expect_text(server, f"Given server name[1]: {seen}")
        else:
            self.assertNotIn("Given server name", server.text())

    @each_version(("stapled", True), ("not stapled", False))
    def test_ocsp(self, version, stapled):
        response = settings.pki / "ecdsa/server.ocsp"
        flags = ("--ocsp-response", response, "--ignore-ocsp-response-errors") if stapled else ()
        _, report = self.visit(version, None, *flags, verify="ask", verdict="rules")
        self.good(report)
        self.expect(report, ocsp=response.read_bytes().hex() if stapled else "")
