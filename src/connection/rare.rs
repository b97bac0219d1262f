//! What few connections have, so that the others do not carry it.

use super::events::Events;
use super::halves::Half;
use super::parts::Part;
use crate::engine::Exporter;

#[derive(Default)]
pub(super) struct Rare {
    /// The engine gives it away once; it is kept here from the first use on.
    pub(super) exporter: Option<Exporter>,
    pub(super) events: Events,
    /// Which half this is, where the connection was split.
    pub(super) half: Option<Half>,
    /// The traffic secrets were taken.
    pub(super) handed_over: bool,
}

impl Rare {
    pub(super) fn has(&self, part: Part) -> bool {
        if self.handed_over {
            return matches!(part, Part::Any | Part::Facts);
        }
        match (&self.half, part) {
            (None, _) | (_, Part::Any | Part::Traffic) => true,
            (Some(half), Part::Inbound | Part::Facts) => half.receives(),
            (Some(half), Part::Outbound) => half.sends(),
        }
    }

    /// Whether there is anything that must be kept.
    pub(super) fn is_needed(&self) -> bool {
        self.exporter.is_some() || !self.events.is_empty() || self.half.is_some() || self.handed_over
    }
}
