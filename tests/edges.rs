//! Promises at the edges of what is allowed.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use support::{Conn, Context, Recipe, pump};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

fn established() -> (Conn, Conn) {
    let recipe = Recipe { version: Some(TLS_VERSION_1_3 as u16), ..Recipe::default() };
    let identity = Some(("ecdsa/server-chain.pem", "ecdsa/server.key"));
    let (client, server) = (Context::client(&recipe), Context::server(&Recipe { chain: identity, ..recipe }));
    let (client, server) = (client.connect("localhost"), server.accept());
    while client.advance() != TLS_OK || server.advance() != TLS_OK {
        pump(&client, &server);
    }
    pump(&client, &server);
    (client, server)
}

/// In-place reading puts messages together in the host's buffer: what it left there has to come again.
#[test]
fn fewer_bytes_than_were_left_are_refused() {
    let (client, server) = established();
    assert_eq!(client.write(b"plain"), Ok(5));
    let mut wire = client.drain();
    let whole = wire.clone();
    for left in 1..wire.len() {
        let (plain, used, status) = server.read_in_place(&mut wire[..left]);
        assert_eq!((plain.len(), used, status), (0, 0, TLS_WANT_FEED));
        for fewer in [0, left / 2, left - 1] {
            let (plain, used, status) = server.read_in_place(&mut wire[..fewer]);
            assert_eq!((plain.len(), used, status), (0, 0, TLS_ERR_ARGUMENT), "{fewer} of {left}");
        }
        assert_eq!(wire, whole);
    }
    let (plain, used, status) = server.read_in_place(&mut wire);
    assert_eq!((plain.as_slice(), used, status), (&b"plain"[..], whole.len(), TLS_WANT_FEED));
}

/// Records in front keep the engine's own form going, which has counted our KeyUpdates; what goes on after it has not.
#[test]
fn records_are_opened_in_order_after_many_key_updates_with_records_in_front() {
    for external in [false, true] {
        let recipe = Recipe { version: Some(TLS_VERSION_1_3 as u16), ..Recipe::default() };
        let identity = Some(("ecdsa/server-chain.pem", "ecdsa/server.key"));
        let (on_client, on_server) =
            (Context::client(&recipe), Context::server(&Recipe { chain: identity, external, ..recipe }));
        let (client, server) = (on_client.connect("localhost"), on_server.accept());
        while client.advance() != TLS_OK {
            let (from_client, from_server) = (client.drain(), server.drain());
            assert_eq!(server.feed(&from_client), Ok(from_client.len()));
            if server.advance() == TLS_ASK_SIGN {
                assert_eq!(server.answer_sign("ecdsa/server.key"), TLS_OK);
                server.advance();
            }
            assert_eq!(client.feed(&from_server), Ok(from_server.len()));
        }
        let write_record = |plain: &[u8]| {
            assert_eq!(client.write(plain), Ok(1));
            let wire = client.drain();
            assert_eq!(server.feed(&wire), Ok(wire.len()));
        };
        write_record(b"0");
        write_record(b"1");
        assert_eq!(server.advance(), TLS_OK);
        let mut read = Vec::new();
        for round in 0..60_u8 {
            assert_eq!(tls_key_update(server.0), TLS_OK);
            let wire = server.drain();
            assert_eq!(client.feed(&wire), Ok(wire.len()));
            write_record(&[round]);
            let mut byte = [0];
            assert_eq!(server.read_into(&mut byte), Ok(1), "in round {round}");
            read.push(byte[0]);
        }
        assert_eq!(server.read_all(&mut read), TLS_WANT_FEED);
        write_record(b"2");
        assert_eq!(server.read_all(&mut read), TLS_WANT_FEED);
        let expected: Vec<u8> = b"01".iter().copied().chain(0..60).chain([b'2']).collect();
        assert_eq!(read, expected, "{external}");
    }
}

/// An answer to a KeyUpdate leaves in front of the record that is sealed into the host's memory, and in it.
#[test]
fn what_is_owed_leaves_with_a_record_that_is_sealed_into_memory_of_the_host() {
    let (client, server) = established();
    let write_into = |plain: &[u8], room: usize| {
        let (mut wire, mut consumed) = (vec![0xee; room], usize::MAX);
        let made = unsafe {
            tls_write_into(
                server.0,
                plain.as_ptr().cast(),
                plain.len(),
                wire.as_mut_ptr().cast(),
                wire.len(),
                &mut consumed,
            )
        };
        assert_eq!(consumed, plain.len());
        let rest = wire.split_off(usize::try_from(made).unwrap());
        assert!(rest.iter().all(|&byte| byte == 0xee), "bytes behind the answer were touched");
        wire
    };
    for asked in [false, true, false, true] {
        if asked {
            assert_eq!(tls_key_update(client.0), TLS_OK);
            let update = client.drain();
            assert_eq!(server.feed(&update), Ok(update.len()));
            assert_eq!(server.advance(), TLS_OK);
        }
        let mut wire = write_into(b"plain", 200);
        // Another header, type and tag, and five bytes between them.
        assert_eq!(wire.len(), if asked { 2 * 27 } else { 27 });
        let (plain, used, status) = client.read_in_place(&mut wire);
        assert_eq!((plain.as_slice(), used, status), (&b"plain"[..], wire.len(), TLS_WANT_FEED));
    }
}

/// What an in-place call has left, because it had no place for more, may be fed in parts, also where it is more than can be fed
/// at once: each record can be read when it is there.
#[test]
fn records_that_were_left_in_place_are_fed_one_by_one() {
    for split in [false, true] {
        let (client, server) = established();
        let _sending = split.then(|| server.split());
        let mut wire = Vec::new();
        for number in 0..100 {
            assert_eq!(client.write(&[number; 1000]), Ok(1000));
            wire.extend(client.drain());
        }
        let record = wire.len() / 100;
        let mut span = tls_span_t { offset: 0, len: 0 };
        let mut consumed = 0;
        let (at, length) = (wire.as_mut_ptr().cast(), wire.len());
        let found = unsafe { tls_read_in_place(server.0, at, length, &mut span, 1, &mut consumed) };
        assert_eq!((found, consumed), (1, record));
        for (number, record) in (1..).zip(wire[consumed..].chunks(record)) {
            assert_eq!(tls_feed_needed(server.0), 5);
            assert_eq!(server.feed(record), Ok(record.len()));
            assert_ne!(server.state() & TLS_CAN_READ, 0, "record {number}, split: {split}");
            let mut plain = [0; 1000];
            assert_eq!(server.read_into(&mut plain), Ok(1000));
            assert_eq!(plain, [number; 1000]);
        }
    }
}
