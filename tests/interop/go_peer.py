"""Both roles against Go's crypto/tls, by the program in go/."""

import functools
import json
import subprocess

import patience
from harness import IDENTITIES, P256, P384, VERSION_IDS, VERSIONS, X25519, X25519MLKEM768
from harness import InteropTest, certificates, pattern, rows
from process import Process
from settings import pki, settings

# A group that we do not offer. Go sends its key share first wherever it is enabled.
SECP384R1MLKEM1024 = "0x11ed"


@functools.cache
def missing_group(number):
    """Why this release of Go cannot use a group, or None."""
    probe = subprocess.run(
        [settings.go_peer, "probe", "--groups", number], capture_output=True, text=True, timeout=patience.SECONDS
    )
    if probe.returncode == 0:
        return None
    return f"group {number}: {probe.stderr.strip()}"


class GoPeer(Process):
    def __init__(self, role, address, version=None, **options):
        argv = [settings.go_peer, role, "--address", address]
        if version:
            argv += ["--min", version, "--max", version]
        for name, value in options.items():
            argv += ["--" + name.replace("_", "-"), value]
        super().__init__(*argv)

    def port(self):
        return int(self.wait_for(r"listening (\d+)\n").group(1))

    def reports(self):
        status = self.finish()
        if status != 0:
            raise AssertionError(f"the Go program ended with status {status}: {self.err()}")
        return [json.loads(line) for line in self.out().decode().splitlines() if line.startswith("{")]

    def report(self):
        (report,) = self.reports()
        return report


class GoTest(InteropTest):
    def expect_go(self, report, **facts):
        """`group` and `retried` only where this release of Go tells them."""
        different = [
            f"{name} is {report[name]!r}, not {value!r}"
            for name, value in facts.items()
            if report[name] != value and not (name in ("group", "retried") and report[name] is None)
        ]
        if different:
            self.fail("Go: " + "; ".join(different) + f" (error: {report['error']!r})")

    def start_server(self, **options):
        options = {"chain": pki("ecdsa/server-chain.pem"), "key": pki("ecdsa/server.key")} | options
        return self.start(GoPeer("server", "127.0.0.1:0", **options))

    def start_client(self, port, **options):
        options = {"trust": pki("trust/all.pem")} | options
        return self.start(GoPeer("client", f"127.0.0.1:{port}", **options))


class OurClient(GoTest):
    def exchange(self, server, **options):
        data = pattern()
        saved = self.directory / "saved"
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(data), save=saved, expect=len(data), **options
        )
        ours, theirs = client.report(), server.report()
        self.expect(ours, status="TLS_CLOSED", error="TLS_OK", sent=len(data), received=len(data))
        self.expect_same(saved.read_bytes(), data)
        self.expect_go(
            theirs, error="", clean_end=True, received=len(data), version=ours["version"], suite=ours["suite"]
        )
        return ours, theirs

    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        options = {"trust": pki(f"{algorithm}/ca.pem")}
        server_options = {
            "chain": pki(f"{algorithm}/server-chain.pem"),
            "key": pki(f"{algorithm}/server.key"),
        }
        if with_certificate:
            server_options |= {"client_auth": "required", "trust": pki(f"{algorithm}/ca.pem")}
            options |= {"chain": pki(f"{algorithm}/client-chain.pem"), "key": pki(f"{algorithm}/client.key")}
        ours, theirs = self.exchange(self.start_server(version=version, **server_options), **options)
        self.expect(
            ours, version=VERSION_IDS[version], certificates=certificates(f"{algorithm}/server-chain.pem"), resumed=0
        )
        presented = certificates(f"{algorithm}/client-chain.pem") if with_certificate else []
        self.expect_go(theirs, certificates=presented, server_name="server.test", resumed=False)

    @rows(
        ("1.2 X25519", "1.2", X25519, False),
        ("1.2 P-256", "1.2", P256, False),
        ("1.3 X25519", "1.3", X25519, False),
        ("1.3 P-256 by HelloRetryRequest", "1.3", P256, True),
        ("1.3 P-384 by HelloRetryRequest", "1.3", P384, True),
        ("1.3 X25519MLKEM768", "1.3", X25519MLKEM768, False),
    )
    def test_group(self, version, group, retried):
        if reason := missing_group(group):
            self.skipTest(reason)
        ours, theirs = self.exchange(self.start_server(version=version, groups=group))
        self.expect(ours, group=group, retried=retried)
        self.expect_go(theirs, group=group, retried=retried)

    def test_default_group(self):
        """Nobody asked for anything special: both prefer the hybrid."""
        if reason := missing_group(X25519MLKEM768):
            self.skipTest(reason)
        ours, theirs = self.exchange(self.start_server())
        self.expect(ours, version=VERSION_IDS["1.3"], group=X25519MLKEM768, retried=False)
        self.expect_go(theirs, group=X25519MLKEM768, retried=False)

    @rows(*((version, version) for version in VERSIONS))
    def test_alpn(self, version):
        server = self.start_server(version=version, alpn="h2,http/1.1")
        ours, theirs = self.exchange(server, alpn="http/1.1,spdy/3")
        self.expect(ours, alpn="http/1.1")
        self.expect_go(theirs, alpn="http/1.1")

    @rows(*((version, version) for version in VERSIONS))
    def test_resumption(self, version):
        server = self.start_server(version=version, count="3")
        data = pattern(1000)
        client = self.our_client(
            server.port(), job="exchange", count="3", send=self.file_with(data), expect=len(data)
        )
        for report, resumed in zip(client.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed)
        self.assertEqual([report["resumed"] for report in server.reports()], [False, True, True])

    @rows(*((version, version) for version in VERSIONS))
    def test_half_close(self, version):
        """We close first; the echo of what we had said still comes, and then their end."""
        data = pattern(1_000_000)
        saved = self.directory / "saved"
        server = self.start_server(version=version)
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(data), save=saved, half_close=True
        )
        self.expect(client.report(), status="TLS_CLOSED", received=len(data))
        self.expect_same(saved.read_bytes(), data)
        self.expect_go(server.report(), error="", clean_end=True)

    @rows(*((version, version) for version in VERSIONS))
    def test_their_refusal_of_a_missing_certificate(self, version):
        server = self.start_server(version=version, client_auth="required", trust=pki("trust/all.pem"))
        report = self.our_client(server.port(), job="exchange", expect="1").report()
        # certificate_required is an alert of TLS 1.3: before, it is handshake_failure.
        self.expect(report, status="TLS_ERR_ALERT", alert_received=116 if version == "1.3" else 40)
        self.assertIn("client didn't provide a certificate", server.report()["error"])

    @rows(*((version, version) for version in VERSIONS))
    def test_our_refusal_of_an_unknown_authority(self, version):
        server = self.start_server(version=version)
        report = self.our_client(server.port(), job="exchange", expect="1", trust=pki("bad/otherca.pem")).report()
        self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=48)
        self.assertIn("unknown certificate authority", server.report()["error"])

    def test_their_refusal_of_the_protocol(self):
        server = self.start_server(alpn="h3")
        report = self.our_client(server.port(), job="exchange", expect="1", alpn="h2").report()
        self.expect(report, status="TLS_ERR_ALERT", alert_received=120)
        self.assertIn("unsupported application protocols", server.report()["error"])

    @rows(("ours from 1.3, theirs 1.2", "1.3", "1.2"), ("ours up to 1.2, theirs 1.3", "1.2", "1.3"))
    def test_their_refusal_of_the_version(self, ours, theirs):
        server = self.start_server(version=theirs)
        report = self.our_client(server.port(), job="exchange", expect="1", min=ours, max=ours).report()
        self.expect(report, status="TLS_ERR_ALERT", alert_received=70)
        self.assertIn("unsupported versions", server.report()["error"])


class OurServer(GoTest):
    def exchange(self, server, **options):
        data = pattern()
        saved = self.directory / "saved"
        client = self.start_client(server.port(), send=self.file_with(data), save=saved, **options)
        theirs, ours = client.report(), server.report()
        self.expect_go(theirs, error="", clean_end=True, version=ours["version"], suite=ours["suite"])
        self.expect(ours, status="TLS_CLOSED", error="TLS_OK", sent=len(data), received=len(data))
        self.expect_same(saved.read_bytes(), data)
        return ours, theirs

    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        options = {"chain": pki(f"{algorithm}/server-chain.pem"), "key": pki(f"{algorithm}/server.key")}
        client_options = {"trust": pki(f"{algorithm}/ca.pem")}
        if with_certificate:
            options |= {"client_auth": "required", "trust": pki(f"{algorithm}/ca.pem")}
            client_options |= {
                "chain": pki(f"{algorithm}/client-chain.pem"),
                "key": pki(f"{algorithm}/client.key"),
            }
        ours, theirs = self.exchange(self.our_server(**options), version=version, **client_options)
        presented = certificates(f"{algorithm}/client-chain.pem") if with_certificate else []
        self.expect(ours, version=VERSION_IDS[version], certificates=presented, sni="server.test", resumed=0)
        self.expect_go(theirs, certificates=certificates(f"{algorithm}/server-chain.pem"), resumed=False)

    @rows(
        ("1.2 X25519", "1.2", X25519, X25519, False),
        ("1.2 P-256", "1.2", P256, P256, False),
        ("1.3 X25519", "1.3", X25519, X25519, False),
        ("1.3 P-256", "1.3", P256, P256, False),
        ("1.3 X25519MLKEM768", "1.3", X25519MLKEM768, X25519MLKEM768, False),
        ("1.3 X25519 by HelloRetryRequest", "1.3", f"{SECP384R1MLKEM1024},{X25519}", X25519, True),
        ("1.3 P-256 by HelloRetryRequest", "1.3", f"{SECP384R1MLKEM1024},{P256}", P256, True),
    )
    def test_group(self, version, offered, group, retried):
        for number in offered.split(","):
            if reason := missing_group(number):
                self.skipTest(reason)
        ours, theirs = self.exchange(self.our_server(), version=version, groups=offered)
        self.expect(ours, group=group, retried=retried)
        self.expect_go(theirs, group=group, retried=retried)

    def test_default_group(self):
        if reason := missing_group(X25519MLKEM768):
            self.skipTest(reason)
        ours, theirs = self.exchange(self.our_server())
        self.expect(ours, version=VERSION_IDS["1.3"], group=X25519MLKEM768, retried=False)
        self.expect_go(theirs, group=X25519MLKEM768, retried=False)

    @rows(*((version, version) for version in VERSIONS))
    def test_alpn(self, version):
        ours, theirs = self.exchange(self.our_server(alpn="h2,http/1.1"), version=version, alpn="http/1.1,h2")
        self.expect(ours, alpn="h2")
        self.expect_go(theirs, alpn="h2")

    @rows(*((version, version) for version in VERSIONS))
    def test_resumption(self, version):
        server = self.our_server(count="3")
        client = self.start_client(
            server.port(), version=version, count="3", send=self.file_with(pattern(1000))
        )
        self.assertEqual([report["resumed"] for report in client.reports()], [False, True, True])
        for report, resumed in zip(server.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed)

    @rows(*((version, version) for version in VERSIONS))
    def test_half_close(self, version):
        """They close first; the rest of our echo still reaches them, and then our end."""
        data = pattern(1_000_000)
        saved = self.directory / "saved"
        server = self.our_server()
        client = self.start_client(
            server.port(), version=version, send=self.file_with(data), save=saved, finish="half-close"
        )
        self.expect_go(client.report(), error="", clean_end=True, received=len(data))
        self.expect_same(saved.read_bytes(), data)
        self.expect(server.report(), status="TLS_CLOSED", sent=len(data))

    @rows(*((version, version) for version in VERSIONS))
    def test_truncated(self, version):
        server = self.our_server()
        client = self.start_client(
            server.port(), version=version, send=self.file_with(b"hello"), finish="abrupt"
        )
        self.expect_go(client.report(), error="")
        self.expect(server.report(), status="TLS_TRUNCATED", received=len("hello"))

    @rows(*((version, version) for version in VERSIONS))
    def test_our_refusal_of_a_missing_certificate(self, version):
        server = self.our_server(client_auth="required", trust=pki("trust/all.pem"))
        theirs = self.start_client(server.port(), version=version, send=self.file_with(b"hello")).report()
        text, alert = ("certificate required", 116) if version == "1.3" else ("handshake failure", 40)
        self.assertIn(text, theirs["error"])
        report = server.report()
        self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)

    @rows(*((version, version) for version in VERSIONS))
    def test_their_refusal_of_an_unknown_authority(self, version):
        server = self.our_server()
        theirs = self.start_client(server.port(), version=version, trust=pki("bad/otherca.pem")).report()
        self.assertIn("certificate signed by unknown authority", theirs["error"])
        # Go says bad_certificate for whatever it does not like about a chain.
        self.expect(server.report(), status="TLS_ERR_ALERT", alert_received=42)

    def test_our_refusal_of_the_protocol(self):
        server = self.our_server(alpn="h2")
        theirs = self.start_client(server.port(), alpn="h3").report()
        self.assertIn("no application protocol", theirs["error"])
        self.expect(server.report(), status="TLS_ERR_NO_COMMON", alert_sent=120)
