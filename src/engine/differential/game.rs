//! What is sent, in what pieces, and what the receiver does in between.

use super::author::KEY_UPDATE;
use super::choices::Choices;
use super::pairs::{KINDS, Kind, Pair};
use crate::failure::Failure;
use crate::record::content::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};
use crate::record::layout::MAX_PLAIN;
use crate::record::traffic::{Flow, Outcome};
use crate::status::TLS_REASON_EMPTY_RECORD;
use crate::uninitialised::Memory;

/// Records after which a game ends if nothing else has ended it.
const MOST_RECORDS: u64 = 20_000;

/// A close_notify (RFC 8446, 6).
const CLOSING: [u8; 2] = [1, 0];

/// A ClientHello of TLS 1.2 that says the least: version, random, no session, one suite, no compression.
const HELLO: [u8; 47] = {
    let mut hello = [0; 47];
    (hello[0], hello[3]) = (1, 43);
    (hello[4], hello[5]) = (3, 3);
    (hello[40], hello[41], hello[42]) = (2, 0xc0, 0x2b);
    hello[43] = 1;
    hello
};

pub(super) struct Game<'a> {
    /// What it is called in a failure.
    name: String,
    kind: Kind,
    /// Most games that nobody planned are long, and end with a fault too.
    is_calm: bool,
    choices: Choices<'a>,
    /// The one of rustls, and ours.
    sides: [Side; 2],
    records: u64,
    /// Handshake messages since there was data, and whether a KeyUpdate of the receiver's was not answered.
    messages: u32,
    asked: u32,
    /// Whether the receiver has sent its close_notify.
    closed: bool,
}

struct Side {
    pair: Pair,
    /// Sealed, and not delivered.
    sealed: Vec<u8>,
    /// Delivered, and not used.
    wire: Vec<u8>,
    /// For the author.
    out: Vec<u8>,
}

/// What came of a delivery.
#[derive(Debug, PartialEq)]
struct Seen {
    plain: Vec<Vec<u8>>,
    result: Result<(), Failure>,
    answers: Vec<(u8, Vec<u8>)>,
    closed: bool,
    tickets: u32,
}

impl Game<'static> {
    /// One that nobody planned.
    pub(super) fn from_seed(seed: u64) -> Self {
        let mut game = Game::new(seed.to_string(), seed as usize, Choices::of_seed(seed));
        game.is_calm = seed % 4 != 0;
        game
    }
}

impl<'a> Game<'a> {
    /// One that `bytes` choose, which ends where they do.
    pub(super) fn from_bytes(name: &str, bytes: &'a [u8]) -> Self {
        let (kind, bytes) = bytes.split_first().map_or((0, bytes), |(&kind, rest)| (kind, rest));
        Self::new(name.to_owned(), kind.into(), Choices::of_bytes(bytes))
    }

    fn new(name: String, kind: usize, choices: Choices<'a>) -> Self {
        let kind = KINDS[kind % KINDS.len()];
        let side =
            |own| Side { pair: Pair::new(kind, own), sealed: Vec::new(), wire: Vec::new(), out: Vec::new() };
        let sides = [side(false), side(true)];
        Self { name, kind, is_calm: false, choices, sides, records: 0, messages: 0, asked: 0, closed: false }
    }

    /// How many records were sent.
    pub(super) fn play(mut self) -> u64 {
        let mut goes_on = true;
        while goes_on && self.records < MOST_RECORDS && !self.choices.are_over() {
            self.step();
            goes_on = self.deliver();
        }
        if goes_on {
            self.deliver_all();
        }
        self.records
    }

    fn step(&mut self) {
        match self.choices.below(1000) {
            0..450 => self.data(),
            450..500 => self.seal(APPLICATION_DATA, &[], self.kind.is_tls13().into()),
            500..660 if self.stays_without_messages() => self.data(),
            500..560 => self.key_update(),
            560..600 => self.message_in_pieces(),
            600..640 => self.ticket(),
            640..660 => self.messages_in_one_record(),
            660..760 => self.receiver_writes(),
            760..790 => self.receiver_asks(),
            790..800 if !self.stays_calm() => self.warning(),
            800..803 if !self.stays_calm() => self.receiver_closes(),
            803..830 if !self.stays_calm() => self.fault(),
            _ => self.data(),
        }
        // Answers do not count here, and do there.
        if self.messages > 20 {
            self.data();
        }
    }

    /// Whether nothing is to go wrong this time.
    fn stays_calm(&mut self) -> bool {
        self.is_calm && self.choices.below(40) != 0
    }

    /// Whether no handshake message is to come: TLS 1.2 has none that can come twice.
    fn stays_without_messages(&mut self) -> bool {
        !self.kind.is_tls13() && self.stays_calm()
    }

    fn data(&mut self) {
        let length = match self.choices.below(40) {
            0 => MAX_PLAIN,
            1 => self.choices.below(MAX_PLAIN) + 1,
            _ => self.choices.below(300) + 1,
        };
        let content = self.choices.bytes(length);
        let most = MAX_PLAIN - length + 1;
        let padding = match self.choices.below(20) {
            0 => self.choices.below(most),
            1..5 => self.choices.below(most.min(64)),
            _ => 0,
        };
        self.seal(APPLICATION_DATA, &content, padding);
        self.messages = 0;
    }

    fn key_update(&mut self) {
        let asks = self.choices.below(2) == 0;
        if !asks {
            self.asked = 0;
        }
        self.message(&[KEY_UPDATE, 0, 0, 1, asks.into()]);
        self.update();
    }

    /// The author's keys change where it has sent a KeyUpdate.
    fn update(&mut self) {
        if self.kind.is_tls13() {
            self.sides.iter_mut().for_each(|side| side.pair.author.update());
        }
    }

    fn message(&mut self, message: &[u8]) {
        self.messages += 1;
        self.seal(HANDSHAKE, message, 0);
    }

    fn ticket_message(&mut self) -> Vec<u8> {
        let ticket = self.choices.below(400) + 1;
        let mut body = vec![0, 0, 1, 0, 1, 2, 3, 4, 2, 7, 8];
        body.extend_from_slice(&(ticket as u16).to_be_bytes());
        body.extend(self.choices.bytes(ticket));
        body.extend_from_slice(&[0, 0]);
        let length = (body.len() as u32).to_be_bytes();
        [&[4], &length[1..], &body].concat()
    }

    /// What may come: a ticket from a server, in TLS 1.2 a request that is refused.
    fn usual_message(&mut self) -> Vec<u8> {
        match (self.kind.is_tls13(), self.kind.is_client) {
            (true, true) => self.ticket_message(),
            (true, false) => {
                self.asked = 0;
                vec![KEY_UPDATE, 0, 0, 1, 0]
            }
            (false, true) => vec![0, 0, 0, 0],
            (false, false) => HELLO.to_vec(),
        }
    }

    fn ticket(&mut self) {
        if self.kind.is_client || (self.choices.below(20) == 0 && !self.stays_calm()) {
            let ticket = if self.kind.is_tls13() { self.ticket_message() } else { self.usual_message() };
            self.message(&ticket);
        }
    }

    fn message_in_pieces(&mut self) {
        let message = self.usual_message();
        let mut rest = &message[..];
        while !rest.is_empty() {
            let size = (self.choices.below(rest.len()) + 1).min(1 + self.choices.below(100));
            let (piece, more) = rest.split_at(size.min(rest.len()));
            let padding = self.choices.below(4);
            self.seal(HANDSHAKE, piece, padding);
            rest = more;
            match self.choices.below(60) {
                0..3 if self.stays_calm() => {}
                0 => self.seal(HANDSHAKE, &[], 0),
                1 => self.seal(APPLICATION_DATA, b"between", 0),
                2 => self.plain(&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1]),
                _ => {}
            }
        }
        self.messages += 1;
        if message[0] == KEY_UPDATE {
            self.update();
        }
    }

    fn messages_in_one_record(&mut self) {
        let mut content = Vec::new();
        let mut last = Vec::new();
        for _ in 0..=self.choices.below(3) {
            last = if self.choices.below(30) == 0 && !self.stays_calm() {
                vec![KEY_UPDATE, 0, 0, 1, 1]
            } else if self.kind.is_client {
                self.usual_message()
            } else {
                vec![]
            };
            content.extend_from_slice(&last);
            self.messages += 1;
        }
        if content.len() <= MAX_PLAIN {
            self.seal(HANDSHAKE, &content, 0);
            if last.first() == Some(&KEY_UPDATE) {
                self.update();
            }
        }
    }

    fn warning(&mut self) {
        self.seal(ALERT, &[1, 90], 0);
    }

    /// Something that ends most connections.
    fn fault(&mut self) {
        match self.choices.below(17) {
            0 => {
                self.data();
                let at = self.choices.below(self.sides[0].sealed.len());
                for side in &mut self.sides {
                    side.sealed[at] ^= 1 << (at % 8);
                }
            }
            1 => {
                let level = 1 + self.choices.byte() % 2;
                self.seal(ALERT, &[level, 0], 0);
            }
            2 => {
                let alert = self.choices.byte();
                self.seal(ALERT, &[2, alert], 0);
            }
            3 => {
                let alert = [self.choices.byte() % 4, self.choices.byte()];
                self.seal(ALERT, &alert, 0);
            }
            4 => {
                let length = self.choices.below(4);
                let content = self.choices.bytes(length);
                self.seal(ALERT, &content, 0);
            }
            5 => {
                let kind = self.choices.byte();
                self.seal(kind, &[0, 0, 0], 0);
            }
            6 => {
                let kind = 16 + self.choices.below(10) as u8;
                let header =
                    [kind, 3 - self.choices.below(8) as u8 / 7, 3, 0, self.choices.below(3) as u8, 1, 2];
                self.plain(&header);
            }
            7 => {
                let low = self.choices.byte() % 2;
                self.plain(&[APPLICATION_DATA, 3, 3, 0x48, low]);
            }
            8 => {
                let length = self.choices.below(40);
                let mut record = vec![APPLICATION_DATA, 3, 3, 0, length as u8];
                record.extend(self.choices.bytes(length));
                self.plain(&record);
            }
            9 => {
                let length = MAX_PLAIN + self.choices.below(3);
                let content = self.choices.bytes(length);
                let padding = self.choices.below(2);
                self.seal(APPLICATION_DATA, &content, padding);
            }
            10 => {
                // Nothing but zeros, where the type would be.
                let zeros = vec![0; self.choices.below(20)];
                self.seal(0, &zeros, 3);
            }
            11 => {
                // Messages that never come, put together as they should be, and one of a type that there is not.
                let kind = [0, 5, 14, 20, 77, 200][self.choices.below(6)];
                self.message(&[kind, 0, 0, 0]);
            }
            // One that cannot come at all need not be read before it is refused.
            12 if self.kind.is_tls13() => {
                let length = self.choices.below(4);
                let update = [vec![KEY_UPDATE, 0, 0, length as u8], self.choices.bytes(length)].concat();
                self.message(&update);
                self.update();
            }
            13 => {
                let long = 1 + self.choices.below(3) as u8;
                self.seal(HANDSHAKE, &[4, long, 0, 0, 1, 2], 0);
            }
            14 => {
                for _ in 0..self.choices.below(36) {
                    self.seal(APPLICATION_DATA, &[], 0);
                }
            }
            15 => {
                for _ in 0..self.choices.below(8) {
                    self.warning();
                }
            }
            _ => {
                self.data();
                if self.asked > 0 {
                    return;
                }
                for _ in 0..self.choices.below(36) {
                    let message = self.usual_message();
                    self.seal(HANDSHAKE, &message, 0);
                    if message[0] == KEY_UPDATE {
                        self.update();
                    }
                }
                // An answer to the receiver's KeyUpdate would be one more for rustls, and none for us.
                self.data();
            }
        }
    }

    fn receiver_writes(&mut self) {
        if self.closed {
            return;
        }
        let most = if self.choices.below(10) == 0 { 40_000 } else { 200 };
        let length = self.choices.below(most) + 1;
        let plain = self.choices.bytes(length);
        let cut = self.choices.below(length + 1);
        let results = self.sides.each_mut().map(|side| {
            let (front, back) = plain.split_at(cut);
            side.pair.receiver.write(&[front, back], 0, &mut side.out)
        });
        assert_eq!(results[0], results[1], "write, {}", self.name);
    }

    fn receiver_asks(&mut self) {
        // What is under way may look like an answer.
        let under_way = self.sides.iter().any(|side| !side.sealed.is_empty() || !side.wire.is_empty());
        if self.asked > 0 || self.closed || under_way {
            return;
        }
        let results = self.sides.each_mut().map(|side| side.pair.receiver.update_keys(&mut side.out));
        assert_eq!(results[0], results[1], "update, {}", self.name);
        self.asked += 1;
    }

    fn receiver_closes(&mut self) {
        for side in &mut self.sides {
            side.pair.receiver.close_notify(&mut side.out).unwrap();
        }
        self.closed = true;
    }

    fn seal(&mut self, kind: u8, content: &[u8], padding: usize) {
        for side in &mut self.sides {
            side.pair.author.seal(kind, content, padding, &mut side.sealed);
        }
        self.records += 1;
    }

    fn plain(&mut self, bytes: &[u8]) {
        for side in &mut self.sides {
            side.sealed.extend_from_slice(bytes);
        }
        self.records += 1;
    }

    /// Delivers some of what is sealed; whether the connection goes on.
    fn deliver(&mut self) -> bool {
        let length = self.sides[0].sealed.len();
        let length = if self.choices.below(3) == 0 { self.choices.below(length + 1) } else { length };
        self.deliver_first(length)
    }

    fn deliver_all(&mut self) -> bool {
        self.deliver_first(self.sides[0].sealed.len())
    }

    fn deliver_first(&mut self, length: usize) -> bool {
        let stops = self.choices.bits();
        // How much memory there is for plain bytes before each look at the records.
        let rooms: [usize; 4] = [(); 4].map(|()| match self.choices.below(3) {
            0 => 0,
            1 => self.choices.below(400),
            _ => self.choices.below(3 * MAX_PLAIN),
        });
        let [mut theirs, ours] = self.sides.each_mut().map(|side| side.deliver(length, stops, rooms));
        theirs.tell_what_was_sent();
        if self.closed {
            theirs.say_nothing();
        }
        assert!(theirs == ours, "game {} ({:?}):\n{theirs:?}\n{ours:?}", self.name, self.kind);
        // rustls leaves records without a byte until another one comes.
        let [their_wire, our_wire] = self.sides.each_ref().map(|side| side.wire.len());
        assert!(theirs.result.is_err() || our_wire <= their_wire, "game {}: bytes are left", self.name);
        theirs.result.is_ok() && !theirs.closed
    }
}

impl Seen {
    /// What rustls says of an empty alert is not the alert that it sends.
    fn tell_what_was_sent(&mut self) {
        if let (Err(failure), Some((ALERT, alert))) = (&mut self.result, self.answers.last()) {
            if failure.reason == TLS_REASON_EMPTY_RECORD {
                failure.alert_sent = Some(alert[1]);
            }
        }
    }

    /// Nothing follows a close_notify of ours; rustls sends an alert even then, and an answer to a KeyUpdate with it.
    fn say_nothing(&mut self) {
        if let Err(failure) = &mut self.result {
            failure.alert_sent = None;
        }
        let closing =
            self.answers.iter().position(|(kind, content)| *kind == ALERT && content[..] == CLOSING);
        self.answers.truncate(closing.map_or(0, |at| at + 1));
    }
}

impl Side {
    /// Only ours opens records into other memory.
    fn deliver(&mut self, length: usize, mut stops: u64, rooms: [usize; 4]) -> Seen {
        self.wire.extend(self.sealed.drain(..length));
        let mut plain = Vec::new();
        let mut rooms = rooms.into_iter().cycle();
        let result = loop {
            let mut memory = Memory::new(rooms.next().unwrap_or_default());
            let straight = self.pair.receiver.open_into(&self.wire, &mut memory);
            self.wire.drain(..straight.used);
            assert_eq!(straight.plain, memory.pieces.iter().map(Vec::len).sum());
            assert_eq!(straight.records, memory.pieces.len() as u64);
            plain.append(&mut memory.pieces);
            let mut stopped = false;
            let Outcome { used, result } =
                self.pair.receiver.receive(&mut self.wire, &mut self.out, &mut |_, bytes| {
                    assert!(!stopped);
                    plain.push(bytes.to_vec());
                    stops = stops.rotate_left(1);
                    stopped = stops & 1 == 1;
                    if stopped { Flow::Stop } else { Flow::More }
                });
            self.wire.drain(..used);
            if result.is_err() || !stopped {
                break result;
            }
        };
        let answers = self.pair.author.open(&mut self.out);
        self.out.clear();
        let receiver = &self.pair.receiver;
        Seen {
            plain,
            result,
            answers,
            closed: receiver.peer_closed(),
            tickets: receiver.handshake_facts().tickets(),
        }
    }
}
