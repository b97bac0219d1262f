"""Identities, verification as data, and both questions about them, with Go on the other side."""

from go_peer import GoTest
from harness import VERSIONS, certificates, pattern, rows
from settings import pki, settings

# (label, name, whose certificate is shown): the first identity has one name, the second has a wildcard.
NAMES = (
    ("exact name", "one.wild.test", "ecdsa/exact.pem"),
    ("wildcard name", "two.wild.test", "rsa/server-chain.pem"),
    ("another name", "server.test", "rsa/server-chain.pem"),
)


def each_version(*table):
    return rows(*((f"{version} {row[0]}", version, *row[1:]) for version in VERSIONS for row in table))


class OurServer(GoTest):
    def visit(self, server, version, **options):
        client = self.start_client(server.port(), version=version, send=self.file_with(pattern(100)), **options)
        return client.report(), server.report()

    @each_version(*NAMES)
    def test_identity_by_name(self, version, name, shown):
        server = self.our_server(
            chain=pki("ecdsa/exact.pem"),
            key=pki("ecdsa/exact.key"),
            more_chain=pki("rsa/server-chain.pem"),
            more_key=pki("rsa/server.key"),
        )
        theirs, ours = self.visit(server, version, name=name)
        self.expect_go(theirs, error="", certificates=certificates(shown))
        self.expect(ours, status="TLS_CLOSED", sni=name)

    @each_version(*NAMES)
    def test_asked_for_context(self, version, name, shown):
        server = self.our_server(
            chain=pki("rsa/server-chain.pem"),
            key=pki("rsa/server.key"),
            ask_context=True,
            other_name="one.wild.test",
            other_chain=pki("ecdsa/exact.pem"),
            other_key=pki("ecdsa/exact.key"),
        )
        theirs, ours = self.visit(server, version, name=name)
        self.expect_go(theirs, error="", certificates=certificates(shown))
        self.expect(ours, status="TLS_CLOSED", asked_context=True, asked_name=name)

    @each_version(("refused",))
    def test_no_context(self, version):
        server = self.our_server(ask_context=True, refuse="112")
        theirs, ours = self.visit(server, version)
        self.assertIn("unrecognized name", theirs["error"])
        self.expect(ours, asked_context=True, alert_sent=112, received=0)

    @each_version(
        ("accepted", "accept", "bad/client-revoked", ""),
        ("accepted by the rules", "rules", "ecdsa/client", ""),
        ("refused by the rules", "rules", "bad/client-revoked", "revoked certificate"),
        ("refused", "45", "ecdsa/client", "expired certificate"),
    )
    def test_asked_for_verdict(self, version, verdict, name, error):
        """Go shows a certificate only if it was issued by whom the server trusts: a revoked one is."""
        chain = f"{name}-chain.pem"
        rules = {"trust": pki("trust/all.pem"), "crl": pki("crl/all.crl")}
        server = self.our_server(client_auth="required", verify="ask", verdict=verdict, **rules)
        theirs, ours = self.visit(server, version, chain=pki(chain), key=pki(f"{name}.key"))
        self.expect(ours, asked_verify=True)
        if error:
            self.assertIn(error, theirs["error"])
            self.expect(ours, status="TLS_ERR_CERTIFICATE", received=0)
        else:
            self.expect_go(theirs, error="", clean_end=True)
            self.expect(ours, status="TLS_CLOSED", certificates=certificates(chain), received=100)

    @each_version(
        ("revoked", "bad/client-revoked", "revoked certificate"),
        ("not revoked", "ecdsa/client", ""),
    )
    def test_revocation(self, version, name, error):
        server = self.our_server(client_auth="required", trust=pki("trust/all.pem"), crl=pki("crl/all.crl"))
        theirs, ours = self.visit(server, version, chain=pki(f"{name}-chain.pem"), key=pki(f"{name}.key"))
        if error:
            self.assertIn(error, theirs["error"])
            self.expect(ours, status="TLS_ERR_CERTIFICATE", alert_sent=44)
        else:
            self.expect_go(theirs, error="")
            self.expect(ours, status="TLS_CLOSED")

    @each_version(("stapled", True), ("not stapled", False))
    def test_ocsp(self, version, stapled):
        response = settings.pki / "ecdsa/server.ocsp"
        server = self.our_server(ocsp=response if stapled else None)
        theirs, _ = self.visit(server, version)
        self.expect_go(theirs, error="", stapled=response.read_bytes().hex() if stapled else "")


class OurClient(GoTest):
    def visit(self, version, server_options, **options):
        server = self.start_server(version=version, **server_options)
        data = pattern(100)
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(data), expect=len(data), **options
        )
        return client.report(), server.report()

    @each_version(
        ("accepted", "accept", "bad/selfsigned", None),
        ("accepted by the rules", "rules", "ecdsa/server-chain", None),
        ("refused by the rules", "rules", "bad/selfsigned", 48),
        ("refused", "113", "ecdsa/server-chain", 113),
    )
    def test_asked_for_verdict(self, version, verdict, name, alert):
        key = pki(f"{name.removesuffix('-chain')}.key")
        identity = {"chain": pki(f"{name}.pem"), "key": key}
        ours, theirs = self.visit(version, identity, verify="ask", verdict=verdict)
        self.expect(ours, asked_verify=True)
        if alert:
            self.expect(ours, status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)
            self.assertIn("remote error", theirs["error"])
        else:
            self.expect(ours, status="TLS_CLOSED", received=100, certificates=certificates(f"{name}.pem"))

    @each_version(("revoked", "bad/revoked", 44), ("not revoked", "ecdsa/server", None))
    def test_revocation(self, version, name, alert):
        identity = {"chain": pki(f"{name}-chain.pem"), "key": pki(f"{name}.key")}
        ours, theirs = self.visit(version, identity, crl=pki("crl/all.crl"))
        if alert:
            self.expect(ours, status="TLS_ERR_CERTIFICATE", alert_sent=alert)
            self.assertIn("revoked certificate", theirs["error"])
        else:
            self.expect(ours, status="TLS_CLOSED", received=100)

    @each_version(("own key", "ecdsa/server.pin", None), ("another key", "rsa/ca.pin", 46))
    def test_pin(self, version, pin, alert):
        ours, _ = self.visit(version, {}, pin=pki(pin))
        if alert:
            self.expect(ours, status="TLS_ERR_CERTIFICATE", alert_sent=alert)
        else:
            self.expect(ours, status="TLS_CLOSED", received=100)

    @each_version(("another", "one.wild.test", "one.wild.test"), ("none", "none", ""))
    def test_name_sent(self, version, sni, seen):
        _, theirs = self.visit(version, {}, sni=sni)
        self.expect_go(theirs, error="", server_name=seen)

    @each_version(("stapled", True), ("not stapled", False))
    def test_ocsp(self, version, stapled):
        response = settings.pki / "ecdsa/server.ocsp"
        options = {"staple": response} if stapled else {}
        ours, _ = self.visit(version, options, verify="ask", verdict="rules")
        self.expect(ours, status="TLS_CLOSED", ocsp=response.read_bytes().hex() if stapled else "")
