//! How large the records are that leave.

use super::{Answer, Connection};
use crate::engine::cut;
use crate::record::layout::{HEADER, MAX_PLAIN};
use crate::record::sizing::{Sizing, record_size};
use crate::status::*;

/// Content type of handshake messages (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

/// Runs the engine in a handshake, so that no record that it appends to `out` has more than `most` plain bytes.
pub(super) fn in_records<R>(most: usize, out: &mut Vec<u8>, run: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    if most == MAX_PLAIN {
        return run(out);
    }
    let from = out.len();
    let result = cut(most, || run(out));
    cut_plain(out, from, most);
    result
}

/// Cuts the records behind `from` that nothing encrypts: those that are encrypted were cut by the engine. A Finished of
/// TLS 1.2 has the same type and is encrypted, but is shorter than any size that can be set.
fn cut_plain(out: &mut Vec<u8>, from: usize, most: usize) {
    let flight = out.split_off(from);
    let mut rest = &flight[..];
    while let Some((&[kind, major, minor, high, low], more)) = rest.split_first_chunk::<HEADER>() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(more.len());
        let (payload, after) = more.split_at(length);
        let piece = if kind == HANDSHAKE { most } else { MAX_WIRE };
        for part in payload.chunks(piece) {
            let [high, low] = (part.len() as u16).to_be_bytes();
            out.extend_from_slice(&[kind, major, minor, high, low]);
            out.extend_from_slice(part);
        }
        rest = after;
    }
}

/// Longer than what is behind any header.
const MAX_WIRE: usize = 1 << 16;

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
    pub(super) fn advance_ramp(&mut self, sizing: Sizing, length: usize) {
        if sizing.ramp > 0 {
            self.sending_mut().ramp = Some(sizing.after(length).ramp);
        }
    }
}
