"""What our server learns of a ClientHello that comes over a socket, and refuses."""

import socket

import patience
from native import Connection
from openssl_hello import FACTS, UNRECOGNIZED_NAME, HelloLibrary


def wire_numbers(wire):
    return [int.from_bytes(wire[at : at + 2], "big") for at in range(0, len(wire), 2)]


def wire_names(wire):
    names = []
    while wire:
        names.append(wire[1 : 1 + wire[0]].decode())
        wire = wire[1 + wire[0] :]
    return names


def offered_by(test, start_client):
    """The facts, and the client that `start_client(port)` made; it gets the alert unrecognized_name."""
    lib = HelloLibrary()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(patience.SECONDS)
        client = start_client(listener.getsockname()[1])
        transport, _ = listener.accept()
    test.addCleanup(transport.close)
    transport.settimeout(patience.SECONDS)
    server = Connection(lib, lib.tls_server_new(None, None))
    test.addCleanup(server.free)
    records = b""
    while server.status() == "TLS_WANT_FEED":
        wire = transport.recv(100)
        test.assertTrue(wire, "the client ended before its ClientHello")
        records += wire
        test.assertEqual(server.feed(wire), len(wire))
    test.assertEqual(server.status(), "TLS_ASK_CONTEXT")
    facts = {name: server._copied_out(getattr(lib, f"tls_hello_{name}")) for name in FACTS}
    # One record has one header of 5 bytes, which is not of the message.
    test.assertEqual(facts["raw"], records[5:])
    read = {name: wire_numbers(facts[name]) for name in ("suites", "groups", "versions", "schemes")}
    read |= {"alpn": wire_names(facts["alpn"]), "sni": server.sni(), "authorities": facts["authorities"]}
    test.assertEqual(lib.tls_answer_refuse(server.handle, UNRECOGNIZED_NAME), 0)
    transport.sendall(server.drain(100))
    return read, client
