//! Calls in an order that nobody planned, with bytes cut, held back, damaged and mixed between the ways in, from
//! seeds: nothing panics inside the library (which would be `TLS_ERR_INTERNAL`), no byte is lost or invented, the
//! limits hold, and a bit of the state word that promises progress keeps it.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use support::random::{Random, stream};
use support::{Conn, Context, Recipe};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

struct Side {
    conn: Conn,
    /// Wire bytes from the peer that were not given to the library.
    waiting: Vec<u8>,
    written: usize,
    read: usize,
    /// Once bytes were damaged or the transport was cut, an end is expected.
    spoilt: bool,
}

impl Side {
    fn new(conn: Conn) -> Self {
        Self { conn, waiting: Vec::new(), written: 0, read: 0, spoilt: false }
    }

    fn check_status(&self, status: Status) {
        assert_ne!(status, TLS_ERR_INTERNAL);
        assert_ne!(status, TLS_ERR_HANDLE);
        assert_ne!(status, TLS_ERR_BUSY);
        if status <= TLS_ERR_PEER {
            assert!(self.spoilt, "{status} without a cause");
        }
    }

    fn took(&mut self, side: usize, plain: &[u8]) {
        for &byte in plain {
            assert_eq!(byte, stream(1 - side, self.read));
            self.read += 1;
        }
    }

    /// One call, or a pair that belongs together.
    fn act(&mut self, side: usize, peer: &mut Side, random: &mut Random) {
        match random.below(14) {
            0..=2 => self.feed(random),
            3 => self.window(random),
            4 => self.in_place(side, random),
            5 | 6 => self.read(side, random),
            7 | 8 => self.write(side, random),
            9 | 10 => self.drain(peer, random),
            11 => self.check_status(self.conn.advance()),
            12 => self.keep_promises(side, peer),
            _ => match random.below(60) {
                0 => self.check_status(self.conn.close_notify()),
                1 => self.check_status(tls_key_update(self.conn.0)),
                2 if !self.waiting.is_empty() => {
                    let position = random.below(self.waiting.len());
                    self.waiting[position] ^= 1 << random.below(8);
                    self.spoilt = true;
                    peer.spoilt = true;
                }
                3 if random.below(4) == 0 => self.conn.feed_eof(),
                4..=8 => self.check_status(tls_cork(self.conn.0)),
                9..=14 => self.check_status(tls_uncork(self.conn.0)),
                15 => {
                    let size = [0, 64, 1400, 16_384][random.below(4)];
                    self.check_status(tls_conn_record_size(self.conn.0, size));
                }
                16 => self.check_status(tls_conn_record_restart(self.conn.0)),
                _ => {}
            },
        }
        assert!(tls_drain_pending(self.conn.0) <= TLS_DEFAULT_LIMIT as isize);
    }

    fn feed(&mut self, random: &mut Random) {
        let length = random.below(self.waiting.len() + 1);
        match self.conn.feed(&self.waiting[..length]) {
            Ok(taken) => drop(self.waiting.drain(..taken)),
            Err(status) => self.check_status(status),
        }
    }

    fn window(&mut self, random: &mut Random) {
        let length = random.below(self.waiting.len() + 1);
        match self.conn.feed_by_window(&self.waiting[..length]) {
            Ok(taken) => drop(self.waiting.drain(..taken)),
            Err(status) => self.check_status(status),
        }
    }

    fn in_place(&mut self, side: usize, _: &mut Random) {
        // All of it: an in-place host never gives less than was left.
        let mut wire = std::mem::take(&mut self.waiting);
        let (plain, used, status) = self.conn.read_in_place(&mut wire);
        self.waiting = wire.split_off(used);
        self.took(side, &plain);
        self.check_status(status);
    }

    fn read(&mut self, side: usize, random: &mut Random) {
        let mut plain = vec![0; 1 + random.below(20_000)];
        match self.conn.read_into(&mut plain) {
            Ok(length) => self.took(side, &plain[..length]),
            Err(status) => self.check_status(status),
        }
    }

    fn write(&mut self, side: usize, random: &mut Random) {
        let length = [1, 100, 5_000, 16_384, 70_000][random.below(5)];
        let plain: Vec<u8> = (0..length).map(|index| stream(side, self.written + index)).collect();
        match self.conn.write(&plain) {
            Ok(taken) => self.written += taken,
            Err(status) => self.check_status(status),
        }
    }

    fn drain(&mut self, peer: &mut Side, random: &mut Random) {
        let mut wire = vec![0; random.below(40_000)];
        let length = unsafe { tls_drain_into(self.conn.0, wire.as_mut_ptr().cast(), wire.len()) };
        peer.waiting.extend_from_slice(&wire[..usize::try_from(length).unwrap()]);
    }

    fn keep_promises(&mut self, side: usize, peer: &mut Side) {
        let state = self.conn.state();
        if state & TLS_CAN_READ != 0 {
            let mut plain = [0];
            assert_eq!(self.conn.read_into(&mut plain), Ok(1));
            self.took(side, &plain);
        } else if state & TLS_CAN_DRAIN != 0 {
            let wire = self.conn.drain();
            assert!(!wire.is_empty());
            peer.waiting.extend_from_slice(&wire);
        } else if state & TLS_CAN_WRITE != 0 {
            assert_eq!(self.conn.write(&[stream(side, self.written)]), Ok(1));
            self.written += 1;
        } else if state & TLS_CAN_FEED != 0 && !self.waiting.is_empty() {
            assert_eq!(self.conn.feed(&self.waiting[..1]), Ok(1));
            self.waiting.remove(0);
        }
    }
}

fn play(seed: u64, contexts: &[(Context, Context)]) -> (usize, usize) {
    let mut random = Random::new(seed);
    let (client, server) = &contexts[random.below(contexts.len())];
    let (mut client, mut server) = (Side::new(client.connect("localhost")), Side::new(server.accept()));
    for _ in 0..300 {
        let asked = client.conn.advance() == TLS_ASK_VERIFY;
        if asked && random.below(3) == 0 {
            assert_eq!(client.conn.answer_verify(-1), TLS_OK);
        }
        client.act(0, &mut server, &mut random);
        server.act(1, &mut client, &mut random);
    }
    assert!(client.read <= server.written && server.read <= client.written);
    (client.read + server.read, usize::from(client.spoilt))
}

#[test]
fn calls_in_any_order_keep_every_promise() {
    let contexts: Vec<_> = [TLS_VERSION_1_2, TLS_VERSION_1_3]
        .into_iter()
        .flat_map(|version| [(version, TLS_VERIFY_PEER), (version, TLS_VERIFY_ASK)])
        .map(|(version, verify)| {
            let recipe = Recipe { version: Some(version as u16), verify, ..Recipe::default() };
            let identity = Some(("ecdsa/server-chain.pem", "ecdsa/server.key"));
            (Context::client(&recipe), Context::server(&Recipe { chain: identity, ..recipe }))
        })
        .collect();
    let (mut moved, mut spoilt) = (0, 0);
    for seed in 1..=600 {
        let (bytes, was_spoilt) = play(seed * 7919, &contexts);
        moved += bytes;
        spoilt += was_spoilt;
    }
    println!("{moved} bytes moved in 600 games, {spoilt} of them spoilt");
    assert!(moved > 10_000_000 && spoilt > 50, "the games were too tame");
}

/// Bytes that no peer sends, to both roles and all ways in.
#[test]
fn garbage_ends_a_connection_and_nothing_else() {
    let recipe = Recipe::default();
    let client = Context::client(&recipe);
    let server =
        Context::server(&Recipe { chain: Some(("ecdsa/server-chain.pem", "ecdsa/server.key")), ..recipe });
    let mut random = Random::new(99);
    for _ in 0..2000 {
        let conn = if random.below(2) == 0 { client.connect("localhost") } else { server.accept() };
        let mut wire: Vec<u8> = (0..1 + random.below(600)).map(|_| random.below(256) as u8).collect();
        if random.below(4) != 0 {
            // Like a record, so that the bytes get further.
            let length = (wire.len().max(5) - 5) as u16;
            wire.resize(wire.len().max(5), 0);
            wire[0] = 20 + random.below(5) as u8;
            wire[1..3].copy_from_slice(&[3, 3]);
            wire[3..5].copy_from_slice(&length.to_be_bytes());
        }
        let status = if random.below(3) == 0 {
            conn.read_in_place(&mut wire).2
        } else {
            conn.feed(&wire).unwrap();
            conn.advance()
        };
        assert!(
            [TLS_WANT_FEED, TLS_ERR_PEER, TLS_ERR_ALERT, TLS_ERR_NO_COMMON].contains(&status),
            "{status}"
        );
    }
}
