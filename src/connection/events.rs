//! What merely happens: a bounded queue that a host drains, if its context asked for it.

use std::collections::VecDeque;

use crate::engine::{KeyLogLine, StoredSession, Wants};
use crate::numbers::MAX_EVENTS;
use crate::status::*;

/// Something that happened.
pub(crate) struct Event {
    /// One of the `TLS_EVENT_*` numbers.
    pub kind: u32,
    /// What the kind says.
    pub number: u32,
    /// A key-log line; wiped when dropped.
    pub text: Option<KeyLogLine>,
    /// A session that the host is to store; wiped when dropped.
    pub(super) session: Option<Box<StoredSession>>,
}

impl Event {
    pub(super) fn new(kind: u32, number: u32) -> Self {
        Self { kind, number, text: None, session: None }
    }
}

/// The queue: the oldest event gives way to the newest.
#[derive(Default)]
pub(super) struct Events {
    pub(super) waiting: VecDeque<Event>,
    /// How many gave way since the last one that was taken.
    lost: u64,
    /// That of the event that was taken last.
    pub(super) session: Option<Box<StoredSession>>,
}

impl Events {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether anything is in it that has to stay.
    pub(super) fn is_needed(&self) -> bool {
        !self.waiting.is_empty() || self.session.is_some()
    }

    pub(super) fn push(&mut self, event: Event) {
        if self.waiting.len() == MAX_EVENTS {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(event);
    }

    /// The oldest event, and how many were lost before it.
    pub(super) fn pop(&mut self) -> Option<(Event, u64)> {
        self.session = None;
        let mut event = self.waiting.pop_front()?;
        self.session = event.session.take();
        Some((event, std::mem::take(&mut self.lost)))
    }
}

/// What is wanted of the engine where these kinds of events are.
pub(super) fn wants(events: u32) -> Wants {
    Wants {
        key_log: events & TLS_EVENT_KEY_LOG != 0,
        key_updates: events & TLS_EVENT_KEY_UPDATE != 0,
        ..Wants::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::context::accept_asking;

    /// Connections that wait for their next bytes are to be small.
    #[test]
    fn the_last_event_takes_its_room_with_it() {
        let mut connection = accept_asking();
        assert!(connection.next_event().is_none());
        connection.push_event(Event::new(TLS_EVENT_TICKET, 1));
        assert!(connection.next_event().is_some());
        assert!(connection.cold.is_none());
    }

    #[test]
    fn the_oldest_gives_way_and_the_next_one_says_how_many_did() {
        let mut events = Events::default();
        for number in 0..MAX_EVENTS as u32 + 3 {
            events.push(Event::new(TLS_EVENT_TICKET, number));
        }
        let taken = |events: &mut Events| events.pop().map(|(event, lost)| (event.number, lost));
        assert_eq!(taken(&mut events), Some((3, 3)));
        assert_eq!(taken(&mut events), Some((4, 0)));
        events.push(Event::new(TLS_EVENT_TICKET, 99));
        let rest: Vec<_> = std::iter::from_fn(|| taken(&mut events)).collect();
        assert_eq!(rest.len(), MAX_EVENTS - 1);
        assert_eq!(rest.last(), Some(&(99, 0)));
    }
}
