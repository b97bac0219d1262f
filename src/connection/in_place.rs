//! Plain bytes where the wire bytes were: in the host's own receive buffer.

use std::ops::Range;

use super::{Answer, Connection};
use crate::record::traffic::Flow;
use crate::status::*;

/// Takes the places of plain bytes.
pub(crate) trait SpanSink {
    /// How many spans still fit.
    fn room(&self) -> usize;

    fn put(&mut self, span: Range<usize>);
}

impl Connection {
    /// Decrypts the whole records at the front of `wire` where they lie; `consumed` says how many
    /// bytes are done with. Answers how many spans it put.
    pub(crate) fn read_in_place(
        &mut self,
        wire: &mut [u8],
        spans: &mut impl SpanSink,
        consumed: &mut usize,
    ) -> Answer<usize> {
        self.begin()?;
        if !self.expects_wire() {
            return Err(self.standing());
        }
        if !self.inbound.is_empty() {
            return Err(TLS_ERR_STATE);
        }
        // Messages that span records are put together in the host's buffer: what was left there
        // must be there again.
        if spans.room() == 0 || wire.len() < self.left_in_place as usize {
            return Err(TLS_ERR_ARGUMENT);
        }
        let mut found = 0;
        let mut plain = 0;
        let mut shown = self.shown_in_place as usize;
        let result = self.drive(wire, self.counters.wire_in, &mut shown, &mut |at, _| {
            plain += at.len();
            spans.put(at);
            found += 1;
            if spans.room() == 0 { Flow::Stop } else { Flow::More }
        });
        match result {
            Ok(used) => {
                *consumed = used;
                self.left_in_place = at_most_u32(wire.len() - used);
                self.shown_in_place = at_most_u32(shown.saturating_sub(used));
            }
            Err(status) if found == 0 => {
                self.left_in_place = self.left_in_place.max(at_most_u32(shown));
                self.shown_in_place = at_most_u32(shown);
                return Err(status);
            }
            // The spans before a bad record are good; the error comes with the next call, and what
            // follows it is of no use to anybody.
            Err(_) => *consumed = wire.len(),
        }
        self.counters.wire_in += *consumed as u64;
        self.counters.plain_in += plain as u64;
        self.counters.records_in += found as u64;
        if found > 0 { Ok(found) } else { Err(self.standing_without_plain()) }
    }
}

/// More than fits is more than any message has that is put together where it came.
fn at_most_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
