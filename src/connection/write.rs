//! Plain bytes in, and our end of the connection.

use super::chunks::Chunks;
use super::phase::Phase;
use super::{Answer, Connection};
use crate::engine::observe;
use crate::failure::Failure;
use crate::numbers::{MIN_WRITE, OUTBOUND_RESERVE};
use crate::record::layout::full_records;
use crate::record::sizing::{Sizing, reserve_bound};
use crate::status::*;

/// What [`Connection::write_into`] achieved, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub plain: usize,
    pub wire: usize,
}

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
        let taken = self.writable().min(offered);
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

    /// Seals `plain` into memory of the host, as much as surely fits into `capacity` bytes;
    /// `deliver` copies the records there.
    pub(crate) fn write_into(
        &mut self,
        plain: &[u8],
        capacity: usize,
        deliver: impl FnOnce(&[u8]),
    ) -> Answer<Sealed> {
        self.check_writable(plain.len())?;
        if plain.is_empty() {
            return Ok(Sealed { plain: 0, wire: 0 });
        }
        // Bytes leave in the order in which they were written.
        self.seal_held()?;
        if !self.outbound.is_empty() {
            return Err(TLS_WANT_DRAIN);
        }
        let taken = plain.len().min(self.writable()).min(self.sizing().within(capacity));
        if taken == 0 {
            return Err(TLS_ERR_ARGUMENT);
        }
        self.seal(&mut Chunks::new(&mut [plain]), taken)?;
        self.counters.plain_out += taken as u64;
        let records = self.outbound.front();
        let wire = records.len().min(capacity);
        deliver(&records[..wire]);
        self.outbound.consume(wire, &self.shared.pool);
        self.counters.wire_out += wire as u64;
        Ok(Sealed { plain: taken, wire })
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
        let held = self.sizing().wire(self.corked_len());
        if self.outbound.len() + held + OUTBOUND_RESERVE > self.shared.limits.outbound {
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

    fn check_writable(&mut self, offered: usize) -> Answer<()> {
        self.process_fed()?;
        if !self.phase.may_write() {
            return Err(self.standing());
        }
        if self.we_closed && offered > 0 {
            return Err(TLS_ERR_STATE);
        }
        Ok(())
    }

    /// Seals the first `length` bytes of the chunks; the caller has made sure that they fit.
    pub(super) fn seal(&mut self, chunks: &mut Chunks<'_, '_>, length: usize) -> Answer<()> {
        let sizing = self.sizing();
        let wants = self.wants();
        self.outbound.may_move();
        let out = self.outbound.appender(reserve(sizing, length), &self.shared.pool);
        let phase = &mut self.phase;
        let seal = || seal_records(phase, sizing, chunks, length, out);
        let (result, observed) = observe(wants, seal);
        self.note_observed(observed);
        self.advance_ramp(sizing, length);
        self.counters.records_out += result.map_err(|failure| self.fail(failure))?;
        Ok(())
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
