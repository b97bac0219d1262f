//! Two halves of one connection, for two threads.
//!
//! Each half is a connection of its own to the host: a handle, a check for a second thread, an end. What one
//! must know of the other is in a [`Link`]; what the engine shares is behind a lock of the engine's.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::half::{Direction, Half, Link};
use super::phase::Phase;
use super::{Answer, Connection, Counters};
use crate::failure::Failure;
use crate::numbers::OUTBOUND_RESERVE;
use crate::record::traffic::TrafficHalves;
use crate::status::*;

impl Connection {
    /// Takes the sending half out of the connection, which is the receiving half from now on.
    pub(crate) fn split(&mut self) -> Result<Self, Failure> {
        self.check_splittable()?;
        let early_waits = self.early().is_some_and(|early| !early.waiting().is_empty());
        if early_waits {
            return Err(Failure::new(
                TLS_ERR_STATE,
                0,
                "early data waits: read it first (tls_early_read_into)",
            ));
        }
        // A half is told to rest when it wakes, as every connection is.
        self.phase.rest();
        let split = self.phase.take_traffic().and_then(|traffic| traffic.split());
        let TrafficHalves { receiving, sending } = match split {
            Ok(halves) => halves,
            Err(failure) => {
                self.fail(failure.clone());
                return Err(failure);
            }
        };
        self.phase = Phase::Receiving(receiving);
        let link = Arc::new(Link::default());
        let version = self.phase.facts().version;
        let half = |direction| Half { direction, version, link: Arc::clone(&link) };

        let mut sending = Self::new(Arc::clone(&self.shared), Phase::Sending(sending));
        sending.outbound = std::mem::take(&mut self.outbound);
        sending.we_closed = std::mem::take(&mut self.we_closed);
        let Counters { wire_in, wire_out, plain_in, plain_out, records_in, records_out } = self.counters;
        sending.counters = Counters { wire_out, plain_out, records_out, ..Counters::default() };
        self.counters = Counters { wire_in, plain_in, records_in, ..Counters::default() };
        let kept = self.cold.as_mut().and_then(|cold| cold.sending.take());
        let cold = sending.cold.get_or_insert_default();
        cold.sending = kept;
        cold.half = Some(half(Direction::Sending));
        self.cold.get_or_insert_default().half = Some(half(Direction::Receiving));
        if sending.we_closed {
            sending.note_half_closed();
        }
        Ok(sending)
    }

    /// Whether the connection can be taken apart now.
    pub(crate) fn check_splittable(&self) -> Result<(), Failure> {
        let not_now = |why: &str| Err(Failure::new(TLS_ERR_STATE, 0, why));
        if let Some(failure) = self.failure() {
            return Err(failure.clone());
        }
        if self.half().is_some() {
            return not_now("this is a half of a connection already");
        }
        if self.is_handed_over() {
            return not_now("the traffic secrets were taken");
        }
        if self.phase.is_handshaking() {
            return not_now("the handshake is not done");
        }
        Ok(())
    }

    pub(super) fn half(&self) -> Option<&Half> {
        self.cold.as_ref()?.half.as_ref()
    }

    pub(super) fn note_half_closed(&self) {
        if let Some(half) = self.half() {
            half.note_closed();
        }
    }

    /// What every call does first that moves bytes or says where the connection stands.
    #[inline]
    pub(super) fn begin(&mut self) -> Answer<()> {
        if self.cold.is_some() {
            self.look_at_other_half();
        }
        self.check_alive()
    }

    /// Takes over what the receiving half left here for the peer, and its fatal error.
    fn look_at_other_half(&mut self) {
        let Some(half) = self.half().filter(|half| half.sends()) else { return };
        // The failure before the alert: the alert was left here before the failure was told.
        let failure = if !self.has_failed() { half.link.failure.get().cloned() } else { None };
        let has_room = self.committed() + OUTBOUND_RESERVE <= self.shared.limits.outbound;
        let owed = (failure.is_some() || has_room) && half.link.owed.swap(false, Ordering::AcqRel);
        let Self { phase, outbound, shared, we_closed, .. } = self;
        // Nothing follows our close_notify.
        if let (Phase::Sending(sending), true, false) = (phase, owed || failure.is_some(), *we_closed) {
            outbound.with_rare_appender(&shared.pool, |out| sending.flush(out));
        }
        if let Some(failure) = failure {
            self.cold.get_or_insert_default().failure = Some(failure);
        }
    }

    /// The failure that counts if a call on this half failed with `failure`: the receiving half's fatal alert
    /// stands in the way of anything that follows it, and its reason is told a few instructions later.
    pub(super) fn first_failure(&self, failure: Failure) -> (Failure, bool) {
        let is_over = matches!(&self.phase, Phase::Sending(sending) if sending.is_over());
        let Some(half) = self.half().filter(|_| !self.we_closed && is_over) else {
            return (failure, false);
        };
        loop {
            // In this order: the last thing that a half does is to say that it is over.
            let over = half.link.receiver_over.load(Ordering::Acquire);
            match half.link.failure.get() {
                Some(first) => return (first.clone(), true),
                None if over => return (failure, false),
                None => std::thread::yield_now(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::context::accept_asking;

    /// . What the reserve is kept for is so small that calls of a host hardly fill it.
    #[test]
    fn what_a_half_owes_waits_for_room() {
        let mut sending = accept_asking();
        let link = Arc::new(Link::default());
        let half = |direction| Half { direction, version: 0, link: Arc::clone(&link) };
        let receiving = half(Direction::Receiving);
        sending.cold.get_or_insert_default().half = Some(half(Direction::Sending));
        let limit = sending.shared.limits.outbound;
        let queued = limit - OUTBOUND_RESERVE + 1;
        let shared = Arc::clone(&sending.shared);
        sending.outbound.appender(queued, &shared.pool).resize(queued, 0);

        receiving.note_owed();
        assert_eq!(sending.begin(), Ok(()));
        assert!(receiving.wakes_sender(), "taken over without room");
        sending.outbound.consume(1, &shared.pool);
        assert_eq!(sending.begin(), Ok(()));
        assert!(!receiving.wakes_sender());
    }

    /// The end of the receiving half is told whether there is room or not.
    #[test]
    fn a_failure_does_not_wait_for_room() {
        let mut sending = accept_asking();
        let link = Arc::new(Link::default());
        let half = |direction| Half { direction, version: 0, link: Arc::clone(&link) };
        sending.cold.get_or_insert_default().half = Some(half(Direction::Sending));
        let (shared, limit) = (Arc::clone(&sending.shared), sending.shared.limits.outbound);
        sending.outbound.appender(limit, &shared.pool).resize(limit, 0);
        let receiving = half(Direction::Receiving);
        receiving.publish(&mut Failure::peer(TLS_REASON_VIOLATION, "for this test"));
        assert_eq!(sending.begin(), Err(TLS_ERR_PEER));
        assert!(!receiving.wakes_sender());
    }
}
