//! The inside of a connection that moves (`tls_conn_export`): all that an established connection is.
//!
//! [`walk`] is the one list of its members, in their order. [`read`] goes along it over bytes, [`writing`] over a connection, so
//! that neither can know a member that the other does not. Numbers are in network order; bytes stand behind their length.
//!
//! This is form 1 (`parse::blob::FORM`). What is in it never changes: a later build reads what an earlier one wrote, and the
//! vectors in `tests/moved` are blobs of old. A new member is a new form, which has a walk of its own.

mod walker;
mod writing;

use std::ops::Range;

use self::walker::{Reading, Walker};
pub(crate) use self::writing::{length, write};
use super::reader::Reader;
use crate::numbers::{MAX_PLAIN, MIN_RECORD_SIZE, MOST_RAMP, MOVE_ID};
use crate::status::{
    TLS_HANDSHAKE_FULL, TLS_HANDSHAKE_FULL_RETRIED, TLS_HANDSHAKE_RESUMED, TLS_HANDSHAKE_RESUMED_RETRIED,
};

/// What [`Moved::record_size`] and [`Moved::ramp`] are where the host set nothing.
pub(crate) const UNSET: u32 = u32::MAX;

/// What a time in [`Moved::times`] is that was not noted.
pub(crate) const NEVER: u64 = u64::MAX;

/// The most that [`Moved::left_in_place`] says. Hosts receive into smaller buffers; with more in one, a connection does not move.
pub(crate) const MOST_LEFT_IN_PLACE: u32 = 1 << 24;

/// An established connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Moved<'a> {
    /// The same over all moves of a connection.
    pub id: [u8; MOVE_ID],
    /// How often it has moved, this time included.
    pub moves: u64,
    pub flags: Flags,
    pub facts: MovedFacts<'a>,
    pub receive: Direction<'a>,
    pub send: Direction<'a>,
    /// What keying material is derived from: in TLS 1.3 the exporter secret, in TLS 1.2 the main secret and both randoms.
    pub exporter: &'a [u8],
    pub sender: SenderState<'a>,
    pub receiver: ReceiverState,
    /// Wire bytes in and out, plain bytes in and out, records in and out.
    pub counters: [u64; 6],
    /// Bytes that the last in-place call left with the host, up to [`MOST_LEFT_IN_PLACE`]. Then there are none here.
    pub left_in_place: u32,
    /// When the peer was heard, the handshake done, and for how long a question was open; [`NEVER`] for what was not noted.
    pub times: [u64; 3],
    /// The most plain bytes of a record, and how many still go into small ones; [`UNSET`] where the context says it.
    pub record_size: u32,
    pub ramp: u32,
    /// Plain bytes that wait to be read, and wire bytes behind them.
    pub plain: &'a [u8],
    pub wire: &'a [u8],
    /// Wire bytes that wait to be sent, and plain bytes that wait to fill a record.
    pub outbound: &'a [u8],
    pub held: &'a [u8],
}

/// What is either so or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub is_client: bool,
    pub resumed: bool,
    pub bound_secrets: bool,
    pub we_closed: bool,
    pub eof: bool,
    pub corked: bool,
    /// The host has shown its clock.
    pub clocked: bool,
}

/// What the handshake settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MovedFacts<'a> {
    pub version: u16,
    pub suite: u16,
    pub group: u16,
    /// One of the `TLS_HANDSHAKE_*`, `TLS_ECH_*` and `TLS_EARLY_*` numbers each.
    pub kind: u8,
    pub ech: u8,
    pub early: u8,
    /// Empty for none, like all that follow.
    pub alpn: &'a [u8],
    /// The name that a client sends, or sent.
    pub name: &'a [u8],
    pub resumption_data: &'a [u8],
    /// The peer's certificates, each behind its length (see [`certificates`]), or its raw key.
    pub chain: &'a [u8],
    pub raw_key: &'a [u8],
    /// The server's end of the connection (RFC 5929, 4), of a server.
    pub end_point: &'a [u8],
}

/// What protects the records of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Direction<'a> {
    /// The traffic secret of TLS 1.3, or key and IV of TLS 1.2.
    pub secret: &'a [u8],
    pub key: &'a [u8],
    pub iv: &'a [u8],
    pub sequence: u64,
    pub most_records: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SenderState<'a> {
    /// Records that leave in front of the next one.
    pub queued: &'a [u8],
    pub answered: bool,
    pub outstanding: bool,
    pub unanswered: u8,
    pub closed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReceiverState {
    /// Records without a byte, messages, warnings, requests for a renegotiation.
    pub flood: [u8; 4],
    pub tickets: u32,
    /// Handshake bytes that wait for the rest of their message, in the wire bytes, and how far those were opened for it.
    pub waiting: Range<u32>,
    pub opened: u32,
    pub closed: bool,
}

/// All members, in the order of the form.
fn walk<'a>(moved: &mut Moved<'a>, walker: &mut impl Walker<'a>) -> Option<()> {
    for byte in &mut moved.id {
        walker.number(byte)?;
    }
    walker.number(&mut moved.moves)?;
    let (flags, sender, receiver) = (&mut moved.flags, &mut moved.sender, &mut moved.receiver);
    // Builds that let answers to KeyUpdates leave at once say so here, in this same form. Their blobs are read, and they
    // read ours, which say no: so the bit keeps its place and cannot become another member's.
    let mut answers_at_once = false;
    walker.flags([
        &mut flags.is_client,
        &mut flags.resumed,
        &mut flags.bound_secrets,
        &mut flags.we_closed,
        &mut flags.eof,
        &mut flags.corked,
        &mut answers_at_once,
        &mut flags.clocked,
    ])?;
    let facts = &mut moved.facts;
    for number in [&mut facts.version, &mut facts.suite, &mut facts.group] {
        walker.number(number)?;
    }
    for number in [&mut facts.kind, &mut facts.ech, &mut facts.early] {
        walker.number(number)?;
    }
    for bytes in [
        &mut facts.alpn,
        &mut facts.name,
        &mut facts.resumption_data,
        &mut facts.chain,
        &mut facts.raw_key,
        &mut facts.end_point,
    ] {
        walker.bytes(bytes)?;
    }
    for direction in [&mut moved.receive, &mut moved.send] {
        walker.bytes(&mut direction.secret)?;
        walker.bytes(&mut direction.key)?;
        walker.bytes(&mut direction.iv)?;
        walker.number(&mut direction.sequence)?;
        walker.number(&mut direction.most_records)?;
    }
    walker.bytes(&mut moved.exporter)?;
    walker.bytes(&mut sender.queued)?;
    let [mut none_a, mut none_b, mut none_c, mut none_d] = [false; 4];
    walker.flags([
        &mut sender.answered,
        &mut sender.outstanding,
        &mut sender.closed,
        &mut receiver.closed,
        &mut none_a,
        &mut none_b,
        &mut none_c,
        &mut none_d,
    ])?;
    if none_a || none_b || none_c || none_d {
        return None;
    }
    walker.number(&mut sender.unanswered)?;
    for count in &mut receiver.flood {
        walker.number(count)?;
    }
    walker.number(&mut receiver.tickets)?;
    walker.number(&mut receiver.waiting.start)?;
    walker.number(&mut receiver.waiting.end)?;
    walker.number(&mut receiver.opened)?;
    for number in moved.counters.iter_mut().chain(&mut moved.times) {
        walker.number(number)?;
    }
    for number in [&mut moved.left_in_place, &mut moved.record_size, &mut moved.ramp] {
        walker.number(number)?;
    }
    for bytes in [&mut moved.plain, &mut moved.wire, &mut moved.outbound, &mut moved.held] {
        walker.bytes(bytes)?;
    }
    Some(())
}

/// What `bytes` say; None if they are not exactly what is written of a connection.
pub(crate) fn read(bytes: &[u8]) -> Option<Moved<'_>> {
    let mut moved = Moved::default();
    let mut reading = Reading(Reader::new(bytes));
    walk(&mut moved, &mut reading)?;
    (reading.0.is_empty() && moved.is_consistent()).then_some(moved)
}

/// No count gets there.
const MOST_COUNT: u64 = 1 << 63;

const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

/// Lengths of what [`Moved::exporter`] is in TLS 1.2.
pub(crate) const MAIN_SECRET: usize = 48;
const RANDOMS: usize = 64;

/// How long [`Moved::exporter`] is in TLS 1.2.
pub(crate) const TLS12_EXPORTER: usize = MAIN_SECRET + RANDOMS;

impl Moved<'_> {
    /// Whether all of it fits together. A connection that it does not hold for is not written either.
    pub(crate) fn is_consistent(&self) -> bool {
        let Self { facts, receiver, .. } = self;
        let secrets = match facts.version {
            TLS13 => self.receive.is_secret() && self.send.is_secret() && !self.exporter.is_empty(),
            TLS12 => self.receive.is_key() && self.send.is_key() && self.exporter.len() == TLS12_EXPORTER,
            _ => false,
        };
        let resumed = match i32::from(facts.kind) {
            TLS_HANDSHAKE_FULL | TLS_HANDSHAKE_FULL_RETRIED => Some(false),
            TLS_HANDSHAKE_RESUMED | TLS_HANDSHAKE_RESUMED_RETRIED => Some(true),
            _ => None,
        };
        let in_place = self.left_in_place == 0
            || self.left_in_place <= MOST_LEFT_IN_PLACE && self.plain.is_empty() && self.wire.is_empty();
        let at_hand = self.wire.len().max(self.left_in_place as usize);
        // Numbers that count up, and are far from their ends.
        let sequences = [self.receive.sequence, self.send.sequence];
        let counts = self.counters.iter().chain(&sequences).all(|&count| count < MOST_COUNT)
            && self.counters[0] >= (self.plain.len() + self.wire.len()) as u64;
        let messages = receiver.waiting.start <= receiver.waiting.end
            && receiver.waiting.end <= receiver.opened
            && receiver.opened as usize <= at_hand;
        let sizes = (self.record_size == UNSET
            || (MIN_RECORD_SIZE..=MAX_PLAIN).contains(&(self.record_size as usize)))
            && (self.ramp == UNSET || self.ramp as usize <= MOST_RAMP)
            && (self.held.is_empty() || self.flags.corked)
            && self.held.len() <= MAX_PLAIN
            && facts.alpn.len() <= usize::from(u8::MAX);
        secrets
            && counts
            && self.flags.we_closed == self.sender.closed
            && resumed == Some(self.flags.resumed)
            && in_place
            && messages
            && sizes
            && std::str::from_utf8(facts.name).is_ok()
            && (facts.chain.is_empty() || facts.raw_key.is_empty())
            && certificates(facts.chain).is_some()
    }
}

impl Direction<'_> {
    fn is_secret(&self) -> bool {
        !self.secret.is_empty() && self.key.is_empty() && self.iv.is_empty()
    }

    fn is_key(&self) -> bool {
        self.secret.is_empty() && !self.key.is_empty() && !self.iv.is_empty()
    }
}

/// What is between two certificates of a chain: the length of the next one, in so many bytes.
const CERTIFICATE_LENGTH: usize = 3;

/// The certificates in [`MovedFacts::chain`]; None if it is no list of them. None is empty (RFC 8446, 4.4.2).
pub(crate) fn certificates(chain: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = Reader::new(chain);
    let mut certificates = Vec::new();
    while !reader.is_empty() {
        let certificate = reader.list(CERTIFICATE_LENGTH)?.bytes;
        if certificate.is_empty() {
            return None;
        }
        certificates.push(certificate);
    }
    Some(certificates)
}

/// Appends a certificate to what is to be [`MovedFacts::chain`]; false if it is empty, or too long for that.
pub(crate) fn append_certificate(chain: &mut Vec<u8>, certificate: &[u8]) -> bool {
    let Ok(length) = u32::try_from(certificate.len()) else { return false };
    let ([0, length @ ..], false) = (length.to_be_bytes(), certificate.is_empty()) else { return false };
    chain.extend_from_slice(&length);
    chain.extend_from_slice(certificate);
    true
}

#[cfg(test)]
mod tests;
