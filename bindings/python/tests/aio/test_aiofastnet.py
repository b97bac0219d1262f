"""aiofastnet with this library as its engine, by the way of the drop-in's SSLContext."""

import asyncio
import ssl

import aiofastnet
import pytest
from conftest import PKI, Log, port_of

import tlsbio


def contexts():
    server = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(PKI / "ecdsa/server-chain.pem", PKI / "ecdsa/server.key")
    return server, tlsbio.create_default_context(cafile=str(PKI / "ecdsa/ca.pem"))


def test_data_goes_through_our_engine(run):
    async def main():
        server_context, client_context = contexts()
        accepted = asyncio.get_running_loop().create_future()

        def factory():
            protocol = Log()
            accepted.set_result(protocol)
            return protocol

        loop = asyncio.get_running_loop()
        listener = await aiofastnet.create_server(loop, factory, "127.0.0.1", 0, ssl=server_context)
        _, client = await aiofastnet.create_connection(
            loop, Log, "localhost", port_of(listener), ssl=client_context, family=2
        )
        server = await accepted
        await server.until(lambda: server.transport)
        for each in client, server:
            assert type(each.transport.get_extra_info("ssl_object")) is tlsbio.SSLObject
        message = bytes(range(256)) * 1000
        client.transport.write(message)
        await server.until(lambda: server.data == message)
        server.transport.write(message)
        server.transport.close()
        await client.lost
        assert client.data == message
        await server.lost
        listener.close()

    run(main())


def test_a_server_that_is_not_the_right_one(run):
    async def main():
        server_context, _ = contexts()
        client_context = tlsbio.create_default_context(cafile=str(PKI / "bad/otherca.pem"))
        loop = asyncio.get_running_loop()
        listener = await aiofastnet.create_server(loop, Log, "127.0.0.1", 0, ssl=server_context)
        with pytest.raises(ssl.SSLCertVerificationError):
            await aiofastnet.create_connection(loop, Log, "localhost", port_of(listener), ssl=client_context, family=2)
        listener.close()

    run(main(), reported=[])
