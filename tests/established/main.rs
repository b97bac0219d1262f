//! Games of established connections: everything that a host can do with one, in an order that nobody planned, against a peer of this
//! library, and against one that is made by hand, which sends what no library does. Bytes come and leave in all ways, in turn; keys
//! change from both sides; the connection is corked, moves, comes apart in halves, is closed on one side, and fails. Whatever
//! happens, every byte comes once and in order, what is in the state word is so, what was lent stays where it is, and each end is
//! the one that its peer has made.

#![cfg(not(feature = "fips"))]
#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live memory")]

use author::Author;
use peer::Peer;
use side::{End, Side};
use support::random::{Random, play_games, stream};
use support::{Conn, Context, Recipe};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod author;
mod peer;
mod side;
#[path = "../support/mod.rs"]
mod support;

const SUITES: [u16; 6] = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9];

const EVENTS: u32 = TLS_EVENT_KEY_UPDATE | TLS_EVENT_ALERT_RECEIVED | TLS_EVENT_ALERT_SENT | TLS_EVENT_TICKET;

/// Of one side.
#[derive(Debug, Clone, Copy)]
struct Habits {
    padding: usize,
    record_size: usize,
    ramp: (usize, usize),
    limits: (usize, usize),
    events: u32,
    /// It feeds exactly what it is told.
    exact: bool,
}

impl Habits {
    fn new(random: &mut Random) -> Self {
        let record_size = random.of(&[0, 0, 64, 1000]);
        Self {
            padding: random.of(&[0, 0, 0, 64, 1024]),
            record_size,
            ramp: random.of(&[(0, 0), (0, 0), (100, 5000), (1369, 20_000)]),
            // A flight in small records wants more room.
            limits: (20_480, if record_size == 0 { random.of(&[20_480, 69_632]) } else { 69_632 }),
            events: if random.one_in(3) { EVENTS } else { 0 },
            exact: random.one_in(4),
        }
    }

    /// Those of where a connection moves.
    fn elsewhere(&self) -> Self {
        let limits = if self.limits.1 == 20_480 { (20_480, 69_632) } else { (20_480, 40_960) };
        Self { record_size: 1000, ramp: (64, 700), limits, ..*self }
    }

    fn recipe(&self, suite: u16) -> Recipe {
        Recipe {
            version: Some(if suite >> 8 == 0x13 { TLS_VERSION_1_3 } else { TLS_VERSION_1_2 } as u16),
            suite: Some(suite),
            padding: self.padding,
            record_size: self.record_size,
            ramp: self.ramp,
            limits: Some(self.limits),
            events: self.events,
            secrets: true,
            ..Recipe::default()
        }
    }
}

struct Contexts {
    here: [Context; 2],
    there: [Context; 2],
}

/// What a game is about.
#[derive(Debug, Clone, Copy)]
struct Form {
    suite: u16,
    habits: [Habits; 2],
    /// Whose peer is made by hand; the other ones of a game with two sides do not look at it.
    looked_at: usize,
    /// Records that come in one piece with the end of the handshake.
    behind: usize,
    /// They come in place.
    in_place: bool,
    /// This side closes as soon as it can.
    closes: bool,
}

impl Form {
    fn new(random: &mut Random) -> Self {
        Self {
            suite: random.of(&SUITES),
            habits: [Habits::new(random), Habits::new(random)],
            looked_at: random.below(2),
            behind: random.below(4),
            in_place: random.one_in(2),
            closes: random.one_in(8),
        }
    }

    /// Those of both sides, and others on which they can go on.
    fn contexts(&self) -> Contexts {
        let here = self.habits.map(|habits| habits.recipe(self.suite));
        let there = self.habits.map(|habits| habits.elsewhere().recipe(self.suite));
        let chain = Some(("ecdsa/server-chain.pem", "ecdsa/server.key"));
        let both = |[client, server]: [Recipe; 2]| {
            [Context::client(&client), Context::server(&Recipe { chain, ..server })]
        };
        Contexts { here: both(here), there: both(there) }
    }

    fn side<'a>(&self, number: usize, conn: Conn, contexts: &'a Contexts) -> Side<'a> {
        let habits = self.habits[number];
        let places =
            [(&contexts.here[number], habits.limits), (&contexts.there[number], habits.elsewhere().limits)];
        Side::new(number, conn, places, habits.events)
    }

    /// One side whose handshake is done, with all of its peer's on the way, and that peer.
    fn start<'a>(&self, number: usize, contexts: &'a Contexts) -> (Side<'a>, Conn) {
        let (client, server) = (contexts.here[0].connect("localhost"), contexts.here[1].accept());
        let (conn, peer) = if number == 0 { (client, server) } else { (server, client) };
        let mut side = self.side(number, conn, contexts);
        let is_handshaking = |conn: &Conn| conn.state() & TLS_HANDSHAKING != 0;
        let mut behind = self.behind;
        while is_handshaking(&side.conn) || is_handshaking(&peer) {
            side.coming.extend(peer.drain());
            while behind > 0 && !is_handshaking(&peer) {
                behind -= 1;
                let plain: Vec<u8> =
                    (0..50).map(|index| stream(1 - number, side.peer_wrote + index)).collect();
                assert_eq!(peer.write(&plain), Ok(plain.len()));
                side.peer_wrote += plain.len();
                side.coming.extend(peer.drain());
            }
            if !self.in_place || !side.in_place(side.coming.len(), 2) {
                side.feed(side.coming.len(), 0);
            }
            side.conn.state();
            if is_handshaking(&peer) {
                side.drain(100_000);
                let wire = std::mem::take(&mut side.out);
                assert_eq!(peer.feed(&wire), Ok(wire.len()));
                peer.advance();
            }
        }
        side.coming.extend(peer.drain());
        side.begin();
        (side, peer)
    }
}

/// What came of games, to see whether they are worth playing.
#[derive(Debug, Default)]
struct Told {
    bytes: usize,
    moved: usize,
    split: usize,
    failed: usize,
    handed_over: usize,
    updates: usize,
}

impl Told {
    fn add(&mut self, side: &Side<'_>) {
        self.bytes += side.read;
        self.moved += side.moved;
        self.split += usize::from(side.sending.is_some());
        self.failed += usize::from(side.failed.is_some());
    }
}

fn play_by_hand(form: &Form, random: &mut Random, told: &mut Told) {
    let contexts = form.contexts();
    let habits = form.habits[form.looked_at];
    let (mut side, conn) = form.start(form.looked_at, &contexts);
    let mut peer = Peer::new(Author::new(conn), 1 - form.looked_at, habits.padding);
    if form.closes {
        side.close();
    }
    let (turns, breaks) = (random.below(400), random.one_in(2));
    for turn in 0..turns {
        if breaks && turn + 20 == turns {
            peer.break_the_rules(&mut side, random);
        }
        if random.one_in(300) {
            peer.close(&mut side, random);
        }
        peer.act(&mut side, random);
        side.act(random, habits.exact);
        if random.one_in(3) {
            peer.hear(&mut side);
        }
    }
    while side.go_on(random) {}
    peer.hear(&mut side);
    told.updates += peer.updates_heard;
    told.add(&side);
    if matches!(side.peer_end, End::Fatal(_)) {
        see_the_failure(&mut side, &mut peer, random);
    } else {
        see_all(&mut side, &mut peer, random);
        if habits.events != 0 && !side.lost {
            assert_eq!((side.keys_in, side.keys_out), (peer.updates_said, peer.updates_heard));
        }
        end(&mut side, &mut peer, random, told);
    }
}

/// One of the ends that a connection can come to.
fn end(side: &mut Side<'_>, peer: &mut Peer, random: &mut Random, told: &mut Told) {
    let (is_open, is_whole) = (!side.closed && side.peer_end == End::Open, side.sending.is_none());
    match random.below(4) {
        0 if is_open && !is_whole => go_on_by_half(side, peer, random),
        1 | 2 if is_open && is_whole => {
            told.handed_over += 1;
            go_on_by_hand(side, peer, random);
        }
        3 if !side.closed && is_whole => {
            side.refuse(49);
            side.drain(100_000);
            peer.hear(side);
            assert_eq!(peer.last_heard, Some((2, 49)));
        }
        _ => see_the_end(side, peer, random),
    }
}

/// Nothing is said of a failure that did not happen, and the peer was told of it, if anything could be said.
fn see_the_failure(side: &mut Side<'_>, peer: &mut Peer, random: &mut Random) {
    assert_eq!(side.failed.map(End::Fatal), Some(side.peer_end), "{}", side.why());
    side.look(random);
    let heard = peer.last_heard.filter(|&(level, _)| level == 2).map_or(-1, |(_, alert)| i16::from(alert));
    assert_eq!(heard, side.alert_sent(), "{}", side.why());
    let silent = side.closed || side.failed == Some(TLS_ERR_ALERT);
    assert_eq!(heard == -1, silent);
}

fn see_all(side: &mut Side<'_>, peer: &mut Peer, random: &mut Random) {
    side.uncork();
    peer.ask(side, random);
    while side.go_on(random) {}
    if !side.closed {
        side.write(1);
        side.uncork();
    }
    while side.go_on(random) {}
    peer.hear(side);
    peer.has_heard_all(side);
    assert_eq!(side.read, side.peer_wrote);
    assert!(side.coming.len() <= peer.behind.len());
}

/// By a close_notify, or by the end of the transport alone.
fn see_the_end(side: &mut Side<'_>, peer: &mut Peer, random: &mut Random) {
    if random.one_in(2) {
        peer.close(side, random);
    }
    side.close();
    while side.go_on(random) {}
    let closed = side.peer_end == End::Closed;
    if random.one_in(2) || !closed {
        side.end_transport();
    }
    let expected = if closed { TLS_CLOSED } else { TLS_TRUNCATED };
    assert_eq!(side.conn.advance(), expected);
    side.read_blindly(10);
    let mut surplus = vec![0; 200];
    let count = unsafe { tls_surplus(side.conn.0, surplus.as_mut_ptr().cast(), surplus.len()) };
    surplus.truncate(usize::try_from(count).unwrap());
    surplus.extend_from_slice(&side.coming);
    assert_eq!(surplus, peer.behind);
    side.look(random);
    peer.hear(side);
    assert_eq!(peer.last_heard, Some((1, 0)));
}

/// One half is freed, and the other one does all that it did.
fn go_on_by_half(side: &mut Side<'_>, peer: &mut Peer, random: &mut Random) {
    if side.lose_a_half(random) {
        if peer.author.is_tls13() {
            peer.update(true, side, random);
        }
        peer.data(5000, side, random);
        side.feed(side.coming.len(), 0);
        side.read_blindly(20_000);
        assert_eq!(side.read, side.peer_wrote);
        assert_eq!(side.conn.state() & TLS_WAKE_SENDER, 0, "nobody is left to wake");
    } else {
        side.write(1000);
        side.uncork();
        side.update_keys();
        side.close();
        side.drain(100_000);
        peer.hear(side);
        assert_eq!(peer.last_heard, Some((1, 0)));
    }
}

/// Both sides are made by hand from here on.
fn go_on_by_hand(side: &mut Side<'_>, peer: &mut Peer, random: &mut Random) {
    assert_eq!(tls_feed_commit(side.conn.0, 0), TLS_OK);
    let conn = std::mem::replace(&mut side.conn, Conn(std::ptr::null_mut()));
    let mut other = Author::new(conn);
    for _ in 0..3 {
        peer.data(random.below(1000) + 1, side, random);
        let record = std::mem::take(&mut side.coming);
        assert_eq!(other.open(&record).len(), 1);
        let record = other.seal(author::APPLICATION_DATA, b"by hand", 0);
        assert_eq!(peer.author.open(&record)[0].content, b"by hand");
    }
}

fn play_with_each_other(form: &Form, random: &mut Random, told: &mut Told) {
    let contexts = form.contexts();
    let (mut one, conn) = form.start(form.looked_at, &contexts);
    let mut other = form.side(1 - form.looked_at, conn, &contexts);
    other.begin_after(one.peer_wrote);
    if form.closes {
        one.close();
    }
    let mut moved = true;
    let turns = random.below(300);
    for turn in 0.. {
        assert!(turn < 5000, "it does not end");
        for at in [0, 1] {
            let (side, peer) = if at == 0 { (&mut one, &mut other) } else { (&mut other, &mut one) };
            side.peer_wrote = peer.written;
            side.peer_end = if peer.closed { End::Closed } else { End::Open };
            if turn < turns {
                side.act(random, form.habits[side.number].exact);
            } else {
                side.uncork();
                moved |= side.go_on(random);
            }
            peer.coming.append(&mut side.out);
        }
        if turn >= turns && !std::mem::take(&mut moved) {
            if one.closed && other.closed {
                break;
            }
            one.close();
            other.close();
            moved = true;
        }
    }
    for (side, peer) in [(&one, &other), (&other, &one)] {
        assert_eq!(side.read, peer.written);
        assert_eq!(side.conn.advance(), TLS_CLOSED);
        assert!(side.coming.is_empty());
        told.add(side);
        told.updates += side.keys_out;
    }
}

#[test]
fn everything_arrives_from_a_peer_that_is_made_by_hand() {
    let mut told = Told::default();
    let games =
        play_games("BY_HAND", 150, Form::new, |form, random| play_by_hand(form, random, &mut told)) as usize;
    println!("{games} games: {told:?}");
    let tame = told.bytes < games * 10_000 || told.moved < games || told.updates < games;
    assert!(!tame && told.failed * 10 > games && told.split * 10 > games && told.handed_over > 0, "{told:?}");
}

#[test]
fn everything_arrives_from_each_other() {
    let mut told = Told::default();
    let games = play_games("EACH_OTHER", 100, Form::new, |form, random| {
        play_with_each_other(form, random, &mut told);
    }) as usize;
    println!("{games} games: {told:?}");
    assert!(told.bytes > games * 10_000 && told.moved > games && told.split * 5 > games, "{told:?}");
}
