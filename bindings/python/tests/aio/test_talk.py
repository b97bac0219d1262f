"""Both roles, with ssl on the other side and with ourselves: data, facts and certificates."""

import asyncio
import hashlib
import ssl

import pytest
from conftest import PAIRS, PKI, VERSIONS, Log, Ours, Theirs, Wire, connected, our_client, our_server, port_of, read
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tlsbio
import tlsbio.aio


async def echo(reader, writer):
    while data := await reader.read(100_000):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("client, server", PAIRS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [1, 255, 4096, 16384, 16385, 70000, 1 << 22])
def test_echo(run, client, server, version, size):
    async def main():
        listener = await server.start_server(echo, ssl=server.server_context(version))
        reader, writer = await client.open_connection(port_of(listener), ssl=client.client_context(version))
        message = hashlib.shake_128(str(size).encode()).digest(size)

        async def send():
            writer.write(message)
            await writer.drain()

        sending = asyncio.ensure_future(send())
        assert await reader.readexactly(size) == message
        await sending
        writer.close()
        await writer.wait_closed()
        listener.close()

    run(main())


@pytest.mark.parametrize("client, server", PAIRS)
@pytest.mark.parametrize("version", VERSIONS)
def test_large_transfers_both_ways_at_once(run, client, server, version):
    total = 1 << 23
    piece = bytes(range(256)) * 1024

    async def pump(reader, writer):
        async def send():
            for _ in range(total // len(piece)):
                writer.write(piece)
                await writer.drain()

        sending = asyncio.ensure_future(send())
        for _ in range(total // len(piece)):
            assert await reader.readexactly(len(piece)) == piece
        await sending

    async def main():
        served = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            await pump(reader, writer)
            assert await reader.read() == b""
            writer.close()
            served.set_result(None)

        listener = await server.start_server(handle, ssl=server.server_context(version))
        reader, writer = await client.open_connection(port_of(listener), ssl=client.client_context(version))
        await pump(reader, writer)
        writer.close()
        await writer.wait_closed()
        await served
        listener.close()

    run(main())


@pytest.mark.parametrize("client, server", PAIRS)
@pytest.mark.parametrize("version", VERSIONS)
def test_facts(run, client, server, version):
    async def main():
        facts = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            facts.set_result((writer.get_extra_info("ssl_object"), writer))
            await reader.read()
            writer.close()

        context = server.server_context(version, alpn=("h2", "http/1.1"))
        listener = await server.start_server(handle, ssl=context)
        mine = client.client_context(version, alpn=("http/1.1",))
        _, writer = await client.open_connection(port_of(listener), ssl=mine)
        here, (there, server_writer) = writer.get_extra_info("ssl_object"), await facts
        name = {0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}[version]
        assert here.version() == there.version() == name
        assert here.cipher() == there.cipher() == writer.get_extra_info("cipher")
        assert here.cipher()[0] in {suite["name"] for suite in ssl.create_default_context().get_ciphers()}
        assert here.selected_alpn_protocol() == there.selected_alpn_protocol() == "http/1.1"
        assert here.compression() is None and writer.get_extra_info("compression") is None
        assert (here.server_side, there.server_side) == (False, True)
        assert here.server_hostname == "localhost"
        assert writer.get_extra_info("sslcontext") is mine
        assert server_writer.get_extra_info("sslcontext") is context
        assert writer.get_extra_info("peername")[1] == port_of(listener)
        assert writer.get_extra_info("socket").fileno() > 0
        assert writer.get_extra_info("nothing", 7) == 7
        certificate = writer.get_extra_info("peercert")
        assert ("DNS", "localhost") in certificate["subjectAltName"]
        assert ssl.DER_cert_to_PEM_cert(here.getpeercert(True))
        assert there.getpeercert() in (None, {}) and not server_writer.get_extra_info("peercert")
        writer.close()
        await writer.wait_closed()
        listener.close()

    run(main())


def test_bindings_are_the_same_at_both_ends_and_facts_end(run):
    async def main():
        client, server, listener = await connected()
        here, there = (each.transport.get_extra_info("ssl_object") for each in (client, server))
        for kind in "tls-exporter", "tls-server-end-point":
            assert here.get_channel_binding(kind) == there.get_channel_binding(kind)
            assert len(here.get_channel_binding(kind)) == 32
        with pytest.raises(ValueError, match="tls-unique"):
            here.get_channel_binding("tls-unique")
        assert len(here.get_unverified_chain()) == 2
        assert here.session_reused is False
        assert here.group() == there.group()
        client.transport.close()
        await client.lost
        assert here.version() is here.cipher() is here.getpeercert() is here.selected_alpn_protocol() is None
        assert here.group() is here.session_reused is here.get_channel_binding() is None
        assert here.get_unverified_chain() == []
        assert client.transport.get_extra_info("peername", "gone") == "gone"
        listener.close()

    run(main())


@pytest.mark.parametrize("client, server", PAIRS)
@pytest.mark.parametrize("version", VERSIONS)
def test_client_certificates(run, client, server, version):
    async def main():
        seen = []

        async def handle(reader, writer):
            seen.append(writer.get_extra_info("peercert"))
            writer.write(await reader.readexactly(2))
            writer.close()

        listener = await server.start_server(handle, ssl=server.server_context(version, client_auth=2))
        context = client.client_context(version, identity="ecdsa/client")
        reader, writer = await client.open_connection(port_of(listener), ssl=context)
        writer.write(b"me")
        assert await reader.read() == b"me"
        assert ("DNS", "client.test") in seen[0]["subjectAltName"]
        writer.close()

        # Under TLS 1.3 a client learns of its refusal when it reads. asyncio's own transport does not send the alert
        # on the one side, and takes its end for the end of the data on the other.
        reason = "CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE" if (client, server) == (Ours, Ours) else None
        with pytest.raises((ssl.SSLError, ConnectionResetError), match=reason):
            reader, writer = await client.open_connection(port_of(listener), ssl=client.client_context(version))
            if await reader.read() == b"" and client is Theirs:
                raise ConnectionResetError
        assert len(seen) == 1
        listener.close()

    run(main(), reported=[])


@pytest.mark.parametrize("server", [Ours, Theirs])
@pytest.mark.parametrize(
    "ca, name, code",
    [("bad/otherca.pem", "localhost", 20), ("ecdsa/ca.pem", "elsewhere.test", 62), ("ecdsa/ca.pem", "127.0.0.9", 64)],
)
def test_a_server_that_is_not_the_right_one(run, server, ca, name, code):
    async def main():
        connections = []
        listener = await server.start_server(lambda *streams: connections.append(streams), ssl=server.server_context())
        with pytest.raises(ssl.SSLCertVerificationError) as raised:
            await Ours.open_connection(port_of(listener), ssl=our_client(ca=ca), server_hostname=name)
        assert raised.value.verify_code == code
        assert raised.value.reason == "CERTIFICATE_VERIFY_FAILED"
        assert isinstance(raised.value, (ssl.SSLError, OSError))
        listener.close()

    # asyncio's server reports it in debug mode.
    run(main(), reported=[] if server is Theirs else None)


def test_a_client_of_ssl_that_distrusts_us(run):
    async def main():
        listener = await Ours.start_server(lambda *_: None, ssl=our_server())
        with pytest.raises(ssl.SSLCertVerificationError):
            await Theirs.open_connection(port_of(listener), ssl=Theirs.client_context(ca="bad/otherca.pem"))
        listener.close()

    run(main())


def test_no_protocol_version_in_common(run):
    async def main():
        listener = await Ours.start_server(lambda *_: None, ssl=our_server(0x0304))
        for client in Ours, Theirs:
            with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
                await client.open_connection(port_of(listener), ssl=client.client_context(0x0303))
        listener.close()
        # asyncio's server sends no alert.
        listener = await Theirs.start_server(lambda *_: None, ssl=Theirs.server_context(0x0304))
        with pytest.raises(ConnectionResetError):
            await Ours.open_connection(port_of(listener), ssl=our_client(0x0303))
        listener.close()

    run(main(), reported=[])


class Names:
    """A server with contexts by name, and what clients get."""

    async def start(self):
        self.contexts = {
            "localhost": our_server(),
            "*.wild.test": our_server(identity="rsa/server"),
        }
        self.taken = []

        async def handle(reader, writer):
            self.taken.append(writer.get_extra_info("sslcontext"))
            writer.close()

        self.listener = await Ours.start_server(handle, ssl=self.contexts)

    async def ask(self, client, context, name):
        reader, writer = await client.open_connection(port_of(self.listener), ssl=context, server_hostname=name)
        await reader.read()
        writer.close()
        return self.taken.pop()


@pytest.mark.parametrize("client", [Ours, Theirs])
def test_contexts_by_name(run, client):
    async def main():
        names = Names()
        await names.start()
        context = client.client_context(ca="trust/all.pem")
        assert await names.ask(client, context, "localhost") is names.contexts["localhost"]
        assert await names.ask(client, context, "a.wild.test") is names.contexts["*.wild.test"]
        for nobody in "server.test", "127.0.0.1":
            with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
                await names.ask(client, context, nobody)
        # The mapping is asked for each client.
        names.contexts[None] = our_server()
        for nobody in "server.test", "127.0.0.1":
            assert await names.ask(client, context, nobody) is names.contexts[None]
        names.listener.close()

    run(main())


def test_a_mapping_that_fails(run):
    class Fails(dict):
        def get(self, name):
            raise LookupError(name)

    async def main(contexts):
        listener = await Ours.start_server(echo, ssl=contexts)
        if not isinstance(contexts, Fails):
            contexts["localhost"] = our_client()
        with pytest.raises(ssl.SSLError, match="INTERNAL_ERROR"):
            await Ours.open_connection(port_of(listener), ssl=our_client())
        listener.close()

    for contexts in Fails(), {}:
        reported = []
        run(main(contexts), reported)
        assert [context["message"] for context in reported] == ["no context for a client"]


class Buffered(asyncio.BufferedProtocol):
    """Takes data in small pieces of its own memory."""

    def __init__(self):
        self.memory = bytearray(1000)
        self.data = bytearray()
        self.hints = []
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        self.hints.append(sizehint)
        return self.memory

    def buffer_updated(self, nbytes):
        assert 0 < nbytes <= 1000
        self.data += self.memory[:nbytes]

    def connection_lost(self, error):
        self.lost.set_result(error)


def test_data_into_memory_of_the_application(run):
    async def main():
        client, server, listener = await connected(client_protocol=Buffered)
        message = bytes(range(256)) * 1000
        server.transport.write(message)
        server.transport.close()
        assert await client.lost is None
        assert client.data == message
        assert all(hint > 0 for hint in client.hints)
        listener.close()

    run(main())


@pytest.mark.parametrize("fault", ["empty", "readonly", "nothing"])
def test_memory_that_cannot_be_written_to(run, fault):
    reported = []

    class Wrong(Buffered):
        def get_buffer(self, sizehint):
            return {"empty": bytearray(), "readonly": bytes(10), "nothing": None}[fault]

    async def main():
        client, server, listener = await connected(client_protocol=Wrong)
        server.transport.write(b"data")
        assert type(await client.lost) in (RuntimeError, BufferError, TypeError)
        assert type(await server.lost) in (ssl.SSLEOFError, ConnectionResetError)
        listener.close()

    run(main(), reported)
    assert reported


def test_a_protocol_is_exchanged(run):
    async def main():
        client, server, listener = await connected()
        other = Buffered()
        client.transport.set_protocol(other)
        assert client.transport.get_protocol() is other
        server.transport.write(b"for the other")
        server.transport.close()
        assert await other.lost is None
        assert other.data == b"for the other" and not client.data
        listener.close()

    run(main())


def test_all_kinds_of_data(run):
    async def main():
        client, server, listener = await connected()
        write = client.transport.write
        write(b"bytes")
        write(bytearray(b" bytearray"))
        write(memoryview(b" memoryview"))
        write(memoryview(bytearray(b"x x x x"))[::1])
        write(b"")
        client.transport.writelines([b" many", bytearray(b" pieces"), memoryview(b" at once")])
        client.transport.writelines([])
        for wrong in "text", 7, None, [b"list"]:
            with pytest.raises(TypeError):
                write(wrong)
        with pytest.raises(BufferError):
            write(memoryview(b"abcdef")[::2])
        with pytest.raises(TypeError):
            client.transport.writelines([b"a", "b"])
        client.transport.close()
        await server.lost
        assert server.data == b"bytes bytearray memoryviewx x x x many pieces at once"
        assert not client.transport.is_reading()
        listener.close()

    run(main())


def test_many_connections(run):
    async def main():
        # All of them at once: what does not fit into the queue is tried again after a second, then two, and so on.
        listener = await Ours.start_server(echo, ssl=our_server(), backlog=256)
        context = our_client()

        async def talk(number):
            reader, writer = await Ours.open_connection(port_of(listener), ssl=context)
            for size in (10, 5000, 100):
                writer.write(bytes([number % 256]) * size)
                assert await reader.readexactly(size) == bytes([number % 256]) * size
            writer.close()
            await writer.wait_closed()

        await asyncio.gather(*map(talk, range(200)))
        listener.close()

    run(main())


def test_names_that_are_none(run):
    async def main():
        for name in "", "no name", "a" * 300, None:
            with pytest.raises(ValueError):
                await tlsbio.aio.create_connection(Log, None, 1, ssl=our_client(), server_hostname=name)

    run(main())


def test_settings_that_are_none(run):
    async def main():
        server, client = our_server(), our_client()
        for wrong in None, True, "context", ssl.create_default_context():
            with pytest.raises(TypeError):
                await tlsbio.aio.create_connection(Log, "localhost", 1, ssl=wrong)
            with pytest.raises(TypeError):
                await tlsbio.aio.create_server(Log, "localhost", 0, ssl=wrong)
            with pytest.raises(TypeError):
                await tlsbio.aio.create_server(Log, "localhost", 0, ssl={None: wrong})
        with pytest.raises(TypeError):
            await tlsbio.aio.create_connection(Log, "localhost", 1, ssl={None: client})
        with pytest.raises(ValueError):
            await tlsbio.aio.create_connection(Log, "localhost", 1, ssl=server)
        for wrong in client, {None: client}:
            with pytest.raises(ValueError):
                await tlsbio.aio.create_server(Log, "localhost", 0, ssl=wrong)
        for seconds in 0, -1, float("inf"), float("nan"):
            with pytest.raises(ValueError, match="positive"):
                await tlsbio.aio.create_server(Log, "localhost", 0, ssl=server, ssl_handshake_timeout=seconds)
            with pytest.raises(ValueError, match="positive"):
                await tlsbio.aio.create_server(Log, "localhost", 0, ssl=server, ssl_shutdown_timeout=seconds)

    run(main())


class DropIn:
    """Settings in ssl's words."""

    @staticmethod
    def server():
        made = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
        return made

    @staticmethod
    def client(ca="ecdsa/ca.pem"):
        return tlsbio.create_default_context(cafile=str(PKI / ca))


def test_contexts_of_the_drop_in(run, tmp_path):
    async def main():
        server, client = DropIn.server(), DropIn.client()
        server.set_alpn_protocols(["h2"])
        client.set_alpn_protocols(["h2"])
        client.keylog_filename = str(tmp_path / "keys")
        listener = await Ours.start_server(echo, ssl=server)
        reader, writer = await Ours.open_connection(port_of(listener), ssl=client)
        facts = writer.get_extra_info("ssl_object")
        assert facts.selected_alpn_protocol() == "h2"
        assert facts.context is client
        writer.write(b"made")
        assert await reader.readexactly(4) == b"made"
        writer.close()
        await writer.wait_closed()
        assert "CLIENT_TRAFFIC_SECRET_0 " in (tmp_path / "keys").read_text()

        with pytest.raises(ssl.SSLCertVerificationError):
            await Ours.open_connection(port_of(listener), ssl=DropIn.client("bad/otherca.pem"))
        # As ssl has it: who trusts nobody finds that out when somebody comes.
        with pytest.raises(ssl.SSLCertVerificationError):
            await Ours.open_connection(port_of(listener), ssl=tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        insecure = tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        insecure.check_hostname = False
        insecure.verify_mode = ssl.CERT_NONE
        reader, writer = await Ours.open_connection(port_of(listener), ssl=insecure, server_hostname="elsewhere.test")
        writer.close()
        await writer.wait_closed()
        listener.close()

    run(main())


def test_contexts_of_the_drop_in_by_name(run):
    async def main():
        contexts = {"localhost": DropIn.server(), None: our_server()}
        listener = await Ours.start_server(echo, ssl=contexts)
        for name in "localhost", "server.test":
            _, writer = await Ours.open_connection(port_of(listener), ssl=DropIn.client(), server_hostname=name)
            writer.close()
            await writer.wait_closed()
        listener.close()
        contexts["localhost"].sni_callback = lambda *_: None
        with pytest.raises(NotImplementedError, match="mapping"):
            await Ours.start_server(echo, ssl=contexts)
        with pytest.raises(ssl.SSLError, match="NO_CERTIFICATE_ASSIGNED"):
            await Ours.start_server(echo, ssl=tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    run(main())


def test_an_option_of_the_drop_in(run):
    async def main():
        client = DropIn.client()
        client.options |= 0x80  # OP_IGNORE_UNEXPECTED_EOF, which ssl names since Python 3.10
        wire = Wire()
        listener = await Ours.start_server(echo, ssl=our_server(), ignore_unexpected_eof=True)
        reader, writer = await Ours.open_connection(await wire.start(port_of(listener)), ssl=client)
        writer.write(b"made")
        assert await reader.readexactly(4) == b"made"
        wire.cut()
        assert await reader.read() == b""
        writer.close()
        await wire.stop()
        listener.close()

    run(main())


def test_strict_contexts_of_the_drop_in(run, tmp_path):
    """A certificate without an authority key identifier is refused under VERIFY_X509_STRICT, and only then."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.load_pem_x509_certificate(read("ecdsa/ca.pem"))
    root_key = serialization.load_pem_private_key(read("ecdsa/ca.key"), None)
    made = (
        x509.CertificateBuilder(root.subject, x509.Name([]), key.public_key(), 1)
        .not_valid_before(root.not_valid_before_utc)
        .not_valid_after(root.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "own.pem").write_bytes(made.public_bytes(pem) + private)

    async def main():
        odd = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        odd.load_cert_chain(tmp_path / "own.pem")
        client, strict = DropIn.client(), DropIn.client()
        client.verify_flags &= ~ssl.VERIFY_X509_STRICT
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        for server, context, accepted in (
            (odd, client, True),
            (odd, strict, False),
            (DropIn.server(), strict, True),
        ):
            listener = await Ours.start_server(echo, ssl=server)
            if accepted:
                _, writer = await Ours.open_connection(port_of(listener), ssl=context)
                writer.close()
                await writer.wait_closed()
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    await Ours.open_connection(port_of(listener), ssl=context)
            listener.close()
        strict.check_hostname = False
        with pytest.raises(NotImplementedError, match="VERIFY_X509_STRICT"):
            await Ours.open_connection(1, ssl=strict)

    run(main())
