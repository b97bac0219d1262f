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

/// What has come of a message; nothing most of the time.
#[derive(Default)]
pub(super) struct Messages(Option<Box<Begun>>);

/// How far the wire bytes were opened for a message.
struct Begun {
    /// Handshake bytes that wait.
    waiting: Range<usize>,
    /// Wire bytes at the front that were opened already.
    opened: usize,
}

impl Messages {
    /// What waits, and how far the wire bytes were opened, as numbers of bytes. None if that is more than any message has.
    pub(super) fn place(&self) -> Option<(Range<u32>, u32)> {
        let Some(Begun { waiting, opened }) = self.0.as_deref() else { return Some((0..0, 0)) };
        let number = |bytes| u32::try_from(bytes).ok();
        Some((number(waiting.start)?..number(waiting.end)?, number(*opened)?))
    }

    /// What another one waits for.
    pub(super) fn at_place(waiting: &Range<u32>, opened: u32) -> Self {
        let waiting = waiting.start as usize..waiting.end as usize;
        Self((opened > 0).then(|| Box::new(Begun { waiting, opened: opened as usize })))
    }

    /// Where the next record begins that was not opened.
    #[inline]
    pub(super) fn next_record(&self) -> usize {
        self.0.as_ref().map_or(0, |begun| begun.opened)
    }

    /// Whether a message is not whole, or not done with.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.0.is_some()
    }

    /// Adds the handshake bytes at `plain` of a record that ends at `end`.
    pub(super) fn add(&mut self, wire: &mut [u8], plain: Range<usize>, end: usize) -> Result<(), Fault> {
        let begun = match &mut self.0 {
            None if plain.is_empty() => return Ok(()),
            None => self.0.insert(Box::new(Begun { waiting: plain, opened: end })),
            Some(begun) => {
                let length = plain.len();
                wire.copy_within(plain, begun.waiting.end);
                begun.waiting.end += length;
                begun.opened = end;
                begun
            }
        };
        check_lengths(&wire[begun.waiting.clone()])
    }

    /// The next message that is whole, with its header; whether more bytes are behind it.
    pub(super) fn next(&mut self, wire: &[u8]) -> Option<(Range<usize>, bool)> {
        let Begun { waiting, .. } = &mut **self.0.as_mut()?;
        let length = first_length(&wire[waiting.clone()])?;
        if length > waiting.len() {
            return None;
        }
        let message = waiting.start..waiting.start + length;
        waiting.start += length;
        let more = waiting.start < waiting.end;
        if !more {
            self.0 = None;
        }
        Some((message, more))
    }

    /// So many bytes in front of what waits are gone from the wire bytes.
    #[inline]
    pub(super) fn move_forward(&mut self, used: usize) {
        if let Some(Begun { waiting, opened }) = self.0.as_deref_mut() {
            *waiting = waiting.start - used..waiting.end - used;
            *opened -= used;
        }
    }
}

/// Of all messages that have begun: one that is too long is not waited for, nor are those in front of it answered.
fn check_lengths(mut waiting: &[u8]) -> Result<(), Fault> {
    while let Some(length) = first_length(waiting) {
        if length > HEADER + MOST {
            return Err(Fault::MessageTooLong);
        }
        waiting = waiting.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// The length of the message in front, with its header.
fn first_length(bytes: &[u8]) -> Option<usize> {
    let [_, high, middle, low, ..] = *bytes else { return None };
    Some(HEADER + u32::from_be_bytes([0, high, middle, low]) as usize)
}
