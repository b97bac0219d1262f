"""The hosts that wrap sockets: http.client, urllib3, requests, httpx, ftplib and its like, tornado, gevent.

Each takes our context; that the connection is ours, too, is seen by its socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import http.client
import http.server
import imaplib
import poplib
import smtplib
import socketserver
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pairs import PKI, TOO_LONG, client_context, server_context

import tlsbio

BODY = b"x" * 300_000
PAIRS = ["ours-openssl", "openssl-ours", "ours-ours"]


@contextlib.contextmanager
def served(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Shakes hands in the thread of each client."""

    daemon_threads = True

    def __init__(self, context: Any) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError):
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)

    def shutdown_request(self, request: Any) -> None:
        with contextlib.suppress(OSError):
            super().shutdown_request(request)


@contextlib.contextmanager
def https(who: str) -> Iterator[int]:
    with served(Server(server_context(who))) as port:
        yield port


def is_ours(sock: Any, who: str) -> None:
    below = getattr(sock, "_sslobj", sock)
    assert isinstance(below, tlsbio.sslsocket.SocketObject) == (who == "ours")


@pytest.mark.parametrize("engines", PAIRS)
def test_http_client_and_urllib(engines: str) -> None:
    client, server = engines.split("-")
    context = client_context(client)
    with https(server) as port:
        connection = http.client.HTTPSConnection("localhost", port, context=context)
        for _ in range(3):
            connection.request("POST", "/", body=BODY)
            assert connection.getresponse().read() == BODY
            is_ours(connection.sock, client)
        connection.close()
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(f"https://localhost:{port}/") as response:
            assert response.read() == BODY
        refusing = http.client.HTTPSConnection(
            "localhost", port, context=client_context(client, trust="bad/otherca.pem")
        )
        with pytest.raises(ssl.SSLCertVerificationError):
            refusing.request("GET", "/")
        refusing.close()


def test_http_client_with_a_context_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for authentication after the handshake where the engine has it."""
    monkeypatch.setattr(ssl, "_create_default_https_context", client_context)
    with https("openssl") as port:
        connection = http.client.HTTPSConnection("localhost", port)
        connection.request("GET", "/")
        assert connection.getresponse().read() == BODY
        is_ours(connection.sock, "ours")
        connection.close()


@pytest.mark.parametrize("engines", PAIRS)
def test_urllib3(engines: str) -> None:
    urllib3 = pytest.importorskip("urllib3")
    client, server = engines.split("-")
    with https(server) as port, urllib3.PoolManager(ssl_context=client_context(client)) as pool:
        for _ in range(3):
            assert pool.request("POST", f"https://localhost:{port}/", body=BODY).data == BODY
        (connection,) = pool.connection_from_url(f"https://localhost:{port}/").pool.queue[-1:]
        is_ours(connection.sock, client)
        with urllib3.PoolManager(ssl_context=client_context(client, trust="bad/otherca.pem"), retries=False) as other:
            with pytest.raises(urllib3.exceptions.SSLError, match="certificate verify failed"):
                other.request("GET", f"https://localhost:{port}/")


@pytest.mark.parametrize("engines", PAIRS)
def test_requests(engines: str) -> None:
    requests = pytest.importorskip("requests")
    from requests.adapters import HTTPAdapter

    client, server = engines.split("-")

    class Adapter(HTTPAdapter):  # type: ignore[misc]
        def __init__(self, context: Any) -> None:
            self.context = context
            super().__init__()

        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, ssl_context=self.context, **options)

    with https(server) as port, requests.Session() as session:
        session.trust_env = False
        session.verify = str(PKI / "trust/all.pem")
        session.mount("https://", Adapter(client_context(client)))
        for _ in range(3):
            assert session.post(f"https://localhost:{port}/", data=BODY).content == BODY
        with session.get(f"https://localhost:{port}/", stream=True) as response:
            is_ours(response.raw.connection.sock, client)
            assert sum(map(len, response.iter_content(1000))) == len(BODY)


@pytest.mark.parametrize("engines", PAIRS)
def test_httpx_that_blocks(engines: str) -> None:
    httpx = pytest.importorskip("httpx")
    client, server = engines.split("-")
    with (
        https(server) as port,
        httpx.Client(verify=client_context(client), trust_env=False, timeout=TOO_LONG) as session,
    ):
        for _ in range(3):
            response = session.post(f"https://localhost:{port}/", content=BODY)
            assert response.content == BODY
            is_ours(response.extensions["network_stream"].get_extra_info("ssl_object"), client)
        with httpx.Client(
            verify=client_context(client, trust="bad/otherca.pem"), trust_env=False, timeout=TOO_LONG
        ) as other:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                other.get(f"https://localhost:{port}/")


@contextlib.contextmanager
def lines(context: Any, greeting: bytes, answer: Callable[[bytes, Any], bytes | None]) -> Iterator[int]:
    """A server that says something, and answers each line; what it answers may be a socket of its own."""

    class Lines(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            sock = self.request if context is None else context.wrap_socket(self.request, server_side=True)
            with contextlib.suppress(OSError):
                while True:
                    reader = sock.makefile("rb")
                    if greeting and not hasattr(self, "greeted"):
                        self.greeted = True
                        sock.sendall(greeting)
                    said = reader.readline()
                    if not said:
                        break
                    answered = answer(said, self)
                    if answered is None:
                        break
                    sock.sendall(answered)
                    if said.upper().split()[-1:] == [b"STARTTLS"] or said.upper().startswith((b"STLS", b"AUTH TLS")):
                        sock = server_context("ours").wrap_socket(sock, server_side=True)
            sock.close()

    class LineServer(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with served(LineServer(("127.0.0.1", 0), Lines)) as port:
        yield port


def test_protocols_that_begin_tls_later() -> None:
    """smtplib, imaplib, poplib and ftplib, each with the words that it needs."""
    context = client_context()

    def smtp(said: bytes, _: Any) -> bytes:
        return b"250-localhost\r\n250 STARTTLS\r\n" if said.upper().startswith(b"EHLO") else b"220 ok\r\n"

    with lines(None, b"220 hello\r\n", smtp) as port:
        client = smtplib.SMTP("localhost", port)
        client.starttls(context=context)
        is_ours(client.sock, "ours")
        assert client.ehlo()[0] == 250
        client.close()

    def imap(said: bytes, _: Any) -> bytes:
        tag = said.split()[0]
        extra = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" if b"CAPABILITY" in said.upper() else b""
        return extra + tag + b" OK done\r\n"

    with lines(None, b"* OK hello\r\n", imap) as port:
        mailbox = imaplib.IMAP4("localhost", port)
        mailbox.starttls(context)
        is_ours(mailbox.sock, "ours")
        assert mailbox.noop()[0] == "OK"
        mailbox.shutdown()

    def pop(said: bytes, _: Any) -> bytes:
        return b"+OK\r\nSTLS\r\n.\r\n" if said.upper().startswith(b"CAPA") else b"+OK 0 0\r\n"

    with lines(None, b"+OK hello\r\n", pop) as port:
        post = poplib.POP3("localhost", port)
        post.stls(context)
        is_ours(post.sock, "ours")
        assert post.stat() == (0, 0)
        post.close()

    def ftp(said: bytes, _: Any) -> bytes:
        return b"234 ok\r\n" if said.upper().startswith(b"AUTH") else b"230 ok\r\n"

    with lines(None, b"220 hello\r\n", ftp) as port:
        files = ftplib.FTP_TLS(context=context)
        files.connect("localhost", port)
        files.auth()
        is_ours(files.sock, "ours")
        assert files.sendcmd("NOOP") == "230 ok"
        files.close()


@pytest.mark.parametrize("engines", PAIRS)
def test_tornado(engines: str) -> None:
    pytest.importorskip("tornado")
    from tornado.httpclient import AsyncHTTPClient
    from tornado.httpserver import HTTPServer
    from tornado.iostream import SSLIOStream
    from tornado.netutil import bind_sockets
    from tornado.web import Application, RequestHandler

    client, server = engines.split("-")
    below: list[Any] = []

    class Echo(RequestHandler):
        def post(self) -> None:
            stream = self.request.connection.stream  # type: ignore[union-attr]
            assert isinstance(stream, SSLIOStream)
            below.append(stream.socket._sslobj)
            self.write(self.request.body)

    async def main() -> None:
        serving = HTTPServer(Application([("/", Echo)]), ssl_options=server_context(server))
        (sock,) = bind_sockets(0, "127.0.0.1")
        serving.add_sockets([sock])
        http_client = AsyncHTTPClient(force_instance=True)
        response = await http_client.fetch(
            f"https://localhost:{sock.getsockname()[1]}/",
            method="POST",
            body=BODY,
            ssl_options=client_context(client),
            connect_timeout=TOO_LONG,
            request_timeout=TOO_LONG,
        )
        assert response.body == BODY
        is_ours(below[0], server)
        http_client.close()
        serving.stop()
        await serving.close_all_connections()

    asyncio.run(main())


def test_gevent() -> None:
    """In a process of its own: gevent changes the modules."""
    pytest.importorskip("gevent")
    program = """
from gevent import monkey; monkey.patch_all()
import sys, gevent, socket, ssl
sys.path[:0] = sys.argv[1:]
import tlsbio
from pairs import client_context, server_context
from gevent.server import StreamServer

def serve(sock, _):
    with server_context().wrap_socket(sock, server_side=True) as secured:
        while data := secured.recv(65536):
            secured.sendall(data)

listener = StreamServer(("127.0.0.1", 0), serve)
listener.start()

def ask(number):
    text = bytes([number]) * 200_000
    with socket.create_connection(("127.0.0.1", listener.server_port)) as plain:
        with client_context().wrap_socket(plain, server_hostname="localhost") as secured:
            assert isinstance(secured._sslobj, tlsbio.sslsocket.SocketObject), type(secured._sslobj)
            sender = gevent.spawn(secured.sendall, text)
            received = b""
            while len(received) < len(text):
                received += secured.recv(65536)
            sender.join()
            assert received == text
            return number

print([job.get() for job in [gevent.spawn(ask, number) for number in range(5)]])
listener.stop()
"""
    here = str(PKI.parents[1] / "bindings/python/tests")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program, here], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0, 1, 2, 3, 4]\n"
