"""A context is for servers or for clients: no way in takes one for the other."""

import asyncio
import ssl

import pytest
from conftest import PKI, Log, our_client, our_server

import tlsbio
import tlsbio.aio


def server_contexts():
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
    return [context, our_server()]


def client_contexts():
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
    return [context, our_client()]


async def ended(_reader, writer):
    writer.close()


def test_no_client_is_made_of_a_servers_context(run):
    connected = []

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport):
            connected.append(transport)

    async def main():
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(Accepting, "127.0.0.1", 0)
        address = listener.sockets[0].getsockname()[:2]
        for context in server_contexts():
            ways = [
                lambda context=context: tlsbio.aio.open_connection(*address, ssl=context),
                lambda context=context: tlsbio.aio.create_connection(Log, *address, ssl=context),
                lambda context=context: tlsbio.aio.create_connection(
                    Log, *address, ssl=context, server_hostname="localhost"
                ),
            ]
            for way in ways:
                with pytest.raises((ssl.SSLError, ValueError), match=r"client socket|no client"):
                    await way()
        await asyncio.sleep(0)
        assert connected == []
        for context in server_contexts():
            transport, protocol = await loop.create_connection(Log, *address)
            with pytest.raises((ssl.SSLError, ValueError), match=r"client socket|no client"):
                await tlsbio.aio.start_tls(transport, protocol, context, server_hostname="localhost")
            transport.close()
        listener.close()

    run(main())


def test_no_server_is_made_of_a_clients_context(run):
    async def main():
        loop = asyncio.get_running_loop()
        plain = await loop.create_server(Log, "127.0.0.1", 0)
        for context in client_contexts():
            for settings in context, {None: context}, {"localhost": server_contexts()[0], None: context}:
                with pytest.raises((ssl.SSLError, ValueError), match=r"server socket|no server"):
                    await tlsbio.aio.start_server(ended, "127.0.0.1", 0, ssl=settings)
                with pytest.raises((ssl.SSLError, ValueError), match=r"server socket|no server"):
                    await tlsbio.aio.create_server(Log, "127.0.0.1", 0, ssl=settings)
                transport, protocol = await loop.create_connection(Log, *plain.sockets[0].getsockname()[:2])
                with pytest.raises((ssl.SSLError, ValueError), match=r"server socket|no server"):
                    await tlsbio.aio.start_tls(transport, protocol, settings, server_side=True)
                transport.close()
        plain.close()

    run(main())


def test_a_context_of_the_other_role_that_comes_later_refuses_the_client(run):
    reported = []

    async def main():
        contexts = {None: our_server()}
        server = await tlsbio.aio.start_server(ended, "127.0.0.1", 0, ssl=contexts)
        contexts[None] = our_client()
        with pytest.raises(ssl.SSLError):
            await tlsbio.aio.open_connection(
                *server.sockets[0].getsockname()[:2], ssl=our_client(), server_hostname="localhost"
            )
        server.close()

    run(main(), reported)
    assert [context["message"] for context in reported] == ["no context for a client"]
