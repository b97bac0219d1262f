"""The records that we send, as `openssl s_server` and `openssl s_client` see them with -msg."""

import re

from harness import VERSIONS, InteropTest, pattern_lines, rows
from openssl_tools import VERSION_FLAGS, SClient, SServer, reversed_lines

APPLICATION_DATA = 23

# What TLS 1.3 encrypts a record with besides its plain bytes, content type and padding.
TAG = 16

# (label, version, our settings, what is true of the plain bytes of a record and its number)
SHAPES = [
    row
    for version in VERSIONS
    for row in (
        (f"{version} small", version, {"record_size": "64"}, lambda plain, _: plain == 64),
        (f"{version} segments", version, {"record_size": "1369"}, lambda plain, _: plain == 1369),
        (
            f"{version} ramp",
            version,
            {"ramp_size": "1000", "ramp_bytes": "20000"},
            lambda plain, number: plain == 1000 if number < 20 else plain == 16384,
        ),
        (f"{version} corked", version, {"cork": True}, lambda plain, _: plain == 16384),
        (
            f"{version} corked segments after a question",
            version,
            {"cork": True, "record_size": "1369", "verify": "ask"},
            lambda plain, _: plain == 1369,
        ),
    )
]

PADDED = [
    (f"{label}, to {block} bytes", options | {"padding": block}, int(block))
    for label, options in (("one by one", {}), ("corked", {"cork": True}), ("small", {"record_size": "100"}))
    for block in ("2", "256", "4096", "16384")
]


def received_records(text):
    """Length of the payload of each record of application data that the program received, by what -msg says."""
    lengths = []
    for header, inner in re.findall(
        r"<<< [^\n]*RecordHeader [^\n]*\n((?:    [0-9a-f ]+\n)+)(?:<<< [^\n]*InnerContent [^\n]*\n    ([0-9a-f]+)\n)?",
        text,
    ):
        kind, _, _, high, low = bytes.fromhex(header)
        if int(inner, 16) == APPLICATION_DATA if inner else kind == APPLICATION_DATA:
            lengths.append(high << 8 | low)
    return lengths


class Sending(InteropTest):
    def exchange_with_server(self, version, settings):
        """Our client sends lines and gets them back, reversed; what the server saw of our records."""
        lines = pattern_lines()
        saved = self.directory / "saved"
        seen = self.directory / "seen"
        server = self.start(SServer(VERSION_FLAGS[version], "-msg", "-msgfile", seen))
        client = self.our_client(
            server.port(),
            job="exchange",
            send=self.file_with(lines),
            save=saved,
            expect=len(lines),
            **settings,
        )
        report = client.report()
        self.expect(report, status="TLS_CLOSED", error="TLS_OK", sent=len(lines), received=len(lines))
        server.finish()
        self.expect_same(saved.read_bytes(), reversed_lines(lines))
        records = received_records(seen.read_text())
        # What the library counted is what arrived.
        self.expect(report, records_out=len(records))
        return records, len(lines)

    def growth(self, version):
        return 1 + TAG if version == "1.3" else 8 + TAG


class OurClient(Sending):
    @rows(*SHAPES)
    def test_record_shape(self, version, settings, fits):
        records, total = self.exchange_with_server(version, settings)
        plain = [length - self.growth(version) for length in records]
        self.assertEqual(sum(plain), total)
        wrong = [(number, length) for number, length in enumerate(plain[:-1]) if not fits(length, number)]
        # What the outbound limit leaves can end a record early, but not one that is corked.
        allowed = 0 if "cork" in settings else len(plain) // 10 + 5
        self.assertLessEqual(len(wrong), allowed, f"{wrong[:10]} of {len(plain)} records")
        self.assertLessEqual(max(plain), 16384)

    @rows(*PADDED)
    def test_record_padding(self, settings, block):
        records, total = self.exchange_with_server("1.3", settings)
        self.assertEqual([length for length in records if (length - TAG) % block != 0], [])
        self.assertGreater(sum(records), total)


class OurServer(Sending):
    @rows(*((f"{version} {name}", version, name) for version in VERSIONS for name in ("cork", "record_size", "padding")))
    def test_record_echo(self, version, name):
        """Lines that s_client sends come back the same, however their records look."""
        lines = pattern_lines(20_000)
        server = self.our_server(**{name: {"cork": True, "record_size": "200", "padding": "1024"}[name]})
        seen = self.directory / "seen"
        client = self.start(SClient(server.port(), VERSION_FLAGS[version], "-msg", "-msgfile", seen))
        client.write(lines)
        client.wait_for(re.escape(lines[-100:].decode()))
        client.finish()
        self.expect(server.report(), status="TLS_CLOSED", received=len(lines), sent=len(lines))
        records = received_records(seen.read_text())
        if name == "record_size":
            self.assertLessEqual(max(records), 200 + self.growth(version))
        elif name == "padding" and version == "1.3":
            self.assertEqual([length for length in records if (length - TAG) % 1024 != 0], [])
        else:
            self.assertEqual(sum(length - self.growth(version) for length in records), len(lines))
