//! Plain bytes in, and our end of the connection.

use super::{Answer, Connection};
use crate::engine::watch_keys;
use crate::limits::{MIN_WRITE, OUTBOUND_RESERVE};
use crate::record::{plain_within, reserve_bound};
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
        self.check_writable(plain)?;
        if plain.is_empty() {
            return Ok(0);
        }
        let taken = plain.len().min(self.writable());
        if taken == 0 {
            return Err(TLS_WANT_DRAIN);
        }
        self.seal(&plain[..taken])?;
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
        self.check_writable(plain)?;
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
        self.seal(&plain[..taken])?;
        let records = self.outbound.pending();
        let wire = records.len().min(capacity);
        deliver(&records[..wire]);
        self.outbound.consume(wire, &self.shared.pool);
        self.counters.wire_out += wire as u64;
        Ok(Sealed { plain: taken, wire })
    }

    /// Ends our side. What the peer still sends can be read.
    pub(crate) fn close_notify(&mut self) -> Answer<()> {
        self.check_alive()?;
        if self.session.is_handshaking() {
            return Err(TLS_ERR_STATE);
        }
        if self.we_closed {
            return Ok(());
        }
        let out = self.outbound.appender(OUTBOUND_RESERVE, &self.shared.pool);
        let result = self.session.close_notify(out);
        self.we_closed = true;
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

    fn check_writable(&mut self, plain: &[u8]) -> Answer<()> {
        self.process_fed()?;
        if self.session.is_handshaking() {
            return Err(self.standing());
        }
        if self.we_closed && !plain.is_empty() {
            return Err(TLS_ERR_STATE);
        }
        Ok(())
    }

    fn seal(&mut self, plain: &[u8]) -> Answer<()> {
        let watches_keys = self.watches_keys();
        let out = self.outbound.appender(reserve_bound(plain.len()), &self.shared.pool);
        let (result, updates) = watch_keys(watches_keys, || self.session.write(plain, out));
        self.note_key_updates(updates);
        result.map_err(|failure| self.fail(failure))?;
        self.counters.plain_out += plain.len() as u64;
        Ok(())
    }
}
