"""Our client against `openssl s_server`."""

from pathlib import Path

from harness import (
    IDENTITIES,
    P256,
    P384,
    VERSION_IDS,
    VERSIONS,
    WAYS,
    X25519,
    X25519MLKEM768,
    InteropTest,
    certificates,
    pattern,
    pattern_lines,
    rows,
)
from openssl_tools import GROUPS, SUITES, VERSION_FLAGS, VERSION_NAMES, SServer, identity
from openssl_tools import missing_group, reversed_lines, suite_flag
from settings import pki


class OurClient(InteropTest):
    def start_server(self, *flags, **options):
        server = self.start(SServer(*flags, **options))
        return server, server.port()

    def exchange(self, server, port, **options):
        """200 KB of lines out, and the same lines reversed back."""
        lines = pattern_lines()
        saved = self.directory / "saved"
        client = self.our_client(
            port, job="exchange", send=self.file_with(lines), save=saved, expect=len(lines), **options
        )
        report = client.report()
        server.finish()
        self.expect(report, status="TLS_CLOSED", error="TLS_OK", sent=len(lines), received=len(lines))
        self.expect_same(saved.read_bytes(), reversed_lines(lines))
        return report

    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        flags = [VERSION_FLAGS[version]]
        options = {"trust": pki(f"{algorithm}/ca.pem")}
        if with_certificate:
            flags += ["-Verify", "3", "-verify_return_error", "-CAfile", pki(f"{algorithm}/ca.pem")]
            options |= {"chain": pki(f"{algorithm}/client-chain.pem"), "key": pki(f"{algorithm}/client.key")}
        server, port = self.start_server(*flags, server_identity=identity("server", algorithm))
        report = self.exchange(server, port, **options)
        self.expect(
            report,
            version=VERSION_IDS[version],
            certificates=certificates(f"{algorithm}/server-chain.pem"),
            resumed=0,
        )
        self.expect_text(server, f"Protocol version: {VERSION_NAMES[version]}\n")
        if with_certificate:
            self.expect_text(server, f"CN = {algorithm} client\n", "Verification: OK\n")
        else:
            self.expect_text(server, "No peer certificate\n")

    @rows(
        ("1.2 X25519", "1.2", X25519, False),
        ("1.2 P-256", "1.2", P256, False),
        ("1.2 P-384", "1.2", P384, False),
        ("1.3 X25519", "1.3", X25519, False),
        ("1.3 P-256 by HelloRetryRequest", "1.3", P256, True),
        ("1.3 P-384 by HelloRetryRequest", "1.3", P384, True),
        ("1.3 X25519MLKEM768", "1.3", X25519MLKEM768, False),
    )
    def test_group(self, version, group, retried):
        name = GROUPS[group][0]
        if reason := missing_group(name):
            self.skipTest(reason)
        # In TLS 1.2 the list of groups also says which curves a certificate may have: an RSA key has none.
        flags = VERSION_FLAGS[version], "-groups", name
        server, port = self.start_server(*flags, server_identity=identity("server", "rsa"))
        report = self.exchange(server, port)
        self.expect(report, version=VERSION_IDS[version], group=group, retried=retried)

    @rows(*((f"{version} {name}", version, number, name, alg) for version, number, name, alg in SUITES))
    def test_suite(self, version, number, name, algorithm):
        server, port = self.start_server(
            VERSION_FLAGS[version], *suite_flag(version, name), server_identity=identity("server", algorithm)
        )
        report = self.exchange(server, port)
        self.expect(report, suite=number)
        self.expect_text(server, f"Ciphersuite: {name}\n")

    @rows(*WAYS)
    def test_way(self, version, way_in, way_out):
        server, port = self.start_server(VERSION_FLAGS[version])
        self.exchange(server, port, **{"in": way_in, "out": way_out})

    @rows(
        ("1.2 records of 512 bytes", "1.2", ("-max_send_frag", "512")),
        ("1.3 records of 512 bytes", "1.3", ("-max_send_frag", "512")),
        ("1.3 padded records", "1.3", ("-record_padding", "4096")),
        ("1.3 without middlebox compatibility", "1.3", ("-no_middlebox",)),
        ("1.2 without tickets", "1.2", ("-no_ticket",)),
        ("1.3 without tickets", "1.3", ("-num_tickets", "0")),
    )
    def test_shape(self, version, flags):
        server, port = self.start_server(VERSION_FLAGS[version], *flags)
        self.expect(self.exchange(server, port), version=VERSION_IDS[version])

    @rows(("1.2", "1.2"), ("1.3", "1.3"))
    def test_bulk(self, version):
        """A file in full records, with the end of the file marked by close_notify alone."""
        content = pattern(1_000_000)
        self.file_with(content, "bulk.bin")
        server, port = self.start_server(VERSION_FLAGS[version], mode=("-HTTP",), cwd=self.directory)
        saved = self.directory / "saved"
        request = self.file_with(b"GET /bulk.bin HTTP/1.0\r\n\r\n", "request")
        report = self.our_client(port, job="exchange", send=request, save=saved).report()
        self.expect(report, status="TLS_CLOSED", version=VERSION_IDS[version])
        self.expect_same(saved.read_bytes(), content)

    @rows(
        ("1.2 first choice", "1.2", "h2,http/1.1", "http/1.1,h2", "h2"),
        ("1.3 first choice", "1.3", "h2,http/1.1", "http/1.1,h2", "h2"),
        ("1.3 only one in common", "1.3", "h3,http/1.1", "http/1.1,h2", "http/1.1"),
    )
    def test_alpn(self, version, theirs, ours, chosen):
        server, port = self.start_server(VERSION_FLAGS[version], "-alpn", theirs)
        report = self.exchange(server, port, alpn=ours)
        self.expect(report, alpn=chosen)
        self.expect_text(server, f"ALPN protocols selected: {chosen}\n")

    def test_alpn_unanswered(self):
        """A server that knows nothing of ALPN: the connection is made without a protocol."""
        server, port = self.start_server()
        self.expect(self.exchange(server, port, alpn="h2"), alpn="")

    @rows(
        ("chosen certificate", "server.test", "rsa/direct.pem"),
        ("no SNI for an IPv4 address", "127.0.0.1", "ecdsa/server-chain.pem"),
        ("no SNI for an IPv6 address", "::1", "ecdsa/server-chain.pem"),
    )
    def test_sni(self, name, chain):
        """The server has a second certificate for server.test, and refuses any other name."""
        second = ("-cert2", pki("rsa/direct.pem"), "-key2", pki("rsa/direct.key"))
        server, port = self.start_server("-servername", "server.test", "-servername_fatal", *second)
        report = self.exchange(server, port, name=name)
        self.expect(report, certificates=certificates(chain))

    def test_wildcard_name(self):
        server, port = self.start_server()
        self.exchange(server, port, name="any.wild.test")

    def test_shuffled_chain(self):
        """Our own certificates are given in the wrong order: the server gets them in the right one."""
        flags = ("-Verify", "3", "-verify_return_error", "-CAfile", pki("rsa/ca.pem"))
        server, port = self.start_server(*flags)
        chain = self.file_with(
            Path(pki("rsa/inter.pem")).read_bytes() + Path(pki("rsa/client.pem")).read_bytes(), "shuffled.pem"
        )
        self.exchange(server, port, chain=chain, key=pki("rsa/client.key"))
        self.expect_text(server, "CN = rsa client\n", "Verification: OK\n")

    @rows(*((version, version) for version in VERSIONS))
    def test_resumption(self, version):
        server, port = self.start_server(VERSION_FLAGS[version], connections=3)
        lines = pattern_lines(1000)
        client = self.our_client(
            port, job="exchange", count="3", send=self.file_with(lines), expect=len(lines)
        )
        reports = client.reports()
        server.finish()
        for report, resumed in zip(reports, (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, version=VERSION_IDS[version])
        self.expect_text(server, "2 session cache hits\n")

    def test_key_update(self):
        """New keys in both directions in the middle of an echo, asked for by the server. Its Q hangs up at once."""
        server, port = self.start_server("-tls1_3", mode=())
        client = self.our_client(port, job="echo")
        server.write(b"before\n").join()
        server.wait_for("\nbefore\n")
        server.write(b"K\n").join()
        server.wait_for("SSL_do_handshake -> 1")
        server.write(b"after\n").join()
        server.wait_for("\nafter\n")
        server.write(b"Q\n").join()
        self.expect(client.report(), status="TLS_TRUNCATED", received=len("before\nafter\n"))

    @rows(*((version, version) for version in VERSIONS))
    def test_half_close(self, version):
        """We close first, with everything said: what the server still has to say arrives."""
        server, port = self.start_server(VERSION_FLAGS[version], mode=("-HTTP",), cwd=self.directory)
        content = pattern(1_000_000)
        self.file_with(content, "bulk.bin")
        request = self.file_with(b"GET /bulk.bin HTTP/1.0\r\n\r\n", "request")
        saved = self.directory / "saved"
        client = self.our_client(port, job="exchange", send=request, save=saved, half_close=True)
        self.expect(client.report(), status="TLS_CLOSED")
        self.expect_same(saved.read_bytes(), content)

    @rows(*((version, version) for version in VERSIONS))
    def test_truncated(self, version):
        """The server vanishes in the middle of the connection, without close_notify."""
        server, port = self.start_server(VERSION_FLAGS[version], mode=())
        client = self.our_client(port, job="echo")
        server.write(b"hello\n").join()
        server.wait_for("\nhello\n")
        server.kill()
        self.expect(client.report(), status="TLS_TRUNCATED", received=len("hello\n"))
