//! Records are opened and sealed into memory that nobody has written to yet.

mod filling;

use std::mem::MaybeUninit;
#[cfg(any(test, fuzzing))]
use std::ops::Range;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

pub(crate) use filling::{Unfilled, append};

/// Opens `sealed` into `memory`, which must be as long, and gives what is there then; nothing if it does not
/// authenticate. Of that no plain byte is left in `memory`: AES-GCM writes before it knows, and the cryptographic library
/// writes zeros over it (`EVP_AEAD_CTX_open_gather`).
#[inline]
pub(crate) fn open<'a>(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    data: &[u8],
    sealed: &[u8],
    tag: &[u8],
    memory: &'a mut [MaybeUninit<u8>],
) -> Option<&'a mut [u8]> {
    let (start, length) = (memory.as_mut_ptr().cast::<u8>(), memory.len());
    // SAFETY: `memory` is valid for writes of `length` bytes, and nobody else's for `'a`. Its bytes may be uninitialised,
    // but nothing reads them by this: the one callee hands pointer and length on to C, which writes all of them where it
    // succeeds; where it does not, nobody is given the slice. That a reference to such bytes may exist unread is an assumption:
    // Rust's rules leave it open, its compiler keeps to it, and aws-lc-rs has no form of the call for memory of this kind.
    let bytes = unsafe { std::slice::from_raw_parts_mut(start, length) };
    // Made here, because it is wiped when it is dropped: the compiler carries it in single bytes from where that begins.
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.open_separate_gather(nonce, Aad::from(data), sealed, tag, bytes).ok()?;
    Some(bytes)
}

/// Memory for tests, with room for so many bytes.
#[cfg(any(test, fuzzing))]
pub(crate) struct Memory {
    bytes: Vec<MaybeUninit<u8>>,
    filled: usize,
    given: usize,
    last: u8,
    /// What was opened into it, record by record.
    pub(crate) pieces: Vec<Vec<u8>>,
}

#[cfg(any(test, fuzzing))]
impl Memory {
    /// What stands where nothing was written.
    pub(crate) const BEFORE: u8 = 0xa5;

    pub(crate) fn new(room: usize) -> Self {
        Self {
            bytes: vec![MaybeUninit::new(Self::BEFORE); room],
            filled: 0,
            given: 0,
            last: 0,
            pieces: vec![],
        }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.read(0..self.bytes.len())
    }

    fn read(&self, range: Range<usize>) -> Vec<u8> {
        // SAFETY: all were initialised when this was made, and are only ever overwritten.
        self.bytes[range].iter().map(|byte| unsafe { byte.assume_init() }).collect()
    }
}

#[cfg(any(test, fuzzing))]
impl crate::record::traffic::PlainMemory for Memory {
    fn next(&mut self, length: usize) -> Option<&mut [MaybeUninit<u8>]> {
        let end = self.filled + length;
        if end == 0 || end > self.bytes.len() {
            return None;
        }
        self.last = self.read(end - 1..end)[0];
        self.given = length;
        Some(&mut self.bytes[self.filled..end])
    }

    fn keep(&mut self, length: usize) {
        assert!(length <= self.given);
        let end = self.filled + self.given;
        if length < self.given {
            self.bytes[end - 1] = MaybeUninit::new(self.last);
        }
        if length > 0 {
            self.pieces.push(self.read(self.filled..self.filled + length));
        }
        self.filled += length;
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::{AES_128_GCM, CHACHA20_POLY1305, UnboundKey};

    use super::*;

    const PLAIN: [u8; 200] = [0x5e; 200];

    fn sealed(key: &LessSafeKey) -> (Vec<u8>, Vec<u8>) {
        let mut bytes = PLAIN.to_vec();
        let nonce = Nonce::assume_unique_for_key([1; 12]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(b"data"), &mut bytes).unwrap();
        (bytes, tag.as_ref().to_vec())
    }

    //
    #[test]
    fn what_does_not_authenticate_leaves_no_plain_byte() {
        for algorithm in [&AES_128_GCM, &CHACHA20_POLY1305] {
            let key = LessSafeKey::new(UnboundKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap());
            let (bytes, mut tag) = sealed(&key);
            let nonce = [1; NONCE_LEN];
            let mut memory = [MaybeUninit::uninit(); PLAIN.len()];
            assert_eq!(open(&key, nonce, b"data", &bytes, &tag, &mut memory).unwrap(), PLAIN);

            // As if there were plain bytes of another record.
            let mut memory = [MaybeUninit::new(0x5e); PLAIN.len()];
            tag[3] ^= 1;
            assert!(open(&key, nonce, b"data", &bytes, &tag, &mut memory).is_none());
            // SAFETY: they were initialised above, and overwritten at most.
            assert!(memory.iter().all(|byte| unsafe { byte.assume_init() } != 0x5e));
        }
    }
}
