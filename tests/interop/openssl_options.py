"""What one connection has of its own: protocols on both sides, and ECH before a server that does not know it."""

from harness import P256, VERSION_IDS, VERSIONS, InteropTest, rows
from openssl_tools import GROUPS, VERSION_FLAGS, SClient, SServer

LINE = b"one line\n"

# Both forms of our engine: the second one asks about the server's certificate.
FORMS = (("direct", {}), ("asked", {"verify": "ask", "verdict": "rules"}))
GREASE, REJECTED = 1, 4


def ech_list(public_name):
    """One configuration for X25519, whose key is the point 9: OpenSSL does not look at it."""
    name = public_name.encode()
    key = b"\x00\x20" + b"\x09" + bytes(31)
    contents = b"\x07\x00\x20" + key + b"\x00\x04\x00\x01\x00\x01" + b"\x00" + bytes([len(name)]) + name + b"\x00\x00"
    config = b"\xfe\x0d" + len(contents).to_bytes(2, "big") + contents
    return len(config).to_bytes(2, "big") + config


class OurClient(InteropTest):
    def visit(self, server, **options):
        data = self.file_with(LINE)
        return self.our_client(server.port(), job="exchange", send=data, expect=len(LINE), **options).report()

    @rows(*((f"{version} {form}", version, options) for version in VERSIONS for form, options in FORMS))
    def test_protocols(self, version, options):
        server = self.start(SServer(VERSION_FLAGS[version], "-alpn", "h2,http/1.1"))
        report = self.visit(server, alpn="h2", own_alpn="spdy/3,http/1.1", **options)
        self.expect(report, status="TLS_CLOSED", alpn="http/1.1", version=VERSION_IDS[version])
        self.expect_text(server, "ALPN protocols selected: http/1.1")

    @rows(*((f"{label} {form}", flags, options)
            for label, flags in (("first flight", ()), ("HelloRetryRequest", ("-groups", GROUPS[P256][0])))
            for form, options in FORMS))
    def test_grease(self, flags, options):
        server = self.start(SServer("-tls1_3", *flags))
        report = self.visit(server, ech="grease", min="1.3", **options)
        self.expect(report, status="TLS_CLOSED", ech=GREASE, retried=bool(flags), received=len(LINE))

    @rows(*((f"{label} {form}", flags, options)
            for label, flags in (("first flight", ()), ("HelloRetryRequest", ("-groups", GROUPS[P256][0])))
            for form, options in FORMS))
    def test_ech_rejected(self, flags, options):
        """The server answers for the public name, without other configurations."""
        server = self.start(SServer("-tls1_3", *flags))
        report = self.visit(server, ech=self.file_with(ech_list("server.test"), "ech"), name="hidden.test", **options)
        self.expect(report, status="TLS_ERR_NO_COMMON", reason=408, alert_sent=121, ech=REJECTED, ech_retry="")
        self.expect(report, sent=0, received=0, sni="hidden.test")

    @rows(*FORMS)
    def test_ech_before_tls12(self, options):
        server = self.start(SServer("-tls1_2"))
        report = self.visit(server, ech=self.file_with(ech_list("server.test"), "ech"), **options)
        self.expect(report, status="TLS_ERR_ALERT", alert_received=70, ech=2)


class OurServer(InteropTest):
    @rows(*((f"{version} {label}", version, alpn, agreed)
            for version in VERSIONS
            for label, alpn, agreed in (("of its own", "http/1.1,h2", "http/1.1"), ("of the context", None, "h2"))))
    def test_protocols(self, version, alpn, agreed):
        server = self.our_server(ask_context=True, alpn="h2", own_alpn=alpn)
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], "-alpn", "h2,http/1.1", brief=False))
        client.write(LINE).join()
        client.wait_for("one line")
        self.expect_text(client, f"ALPN protocol: {agreed}")
        client.finish()
        self.expect(server.report(), status="TLS_CLOSED", alpn=agreed, asked_context=True)

    def test_nothing_in_common(self):
        server = self.our_server(ask_context=True, alpn="h2", own_alpn="h3")
        client = self.start(SClient(server.port(), "-alpn", "h2"))
        self.assertNotEqual(client.finish(), 0)
        self.expect(server.report(), status="TLS_ERR_NO_COMMON", alert_sent=120)
        self.expect_text(client, "no application protocol")
