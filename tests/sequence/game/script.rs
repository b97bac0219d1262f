//! The bytes that choose what happens. When they are at their end, they say 0.
//!
//! What was chosen by the first bytes once is chosen by them for ever, so that a corpus keeps its meaning. Choices that
//! were added later stand at the end, in front of a mark that no older game ends in.

/// What a game with an appendix ends in.
pub const MARK: &[u8] = b"more";

/// The appendix, and what is in front of it.
pub fn appendix(bytes: &[u8]) -> (u8, &[u8]) {
    match bytes.strip_suffix(MARK).and_then(<[u8]>::split_last) {
        Some((&choices, rest)) => (choices, rest),
        None => (0, bytes),
    }
}

pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// One of `bound` numbers from 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    pub fn pick<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }

    /// Up to `most`: small numbers in small steps, larger ones in large steps, and often all.
    pub fn length(&mut self, most: usize) -> usize {
        let byte = usize::from(self.byte());
        match byte {
            0..=63 => byte.min(most),
            64..=191 => (byte - 63) * 131 % (most + 1),
            _ => most,
        }
    }
}
