//! Plain bytes out.

use super::{Answer, Connection};
use crate::record::traffic::{Flow, PlainMemory};

/// Memory of the host that plain bytes are opened or copied into, once each.
pub(crate) trait PlainTarget: PlainMemory {
    /// How many bytes still fit.
    fn room(&self) -> usize;

    /// Appends as many of `plain` as fit, and says how many.
    fn put(&mut self, plain: &[u8]) -> usize;
}

impl Connection {
    /// Fills `target` from as many records as are there. The rest of a record that does not fit
    /// stays readable.
    pub(crate) fn read_into(&mut self, target: &mut impl PlainTarget) -> Answer<usize> {
        self.begin()?;
        if target.room() == 0 {
            return Ok(0);
        }
        let waiting = target.put(self.inbound.plain());
        self.inbound.consume_plain(waiting);
        let mut moved = waiting;
        let mut records = 0;
        if target.room() > 0 {
            let straight = self.phase.open_into(self.inbound.wire(), target);
            self.inbound.processed(straight.used, None);
            moved += straight.plain;
            records += straight.records;
        }
        if target.room() > 0 {
            let mut rest = None;
            let result = self.drive_fed(&mut |at, plain| {
                let taken = target.put(plain);
                moved += taken;
                records += 1;
                if taken < plain.len() {
                    rest = Some(at.start + taken..at.end);
                }
                if target.room() == 0 { Flow::Stop } else { Flow::More }
            });
            match result {
                Ok(used) => self.inbound.processed(used, rest),
                // What was read before the error is delivered now, the error by the next call.
                Err(status) if moved == 0 => return Err(status),
                Err(_) => {}
            }
        }
        self.inbound.release_if_idle(&self.shared.pool);
        self.counters.plain_in += moved as u64;
        self.counters.records_in += records;
        if moved > 0 { Ok(moved) } else { Err(self.standing_without_plain()) }
    }

    /// Plain bytes that are decrypted and not read.
    pub(crate) fn pending_plain(&self) -> usize {
        self.inbound.plain().len()
    }
}
