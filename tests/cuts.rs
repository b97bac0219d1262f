//! How the wire is cut into calls makes no difference, and a transport that ends early is told
//! from a connection that was closed.
//!
//! Ed25519 identities make all flights of a handshake equally long from run to run.

use support::random::Random;
use support::{Conn, Context, Recipe, pki};
use tlsbio::status::*;

mod support;

const VERSIONS: [u16; 2] = [TLS_VERSION_1_2 as u16, TLS_VERSION_1_3 as u16];

struct Contexts {
    client: Context,
    server: Context,
}

impl Contexts {
    fn new(version: u16) -> Self {
        let version = Some(version);
        let identity = Some(("ed25519/server-chain.pem", "ed25519/server.key"));
        Self {
            client: Context::client(&Recipe { version, ..Recipe::default() }),
            server: Context::server(&Recipe { version, chain: identity, ..Recipe::default() }),
        }
    }

    fn pair(&self) -> (Conn, Conn) {
        (self.client.connect("localhost"), self.server.accept())
    }
}

/// A way of giving wire bytes to a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Feed,
    Window,
    InPlace,
}

const WAYS: [Way; 3] = [Way::Feed, Way::Window, Way::InPlace];

/// One side of a conversation, and what it has seen.
struct Side {
    conn: Conn,
    way: Way,
    plain: Vec<u8>,
    /// In-place bytes that came and were not used up.
    left: Vec<u8>,
    status: Status,
}

/// What must not depend on the cuts, when all of a flight has arrived.
#[derive(Debug, PartialEq)]
struct Seen {
    status: Status,
    state: u32,
    plain: usize,
    answer: usize,
}

impl Side {
    fn new(conn: Conn, way: Way) -> Self {
        Self { conn, way, plain: Vec::new(), left: Vec::new(), status: TLS_WANT_FEED }
    }

    fn take(&mut self, piece: &[u8]) {
        match self.way {
            Way::Feed => assert_eq!(self.conn.feed(piece), Ok(piece.len())),
            Way::Window => assert_eq!(self.conn.feed_by_window(piece), Ok(piece.len())),
            Way::InPlace => {
                self.left.extend_from_slice(piece);
                let (plain, used, status) = self.conn.read_in_place(&mut self.left);
                self.left.drain(..used);
                self.plain.extend_from_slice(&plain);
                self.status = status;
                return;
            }
        }
        self.status = self.conn.read_all(&mut self.plain);
    }

    fn seen(&self, answer: &[u8]) -> Seen {
        Seen { status: self.status, state: self.conn.state(), plain: self.plain.len(), answer: answer.len() }
    }
}

/// Cuts `wire` before each position in `cuts`.
fn pieces<'a>(wire: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for &cut in cuts.iter().filter(|&&cut| cut < wire.len()) {
        pieces.push(&wire[start..cut]);
        start = cut;
    }
    pieces.push(&wire[start..]);
    pieces
}

/// Runs a handshake; `cut` says how a flight is cut, by its number. What was seen after each flight.
fn handshake(client: &mut Side, server: &mut Side, cut: impl Fn(usize, &[u8]) -> Vec<usize>) -> Vec<Seen> {
    let mut seen = Vec::new();
    for flight in 0.. {
        let (from, to) = if flight % 2 == 0 { (&*client, &mut *server) } else { (&*server, &mut *client) };
        let wire = from.conn.drain();
        if wire.is_empty() {
            assert!(flight >= 4, "the handshake stopped early");
            return seen;
        }
        let cuts = cut(flight, &wire);
        for piece in pieces(&wire, &cuts) {
            to.take(piece);
        }
        let pending = tlsbio::ffi::tls_drain_pending(to.conn.0);
        seen.push(to.seen(&vec![0; pending as usize]));
    }
    seen
}

/// Some places in so many bytes.
fn cuts(random: &mut Random, length: usize) -> Vec<usize> {
    let mut cuts: Vec<_> = (0..random.below(20)).map(|_| random.below(length)).collect();
    cuts.sort_unstable();
    cuts
}

/// A handshake between fresh contexts: none resumes a session, so that all are alike.
fn run(version: u16, way: Way, cut: impl Fn(usize, &[u8]) -> Vec<usize>) -> Vec<Seen> {
    let (client, server) = Contexts::new(version).pair();
    let (mut client, mut server) = (Side::new(client, way), Side::new(server, way));
    let seen = handshake(&mut client, &mut server, cut);
    // In-place hosts ask for the status by themselves when nothing is left to decrypt.
    assert_eq!((client.conn.advance(), server.conn.advance()), (TLS_OK, TLS_OK));
    seen
}

#[test]
fn a_handshake_does_not_depend_on_cuts() {
    pki("trust/all.pem");
    for version in VERSIONS {
        let whole = run(version, Way::Feed, |_, _| Vec::new());
        for way in WAYS {
            assert_eq!(run(version, way, |_, _| Vec::new()), whole, "{way:?}");
            assert_eq!(run(version, way, |_, wire| (1..wire.len()).collect()), whole, "{way:?}, every byte");
            for seed in 1..=200 {
                let cut = |flight, wire: &[u8]| cuts(&mut Random::new(seed * 64 + flight as u64), wire.len());
                assert_eq!(run(version, way, cut), whole, "{way:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn a_handshake_does_not_depend_on_any_split_in_two() {
    std::thread::scope(|scope| {
        for version in VERSIONS {
            scope.spawn(move || {
                let contexts = Contexts::new(version);
                let (client, server) = contexts.pair();
                let (mut client, mut server) = (Side::new(client, Way::Feed), Side::new(server, Way::Feed));
                let lengths = std::cell::RefCell::new(Vec::new());
                let whole = handshake(&mut client, &mut server, |_, wire| {
                    lengths.borrow_mut().push(wire.len());
                    Vec::new()
                });
                for (flight, &length) in lengths.borrow().iter().enumerate() {
                    for position in 1..length {
                        // The ways take turns, so that each meets all parts of the handshake.
                        let way = WAYS[position % WAYS.len()];
                        let seen =
                            run(
                                version,
                                way,
                                |number, _| {
                                    if number == flight { vec![position] } else { Vec::new() }
                                },
                            );
                        assert_eq!(seen, whole, "{way:?}, flight {flight} split at {position}");
                    }
                }
            });
        }
    });
}

/// A byte stream in which every lost, doubled or moved byte shows.
fn stream(length: usize) -> Vec<u8> {
    let mut random = Random::new(7);
    (0..length).map(|_| random.below(256) as u8).collect()
}

const MEBIBYTE: usize = 1 << 20;

/// Sends 1 MiB in messages of `message` bytes, each cut as `cut` says.
fn transfer(
    version: u16,
    way: Way,
    message: usize,
    mut cut: impl FnMut(usize, usize) -> Vec<usize>,
) -> (Vec<u8>, Vec<Seen>) {
    let (client, server) = Contexts::new(version).pair();
    let (mut client, mut server) = (Side::new(client, way), Side::new(server, way));
    handshake(&mut client, &mut server, |_, _| Vec::new());
    let plain = stream(MEBIBYTE);
    let mut seen = Vec::new();
    for (number, message) in plain.chunks(message).enumerate() {
        assert_eq!(client.conn.write(message), Ok(message.len()));
        let wire = client.conn.drain();
        for piece in pieces(&wire, &cut(number, wire.len())) {
            server.take(piece);
        }
        seen.push(server.seen(&[]));
    }
    assert_eq!(client.conn.close_notify(), TLS_OK);
    let end = client.conn.drain();
    server.take(&end);
    assert_eq!(server.status, TLS_CLOSED);
    (server.plain, seen)
}

#[test]
fn a_mebibyte_does_not_depend_on_cuts() {
    let plain = stream(MEBIBYTE);
    for version in VERSIONS {
        // Large messages at every byte and at random cuts; small ones at every split in two: the
        // position moves on by one with each message, over all positions of the record.
        let whole = transfer(version, Way::Feed, 50_000, |_, _| Vec::new());
        assert_eq!(whole.0, plain);
        let small = transfer(version, Way::Feed, 900, |_, _| Vec::new());
        for way in WAYS {
            assert!(transfer(version, way, 900, |number, length| vec![1 + number % (length - 1)]) == small);
            if way == Way::InPlace {
                // The host's buffer moves with every byte: the message is kept to one record.
                assert!(transfer(version, way, 900, |_, length| (1..length).collect()) == small);
            } else {
                assert!(transfer(version, way, 50_000, |_, length| (1..length).collect()) == whole);
            }
            for seed in 1..=200 {
                let mut random = Random::new(seed);
                assert!(
                    transfer(version, way, 50_000, |_, length| cuts(&mut random, length)) == whole,
                    "{way:?} {seed}"
                );
            }
        }
    }
}

#[test]
fn a_transport_that_ends_in_the_handshake_is_truncated_at_every_byte() {
    for version in VERSIONS {
        let contexts = Contexts::new(version);
        let length = {
            let (client, server) = contexts.pair();
            server.feed(&client.drain()).unwrap();
            server.advance();
            server.drain().len()
        };
        for position in 0..length {
            let (client, server) = contexts.pair();
            server.feed(&client.drain()).unwrap();
            server.advance();
            let wire = server.drain();
            client.feed(&wire[..position]).unwrap();
            client.feed_eof();
            assert_eq!(client.advance(), TLS_TRUNCATED, "after {position} bytes");
            assert_ne!(client.state() & TLS_EOF, 0);
        }
    }
}

#[test]
fn a_transport_that_ends_in_traffic_is_truncated_unless_it_was_closed() {
    for version in VERSIONS {
        let contexts = Contexts::new(version);
        let length = 300;
        let (mut position, mut closed) = (0, 0);
        loop {
            let (client, server) = contexts.pair();
            support::pump(&client, &server);
            server.write(&vec![9; length]).unwrap();
            let data = server.drain();
            server.close_notify();
            let wire = [data.clone(), server.drain()].concat();
            if position > wire.len() {
                break;
            }
            client.feed(&wire[..position]).unwrap();
            client.feed_eof();
            let mut plain = Vec::new();
            let end = client.read_all(&mut plain);
            assert_eq!(plain.len(), if position >= data.len() { length } else { 0 });
            if position == wire.len() {
                assert_eq!(end, TLS_CLOSED);
                closed += 1;
            } else {
                assert_eq!(end, TLS_TRUNCATED, "after {position} bytes");
            }
            position += 1;
        }
        assert_eq!(closed, 1);
    }
}
