//! How plain bytes are cut into records, and what the records take on the wire.

use super::layout::{HEADER, KEY_UPDATE, KEY_UPDATES, MAX_GROWTH, MAX_PADDING, MAX_PLAIN, TAG};
use crate::numbers::MIN_RECORD_SIZE;

/// What a context says of the records that its connections send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizing {
    /// The most plain bytes of a record.
    pub most: usize,
    /// The most while [`Self::ramp`] lasts.
    pub small: usize,
    /// How many plain bytes still go into small records.
    pub ramp: usize,
    /// The length of a record inside its encryption is a multiple of it; 0 for no padding.
    pub block: usize,
}

/// As the engine cuts by itself.
pub(crate) const ENGINES_OWN: Sizing = Sizing { most: MAX_PLAIN, small: MAX_PLAIN, ramp: 0, block: 0 };

/// The most plain bytes of a record that is padded: with the content type they are a multiple of every block.
pub(crate) const PADDED_PLAIN: usize = MAX_PLAIN - 1;

/// A size that a host asked for: 0 for the largest. None if it is out of range.
pub(crate) fn record_size(size: usize) -> Option<usize> {
    match size {
        0 => Some(MAX_PLAIN),
        MIN_RECORD_SIZE..=MAX_PLAIN => Some(size),
        _ => None,
    }
}

/// A block that a host asked for: 0 for no padding. None if it is none.
pub(crate) fn padding_block(block: usize) -> Option<usize> {
    match block {
        0 => Some(0),
        2..=MAX_PADDING if block.is_power_of_two() => Some(block),
        _ => None,
    }
}

/// Length of `payload` bytes, content type and zeros in a record that is padded to a multiple of `block`.
pub(crate) const fn inner_length(payload: usize, block: usize) -> usize {
    (payload + 1).next_multiple_of(block)
}

/// Wire bytes of a record that the engine has filled, at most.
const FULL_WIRE: usize = MAX_PLAIN + MAX_GROWTH;

/// A buffer of this size holds the wire form of `plain` bytes as the engine cuts them, whatever was negotiated.
pub(crate) const fn wire_bound(plain: usize) -> usize {
    ENGINES_OWN.wire(plain)
}

/// Room that the engine reserves in the outbound queue for `plain` bytes: it sizes all records like
/// the first one.
pub(crate) const fn reserve_bound(plain: usize) -> usize {
    if plain <= MAX_PLAIN { wire_bound(plain) } else { plain.div_ceil(MAX_PLAIN) * FULL_WIRE + KEY_UPDATES }
}

impl Sizing {
    pub(crate) const fn is_engines_own(&self) -> bool {
        self.most == MAX_PLAIN && self.ramp == 0 && self.block == 0
    }

    /// The same for records that are padded to multiples of `block`, if that is not 0.
    pub(crate) fn padded(self, block: usize) -> Self {
        let largest = if block == 0 { MAX_PLAIN } else { PADDED_PLAIN };
        Self { most: self.most.min(largest), small: self.small.min(largest), block, ..self }
    }

    /// The most plain bytes of the next record.
    #[inline]
    pub(crate) const fn next(&self) -> usize {
        if self.ramp > 0 { self.small() } else { self.most }
    }

    /// What is left of it after `length` plain bytes more.
    pub(crate) const fn after(self, length: usize) -> Self {
        Self { ramp: self.ramp.saturating_sub(length), ..self }
    }

    /// How many of the first `length` bytes fill records to the last byte.
    pub(crate) const fn whole(&self, length: usize) -> usize {
        let mut records = self.small_records();
        if length / self.small() < records {
            records = length / self.small();
            return records * self.small();
        }
        let small = records * self.small();
        small + (length - small) / self.most * self.most
    }

    /// At most so many records are made of `plain` bytes.
    #[inline]
    pub(crate) const fn most_records(&self, plain: usize) -> u64 {
        let least = self.next();
        if plain <= least { 1 } else { plain.div_ceil(self.small()) as u64 }
    }

    /// How many of `offered` plain bytes have a wire form that fits into `room`.
    #[inline]
    pub(crate) const fn fitting(&self, offered: usize, room: usize) -> usize {
        // The usual case: all of them.
        if offered <= MAX_PLAIN && self.wire(offered) <= room {
            return offered;
        }
        let most = self.within(room);
        if offered < most { offered } else { most }
    }

    /// A buffer of this size holds the wire form of `plain` bytes, whatever was negotiated.
    #[inline]
    pub(crate) const fn wire(&self, plain: usize) -> usize {
        // Constants are divided by faster.
        if self.is_engines_own() { ENGINES_OWN.bound(plain) } else { self.bound(plain) }
    }

    /// The most plain bytes whose [`Self::wire`] is not above `room`.
    pub(crate) const fn within(&self, room: usize) -> usize {
        if self.is_engines_own() { ENGINES_OWN.most_within(room) } else { self.most_within(room) }
    }

    #[inline(always)]
    const fn bound(&self, plain: usize) -> usize {
        if plain == 0 {
            return 0;
        }
        let small = if plain < self.small_bytes() { plain } else { self.small_bytes() };
        self.key_updates()
            .saturating_add(self.all(small, self.small()))
            .saturating_add(self.all(plain - small, self.most))
    }

    #[inline(always)]
    const fn most_within(&self, room: usize) -> usize {
        let room = room.saturating_sub(self.key_updates());
        let fit = room / self.record(self.small());
        if fit < self.small_records() {
            let left = room - fit * self.record(self.small());
            return fit * self.small() + self.partial(left);
        }
        let room = room - self.small_records() * self.record(self.small());
        let fit = room / self.record(self.most);
        self.small_bytes() + fit * self.most + self.partial(room - fit * self.record(self.most))
    }

    #[inline]
    const fn small(&self) -> usize {
        if self.small < self.most { self.small } else { self.most }
    }

    #[inline]
    const fn small_records(&self) -> usize {
        self.ramp.div_ceil(self.small())
    }

    #[inline]
    const fn small_bytes(&self) -> usize {
        self.small_records() * self.small()
    }

    /// The most wire bytes of a record with `plain` bytes.
    #[inline]
    const fn record(&self, plain: usize) -> usize {
        match self.block {
            0 => plain.saturating_add(MAX_GROWTH),
            block => HEADER + inner_length(plain, block) + TAG,
        }
    }

    /// The same of `plain` bytes in records of `size`.
    #[inline]
    const fn all(&self, plain: usize, size: usize) -> usize {
        let whole = (plain / size).saturating_mul(self.record(size));
        match plain % size {
            0 => whole,
            rest => whole.saturating_add(self.record(rest)),
        }
    }

    /// The most plain bytes of a record of at most `room` wire bytes, which is less than a full one's.
    #[inline]
    const fn partial(&self, room: usize) -> usize {
        match self.block {
            0 => room.saturating_sub(MAX_GROWTH),
            block => {
                let inner = room.saturating_sub(HEADER + TAG);
                (inner - inner % block).saturating_sub(1)
            }
        }
    }

    /// Room for the KeyUpdates that the engine may put in front; the one it makes while it seals is padded.
    #[inline]
    const fn key_updates(&self) -> usize {
        match self.block {
            0 => KEY_UPDATES,
            _ => KEY_UPDATES + self.record(KEY_UPDATE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::MIN_WRITE;

    fn all() -> impl Iterator<Item = Sizing> {
        let mut sizings = vec![ENGINES_OWN];
        for most in [64, 100, 1400, 16_000, MAX_PLAIN] {
            for (small, ramp) in [(64, 0), (64, 1000), (1400, 1), (1369, 40_000), (16_000, 16_001)] {
                for block in [0, 2, 64, 1024, 16_384] {
                    sizings.push(Sizing { most, small, ramp, block: 0 }.padded(block));
                }
            }
        }
        sizings.into_iter()
    }

    /// The wire bytes of `plain` bytes, counted record by record.
    fn counted(mut sizing: Sizing, mut plain: usize) -> usize {
        let mut wire = sizing.key_updates();
        while plain > 0 {
            let size = sizing.next().min(plain);
            wire += sizing.record(size);
            plain -= size;
            sizing = sizing.after(size);
        }
        wire
    }

    #[test]
    fn what_is_within_is_the_inverse_of_what_is_on_the_wire() {
        for sizing in all() {
            for room in (0..80_000).step_by(7) {
                let plain = sizing.within(room);
                assert!(plain == 0 || sizing.wire(plain) <= room, "{plain} in {room} by {sizing:?}");
                assert!(sizing.wire(plain + 1) > room, "{plain} and one in {room} by {sizing:?}");
            }
        }
    }

    #[test]
    fn what_is_on_the_wire_is_what_the_records_take() {
        for sizing in all() {
            for plain in (1..70_000).step_by(997).chain([64, 100, 1400, MAX_PLAIN, MAX_PLAIN + 1]) {
                assert_eq!(sizing.wire(plain), counted(sizing, plain), "{plain} by {sizing:?}");
            }
        }
    }

    #[test]
    fn whole_records_are_those_that_are_full() {
        for sizing in all() {
            for length in (0..50_000).step_by(131) {
                let (mut left, mut full, mut rest) = (length, 0, sizing);
                while left >= rest.next() {
                    let size = rest.next();
                    full += size;
                    left -= size;
                    rest = rest.after(size);
                }
                assert_eq!(sizing.whole(length), full, "{length} by {sizing:?}");
            }
        }
    }

    /// What [`crate::setup::context`] wants of the outbound limit is enough for a write beside all that a cork holds.
    #[test]
    fn something_can_always_be_written() {
        for sizing in all() {
            let padded = ENGINES_OWN.padded(sizing.block);
            let room = padded.wire(MAX_PLAIN + MIN_WRITE);
            for sizing in [sizing, sizing.after(1), sizing.after(sizing.ramp)] {
                let writable = sizing.within(room) - (sizing.next() - 1);
                assert!(writable >= MIN_WRITE.min(sizing.next()), "{writable} by {sizing:?}");
            }
        }
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        assert_eq!(record_size(0), Some(MAX_PLAIN));
        assert_eq!(record_size(64), Some(64));
        assert_eq!(record_size(16_384), Some(MAX_PLAIN));
        assert_eq!((record_size(63), record_size(16_385)), (None, None));
        assert_eq!(
            (padding_block(0), padding_block(2), padding_block(16_384)),
            (Some(0), Some(2), Some(16_384))
        );
        assert_eq!((padding_block(1), padding_block(48), padding_block(32_768)), (None, None, None));
    }
}
