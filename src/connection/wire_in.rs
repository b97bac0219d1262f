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
            self.inbound.append(&wire[..taken], &self.shared.pool);
            self.note_fed(taken);
        }
        Ok(taken)
    }

    /// `length` bytes were fed: where an in-place call has left some with the host, these, or the first of them.
    pub(super) fn note_fed(&mut self, length: usize) {
        if self.left_in_place > 0 {
            self.inbound.note_shown(self.shown_in_place as usize);
            (self.left_in_place, self.shown_in_place) = (0, 0);
        }
        self.counters.wire_in += length as u64;
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
        self.inbound.commit(taken);
        if taken > 0 {
            self.note_fed(taken);
        }
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
