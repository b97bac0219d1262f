//! Handshake messages that span records, or share one (RFC 8446, 5.1).
//!
//! They are put together where they lie, in the wire bytes: what is not whole stays in front of the next call's wire
//! bytes. So no memory is needed for them, and the limit on wire bytes holds for them too.

use std::ops::Range;

use super::fault::Fault;

/// Type and length (RFC 8446, 4).
const HEADER: usize = 4;

/// Longer ones are not taken.
const MOST: usize = 0xffff;

/// What has come of a message, and how far the wire bytes were opened for it.
#[derive(Default)]
pub(super) struct Messages {
    /// Handshake bytes that wait.
    waiting: Range<usize>,
    /// Wire bytes at the front that were opened already; 0 while nothing waits.
    opened: usize,
}

impl Messages {
    /// Where the next record begins that was not opened.
    #[inline]
    pub(super) fn next_record(&self) -> usize {
        self.opened
    }

    /// Whether a message is not whole, or not done with.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.opened > 0
    }

    /// Adds the handshake bytes at `plain` of a record that ends at `end`.
    pub(super) fn add(&mut self, wire: &mut [u8], plain: Range<usize>, end: usize) -> Result<(), Fault> {
        if plain.is_empty() && !self.is_waiting() {
            return Ok(());
        }
        if self.is_waiting() {
            let length = plain.len();
            wire.copy_within(plain, self.waiting.end);
            self.waiting.end += length;
        } else {
            self.waiting = plain;
        }
        self.opened = end;
        self.check_lengths(wire)
    }

    /// The next message that is whole, with its header; whether more bytes are behind it.
    pub(super) fn next(&mut self, wire: &[u8]) -> Option<(Range<usize>, bool)> {
        let length = first_length(&wire[self.waiting.clone()])?;
        if length > self.waiting.len() {
            return None;
        }
        let message = self.waiting.start..self.waiting.start + length;
        self.waiting.start += length;
        let more = !self.waiting.is_empty();
        if !more {
            *self = Self::default();
        }
        Some((message, more))
    }

    /// So many bytes in front of what waits are gone from the wire bytes.
    #[inline]
    pub(super) fn move_forward(&mut self, used: usize) {
        if self.is_waiting() {
            self.waiting = self.waiting.start - used..self.waiting.end - used;
            self.opened -= used;
        }
    }

    /// Of all messages that have begun: one that is too long is not waited for, nor are those in front of it answered.
    fn check_lengths(&self, wire: &[u8]) -> Result<(), Fault> {
        let mut rest = &wire[self.waiting.clone()];
        while let Some(length) = first_length(rest) {
            if length > HEADER + MOST {
                return Err(Fault::MessageTooLong);
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }
}

/// The length of the message in front, with its header.
fn first_length(bytes: &[u8]) -> Option<usize> {
    let [_, high, middle, low, ..] = *bytes else { return None };
    Some(HEADER + u32::from_be_bytes([0, high, middle, low]) as usize)
}
