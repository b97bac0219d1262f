"""Sessions that cross processes: Go's client between two of our servers, our client between two of Go's."""

from go_peer import GoTest, missing_group
from harness import P256, VERSIONS, X25519, X25519MLKEM768, pattern, rows
from settings import pki
from switch import Switch


class SharedKeys(GoTest):
    def switch(self, *servers):
        switch = Switch(server.port() for server in servers)
        self.addCleanup(switch.close)
        return switch

    @rows(
        *((f"{version} same key", version, "7", 1) for version in VERSIONS),
        *((f"{version} another key", version, "8", 0) for version in VERSIONS),
    )
    def test_our_servers(self, version, second_key, resumed):
        servers = self.our_server(ticket_key="7"), self.our_server(ticket_key=second_key)
        client = self.start_client(
            self.switch(*servers).port(), version=version, count="2", send=self.file_with(pattern(1000))
        )
        self.assertEqual([report["resumed"] for report in client.reports()], [False, bool(resumed)])
        for server, expected in zip(servers, (0, resumed), strict=True):
            self.expect(server.report(), status="TLS_CLOSED", error="TLS_OK", resumed=expected)

    @rows(("a context", {}), ("a question", {"ask_context": True}))
    def test_another_suite_after_a_retry(self, options):
        """The session is of a suite with SHA-384; the second ClientHello is for one with SHA-256, and has none."""
        servers = (
            self.our_server(ticket_key="7", suites="0x1302", **options),
            self.our_server(ticket_key="7", suites="0x1301", offer_groups=P256, **options),
        )
        client = self.start_client(
            self.switch(*servers).port(), version="1.3", count="2", send=self.file_with(pattern(1000))
        )
        self.assertEqual([report["resumed"] for report in client.reports()], [False, False])
        servers[0].report()
        self.expect(servers[1].report(), status="TLS_CLOSED", error="TLS_OK", resumed=0, retried=True, suite="0x1301")

    @rows(*((version, version) for version in VERSIONS))
    def test_client_certificate(self, version):
        """It is in the ticket: the second server knows it without having seen it."""
        options = {"ticket_key": "7", "client_auth": "required", "trust": pki("trust/all.pem")}
        servers = self.our_server(**options), self.our_server(**options)
        client = self.start_client(
            self.switch(*servers).port(),
            version=version,
            count="2",
            send=self.file_with(pattern(1000)),
            chain=pki("rsa/client-chain.pem"),
            key=pki("rsa/client.key"),
        )
        self.assertEqual([report["resumed"] for report in client.reports()], [False, True])
        first, second = (server.report() for server in servers)
        self.expect(second, resumed=1, certificates=first["certificates"])
        self.assertEqual(len(first["certificates"]), 2)

    @rows(
        *((f"{version} carried", version, True) for version in VERSIONS),
        *((f"{version} from the context", version, False) for version in VERSIONS),
    )
    def test_their_servers(self, version, carry):
        servers = [self.start_server(version=version, ticket_key="9") for _ in range(2)]
        data = pattern(1000)
        client = self.our_client(
            self.switch(*servers).port(),
            **{"job": "exchange", "send": self.file_with(data), "expect": len(data), "count": "2", "carry": carry},
        )
        for report, resumed in zip(client.reports(), (0, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", resumed=resumed, received=len(data))
        self.assertEqual([server.report()["resumed"] for server in servers], [False, True])

    def test_session_of_the_hybrid_resumed_with_x25519(self):
        if reason := missing_group(X25519MLKEM768):
            self.skipTest(reason)
        server = self.start_server(version="1.3", count="3")
        data = pattern(1000)
        client = self.our_client(
            server.port(),
            **{"job": "exchange", "send": self.file_with(data), "expect": len(data), "count": "3", "carry": True},
            resumed_groups=X25519,
        )
        groups = (X25519MLKEM768, X25519, X25519)
        for report, group, resumed in zip(client.reports(), groups, (0, 1, 1), strict=True):
            self.expect(report, status="TLS_CLOSED", group=group, resumed=resumed, retried=False)
        for report, group, resumed in zip(server.reports(), groups, (False, True, True), strict=True):
            self.expect_go(report, error="", group=group, resumed=resumed)

    @rows(("none", "0", 0), ("one", "1", 1), ("eight", "8", 1))
    def test_number_of_tickets(self, count, resumed):
        """Go keeps the last one."""
        server = self.our_server(count="2", tickets=count)
        client = self.start_client(
            server.port(), version="1.3", count="2", send=self.file_with(pattern(1000))
        )
        self.assertEqual([report["resumed"] for report in client.reports()], [False, bool(resumed)])
        self.assertEqual([report["resumed"] for report in server.reports()], [0, resumed])
