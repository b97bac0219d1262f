//! Wire bytes out: what waits to be sent, and what was.

use super::{Answer, Connection};
use crate::status::*;

impl Connection {
    /// How many wire bytes wait to be sent.
    pub(crate) fn pending_wire(&mut self) -> usize {
        // They can be sent after an error as well.
        let _ = self.begin();
        self.outbound.len()
    }

    /// The oldest of them, where they are: until they are drained, or this side writes, nothing moves them.
    pub(crate) fn show_wire(&mut self) -> &[u8] {
        let _ = self.begin();
        self.outbound.show()
    }

    /// Gives them to `take`, which says how many it took, until it takes none.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> Answer<usize> {
        let before = self.pending_wire();
        while !self.outbound.is_empty() {
            let taken = take(self.outbound.front());
            self.drained(taken)?;
            if taken == 0 {
                break;
            }
        }
        Ok(before - self.outbound.len())
    }

    /// The host has sent, or copied, the first `length` of them.
    pub(crate) fn drained(&mut self, length: usize) -> Answer<()> {
        if length > self.outbound.len() {
            return Err(TLS_ERR_ARGUMENT);
        }
        self.outbound.consume(length, &self.shared.pool);
        self.counters.wire_out += length as u64;
        if self.cold.is_some() && length > 0 {
            self.flight_leaves();
        }
        Ok(())
    }

    /// Something has left: nothing takes the place of the last flight any more, and its keys go.
    pub(super) fn flight_leaves(&mut self) {
        self.cold.take_if(|cold| cold.last_flight.take().is_some() && !cold.is_needed());
    }
}
