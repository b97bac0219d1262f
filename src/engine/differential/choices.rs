//! What decides how a game goes: the same each time that it is played.

use std::hash::{DefaultHasher, Hash, Hasher};

pub(super) struct Choices<'a>(Source<'a>);

enum Source<'a> {
    /// Hashes of the last one, without an end.
    Seed(u64),
    /// As few of them as each choice needs, so that a byte that is changed changes one; zeros behind the last one.
    Bytes { rest: &'a [u8] },
}

impl<'a> Choices<'a> {
    pub(super) fn of_seed(seed: u64) -> Self {
        Self(Source::Seed(seed))
    }

    pub(super) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self(Source::Bytes { rest: bytes })
    }

    /// Whether there is nothing left that could be chosen by.
    pub(super) fn are_over(&self) -> bool {
        matches!(self.0, Source::Bytes { rest: [] })
    }

    /// A number below `most`, which is not 0.
    pub(super) fn below(&mut self, most: usize) -> usize {
        let bytes = (usize::BITS - (most - 1).leading_zeros()).div_ceil(u8::BITS);
        (self.number(bytes as usize) % most as u64) as usize
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.number(1) as u8
    }

    /// 64 bits; those of bytes repeat each other.
    pub(super) fn bits(&mut self) -> u64 {
        match self.0 {
            Source::Seed(_) => self.number(8),
            Source::Bytes { .. } => u64::from_ne_bytes([self.byte(); 8]),
        }
    }

    /// Bytes to be sent: which they are does not matter, if others are other ones.
    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let first = self.byte();
        (0..length).map(|at| first.wrapping_add(at as u8)).collect()
    }

    /// So many bytes as a number, at least.
    fn number(&mut self, bytes: usize) -> u64 {
        match &mut self.0 {
            Source::Seed(last) => {
                let mut hasher = DefaultHasher::new();
                last.hash(&mut hasher);
                *last = hasher.finish();
                *last
            }
            Source::Bytes { rest } => {
                let (taken, behind) = rest.split_at(bytes.min(rest.len()));
                *rest = behind;
                taken.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
            }
        }
    }
}
