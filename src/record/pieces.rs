//! Pieces of memory as if they were one.

use crate::uninitialised::Unfilled;

/// What is left of them.
pub(crate) struct Pieces<'a> {
    list: &'a [&'a [u8]],
    /// Of the first one.
    taken: usize,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(list: &'a [&'a [u8]]) -> Self {
        Self { list, taken: 0 }
    }

    /// The next `length` bytes, of as many as there are, if they lie in one piece.
    #[inline]
    pub(super) fn take_whole(&mut self, length: usize) -> Option<&'a [u8]> {
        let whole = self.list.first()?.get(self.taken..self.taken + length)?;
        self.taken += length;
        Some(whole)
    }

    /// Copies the next `length` bytes: there are as many.
    #[inline]
    pub(super) fn copy_to(&mut self, out: &mut Unfilled<'_>, mut length: usize) {
        while let [first, rest @ ..] = self.list {
            let piece = &first[self.taken..];
            if length <= piece.len() {
                out.put(&piece[..length]);
                self.taken += length;
                return;
            }
            out.put(piece);
            length -= piece.len();
            (self.list, self.taken) = (rest, 0);
        }
    }
}
