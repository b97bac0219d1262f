//! Which steps of a handshake may ask in the middle, and so need a stack of their own.
//!
//! All others run where the host has called: a peer that cuts its messages into a thousand records makes no stack.
//! A server may ask from a whole ClientHello (the first, and the one after a HelloRetryRequest) to what it answers. A
//! client may ask for an identity until the server's is to be judged, and for a signature after that, if the
//! identity that it chose has its key elsewhere.

use super::handshake::{Chosen, Decision, Handshake, Question, Verdict};
use super::hello_scan::{HelloScan, may_retry};
use crate::failure::Failure;
use crate::record::layout::{self, NO_RECORD};

/// The host's answer to a question between two steps, which leads to a step that may ask.
pub(super) enum Pending {
    Context(Chosen),
    Verify(Verdict),
}

impl Pending {
    pub(super) fn give(self, session: &mut dyn Handshake, out: &mut Vec<u8>) -> Result<(), Failure> {
        let decision = match self {
            Self::Context(chosen) => Decision::Context(chosen),
            Self::Verify(verdict) => Decision::Verify(verdict),
        };
        session.answer(decision, out).map(|_| ())
    }
}

/// What can be asked in the middle of a step of a client.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClientAsks {
    /// For an identity.
    pub identity: bool,
    /// The host judges the server's identity: a question of its own, between two steps.
    pub verify: bool,
}

pub(super) enum AskingSteps {
    /// A server that waits for a ClientHello.
    Hello(HelloScan),
    /// A server behind it.
    Past,
    /// A client in the form of the engine that stops at an identity.
    Client(Client),
    /// A client in the form that does not: it is given one record after the other, so that nothing behind the
    /// handshake is in a step that may ask.
    Records(Seen),
}

pub(super) struct Client {
    asks: ClientAsks,
    /// The server's identity was judged.
    judged: bool,
    /// A key that is elsewhere was chosen, and has not signed.
    signs: bool,
    seen: Seen,
    /// The engine has stopped since, perhaps in front of messages that were given to it.
    stopped: bool,
}

/// How many bytes in front of the wire are whole records that the engine was given, and has not used.
#[derive(Debug, Default)]
pub(super) struct Seen(usize);

/// How to make the next step.
pub(super) enum Next {
    /// On the host's stack: it cannot ask.
    Here,
    /// On a stack of its own, with so many of the wire bytes.
    Apart(usize),
}

impl AskingSteps {
    pub(super) fn server() -> Self {
        Self::Hello(HelloScan::default())
    }

    pub(super) fn client(asks: ClientAsks) -> Self {
        let seen = Seen::default();
        Self::Client(Client { asks, judged: false, signs: false, seen, stopped: false })
    }

    pub(super) fn records() -> Self {
        Self::Records(Seen::default())
    }

    pub(super) fn next(&mut self, session: &dyn Handshake, pending: Option<&Pending>, wire: &[u8]) -> Next {
        if let Some(pending) = pending {
            return match (self, pending) {
                (_, Pending::Context(_)) | (Self::Client(Client { signs: true, .. }), _) => Next::Apart(0),
                _ => Next::Here,
            };
        }
        // What is no record cannot ask.
        if session.question().is_some() || session.is_done() || wire.first() == Some(&NO_RECORD) {
            return Next::Here;
        }
        let length = match self {
            Self::Hello(scan) => hello_end(scan, session, wire).filter(|&end| end <= wire.len()),
            Self::Past => None,
            Self::Client(client) => client.next(wire),
            Self::Records(seen) => seen.take_record(wire),
        };
        length.map_or(Next::Here, Next::Apart)
    }

    /// Whether the next step over `wire` cannot ask, if that is seen without more ado. It counts as made.
    pub(super) fn cannot_ask(&mut self, session: &dyn Handshake, wire: &[u8]) -> bool {
        match self {
            Self::Hello(scan) => hello_end(scan, session, wire).is_none(),
            Self::Past => true,
            Self::Client(client) if !client.may_ask() => {
                while client.seen.take_record(wire).is_some() {}
                true
            }
            Self::Client(_) | Self::Records(_) => false,
        }
    }

    /// Over fewer wire bytes than these no step can ask, whatever they are; 0 where that is not known. To be asked
    /// behind a step that could not ask.
    pub(super) fn quiet_below(&self) -> usize {
        match self {
            Self::Hello(scan) => scan.least(),
            _ => 0,
        }
    }

    /// Whether it matters which key is chosen, or that the engine stops.
    pub(super) fn may_choose(&self) -> bool {
        matches!(self, Self::Client(_))
    }

    /// Whether nothing can be asked any more.
    pub(super) fn is_past(&self) -> bool {
        match self {
            Self::Past => true,
            Self::Client(client) => client.judged && !client.signs,
            Self::Hello(_) | Self::Records(_) => false,
        }
    }

    /// Whether the open question is answered here: the context's rules judge, but the form of the engine stops.
    pub(super) fn answers_itself(&self, session: &dyn Handshake) -> bool {
        matches!(self, Self::Client(client) if !client.asks.verify)
            && matches!(session.question(), Some(Question::Verify(_)))
    }

    /// How many bytes in front of the wire the engine was given, and has not used, at most.
    pub(super) fn seen(&self) -> usize {
        match self {
            Self::Hello(scan) => scan.position(),
            Self::Client(Client { seen, .. }) | Self::Records(seen) => seen.0,
            Self::Past => 0,
        }
    }

    /// The engine is done with so many bytes.
    pub(super) fn used(&mut self, count: usize) {
        match self {
            Self::Hello(scan) => scan.used(count),
            Self::Client(Client { seen, .. }) | Self::Records(seen) => seen.0 = seen.0.saturating_sub(count),
            Self::Past => {}
        }
    }

    /// A key that is elsewhere was chosen.
    pub(super) fn chose(&mut self) {
        if let Self::Client(client) = self {
            client.signs = true;
        }
    }

    /// The step that was to be made could not begin: it is made again, with what the engine was given before.
    pub(super) fn put_off(&mut self, seen_before: usize) {
        match self {
            Self::Client(client) => {
                client.seen.0 = seen_before;
                client.stopped = true;
            }
            Self::Records(seen) => seen.0 = seen_before,
            Self::Hello(_) | Self::Past => {}
        }
    }

    /// A signature is asked for: a client makes one.
    pub(super) fn signs_now(&mut self) {
        if let Self::Client(client) = self {
            client.signs = false;
        }
    }

    /// The answer to a question between two steps was given.
    pub(super) fn answered(&mut self) {
        if let Self::Client(client) = self {
            client.judged = true;
            client.stopped = true;
        }
    }

    /// A step on its own stack has ended, and said this to the peer.
    pub(super) fn ended_apart(&mut self, said: &[u8]) {
        if let Self::Hello(_) | Self::Past = self {
            *self = if may_retry(said) { Self::server() } else { Self::Past };
        }
    }
}

/// Where the record ends that makes a ClientHello whole. What the engine has looked at is not looked at again.
fn hello_end(scan: &mut HelloScan, session: &dyn Handshake, wire: &[u8]) -> Option<usize> {
    if scan.least() <= wire.len() {
        if let Some(parts) = session.hello_parts() {
            scan.skip(parts);
        }
    }
    scan.end(wire)
}

impl Client {
    fn may_ask(&self) -> bool {
        if self.judged { self.signs } else { self.asks.identity }
    }

    fn next(&mut self, wire: &[u8]) -> Option<usize> {
        // An answer goes on without the bytes that wait: they come with the next call.
        if wire.len() < self.seen.0 {
            return None;
        }
        let more = std::iter::from_fn(|| self.seen.take_record(wire)).last();
        let again = std::mem::take(&mut self.stopped) && self.seen.0 > 0;
        (self.may_ask() && (more.is_some() || again)).then_some(self.seen.0)
    }
}

impl Seen {
    /// Where the next record ends, if it is whole; it counts as given.
    fn take_record(&mut self, wire: &[u8]) -> Option<usize> {
        let rest = wire.get(self.0..)?;
        let &[kind, major, _, high, low] = rest.first_chunk::<{ layout::HEADER }>()?;
        let length = layout::HEADER + usize::from(u16::from_be_bytes([high, low]));
        if !(20..=24).contains(&kind) || major != 3 || rest.len() < length {
            return None;
        }
        self.0 += length;
        Some(self.0)
    }
}
