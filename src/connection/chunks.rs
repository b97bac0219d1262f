//! Several pieces of memory as if they were one.

/// What is left of the pieces.
pub(super) struct Chunks<'list, 'bytes>(&'list mut [&'bytes [u8]]);

impl<'list, 'bytes> Chunks<'list, 'bytes> {
    pub(super) fn new(chunks: &'list mut [&'bytes [u8]]) -> Self {
        Self(chunks)
    }

    /// The bytes of all pieces together.
    pub(super) fn length(&self) -> usize {
        self.0.iter().fold(0_usize, |sum, chunk| sum.saturating_add(chunk.len()))
    }

    /// Runs `run` over the first `length` bytes, and takes them away.
    pub(super) fn take_front<R>(&mut self, length: usize, run: impl FnOnce(&[&[u8]]) -> R) -> R {
        // The usual case: one piece, and all of it.
        if matches!(*self.0, [only] if only.len() == length) {
            let rest = std::mem::take(&mut self.0);
            return run(rest);
        }
        let mut left = length;
        let last = self.0.iter().position(|chunk| {
            let ends_here = left <= chunk.len();
            if !ends_here {
                left -= chunk.len();
            }
            ends_here
        });
        let Some(last) = last else {
            debug_assert_eq!(left, 0, "there are not as many bytes");
            let rest = std::mem::take(&mut self.0);
            return run(rest);
        };
        let (front, back) = self.0[last].split_at(left);
        self.0[last] = front;
        let result = run(&self.0[..=last]);
        self.0[last] = back;
        self.0 = &mut std::mem::take(&mut self.0)[last..];
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_take_gives_all_bytes_in_order() {
        let pieces: [&[u8]; 6] = [b"", b"ab", b"c", b"", b"defg", b""];
        for size in 1..=8 {
            let mut list = pieces;
            let mut chunks = Chunks::new(&mut list);
            let mut taken = Vec::new();
            while chunks.length() > 0 {
                let size = size.min(chunks.length());
                chunks.take_front(size, |front| {
                    assert_eq!(front.concat().len(), size);
                    taken.extend(front.concat());
                });
            }
            assert_eq!(taken, b"abcdefg");
        }
    }
}
