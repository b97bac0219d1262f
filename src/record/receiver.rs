//! The records of a peer, and what they ask for.

use std::ops::Range;

use super::cipher::Secret;
use super::content::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT};
use super::fault::{Fault, Malformed};
use super::flood::Flood;
use super::layout::HEADER;
use super::messages::Messages;
use super::protection::{Opened, Protection};
use super::sender::NO_RENEGOTIATION;
use super::traffic::{Flow, KeySchedule, Outcome, PlainMemory, PlainSink, Straight};
use crate::failure::Failure;
use crate::numbers::MAX_PAYLOAD;
use crate::parse::client_hello::ClientHello;
use crate::parse::moved::ReceiverState;

/// Handshake messages (RFC 8446, 4).
const HELLO_REQUEST: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;

/// Header of a handshake message.
const MESSAGE_HEADER: usize = 4;

// Alerts (RFC 8446, 6).
const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// What the receiving direction does to the other one.
pub(super) trait Answering {
    fn with_schedule<R>(&mut self, run: impl FnOnce(&mut dyn KeySchedule) -> R) -> R;

    /// An answer to a KeyUpdate of ours came; `false` if none was to come.
    fn take_answer(&mut self) -> bool;

    /// Has a KeyUpdate of the peer's answered before the next record, one answer for many (RFC 8446, 4.6.3).
    fn answer_update(&mut self) -> Result<(), Failure>;

    /// Has a warning sent.
    fn warn(&mut self, alert: u8);

    /// Has a fatal alert sent; `false` if nothing can follow what was said already.
    fn abort(&mut self, alert: u8) -> bool;
}

pub(super) struct Receiver {
    protection: Protection,
    messages: Messages,
    flood: Flood,
    tickets: u32,
    is_client: bool,
    closed: bool,
    /// The last record was application data, so the next one most likely is.
    in_data: bool,
}

/// A fault of the peer's, or what the engine made of it already.
enum Ending {
    Fault(Fault),
    Failure(Failure),
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Receiver {
    /// For a connection that `tickets` came on.
    pub(super) fn new(secret: Secret, is_client: bool, tickets: u32) -> Self {
        Self {
            protection: Protection::new(secret),
            messages: Messages::default(),
            flood: Flood::after(tickets),
            tickets,
            is_client,
            closed: false,
            in_data: false,
        }
    }

    /// As it stands, but for its secret; None in the midst of a message that is longer than any.
    pub(super) fn state(&self) -> Option<(ReceiverState, &Secret)> {
        let (waiting, opened) = self.messages.place()?;
        let state = ReceiverState {
            flood: self.flood.counts(),
            tickets: self.tickets,
            waiting,
            opened,
            closed: self.closed,
        };
        Some((state, &self.protection.secret))
    }

    /// Goes on where another one stood.
    pub(super) fn from_state(state: &ReceiverState, secret: Secret, is_client: bool) -> Self {
        Self {
            protection: Protection::new(secret),
            messages: Messages::at_place(&state.waiting, state.opened),
            flood: Flood::from_counts(state.flood),
            tickets: state.tickets,
            is_client,
            closed: state.closed,
            in_data: false,
        }
    }

    /// Whether the peer's close_notify was processed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many wire bytes at the front were opened, for a message that is not whole.
    pub(super) fn opened(&self) -> usize {
        self.messages.next_record()
    }

    /// How many tickets came.
    pub(super) fn tickets(&self) -> u32 {
        self.tickets
    }

    /// See [`Protection::rest`].
    pub(super) fn rest(&mut self) {
        self.protection.rest();
    }

    #[cfg(test)]
    pub(super) fn is_at_rest(&self) -> bool {
        self.protection.is_at_rest()
    }

    pub(super) fn into_secret(self) -> Secret {
        self.protection.into_secret()
    }

    /// Opens the records at the front of `wire` where they lie, until none is whole, the sink stops, or the peer closes.
    #[inline]
    pub(super) fn receive(
        &mut self,
        wire: &mut [u8],
        sink: &mut PlainSink<'_>,
        answering: &mut impl Answering,
    ) -> Outcome {
        let mut used = 0;
        let result = self.open_all(wire, &mut used, sink, answering);
        self.messages.move_forward(used);
        match result {
            Ok(()) => Outcome { used, result: Ok(()) },
            Err(ending) => Outcome { used, result: Err(end(ending, answering)) },
        }
    }

    /// See [`super::traffic::Traffic::open_into`].
    pub(super) fn open_into(&mut self, wire: &[u8], memory: &mut dyn PlainMemory) -> Straight {
        let mut done = Straight::default();
        // What a record of TLS 1.3 is can only be seen when it is open, and one with tickets would overwrite memory that it
        // has no bytes for: they come in front of a server's data, if there are any.
        let may_bring_tickets = self.is_client && self.protection.is_tls13() && !self.in_data;
        if self.closed || self.messages.is_waiting() || may_bring_tickets {
            return done;
        }
        while let Ok(Some(end)) = record_end(wire, done.used) {
            let Some(plain) = self.protection.open_into(&wire[done.used..end], memory) else { break };
            done = Straight { used: end, plain: done.plain + plain, records: done.records + 1 };
        }
        if done.records > 0 {
            self.flood.note_application_data();
            self.flood.note_content();
        }
        done
    }

    #[inline]
    fn open_all(
        &mut self,
        wire: &mut [u8],
        used: &mut usize,
        sink: &mut PlainSink<'_>,
        answering: &mut impl Answering,
    ) -> Result<(), Ending> {
        let mut next = self.messages.next_record();
        while !self.closed && next < wire.len() {
            let Some(end) = record_end(wire, next)? else { break };
            let Opened { kind, plain } = self.open(&mut wire[next..end])?;
            let plain = plain.start + next..plain.end + next;
            next = end;
            self.in_data = kind == APPLICATION_DATA;
            if kind == APPLICATION_DATA && !self.messages.is_waiting() {
                *used = end;
                self.flood.note_application_data();
                if plain.is_empty() {
                    self.flood.note_empty()?;
                    continue;
                }
                self.flood.note_content();
                if sink(plain.clone(), &wire[plain]) == Flow::Stop {
                    break;
                }
            } else {
                self.control(kind, wire, plain, end, answering)?;
                if !self.messages.is_waiting() {
                    *used = end;
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn open(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        // It is never protected (RFC 8446, 5; RFC 5246, 7.1).
        if record[0] == CHANGE_CIPHER_SPEC && !self.messages.is_waiting() {
            return Ok(Opened { kind: CHANGE_CIPHER_SPEC, plain: HEADER..record.len() });
        }
        self.protection.open(record)
    }

    /// All but application data.
    #[cold]
    fn control(
        &mut self,
        kind: u8,
        wire: &mut [u8],
        plain: Range<usize>,
        end: usize,
        answering: &mut impl Answering,
    ) -> Result<(), Ending> {
        if self.messages.is_waiting() && kind != HANDSHAKE {
            return Err(Fault::Interleaved.into());
        }
        if plain.is_empty() {
            self.flood.note_empty()?;
        } else if kind == HANDSHAKE {
            self.flood.note_content();
        }
        match kind {
            HANDSHAKE => {
                self.messages.add(wire, plain, end)?;
                while let Some((message, more)) = self.messages.next(wire) {
                    self.message(&wire[message], more, answering)?;
                }
                Ok(())
            }
            ALERT => self.alert(&wire[plain]).map_err(Ending::Fault),
            CHANGE_CIPHER_SPEC => Err(match wire[plain] {
                [1] => Fault::UnexpectedRecord(kind, self.expected_records()),
                [1, ..] => Fault::MalformedChangeCipherSpec(Malformed::TooLong),
                _ => Fault::MalformedChangeCipherSpec(Malformed::Value),
            }
            .into()),
            HEARTBEAT.. | 0..CHANGE_CIPHER_SPEC | APPLICATION_DATA => Err(Fault::ContentType.into()),
        }
    }

    fn expected_records(&self) -> &'static [u8] {
        if self.protection.is_tls13() { &[APPLICATION_DATA, HANDSHAKE] } else { &[APPLICATION_DATA] }
    }

    /// RFC 8446, 6; RFC 5246, 7.2.
    fn alert(&mut self, content: &[u8]) -> Result<(), Fault> {
        let (level, alert) = match *content {
            [] => return Err(Fault::NoContent),
            [level, alert] => (level, alert),
            [_] => return Err(Fault::MalformedAlert(Malformed::TooShort)),
            _ => return Err(Fault::MalformedAlert(Malformed::TooLong)),
        };
        match (level, alert) {
            (WARNING | FATAL, CLOSE_NOTIFY) => {
                self.closed = true;
                Ok(())
            }
            (WARNING, _) => {
                self.flood.note_warning()?;
                if self.protection.is_tls13() && alert != USER_CANCELED {
                    return Err(Fault::Warning(alert));
                }
                Ok(())
            }
            (FATAL, _) => Err(Fault::Alert(alert)),
            _ => Err(Fault::AlertLevel(level, alert)),
        }
    }

    /// A whole message, with its header; `more` says whether other ones follow it in the same records.
    fn message(&mut self, message: &[u8], more: bool, answering: &mut impl Answering) -> Result<(), Ending> {
        let (kind, payload) = (message[0], &message[MESSAGE_HEADER..]);
        if !self.protection.is_tls13() {
            return self.renegotiation(kind, message, answering);
        }
        match kind {
            KEY_UPDATE => self.key_update(payload, more, answering),
            NEW_SESSION_TICKET if self.is_client => {
                self.flood.note_message()?;
                let kept = answering.with_schedule(|schedule| schedule.keep_ticket(payload));
                let kept = kept.map_err(Ending::Failure)?;
                self.tickets = self.tickets.saturating_add(kept.into());
                Ok(())
            }
            _ => {
                let expected: &[u8] =
                    if self.is_client { &[NEW_SESSION_TICKET, KEY_UPDATE] } else { &[KEY_UPDATE] };
                Err(Fault::UnexpectedMessage(kind, expected).into())
            }
        }
    }

    /// RFC 8446, 4.6.3.
    fn key_update(
        &mut self,
        payload: &[u8],
        more: bool,
        answering: &mut impl Answering,
    ) -> Result<(), Ending> {
        let request = match *payload {
            [request] => request,
            [] => return Err(Fault::MalformedKeyUpdate(Malformed::TooShort).into()),
            _ => return Err(Fault::MalformedKeyUpdate(Malformed::TooLong).into()),
        };
        // An answer to ours is no flood, whoever asks for many.
        let is_answer = request == 0 && answering.take_answer();
        if !is_answer {
            self.flood.note_message()?;
        }
        // The keys change where a record ends (RFC 8446, 5.1).
        if more {
            return Err(Fault::KeyChangeInsideMessage.into());
        }
        if request > 1 {
            return Err(Fault::MalformedKeyUpdate(Malformed::Value).into());
        }
        if request == 1 {
            answering.answer_update().map_err(Ending::Failure)?;
        }
        let next = answering.with_schedule(|schedule| Secret::next(schedule, true));
        let next = next.map_err(Ending::Failure)?;
        self.protection = Protection::new(next);
        Ok(())
    }

    /// TLS 1.2 has no other messages after the handshake, and this one is refused (RFC 5246, 7.4.1.1 and 7.2.2).
    fn renegotiation(
        &mut self,
        kind: u8,
        message: &[u8],
        answering: &mut impl Answering,
    ) -> Result<(), Ending> {
        match (self.is_client, kind) {
            (true, HELLO_REQUEST) => {}
            (false, CLIENT_HELLO) if ClientHello::new(message).is_well_formed() => {}
            (false, CLIENT_HELLO) => return Err(Fault::MalformedHello.into()),
            _ => return Err(Fault::UnexpectedRecord(HANDSHAKE, self.expected_records()).into()),
        }
        self.flood.note_renegotiation()?;
        answering.warn(NO_RENEGOTIATION);
        Ok(())
    }
}

/// Lets the peer know of what has ended the connection, if it can be told.
#[cold]
fn end(ending: Ending, answering: &mut impl Answering) -> Failure {
    let failure = match ending {
        Ending::Fault(fault) => answering.with_schedule(|schedule| schedule.explain(fault)),
        Ending::Failure(failure) => failure,
    };
    let alert_sent = failure.alert_sent.filter(|&alert| answering.abort(alert));
    Failure { alert_sent, ..failure }
}

/// Where the record that begins at `start` ends, if it is whole.
#[inline]
fn record_end(wire: &[u8], start: usize) -> Result<Option<usize>, Fault> {
    let record = wire.get(start..).unwrap_or_default();
    match *record {
        [] => Ok(None),
        [kind, ..] if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) => Err(Fault::ContentType),
        [_, major, _, ..] if major != 3 => Err(Fault::Version),
        [kind, _, _, high, low, ref payload @ ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length == 0 && kind != APPLICATION_DATA {
                return Err(Fault::NoPayload);
            }
            if length > MAX_PAYLOAD {
                return Err(Fault::TooLong);
            }
            Ok((payload.len() >= length).then_some(start + HEADER + length))
        }
        _ => Ok(None),
    }
}
