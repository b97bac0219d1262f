"""Encrypted ClientHello (RFC 9849) with Go's crypto/tls, the one peer here whose servers take it."""

from go_peer import GoTest
from harness import P256, P384, VERSION_IDS, pattern, rows
from settings import pki

# Of one certificate: the name that an eavesdropper may see, and the one that it may not.
PUBLIC = "public.wild.test"
HIDDEN = "server.test"

NONE, GREASE, OFFERED, ACCEPTED, REJECTED = range(5)

# Both forms of our engine: the second one asks about the server's certificate.
FORMS = (("", {}), (" asked", {"verify": "ask", "verdict": "rules"}))


class OurClient(GoTest):
    def ech_server(self, stale=False, **options):
        """The server, and a file with the list that it gives out."""
        flags = {"ech_name": PUBLIC} | ({"ech_key": "lost"} if stale else {})
        server = self.start_server(**flags, **options)
        text = server.wait_for(r"ech ([0-9a-f]+)\n").group(1)
        return server, self.file_with(bytes.fromhex(text), "ech")

    def visit(self, server, ech, **options):
        data = pattern()
        saved = self.directory / "saved"
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(data), save=saved, expect=len(data), ech=ech, **options
        )
        return client, data, saved

    def accepted(self, server, ech, **options):
        client, data, saved = self.visit(server, ech, **options)
        ours = client.report()
        self.expect(ours, status="TLS_CLOSED", error="TLS_OK", ech=ACCEPTED, ech_retry="", sni=HIDDEN)
        self.expect(ours, version=VERSION_IDS["1.3"], sent=len(data), received=len(data))
        self.expect_same(saved.read_bytes(), data)
        return ours

    @rows(
        *((f"first flight{form}", None, options) for form, options in FORMS),
        *((f"P-256 by HelloRetryRequest{form}", P256, options) for form, options in FORMS),
        *((f"P-384 by HelloRetryRequest{form}", P384, options) for form, options in FORMS),
    )
    def test_accepted(self, group, options):
        server, ech = self.ech_server(**({"groups": group} if group else {}))
        ours = self.accepted(server, ech, **options)
        self.expect(ours, retried=group is not None)
        self.expect_go(server.report(), error="", clean_end=True, ech=True, server_name=HIDDEN)

    @rows(*((form.strip() or "direct", options) for form, options in FORMS))
    def test_protocols_and_client_certificate(self, options):
        server, ech = self.ech_server(alpn="h2", client_auth="required", trust=pki("trust/all.pem"))
        identity = {"chain": pki("ecdsa/client-chain.pem"), "key": pki("ecdsa/client.key")}
        ours = self.accepted(server, ech, own_alpn="h3,h2", **identity, **options)
        self.expect(ours, alpn="h2")
        theirs = server.report()
        self.expect_go(theirs, error="", ech=True, alpn="h2")
        self.assertEqual(len(theirs["certificates"]), 2)

    def test_resumption(self):
        server, ech = self.ech_server(count="3")
        data = pattern(1000)
        client = self.our_client(
            server.port(), job="exchange", count="3", send=self.file_with(data), expect=len(data), ech=ech
        )
        for report, resumed in zip(client.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, ech=ACCEPTED)
        for report, resumed in zip(server.reports(), (False, True, True), strict=True):
            self.expect_go(report, error="", resumed=resumed, ech=True, server_name=HIDDEN)

    def test_sessions_are_kept_apart(self):
        """What was given under ECH is resumed under it, and not without it: the server could tell both by it."""
        server, ech = self.ech_server(count="4")
        data = pattern(1000)
        client = self.our_client(
            server.port(), job="exchange", count="4", send=self.file_with(data), expect=len(data), ech=ech, ech_first=2
        )
        expected = ((0, True), (1, True), (0, False), (1, False))
        for report, (resumed, offered) in zip(client.reports(), expected, strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, ech=ACCEPTED if offered else NONE)
        for report, (resumed, offered) in zip(server.reports(), expected, strict=True):
            self.expect_go(report, error="", resumed=bool(resumed), ech=offered, server_name=HIDDEN)

    @rows(
        *((f"first flight{form}", {}, options) for form, options in FORMS),
        *((f"HelloRetryRequest{form}", {"groups": P256}, options) for form, options in FORMS),
    )
    def test_rejected_then_accepted(self, server_options, options):
        """With the configuration that came with the rejection, the second try is accepted."""
        server, ech = self.ech_server(stale=True, count="2", **server_options)
        client, _, _ = self.visit(server, ech, **options)
        ours = client.report()
        self.expect(ours, status="TLS_ERR_NO_COMMON", reason=408, alert_sent=121, ech=REJECTED, sni=HIDDEN)
        self.expect(ours, received=0, sent=0)
        self.assertNotEqual(ours["ech_retry"], "")
        retry = self.file_with(bytes.fromhex(ours["ech_retry"]), "retry")
        self.accepted(server, retry, **options)
        rejected, accepted = server.reports()
        self.assertIn("encrypted client hello required", rejected["error"])
        self.expect_go(accepted, error="", ech=True, server_name=HIDDEN)

    @rows(*((form.strip() or "direct", options) for form, options in FORMS))
    def test_rejected_by_nobody_that_counts(self, options):
        """A rejection needs a certificate for the public name: otherwise there is no second try."""
        server, ech = self.ech_server(stale=True)
        client, _, _ = self.visit(server, ech, **(options | {"trust": pki("bad/otherca.pem")}))
        self.expect(client.report(), status="TLS_ERR_CERTIFICATE", alert_sent=48, ech_retry="")
        self.assertIn("unknown certificate authority", server.report()["error"])

    @rows(
        *((f"{what}{form}", flags, options) for what, flags in (("ECH server", {"ech_name": PUBLIC}), ("server", {}))
          for form, options in FORMS),
    )
    def test_grease(self, flags, options):
        server = self.start_server(**flags)
        client, data, saved = self.visit(server, "grease", min="1.3", **options)
        self.expect(client.report(), status="TLS_CLOSED", error="TLS_OK", ech=GREASE, received=len(data))
        self.expect_same(saved.read_bytes(), data)
        self.expect_go(server.report(), error="", ech=False, server_name=HIDDEN)

    def test_none(self):
        """A server that takes ECH takes other clients as well."""
        server, _ = self.ech_server()
        client, _, _ = self.visit(server, None)
        self.expect(client.report(), status="TLS_CLOSED", ech=NONE)
        self.expect_go(server.report(), error="", ech=False, server_name=HIDDEN)
