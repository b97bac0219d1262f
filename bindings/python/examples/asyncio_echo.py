"""An echo server and its client over TLS, with asyncio's own transport and tlsbio in the place of ssl.

asyncio_echo.py serve HOST PORT CHAIN.pem KEY.pem     (port 0: any; it is printed)
asyncio_echo.py ask HOST PORT CA.pem MESSAGE          (the server's certificate must be for HOST)
"""

import asyncio
import ssl
import sys

import tlsbio


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError as error:
        # A client that was cut off, for one.
        print(writer.get_extra_info("peername"), error, file=sys.stderr)
    finally:
        writer.close()


async def serve(host, port, chain, key):
    context = tlsbio.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    server = await asyncio.start_server(echo, host, int(port), ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def ask(host, port, ca, message):
    context = tlsbio.create_default_context(cafile=ca)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    writer.write(message.encode())
    answer = await reader.readexactly(len(message.encode()))
    connection = writer.get_extra_info("ssl_object")
    print(f"{answer.decode()} ({connection.version()}, {connection.cipher()[0]})")
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    asyncio.run({"serve": serve, "ask": ask}[command](*arguments))
