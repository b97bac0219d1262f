"""Connections that are upgraded to TLS, and TLS inside TLS."""

import asyncio
import ssl

import pytest
from conftest import Log, Theirs, connected, our_client, our_server, port_of, until

import tlsbio.aio


async def plain_pair():
    loop = asyncio.get_running_loop()
    accepted = loop.create_future()

    def factory():
        protocol = Log()
        accepted.set_result(protocol)
        return protocol

    listener = await loop.create_server(factory, "127.0.0.1", 0)
    _, client = await loop.create_connection(Log, "127.0.0.1", port_of(listener))
    return client, await accepted, listener


async def talk(client, server):
    client.transport.write(b"a question")
    await server.until(lambda: server.data.endswith(b"a question"))
    server.transport.write(b"an answer" * 20_000)
    await client.until(lambda: client.data.endswith(b"an answer" * 20_000))


async def upgrade(protocol, context, **options):
    protocol.transport = await tlsbio.aio.start_tls(protocol.transport, protocol, context, **options)


def test_both_sides_are_upgraded(run):
    async def main():
        client, server, listener = await plain_pair()
        client.transport.write(b"STARTTLS")
        await server.until(lambda: server.data == b"STARTTLS")
        await asyncio.gather(
            upgrade(server, our_server(), server_side=True),
            upgrade(client, our_client(), server_hostname="localhost"),
        )
        assert client.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        await talk(client, server)
        client.transport.close()
        assert await server.lost is None
        assert await client.lost is None
        assert client.events.count("made") == server.events.count("made") == 1
        listener.close()

    run(main())


@pytest.mark.parametrize("ours", ["client", "server"])
def test_one_side_is_upgraded_by_asyncio(run, ours):
    async def main():
        client, server, listener = await plain_pair()
        loop = asyncio.get_running_loop()

        async def theirs(protocol, context, **options):
            protocol.transport = await loop.start_tls(protocol.transport, protocol, context, **options)

        as_client, as_server = {"server_hostname": "localhost"}, {"server_side": True}
        if ours == "client":
            sides = upgrade(client, our_client(), **as_client), theirs(server, Theirs.server_context(), **as_server)
        else:
            sides = theirs(client, Theirs.client_context(), **as_client), upgrade(server, our_server(), **as_server)
        await asyncio.gather(*sides)
        await talk(client, server)
        client.transport.close()
        await server.lost
        await client.lost
        listener.close()

    run(main())


def test_an_upgrade_that_fails_closes_the_connection(run):
    async def main():
        client, server, listener = await plain_pair()
        results = await asyncio.gather(
            upgrade(server, our_server(), server_side=True),
            upgrade(client, our_client(ca="bad/otherca.pem"), server_hostname="localhost"),
            return_exceptions=True,
        )
        assert isinstance(results[1], ssl.SSLCertVerificationError)
        assert isinstance(results[0], ssl.SSLError) and results[0].reason == "TLSV1_ALERT_UNKNOWN_CA"
        assert client.transport.is_closing() and server.transport.is_closing()
        listener.close()

    run(main())


def test_an_upgrade_of_what_cannot_be(run):
    async def main():
        client, server, listener = await plain_pair()
        with pytest.raises(TypeError):
            await tlsbio.aio.start_tls(None, client, our_client(), server_hostname="localhost")
        with pytest.raises(ValueError, match="server_hostname"):
            await tlsbio.aio.start_tls(client.transport, client, our_client())
        client.transport.close()
        await server.lost
        listener.close()

    run(main())


def test_an_upgrade_that_is_cancelled(run):
    async def main():
        client, server, listener = await plain_pair()
        upgrading = asyncio.ensure_future(upgrade(client, our_client(), server_hostname="localhost"))
        await server.until(lambda: server.data[:1] == b"\x16")
        upgrading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upgrading
        await server.lost
        listener.close()

    run(main())


def test_tls_inside_tls(run):
    async def main():
        client, server, listener = await connected()
        outer = client.transport, server.transport
        await asyncio.gather(
            upgrade(server, our_server(0x0303), server_side=True),
            upgrade(client, our_client(0x0303), server_hostname="localhost"),
        )
        assert client.transport.get_extra_info("ssl_object").version() == "TLSv1.2"
        assert client.transport.get_extra_info("peername")[1] == port_of(listener)
        await talk(client, server)
        client.transport.close()
        assert await client.lost is None
        assert await server.lost is None
        await until(lambda: all(each.is_closing() for each in outer))
        listener.close()

    run(main())
