//! A connection that failed holds no buffer any more: neither what came, nor what was about to be sent. It
//! may stay for long, until its host has looked at the error.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{Conn, Context, Recipe};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The smallest buffer has 8 KiB; a failure and its message are much smaller.
const LESS_THAN_A_BUFFER: isize = 4 * 1024;

/// A record that never becomes whole: its header says 16 KiB.
const LONG_RECORD: [u8; 12_000] = {
    let mut record = [0; 12_000];
    [record[0], record[1], record[2], record[3]] = [22, 3, 3, 0x40];
    record
};

fn live() -> isize {
    let stats = HEAP.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// Fails a connection: what it holds afterwards, more than it did before `fail`.
fn held_after(conn: &Conn, fail: impl FnOnce(&Conn)) -> isize {
    let before = live();
    fail(conn);
    assert_ne!(conn.state() & TLS_FAILED, 0);
    conn.drain();
    live() - before
}

fn check(what: &str, conn: &Conn, fail: impl FnOnce(&Conn)) {
    let held = held_after(conn, fail);
    println!("{what}: {held} bytes more");
    assert!(held < LESS_THAN_A_BUFFER, "{what}: {held} bytes");
}

fn established(client: &Context, server: &Context) -> (Conn, Conn) {
    let (client, server) = (client.connect("localhost"), server.accept());
    while client.advance() != TLS_OK || server.advance() != TLS_OK {
        support::pump(&client, &server);
    }
    support::pump(&client, &server);
    (client, server)
}

fn a_connection_that_failed_holds_no_buffer() {
    // A pool that keeps nothing: what a connection gives back is free.
    let recipe = Recipe { pool: Some(0), handshake: (4096, 1000), ..Recipe::default() };
    let identity = Some(("ecdsa/server-chain.pem", "ecdsa/server.key"));
    let (client, server) = (Context::client(&recipe), Context::server(&Recipe { chain: identity, ..recipe }));

    check("no TLS", &server.accept(), |conn| {
        conn.feed(&[b'x'; 12_000]).unwrap();
    });
    check("no budget left", &server.accept(), |conn| {
        conn.feed(&LONG_RECORD).unwrap();
    });
    check("no budget left, in pieces", &server.accept(), |conn| {
        LONG_RECORD.chunks(100).take(50).for_each(|piece| assert!(conn.feed(piece).is_ok()));
        assert_eq!(conn.advance(), TLS_ERR_PEER);
    });
    check("no time left", &server.accept(), |conn| {
        assert_eq!(tls_time(conn.0, 1), TLS_OK);
        conn.feed(&LONG_RECORD[..4000]).unwrap();
        assert_eq!(tls_time(conn.0, 2), TLS_OK);
        assert_eq!(tls_time(conn.0, 5000), TLS_ERR_PEER);
    });

    let (client, server) = established(&client, &server);
    check("a bad record, with plain bytes that are kept", &server, |conn| {
        assert_eq!(tls_cork(conn.0), TLS_OK);
        assert_eq!(conn.write(&[7; 5000]), Ok(5000));
        let mut bad = LONG_RECORD[..105].to_vec();
        [bad[0], bad[3], bad[4]] = [23, 0, 100];
        conn.feed(&bad).unwrap();
    });
    check("an alert, with a window", &client, |conn| {
        assert_eq!(tls_cork(conn.0), TLS_OK);
        assert_eq!(conn.write(&[7; 5000]), Ok(5000));
        conn.feed(b"HTTP/1.1 400 Bad Request").unwrap();
    });
}

/// Without the test harness (Cargo.toml): the thread that it waits in for a test has memory of its own.
fn main() {
    a_connection_that_failed_holds_no_buffer();
}
