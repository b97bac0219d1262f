//! Wire bytes out: what waits to be sent, and what was.

use super::{Answer, Connection};
use crate::status::*;

impl Connection {
    /// The wire bytes that wait to be sent, oldest first.
    pub(crate) fn pending_wire(&mut self) -> &[u8] {
        // They can be sent after an error as well.
        let _ = self.begin();
        self.outbound.pending()
    }

    /// The host has sent, or copied, the first `length` of them.
    pub(crate) fn drained(&mut self, length: usize) -> Answer<()> {
        if length > self.outbound.len() {
            return Err(TLS_ERR_ARGUMENT);
        }
        self.outbound.consume(length, &self.shared.pool);
        self.counters.wire_out += length as u64;
        Ok(())
    }
}
