"""The tlslite-ng end of the interop tests: peer.py client|server OPTIONS. It makes one connection, moves one line there
and back, and prints one line of JSON."""

import argparse
import json
import socket
import zlib

import brotli
from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.errors import BaseTLSException
from tlslite.extensions import SNIExtension
from tlslite.messages import CompressedCertificate

LINE = b"one line\n"
HUGE = bytes(10_000_000)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("client", "server"))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--chain")
    parser.add_argument("--key")
    parser.add_argument("--compress", default="", help="algorithms for both directions, comma separated")
    parser.add_argument("--ask", action="store_true", help="ask the client for a certificate")
    parser.add_argument("--version", choices=("1.2", "1.3"), default="1.3")
    parser.add_argument("--server-name", help="the content of the extension, in hexadecimal digits")
    parser.add_argument("--lie", choices=("length", "stream", "garbage"), help="spoil the own compressed chain")
    return parser.parse_args()


def settings_of(args):
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 4) if args.version == "1.3" else (3, 3)
    settings.certificate_compression_send = settings.certificate_compression_receive = (
        args.compress.split(",") if args.compress else []
    )
    return settings


def spoil(how):
    """A chain that says it is longer than it may be, one that is longer than it says, or no compressed one."""
    create = CompressedCertificate.create

    def lying(self, algorithm, *rest, **named):
        create(self, algorithm, *rest, **named)
        if how == "length":
            self._uncompressed_msg_len = 0xFFFFFF
        elif how == "stream":
            self._compressed_msg = bytearray(zlib.compress(HUGE) if algorithm == 1 else brotli.compress(HUGE))
        else:
            self._compressed_msg = bytearray(b"\x5a" * 200)
        return self

    CompressedCertificate.create = lying


def identity(args):
    if not args.chain:
        return None, None
    chain = X509CertChain()
    with open(args.chain) as file:
        chain.parsePemList(file.read())
    with open(args.key) as file:
        return chain, parsePEMKey(file.read(), private=True)


def handshake(args, connection):
    chain, key = identity(args)
    settings = settings_of(args)
    if args.role == "client":
        connection.handshakeClientCert(chain, key, settings=settings, serverName="server.test")
        connection.write(LINE)
        return connection.read(min=len(LINE), max=len(LINE))
    connection.handshakeServer(certChain=chain, privateKey=key, reqCert=args.ask, settings=settings)
    line = connection.read(min=len(LINE), max=len(LINE))
    connection.write(line)
    return line


def connect(args):
    if args.role == "client":
        return socket.create_connection(("127.0.0.1", args.port))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"listening {listener.getsockname()[1]}", flush=True)
        return listener.accept()[0]


def certificates(chain):
    return [bytes(certificate.bytes).hex() for certificate in chain.x509List] if chain else []


def main():
    args = arguments()
    if args.lie:
        spoil(args.lie)
    if args.server_name:
        SNIExtension.extData = property(lambda _: bytearray.fromhex(args.server_name))
    connection = TLSConnection(connect(args))
    report = {"error": "", "line": ""}
    try:
        report["line"] = handshake(args, connection).decode()
        connection.close()
    except (BaseTLSException, OSError) as error:
        report["error"] = f"{type(error).__name__}: {error}"
    session = connection.session
    report |= {
        "server": connection.server_cert_compression_algo,
        "client": connection.client_cert_compression_algo,
        "server_chain": certificates(session.serverCertChain if session else None),
        "client_chain": certificates(session.clientCertChain if session else None),
    }
    print(json.dumps(report))


main()
