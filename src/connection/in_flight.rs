//! Wire bytes that leave and come in buffers of the host's.

use super::{Answer, Connection};
use crate::buffer::Owned;
use crate::record::layout;
use crate::status::*;

impl Connection {
    /// Takes the queued wire bytes off, or the first of them where they are in two places. `place` puts the buffer somewhere,
    /// or says that it cannot: nothing is taken then.
    pub(crate) fn take_wire<R>(&mut self, place: impl FnOnce(&mut dyn FnMut() -> Option<Owned>) -> R) -> R {
        // They can be sent after an error as well.
        let _ = self.begin();
        self.flight_leaves();
        let Self { outbound, shared, counters, .. } = self;
        place(&mut || {
            let taken = shared.accounts.take(outbound, &shared.pool)?;
            counters.wire_out += taken.taken().map_or(0, <[u8]>::len) as u64;
            Some(taken)
        })
    }

    /// Whether as many bytes can be fed at once.
    pub(crate) fn check_feed_all(&self, length: usize) -> Answer<()> {
        self.check_feedable()?;
        if length > self.inbound_room() { Err(TLS_ERR_LIMIT) } else { Ok(()) }
    }

    /// Takes the first `length` bytes of `buffer` as fed, after [`Self::check_feed_all`].
    pub(crate) fn feed_buffer(&mut self, buffer: Owned, length: usize) {
        if length > 0 {
            // It ends with a call that feeds.
            self.inbound.commit(0);
            buffer.join(length, &mut self.inbound, &self.shared.pool);
            self.note_fed(length);
        }
    }

    /// How many more wire bytes the record that has begun needs, as far as is known of it; 0 if none is of use.
    pub(crate) fn feed_needed(&mut self) -> usize {
        if self.state_word() & TLS_CAN_FEED == 0 {
            return 0;
        }
        // In front of it may be those with the beginning of a message, which were opened.
        let opened = self.phase.opened().unwrap_or(self.inbound.shown());
        let waits = self.inbound.has_plain() || !self.expects_wire() || self.process_fed().is_err();
        let wire = self.inbound.wire();
        if waits {
            return layout::missing(wire);
        }
        // Of what an in-place call has left all is there already, and perhaps nothing else will come.
        match opened.checked_sub(wire.len()) {
            Some(left) if left > 0 => left,
            _ => layout::missing(wire.get(opened..).unwrap_or_default()),
        }
    }

    /// How many plain bytes a write would take.
    pub(crate) fn plain_room(&mut self) -> usize {
        let can_write = self.state_word() & TLS_CAN_WRITE != 0;
        if can_write { self.writable() } else { 0 }
    }
}
