//! The peer of a game that is made by hand: it says all that a peer may say, in whatever records, or one thing that none may, and
//! hears that the other side does what it should.

use tlsbio::status::*;

use crate::author::{ALERT, APPLICATION_DATA, Author, CHANGE_CIPHER_SPEC, HANDSHAKE, KEY_UPDATE, Opened};
use crate::side::{End, Side};
use crate::support::random::{Random, stream};

const NEW_SESSION_TICKET: u8 = 4;
const CERTIFICATE_REQUEST: u8 = 13;

const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
const NO_RENEGOTIATION: u8 = 100;

/// Of what nothing comes, a peer may send a little more than that in a row, or in all.
const MOST_IDLE: usize = 20;
const MOST_WARNINGS: usize = 3;

/// More than that waits for the library at no time.
const MOST_COMING: usize = 60_000;

/// The most plain bytes of a record (RFC 8446, 5.1).
const MAX_PLAIN: usize = 16_384;

pub struct Peer {
    pub author: Author,
    number: usize,
    padding: usize,
    /// Whether it has ended, and how.
    end: End,
    /// Bytes behind its close_notify, which are none of TLS's.
    pub behind: Vec<u8>,
    idle: usize,
    empty: usize,
    warnings: usize,
    renegotiates: bool,
    /// KeyUpdates that ask for one, and answers to them: one may be for many.
    requests: usize,
    answers: usize,
    /// Answers when the last one asked.
    before: Option<usize>,
    /// KeyUpdates that ask for one, and that it has not answered.
    owes: usize,
    pub updates_said: usize,
    pub updates_heard: usize,
    heard: usize,
    refusals: usize,
    /// The alert that ends what it hears.
    pub last_heard: Option<(u8, u8)>,
}

impl Peer {
    /// Of a side that pads to multiples of `padding`.
    pub fn new(author: Author, number: usize, padding: usize) -> Self {
        Self {
            author,
            number,
            padding,
            end: End::Open,
            behind: Vec::new(),
            idle: 0,
            empty: 0,
            warnings: 0,
            renegotiates: false,
            requests: 0,
            answers: 0,
            before: None,
            owes: 0,
            updates_said: 0,
            updates_heard: 0,
            heard: 0,
            refusals: 0,
            last_heard: None,
        }
    }

    /// Says something, if that can be.
    pub fn act(&mut self, side: &mut Side, random: &mut Random) {
        if side.coming.len() > MOST_COMING {
            return;
        }
        match self.end {
            End::Open => {}
            End::Closed if random.one_in(10) && self.behind.len() < 100 => {
                let bytes = [0xff; 3];
                self.behind.extend_from_slice(&bytes);
                return side.coming.extend_from_slice(&bytes);
            }
            _ => return,
        }
        match random.below(16) {
            0..=4 => {
                let length = random.of(&[1, 2, 5, 6, 7, 30, 500, 3000, MAX_PLAIN]);
                self.data(length, side, random);
            }
            5 => self.empty_record(side, random),
            6..=8 if self.author.is_tls13() => self.update(random.one_in(2), side, random),
            9 if self.owes > 0 => {
                self.owes -= 1;
                self.message(&[KEY_UPDATE, 0, 0, 1, 0], side, random);
                self.has_updated();
            }
            10 if self.author.is_tls13() && self.number == 1 && self.idle + 3 < MOST_IDLE => {
                let count = 1 + random.below(3);
                let tickets: Vec<u8> = (0..count).flat_map(|_| ticket(random)).collect();
                self.idle += count;
                self.message(&tickets, side, random);
            }
            11 if self.warnings < MOST_WARNINGS => {
                self.warnings += 1;
                let alert = if self.author.is_tls13() { USER_CANCELED } else { NO_RENEGOTIATION };
                self.record(ALERT, &[WARNING, alert], side, random);
            }
            12 if !self.author.is_tls13() && self.number == 1 && !self.renegotiates => {
                // HelloRequest (RFC 5246, 7.4.1.1).
                self.renegotiates = true;
                self.message(&[0, 0, 0, 0], side, random);
            }
            _ => {}
        }
    }

    fn record(&mut self, kind: u8, content: &[u8], side: &mut Side, random: &mut Random) {
        let room = MAX_PLAIN - content.len();
        let padding = if random.one_in(3) { random.below(room.min(300) + 1) } else { 0 };
        side.coming.extend(self.author.seal(kind, content, padding));
    }

    pub fn data(&mut self, length: usize, side: &mut Side, random: &mut Random) {
        let plain: Vec<u8> = (0..length).map(|index| stream(self.number, side.peer_wrote + index)).collect();
        self.record(APPLICATION_DATA, &plain, side, random);
        side.peer_wrote += length;
        (self.idle, self.empty) = (0, 0);
    }

    fn empty_record(&mut self, side: &mut Side, random: &mut Random) {
        if self.empty < MOST_IDLE {
            self.empty += 1;
            self.idle = 0;
            self.record(APPLICATION_DATA, b"", side, random);
        }
    }

    /// Whole handshake messages, in one record or in several.
    fn message(&mut self, message: &[u8], side: &mut Side, random: &mut Random) {
        let most = if random.one_in(2) { message.len() } else { 1 + random.below(message.len()) };
        for part in message.chunks(most) {
            self.record(HANDSHAKE, part, side, random);
        }
        self.empty = 0;
    }

    /// A KeyUpdate, if there were not too many.
    pub fn update(&mut self, asks: bool, side: &mut Side, random: &mut Random) {
        if self.idle + 1 >= MOST_IDLE {
            return;
        }
        let update = [KEY_UPDATE, 0, 0, 1, asks.into()];
        if self.number == 1 && random.one_in(4) {
            // It may come in one record with what is in front of it.
            self.idle += 1;
            let both = [&ticket(random)[..], &update].concat();
            self.record(HANDSHAKE, &both, side, random);
        } else {
            self.message(&update, side, random);
        }
        self.idle += 1;
        self.requests += usize::from(asks);
        // One that nobody waits for counts as the answer, if one is owed.
        self.owes = self.owes.saturating_sub(usize::from(!asks));
        self.has_updated();
    }

    /// Asks for a new key of a side that has nothing left to answer.
    pub fn ask(&mut self, side: &mut Side, random: &mut Random) {
        if self.author.is_tls13() && self.end == End::Open {
            self.data(1, side, random);
            while side.go_on(random) {}
            self.hear(side);
            self.update(true, side, random);
            self.before = Some(self.answers);
        }
    }

    fn has_updated(&mut self) {
        self.author.update();
        self.updates_said += 1;
    }

    pub fn close(&mut self, side: &mut Side, random: &mut Random) {
        if self.end == End::Open {
            self.record(ALERT, &[WARNING, CLOSE_NOTIFY], side, random);
            self.end(End::Closed, side);
        }
    }

    fn end(&mut self, end: End, side: &mut Side) {
        self.end = end;
        side.peer_end = end;
    }

    /// Says what none may say.
    pub fn break_the_rules(&mut self, side: &mut Side, random: &mut Random) {
        if self.end != End::Open {
            return;
        }
        let is_tls13 = self.author.is_tls13();
        let mut status = TLS_ERR_PEER;
        match random.below(14) {
            0 => {
                let mut record = self.author.seal(APPLICATION_DATA, b"altered", 0);
                let at = 5 + random.below(record.len() - 5);
                record[at] ^= 1 << random.below(8);
                side.coming.extend(record);
                status = TLS_ERR_DECRYPT;
            }
            1 => {
                self.record(ALERT, &[FATAL, 40], side, random);
                status = TLS_ERR_ALERT;
            }
            2 => side.coming.extend_from_slice(&[99, 3, 3, 0, 1, 0]),
            3 => side.coming.extend_from_slice(&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1]),
            4 => side.coming.extend_from_slice(&[APPLICATION_DATA, 3, 3, 0xff, 0xff]),
            5 => side.coming.extend(self.author.seal(APPLICATION_DATA, &[7; MAX_PLAIN + 1], 0)),
            6 => self.record(ALERT, &[3, 40], side, random),
            7 => self.record(ALERT, &[FATAL], side, random),
            8 => self.record(HANDSHAKE, &[CERTIFICATE_REQUEST, 0, 0, 3, 0, 0, 0], side, random),
            9 => {
                // Another record in the midst of a message.
                self.record(HANDSHAKE, &[KEY_UPDATE, 0, 0], side, random);
                self.record(APPLICATION_DATA, b"between", side, random);
            }
            10 if is_tls13 => {
                // The keys change in the midst of a record.
                self.record(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 0, KEY_UPDATE], side, random);
            }
            11 if is_tls13 => self.record(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 2], side, random),
            12 if is_tls13 => {
                self.requests += 33;
                for _ in 0..33 {
                    self.record(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 1], side, random);
                    self.author.update();
                }
            }
            _ => (0..33).for_each(|_| self.record(APPLICATION_DATA, b"", side, random)),
        }
        self.end(End::Fatal(status), side);
    }

    /// Hears what has left the other side.
    pub fn hear(&mut self, side: &mut Side) {
        let wire = std::mem::take(&mut side.out);
        for Opened { kind, content, inner } in self.author.open(&wire) {
            assert_eq!(self.last_heard, None, "nothing follows the end");
            match (kind, &content[..]) {
                (APPLICATION_DATA, plain) => {
                    assert!(!plain.is_empty() && plain.len() <= MAX_PLAIN);
                    assert!(self.padding == 0 || !self.author.is_tls13() || inner % self.padding == 0);
                    for &byte in plain {
                        assert_eq!(byte, stream(side.number, self.heard), "byte {} was heard", self.heard);
                        self.heard += 1;
                    }
                }
                (HANDSHAKE, [KEY_UPDATE, 0, 0, 1, asks]) => {
                    self.answers += usize::from(*asks == 0);
                    assert!(self.answers <= self.requests, "an answer to nothing");
                    self.owes += usize::from(*asks);
                    self.updates_heard += 1;
                }
                // Tickets, whole or in parts.
                (HANDSHAKE, _) => assert!(self.author.is_tls13() && side.number == 1 && self.heard == 0),
                (ALERT, [WARNING, NO_RENEGOTIATION]) => {
                    assert!(self.renegotiates);
                    self.refusals += 1;
                }
                (ALERT, &[level, alert]) => self.last_heard = Some((level, alert)),
                _ => panic!("a record of type {kind}"),
            }
        }
    }

    /// All that was to be heard of a side that has done all that it can, and wrote something at last.
    pub fn has_heard_all(&self, side: &Side) {
        assert!(!self.author.waits());
        assert_eq!(self.heard, side.written);
        let is_due = self.before.is_some_and(|before| self.answers == before);
        assert!(side.closed || !is_due, "a KeyUpdate was not answered");
        assert!(side.closed || self.refusals == usize::from(self.renegotiates));
    }
}

/// A NewSessionTicket (RFC 8446, 4.6.1).
fn ticket(random: &mut Random) -> Vec<u8> {
    let length = 1 + random.below(100);
    let body = [&[0, 0, 100, 0, 1, 2, 3, 4, 1, 9, 0, length as u8][..], &vec![7; length], &[0, 0]].concat();
    [&[NEW_SESSION_TICKET, 0, 0, body.len() as u8][..], &body].concat()
}
