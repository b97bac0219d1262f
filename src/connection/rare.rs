//! What few connections have, so that the others do not carry it.

use std::sync::Arc;

use super::clock::Clock;
use super::events::Events;
use crate::engine::{Exporter, OwnSessions};
use crate::failure::Failure;

#[derive(Default)]
pub(super) struct Rare {
    /// The fatal error, if one happened. It does not go away.
    pub(super) failure: Option<Failure>,
    /// The engine gives it away once; it is kept here from the first use on.
    pub(super) exporter: Option<Exporter>,
    pub(super) events: Events,
    /// The sessions of a client whose sessions are kept apart.
    pub(super) own_sessions: Option<Arc<OwnSessions>>,
    /// What the host's clock has shown.
    pub(super) clock: Option<Clock>,
}

/// As docs/memory.md says.
const _: () = assert!(size_of::<Rare>() == 168);

impl Rare {
    /// Whether anything is in it that has to stay.
    pub(super) fn is_needed(&self) -> bool {
        self.failure.is_some()
            || self.exporter.is_some()
            || !self.events.is_empty()
            || self.own_sessions.is_some()
            || self.clock.is_some()
    }
}
