//! Wire bytes in: feeding copies, windows, and the end of the transport.

use super::{Answer, Connection};
use crate::status::*;

/// Size of a window for a host that names none: any one record.
const DEFAULT_WINDOW: usize = 20 * 1024;

impl Connection {
    /// Stores as many bytes as the inbound limit allows, and says how many. What they mean is
    /// found out later.
    pub(crate) fn feed(&mut self, wire: &[u8]) -> Answer<usize> {
        self.check_feedable()?;
        let taken = wire.len().min(self.inbound_room());
        if taken > 0 {
            self.left_in_place = 0;
            self.inbound.append(&wire[..taken], &self.shared.pool);
            self.counters.wire_in += taken as u64;
        }
        Ok(taken)
    }

    /// Memory behind the bytes that were fed, for the host to receive into.
    pub(crate) fn feed_window(&mut self, want: usize) -> Answer<&mut [u8]> {
        self.check_feedable()?;
        let room = self.inbound_room();
        if room == 0 {
            return Err(TLS_ERR_LIMIT);
        }
        let least = if want == 0 { DEFAULT_WINDOW } else { want }.min(room);
        Ok(self.inbound.open_window(least, room, &self.shared.pool))
    }

    /// Takes the first `length` bytes of the window as fed.
    pub(crate) fn feed_commit(&mut self, length: usize) -> Answer<()> {
        let window = self.inbound.window();
        if window == 0 && length > 0 {
            return Err(TLS_ERR_STATE);
        }
        if length > window {
            return Err(TLS_ERR_ARGUMENT);
        }
        let feedable = if length > 0 { self.check_feedable() } else { Ok(()) };
        let taken = if feedable.is_ok() { length } else { 0 };
        if taken > 0 {
            self.left_in_place = 0;
        }
        self.inbound.commit(taken);
        self.counters.wire_in += taken as u64;
        self.inbound.release_if_idle(&self.shared.pool);
        feedable
    }

    /// The transport has ended: no more bytes will be fed, through a window neither.
    pub(crate) fn feed_eof(&mut self) -> Answer<()> {
        self.eof = true;
        self.inbound.commit(0);
        self.inbound.release_if_idle(&self.shared.pool);
        Ok(())
    }

    /// Wire bytes behind the peer's close_notify, which are the host's.
    pub(crate) fn surplus(&self) -> &[u8] {
        if self.phase.peer_closed() && !self.has_failed() { self.inbound.wire() } else { &[] }
    }

    pub(super) fn inbound_room(&self) -> usize {
        self.shared.limits.inbound.saturating_sub(self.inbound.len())
    }

    pub(super) fn check_feedable(&self) -> Answer<()> {
        if self.eof || self.has_failed() { Err(TLS_ERR_STATE) } else { Ok(()) }
    }
}
