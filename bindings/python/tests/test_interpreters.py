"""Several interpreters in one process: the parts in C keep nothing that is the process's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# They share a GIL: cffi, over which the C API is called, is in no interpreter that has its own. And cryptography, which
# reads certificates for an SSLContext, is in the first one only (PyO3).
PROGRAM = """
import sys
try:
    import _interpreters as interpreters
    new = lambda: interpreters.create("legacy")
except ImportError:
    import _xxsubinterpreters as interpreters
    new = lambda: interpreters.create(isolated=False)

TALK = '''
import asyncio, socket, ssl, sys
sys.path.insert(0, {tests!r})
import tlsbio
import tlsbio.aio
from tlsbio.config import Builder
from pairs import PKI, Pair, server_context

chain, key = ((PKI / "ecdsa" / name).read_bytes() for name in ("server-chain.pem", "server.key"))

# Between BIOs.
client = tlsbio.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
pair = Pair(client, server_context("openssl")).handshake()
pair.client.write(b"x" * 10000)
assert pair.server.read(20000) == b"x" * 10000
pair.server.write(b"answer")
assert pair.client.read(100) == b"answer"

# Over sockets.
ends = socket.socketpair()
[one.settimeout(0) for one in ends]
here = client.wrap_socket(ends[0], do_handshake_on_connect=False)
there = server_context("openssl").wrap_socket(ends[1], server_side=True, do_handshake_on_connect=False)
done = set()
while len(done) < 2:
    for one in here, there:
        try:
            one.do_handshake()
            done.add(one)
        except ssl.SSLWantReadError:
            pass
here.send(b"question")
assert there.recv(100) == b"question"
here.close()
there.close()

# In a loop, verified.
async def echo(reader, writer):
    writer.write(await reader.readexactly(100000))
    writer.close()

async def ask():
    serving, trusting = Builder(), Builder()
    serving.identity(chain, key)
    trusting.trust((PKI / "ecdsa/ca.pem").read_bytes())
    server = await tlsbio.aio.start_server(echo, "127.0.0.1", 0, ssl=serving.server())
    port = server.sockets[0].getsockname()[1]
    reader, writer = await tlsbio.aio.open_connection("localhost", port, ssl=trusting.client(), family=socket.AF_INET)
    writer.write(b"y" * 100000)
    assert await reader.readexactly(100000) == b"y" * 100000
    writer.close()
    server.close()

asyncio.run(ask())

# The exceptions are those of this interpreter.
bio = tlsbio.MemoryBIO()
bio.write_eof()
try:
    bio.write(b"x")
except ssl.SSLError as error:
    assert error.reason == "BIO_ENDED"
else:
    raise AssertionError
'''.format(tests=sys.argv[1])

exec(TALK)
others = [new() for _ in range(3)]
for other in others:
    failed = interpreters.run_string(other, TALK)
    assert failed is None, failed
    # What one leaves behind does not matter to the others.
    interpreters.destroy(other)
    exec(TALK)
print("talked")
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="older ones have interpreters with a GIL for each only by C")
def test_each_has_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(Path(__file__).parent)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "talked\n"), done.stderr
