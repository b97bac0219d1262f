"""Whether connections that are opened and dropped in the middle of the handshake leave memory where it was.

dropped.py [--connections 1000000]

The collector is off. Each client has sent its ClientHello and each server its flight when both are dropped, without
close(). The resident memory is printed ten times.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import ssl
import subprocess

import peers

import tlsbio


def one_life(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    """A connection's."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in client, server:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert to_client.pending > 500 and not to_server.pending


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=1_000_000)
    options = parser.parse_args()
    subprocess.run([peers.ROOT / "tests" / "pki" / "make.sh", peers.PKI], check=True)
    server, client = peers.contexts_like_ssl(tlsbio)
    gc.disable()
    for _ in range(500):
        one_life(client, server)
    before, objects = peers.resident(), len(gc.get_objects())
    for tenth in range(10):
        for _ in range(options.connections // 10):
            one_life(client, server)
        grown = peers.resident(collect=False) - before
        more = len(gc.get_objects()) - objects
        done = (tenth + 1) * (options.connections // 10)
        print(f"{done:9} connections: {grown:8} bytes and {more} objects more than after the first 500", flush=True)


if __name__ == "__main__":
    main()
