"""Both roles against `gnutls-serv` and `gnutls-cli`."""

import functools
import socket
import subprocess

import patience
from harness import IDENTITIES, P256, P384, VERSION_IDS, VERSIONS, X25519, X25519MLKEM768
from harness import InteropTest, certificates, pattern_lines, rows
from process import Process
from settings import pki

GROUPS = {
    X25519: "X25519",
    P256: "SECP256R1",
    P384: "SECP384R1",
    X25519MLKEM768: "X25519-MLKEM768",
}

# Secrets that depend on the hellos only, as before RFC 7627.
WITHOUT_EMS = "1.2:%NO_SESSION_HASH"


def priority(version=None, groups=()):
    text = "NORMAL"
    if version:
        text += f":-VERS-ALL:+VERS-TLS{version}"
    if groups:
        text += ":-GROUP-ALL" + "".join(f":+GROUP-{group}" for group in groups)
    return text


@functools.cache
def missing_group(name):
    """Why this GnuTLS cannot use a group, or None."""
    probe = subprocess.run(
        ["gnutls-cli", "--list", "--priority", priority(groups=[name])],
        capture_output=True,
        text=True,
        timeout=patience.SECONDS,
    )
    if probe.returncode == 0:
        return None
    release = subprocess.run(
        ["gnutls-cli", "--version"], capture_output=True, text=True, timeout=patience.SECONDS
    ).stdout
    return f"{release.splitlines()[0]}: {probe.stderr.strip()}"


def free_port():
    """gnutls-serv cannot be asked which port it got. A port that was free a moment ago is mostly still free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class GnutlsServ(Process):
    """An echo server for text. It serves until it is killed."""

    def __init__(
        self, *flags, algorithm="ecdsa", identity=None, auth=("--disable-client-cert",), groups=(), version=None, env=()
    ):
        self.chosen_port = free_port()
        chain, key = identity or (f"{algorithm}/server-chain.pem", f"{algorithm}/server.key")
        super().__init__(
            *(("env", *env) if env else ()),
            *("gnutls-serv", "--echo", "--port", self.chosen_port),
            *("--x509certfile", pki(chain)),
            *("--x509keyfile", pki(key)),
            *("--priority", priority(version, groups)),
            *auth,
            *flags,
        )

    def port(self):
        self.wait_for(r"listening on IPv4 \S+ port \d+\.\.\.done|bind\(\) failed")
        return None if "bind() failed" in self.text() else self.chosen_port


class GnutlsCli(Process):
    """A client that checks the chain and the name of the server. It ends when its stdin ends."""

    def __init__(self, port, log, *flags, trust=None, groups=(), version=None, name="server.test", env=()):
        self.log = log
        super().__init__(
            *(("env", *env) if env else ()),
            *("gnutls-cli", "--port", port, "127.0.0.1", "--logfile", log),
            *("--x509cafile", trust or pki("trust/all.pem")),
            *("--sni-hostname", name, "--verify-hostname", name),
            *("--priority", priority(version, groups)),
            *flags,
        )

    def text(self):
        return super().text() + (self.log.read_text(errors="replace") if self.log.exists() else "")


class GnutlsTest(InteropTest):
    def start_server(self, *flags, **options):
        for _ in range(5):
            server = self.start(GnutlsServ(*flags, **options))
            if port := server.port():
                return server, port
        self.fail("gnutls-serv found none of five ports free")

    def start_client(self, server, *flags, **options):
        return self.start(GnutlsCli(server.port(), self.directory / "log", *flags, **options))


class OurClient(GnutlsTest):
    def exchange(self, port, **options):
        lines = pattern_lines()
        saved = self.directory / "saved"
        client = self.our_client(
            port, job="exchange", send=self.file_with(lines), save=saved, expect=len(lines), **options
        )
        report = client.report()
        self.expect(report, status="TLS_CLOSED", error="TLS_OK", sent=len(lines), received=len(lines))
        self.expect_same(saved.read_bytes(), lines)
        return report

    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        server_options = {"version": version, "algorithm": algorithm}
        options = {"trust": pki(f"{algorithm}/ca.pem")}
        if with_certificate:
            authority = ("--x509cafile", pki(f"{algorithm}/ca.pem"))
            server_options["auth"] = ("--require-client-cert", "--verify-client-cert", *authority)
            options |= {"chain": pki(f"{algorithm}/client-chain.pem"), "key": pki(f"{algorithm}/client.key")}
        server, port = self.start_server(**server_options)
        report = self.exchange(port, **options)
        self.expect(
            report,
            version=VERSION_IDS[version],
            certificates=certificates(f"{algorithm}/server-chain.pem"),
            resumed=0,
        )
        server.wait_for(rf"Description: \(TLS{version}")
        self.expect_text(server, "Given server name[1]: server.test")
        if with_certificate:
            self.expect_text(server, f"Subject: CN={algorithm} client,", "Status: The certificate is trusted.")

    @rows(
        ("1.2 X25519", "1.2", X25519, False),
        ("1.2 P-256", "1.2", P256, False),
        ("1.3 X25519", "1.3", X25519, False),
        ("1.3 P-256 by HelloRetryRequest", "1.3", P256, True),
        ("1.3 P-384 by HelloRetryRequest", "1.3", P384, True),
        ("1.3 X25519MLKEM768", "1.3", X25519MLKEM768, False),
    )
    def test_group(self, version, group, retried):
        name = GROUPS[group]
        if reason := missing_group(name):
            self.skipTest(reason)
        server, port = self.start_server(version=version, groups=[name], algorithm="rsa")
        report = self.exchange(port)
        self.expect(report, version=VERSION_IDS[version], group=group, retried=retried)
        server.wait_for(rf"Description: \(TLS{version}-X.509\)-\(ECDHE-{name}\)")

    @rows(*((version, version) for version in VERSIONS))
    def test_alpn(self, version):
        server, port = self.start_server("--alpn", "h2", "--alpn", "http/1.1", version=version)
        report = self.exchange(port, alpn="http/1.1,spdy/3")
        self.expect(report, alpn="http/1.1")
        server.wait_for("Application protocol: http/1.1")

    @rows(*((version, version) for version in VERSIONS))
    def test_resumption(self, version):
        server, port = self.start_server(version=version)
        lines = pattern_lines(1000)
        client = self.our_client(
            port, job="exchange", count="3", send=self.file_with(lines), expect=len(lines)
        )
        for report, resumed in zip(client.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, version=VERSION_IDS[version])
        server.wait_for(r"(?s)This is a resumed session.*This is a resumed session")

    @rows(*((version, version) for version in VERSIONS))
    def test_truncated(self, version):
        server, port = self.start_server(version=version)
        saved = self.directory / "saved"
        client = self.our_client(port, job="exchange", send=self.file_with(b"hello\n"), save=saved)
        server.wait_for("received cmd: hello")
        server.kill()
        self.expect(client.report(), status="TLS_TRUNCATED")

    @rows(("1.2", "1.2"), ("1.3", "1.3"))
    def test_their_refusal_of_a_missing_certificate(self, version):
        auth = ("--require-client-cert", "--verify-client-cert", "--x509cafile", pki("trust/all.pem"))
        server, port = self.start_server(version=version, auth=auth)
        report = self.our_client(port, job="exchange", expect="1").report()
        self.expect(report, status="TLS_ERR_ALERT", alert_sent=-1)
        server.wait_for("Error in handshake: (No certificate was found|Certificate is required)")

    @rows(*((version, version) for version in VERSIONS))
    def test_our_refusal_of_an_unknown_authority(self, version):
        server, port = self.start_server(version=version)
        report = self.our_client(port, job="exchange", expect="1", trust=pki("bad/otherca.pem")).report()
        self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=48, alert_received=-1)
        server.wait_for("Error in handshake: A TLS fatal alert has been received.")

    @rows(("ours from 1.3, theirs 1.2", "1.3", "1.2", 40), ("ours up to 1.2, theirs 1.3", "1.2", "1.3", 70))
    def test_their_refusal_of_the_version(self, ours, theirs, alert):
        """GnuTLS finds no suite before it finds no version when all that we offer is TLS 1.3."""
        server, port = self.start_server(version=theirs)
        report = self.our_client(port, job="exchange", expect="1", min=ours, max=ours).report()
        self.expect(report, status="TLS_ERR_ALERT", alert_received=alert)
        server.wait_for("Error in handshake")

    def test_their_refusal_of_the_protocol(self):
        server, port = self.start_server("--alpn", "h3", "--alpn-fatal")
        report = self.our_client(port, job="exchange", expect="1", alpn="h2").report()
        self.expect(report, status="TLS_ERR_ALERT", alert_received=120)
        server.wait_for("Error in handshake")

    @rows(("1.2", "1.2", 64), ("1.3", "1.3", 64), ("1.2 without extended main secret", WITHOUT_EMS, 0))
    def test_exporter_binding(self, version, digits):
        """RFC 9266: no binding where the secrets are not bound to the handshake. The exporter itself works."""
        _, port = self.start_server(version=version)
        report = self.exchange(port)
        self.assertEqual([len(report["exporter_binding"]), len(report["exported"])], [digits, 80])


class OurServer(GnutlsTest):
    def exchange(self, server, client):
        lines = pattern_lines()
        client.write(lines)
        self.expect_same(client.wait_for_bytes(len(lines)), lines)
        self.assertEqual(client.finish(), 0)
        report = server.report()
        self.expect(report, status="TLS_CLOSED", error="TLS_OK", sent=len(lines), received=len(lines))
        return report

    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        options = {"chain": pki(f"{algorithm}/server-chain.pem"), "key": pki(f"{algorithm}/server.key")}
        flags = ()
        if with_certificate:
            options |= {"client_auth": "required", "trust": pki(f"{algorithm}/ca.pem")}
            own = pki(f"{algorithm}/client-chain.pem"), pki(f"{algorithm}/client.key")
            flags = ("--x509certfile", own[0], "--x509keyfile", own[1])
        server = self.our_server(**options)
        client = self.start_client(server, *flags, version=version, trust=pki(f"{algorithm}/ca.pem"))
        report = self.exchange(server, client)
        self.expect(
            report,
            version=VERSION_IDS[version],
            certificates=certificates(f"{algorithm}/client-chain.pem") if with_certificate else [],
            sni="server.test",
            resumed=0,
        )
        self.expect_text(client, f"Description: (TLS{version}", "Status: The certificate is trusted.")
        if with_certificate:
            self.expect_text(client, "Successfully sent 2 certificate(s) to server.")

    @rows(
        ("1.2 X25519", "1.2", ["X25519"], X25519, False),
        ("1.2 P-256", "1.2", ["SECP256R1"], P256, False),
        ("1.3 X25519", "1.3", ["X25519"], X25519, False),
        ("1.3 P-256", "1.3", ["SECP256R1"], P256, False),
        ("1.3 P-521 to X25519 by HelloRetryRequest", "1.3", ["SECP521R1", "X25519"], X25519, True),
        ("1.3 P-521 to P-256 by HelloRetryRequest", "1.3", ["SECP521R1", "SECP256R1"], P256, True),
        ("1.3 X25519MLKEM768", "1.3", ["X25519-MLKEM768"], X25519MLKEM768, False),
    )
    def test_group(self, version, offered, group, retried):
        if reason := next(filter(None, map(missing_group, offered)), None):
            self.skipTest(reason)
        server = self.our_server(chain=pki("rsa/server-chain.pem"), key=pki("rsa/server.key"))
        client = self.start_client(server, "--single-key-share", version=version, groups=offered)
        report = self.exchange(server, client)
        self.expect(report, version=VERSION_IDS[version], group=group, retried=retried)
        self.expect_text(client, f"Description: (TLS{version}-X.509)-(ECDHE-{GROUPS[group]})")

    @rows(*((version, version) for version in VERSIONS))
    def test_alpn(self, version):
        server = self.our_server(alpn="h2,http/1.1")
        client = self.start_client(server, "--alpn", "http/1.1", "--alpn", "h2", version=version)
        self.expect(self.exchange(server, client), alpn="h2")
        self.expect_text(client, "Application protocol: h2")

    @rows(*((version, version) for version in VERSIONS))
    def test_resumption(self, version):
        """The client comes once to get a ticket, and at once again with it."""
        server = self.our_server(count="2")
        client = self.start_client(server, "--resume", "--waitresumption", version=version)
        client.write(b"hello\n")
        client.wait_for_bytes(len("hello\n"))
        client.finish()
        for report, resumed in zip(server.reports(), (0, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, version=VERSION_IDS[version])
        self.expect_text(client, "*** This is a resumed session")

    def test_key_update(self):
        server = self.our_server()
        client = self.start_client(server, "--inline-commands", version="1.3")
        client.write(b"before\n").join()
        client.wait_for("before\n")
        client.write(b"^rekey^\n").join()
        client.write(b"after\n").join()
        client.wait_for("after\n")
        self.assertEqual(client.finish(), 0)
        self.expect(server.report(), status="TLS_CLOSED", received=len("before\nafter\n"))

    @rows(*((version, version) for version in VERSIONS))
    def test_truncated(self, version):
        server = self.our_server()
        client = self.start_client(server, version=version)
        client.write(b"hello\n")
        client.wait_for_bytes(len("hello\n"))
        client.kill()
        self.expect(server.report(), status="TLS_TRUNCATED", received=len("hello\n"))

    @rows(*((version, version) for version in VERSIONS))
    def test_our_refusal_of_a_missing_certificate(self, version):
        server = self.our_server(client_auth="required", trust=pki("trust/all.pem"))
        client = self.start_client(server, version=version)
        client.wait_for("Received alert|Fatal error")
        client.finish()
        report = server.report()
        alert = 116 if version == "1.3" else 40
        self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)
        self.expect_text(client, f"[{alert}]")

    @rows(*((version, version) for version in VERSIONS))
    def test_their_refusal_of_an_unknown_authority(self, version):
        server = self.our_server()
        client = self.start_client(server, version=version, trust=pki("bad/otherca.pem"))
        self.assertNotEqual(client.finish(), 0)
        self.expect_text(client, "The certificate issuer is unknown.")
        self.expect(server.report(), status="TLS_ERR_ALERT", alert_sent=-1)

    @rows(("ours from 1.3, theirs 1.2", "1.3", "1.2"), ("ours up to 1.2, theirs 1.3", "1.2", "1.3"))
    def test_our_refusal_of_the_version(self, ours, theirs):
        server = self.our_server(min=ours, max=ours)
        client = self.start_client(server, version=theirs)
        self.assertNotEqual(client.finish(), 0)
        self.expect(server.report(), status="TLS_ERR_NO_COMMON", alert_sent=70)
        self.expect_text(client, "[70]")

    @rows(("1.2", "1.2", 64), ("1.3", "1.3", 64), ("1.2 without extended main secret", WITHOUT_EMS, 0))
    def test_exporter_binding(self, version, digits):
        server = self.our_server()
        flags = ("--keymatexport", "EXPERIMENTAL-tlsbio", "--keymatexportsize", "40")
        client = self.start_client(server, *flags, version=version)
        report = self.exchange(server, client)
        material = client.wait_for(r"Key material: ([0-9a-f]+)\n").group(1)
        self.expect(report, exported=material)
        self.assertEqual([len(report["exporter_binding"]), len(material)], [digits, 80])
