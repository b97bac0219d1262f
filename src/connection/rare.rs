//! What few connections have, so that the others do not carry it.

use super::events::Events;
use crate::engine::Exporter;

#[derive(Default)]
pub(super) struct Rare {
    /// The engine gives it away once; it is kept here from the first use on.
    pub(super) exporter: Option<Exporter>,
    pub(super) events: Events,
}
