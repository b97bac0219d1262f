//! Connections that do everything in any order: no two of their records have the same nonce under one key, whatever
//! failed, moved or was taken apart in between.

use std::mem::MaybeUninit;
use std::sync::LazyLock;

use super::read::PlainTarget;
use super::{Answer, Connection};
use crate::engine::pki;
use crate::record::nonces;
use crate::record::traffic::PlainMemory;
use crate::setup::builder::Builder;
use crate::setup::context::Context;
use crate::status::*;
use crate::uninitialised::append;

/// Records that are sealed in all.
const RECORDS: usize = 1_000_000;

/// After so many turns another game begins: by then most have come to an end, and some of them could go on for ever.
const TURNS: usize = 3_000;

const SUITES: [u16; 6] = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9];

const MOVE_KEY: [u8; 32] = [3; 32];

/// Of each suite a client's and a server's; those of odd places pad, where the version can.
static CONTEXTS: LazyLock<Vec<(Context, Context)>> = LazyLock::new(|| {
    let make = |suite, padding| {
        let builder = || {
            let mut builder = Builder::default();
            builder.suites(&[suite]).unwrap();
            builder.padding(padding).unwrap();
            builder
        };
        let (mut client, mut server) = (builder(), builder());
        client.trust_pem(&pki("ecdsa/ca.pem")).unwrap();
        client.sessions(0).unwrap();
        server.identity_pem(&pki("ecdsa/server-chain.pem"), &pki("ecdsa/server.key")).unwrap();
        (Context::client(&client).unwrap(), Context::server(&server).unwrap())
    };
    SUITES.iter().flat_map(|&suite| [make(suite, 0), make(suite, 64)]).collect()
});

/// The same again for the same start.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }
}

/// Takes all plain bytes, and keeps none.
struct Nowhere;

impl PlainMemory for Nowhere {
    fn next(&mut self, _: usize) -> Option<&mut [MaybeUninit<u8>]> {
        None
    }

    fn keep(&mut self, _: usize) {}
}

impl PlainTarget for Nowhere {
    fn room(&self) -> usize {
        1 << 20
    }

    fn put(&mut self, plain: &[u8]) -> usize {
        plain.len()
    }
}

/// One end, whole or in two halves.
struct Side<'a> {
    context: &'a Context,
    whole: Connection,
    sending: Option<Connection>,
    /// What it has sent, and the other one does not have yet.
    wire: Vec<u8>,
}

impl<'a> Side<'a> {
    fn new(context: &'a Context, whole: Connection) -> Self {
        Self { context, whole, sending: None, wire: Vec::new() }
    }

    fn sender(&mut self) -> &mut Connection {
        self.sending.as_mut().unwrap_or(&mut self.whole)
    }

    fn drain(&mut self) {
        let mut wire = std::mem::take(&mut self.wire);
        let drained = self.sender().drain(|queued| {
            wire.extend_from_slice(queued);
            queued.len()
        });
        drained.unwrap();
        self.wire = wire;
    }

    /// Gives the first bytes of what it has sent to `other`, who reads all that comes of them.
    fn deliver(&mut self, length: usize, other: &mut Self) {
        let taken = other.whole.feed(&self.wire[..length]).unwrap_or(length);
        self.wire.drain(..taken);
        while other.whole.read_into(&mut Nowhere).is_ok() {}
    }

    /// What comes of it does not matter: failures are part of the game.
    fn act(&mut self, random: &mut Random) {
        let plain = [0x5e; 40_000];
        let length = if random.below(100) == 0 { random.below(plain.len()) } else { random.below(300) };
        let plain = &plain[..length];
        let done: Answer<()> = match random.below(100) {
            0..50 => self.sender().write_from(plain).map(|_| ()),
            50..65 => {
                let mut wire = Vec::with_capacity(random.below(2 * length + 100));
                let sender = self.sending.as_mut().unwrap_or(&mut self.whole);
                let done = append(&mut wire, |out| sender.write_into(plain, out)).map(|_| ());
                self.wire.extend_from_slice(&wire);
                done
            }
            65..75 => {
                let (front, back) = plain.split_at(length / 3);
                self.sender().write_vectored(&mut [front, &[], back]).map(|_| ())
            }
            75..78 => self.sender().cork(),
            78..82 => self.sender().uncork(),
            82..84 => self.sender().limit_records([0, 64, 100, 1400][random.below(4)]),
            84..92 => self.sender().update_keys(),
            92..94 => {
                self.sender().rest(0);
                Ok(())
            }
            94 if random.below(200) == 0 => self.sender().close_notify(),
            94..97 if self.sending.is_none() => {
                self.travel();
                Ok(())
            }
            97 if random.below(100) == 0 && self.sending.is_none() => {
                self.sending = self.whole.split().ok();
                Ok(())
            }
            _ => Ok(()),
        };
        let _ = done;
    }

    /// The connection goes on as another one.
    fn travel(&mut self) {
        let exported = self.whole.export_sealed(&MOVE_KEY, usize::MAX);
        if let Some(blob) = exported.ok().and_then(|exported| exported.blob) {
            self.whole =
                self.context.import(&MOVE_KEY, &blob).unwrap_or_else(|failure| panic!("{failure:?}"));
        }
    }

    fn is_over(&self) -> bool {
        let status = self.whole.failure().map(|failure| failure.status);
        // A game may end in any way but by a defect.
        assert_ne!(status, Some(TLS_ERR_INTERNAL), "{:?}", self.whole.failure());
        status.is_some()
    }
}

fn play(seed: usize) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed as u64 + 1));
    let (client, server) = &CONTEXTS[seed % CONTEXTS.len()];
    let mut sides = [
        Side::new(client, client.connect(Some(b"localhost")).unwrap()),
        Side::new(server, server.accept().unwrap()),
    ];
    for _ in 0..TURNS {
        if sides.iter().any(Side::is_over) {
            break;
        }
        let [one, other] = &mut sides;
        let (one, other) = if random.below(2) == 0 { (one, other) } else { (other, one) };
        for _ in 0..random.below(8) {
            one.act(&mut random);
        }
        one.drain();
        let length = one.wire.len();
        if length > 0 && random.below(3000) == 0 {
            one.wire[random.below(length)] ^= 1 << random.below(8);
        }
        let length = if random.below(4) == 0 { random.below(length + 1) } else { length };
        one.deliver(length, other);
    }
}

#[test]
fn the_nonces_of_a_million_records_are_all_different() {
    nonces::watch();
    let mut seed = 0;
    while nonces::watched() < RECORDS {
        play(seed);
        // Each game has keys of its own.
        nonces::forget();
        seed += 1;
    }
    assert!(seed >= CONTEXTS.len(), "every suite had its games");
}
