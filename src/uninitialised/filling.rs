//! Memory that nobody has filled yet: of a host, or behind the bytes of a vector.
//!
//! It can be written, and what was written can be read; nothing else. So a record is sealed where it is to lie, and no
//! memory is filled with zeros for that first.

use std::mem::MaybeUninit;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroize;

use crate::copying::{self, PIECE};

/// Such memory, and how much of it, from the front, was filled. What is behind that stays untouched.
pub(crate) struct Unfilled<'a> {
    memory: &'a mut [MaybeUninit<u8>],
    filled: usize,
}

impl<'a> Unfilled<'a> {
    pub(crate) fn new(memory: &'a mut [MaybeUninit<u8>]) -> Self {
        Self { memory, filled: 0 }
    }

    /// How many bytes still fit.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.memory.len() - self.filled
    }

    /// How many bytes were filled.
    #[inline]
    pub(crate) fn filled(&self) -> usize {
        self.filled
    }

    /// Appends `bytes`, for which there must be room.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        write(self.next(bytes.len()), bytes);
        self.filled += bytes.len();
    }

    /// Appends so many zeros.
    pub(crate) fn put_zeros(&mut self, count: usize) {
        self.next(count).fill(MaybeUninit::new(0));
        self.filled += count;
    }

    /// Takes the bytes from `start` on back, and wipes them.
    #[cold]
    pub(crate) fn take_back(&mut self, start: usize) {
        self.memory[start..self.filled].fill(MaybeUninit::new(0));
        self.filled = start;
    }

    /// Appends `plain` and `extra`, encrypted, and the tag, of so many bytes as the key's algorithm has.
    #[inline]
    pub(crate) fn seal(
        &mut self,
        key: &LessSafeKey,
        nonce: [u8; NONCE_LEN],
        data: &[u8],
        plain: &[u8],
        extra: &[u8],
    ) -> Result<(), Unspecified> {
        let rest = extra.len() + key.algorithm().tag_len();
        let (text, end) = self.next(plain.len() + rest).split_at_mut(plain.len());
        // SAFETY: it is only written, by the code behind the call below that is given its address.
        let text = unsafe { as_written(text) };
        // SAFETY: as above.
        let end = unsafe { as_written(end) };
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_out_of_place_scatter(nonce, Aad::from(data), plain, text, extra, end)?;
        self.filled += plain.len() + rest;
        Ok(())
    }

    /// Appends `header`, which is the additional data, then `plain` and `last`, copied and encrypted there as one piece, and
    /// the tag. Nothing of them is left if that fails.
    #[inline]
    pub(crate) fn seal_copied(
        &mut self,
        key: &LessSafeKey,
        nonce: [u8; NONCE_LEN],
        header: &[u8],
        plain: &[u8],
        last: u8,
    ) -> Result<(), Unspecified> {
        self.seal_copied_by(key.algorithm().tag_len(), header, plain, last, |text, tag| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_scatter(nonce, Aad::from(header), text, &[], tag)
        })
    }

    /// The same by `seal`, which is given what is copied, and the place of the tag, which it only writes.
    #[inline]
    fn seal_copied_by(
        &mut self,
        tag_len: usize,
        header: &[u8],
        plain: &[u8],
        last: u8,
        seal: impl FnOnce(&mut [u8], &mut [u8]) -> Result<(), Unspecified>,
    ) -> Result<(), Unspecified> {
        let record = self.next(header.len() + plain.len() + 1 + tag_len);
        let length = record.len();
        let (start, sealed) = record.split_at_mut(header.len());
        write(start, header);
        let (text, tag) = sealed.split_at_mut(plain.len() + 1);
        write(&mut text[..plain.len()], plain);
        text[plain.len()].write(last);
        // SAFETY: all of it was written just now.
        let text = unsafe { as_written(text) };
        // SAFETY: the tag is only written, by the code behind the call below that is given its address.
        let tag = unsafe { as_written(tag) };
        let result = seal(text, tag);
        if result.is_err() {
            text.zeroize();
            return result;
        }
        self.filled += length;
        Ok(())
    }

    /// Encrypts the bytes from `start` on where they lie, and appends the tag.
    #[inline]
    pub(crate) fn seal_filled(
        &mut self,
        key: &LessSafeKey,
        nonce: [u8; NONCE_LEN],
        data: &[u8],
        start: usize,
    ) -> Result<(), Unspecified> {
        let (front, behind) = self.memory.split_at_mut(self.filled);
        let tag_len = key.algorithm().tag_len();
        // SAFETY: what is in front of `filled` was written.
        let text = unsafe { as_written(&mut front[start..]) };
        // SAFETY: the tag is only written, by the code behind this call that is given its address.
        let tag = unsafe { as_written(&mut behind[..tag_len]) };
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_scatter(nonce, Aad::from(data), text, &[], tag)?;
        self.filled += tag_len;
        Ok(())
    }

    /// The next `length` bytes, which must be there.
    #[inline]
    fn next(&mut self, length: usize) -> &mut [MaybeUninit<u8>] {
        &mut self.memory[self.filled..self.filled + length]
    }
}

/// Lets `fill` append to `vec`, as much as that has room for without growing.
#[inline]
pub(crate) fn append<R>(vec: &mut Vec<u8>, fill: impl FnOnce(&mut Unfilled<'_>) -> R) -> R {
    let mut unfilled = Unfilled::new(vec.spare_capacity_mut());
    let result = fill(&mut unfilled);
    let length = unfilled.filled;
    // SAFETY: so many bytes behind those of `vec` were written, and are within its capacity.
    unsafe { vec.set_len(vec.len() + length) };
    result
}

/// Copies `bytes` to `place`, which is as long.
#[inline]
fn write(place: &mut [MaybeUninit<u8>], bytes: &[u8]) {
    assert_eq!(place.len(), bytes.len());
    if copying::is_trap(bytes, place.as_ptr().addr()) {
        place.chunks_mut(PIECE).zip(bytes.chunks(PIECE)).for_each(|(place, bytes)| write_piece(place, bytes));
    } else {
        write_piece(place, bytes);
    }
}

/// Copies `bytes` to `place`, which is as long.
#[inline]
fn write_piece(place: &mut [MaybeUninit<u8>], bytes: &[u8]) {
    assert_eq!(place.len(), bytes.len());
    // SAFETY: there are as many bytes at `place`, which nobody else uses; `bytes` are other ones.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), place.as_mut_ptr().cast(), bytes.len()) };
}

/// # Safety
/// The bytes must have been written, or nobody may read them before they are.
#[inline]
unsafe fn as_written(bytes: &mut [MaybeUninit<u8>]) -> &mut [u8] {
    // SAFETY: both types have the same layout, and whoever calls this takes care that no byte is read too early; the rest is
    // the assumption that `super::open` rests on.
    unsafe { &mut *(std::ptr::from_mut(bytes) as *mut [u8]) }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::{AES_128_GCM, UnboundKey};

    use super::*;

    fn key() -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).unwrap())
    }

    const NONCE: [u8; NONCE_LEN] = [9; NONCE_LEN];

    #[test]
    fn all_ways_to_seal_give_the_same_and_touch_nothing_behind() {
        let key = key();
        let plain: Vec<u8> = (0..100).collect();
        let mut memory = [MaybeUninit::new(0xee); 150];
        let mut out = Unfilled::new(&mut memory);
        out.put(b"abc");
        out.seal(&key, NONCE, b"data", &plain, &[100]).unwrap();
        assert_eq!((out.filled(), out.room()), (120, 30));

        let mut other = Vec::with_capacity(200);
        other.extend_from_slice(b"ab");
        append(&mut other, |out| {
            out.put(b"c");
            out.put(&plain);
            out.put(&[100]);
            out.seal_filled(&key, NONCE, b"data", 1).unwrap();
        });
        assert_eq!((other.len(), other.capacity()), (120, 200));
        let mut copied = Vec::with_capacity(200);
        append(&mut copied, |out| out.seal_copied(&key, NONCE, b"data", &plain, 100).unwrap());
        assert_eq!(copied[..4], *b"data");
        assert_eq!(copied[4..], other[3..]);
        // SAFETY: all of it was initialised.
        let memory = memory.map(|byte| unsafe { byte.assume_init() });
        assert_eq!(memory[..120], other);
        assert_eq!(memory[120..], [0xee; 30]);
        let (text, tag) = other[3..].split_at_mut(101);
        let nonce = Nonce::assume_unique_for_key(NONCE);
        let opened = key.open_in_place_separate_tag(nonce, Aad::from(*b"data"), tag, text).unwrap();
        assert_eq!((&opened[..100], opened[100]), (&plain[..], 100));
    }

    #[test]
    fn what_is_taken_back_is_gone() {
        let mut memory = [MaybeUninit::new(0xee); 8];
        let mut out = Unfilled::new(&mut memory);
        out.put(b"abcd");
        out.put_zeros(2);
        out.take_back(1);
        assert_eq!(out.filled(), 1);
        // SAFETY: all of it was initialised.
        let memory = memory.map(|byte| unsafe { byte.assume_init() });
        assert_eq!(memory, *b"a\0\0\0\0\0\xee\xee");
    }

    #[test]
    fn of_what_could_not_be_sealed_nothing_is_left() {
        let mut memory = [MaybeUninit::new(0xee); 40];
        let mut out = Unfilled::new(&mut memory);
        out.put(b"sent");
        let failing = |text: &mut [u8], _: &mut [u8]| {
            assert_eq!(text, b"plain bytes.");
            Err(Unspecified)
        };
        out.seal_copied_by(16, b"data", b"plain bytes", b'.', failing).unwrap_err();
        assert_eq!(out.filled(), 4);
        // SAFETY: all of it was initialised.
        let memory = memory.map(|byte| unsafe { byte.assume_init() });
        assert_eq!(memory[..4], *b"sent");
        assert_eq!(memory[8..20], [0; 12]);
        assert_eq!(memory[20..], [0xee; 20]);
    }

    #[test]
    #[should_panic]
    fn nothing_is_put_where_there_is_no_room() {
        let mut vec = Vec::with_capacity(4);
        let room = vec.capacity();
        append(&mut vec, |out| out.put(&vec![0; room + 1]));
    }
}
