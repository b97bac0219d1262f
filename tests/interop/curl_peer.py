"""Our server against curl, with HTTP inside."""

import functools
import socket
import subprocess
import threading

import patience
from harness import IDENTITIES, P256, VERSION_IDS, VERSIONS, X25519, X25519MLKEM768
from harness import InteropTest, certificates, pattern, rows
from process import Process
from settings import pki

VERSION_FLAGS = {"1.2": ("--tlsv1.2", "--tls-max", "1.2"), "1.3": ("--tlsv1.3", "--tls-max", "1.3")}

# Exit statuses of curl.
CANNOT_CONNECT_WITH_TLS = 35
NO_SUCH_SUITE_OR_CURVE = 59
NOT_VERIFIED = 60


class Curl(Process):
    def __init__(self, port, *flags, trust=None, name="server.test", requests=1):
        urls = [f"https://{name}:{port}/{number}" for number in range(requests)]
        super().__init__(
            *("curl", "--silent", "--show-error", "--verbose", "--noproxy", "*"),
            *("--resolve", f"{name}:{port}:127.0.0.1", "--cacert", trust or pki("trust/all.pem")),
            *flags,
            *urls,
        )


@functools.cache
def missing_group(name):
    """Why this curl cannot use a group, or None. curl looks at the option only once it is connected."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up():
            listener.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        probe = subprocess.run(
            [*"curl --silent --show-error --insecure --noproxy * --curves".split(), name]
            + [f"https://127.0.0.1:{listener.getsockname()[1]}/"],
            capture_output=True,
            text=True,
            timeout=patience.SECONDS,
        )
    if probe.returncode != NO_SUCH_SUITE_OR_CURVE:
        return None
    release = subprocess.run(["curl", "--version"], capture_output=True, text=True, timeout=patience.SECONDS).stdout
    return f"{' '.join(release.split()[:2])}: {probe.stderr.strip()}"


class OurServer(InteropTest):
    def setUp(self):
        super().setUp()
        self.page = pattern()

    def start_server(self, **options):
        return self.our_server(job="http", send=self.file_with(self.page), **options)

    def get(self, server, *flags, **options):
        """Fetches the page and compares it."""
        curl = self.start(Curl(server.port(), *flags, **options))
        self.assertEqual(curl.finish(), 0, curl.err())
        self.expect_same(curl.out(), self.page)
        report = server.report()
        self.expect(report, status="TLS_CLOSED", error="TLS_OK")
        return curl, report

    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        options = {"chain": pki(f"{algorithm}/server-chain.pem"), "key": pki(f"{algorithm}/server.key")}
        flags = VERSION_FLAGS[version]
        if with_certificate:
            options |= {"client_auth": "required", "trust": pki(f"{algorithm}/ca.pem")}
            flags += ("--cert", pki(f"{algorithm}/client-chain.pem"), "--key", pki(f"{algorithm}/client.key"))
        server = self.start_server(**options)
        curl, report = self.get(server, *flags, trust=pki(f"{algorithm}/ca.pem"))
        self.expect(
            report,
            version=VERSION_IDS[version],
            certificates=certificates(f"{algorithm}/client-chain.pem") if with_certificate else [],
            sni="server.test",
        )
        self.expect_text(curl, f"SSL connection using TLSv{version}", "SSL certificate verify ok.")

    @rows(
        ("1.2 X25519", "1.2", "X25519", X25519, False),
        ("1.2 P-256", "1.2", "P-256", P256, False),
        ("1.3 X25519", "1.3", "X25519", X25519, False),
        ("1.3 P-256", "1.3", "P-256", P256, False),
        ("1.3 P-521 to X25519 by HelloRetryRequest", "1.3", "P-521:X25519", X25519, True),
        ("1.3 X25519MLKEM768", "1.3", "X25519MLKEM768", X25519MLKEM768, False),
    )
    def test_group(self, version, offered, group, retried):
        if reason := missing_group(offered):
            self.skipTest(reason)
        # In TLS 1.2 the list of groups also says which curves a certificate may have: an RSA key has none.
        server = self.start_server(chain=pki("rsa/server-chain.pem"), key=pki("rsa/server.key"))
        _, report = self.get(server, *VERSION_FLAGS[version], "--curves", offered)
        self.expect(report, version=VERSION_IDS[version], group=group, retried=retried)

    @rows(*((version, version) for version in VERSIONS))
    def test_post(self, version):
        """A body that goes there and comes back."""
        body = pattern(500_000, seed=4)
        server = self.start_server()
        flags = ("--header", "Expect:", "--data-binary", f"@{self.file_with(body, 'body')}")
        curl = self.start(Curl(server.port(), *VERSION_FLAGS[version], *flags))
        self.assertEqual(curl.finish(), 0, curl.err())
        self.expect_same(curl.out(), body)
        self.expect(server.report(), status="TLS_CLOSED")

    @rows(
        ("curl's default", "http/1.1", (), "http/1.1"),
        ("our order", "h2,http/1.1", ("--http1.1",), "http/1.1"),
    )
    def test_alpn(self, ours, flags, chosen):
        server = self.start_server(alpn=ours)
        curl, report = self.get(server, *flags)
        self.expect(report, alpn=chosen)
        self.expect_text(curl, f"ALPN: server accepted {chosen}\n")

    def test_ask_for_context(self):
        server = self.start_server(ask_context=True)
        _, report = self.get(server)
        self.expect(report, asked_context=True, asked_name="server.test")

    @rows(*((version, version) for version in VERSIONS))
    def test_resumption(self, version):
        server = self.start_server(count="3")
        curl = self.start(Curl(server.port(), *VERSION_FLAGS[version], requests=3))
        self.assertEqual(curl.finish(), 0, curl.err())
        self.expect_same(curl.out(), 3 * self.page)
        if version == "1.2" and "re-using session ID" not in curl.err():
            self.skipTest("curl turns tickets off in TLS 1.2, and our server keeps no sessions without tickets")
        for report, resumed in zip(server.reports(), (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, version=VERSION_IDS[version])

    @rows(*((version, version) for version in VERSIONS))
    def test_their_refusal_of_an_unknown_authority(self, version):
        server = self.start_server()
        curl = self.start(Curl(server.port(), *VERSION_FLAGS[version], trust=pki("bad/otherca.pem")))
        self.assertEqual(curl.finish(), NOT_VERIFIED)
        self.expect(server.report(), status="TLS_ERR_ALERT", alert_received=48, alert_sent=-1)

    @rows(*((version, version) for version in VERSIONS))
    def test_their_refusal_of_an_expired_certificate(self, version):
        server = self.start_server(chain=pki("bad/expired.pem"), key=pki("bad/expired.key"))
        curl = self.start(Curl(server.port(), *VERSION_FLAGS[version]))
        self.assertEqual(curl.finish(), NOT_VERIFIED)
        self.expect(server.report(), status="TLS_ERR_ALERT", alert_received=45, alert_sent=-1)

    @rows(*((version, version) for version in VERSIONS))
    def test_our_refusal_of_a_missing_certificate(self, version):
        server = self.start_server(client_auth="required", trust=pki("trust/all.pem"))
        curl = self.start(Curl(server.port(), *VERSION_FLAGS[version]))
        self.assertNotEqual(curl.finish(), 0)
        text, alert = ("alert certificate required", 116) if version == "1.3" else ("alert handshake failure", 40)
        self.expect_text(curl, text)
        report = server.report()
        self.expect(report, status="TLS_ERR_CERTIFICATE", alert_sent=alert, received=0)

    def test_our_refusal_of_the_version(self):
        server = self.start_server(min="1.3")
        curl = self.start(Curl(server.port(), *VERSION_FLAGS["1.2"]))
        self.assertEqual(curl.finish(), CANNOT_CONNECT_WITH_TLS)
        self.expect(server.report(), status="TLS_ERR_NO_COMMON", alert_sent=70)
