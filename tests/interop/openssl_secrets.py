"""What both ends derive from a connection, compared with `openssl s_server` and `openssl s_client`."""

import hashlib

from harness import VERSION_IDS, VERSIONS, InteropTest, certificates, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer, identity
from settings import pki

EXPORT = ("-keymatexport", "EXPERIMENTAL-tlsbio", "-keymatexportlen", "40")

# tls-exporter (RFC 9266) as an exporter. Its context is empty, and the programs give none, which is the same in TLS 1.3 only.
BINDING = ("-tls1_3", "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32")

# (label, version, algorithm): the binding by certificate is not defined for Ed25519.
CASES = [
    (f"{version} {algorithm}", version, algorithm)
    for version in ("1.2", "1.3")
    for algorithm in ("rsa", "ecdsa", "ed25519")
]


class Secrets(InteropTest):
    def check(self, report, theirs, version, algorithm):
        material = theirs.wait_for(r"Keying material: ([0-9A-F]+)\n").group(1).lower()
        certificate = bytes.fromhex(certificates(f"{algorithm}/server-chain.pem")[0])
        end_point = "" if algorithm == "ed25519" else hashlib.sha256(certificate).hexdigest()
        self.expect(report, version=VERSION_IDS[version], exported=material, end_point_binding=end_point)
        self.assertEqual(len(report["exporter_binding"]), 64)
        self.assertEqual(len(material), 80)

    def check_binding(self, report, theirs):
        material = theirs.wait_for(r"Keying material: ([0-9A-F]{64})\n").group(1).lower()
        self.expect(report, exporter_binding=material)

    def check_key_log(self, report, path, version):
        """The same secrets under the same names; OpenSSL also writes comments."""
        theirs = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        self.assertEqual(sorted(report["events"]), sorted(line.strip() for line in theirs))
        self.assertEqual(len(theirs), 5 if version == "1.3" else 1)


class OurClient(Secrets):
    @rows(*CASES)
    def test_secrets(self, version, algorithm):
        flags = (VERSION_FLAGS[version], *EXPORT)
        server = self.start(SServer(*flags, mode=(), server_identity=identity("server", algorithm)))
        client = self.our_client(server.port(), job="echo", trust=pki(f"{algorithm}/ca.pem"))
        server.wait_for("Keying material: ")
        server.write(b"Q\n").join()
        self.check(client.report(), server, version, algorithm)

    def test_exporter_binding(self):
        server = self.start(SServer(*BINDING, mode=()))
        client = self.our_client(server.port(), job="echo")
        server.wait_for("Keying material: ")
        server.write(b"Q\n").join()
        self.check_binding(client.report(), server)

    @rows(*((f"{version} verify {verify}", version, verify) for version in VERSIONS for verify in ("peer", "ask")))
    def test_key_log(self, version, verify):
        path = self.directory / "keys"
        server = self.start(SServer(VERSION_FLAGS[version], "-keylogfile", path))
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(b"line\n"), expect="5", key_log=True, verify=verify
        )
        report = client.report()
        server.finish()
        self.check_key_log(report, path, version)

    @rows(
        ("new keys of the server", b"k\n", [1], "peer"),
        ("new keys of both", b"K\n", [1, 2], "peer"),
        ("new keys of both after a question", b"K\n", [1, 2], "ask"),
    )
    def test_key_update_event(self, command, expected, verify):
        server = self.start(SServer("-tls1_3", mode=()))
        client = self.our_client(server.port(), job="echo", events="16", verify=verify)
        for line in (b"before\n", command, b"after\n"):
            server.write(line).join()
            server.wait_for("SSL_do_handshake -> 1" if line == command else f"\n{line.decode()}")
        server.write(b"Q\n").join()
        self.assertEqual(sorted(client.report()["events"]), expected)

    def test_more_events_than_wait(self):
        """32 tickets push the end of the handshake out of the queue, and the first one says so."""
        server = self.start(SServer("-tls1_3", "-num_tickets", "32"))
        client = self.our_client(
            server.port(), job="exchange", send=self.file_with(b"line\n"), expect="5", events="3"
        )
        report = client.report()
        server.finish()
        self.expect(report, status="TLS_CLOSED", events=list(range(1, 33)), events_lost=1, tickets_in=32)

    def test_retried_and_resumed(self):
        """The server takes no share that is offered: the handshake begins again. The second one resumes."""
        server = self.start(SServer("-tls1_3", "-groups", "P-384", connections=2))
        client = self.our_client(
            server.port(), job="exchange", count="2", send=self.file_with(b"line\n"), expect="5"
        )
        kinds = [report["kind"] for report in client.reports()]
        server.finish()
        # The client remembers which share the server takes: the second one is not retried.
        self.assertEqual(kinds, [2, 3])


class OurServer(Secrets):
    @rows(*CASES)
    def test_secrets(self, version, algorithm):
        server = self.our_server(
            chain=pki(f"{algorithm}/server-chain.pem"), key=pki(f"{algorithm}/server.key")
        )
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], *EXPORT, brief=False))
        client.wait_for("Keying material: ")
        client.finish()
        self.check(server.report(), client, version, algorithm)

    def test_exporter_binding(self):
        server = self.our_server()
        client = self.start(SClient(server.port(), *BINDING, brief=False))
        client.wait_for("Keying material: ")
        client.finish()
        self.check_binding(server.report(), client)

    @rows(
        *(
            (f"{version} {algorithm}", version, algorithm, schemes)
            for version in VERSIONS
            for algorithm, schemes in (("rsa", "RSA-PSS+SHA256:RSA+SHA256"), ("ecdsa", "ECDSA+SHA256:RSA+SHA256"))
        )
    )
    def test_end_point_of_several_identities(self, version, algorithm, schemes):
        """The client's signature schemes choose which one it sees."""
        server = self.our_server(
            chain=pki("ecdsa/server-chain.pem"),
            key=pki("ecdsa/server.key"),
            more_chain=pki("rsa/server-chain.pem"),
            more_key=pki("rsa/server.key"),
        )
        flags = (VERSION_FLAGS[version], "-sigalgs", schemes, *EXPORT)
        client = self.start(SClient(server.port(), *flags, brief=False))
        client.wait_for("Keying material: ")
        client.finish()
        self.check(server.report(), client, version, algorithm)

    @rows(*((version, version) for version in VERSIONS))
    def test_key_log(self, version):
        path = self.directory / "keys"
        server = self.our_server(key_log=True)
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], "-keylogfile", path))
        client.write(b"line\n").join()
        client.wait_for("line")
        client.finish()
        self.check_key_log(server.report(), path, version)

    def test_retried(self):
        server = self.our_server()
        client = self.start(SClient(server.port(), "-tls1_3", "-groups", "P-521:P-384"))
        client.write(b"line\n").join()
        client.wait_for("line")
        client.finish()
        self.expect(server.report(), kind=2, retried=True)
