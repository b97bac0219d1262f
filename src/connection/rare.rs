//! What few connections have, so that the others do not carry it.

use super::cork::Sending;
use super::events::Events;
use crate::engine::Exporter;

#[derive(Default)]
pub(super) struct Rare {
    /// The engine gives it away once; it is kept here from the first use on.
    pub(super) exporter: Option<Exporter>,
    pub(super) events: Events,
    pub(super) sending: Option<Sending>,
}

impl Rare {
    /// Whether something is kept that does not go away when the last event is taken.
    pub(super) fn lasts(&self) -> bool {
        self.exporter.is_some() || self.sending.is_some()
    }
}
