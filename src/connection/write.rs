//! Plain bytes in, and our end of the connection.

use super::{Answer, Connection};
use crate::engine::watch_keys;
use crate::limits::{MIN_WRITE, OUTBOUND_RESERVE};
use crate::record::{plain_records, plain_within, reserve_bound};
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
    /// many. Cuts `chunks` to that.
    pub(crate) fn write_vectored(&mut self, chunks: &mut [&[u8]]) -> Answer<usize> {
        let offered = chunks.iter().fold(0_usize, |sum, chunk| sum.saturating_add(chunk.len()));
        self.check_writable(offered)?;
        if offered == 0 {
            return Ok(0);
        }
        let taken = self.writable().min(offered);
        if taken == 0 {
            return Err(TLS_WANT_DRAIN);
        }
        let whole = cut(chunks, taken);
        self.seal(&chunks[..whole], taken)?;
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
        // Records leave in the order in which they were sealed.
        if !self.outbound.is_empty() {
            return Err(TLS_WANT_DRAIN);
        }
        let taken = plain.len().min(self.writable()).min(plain_within(capacity));
        if taken == 0 {
            return Err(TLS_ERR_ARGUMENT);
        }
        self.seal(&[&plain[..taken]], taken)?;
        let records = self.outbound.pending();
        let wire = records.len().min(capacity);
        deliver(&records[..wire]);
        self.outbound.consume(wire, &self.shared.pool);
        self.counters.wire_out += wire as u64;
        Ok(Sealed { plain: taken, wire })
    }

    /// Ends our side. What the peer still sends can be read.
    pub(crate) fn close_notify(&mut self) -> Answer<()> {
        self.begin()?;
        if self.session.is_handshaking() {
            return Err(TLS_ERR_STATE);
        }
        if self.we_closed {
            return Ok(());
        }
        let out = self.outbound.appender(OUTBOUND_RESERVE, &self.shared.pool);
        let result = self.session.close_notify(out);
        self.we_closed = true;
        self.note_half_closed();
        result.map_err(|failure| self.fail(failure))?;
        self.note_close_notify_sent();
        Ok(())
    }

    /// How many plain bytes a write would take.
    pub(super) fn writable(&self) -> usize {
        let room = self.shared.limits.outbound.saturating_sub(self.outbound.len() + OUTBOUND_RESERVE);
        match plain_within(room) {
            too_few if too_few < MIN_WRITE => 0,
            plain => plain,
        }
    }

    /// Asks for new keys in both directions.
    pub(crate) fn update_keys(&mut self) -> Answer<()> {
        self.begin()?;
        if self.session.is_handshaking() || self.we_closed {
            return Err(TLS_ERR_STATE);
        }
        if self.outbound.len() + OUTBOUND_RESERVE > self.shared.limits.outbound {
            return Err(TLS_WANT_DRAIN);
        }
        let watches_keys = self.watches_keys();
        let out = self.outbound.appender(OUTBOUND_RESERVE, &self.shared.pool);
        let (result, updates) = watch_keys(watches_keys, || self.session.update_keys(out));
        self.note_key_updates(updates);
        self.outbound.release_if_empty(&self.shared.pool);
        match result {
            Ok(true) => Ok(()),
            Ok(false) => Err(TLS_ERR_STATE),
            Err(failure) => Err(self.fail(failure)),
        }
    }

    fn check_writable(&mut self, offered: usize) -> Answer<()> {
        self.process_fed()?;
        if self.session.is_handshaking() {
            return Err(self.standing());
        }
        if self.we_closed && offered > 0 {
            return Err(TLS_ERR_STATE);
        }
        Ok(())
    }

    /// Seals chunks of `length` bytes in all.
    fn seal(&mut self, chunks: &[&[u8]], length: usize) -> Answer<()> {
        let watches_keys = self.watches_keys();
        let out = self.outbound.appender(reserve_bound(length), &self.shared.pool);
        let before = out.len();
        let (result, updates) = watch_keys(watches_keys, || self.session.write(chunks, out));
        let records = plain_records(&out[before..], length);
        self.note_key_updates(updates);
        result.map_err(|failure| self.fail(failure))?;
        self.counters.plain_out += length as u64;
        self.counters.records_out += records;
        Ok(())
    }
}

/// Cuts the chunks to `length` bytes in all; how many of them that takes.
fn cut(chunks: &mut [&[u8]], length: usize) -> usize {
    let mut left = length;
    for (index, chunk) in chunks.iter_mut().enumerate() {
        if left <= chunk.len() {
            *chunk = &chunk[..left];
            return index + 1;
        }
        left -= chunk.len();
    }
    chunks.len()
}
