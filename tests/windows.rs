//! A window is the host's until it feeds, commits or frees: a transport may be writing to it.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live memory")]

use std::ptr::null_mut;

use support::{Conn, Context, Recipe, pump};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

const SERVER: (&str, &str) = ("ecdsa/server-chain.pem", "ecdsa/server.key");

/// What becomes of a connection while its window is open.
#[derive(Debug, Clone, Copy)]
enum Fate {
    RecordDamaged,
    HandshakeDamaged,
    TooLate,
    Refused,
    WrongSignature,
    SecretsTaken,
    Split,
}

const FATES: [Fate; 7] = [
    Fate::RecordDamaged,
    Fate::HandshakeDamaged,
    Fate::TooLate,
    Fate::Refused,
    Fate::WrongSignature,
    Fate::SecretsTaken,
    Fate::Split,
];

fn open(conn: &Conn) -> (*mut u8, usize) {
    let (mut window, mut length) = (null_mut(), 0);
    assert_eq!(unsafe { tls_feed_window(conn.0, 0, &mut window, &mut length) }, TLS_OK);
    assert!(length > 0);
    (window.cast(), length)
}

fn meet(fate: Fate, conn: &Conn) {
    match fate {
        Fate::RecordDamaged | Fate::HandshakeDamaged => assert!(conn.advance() <= TLS_ERR_PEER),
        Fate::TooLate => {
            assert_eq!(tls_time(conn.0, 1), TLS_OK);
            assert_eq!(tls_time(conn.0, 1_000_000), TLS_ERR_PEER);
        }
        Fate::Refused => {
            assert_eq!(conn.answer_verify(42), TLS_OK);
            assert_eq!(conn.advance(), TLS_ERR_CERTIFICATE);
        }
        Fate::WrongSignature => {
            let answered = unsafe { tls_answer_sign(conn.0, [7u8; 64].as_ptr().cast(), 64) };
            assert_eq!(answered, TLS_OK);
            assert_eq!(conn.advance(), TLS_ERR_INTERNAL);
        }
        Fate::SecretsTaken => {
            let mut secrets: [tls_traffic_secret_t; 2] = unsafe { std::mem::zeroed() };
            let [receive, send] = &mut secrets;
            (receive.size, send.size) = (size_of_val(receive), size_of_val(send));
            let taken = unsafe { tls_secrets_take(conn.0, receive, send, null_mut()) };
            assert_eq!(taken, TLS_OK);
        }
        Fate::Split => drop(conn.split()),
    }
}

/// A connection at the point where its fate comes, and its peer.
fn before(fate: Fate, version: i64) -> (Context, Context, Conn, Conn) {
    let common = Recipe { version: Some(version as u16), ..Recipe::default() };
    let client = Context::client(&Recipe {
        verify: if matches!(fate, Fate::Refused) { TLS_VERIFY_ASK } else { TLS_VERIFY_PEER },
        handshake: (0, if matches!(fate, Fate::TooLate) { 100 } else { 0 }),
        secrets: true,
        ..common
    });
    let server = Context::server(&Recipe {
        chain: Some(SERVER),
        external: matches!(fate, Fate::WrongSignature),
        ..common
    });
    let (mut ours, mut peer) = (client.connect("localhost"), server.accept());
    if matches!(fate, Fate::WrongSignature) {
        std::mem::swap(&mut ours, &mut peer);
        peer.advance();
    }
    match fate {
        Fate::TooLate => {}
        Fate::HandshakeDamaged => assert_eq!(ours.feed(b"GET / HTTP/1.0\r\n"), Ok(16)),
        Fate::WrongSignature | Fate::Refused => {
            let wanted = if matches!(fate, Fate::Refused) { TLS_ASK_VERIFY } else { TLS_ASK_SIGN };
            while ours.advance() != wanted {
                for (from, to) in [(&ours, &peer), (&peer, &ours)] {
                    let wire = from.drain();
                    assert_eq!(to.feed(&wire), Ok(wire.len()));
                    to.advance();
                }
            }
        }
        _ => {
            while ours.advance() != TLS_OK || peer.advance() != TLS_OK {
                pump(&ours, &peer);
            }
            pump(&ours, &peer);
        }
    }
    if matches!(fate, Fate::RecordDamaged) {
        assert_eq!(peer.write(b"damaged"), Ok(7));
        let mut wire = peer.drain();
        *wire.last_mut().unwrap() ^= 1;
        assert_eq!(ours.feed(&wire), Ok(wire.len()));
    }
    (client, server, ours, peer)
}

//
#[test]
fn what_a_transport_writes_late_lands_in_nobody_elses_memory() {
    for version in [TLS_VERSION_1_2, TLS_VERSION_1_3] {
        for fate in FATES {
            let (client, _server, ours, _peer) = before(fate, version);
            let (window, length) = open(&ours);
            meet(fate, &ours);
            // Others borrow all that the pool has.
            let others: Vec<_> = (0..20).map(|_| client.connect("localhost")).collect();
            for other in &others {
                let (theirs, room) = open(other);
                let apart = theirs.addr() + room <= window.addr() || window.addr() + length <= theirs.addr();
                assert!(apart, "{fate:?} {version:x}");
            }
            // The late bytes; valgrind and AddressSanitizer look at them.
            unsafe { window.write_bytes(0x41, length) };
            drop(others);
            let status = tls_feed_commit(ours.0, length);
            let alive = matches!(fate, Fate::Split);
            assert_eq!(status, if alive { TLS_OK } else { TLS_ERR_STATE }, "{fate:?} {version:x}");
        }
    }
}

#[test]
fn the_end_of_the_transport_closes_the_window() {
    let (_client, _server, ours, _peer) = before(Fate::Split, TLS_VERSION_1_3);
    open(&ours);
    ours.feed_eof();
    assert_eq!(tls_feed_commit(ours.0, 1), TLS_ERR_STATE);
    assert_eq!(tls_feed_commit(ours.0, 0), TLS_OK);
    assert_eq!(ours.advance(), TLS_TRUNCATED);
}
