#!/usr/bin/env node
// An echo server in a language with a collector, and no line of C: koffi, a package of npm, calls what is declared here. Bytes travel by
// Node's own sockets (node:net).
//
// All memory is Node's: a call gets a Buffer, and is done with it when it returns. So what is in flight is a Buffer that a socket's queue
// holds, and the collector leaves it there; nothing of the library holds anything of Node's, for there is no callback that would. A
// connection is a number to Node, which no collector frees: it is freed when its socket is closed, which each is once.
"use strict";
const net = require("node:net");
const { basename } = require("node:path");
const koffi = require("koffi");

const tls = ((library) => {
    koffi.opaque("tls_builder_t");
    koffi.opaque("tls_context_t");
    koffi.opaque("tls_conn_t");
    koffi.struct("tls_error_t", {
        size: "size_t",
        status: "int32_t",
        reason: "int32_t",
        alert_sent: "int16_t",
        alert_received: "int16_t",
        message: koffi.array("char", 256, "String"),
    });
    koffi.struct("tls_buffers_t", { size: "size_t", in_flight: "uint64_t", in_flight_bytes: "uint64_t", unused_bytes: "uint64_t" });
    const functions = `
        tls_builder_t *tls_builder_new()
        void tls_builder_free(tls_builder_t *builder)
        int32_t tls_builder_identity_file(tls_builder_t *builder, const char *chain, const char *key)
        tls_context_t *tls_context_server(const tls_builder_t *builder, _Inout_ tls_error_t *error)
        void tls_context_free(tls_context_t *context)
        int32_t tls_context_buffers(const tls_context_t *context, _Inout_ tls_buffers_t *buffers)
        tls_conn_t *tls_server_new(const tls_context_t *context, void *error)
        void tls_free(tls_conn_t *conn)
        uint32_t tls_state(tls_conn_t *conn)
        int32_t tls_advance(tls_conn_t *conn)
        intptr_t tls_feed(tls_conn_t *conn, const void *wire, size_t len)
        int32_t tls_feed_eof(tls_conn_t *conn)
        intptr_t tls_drain_pending(tls_conn_t *conn)
        intptr_t tls_drain_into(tls_conn_t *conn, void *wire, size_t len)
        intptr_t tls_writable(tls_conn_t *conn)
        intptr_t tls_read_into(tls_conn_t *conn, void *plain, size_t len)
        intptr_t tls_write_from(tls_conn_t *conn, const void *plain, size_t len)
        int32_t tls_close_notify(tls_conn_t *conn)`;
    const named = functions.trim().split(/\s*\n\s*/).map((line) => [line.match(/tls_(\w+)\(/)[1], library.func(line)]);
    return Object.fromEntries(named);
})(koffi.load("libtlsbio.so.0"));

const [OK, WANT_FEED, WANT_DRAIN] = [0, -1, -2]; // TLS_OK and so on
const [CAN_FEED, CAN_WRITE, HANDSHAKING] = [1, 8, 16]; // bits of tls_state()
const MOST_IN_FLIGHT = 256 * 1024; // bytes that a peer has not taken

const program = basename(process.argv[1]);
const plain = Buffer.allocUnsafeSlow(65536);
const peers = new Set();

function die(text, code = 1) {
    process.stderr.write(`${program}: ${text}\n`);
    process.exit(code);
}

function makeContext(chain, key) {
    const error = { size: koffi.sizeof("tls_error_t"), status: 0, reason: 0, alert_sent: -1, alert_received: -1, message: "" };
    const builder = tls.builder_new();
    tls.builder_identity_file(builder, chain, key);
    const context = tls.context_server(builder, error);
    tls.builder_free(builder);
    return context ?? die(error.message);
}

// Writes back what can be read. Returns true once nothing more will come of the connection but what is queued.
function echo(conn) {
    for (;;) {
        const ready = tls.advance(conn) === OK;
        const most = tls.writable(conn);
        if (ready && most === 0) return false;
        // No more than can be written: so there is never anything to keep.
        const got = tls.read_into(conn, plain, most > 0 ? Math.min(most, plain.length) : plain.length);
        if (got > 0) {
            tls.write_from(conn, plain, got);
        } else if (got === WANT_FEED || got === WANT_DRAIN) {
            return false;
        } else {
            // The peer's end, or a failure, whose alert is queued already.
            tls.close_notify(conn);
            return true;
        }
    }
}

function wantsBytes(conn) {
    const state = tls.state(conn);
    return (state & CAN_FEED) !== 0 && (state & (HANDSHAKING | CAN_WRITE)) !== 0;
}

// Feeds what came, as far as it is wanted. Returns how many bytes that were.
function feed(peer) {
    let total = 0;
    while (peer.came.length > 0 && wantsBytes(peer.conn)) {
        const fed = tls.feed(peer.conn, peer.came, peer.came.length);
        if (fed <= 0) break;
        peer.came = peer.came.subarray(fed);
        total += fed;
    }
    if (peer.came.length === 0 && peer.ended) {
        peer.ended = false;
        tls.feed_eof(peer.conn);
    }
    return total;
}

// Hands all that is queued to the socket, in a Buffer of its own. Returns how many bytes that were.
function sendQueued(peer) {
    const wire = Buffer.allocUnsafeSlow(Math.max(tls.drain_pending(peer.conn), 0));
    const drained = wire.length > 0 ? tls.drain_into(peer.conn, wire, wire.length) : 0;
    if (drained > 0) peer.socket.write(wire.subarray(0, drained));
    return Math.max(drained, 0);
}

// Goes on until nothing moves any more. A peer that does not read is not read from: what is in flight has a bound.
function turn(peer) {
    const { socket } = peer;
    let moved = 1;
    while (moved > 0 && !peer.ending && !socket.destroyed && socket.writableLength < MOST_IN_FLIGHT) {
        moved = feed(peer);
        peer.ending = echo(peer.conn);
        moved += sendQueued(peer);
    }
    if (socket.destroyed) return;
    if (peer.ending) {
        sendQueued(peer);
        socket.destroySoon(); // once all is sent
    } else if (peer.came.length > 0 || socket.writableLength >= MOST_IN_FLIGHT) {
        socket.pause();
    } else {
        socket.resume();
    }
}

function accept(socket) {
    const conn = tls.server_new(context, null);
    if (!conn) return socket.destroy();
    const peer = { socket, conn, came: Buffer.alloc(0), ended: false, ending: false };
    peers.add(peer);
    socket.setNoDelay();
    socket.on("data", (bytes) => {
        peer.came = peer.came.length > 0 ? Buffer.concat([peer.came, bytes]) : bytes;
        turn(peer);
    });
    socket.on("end", () => {
        peer.ended = true;
        turn(peer);
    });
    socket.on("drain", () => turn(peer));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
        tls.free(peer.conn);
        peers.delete(peer);
    });
}

if (process.argv.length !== 5 || !/^\d{1,5}$/.test(process.argv[2]) || Number(process.argv[2]) > 65535) {
    process.stderr.write(`usage: ${program} PORT CHAIN KEY\n`);
    process.exit(2);
}
const [port, chain, key] = process.argv.slice(2);
const context = makeContext(chain, key);
// Its own end is not the whole end: what it asked for is still sent.
const server = net.createServer({ allowHalfOpen: true }, accept);
server.on("error", (error) => server.listening || die(`port ${port}: ${error.message}`));
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 1024 }, () => console.log(`listening on ${server.address().port}`));

process.on("SIGTERM", () => {
    const buffers = { size: koffi.sizeof("tls_buffers_t"), in_flight: 0, in_flight_bytes: 0, unused_bytes: 0 };
    tls.context_buffers(context, buffers);
    tls.context_free(context);
    console.log(`left: ${peers.size} connections, ${buffers.in_flight} buffers`);
    process.exit(0);
});
