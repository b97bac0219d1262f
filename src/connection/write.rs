//! Plain bytes in, and our end of the connection.

use super::chunks::Chunks;
use super::phase::Phase;
use super::{Answer, Connection};
use crate::engine::observe;
use crate::failure::Failure;
use crate::numbers::{MIN_WRITE, OUTBOUND_RESERVE};
use crate::record::layout::{MAX_PLAIN, full_records};
use crate::record::sizing::{Sizing, reserve_bound};
use crate::status::*;
use crate::uninitialised::{Unfilled, append};

impl Connection {
    /// Seals as many of `plain` as the outbound limit allows, and says how many.
    pub(crate) fn write_from(&mut self, plain: &[u8]) -> Answer<usize> {
        self.write_vectored(&mut [plain])
    }

    /// Seals as many bytes of the chunks as the outbound limit allows, as if they were one, and says how
    /// many. Changes `chunks`.
    pub(crate) fn write_vectored(&mut self, chunks: &mut [&[u8]]) -> Answer<usize> {
        let mut chunks = Chunks::new(chunks);
        let offered = chunks.length();
        self.check_writable(offered)?;
        if offered == 0 {
            return Ok(0);
        }
        let taken = self.writable_of(offered);
        if taken == 0 {
            return Err(TLS_WANT_DRAIN);
        }
        if self.is_corked() {
            self.hold(&mut chunks, taken)?;
        } else {
            self.seal(&mut chunks, taken)?;
        }
        self.counters.plain_out += taken as u64;
        Ok(taken)
    }

    /// Seals as many of `plain` as surely fit into `wire`, memory of the host, and says how many.
    pub(crate) fn write_into(&mut self, plain: &[u8], wire: &mut Unfilled<'_>) -> Answer<usize> {
        self.check_writable(plain.len())?;
        if plain.is_empty() {
            return Ok(0);
        }
        if self.cold.is_some() {
            // Bytes leave in the order in which they were written.
            self.seal_held()?;
        }
        if !self.outbound.is_empty() {
            return Err(TLS_WANT_DRAIN);
        }
        let sizing = self.sizing();
        let room = self.shared.limits.outbound.saturating_sub(OUTBOUND_RESERVE).min(wire.room());
        let taken = sizing.fitting(plain.len(), room);
        if taken == 0 {
            return Err(TLS_ERR_ARGUMENT);
        }
        let plain = &plain[..taken];
        if self.phase.is_clear_for(taken, &sizing) {
            let sealed = self.phase.write_clear(&[plain], taken, &sizing, wire);
            self.note_sealed(sealed, taken, &sizing)?;
        } else {
            self.write_by_queue(plain, wire)?;
        }
        self.counters.plain_out += taken as u64;
        self.counters.wire_out += wire.filled() as u64;
        Ok(taken)
    }

    /// The same where more than the records of `plain` may have to leave.
    #[cold]
    fn write_by_queue(&mut self, plain: &[u8], wire: &mut Unfilled<'_>) -> Answer<()> {
        self.seal(&mut Chunks::new(&mut [plain]), plain.len())?;
        let records = self.outbound.front();
        let length = records.len().min(wire.room());
        wire.put(&records[..length]);
        self.outbound.consume(length, &self.shared.pool);
        Ok(())
    }

    /// Ends our side. What the peer still sends can be read.
    pub(crate) fn close_notify(&mut self) -> Answer<()> {
        self.begin()?;
        if self.phase.is_handshaking() {
            return Err(TLS_ERR_STATE);
        }
        if self.we_closed {
            return Ok(());
        }
        self.seal_held()?;
        self.outbound.may_move();
        let out = self.outbound.appender(OUTBOUND_RESERVE, &self.shared.pool);
        let result = self.phase.close_notify(out);
        self.we_closed = true;
        self.note_half_closed();
        result.map_err(|failure| self.fail(failure))?;
        self.note_close_notify_sent();
        Ok(())
    }

    /// How many of `offered` plain bytes a write takes.
    #[inline]
    fn writable_of(&self, offered: usize) -> usize {
        let room = self.shared.limits.outbound.saturating_sub(self.outbound.len() + OUTBOUND_RESERVE);
        // The usual case: all of them, and they are more than too few.
        let most = offered.max(MIN_WRITE);
        if most <= MAX_PLAIN && self.corked_len() == 0 && self.sizing().wire(most) <= room {
            return offered;
        }
        self.writable().min(offered)
    }

    /// How many plain bytes a write would take.
    pub(super) fn writable(&self) -> usize {
        let room = self.shared.limits.outbound.saturating_sub(self.outbound.len() + OUTBOUND_RESERVE);
        let sizing = self.sizing();
        // The records that are not full yet have room in the queue already.
        match sizing.within(room).saturating_sub(self.corked_len()) {
            too_few if too_few < MIN_WRITE.min(sizing.next()) => 0,
            plain => plain,
        }
    }

    /// Asks for new keys in both directions.
    pub(crate) fn update_keys(&mut self) -> Answer<()> {
        self.begin()?;
        if self.phase.is_handshaking() || self.we_closed {
            return Err(TLS_ERR_STATE);
        }
        if self.committed() + OUTBOUND_RESERVE > self.shared.limits.outbound {
            return Err(TLS_WANT_DRAIN);
        }
        self.seal_held()?;
        let wants = self.wants();
        self.outbound.may_move();
        let out = self.outbound.appender(OUTBOUND_RESERVE, &self.shared.pool);
        let (result, observed) = observe(wants, || self.phase.update_keys(out));
        self.note_observed(observed);
        self.outbound.release_if_empty(&self.shared.pool);
        match result {
            Ok(true) => Ok(()),
            Ok(false) => Err(TLS_ERR_STATE),
            Err(failure) => Err(self.fail(failure)),
        }
    }

    #[inline]
    fn check_writable(&mut self, offered: usize) -> Answer<()> {
        // The usual case: nothing was fed, and there is nothing to be told of.
        if !self.has_nothing_to_process() || self.cold.is_some() {
            match self.process_fed() {
                // A server's data before the client's Finished does not wait until there is room to answer that.
                Ok(()) => {}
                Err(TLS_WANT_DRAIN) if self.phase.may_write() => {}
                Err(status) => return Err(status),
            }
        }
        if !self.phase.may_write() {
            return Err(self.standing());
        }
        if self.we_closed && offered > 0 {
            return Err(TLS_ERR_STATE);
        }
        // Here and in no call that is not a write, whatever it seals.
        self.outbound.may_move();
        Ok(())
    }

    /// Seals the first `length` bytes of the chunks; the caller has made sure that they fit.
    pub(super) fn seal(&mut self, chunks: &mut Chunks<'_, '_>, length: usize) -> Answer<()> {
        let sizing = self.sizing();
        let sealed = if self.phase.is_clear_for(length, &sizing) {
            let out = self.outbound.appender(sizing.wire(length), &self.shared.pool);
            let phase = &mut self.phase;
            let seal = |front: &[&[u8]]| append(out, |out| phase.write_clear(front, length, &sizing, out));
            chunks.take_front(length, seal)
        } else {
            self.seal_observed(chunks, length, sizing)
        };
        self.note_sealed(sealed, length, &sizing)
    }

    /// The same where more than these records may leave, or somebody else makes them.
    fn seal_observed(
        &mut self,
        chunks: &mut Chunks<'_, '_>,
        length: usize,
        sizing: Sizing,
    ) -> Result<u64, Failure> {
        let wants = self.wants();
        let out = self.outbound.appender(reserve(sizing, length), &self.shared.pool);
        let phase = &mut self.phase;
        let (result, observed) = observe(wants, || seal_records(phase, sizing, chunks, length, out));
        self.note_observed(observed);
        result
    }

    /// So many records hold `length` bytes, cut as `sizing` says.
    #[inline(always)]
    fn note_sealed(&mut self, sealed: Result<u64, Failure>, length: usize, sizing: &Sizing) -> Answer<()> {
        self.advance_ramp(sizing, length);
        match sealed {
            Ok(records) => {
                self.counters.records_out += records;
                Ok(())
            }
            Err(failure) => Err(self.fail(failure)),
        }
    }
}

/// Room in the outbound queue for `length` plain bytes, so that the engine does not allocate.
pub(super) fn reserve(sizing: Sizing, length: usize) -> usize {
    if sizing.is_engines_own() { reserve_bound(length) } else { sizing.wire(length) }
}

/// Seals the first `length` bytes of the chunks: into how many records.
fn seal_records(
    phase: &mut Phase,
    mut sizing: Sizing,
    chunks: &mut Chunks<'_, '_>,
    length: usize,
    out: &mut Vec<u8>,
) -> Result<u64, Failure> {
    if sizing.is_engines_own() {
        chunks.take_front(length, |front| phase.write(front, sizing.block, out))?;
        return Ok(full_records(length));
    }
    let (mut left, mut records) = (length, 0);
    while left > 0 {
        let size = sizing.next().min(left);
        chunks.take_front(size, |record| phase.write(record, sizing.block, out))?;
        sizing = sizing.after(size);
        left -= size;
        records += 1;
    }
    Ok(records)
}
