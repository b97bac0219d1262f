//! Memory that the library lends stays where it is for as long as the header says: a transport may be writing to a
//! window, or sending what it was shown.

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

/// Copies of what is shown, and where.
fn peek(conn: &Conn) -> (*const u8, Vec<u8>) {
    let (mut wire, mut length) = (std::ptr::null(), 0);
    assert_eq!(unsafe { tls_drain_peek(conn.0, &mut wire, &mut length) }, TLS_OK);
    assert!(length > 0);
    (wire.cast(), unsafe { std::slice::from_raw_parts(wire.cast::<u8>(), length) }.to_vec())
}

fn is_still_there((wire, copy): &(*const u8, Vec<u8>)) -> bool {
    unsafe { std::slice::from_raw_parts(*wire, copy.len()) == copy }
}

//
#[test]
fn what_is_being_sent_stays_while_a_handshake_goes_on() {
    for version in [TLS_VERSION_1_2, TLS_VERSION_1_3] {
        for external in [false, true] {
            let common = Recipe { version: Some(version as u16), ..Recipe::default() };
            let client = Context::client(&common);
            let server = Context::server(&Recipe { chain: Some(SERVER), external, ..common });
            let sides = [client.connect("localhost"), server.accept()];
            let mut sent = [0, 0];
            // Each side is sent one byte before, and the rest after, the other one has gone on.
            for round in 0..12 {
                for at in [0, 1] {
                    let (from, to) = (&sides[at], &sides[1 - at]);
                    from.advance();
                    if from.state() & TLS_CAN_DRAIN == 0 {
                        continue;
                    }
                    let shown = peek(from);
                    let theirs = (to.state() & TLS_CAN_DRAIN != 0).then(|| peek(to));
                    for piece in shown.1.chunks(700) {
                        assert_eq!(to.feed(piece), Ok(piece.len()));
                        if to.advance() == TLS_ASK_SIGN {
                            assert_eq!(to.answer_sign(SERVER.1), TLS_OK);
                            to.advance();
                        }
                    }
                    assert!(theirs.as_ref().is_none_or(is_still_there), "{version:x} {round}");
                    assert!(is_still_there(&shown));
                    assert_eq!(tls_drain_consume(from.0, shown.1.len()), TLS_OK);
                    sent[at] += shown.1.len();
                }
            }
            for side in &sides {
                assert_eq!(side.advance(), TLS_OK, "{version:x} {external}");
            }
            assert!(sent[0] > 200 && sent[1] > 200);
        }
    }
}

/// A client whose flight is longer than what a queue has room for at first.
fn client_with_a_long_chain(version: i64) -> Conn {
    let builder = tls_builder_new();
    let (trust, key) = (support::pki("trust/all.pem"), support::pki("ecdsa/client.key"));
    let chain = support::pki("ecdsa/client-chain.pem").repeat(9);
    assert_eq!(unsafe { tls_builder_trust_pem(builder, trust.as_ptr().cast(), trust.len()) }, TLS_OK);
    let (chain, length) = (chain.as_ptr().cast(), chain.len());
    let status = unsafe { tls_builder_identity_pem(builder, chain, length, key.as_ptr().cast(), key.len()) };
    assert_eq!(status, TLS_OK);
    assert_eq!(tls_builder_versions(builder, version as u16, version as u16), TLS_OK);
    let context = unsafe { tls_context_client(builder, null_mut()) };
    tls_builder_free(builder);
    let client = unsafe { tls_client_new(context, c"localhost".as_ptr(), null_mut()) };
    assert!(!client.is_null());
    tls_context_free(context);
    Conn(client)
}

//
#[test]
fn what_is_being_sent_stays_while_a_long_flight_is_queued() {
    for version in [TLS_VERSION_1_2, TLS_VERSION_1_3] {
        let server = Context::server(&Recipe {
            chain: Some(SERVER),
            client_auth: TLS_CLIENT_AUTH_REQUIRED,
            version: Some(version as u16),
            ..Recipe::default()
        });
        let (client, server) = (client_with_a_long_chain(version), server.accept());
        let hello = peek(&client);
        assert_eq!(server.feed(&hello.1), Ok(hello.1.len()));
        server.advance();
        let flight = server.drain();
        assert_eq!(client.feed(&flight), Ok(flight.len()));
        client.advance();
        assert!(is_still_there(&hello), "{version:x}");
        assert_eq!(peek(&client), hello, "what was queued meanwhile is not shown yet");
        assert!(tls_drain_pending(client.0) > 8 * 1024);
        assert_eq!(tls_drain_consume(client.0, hello.1.len()), TLS_OK);
        let rest = client.drain();
        assert!(rest.len() > 7 * 1024 && rest[0] != 0);
    }
}

//
#[test]
fn what_is_being_sent_stays_while_the_peer_is_answered() {
    for fails in [false, true] {
        let (_client, _server, ours, peer) = before(Fate::Split, TLS_VERSION_1_3);
        assert_eq!(ours.write(b"being sent"), Ok(10));
        let shown = peek(&ours);
        for number in 0..200 {
            assert_eq!(tls_key_update(peer.0), TLS_OK);
            assert_eq!(peer.write(b"more"), Ok(4));
            let mut wire = peer.drain();
            if fails && number == 199 {
                *wire.last_mut().unwrap() ^= 1;
            }
            assert_eq!(ours.feed(&wire), Ok(wire.len()));
            while ours.read_into(&mut [0; 16]).is_ok() {}
            assert!(is_still_there(&shown), "{number}");
        }
        assert_eq!(ours.state() & TLS_FAILED != 0, fails);
        // All of it comes, in order.
        let wire = ours.drain();
        assert!(wire.starts_with(&shown.1));
        assert_eq!(wire.len() > shown.1.len(), fails, "the alert is behind it");
        assert_eq!(peer.feed(&wire), Ok(wire.len()));
        let mut plain = [0; 16];
        assert_eq!(peer.read_into(&mut plain), Ok(10));
    }
}

/// What makes records of what a cork keeps, and is no write.
const SEALERS: [extern "C" fn(*mut tls_conn_t) -> tls_status_t; 4] =
    [tls_uncork, resize, tls_conn_record_restart, refuse];

extern "C" fn resize(conn: *mut tls_conn_t) -> tls_status_t {
    tls_conn_record_size(conn, 1000)
}

extern "C" fn refuse(conn: *mut tls_conn_t) -> tls_status_t {
    if tls_refuse(conn, 49) > 0 { TLS_OK } else { TLS_ERR_STATE }
}

//
#[test]
fn what_is_being_sent_stays_while_what_a_cork_keeps_is_sealed() {
    for version in [TLS_VERSION_1_2, TLS_VERSION_1_3] {
        for seal in SEALERS {
            let common = Recipe { version: Some(version as u16), ramp: (1000, 500), ..Recipe::default() };
            let client = Context::client(&common);
            let server = Context::server(&Recipe { chain: Some(SERVER), ..common });
            let (ours, peer) = (client.connect("localhost"), server.accept());
            pump(&ours, &peer);
            assert_eq!((ours.advance(), peer.advance()), (TLS_OK, TLS_OK));
            assert_eq!(ours.write(&[1; 7000]), Ok(7000));
            assert_eq!(tls_cork(ours.0), TLS_OK);
            assert_eq!(ours.write(&[2; 15_000]), Ok(15_000));
            let shown = peek(&ours);
            assert_eq!(seal(ours.0), TLS_OK);
            assert!(is_still_there(&shown));
            assert!(peek(&ours) == shown, "what was queued meanwhile is not shown yet");
            let wire = ours.drain();
            assert!(wire.starts_with(&shown.1) && wire.len() > shown.1.len());
            assert_eq!(peer.feed(&wire), Ok(wire.len()));
            let mut plain = Vec::new();
            let refused = ours.state() & TLS_FAILED != 0;
            assert_eq!(peer.read_all(&mut plain), if refused { TLS_ERR_ALERT } else { TLS_WANT_FEED });
            let kept: &[u8] = if refused { &[] } else { &[2; 15_000] };
            assert!(plain == [&[1; 7000], kept].concat());
        }
    }
}

//
#[test]
fn what_is_being_sent_stays_while_a_flight_waits_for_room() {
    let limits = Some((20_480, 20_480));
    let client = Context::client(&Recipe::default());
    let server =
        Context::server(&Recipe { chain: Some(SERVER), half_rtt: true, limits, ..Recipe::default() });
    let (client, server) = (client.connect("localhost"), server.accept());
    assert!(server.feed(&client.drain()).is_ok());
    assert_eq!(server.advance(), TLS_WANT_FEED);
    assert!(client.feed(&server.drain()).is_ok());
    assert_eq!(client.advance(), TLS_OK);
    assert_eq!(server.write(&[1; 7000]), Ok(7000));
    assert_eq!(tls_cork(server.0), TLS_OK);
    assert_eq!(server.write(&[2; 8000]), Ok(8000));
    let shown = peek(&server);
    assert!(server.feed(&client.drain()).is_ok());
    assert_eq!(server.advance(), TLS_WANT_DRAIN);
    assert!(is_still_there(&shown));
    assert!(peek(&server) == shown, "what was queued meanwhile is not shown yet");
    let wire = server.drain();
    assert_eq!(server.advance(), TLS_OK);
    assert_eq!(client.feed(&wire), Ok(wire.len()));
    let mut plain = Vec::new();
    assert_eq!(client.read_all(&mut plain), TLS_WANT_FEED);
    assert!(plain == [[1; 7000].as_slice(), &[2; 8000]].concat());
}
