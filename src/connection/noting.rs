//! What happens on a connection is noted, if its context asked for it.

use std::collections::VecDeque;

use super::Connection;
use super::events::{Event, wants};
use crate::engine::{Observed, StoredSession, Wants, own_records};
use crate::failure::Failure;
use crate::status::*;

/// close_notify (RFC 8446, 6.1).
const CLOSE_NOTIFY: u32 = 0;

/// What a run of the engine can change, as it was before.
pub(super) struct Before {
    handshaking: bool,
    peer_closed: bool,
    tickets: u32,
}

impl Connection {
    /// The oldest event that waits, and how many were lost before it.
    pub(crate) fn next_event(&mut self) -> Option<(Event, u64)> {
        let cold = self.cold.as_mut()?;
        let taken = cold.events.pop();
        if cold.events.is_empty() {
            cold.events.waiting = VecDeque::new();
            if !cold.is_needed() {
                self.cold = None;
            }
        }
        taken
    }

    /// The session that the event tells of that was taken last.
    pub(crate) fn stored_session(&self) -> Option<&StoredSession> {
        self.cold.as_ref()?.events.session.as_deref()
    }

    pub(super) fn has_event(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| !cold.events.is_empty())
    }

    /// What the runs of the engine for this connection have to show.
    pub(super) fn wants(&self) -> Wants {
        let identity = self.phase.is_handshaking();
        let sessions = identity && self.shared.events & TLS_EVENT_SESSION != 0;
        let last_flight = identity && self.is_client() && own_records();
        Wants { identity, sessions, last_flight, ..wants(self.shared.events) }
    }

    /// Notes what a run of the engine has shown.
    #[inline]
    pub(super) fn note_observed(&mut self, observed: Option<Observed>) {
        if let Some(observed) = observed {
            self.note_all(observed);
        }
    }

    fn note_all(&mut self, observed: Observed) {
        self.note_presented(observed.identity);
        if let Some(keys) = observed.last_flight {
            self.cold.get_or_insert_default().last_flight = Some(Box::new(keys));
        }
        for line in observed.key_log {
            self.push_event(Event { text: Some(line), ..Event::new(TLS_EVENT_KEY_LOG, 0) });
        }
        for session in observed.sessions {
            let told = Event::new(TLS_EVENT_SESSION, session.lasts);
            self.push_event(Event { session: Some(Box::new(session)), ..told });
        }
        for _ in 0..observed.key_updates.inbound {
            self.note_key_update(TLS_KEYS_IN);
        }
        for _ in 0..observed.key_updates.outbound {
            self.note_key_update(TLS_KEYS_OUT);
        }
    }

    /// What [`Self::note_since`] compares with; nothing, where no event is wanted.
    pub(super) fn observe(&self) -> Option<Before> {
        (self.shared.events != 0).then(|| Before {
            handshaking: self.phase.is_handshaking(),
            peer_closed: self.phase.peer_closed(),
            tickets: self.phase.tickets(),
        })
    }

    /// Notes what a run of the engine did. Failures are noted by themselves.
    pub(super) fn note_since(&mut self, before: Option<Before>) {
        let Some(before) = before else { return };
        if before.handshaking {
            self.note_done();
        }
        for number in before.tickets..self.phase.tickets() {
            self.note(TLS_EVENT_TICKET, number.saturating_add(1));
        }
        if !before.peer_closed && self.phase.peer_closed() {
            self.note(TLS_EVENT_ALERT_RECEIVED, CLOSE_NOTIFY);
        }
    }

    /// Notes that the handshake is done, if it is.
    pub(super) fn note_done(&mut self) {
        if self.shared.events & TLS_EVENT_HANDSHAKE_DONE != 0 && !self.phase.is_handshaking() {
            self.note(TLS_EVENT_HANDSHAKE_DONE, u32::from(self.phase.facts().version));
        }
    }

    /// Notes that the traffic keys of one direction were changed.
    pub(super) fn note_key_update(&mut self, direction: u32) {
        self.note(TLS_EVENT_KEY_UPDATE, direction);
    }

    pub(super) fn note_failure(&mut self, failure: &Failure) {
        if let Some(alert) = failure.alert_received {
            self.note(TLS_EVENT_ALERT_RECEIVED, alert.into());
        }
        if let Some(alert) = failure.alert_sent {
            self.note(TLS_EVENT_ALERT_SENT, alert.into());
        }
    }

    pub(super) fn note_close_notify_sent(&mut self) {
        self.note(TLS_EVENT_ALERT_SENT, CLOSE_NOTIFY);
    }

    /// Queues an event, if the context asked for its kind.
    fn note(&mut self, kind: u32, number: u32) {
        if self.shared.events & kind != 0 {
            self.push_event(Event::new(kind, number));
        }
    }

    pub(super) fn push_event(&mut self, event: Event) {
        self.cold.get_or_insert_default().events.push(event);
    }
}
