//! What a connection has to offer: all of it, or a part.

use super::Connection;
use super::phase::Phase;

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Whatever is there.
    Any,
    /// Records, in whatever direction.
    Traffic,
    /// Bytes from the peer.
    Inbound,
    /// Bytes to the peer.
    Outbound,
    /// What the handshake settled.
    Facts,
}

impl Connection {
    /// Whether this connection has `part`.
    #[inline]
    pub(crate) fn has(&self, part: Part) -> bool {
        match (&self.phase, part) {
            (Phase::Handshake(_) | Phase::Traffic(_) | Phase::Own(_) | Phase::Gone, _) => true,
            (Phase::Receiving(_), part) => part != Part::Outbound,
            (Phase::Sending(_), part) => !matches!(part, Part::Inbound | Part::Facts),
            (Phase::Exported, _) => false,
            (Phase::SecretsTaken(..), part) => matches!(part, Part::Any | Part::Facts),
        }
    }
}
