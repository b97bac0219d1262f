"""Several identities in one of our contexts: which of them OpenSSL gets to see."""

from harness import VERSIONS, InteropTest, certificates, pattern_lines, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer, identity
from settings import pki

# (label, name, what the client can verify, whom the certificate is for)
SERVED = (
    ("exact name", "one.wild.test", None, "ecdsa exact"),
    ("wildcard name", "two.wild.test", None, "rsa server"),
    ("exact name, RSA only", "one.wild.test", "RSA-PSS+SHA256:RSA+SHA256", "rsa server"),
    ("RSA only", "server.test", "RSA-PSS+SHA256:RSA+SHA256", "rsa server"),
)
# (label, first algorithm, second, authorities that the server names, what it can verify, the one that is shown)
SHOWN = (
    ("first", "ecdsa", "rsa", "trust/all.pem", None, "ecdsa"),
    ("first the other way", "rsa", "ecdsa", "trust/all.pem", None, "rsa"),
    ("by authority", "ecdsa", "rsa", "rsa/ca.pem", None, "rsa"),
    ("by signature", "ecdsa", "rsa", "trust/all.pem", "RSA-PSS+SHA256:RSA+SHA256", "rsa"),
    ("by signature the other way", "rsa", "ed25519", "trust/all.pem", "ed25519", "ed25519"),
)


def in_both_versions(table):
    return [(f"{version} {label}", version, *row) for version in VERSIONS for label, *row in table]


class OurServerIdentities(InteropTest):
    def check_serves(self, chain, key, more_chain, more_key, subject, *flags, name):
        server = self.our_server(chain=pki(chain), key=pki(key), more_chain=pki(more_chain), more_key=pki(more_key))
        client = self.start(SClient(server.port(), *flags, name=name))
        client.write(b"hello\n").join()
        client.wait_for("hello\n")
        client.finish()
        self.expect(server.report(), status="TLS_CLOSED", sni=name)
        self.expect_text(client, f"CN = {subject}\n", "Verification: OK\n", "Verified peername: ")

    @rows(*in_both_versions(SERVED))
    def test_by_name(self, version, name, schemes, subject):
        flags = (VERSION_FLAGS[version], *(("-sigalgs", schemes) if schemes else ()))
        self.check_serves(
            *("ecdsa/exact.pem", "ecdsa/exact.key", "rsa/server-chain.pem", "rsa/server.key"),
            *(subject, *flags),
            name=name,
        )

    @rows(
        *in_both_versions(
            (
                ("RSA", "RSA-PSS+SHA256:RSA+SHA256", "rsa server"),
                ("ECDSA", "ECDSA+SHA256", "ecdsa server"),
                ("either", "RSA-PSS+SHA256:ECDSA+SHA256", "ecdsa server"),
            )
        )
    )
    def test_by_signature(self, version, schemes, subject):
        self.check_serves(
            *("ecdsa/server-chain.pem", "ecdsa/server.key", "rsa/server-chain.pem", "rsa/server.key"),
            *(subject, VERSION_FLAGS[version], "-sigalgs", schemes),
            name="server.test",
        )

    @rows(*((version, version) for version in VERSIONS))
    def test_no_key_of_use(self, version):
        server = self.our_server(
            chain=pki("ecdsa/server-chain.pem"),
            key=pki("ecdsa/server.key"),
            more_chain=pki("ed25519/server-chain.pem"),
            more_key=pki("ed25519/server.key"),
        )
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"))
        self.assertNotEqual(client.finish(), 0)
        self.expect_text(client, "SSL alert number 40")
        self.expect(server.report(), status="TLS_ERR_NO_COMMON", alert_sent=40)


class OurClientIdentities(InteropTest):
    @rows(*in_both_versions(SHOWN))
    def test_shown(self, version, first, second, authorities, schemes, shown):
        flags = [VERSION_FLAGS[version], "-Verify", "3", "-verify_return_error", "-CAfile", pki(authorities)]
        if schemes:
            flags += ["-client_sigalgs", schemes]
        server = self.start(SServer(*flags, server_identity=identity("server", "ecdsa")))
        lines = pattern_lines(1000)
        client = self.our_client(
            server.port(),
            job="exchange",
            send=self.file_with(lines),
            save=self.directory / "saved",
            expect=len(lines),
            chain=pki(f"{first}/client-chain.pem"),
            key=pki(f"{first}/client.key"),
            more_chain=pki(f"{second}/client-chain.pem"),
            more_key=pki(f"{second}/client.key"),
        )
        report = client.report()
        server.finish()
        self.expect(report, status="TLS_CLOSED", certificates=certificates("ecdsa/server-chain.pem"))
        self.expect_text(server, f"CN = {shown} client\n", "Verification: OK\n")
