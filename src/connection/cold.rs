//! What few connections have, so that the others do not carry it.

use std::sync::Arc;

use super::clock::Clock;
use super::cork::Sending;
use super::events::Events;
use super::half::Half;
use crate::engine::{Early, LastFlight, OwnSessions};
use crate::failure::Failure;
use crate::parse::certificate::Bookmarks;

#[derive(Default)]
pub(super) struct Cold {
    /// The fatal error, if one happened. It does not go away.
    pub(super) failure: Option<Failure>,
    /// Early data of a client that was not read when the handshake was done.
    pub(super) early: Option<Box<Early>>,
    pub(super) events: Events,
    /// The sessions of a client whose sessions are kept apart.
    pub(super) own_sessions: Option<Arc<OwnSessions>>,
    /// What the host's clock has shown.
    pub(super) clock: Option<Clock>,
    /// Which half this is, where the connection was split.
    pub(super) half: Option<Half>,
    pub(super) sending: Option<Sending>,
    /// Where the host is in the names of the peer's certificate. Without them it is found again.
    pub(super) bookmarks: Option<Box<Bookmarks>>,
    /// The keys of a client's last flight, as long as that is here.
    pub(super) last_flight: Option<Box<LastFlight>>,
}

/// As docs/memory.md says.
const _: () = assert!(size_of::<Cold>() == 248);

impl Cold {
    /// Whether anything is in it that has to stay.
    pub(super) fn is_needed(&self) -> bool {
        self.failure.is_some()
            || self.early.is_some()
            || self.events.is_needed()
            || self.own_sessions.is_some()
            || self.clock.is_some()
            || self.half.is_some()
            || self.sending.is_some()
            || self.last_flight.is_some()
    }
}
