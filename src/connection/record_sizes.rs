//! How large the records are that leave.

use super::{Answer, Connection};
use crate::record::sizing::{Sizing, record_size};
use crate::status::*;

impl Connection {
    /// Sets the most plain bytes of a record, from the next one on; 0 for the largest.
    pub(crate) fn limit_records(&mut self, size: usize) -> Answer<()> {
        self.begin()?;
        let most = record_size(size).ok_or(TLS_ERR_ARGUMENT)?;
        self.seal_held()?;
        self.sending_mut().most = Some(most);
        Ok(())
    }

    /// Begins with small records again, where the context has them.
    pub(crate) fn restart_ramp(&mut self) -> Answer<()> {
        self.begin()?;
        if self.sizing().ramp < self.shared.sizing.ramp {
            self.seal_held()?;
            self.sending_mut().ramp = None;
        }
        Ok(())
    }

    /// A buffer of this size holds the wire form of the next `plain` bytes.
    pub(crate) fn wire_bound(&self, plain: usize) -> usize {
        self.sizing().wire(plain)
    }

    /// How plain bytes are cut into records now.
    #[inline(always)]
    pub(super) fn sizing(&self) -> Sizing {
        let mut sizing = self.shared.sizing;
        if let Some(sending) = self.sending() {
            sizing.most = sending.most.unwrap_or(sizing.most);
            sizing.ramp = sending.ramp.unwrap_or(sizing.ramp);
            sizing = sizing.padded(sizing.block);
        }
        // TLS 1.2 has no padding; which version it is, is not known before the handshake is done.
        if sizing.block > 0 {
            let version = self.half().map_or_else(|| self.phase.facts().version, |half| half.version);
            if i64::from(version) == TLS_VERSION_1_2 {
                sizing.block = 0;
            }
        }
        sizing
    }

    /// `length` plain bytes were sealed, cut as `sizing` says.
    #[inline]
    pub(super) fn advance_ramp(&mut self, sizing: &Sizing, length: usize) {
        if sizing.ramp > 0 {
            self.sending_mut().ramp = Some(sizing.after(length).ramp);
        }
    }
}
