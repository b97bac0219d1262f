"""Raw public keys (RFC 7250) with GnuTLS, the one peer here that has them."""

import base64

from gnutls_peer import free_port
from harness import InteropTest, pattern_lines, rows
from process import Process
from settings import pki, settings

ALGORITHMS = ("rsa", "ecdsa", "ed25519")


def priority(server_keys, client_keys):
    text = "NORMAL:-VERS-ALL:+VERS-TLS1.3"
    text += ":-CTYPE-SRV-ALL:+CTYPE-SRV-" + ("RAWPK" if server_keys else "X509")
    return text + ":-CTYPE-CLI-ALL:+CTYPE-CLI-" + ("RAWPK" if client_keys else "X509")


def raw_identity(name):
    return "--rawpkkeyfile", pki(f"{name}.key"), "--rawpkfile", pki(f"{name}.pub")


def spki(name):
    """The key in hexadecimal DER, the form in which our peer reports it."""
    lines = (settings.pki / f"{name}.pub").read_text().splitlines()
    return base64.b64decode("".join(lines[1:-1])).hex()


class RawKeys(InteropTest):
    def start_server(self, *flags):
        for _ in range(5):
            port = free_port()
            server = self.start(Process("gnutls-serv", "--echo", "--port", port, *flags))
            server.wait_for(r"listening on IPv4 \S+ port \d+\.\.\.done|bind\(\) failed")
            if "bind() failed" not in server.text():
                return server, port
        self.fail("gnutls-serv found none of five ports free")

    @rows(*((algorithm, algorithm) for algorithm in ALGORITHMS))
    def test_their_server(self, algorithm):
        name = f"{algorithm}/server"
        flags = ("--priority", priority(True, False), "--disable-client-cert", *raw_identity(name))
        server, port = self.start_server(*flags)
        lines = pattern_lines()
        options = {"trust": None, "raw_trust": pki(f"{name}.pub"), "min": "1.3", "name": "any.test"}
        client = self.our_client(
            port, job="exchange", send=self.file_with(lines), expect=len(lines), **options
        )
        self.expect(client.report(), status="TLS_CLOSED", received=len(lines), raw_key=spki(name), certificates=[])

    def test_their_server_with_another_key(self):
        flags = ("--priority", priority(True, False), "--disable-client-cert", *raw_identity("ecdsa/server"))
        server, port = self.start_server(*flags)
        options = {"trust": None, "raw_trust": pki("rsa/server.pub"), "min": "1.3"}
        report = self.our_client(port, job="exchange", expect="1", **options).report()
        self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=48, received=0)
        server.wait_for("Error in handshake: A TLS fatal alert has been received.")

    @rows(
        *((f"{algorithm}", algorithm, None, True) for algorithm in ALGORITHMS),
        *((f"{algorithm} for both", algorithm, f"{algorithm}/client.pub", True) for algorithm in ALGORITHMS),
        ("another key than expected", "ecdsa", "rsa/client.pub", False),
    )
    def test_our_server(self, algorithm, expected, good):
        """gnutls-cli has no list of keys that it trusts: it is told to take any."""
        options = {"chain": None, "key": None, "raw_key": pki(f"{algorithm}/server.key"), "min": "1.3"}
        flags = ("--priority", priority(True, bool(expected)), "--insecure", "--no-ca-verification")
        if expected:
            options |= {"client_auth": "required", "raw_trust": pki(expected)}
            flags += raw_identity(f"{algorithm}/client")
        server = self.our_server(**options)
        client = self.start(Process("gnutls-cli", "--port", server.port(), "127.0.0.1", *flags))
        client.write(b"hello\n")
        if good:
            client.wait_for("hello\n")
            client.finish()
            shown = spki(f"{algorithm}/client") if expected else ""
            self.expect(server.report(), status="TLS_CLOSED", received=6, raw_key=shown)
            self.expect_text(client, "Raw Public Key")
        else:
            client.finish()
            self.expect(server.report(), status="TLS_ERR_CERTIFICATE", alert_sent=48, received=0)

    def test_a_resumption_says_nothing_of_kinds(self):
        """The server asks nobody for a certificate then: what kind it would be is not said (RFC 7250, 4.2)."""
        options = {"chain": None, "key": None, "raw_key": pki("ecdsa/server.key"), "min": "1.3", "count": "2"}
        options |= {"client_auth": "required", "raw_trust": pki("ecdsa/client.pub")}
        server = self.our_server(**options)
        flags = ("--priority", priority(True, True), "--insecure", "--no-ca-verification", "--resume", "-d", "5")
        client = self.start(
            Process("gnutls-cli", "--port", server.port(), "127.0.0.1", *flags, *raw_identity("ecdsa/client"))
        )
        client.wait_for("This is a resumed session")
        client.write(b"hello\n")
        client.wait_for("hello\n")
        client.finish()
        kinds = client.text().count("Parsing extension 'Client Certificate Type/19'")
        self.assertEqual(kinds, 1)
