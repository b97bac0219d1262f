//! The engine is run over wire bytes: all calls move a connection on through here.

use super::flights::in_records;
use super::noting::Before;
use super::phase::Phase;
use super::run::Run;
use super::{Answer, Connection, USUAL_FLIGHT};
use crate::engine::{Observed, Settled, observe, own_records};
use crate::failure::Failure;
use crate::record::layout;
use crate::record::own::Own;
use crate::record::traffic::{Flow, Outcome, PlainSink, Traffic};
use crate::status::*;

impl Connection {
    /// Runs the engine over the wire bytes that were fed, up to the first plain bytes, which stay
    /// in the inbound buffer for the host.
    pub(super) fn process_fed(&mut self) -> Answer<()> {
        self.begin()?;
        if self.has_nothing_to_process() || self.inbound.has_plain() {
            return Ok(());
        }
        let mut waiting = None;
        let used = self.drive_fed(&mut |at, _| {
            waiting = Some(at);
            Flow::Stop
        })?;
        self.counters.records_in += u64::from(waiting.is_some());
        self.inbound.processed(used, waiting);
        self.inbound.release_if_idle(&self.shared.pool);
        Ok(())
    }

    /// An established connection moves by wire bytes alone.
    #[inline]
    pub(super) fn has_nothing_to_process(&self) -> bool {
        matches!(self.phase, Phase::Own(_)) && self.inbound.holds_no_buffer()
    }

    /// Runs the engine over the wire bytes that were fed, and says how many of them are done with.
    pub(super) fn drive_fed(&mut self, sink: &mut PlainSink<'_>) -> Answer<usize> {
        if !layout::worth_processing(self.inbound.wire())
            && !self.handshake_exceeds_budget()
            && self.phase.held_up().is_none()
        {
            return Ok(0);
        }
        let before = self.counters.wire_in - self.inbound.len() as u64;
        let mut shown = self.inbound.shown();
        let mut inbound = std::mem::take(&mut self.inbound);
        // The engine never sees less than it saw before.
        let result = match inbound.wire_mut() {
            wire if wire.len() < shown => Ok(0),
            wire => self.drive(wire, before, &mut shown, sink),
        };
        self.inbound = inbound;
        self.inbound.note_shown(shown);
        // Even of what the engine did not use up: messages that are not whole are decrypted where they lie.
        self.inbound.touched_all();
        let used = match result {
            Ok(used) => used,
            Err(status) => {
                if self.has_failed() {
                    self.inbound.release(&self.shared.pool);
                }
                return Err(status);
            }
        };
        let is_full = self.inbound.len() >= self.shared.limits.inbound;
        // Who waits for a place has not looked at them.
        if used == 0 && is_full && self.expects_wire() && self.phase.held_up().is_none() {
            let held = self.inbound.len();
            self.inbound.release(&self.shared.pool);
            let what = format!(
                "a handshake message of the peer does not fit into the inbound limit of {} bytes",
                self.shared.limits.inbound
            );
            return Err(self.fail_own(Failure::peer(TLS_REASON_HANDSHAKE_TOO_LARGE, what), held));
        }
        Ok(used)
    }

    /// Runs the engine over `wire`, in front of which the peer has sent `before` bytes, and of which the engine was shown
    /// `shown` bytes before, and afterwards: records to their end. Records of our own keep account of that themselves.
    pub(super) fn drive(
        &mut self,
        wire: &mut [u8],
        before: u64,
        shown: &mut usize,
        sink: &mut PlainSink<'_>,
    ) -> Answer<usize> {
        if let Phase::Own(_) = &self.phase {
            *shown = 0;
            return self.drive_own(wire, sink);
        }
        let mut run = Run::new(wire, *shown, sink);
        let (budget, end) = (self.within_budget(before), run.length());
        let result = if self.phase.is_handshaking() && budget < end {
            self.run_to_budget(&mut run, budget)
        } else {
            self.run(&mut run, end)
        };
        *shown = if self.phase.opened().is_some() { 0 } else { run.shown() };
        result.map(|()| run.used())
    }

    /// Records of our own take one call for all of `wire`, and nothing goes on after them.
    #[inline]
    fn drive_own(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Answer<usize> {
        if self.shared.events != 0 {
            return self.drive_own_observed(wire, sink);
        }
        let Self { phase: Phase::Own(own), outbound, shared, .. } = self else { return Ok(0) };
        let receive = |out: &mut Vec<u8>| own.receive(wire, out, sink);
        let Outcome { used, result } = outbound.with_rare_appender(&shared.pool, receive);
        // Application data leaves nothing to look at.
        if result.is_err() || !self.outbound.holds_no_buffer() {
            self.conclude(result, None, None, wire)?;
        }
        Ok(used)
    }

    /// The same where the host wants to know of what happens.
    fn drive_own_observed(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Answer<usize> {
        let (before, wants) = (self.observe(), self.wants());
        let Self { phase, outbound, shared, .. } = self;
        let receive = |out: &mut Vec<u8>| observe(wants, || phase.receive(wire, out, sink));
        let (Outcome { used, result }, observed) = outbound.with_rare_appender(&shared.pool, receive);
        self.conclude(result, observed, before, wire)?;
        Ok(used)
    }

    /// What follows every call of the engine: what it has shown is noted, and what it has left for the peer is held
    /// against the limit.
    #[inline(never)]
    fn conclude(
        &mut self,
        result: Result<(), Failure>,
        observed: Option<Observed>,
        before: Option<Before>,
        wire: &[u8],
    ) -> Answer<()> {
        self.note_observed(observed);
        self.note_since(before);
        if let Err(failure) = result {
            return Err(self.fail(explain_foreign_protocol(failure, wire)));
        }
        let limit = self.shared.limits.outbound;
        if self.committed() > limit {
            return Err(self.fail(Failure::peer(
                TLS_REASON_OWES_TOO_MUCH,
                format!("the peer made this side owe it more than the outbound limit of {limit} bytes"),
            )));
        }
        Ok(())
    }

    /// One call of the engine, over the wire bytes of the run up to `end`; whether another form of it goes on. What lies
    /// behind `end` the engine has not seen.
    fn receive(&mut self, run: &mut Run<'_, '_>, end: usize) -> Answer<bool> {
        let pool = &self.shared.pool;
        let limit = self.shared.limits.outbound;
        let before = self.observe();
        let wants = self.wants();
        let first = run.used();
        let (result, observed) = if self.phase.is_handshaking() {
            if self.committed() + self.shared.flight_bound > limit {
                // What a cork keeps of data before the client's Finished can be drained too.
                self.seal_held()?;
                return Err(TLS_WANT_DRAIN);
            }
            let out = self.outbound.appender(USUAL_FLIGHT, pool);
            in_records(self.shared.sizing.most, out, |out| {
                observe(wants, || run.step(end, |wire, sink| self.phase.receive(wire, out, sink)))
            })
        } else {
            let phase = &mut self.phase;
            self.outbound.with_rare_appender(pool, |out| {
                observe(wants, || run.step(end, |wire, sink| phase.receive(wire, out, sink)))
            })
        };
        self.outbound.release_if_empty(pool);
        if let (Phase::Receiving(receiving), Some(cold)) = (&mut self.phase, &self.cold) {
            if let (true, Some(half)) = (receiving.take_owed(), &cold.half) {
                half.note_owed();
            }
        }
        // What a handshake has come to is told, also where it failed.
        let settled = self.settle_handshake(run.rest(end));
        self.conclude(result, observed, before, run.between(first, end))?;
        Ok(self.settle(run.rest(end))? || settled)
    }

    /// Whether wire bytes can move the connection on.
    pub(super) fn expects_wire(&self) -> bool {
        self.phase.question().is_none() && !self.phase.peer_closed()
    }

    /// Moves the run on, over its wire bytes up to `end`, until the engine can do nothing more with them or the
    /// sink stops. One call of the engine need not be enough: a step that was run for the host ends where its
    /// bytes ended, and after the handshake another form goes on.
    pub(super) fn run(&mut self, run: &mut Run<'_, '_>, end: usize) -> Answer<()> {
        let mut is_first = true;
        while !run.has_stopped()
            && self.expects_wire()
            && (is_first || layout::worth_processing(run.rest(end)))
        {
            let before = run.used();
            let reach = self.show(run, end, is_first);
            let settled = match self.receive(run, reach) {
                Ok(settled) => settled,
                // What was done counts; why it does not go on is what the next call says.
                Err(_) if !self.has_failed() && before > 0 => break,
                Err(status) => return Err(status),
            };
            let has_ended = run.used() == before && !settled && reach == end;
            // Who waits for a place is shown nothing more: it may be the last step that waits.
            if has_ended || self.phase.held_up().is_some() {
                break;
            }
            is_first = false;
        }
        Ok(())
    }

    /// Up to where the engine sees in its next call: in a handshake one record farther than before. What follows the last
    /// one is for whoever carries the traffic, which counts from its beginning what a peer may do without anything
    /// coming of it, however the bytes were cut. So a run begins with what was shown before, if not all of it was used:
    /// since then the host may have answered a question, and it may be the end of the handshake.
    fn show(&self, run: &mut Run<'_, '_>, end: usize, is_first: bool) -> usize {
        if !own_records() || !self.phase.is_handshaking() {
            run.show_all(end)
        } else if is_first && run.used() < run.shown() {
            run.shown().min(end)
        } else {
            run.show_record(end)
        }
    }

    /// Goes on with what carries the traffic, if the handshake is done, or with another form of either; whether there was
    /// one. `rest` is what was not used of the wire bytes.
    pub(super) fn settle(&mut self, rest: &[u8]) -> Answer<bool> {
        let is_other = self.phase.is_handshaking() && self.settle_handshake(rest);
        match &self.phase {
            // After our close_notify nothing is to be gained.
            Phase::Traffic(traffic) if traffic.can_settle(rest) && !self.we_closed => {}
            _ => return Ok(is_other),
        }
        let traffic = self.phase.take_engines();
        let Self { outbound, shared, .. } = self;
        let start =
            traffic.and_then(|traffic| outbound.with_rare_appender(&shared.pool, |out| traffic.settle(out)));
        let own = start.and_then(Own::new).map_err(|failure| self.fail(failure))?;
        self.phase = Phase::Own(Box::new(own));
        Ok(true)
    }

    /// The same of a handshake, which may have failed.
    pub(super) fn settle_handshake(&mut self, rest: &[u8]) -> bool {
        let Self { phase, outbound, shared, .. } = self;
        let handshake = match phase.take() {
            Phase::Handshake(handshake) => handshake,
            other => {
                *phase = other;
                return false;
            }
        };
        let settled = outbound.with_rare_appender(&shared.pool, |out| handshake.settle(rest, out));
        let (phase, is_other) = match settled {
            Settled::Same(handshake) => (Phase::Handshake(handshake), false),
            Settled::Other(handshake) => (Phase::Handshake(handshake), true),
            Settled::Done(traffic, early) => {
                if early.is_some() {
                    self.cold.get_or_insert_default().early = early;
                }
                (Phase::Traffic(traffic), true)
            }
        };
        self.phase = phase;
        is_other
    }
}

/// Bytes that are not TLS are most often HTTP sent to the wrong port, or an answer in HTTP: the
/// person who reads the message is helped by that.
fn explain_foreign_protocol(failure: Failure, wire: &[u8]) -> Failure {
    const HTTP: [&[u8]; 8] =
        [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"HTTP/"];
    if failure.reason == TLS_REASON_NOT_TLS && HTTP.iter().any(|start| wire.starts_with(start)) {
        Failure { message: "the peer speaks HTTP without TLS on this connection".into(), ..failure }
    } else {
        failure
    }
}
