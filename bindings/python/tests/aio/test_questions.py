"""Contexts that leave verification or signatures to the application: answers at once, later, wrong ones, and none."""

import asyncio
import gc
import ssl

import pytest
from conftest import PKI, TOO_LONG, VERSIONS, Log, Ours, builder, our_client, our_server, port_of, read
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tlsbio
import tlsbio.aio
from tlsbio import raw

KEY = serialization.load_pem_private_key(read("ecdsa/server.key"), None)
RAW_KEY = (
    serialization.load_pem_private_key(read("ecdsa/client.key"), None)
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)
HASHES = {0x0403: hashes.SHA256, 0x0503: hashes.SHA384}


def asking_client(version=None):
    made = builder(version)
    made.trust(read("ecdsa/ca.pem"))
    made.verify(raw.lib.TLS_VERIFY_ASK)
    return made.client()


def asking_server(version=None):
    made = builder(version)
    made.identity_external(read("ecdsa/server-chain.pem"))
    return made.server()


def signature(facts, scheme, message):
    assert facts.server_side
    return KEY.sign(message, ec.ECDSA(HASHES[scheme]()))


def at_once(answer):
    return lambda *question: answer(*question)


def later(answer):
    async def answered(*question):
        await asyncio.sleep(0.01)
        return answer(*question)

    return answered


async def hello(client_options, server_options):
    """What a server greets with."""

    async def greet(reader, writer):
        writer.write(b"hello")
        writer.close()

    server = await Ours.start_server(greet, **server_options)
    try:
        reader, writer = await Ours.open_connection(port_of(server), **client_options)
        answer = await reader.read(100)
        writer.close()
        return answer
    finally:
        server.close()


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("verdict", [True, None])
def test_a_peer_that_is_accepted(run, version, way, verdict):
    seen = []

    def verify(facts):
        seen.append((facts.getpeercert(True), facts.server_hostname, len(facts.get_unverified_chain())))
        return verdict

    client = {"ssl": asking_client(version), "verify": way(verify)}
    assert run(hello(client, {"ssl": our_server(version)})) == b"hello"
    ((certificate, name, length),) = seen
    pem = read("ecdsa/server-chain.pem").decode()
    assert certificate == ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END CERTIFICATE-----") + 26])
    assert name == "localhost" and length == 2


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_peer_that_is_refused(run, version, way):
    with pytest.raises(ssl.SSLError):
        run(hello({"ssl": asking_client(version), "verify": way(lambda facts: False)}, {"ssl": our_server(version)}))


def test_the_rules_decide_where_the_application_does_not(run):
    made = builder()
    made.trust(read("bad/otherca.pem"))
    made.verify(raw.lib.TLS_VERIFY_ASK)
    with pytest.raises(ssl.SSLCertVerificationError):
        run(hello({"ssl": made.client(), "verify": lambda facts: None}, {"ssl": our_server()}))


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize("version", VERSIONS)
def test_signatures_of_a_key_that_is_elsewhere(run, version, way):
    server = {"ssl": asking_server(version), "sign": way(signature)}
    assert run(hello({"ssl": our_client(version)}, server)) == b"hello"


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize(
    "answer", [lambda *question: b"no signature", lambda *question: "text", lambda *question: 1 / 0]
)
def test_signatures_that_are_none(run, way, answer):
    reported = []
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        run(hello({"ssl": our_client()}, {"ssl": asking_server(), "sign": way(answer)}), reported)
    assert [context["message"] for context in reported] == ["a handshake has got no answer"]


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize(
    "answer, raised",
    [(lambda facts: 1 / 0, ZeroDivisionError), (lambda facts: 17, TypeError)],
)
def test_what_is_raised_reaches_the_caller(run, way, answer, raised):
    with pytest.raises(raised):
        run(hello({"ssl": asking_client(), "verify": way(answer)}, {"ssl": our_server()}))


def test_nobody_to_ask(run):
    with pytest.raises(ValueError, match="give a function as verify"):
        run(hello({"ssl": asking_client()}, {"ssl": our_server()}))
    reported = []
    with pytest.raises(ssl.SSLError):
        run(hello({"ssl": our_client()}, {"ssl": asking_server()}), reported)
    assert "give a function as sign" in str(reported[0]["exception"])


def test_an_answer_that_never_comes(run):
    """The handshake's time is over: the question is cancelled, and nothing is left."""

    async def main():
        asked, ended = asyncio.Event(), asyncio.Event()

        async def verify(facts):
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        server = await tlsbio.aio.create_server(Log, "127.0.0.1", 0, ssl=our_server())
        # The question must be open by then; on a busy machine that is later.
        for seconds in (TOO_LONG / 200, TOO_LONG / 20, TOO_LONG / 2):
            with pytest.raises(ConnectionAbortedError):
                await tlsbio.aio.create_connection(
                    Log,
                    "127.0.0.1",
                    port_of(server),
                    ssl=asking_client(),
                    verify=verify,
                    ssl_handshake_timeout=seconds,
                )
            if asked.is_set():
                break
        await ended.wait()
        server.close()

    run(main())
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, tlsbio.aio.Transport)]


@pytest.mark.parametrize("way", [at_once, later])
def test_no_cycle(run, transports, way):
    """What asks and answers leaves nothing for the collector."""

    async def main():
        for _ in range(3):
            assert await hello(
                {"ssl": asking_client(), "verify": way(lambda facts: True)},
                {"ssl": asking_server(), "sign": way(signature)},
            ) == b"hello"  # fmt: skip
        await transports.over()
        gc.collect()
        gc.disable()
        try:
            await hello(
                {"ssl": asking_client(), "verify": way(lambda facts: True)},
                {"ssl": asking_server(), "sign": way(signature)},
            )
            await transports.over()
            return [one for one in gc.get_objects() if isinstance(one, tlsbio.aio.Transport)]
        finally:
            gc.enable()

    assert run(main()) == []


def trusting(verify=None, client_auth=None, trust=True):
    made = builder()
    if trust:
        made.trust(read("ecdsa/ca.pem"))
    if verify is not None:
        made.verify(verify)
    if client_auth is not None:
        made.client_auth(client_auth)
    return made


def showing(made):
    made.identity(read("ecdsa/server-chain.pem"), read("ecdsa/server.key"))
    return made


NEVER_ASKED = {
    "a client that verifies": lambda: (trusting().client(), False),
    "a client that verifies nobody": lambda: (trusting(raw.lib.TLS_VERIFY_DANGEROUS_NONE).client(), False),
    "a client of ssl's kind": lambda: (tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT), False),
    "a server that asks for nothing": lambda: (showing(trusting(raw.lib.TLS_VERIFY_ASK)).server(), True),
    "a server that verifies": lambda: (showing(trusting(client_auth=raw.lib.TLS_CLIENT_AUTH_OPTIONAL)).server(), True),
    "a server of ssl's kind": lambda: (tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER), True),
}


@pytest.mark.parametrize("who", NEVER_ASKED)
def test_a_function_that_would_never_be_asked_is_refused(run, who):
    settings, server_side = NEVER_ASKED[who]()
    if server_side and isinstance(settings, tlsbio.SSLContext):
        settings.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")

    async def main():
        if server_side:
            await tlsbio.aio.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=settings, verify=lambda facts: False)
        else:
            await tlsbio.aio.create_connection(
                asyncio.Protocol, "127.0.0.1", 1, ssl=settings, server_hostname="localhost", verify=lambda facts: False
            )

    with pytest.raises(ValueError, match="verify would never be asked"):
        run(main())


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize(("verdict", "served"), [(True, b"hello"), (None, b"hello"), (False, b"")])
def test_a_client_without_a_certificate_is_asked_about(run, way, verdict, served):
    asked = []

    def verify(facts):
        asked.append(facts.getpeercert(True))
        return verdict

    server = showing(trusting(raw.lib.TLS_VERIFY_ASK, raw.lib.TLS_CLIENT_AUTH_OPTIONAL)).server()
    try:
        answer = run(hello({"ssl": our_client()}, {"ssl": server, "verify": way(verify)}))
    except (ConnectionError, ssl.SSLError):
        answer = b""
    assert (answer, asked) == (served, [None])


def choosing_client(version=None):
    made = builder(version)
    made.trust(read("ecdsa/ca.pem"))
    made.ask_identity()
    return made.client()


def drop_in_client(version=None):
    made = tlsbio.create_default_context(cafile=PKI / "ecdsa/ca.pem")
    if version is not None:
        made.minimum_version = made.maximum_version = ssl.TLSVersion(version)
    return made


def identity_of(kind):
    made = builder()
    made.identity(read("ecdsa/client-chain.pem"), read("ecdsa/client.key"))
    made.trust(read("ecdsa/ca.pem"))
    if kind == "context":
        return made.client()
    drop_in = tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    drop_in.load_cert_chain(PKI / "ecdsa/client-chain.pem", PKI / "ecdsa/client.key")
    return drop_in


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", [choosing_client, drop_in_client])
@pytest.mark.parametrize("kind", ["context", "drop-in"])
def test_a_client_chooses_its_certificate(run, version, way, client, kind):
    """By what the server says: here the one authority that it names."""
    seen, shown = [], []

    def choose(facts, request):
        seen.append((facts.server_hostname, request))
        return identity_of(kind)

    async def main():
        async def greet(reader, writer):
            shown.append(writer.get_extra_info("ssl_object").getpeercert())
            writer.write(b"hello")
            writer.close()

        server = await Ours.start_server(greet, ssl=our_server(version, client_auth=2))
        reader, writer = await Ours.open_connection(port_of(server), ssl=client(version), identity=way(choose))
        assert await reader.read() == b"hello"
        writer.close()
        server.close()

    run(main())
    ((name, request),) = seen
    authority = x509.load_pem_x509_certificate(read("ecdsa/ca.pem")).subject.public_bytes()
    assert name == "localhost" and request.authorities == (authority,) and 0x0403 in request.schemes
    assert dict(part[0] for part in shown[0]["subject"])["commonName"]


@pytest.mark.parametrize("way", [at_once, later])
@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (lambda *_: None, ssl.SSLError),
        (lambda *_: "none", TypeError),
        (lambda *_: 1 / 0, ZeroDivisionError),
        (lambda *_: tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLError),
    ],
)
def test_a_client_that_shows_none(run, way, answer, raised):
    async def main():
        server = await Ours.start_server(lambda *_: None, ssl=our_server(0x0303, client_auth=2))
        with pytest.raises(raised):
            await Ours.open_connection(port_of(server), ssl=choosing_client(0x0303), identity=way(answer))
        server.close()

    run(main())


def test_who_would_never_be_asked_for_an_identity_is_refused(run):
    async def main():
        with pytest.raises(ValueError, match="ask_identity"):
            await Ours.open_connection(1, ssl=our_client(), identity=lambda *_: None)

    run(main())


def test_a_raw_public_key_is_asked_about_once(run):
    """It is no certificate, but somebody is there."""
    asked = []

    async def main():
        made = builder(0x0304)
        made.identity(read("ecdsa/server-chain.pem"), read("ecdsa/server.key"))
        made._check(raw.lib.tls_builder_raw_trust_pem(made._handle, RAW_KEY, len(RAW_KEY)))
        made.client_auth(raw.lib.TLS_CLIENT_AUTH_OPTIONAL)
        made.verify(raw.lib.TLS_VERIFY_ASK)

        def verify(facts):
            asked.append(facts.getpeercert(True))
            return True

        async def greet(reader, writer):
            writer.write(b"hello")
            writer.close()

        server = await Ours.start_server(greet, ssl=made.server(), verify=verify)
        client = builder(0x0304)
        client.trust(read("ecdsa/ca.pem"))
        key = read("ecdsa/client.key")
        client._check(raw.lib.tls_builder_raw_identity_pem(client._handle, key, len(key)))
        reader, writer = await Ours.open_connection(port_of(server), ssl=client.client())
        assert await reader.read() == b"hello"
        writer.close()
        server.close()

    run(main())
    assert len(asked) == 1
