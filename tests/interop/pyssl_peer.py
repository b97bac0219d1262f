"""Both roles against Python's ssl module over its own memory BIOs: one process, no sockets, every byte by hand."""

import hashlib
import platform
import random
import ssl

from harness import IDENTITIES, P256, VERSION_IDS, VERSIONS, X25519, X25519MLKEM768
from harness import InteropTest, certificates, pattern, rows
from native import Context, Library
from settings import pki

MEGABYTE = 1 << 20
# The random of a ServerHello that is a HelloRetryRequest (RFC 8446, section 4.1.3).
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()
PYTHON_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def python_context(server, version=None, algorithm="ecdsa", with_certificate=False, alpn=(), group=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    # The default would take an end without close_notify for a proper one.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.load_verify_locations(pki("trust/all.pem"))
    if version:
        context.minimum_version = context.maximum_version = PYTHON_VERSIONS[version]
    if server:
        context.load_cert_chain(pki(f"{algorithm}/server-chain.pem"), pki(f"{algorithm}/server.key"))
        context.verify_mode = ssl.CERT_REQUIRED if with_certificate else ssl.CERT_NONE
    elif with_certificate:
        context.load_cert_chain(pki(f"{algorithm}/client-chain.pem"), pki(f"{algorithm}/client.key"))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if group:
        context.set_ecdh_curve(group)
    return context


class PythonEnd:
    """An SSLObject between two memory BIOs."""

    def __init__(self, context, server, session=None):
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        name = None if server else "server.test"
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server, name, session)
        self.done = False

    def handshake(self):
        try:
            self.tls.do_handshake()
            self.done = True
        except ssl.SSLWantReadError:
            pass

    def read(self, limit):
        try:
            return self.tls.read(limit)
        except ssl.SSLWantReadError:
            return None

    def start_close(self):
        """Sends close_notify; true once the other end's has come too."""
        try:
            self.tls.unwrap()
            return True
        except ssl.SSLWantReadError:
            return False


class Pair:
    """Our end and Python's, with the wire between them moved in pieces of random size."""

    def __init__(self, ours, theirs, seed):
        self.ours = ours
        self.theirs = theirs
        self.random = random.Random(seed)
        self.waiting = b""  # what we could not be fed yet
        self.from_them = bytearray()

    def size(self):
        return self.random.choice((1, 5, 100, 1400, 4096, 16384, 40000))

    def move(self):
        """One piece in each direction; false when the wire is empty."""
        out = self.ours.drain(self.size())
        if out:
            self.theirs.incoming.write(out)
        if not self.waiting:
            self.waiting = self.theirs.outgoing.read(self.size())
            self.from_them += self.waiting
        fed = 0
        if self.waiting and self.ours.state() & self.ours.lib.TLS_CAN_FEED:
            fed = self.ours.feed(self.waiting)
            self.waiting = self.waiting[fed:]
        return bool(out) or fed > 0

    def settle(self):
        while self.move():
            pass

    def handshake(self):
        """Until both ends are done; what came after the handshake (tickets) is moved as well."""
        while not self.theirs.done or self.ours.state() & self.ours.lib.TLS_HANDSHAKING:
            if not self.theirs.done:
                self.theirs.handshake()
            moved = self.move()
            status = self.ours.status()
            if status not in ("TLS_OK", "TLS_WANT_FEED"):
                self.settle()
                return status
            if not moved and self.theirs.outgoing.pending == 0 and not self.ours.state() & self.ours.lib.TLS_CAN_DRAIN:
                self.theirs.handshake()
                if not self.theirs.done and self.theirs.outgoing.pending == 0:
                    raise AssertionError(f"the handshake stands still: we are at {status}")
        self.settle()
        return self.ours.status()


class PythonTest(InteropTest):
    @classmethod
    def setUpClass(cls):
        cls.lib = Library()

    def our_context(self, server, **options):
        if server:
            options = {"chain": pki("ecdsa/server-chain.pem"), "key": pki("ecdsa/server.key")} | options
        else:
            options = {"trust": pki("trust/all.pem")} | options
        context = Context(self.lib, server, **options)
        self.addCleanup(context.free)
        return context

    def pair(self, our_context, their_context, session=None):
        ours = our_context.connection("server.test")
        self.addCleanup(ours.free)
        return Pair(ours, PythonEnd(their_context, not our_context.server, session), self.id())

    def connected(self, *arguments, **options):
        pair = self.pair(*arguments, **options)
        self.assertEqual(pair.handshake(), "TLS_OK")
        return pair

    def transfer(self, pair, amount=MEGABYTE):
        """`amount` bytes in each direction at the same time, in pieces of random size at every step."""
        out, back = pattern(amount, seed=2), pattern(amount, seed=3)
        sent = returned = 0
        got_by_them, got_by_us = bytearray(), bytearray()
        while len(got_by_them) < amount or len(got_by_us) < amount:
            before = (sent, returned, len(got_by_them), len(got_by_us))
            if sent < amount and pair.ours.state() & self.lib.TLS_CAN_WRITE:
                sent += pair.ours.write(out[sent : sent + pair.size()])
            # Python's outgoing BIO has no limit: without one here, all of it would wait there at once.
            if returned < amount and pair.theirs.outgoing.pending < 100_000:
                returned += pair.theirs.tls.write(back[returned : returned + pair.size()])
            moved = pair.move()
            if pair.ours.state() & self.lib.TLS_CAN_READ:
                got_by_us += pair.ours.read(pair.size())
            got_by_them += pair.theirs.read(pair.size()) or b""
            after = (sent, returned, len(got_by_them), len(got_by_us))
            self.assertTrue(moved or before != after, f"nothing moves any more: {after}, {pair.ours.status()}")
        self.expect_same(bytes(got_by_them), out)
        self.expect_same(bytes(got_by_us), back)

    def close_from_us(self, pair):
        self.assertEqual(pair.ours.close_notify(), "TLS_OK")
        self.assertEqual(pair.ours.write(b"late"), "TLS_ERR_STATE")
        pair.settle()
        self.assertEqual(pair.theirs.read(100), b"")
        # The other direction is still open.
        pair.theirs.tls.write(b"last words")
        pair.settle()
        self.assertEqual(pair.ours.read(100), b"last words")
        self.assertEqual(pair.ours.status(), "TLS_OK")
        self.assertTrue(pair.theirs.start_close())
        pair.settle()
        self.assertEqual(pair.ours.read(100), "TLS_CLOSED")
        self.assertEqual(pair.ours.status(), "TLS_CLOSED")

    def close_from_them(self, pair):
        self.assertFalse(pair.theirs.start_close())
        pair.settle()
        self.assertEqual(pair.ours.read(100), "TLS_CLOSED")
        self.assertTrue(pair.ours.state() & self.lib.TLS_PEER_CLOSED)
        self.assertFalse(pair.ours.state() & self.lib.TLS_CAN_FEED)
        # Our direction is still open, and Python reads on after its own close_notify.
        self.assertEqual(pair.ours.write(b"last words"), len("last words"))
        pair.settle()
        self.assertEqual(pair.theirs.read(100), b"last words")
        self.assertEqual(pair.ours.close_notify(), "TLS_OK")
        pair.settle()
        self.assertTrue(pair.theirs.start_close())

    def negotiated(self, pair, version, chain):
        self.assertEqual(pair.ours.version(), VERSION_IDS[version])
        self.assertEqual(pair.theirs.tls.version(), f"TLSv{version}")
        self.assertEqual(pair.ours.certificates(), certificates(chain) if chain else [])


class OurClient(PythonTest):
    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        """1 MiB each way, and an end that we begin."""
        options = {}
        if with_certificate:
            options = {"chain": pki(f"{algorithm}/client-chain.pem"), "key": pki(f"{algorithm}/client.key")}
        pair = self.connected(
            self.our_context(False, **options), python_context(True, version, algorithm, with_certificate)
        )
        self.negotiated(pair, version, f"{algorithm}/server-chain.pem")
        seen = pair.theirs.tls.getpeercert(binary_form=True)
        expected = certificates(f"{algorithm}/client.pem") if with_certificate else []
        self.assertEqual([seen.hex()] if seen else [], expected)
        self.transfer(pair)
        self.close_from_us(pair)

    @rows(*((version, version) for version in VERSIONS))
    def test_close_from_them(self, version):
        pair = self.connected(self.our_context(False), python_context(True, version))
        self.transfer(pair, 1000)
        self.close_from_them(pair)


class OurServer(PythonTest):
    @rows(*IDENTITIES)
    def test_identity(self, version, algorithm, with_certificate):
        """1 MiB each way, and an end that they begin."""
        options = {"chain": pki(f"{algorithm}/server-chain.pem"), "key": pki(f"{algorithm}/server.key")}
        if with_certificate:
            options |= {"client_auth": self.lib.TLS_CLIENT_AUTH_REQUIRED, "trust": pki("trust/all.pem")}
        pair = self.connected(
            self.our_context(True, **options), python_context(False, version, algorithm, with_certificate)
        )
        self.negotiated(pair, version, f"{algorithm}/client-chain.pem" if with_certificate else None)
        self.assertEqual(pair.ours.sni(), "server.test")
        self.assertEqual(
            pair.theirs.tls.getpeercert(binary_form=True).hex(), certificates(f"{algorithm}/server.pem")[0]
        )
        self.transfer(pair)
        self.close_from_them(pair)

    @rows(*((version, version) for version in VERSIONS))
    def test_close_from_us(self, version):
        pair = self.connected(self.our_context(True), python_context(False, version))
        self.transfer(pair, 1000)
        self.close_from_us(pair)


ROLES = (("our client", False), ("our server", True))


def both_roles(*table):
    return tuple((f"{role} {label}", server, *rest) for role, server in ROLES for label, *rest in table)


class BothRoles(PythonTest):
    """`server` says which role is ours."""

    @rows(
        *both_roles(
            ("1.2 X25519", "1.2", "X25519", X25519),
            ("1.2 P-256", "1.2", "prime256v1", P256),
            ("1.3 X25519", "1.3", "X25519", X25519),
            ("1.3 P-256", "1.3", "prime256v1", P256),
            ("1.3 X25519MLKEM768", "1.3", "X25519MLKEM768", X25519MLKEM768),
        )
    )
    def test_group(self, server, version, name, group):
        """A server that takes P-256 alone has to ask our client for that key share."""
        # In TLS 1.2 the list of groups also says which curves a certificate may have: an RSA key has none.
        own = {"chain": pki("rsa/server-chain.pem"), "key": pki("rsa/server.key")} if server else {}
        try:
            theirs = python_context(not server, version, algorithm="rsa", group=name)
        except (ValueError, ssl.SSLError) as refusal:  # an older CPython knows the curves of ECDSA alone
            self.skipTest(f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}: {refusal}")
        pair = self.connected(self.our_context(server, **own), theirs)
        self.assertEqual(pair.ours.group(), group)
        self.assertEqual(RETRY_RANDOM in pair.from_them, not server and (version, group) == ("1.3", P256))
        self.transfer(pair, 100_000)

    @rows(*both_roles(("1.2", "1.2"), ("1.3", "1.3")))
    def test_alpn(self, server, version):
        pair = self.connected(
            self.our_context(server, alpn=("h2", "http/1.1")),
            python_context(not server, version, alpn=("http/1.1", "spdy/3")),
        )
        self.assertEqual(pair.ours.alpn(), "http/1.1")
        self.assertEqual(pair.theirs.tls.selected_alpn_protocol(), "http/1.1")

    @rows(*both_roles(("1.2", "1.2"), ("1.3", "1.3")))
    def test_resumption(self, server, version):
        ours, theirs = self.our_context(server), python_context(not server, version)
        session = None
        for resumed in (False, True, True):
            pair = self.connected(ours, theirs, session=session)
            self.transfer(pair, 100)
            self.assertEqual(pair.ours.resumed(), int(resumed))
            self.assertEqual(pair.theirs.tls.session_reused, resumed)
            if server:
                session = pair.theirs.tls.session
            self.close_from_us(pair)

    @rows(*both_roles(("1.2", "1.2"), ("1.3", "1.3")))
    def test_truncated(self, server, version):
        """The transport ends without close_notify: an error for either end, and what came before is kept."""
        pair = self.connected(self.our_context(server), python_context(not server, version))
        pair.theirs.tls.write(b"before")
        pair.settle()
        self.assertEqual(pair.ours.feed_eof(), 0)
        self.assertEqual(pair.ours.read(100), b"before")
        self.assertEqual(pair.ours.read(100), "TLS_TRUNCATED")
        self.assertEqual(pair.ours.status(), "TLS_TRUNCATED")
        pair.theirs.incoming.write_eof()
        # An older CPython has no class of its own for this, only the words of OpenSSL.
        with self.assertRaisesRegex(ssl.SSLError, "(?i)unexpected.eof"):
            pair.theirs.tls.read(100)

    @rows(*both_roles(("1.2", "1.2"), ("1.3", "1.3")))
    def test_bytes_after_the_end(self, server, version):
        """What follows the peer's close_notify on the wire belongs to somebody else and is not swallowed."""
        pair = self.connected(self.our_context(server), python_context(not server, version))
        pair.theirs.start_close()
        wire = pair.theirs.outgoing.read()
        self.assertEqual(pair.ours.feed(wire + b"plain text"), len(wire) + len("plain text"))
        self.assertEqual(pair.ours.status(), "TLS_CLOSED")
        self.assertEqual(pair.ours.surplus(), b"plain text")

    @rows(*both_roles(("1.2", "1.2"), ("1.3", "1.3")))
    def test_altered_record(self, server, version):
        """One bit on the way: we end the connection, and they learn why."""
        pair = self.connected(self.our_context(server), python_context(not server, version))
        pair.theirs.tls.write(b"something")
        wire = bytearray(pair.theirs.outgoing.read())
        wire[-1] ^= 1
        pair.ours.feed(wire)
        self.assertEqual(pair.ours.read(100), "TLS_ERR_DECRYPT")
        pair.settle()
        with self.assertRaisesRegex(ssl.SSLError, "BAD_RECORD_MAC"):
            pair.theirs.tls.read(100)

    @rows(*both_roles(("1.2", "1.2"), ("1.3", "1.3")))
    def test_refused_certificate(self, server, version):
        """Whoever is the client does not know the server's root."""
        if server:
            theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            theirs.load_verify_locations(pki("bad/otherca.pem"))
            theirs.minimum_version = theirs.maximum_version = PYTHON_VERSIONS[version]
            pair = self.pair(self.our_context(True), theirs)
            with self.assertRaisesRegex(ssl.SSLCertVerificationError, "CERTIFICATE_VERIFY_FAILED"):
                pair.handshake()
            pair.settle()
            self.assertEqual(pair.ours.status(), "TLS_ERR_ALERT")
            self.assertEqual(pair.ours.error().alert_received, 48)
        else:
            pair = self.pair(self.our_context(False, trust=pki("bad/otherca.pem")), python_context(True, version))
            self.assertEqual(pair.handshake(), "TLS_ERR_CERTIFICATE")
            self.assertEqual(pair.ours.error().alert_sent, 48)
            with self.assertRaisesRegex(ssl.SSLError, "UNKNOWN_CA"):
                pair.theirs.tls.do_handshake()
