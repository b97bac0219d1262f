"""asyncpg with PostgreSQL, and redis-py with redis-server: programs of their own, whose engine is OpenSSL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pairs import PKI, TOO_LONG, client_context

import tlsbio

CLIENTS = ["ours", "openssl"]
DATA = "x" * 300_000


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def program(name: str) -> str:
    """Where it is; Debian has servers of PostgreSQL where no path leads."""
    places = [*os.environ["PATH"].split(os.pathsep), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


# What these programs say is looked at in English.
ENGLISH = {**os.environ, "LC_ALL": "C"}


@contextlib.contextmanager
def ready(command: Callable[[int], list[str]], word: str) -> Iterator[int]:
    """A server that says that word when it can be used: its port, for which there is a command."""
    for _ in range(8):
        port, said = free_port(), ""
        server = subprocess.Popen(
            command(port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENGLISH
        )
        try:
            assert server.stdout
            for line in server.stdout:
                said += line
                if word in line:
                    yield port
                    return
        finally:
            server.terminate()
            server.communicate()
        # A port is free until somebody takes it.
        if "in use" not in said:
            break
    raise AssertionError(said)


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    """PostgreSQL over TLS: its port."""
    initdb, server = program("initdb"), program("postgres")
    # It does not run as root.
    is_root = os.geteuid() == 0
    other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if is_root else []
    with tempfile.TemporaryDirectory() as made:
        room = Path(made)
        for name in "ecdsa/server-chain.pem", "ecdsa/server.key":
            copy = shutil.copy(PKI / name, room)
            os.chmod(copy, 0o600)
        if is_root:
            for path in room, *room.iterdir():
                shutil.chown(path, "postgres", "postgres")
        data = room / "data"
        made_by = [*other, initdb, "-D", data, "-U", "tester", "--auth=trust", "-N", "--locale=C", "--encoding=UTF8"]
        subprocess.run(made_by, check=True, capture_output=True, env=ENGLISH)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": room,
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": room / "server-chain.pem",
            "ssl_key_file": room / "server.key",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]

        def command(port: int) -> list[str]:
            return [*other, server, "-D", str(data), f"--port={port}", *options]

        with ready(command, "ready to accept connections") as port:
            yield port


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_asyncpg(postgres: int, loop: str, client: str, check_engines: Callable[[str], None]) -> None:
    asyncpg = pytest.importorskip("asyncpg")

    async def ask() -> None:
        where = {"host": "localhost", "port": postgres, "user": "tester", "database": "postgres"}
        connection = await asyncpg.connect(**where, ssl=client_context(client))
        row = await connection.fetchrow("SELECT * FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert (row["ssl"], row["version"]) == (True, "TLSv1.3")
        assert await connection.fetchval("SELECT $1::text", DATA) == DATA
        rows = await connection.fetch("SELECT n, repeat('y', 100) AS text FROM generate_series(1, 5000) AS n")
        assert [row["n"] for row in rows] == list(range(1, 5001))
        await connection.close()
        async with asyncpg.create_pool(**where, ssl=client_context(client), min_size=3) as pool:
            assert await asyncio.gather(*(pool.fetchval("SELECT $1::int", n) for n in range(50))) == list(range(50))
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncpg.connect(**where, ssl=client_context(client, trust="rsa/ca.pem"))

    new = pytest.importorskip("uvloop").new_event_loop() if loop == "uvloop" else asyncio.new_event_loop()
    try:
        new.run_until_complete(ask())
        new.run_until_complete(new.shutdown_asyncgens())
    finally:
        new.close()
    check_engines(client)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[int]:
    """redis-server over TLS: its port."""
    server = program("redis-server")
    with tempfile.TemporaryDirectory() as room:
        options = {
            "port": 0,
            "tls-cert-file": PKI / "ecdsa/server-chain.pem",
            "tls-key-file": PKI / "ecdsa/server.key",
            "tls-ca-cert-file": PKI / "ecdsa/ca.pem",
            "tls-auth-clients": "no",
            "bind": "127.0.0.1",
            "save": "",
            "dir": room,
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with ready(lambda port: [server, "--tls-port", str(port), *arguments], "Ready to accept connections") as port:
            yield port


def settings_of_redis(port: int, trust: str = "trust/all.pem") -> dict[str, Any]:
    return {"host": "localhost", "port": port, "ssl": True, "ssl_ca_certs": str(PKI / trust), "decode_responses": True}


@pytest.fixture(params=CLIENTS)
def redis_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """README: redis-py makes its context itself, by the function that ours is put in the place of."""
    if request.param == "ours":
        monkeypatch.setattr(ssl, "create_default_context", tlsbio.create_default_context)
    return str(request.param)


def test_redis_that_blocks(redis_server: int, redis_client: str, check_engines: Callable[[str], None]) -> None:
    redis = pytest.importorskip("redis")
    with redis.Redis(**settings_of_redis(redis_server)) as store:
        for number in range(3):
            store.set(f"blocking {number}", DATA)
            assert store.get(f"blocking {number}") == DATA
        with store.pipeline() as pipeline:
            for number in range(1000):
                pipeline.rpush("numbers", number)
            assert pipeline.execute()[-1] == 1000
        store.delete("numbers")
        with store.pubsub() as heard:
            heard.subscribe("news")
            assert heard.get_message(timeout=TOO_LONG)["type"] == "subscribe"
            store.publish("news", "hello")
            assert heard.get_message(timeout=TOO_LONG)["data"] == "hello"
    with redis.Redis(**settings_of_redis(redis_server, "rsa/ca.pem")) as untrusting:
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            untrusting.ping()
    check_engines(redis_client)


def test_redis_with_asyncio(redis_server: int, redis_client: str, check_engines: Callable[[str], None]) -> None:
    redis = pytest.importorskip("redis.asyncio")

    async def ask() -> None:
        async with redis.Redis(**settings_of_redis(redis_server)) as store:
            for number in range(3):
                await store.set(f"asyncio {number}", DATA)
                assert await store.get(f"asyncio {number}") == DATA
        async with redis.Redis(**settings_of_redis(redis_server, "rsa/ca.pem")) as untrusting:
            with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
                await untrusting.ping()

    asyncio.run(ask())
    check_engines(redis_client)
