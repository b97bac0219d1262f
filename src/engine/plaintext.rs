//! What is looked at in front of the engine while the peer's records are not protected yet.
//!
//! rustls overlooks a close_notify in the handshake, and ends handshakes with some ClientHellos that are right. Both
//! stand in records that everybody can read: so they are found here, before the engine has them. Such a
//! ClientHello is [`retold`]; everything else goes to the engine as it came.
//!
//! The engine is entered when there is something that it can go on with: a message that is whole, or what is no part of
//! one. A peer that cuts a message into a thousand records has it entered once, whatever the form of the engine.

use std::ops::Range;

use rustls::ServerConfig;
use rustls::server::InvalidSniPolicy;

use super::alert::say_in_tls12;
use super::hello_scan::{HelloParts, may_retry};
use super::retold::{Changes, original, retold};
use crate::failure::Failure;
use crate::parse::client_hello::ClientHello;
use crate::record::layout;
use crate::record::traffic::{Outcome, PlainSink};

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;
const MESSAGE_HEADER: usize = 4;

/// The longest handshake message that the engine takes.
const MOST: usize = 0xffff;

/// How a run of the engine over some records ended.
pub(super) struct Run {
    pub used: usize,
    pub result: Result<Standing, Failure>,
}

/// Where the engine stands after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Handshaking,
    /// The handshake is done.
    Traffic,
    /// A question is open, or the sink wants no more.
    Stopped,
    /// The peer has said that it sends nothing more.
    Closed,
}

/// What runs the engine. Ranges that it gives its sink are those of the records that it was given.
pub(super) type Engine<'a> = dyn FnMut(&mut [u8], &mut Vec<u8>, &mut PlainSink<'_>) -> Run + 'a;

/// Whether a server with this configuration takes a name that is none for no name.
pub(super) fn hides_names(config: &ServerConfig) -> bool {
    config.invalid_sni_policy == InvalidSniPolicy::IgnoreAll
}

/// Which ClientHello a server is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    First,
    /// After a HelloRetryRequest there will be one.
    Second {
        key_was_offered: bool,
        early_data_may_come: bool,
        /// How its body begins: with the first one's version and random (RFC 8446, 4.1.2). The Finished of a TLS 1.2
        /// client that resumes a session stands in the same place, and its ciphertext can begin like any message.
        start: [u8; START],
    },
    None,
}

/// Of the version and the random of a ClientHello, as much as no other bytes are by chance.
const START: usize = 2 + 8;

/// The handshake message that the records end in, as long as everybody can read them.
#[derive(Debug, Default, Clone, Copy)]
struct Unfinished {
    header: [u8; MESSAGE_HEADER],
    collected: usize,
}

/// A ClientHello of which not all records are there; they are kept from the engine.
struct Parts {
    header: [u8; MESSAGE_HEADER],
    collected: usize,
    /// Where its next record begins.
    end: usize,
}

pub(super) struct PlaintextRecords {
    awaited: Awaited,
    /// A name that is none is hidden from the engine.
    hides_names: bool,
    /// How many bytes at the front need not be looked at again: records that the engine has not used up.
    walked: usize,
    parts: Option<Parts>,
    /// None where messages cannot be told from each other (any more).
    unfinished: Option<Unfinished>,
    /// Where the last record ends that the engine has to have; those behind it are parts of one message.
    due: usize,
    /// How many bytes at the front the engine was given, and can do nothing with.
    given: usize,
    /// From here on nothing is readable.
    protected: bool,
    /// Early data came behind the first ClientHello: it is skipped if there is a second one, and read otherwise.
    early_data_came: bool,
    closed: bool,
    hid_name: bool,
}

enum Found {
    /// Nothing: the engine may have everything.
    Nothing,
    /// From here on a message or a record is not whole.
    Waits(usize),
    /// A ClientHello between these places is to be this message.
    Hello(usize, usize, Vec<u8>),
    /// A close_notify between these places.
    Close(usize, usize),
}

impl PlaintextRecords {
    pub(super) fn client() -> Self {
        Self {
            awaited: Awaited::None,
            hides_names: false,
            walked: 0,
            parts: None,
            unfinished: Some(Unfinished::default()),
            due: 0,
            given: 0,
            protected: false,
            early_data_came: false,
            closed: false,
            hid_name: false,
        }
    }

    pub(super) fn server(hides_names: bool) -> Self {
        Self { awaited: Awaited::First, hides_names, ..Self::client() }
    }

    /// Whether the peer has closed in the handshake.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the client asked for a name that is none.
    pub(super) fn hid_name(&self) -> bool {
        self.hid_name
    }

    /// The ClientHello that is not whole.
    pub(super) fn hello_parts(&self) -> Option<HelloParts> {
        let &Parts { header, collected, end } = self.parts.as_ref()?;
        Some(HelloParts { header, collected, end })
    }

    /// How many bytes are at the front at least when the message is whole that is not yet; 0 where that is not known.
    pub(super) fn least(&self) -> usize {
        let missing = self.unfinished.map_or(0, Unfinished::missing);
        if missing == 0 || self.given < self.due { 0 } else { self.walked + missing }
    }

    /// Runs the engine over the records at the front of `wire`, as [`super::handshake::Handshake::receive`].
    pub(super) fn receive(
        &mut self,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
        engine: &mut Engine<'_>,
    ) -> Outcome {
        let mut outcome = self.run(wire, out, sink, engine);
        if let Err(failure) = &mut outcome.result {
            say_in_tls12(failure, out);
        }
        outcome
    }

    fn run(
        &mut self,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
        engine: &mut Engine<'_>,
    ) -> Outcome {
        let mut used = 0;
        while !self.closed {
            let rest = &mut wire[used..];
            let found = self.find(rest);
            let front = match found {
                Found::Nothing => rest.len(),
                Found::Waits(at) | Found::Hello(at, ..) | Found::Close(at, _) => at,
            };
            let offset = used;
            let mut sink = |at: Range<usize>, plain: &[u8]| sink(at.start + offset..at.end + offset, plain);
            let said = out.len();
            let run = if front > self.given {
                engine(&mut rest[..front], out, &mut sink)
            } else {
                Run { used: 0, result: Ok(Standing::Handshaking) }
            };
            used += run.used;
            self.walked = self.walked.saturating_sub(run.used);
            self.due = self.due.saturating_sub(run.used);
            self.given = match run.result {
                Ok(Standing::Handshaking) => self.given.max(front).saturating_sub(run.used),
                _ => 0,
            };
            if let Some(parts) = &mut self.parts {
                parts.end = parts.end.saturating_sub(run.used);
            }
            match run.result {
                Err(failure) => return Outcome { used, result: Err(failure) },
                Ok(Standing::Closed) => self.closed = true,
                Ok(Standing::Handshaking) => {}
                Ok(Standing::Traffic | Standing::Stopped) => return Outcome { used, result: Ok(()) },
            }
            self.note_said(&out[said..]);
            match found {
                Found::Nothing | Found::Waits(_) => break,
                // What is not protected there is nobody's who has the keys: the engine refuses it.
                Found::Close(..) if self.protected => {}
                Found::Close(_, end) => {
                    self.closed = true;
                    used = offset + end;
                }
                // Records in front of it that are not done with cannot be: it would stand in the middle of a message.
                Found::Hello(..) if run.used < front => {
                    self.awaited = Awaited::None;
                    break;
                }
                Found::Hello(_, end, message) => {
                    let mut records = in_records(&message);
                    let said = out.len();
                    let run = engine(&mut records, out, &mut sink);
                    self.note_said(&out[said..]);
                    used = offset + end;
                    (self.walked, self.due, self.given) = (0, 0, 0);
                    match run.result {
                        Ok(Standing::Handshaking) => {}
                        Ok(_) => return Outcome { used, result: Ok(()) },
                        Err(failure) => return Outcome { used, result: Err(failure) },
                    }
                }
            }
        }
        Outcome { used, result: Ok(()) }
    }

    /// What the engine has said since: after a flight that is no HelloRetryRequest no ClientHello is awaited, and early
    /// data was not skipped.
    fn note_said(&mut self, said: &[u8]) {
        if matches!(self.awaited, Awaited::Second { .. }) && !said.is_empty() && !may_retry(said) {
            self.awaited = Awaited::None;
            self.protected |= self.early_data_came;
        }
    }

    /// Goes over the records that were not looked at yet.
    fn find(&mut self, wire: &[u8]) -> Found {
        while let Some(Record { kind, payload, end }) = record_at(wire, self.walked) {
            match kind {
                ALERT if payload.len() == 2 && payload[1] == CLOSE_NOTIFY && !self.protected => {
                    return Found::Close(self.walked, end);
                }
                HANDSHAKE if self.awaited != Awaited::None => match self.hello(wire, end, payload) {
                    Some(found) => return found,
                    None => continue,
                },
                HANDSHAKE if self.only_continues(payload) => {
                    self.walked = end;
                    continue;
                }
                APPLICATION_DATA if !self.early_data_may_come() => {
                    self.protected = true;
                    self.awaited = Awaited::None;
                    self.unfinished = None;
                }
                APPLICATION_DATA => self.early_data_came = true,
                // What TLS 1.2 sends behind it is encrypted.
                CHANGE_CIPHER_SPEC => self.unfinished = None,
                _ => {}
            }
            self.walked = end;
            self.due = end;
        }
        let comes = wire.get(self.walked..).is_some_and(waits_for_record);
        if comes { Found::Waits(self.due) } else { Found::Nothing }
    }

    /// Whether a record of a handshake makes no message whole: the engine can do nothing with it.
    fn only_continues(&mut self, mut payload: &[u8]) -> bool {
        let Some(mut message) = self.unfinished else { return false };
        let mut only = !payload.is_empty();
        while !payload.is_empty() {
            payload = message.add(payload);
            if message.is_too_long() {
                self.unfinished = None;
                return false;
            }
            if message.missing() == 0 {
                message = Unfinished::default();
                only = false;
            }
        }
        self.unfinished = Some(message);
        only
    }

    /// Looks at the ClientHello whose first record is where the walk is; None to walk on.
    fn hello(&mut self, wire: &[u8], end: usize, payload: &[u8]) -> Option<Found> {
        let at = self.walked;
        if self.parts.is_none() && !self.is_awaited(payload) {
            self.awaited = Awaited::None;
            return None;
        }
        let mut parts = self.parts.take().unwrap_or_else(|| Parts::new(payload, end));
        while let Some(missing) = parts.missing() {
            if missing == 0 {
                return self.whole(wire, at, &parts);
            }
            match record_at(wire, parts.end) {
                Some(Record { kind: HANDSHAKE, payload, end }) if !payload.is_empty() => {
                    parts.add(payload, end)
                }
                None if waits_for_record(&wire[parts.end.min(wire.len())..]) => {
                    self.parts = Some(parts);
                    return Some(Found::Waits(at));
                }
                // The engine has an answer to that.
                _ => break,
            }
        }
        self.awaited = Awaited::None;
        None
    }

    /// Whether the ClientHello that is awaited can begin so. A record that is too short to tell is not encrypted.
    fn is_awaited(&self, payload: &[u8]) -> bool {
        match &self.awaited {
            Awaited::Second { start, .. } => {
                payload.iter().skip(MESSAGE_HEADER).zip(start).all(|(byte, known)| byte == known)
            }
            _ => true,
        }
    }

    /// Early data is protected, and a second ClientHello may follow it.
    fn early_data_may_come(&self) -> bool {
        matches!(self.awaited, Awaited::Second { early_data_may_come: true, .. })
    }

    fn whole(&mut self, wire: &[u8], at: usize, parts: &Parts) -> Option<Found> {
        let mut message = Vec::with_capacity(parts.collected);
        let mut next = at;
        while next < parts.end {
            let record = record_at(wire, next)?;
            message.extend_from_slice(record.payload);
            next = record.end;
        }
        let hello = ClientHello::new(&message);
        let key_was_offered = matches!(self.awaited, Awaited::Second { key_was_offered: true, .. });
        let changes = Changes {
            hide_name: self.hides_names && hello.has_no_single_name(),
            add_unknown_key: key_was_offered && !hello.offers_key(),
        };
        self.awaited = match (self.awaited, message[MESSAGE_HEADER..].first_chunk()) {
            (Awaited::First, Some(start)) => Awaited::Second {
                key_was_offered: hello.offers_key(),
                early_data_may_come: hello.offers_early_data(),
                start: *start,
            },
            _ => Awaited::None,
        };
        if let Some(told) = retold(hello, changes) {
            self.hid_name |= changes.hide_name;
            return Some(Found::Hello(at, parts.end, told));
        }
        self.walked = parts.end;
        self.due = parts.end;
        None
    }
}

impl Unfinished {
    /// Takes what belongs to the message, and answers what is behind it.
    fn add<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let header = MESSAGE_HEADER.saturating_sub(self.collected);
        let length = if header > 0 { header } else { self.missing() }.min(bytes.len());
        let (own, behind) = bytes.split_at(length);
        if header > 0 {
            self.header[self.collected..self.collected + length].copy_from_slice(own);
        }
        self.collected += length;
        behind
    }

    fn length(self) -> usize {
        let [_, high, middle, low] = self.header;
        u32::from_be_bytes([0, high, middle, low]) as usize
    }

    fn is_too_long(self) -> bool {
        self.collected >= MESSAGE_HEADER && self.length() > MOST
    }

    /// How many bytes of it have to come, at least.
    fn missing(self) -> usize {
        let known = if self.collected < MESSAGE_HEADER { 0 } else { self.length() };
        MESSAGE_HEADER + known - self.collected
    }
}

impl Parts {
    fn new(payload: &[u8], end: usize) -> Self {
        let mut parts = Self { header: [0; MESSAGE_HEADER], collected: 0, end };
        parts.add(payload, end);
        parts
    }

    fn add(&mut self, payload: &[u8], end: usize) {
        let header = &mut self.header[self.collected.min(MESSAGE_HEADER)..];
        let fits = header.len().min(payload.len());
        header[..fits].copy_from_slice(&payload[..fits]);
        self.collected += payload.len();
        self.end = end;
    }

    /// How many bytes of the message are missing, at least; None if it is no ClientHello that stands alone, or one that
    /// is too long.
    fn missing(&self) -> Option<usize> {
        if self.collected == 0 || self.header[0] != CLIENT_HELLO {
            return None;
        }
        if self.collected < MESSAGE_HEADER {
            return Some(MESSAGE_HEADER - self.collected);
        }
        let [_, high, middle, low] = self.header;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if length > MOST { None } else { (MESSAGE_HEADER + length).checked_sub(self.collected) }
    }
}

struct Record<'a> {
    kind: u8,
    payload: &'a [u8],
    end: usize,
}

/// The record that begins at this place, if it is whole and one that the engine takes.
fn record_at(wire: &[u8], at: usize) -> Option<Record<'_>> {
    let rest = wire.get(at..)?;
    let header = rest.first_chunk::<{ layout::HEADER }>()?;
    if !(20..=24).contains(&header[0]) || header[1] != 3 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    let payload = rest.get(layout::HEADER..layout::HEADER + length)?;
    Some(Record { kind: header[0], payload, end: at + layout::HEADER + length })
}

/// Whether `rest` can be the beginning of a record that is not whole.
fn waits_for_record(rest: &[u8]) -> bool {
    !layout::worth_processing(rest)
}

/// The message as the engine is given it.
fn in_records(message: &[u8]) -> Vec<u8> {
    let mut records = Vec::with_capacity(message.len() + 5 * layout::HEADER);
    for part in message.chunks(layout::MAX_PLAIN) {
        records.extend_from_slice(&[HANDSHAKE, 3, 1]);
        records.extend_from_slice(&(part.len() as u16).to_be_bytes());
        records.extend_from_slice(part);
    }
    records
}

/// The ClientHello as the client has sent it, of one that the engine has read.
pub(super) fn as_sent(hello: ClientHello<'_>) -> Box<[u8]> {
    original(hello.raw()).map_or_else(|| hello.raw().into(), Vec::into_boxed_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::traffic::Flow;

    const CCS: &[u8] = &[20, 3, 3, 0, 1, 1];
    const WARNING: &[u8] = &[21, 3, 3, 0, 2, 1, 90];
    const CLOSE: &[u8] = &[21, 3, 3, 0, 2, 1, 0];
    const DATA: &[u8] = &[23, 3, 3, 0, 3, 7, 7, 7];
    const NO_NAME: &[u8] = &[0, 0, 0, 5, 0, 3, 0, 0, 0];
    const KEY: &[u8] = &[0, 45, 0, 2, 1, 1, 0, 41, 0, 3, 1, 2, 3];

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[0, 0, 2, 0x13, 1, 1, 0, 0, extensions.len() as u8]);
        body.extend_from_slice(extensions);
        [&[CLIENT_HELLO, 0, 0, body.len() as u8][..], &body].concat()
    }

    /// The message in records of `size` bytes each.
    fn cut(message: &[u8], size: usize) -> Vec<u8> {
        message
            .chunks(size)
            .flat_map(|part| [&[HANDSHAKE, 3, 1, 0, part.len() as u8][..], part].concat())
            .collect()
    }

    /// Feeds `wire` in pieces of `step` bytes to an engine that uses whole records: what it was given, and what was
    /// left.
    fn fed(plaintext: &mut PlaintextRecords, wire: &[u8], step: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut seen, mut held) = (Vec::new(), Vec::new());
        for piece in wire.chunks(step) {
            held.extend_from_slice(piece);
            let outcome =
                plaintext.receive(&mut held, &mut Vec::new(), &mut |_, _| Flow::More, &mut |wire, _, _| {
                    let mut used = 0;
                    while let Some(record) = record_at(wire, used) {
                        used = record.end;
                    }
                    seen.extend_from_slice(&wire[..used]);
                    Run { used, result: Ok(Standing::Handshaking) }
                });
            outcome.result.unwrap();
            held.drain(..outcome.used);
        }
        (seen, held)
    }

    #[test]
    fn what_is_nothing_special_goes_through_however_it_is_cut() {
        for size in [1, 3, 200] {
            let hello = cut(&hello(KEY), size);
            let wire = [WARNING, CCS, &hello, DATA, CCS, &cut(&[CLIENT_HELLO, 0, 0, 0], 1), DATA].concat();
            for step in [1, 2, 5, 6, 7, 11, 1000] {
                let given = fed(&mut PlaintextRecords::server(true), &wire, step);
                assert_eq!(given, (wire.clone(), Vec::new()), "{size} {step}");
                assert_eq!(fed(&mut PlaintextRecords::client(), &wire, step).0, wire);
            }
        }
    }

    /// How often an engine is entered that uses what it is given, with `wire` in pieces of `step` bytes.
    fn runs(plaintext: &mut PlaintextRecords, wire: &[u8], step: usize) -> usize {
        let (mut runs, mut held) = (0, Vec::new());
        for piece in wire.chunks(step) {
            held.extend_from_slice(piece);
            let outcome =
                plaintext.receive(&mut held, &mut Vec::new(), &mut |_, _| Flow::More, &mut |wire, _, _| {
                    runs += 1;
                    Run { used: wire.len(), result: Ok(Standing::Handshaking) }
                });
            held.drain(..outcome.used);
        }
        runs
    }

    #[test]
    fn the_engine_is_entered_when_a_message_is_whole_however_it_is_cut() {
        let message = |kind: u8, length: u16| {
            let [high, low] = length.to_be_bytes();
            [&[kind, 0, high, low][..], &vec![kind; length.into()]].concat()
        };
        let (first, second, empty) = (message(2, 80), message(11, 700), message(14, 0));
        let flight = [&first[..], &second, &empty].concat();
        for step in [1, 6, 7, 100, 5000] {
            for size in [1, 2, 3] {
                assert_eq!(
                    runs(&mut PlaintextRecords::client(), &cut(&first, size), step),
                    1,
                    "{size} {step}"
                );
            }
            let most = if step < 100 { 3 } else { 8 };
            assert!(runs(&mut PlaintextRecords::client(), &cut(&flight, 1), step) <= most, "{step}");
            // What ends one message and begins the next one is given at once.
            assert!(runs(&mut PlaintextRecords::client(), &cut(&flight, 60), step) <= 3, "{step}");
        }
        // What is no part of a message, and what is too long for one, is not kept back.
        let begun = &cut(&first, 1)[..5 * 6];
        for other in [WARNING, CCS, &[HANDSHAKE, 3, 3, 0, 0], b"GET", DATA] {
            assert_eq!(runs(&mut PlaintextRecords::client(), &[begun, other].concat(), 1000), 1, "{other:?}");
        }
        assert_eq!(runs(&mut PlaintextRecords::client(), &cut(&[11, 1, 0, 0], 1), 6), 1);
        // Behind a ChangeCipherSpec messages are encrypted.
        assert_eq!(
            runs(&mut PlaintextRecords::client(), &[CCS, &cut(&first, 1)].concat(), 6),
            1 + first.len()
        );
    }

    #[test]
    fn the_finished_of_a_resumed_session_is_no_hello_however_its_ciphertext_begins() {
        for header in [[CLIENT_HELLO, 0, 0, 41], [CLIENT_HELLO, 0, 0xff, 0xff], [CLIENT_HELLO, 0, 0, 1]] {
            for hello in [hello(KEY), hello(&[])] {
                let finished = [&header[..], &[0x5a; 36]].concat();
                let wire = [&cut(&hello, 200), CCS, &cut(&finished, 200)].concat();
                for step in [1, 7, 1000] {
                    assert_eq!(
                        fed(&mut PlaintextRecords::server(true), &wire, step),
                        (wire.clone(), Vec::new())
                    );
                }
            }
        }
    }

    #[test]
    fn hellos_are_retold_however_they_are_cut() {
        let early: &[u8] = &[0, 42, 0, 0];
        for size in [1, 3, 200] {
            let (first, second) =
                (hello(&[NO_NAME, early, KEY].concat()), hello(&[NO_NAME, &KEY[..6]].concat()));
            let wire = [CCS, &cut(&first, size), DATA, CCS, &cut(&second, size), DATA].concat();
            let hide = Changes { hide_name: true, add_unknown_key: false };
            let first = retold(ClientHello::new(&first), hide).unwrap();
            let second =
                retold(ClientHello::new(&second), Changes { add_unknown_key: true, ..hide }).unwrap();
            let told = [CCS, &in_records(&first), DATA, CCS, &in_records(&second), DATA].concat();
            for step in [1, 2, 5, 6, 7, 11, 1000] {
                let mut plaintext = PlaintextRecords::server(true);
                assert_eq!(fed(&mut plaintext, &wire, step), (told.clone(), Vec::new()), "{size} {step}");
                assert!(plaintext.hid_name() && !plaintext.is_closed());
            }
            // A strict server sees the names itself.
            assert_eq!(fed(&mut PlaintextRecords::server(false), &wire, 1000).0[..80], wire[..80]);
        }
    }

    #[test]
    fn a_close_ends_it_wherever_it_stands_unprotected() {
        let hello = cut(&hello(KEY), 20);
        for front in [&[][..], CCS, WARNING, &hello[..25], &hello] {
            let wire = [front, CLOSE, b"QUIT"].concat();
            for step in [1, 3, 1000] {
                for mut plaintext in [PlaintextRecords::server(true), PlaintextRecords::client()] {
                    let (_, held) = fed(&mut plaintext, &wire, step);
                    assert!(plaintext.is_closed());
                    assert_eq!(held, b"QUIT");
                }
            }
        }
        let mut plaintext = PlaintextRecords::client();
        fed(&mut plaintext, &[DATA, CLOSE].concat(), 1);
        assert!(!plaintext.is_closed(), "behind protected records it is nobody's");
    }

    /// A close_notify that anybody could have written ends no early data that the engine has read.
    #[test]
    fn a_close_behind_early_data_is_none_unless_it_was_skipped() {
        let hello = cut(&hello(&[&[0, 42, 0, 0][..], KEY].concat()), 200);
        let wire = [&hello[..], DATA, CLOSE].concat();
        let mut retry = vec![22, 3, 3, 0, 56, 2, 0, 0, 52, 3, 3];
        retry.extend_from_slice(&[
            0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
            0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
        ]);
        let mut flight = retry.clone();
        flight[20] ^= 1;
        for (said, closes) in [(retry, true), (flight, false)] {
            for step in [1, 7, 1000] {
                let (mut plaintext, mut held, mut out) =
                    (PlaintextRecords::server(true), Vec::new(), Vec::new());
                for piece in wire.chunks(step) {
                    held.extend_from_slice(piece);
                    let outcome = plaintext.receive(
                        &mut held,
                        &mut out,
                        &mut |_, _| Flow::More,
                        &mut |wire, out, _| {
                            let mut used = 0;
                            while let Some(record) = record_at(wire, used) {
                                used = record.end;
                            }
                            if used > 0 && out.is_empty() {
                                out.extend_from_slice(&said);
                            }
                            Run { used, result: Ok(Standing::Handshaking) }
                        },
                    );
                    held.drain(..outcome.used);
                }
                assert_eq!(plaintext.is_closed(), closes, "{step}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_engine() {
        let whole = cut(&hello(NO_NAME), 200);
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut wire = whole.clone();
                wire[at] = byte;
                let mut plaintext = PlaintextRecords::server(true);
                let (seen, held) = fed(&mut plaintext, &wire, 7);
                assert!(seen.len() + held.len() >= wire.len(), "{byte} at {at}");
                if !plaintext.hid_name() {
                    assert_eq!([seen, held].concat(), wire, "{byte} at {at}");
                }
            }
        }
    }
}
