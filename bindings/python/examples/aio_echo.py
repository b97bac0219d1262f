"""An echo server and its client over TLS, with asyncio and a transport of tlsbio's own.

aio_echo.py serve HOST PORT CHAIN.pem KEY.pem     (port 0: any; it is printed)
aio_echo.py ask HOST PORT CA.pem MESSAGE          (the server's certificate must be for HOST)
"""

import asyncio
import ssl
import sys

import tlsbio
import tlsbio.aio


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
    context = tlsbio.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    server = await tlsbio.aio.start_server(echo, host, int(port), ssl=context)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def ask(host, port, ca, message):
    context = tlsbio.create_default_context(cafile=ca)
    reader, writer = await tlsbio.aio.open_connection(host, int(port), ssl=context)
    writer.write(message.encode())
    answer = await reader.readexactly(len(message.encode()))
    print(answer.decode(), "over", writer.get_extra_info("ssl_object").version())
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    commands = {("serve", 4): serve, ("ask", 4): ask}
    command = commands.get((sys.argv[1] if len(sys.argv) > 1 else "", len(sys.argv) - 2))
    if command is None:
        sys.exit(__doc__)
    try:
        asyncio.run(command(*sys.argv[2:]))
    except OSError as error:
        sys.exit(f"{type(error).__name__}: {error}")
