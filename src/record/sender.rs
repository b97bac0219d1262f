//! The records of this side.

use super::cipher::{Form, Secret};
use super::content::{ALERT, APPLICATION_DATA, HANDSHAKE};
use super::fault::Fault;
use super::layout::MAX_PLAIN;
use super::pieces::Pieces;
use super::protection::{Exhausted, Protection, SOFT_LIMIT};
use super::sizing::{PADDED_PLAIN, Sizing, inner_length};
use super::traffic::KeySchedule;
use crate::failure::Failure;
use crate::parse::moved::SenderState;
use crate::uninitialised::{Unfilled, append};

// Alerts (RFC 8446, 6).
const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
pub(super) const NO_RENEGOTIATION: u8 = 100;

/// KeyUpdates that ask for one, and that do not (RFC 8446, 4.6.3).
const REQUEST: [u8; 5] = [24, 0, 0, 1, 1];
const ANSWER: [u8; 5] = [24, 0, 0, 1, 0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Our close_notify was sealed.
    Closed,
    /// A fatal alert was.
    Aborted,
}

pub(super) struct Sender {
    protection: Protection,
    /// Records that leave in front of the next one.
    queued: Vec<u8>,
    /// Whether an answer to a KeyUpdate of the peer's is among them.
    answered: bool,
    /// A KeyUpdate of ours was not answered yet.
    outstanding: bool,
    /// How many were not.
    unanswered: u8,
    state: State,
}

impl Sender {
    /// The peer has not answered so many KeyUpdates of ours.
    pub(super) fn new(secret: Secret, unanswered: u8) -> Self {
        Self {
            protection: Protection::new(secret),
            queued: Vec::new(),
            answered: false,
            outstanding: unanswered > 0,
            unanswered,
            state: State::Open,
        }
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

    /// As it stands, but for its secret.
    pub(super) fn state(&self) -> (SenderState<'_>, &Secret) {
        let Self { protection, queued, answered, outstanding, unanswered, state } = self;
        let state = SenderState {
            queued,
            answered: *answered,
            outstanding: *outstanding,
            unanswered: *unanswered,
            closed: *state != State::Open,
        };
        (state, &protection.secret)
    }

    /// Goes on where another one stood.
    pub(super) fn from_state(state: &SenderState<'_>, secret: Secret) -> Self {
        Self {
            protection: Protection::new(secret),
            queued: state.queued.to_vec(),
            answered: state.answered,
            outstanding: state.outstanding,
            unanswered: state.unanswered,
            state: if state.closed { State::Closed } else { State::Open },
        }
    }

    /// Whether nothing can follow.
    pub(super) fn is_over(&self) -> bool {
        self.state != State::Open
    }

    /// Moves what is queued to `out`.
    #[inline]
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.queued.is_empty() {
            out.append(&mut self.queued);
            self.queued = Vec::new();
        }
        self.answered = false;
    }

    /// Seals the pieces of `plain`, as if they were one, into records, each of which is padded to a multiple of `block`
    /// if that is not 0.
    pub(super) fn write(
        &mut self,
        plain: &[&[u8]],
        block: usize,
        schedule: &mut dyn KeySchedule,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.flush(out);
        if self.state != State::Open {
            return Err(schedule.explain(Fault::SendingClosed));
        }
        let mut left = plain.iter().map(|piece| piece.len()).sum::<usize>();
        let most = if block == 0 { MAX_PLAIN } else { PADDED_PLAIN };
        let records = left.div_ceil(most);
        self.check_limit(records, schedule, out)?;
        // Before the first nonce is used: nothing of what follows can fail for memory.
        out.reserve(self.bound(left, records, block));
        let mut plain = Pieces::new(plain);
        while left > 0 {
            if self.is_tls13() && self.protection.secret.sequence + 1 >= self.most_records() {
                self.request_update(schedule, out)?;
            }
            let length = left.min(most);
            let padding = padding(length, block);
            // Only where keys last for a few records there are more KeyUpdates than room was made for.
            out.reserve(self.bound(length, 1, block));
            let sealed =
                append(out, |out| self.protection.seal(APPLICATION_DATA, &mut plain, length, padding, out));
            sealed.map_err(|Exhausted| schedule.explain(Fault::Exhausted))?;
            left -= length;
        }
        Ok(())
    }

    /// Whether so many records can leave with nothing in front of them or in between, an answer or a KeyUpdate.
    #[inline]
    pub(super) fn is_clear_for(&self, records: u64) -> bool {
        let behind = self.protection.secret.sequence.saturating_add(records);
        self.queued.is_empty() && self.state == State::Open && behind < self.most_records()
    }

    /// Seals `length` bytes, which the pieces of `plain` are together, into records cut as `sizing` says. It
    /// [is clear](Self::is_clear_for) for them, and `out` has room for all.
    #[inline(always)]
    pub(super) fn write_clear(
        &mut self,
        plain: &[&[u8]],
        length: usize,
        sizing: &Sizing,
        out: &mut Unfilled<'_>,
    ) -> Result<u64, Exhausted> {
        self.answered = false;
        let (mut plain, mut left, mut records) = (Pieces::new(plain), length, 0);
        // The usual case: one record, with nothing to cut.
        if left <= sizing.next() {
            let padding = padding(left, sizing.block);
            return self.protection.seal(APPLICATION_DATA, &mut plain, left, padding, out).map(|()| 1);
        }
        let mut sizing = *sizing;
        while left > 0 {
            let length = sizing.next().min(left);
            self.protection.seal(APPLICATION_DATA, &mut plain, length, padding(length, sizing.block), out)?;
            sizing = sizing.after(length);
            left -= length;
            records += 1;
        }
        Ok(records)
    }

    /// Asks for new keys in both directions, if that was not asked already; `false` where the version cannot.
    pub(super) fn update_keys(
        &mut self,
        schedule: &mut dyn KeySchedule,
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        if self.state != State::Open {
            self.flush(out);
            return Err(schedule.explain(Fault::SendingClosed));
        }
        if !self.is_tls13() {
            return Ok(false);
        }
        if !self.outstanding {
            self.request_update(schedule, out)?;
        }
        Ok(true)
    }

    /// Seals a close_notify, once, if nothing fatal was said.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Open {
            self.seal_alert(WARNING, CLOSE_NOTIFY, out);
            self.state = State::Closed;
        }
    }

    /// Seals a fatal alert; `false` if nothing can follow what was said already.
    pub(super) fn abort(&mut self, alert: u8, out: &mut Vec<u8>) -> bool {
        if self.state != State::Open {
            return false;
        }
        self.seal_alert(FATAL, alert, out);
        self.state = State::Aborted;
        true
    }

    /// Takes back all records that were ever sealed with this key, if there were as many as `records`; `false`, and nothing is
    /// done, otherwise. None of them has left, and none may leave any more: the next one gets the nonce of the first, which
    /// nobody but this process has seen used.
    pub(super) fn take_back(&mut self, records: u64) -> bool {
        let is_all = self.protection.secret.sequence == records
            && self.queued.is_empty()
            && !self.outstanding
            && self.state == State::Open;
        if is_all {
            self.protection.secret.sequence = 0;
        }
        is_all
    }

    /// Seals a fatal alert under `former` keys, in the place of all that they have sealed, if nothing was said under these. None of
    /// that has left, and none may leave any more: the alert has the nonce of the first record, which nobody but this process
    /// has seen used.
    pub(super) fn abort_before(&mut self, former: Secret, alert: u8, out: &mut Vec<u8>) -> bool {
        let can = self.take_back(0) && Self::new(former, 0).abort(alert, out);
        if can {
            self.state = State::Aborted;
        }
        can
    }

    /// Seals a warning (RFC 5246, 7.2.2).
    pub(super) fn warn(&mut self, alert: u8, out: &mut Vec<u8>) {
        if self.state == State::Open {
            self.seal_alert(WARNING, alert, out);
        }
    }

    /// An answer to a KeyUpdate came; `false` if none was to come.
    pub(super) fn take_answer(&mut self) -> bool {
        self.outstanding = false;
        let is_one = self.unanswered > 0;
        self.unanswered = self.unanswered.saturating_sub(1);
        is_one
    }

    /// Answers a KeyUpdate of the peer's before the next record, one answer for many (RFC 8446, 4.6.3).
    pub(super) fn answer_update(&mut self, schedule: &mut dyn KeySchedule) -> Result<(), Failure> {
        if self.answered || self.state != State::Open {
            return Ok(());
        }
        let mut queued = std::mem::take(&mut self.queued);
        let result = self.update(&ANSWER, schedule, &mut queued);
        self.queued = queued;
        self.answered = true;
        result
    }

    /// The same where `next` is known to follow, and records are not queued.
    pub(super) fn answer_with(&mut self, next: Secret, out: &mut Vec<u8>) {
        if self.state == State::Open && self.protection.seal_behind(HANDSHAKE, &ANSWER, 0, out).is_ok() {
            self.protection = Protection::new(next);
        }
    }

    /// How many KeyUpdates of ours were not answered; they are not counted here any more.
    pub(super) fn take_unanswered(&mut self) -> u8 {
        std::mem::take(&mut self.unanswered)
    }

    fn request_update(&mut self, schedule: &mut dyn KeySchedule, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.flush(out);
        self.update(&REQUEST, schedule, out)?;
        self.outstanding = true;
        self.unanswered = self.unanswered.saturating_add(1);
        Ok(())
    }

    /// Seals a KeyUpdate, and goes on with the key that follows.
    fn update(
        &mut self,
        message: &[u8],
        schedule: &mut dyn KeySchedule,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.protection
            .seal_behind(HANDSHAKE, message, 0, out)
            .map_err(|Exhausted| schedule.explain(Fault::Exhausted))?;
        let next = Secret::next(schedule, false)?;
        self.protection = Protection::new(next);
        Ok(())
    }

    fn seal_alert(&mut self, level: u8, alert: u8, out: &mut Vec<u8>) {
        self.flush(out);
        // Without a nonce left there is no way to say anything.
        let _ = self.protection.seal_behind(ALERT, &[level, alert], 0, out);
    }

    /// TLS 1.2 has no KeyUpdate: before the limit is passed the connection ends (RFC 8446, 5.5, says the same of the keys).
    fn check_limit(
        &mut self,
        records: usize,
        schedule: &mut dyn KeySchedule,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let Some(more) = (records as u64).checked_sub(1) else { return Ok(()) };
        let last = self.protection.secret.sequence.saturating_add(more);
        if last >= self.most_records() && !self.is_tls13() {
            self.close(out);
            return Err(schedule.explain(Fault::Exhausted));
        }
        Ok(())
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.protection.secret.form == Form::Tls13
    }

    fn most_records(&self) -> u64 {
        self.protection.secret.most_records.min(SOFT_LIMIT)
    }

    /// Wire bytes of so many plain ones, at most, with a KeyUpdate.
    fn bound(&self, plain: usize, records: usize, block: usize) -> usize {
        let growth = self.protection.secret.form.growth() + block;
        plain + records * growth + REQUEST.len() + growth
    }
}

/// Zeros behind `length` plain bytes and the content type.
#[inline]
fn padding(length: usize, block: usize) -> usize {
    if block == 0 { 0 } else { inner_length(length, block) - length - 1 }
}
