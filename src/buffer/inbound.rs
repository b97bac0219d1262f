//! Bytes from the peer: plain ones that were decrypted in place, and wire ones behind them.
//!
//! ```text
//!   0        plain.start  plain.end   wire.start      wire.end        capacity
//!   ├── used ──┼─ unread plain ─┼─ used ─┼─ wire ────────┼─ room ──────────┤
//! ```
//!
//! The engine decrypts records at the front of the wire part; their plain bytes stay where they are
//! until the host has copied them out.

use std::hint::black_box;
use std::ops::Range;

use super::Pool;

/// The inbound queue of one connection.
#[derive(Default)]
pub(crate) struct Inbound {
    /// Borrowed from the pool while it holds bytes or a window is open; length = capacity.
    buffer: Vec<u8>,
    plain: Range<usize>,
    wire: Range<usize>,
    /// Everything before this position may hold plain bytes, read or not.
    touched: usize,
    /// Bytes behind `wire.end` that the host may write before its next call.
    window: usize,
}

impl Inbound {
    /// Bytes held for the host or the engine.
    pub(crate) fn held(&self) -> usize {
        self.plain.len() + self.wire.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held() == 0
    }

    pub(crate) fn plain(&self) -> &[u8] {
        &self.buffer[self.plain.clone()]
    }

    pub(crate) fn has_plain(&self) -> bool {
        !self.plain.is_empty()
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.buffer[self.wire.clone()]
    }

    pub(crate) fn wire_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.wire.clone()]
    }

    /// Appends wire bytes; the caller has checked them against the limit.
    pub(crate) fn append(&mut self, bytes: &[u8], pool: &Pool) {
        self.make_room(bytes.len(), pool);
        self.window = 0;
        let end = self.wire.end + bytes.len();
        self.buffer[self.wire.end..end].copy_from_slice(bytes);
        self.wire.end = end;
    }

    /// Opens a window of at most `most` and at least `least` bytes behind the wire bytes.
    pub(crate) fn open_window(&mut self, least: usize, most: usize, pool: &Pool) -> &mut [u8] {
        self.make_room(least, pool);
        let room = self.buffer.len() - self.wire.end;
        self.window = room.min(most);
        &mut self.buffer[self.wire.end..self.wire.end + self.window]
    }

    /// The size of the open window, 0 if none is open.
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// Takes `length` bytes of the window as wire bytes, and closes it.
    pub(crate) fn commit(&mut self, length: usize) {
        debug_assert!(length <= self.window);
        self.wire.end += length;
        self.window = 0;
    }

    /// The engine has processed `used` wire bytes; `plain` (relative to where the wire bytes
    /// began) waits for the host.
    pub(crate) fn processed(&mut self, used: usize, plain: Option<Range<usize>>) {
        let start = self.wire.start;
        if let Some(plain) = plain {
            debug_assert!(self.plain.is_empty() && plain.end <= used);
            self.plain = start + plain.start..start + plain.end;
        }
        self.wire.start += used;
        self.touched = self.touched.max(self.wire.start);
    }

    /// The engine may have left plain bytes anywhere among the wire bytes: of handshake messages
    /// that are not whole, or of a record that failed.
    pub(crate) fn touched_all(&mut self) {
        self.touched = self.touched.max(self.wire.end);
    }

    /// The host has copied out `length` plain bytes.
    pub(crate) fn consume_plain(&mut self, length: usize) {
        self.plain.start += length;
        debug_assert!(self.plain.start <= self.plain.end);
    }

    /// Returns the buffer to the pool if nothing needs it.
    pub(crate) fn release_if_idle(&mut self, pool: &Pool) {
        if self.is_empty() && self.window == 0 && !self.buffer.is_empty() {
            self.release(pool);
        }
    }

    /// Forgets all bytes and returns the buffer to the pool.
    pub(crate) fn release(&mut self, pool: &Pool) {
        let mut inbound = std::mem::take(self);
        inbound.wipe();
        if !inbound.buffer.is_empty() {
            pool.take_back_filled(std::mem::take(&mut inbound.buffer));
        }
    }

    /// Makes `length` bytes of room behind the wire bytes: moves them to the front, or borrows a
    /// larger buffer.
    fn make_room(&mut self, length: usize, pool: &Pool) {
        if self.buffer.len() - self.wire.end >= length {
            return;
        }
        let front = if self.has_plain() { self.plain.start } else { self.wire.start };
        let kept = front..self.wire.end;
        if kept.len() + length <= self.buffer.len() {
            self.buffer.copy_within(kept, 0);
        } else {
            let mut larger = pool.lend_filled(kept.len() + length);
            larger[..kept.len()].copy_from_slice(&self.buffer[kept]);
            let touched = self.touched;
            let mut smaller = std::mem::replace(&mut self.buffer, larger);
            wipe(&mut smaller[..touched]);
            if !smaller.is_empty() {
                pool.take_back_filled(smaller);
            }
            self.touched = self.touched.saturating_sub(front);
        }
        self.plain = if self.has_plain() { 0..self.plain.len() } else { 0..0 };
        self.wire = self.wire.start - front..self.wire.end - front;
    }

    fn wipe(&mut self) {
        wipe(&mut self.buffer[..self.touched]);
        self.touched = 0;
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Zeroes at the speed of memset; the barrier keeps the compiler from dropping stores to memory
/// that is about to be freed.
fn wipe(bytes: &mut [u8]) {
    if !bytes.is_empty() {
        bytes.fill(0);
        black_box(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: u8 = 0x5e;

    fn pool() -> Pool {
        Pool::new(1 << 20)
    }

    /// Plays the engine: decrypts `used` bytes into `SECRET`s, of which the last `plain` wait.
    fn decrypt(inbound: &mut Inbound, used: usize, plain: usize) {
        inbound.wire_mut()[..used].fill(SECRET);
        inbound.processed(used, Some(used - plain..used));
    }

    #[test]
    fn bytes_survive_compaction_and_growth() {
        let pool = pool();
        let mut inbound = Inbound::default();
        inbound.append(&[1; 8000], &pool);
        decrypt(&mut inbound, 7000, 10);
        inbound.append(&[2; 5000], &pool);
        assert_eq!(inbound.buffer.len(), 8 * 1024, "moved, not grown");
        assert_eq!(inbound.plain(), [SECRET; 10]);
        assert_eq!(inbound.wire()[..1000], [1; 1000]);
        assert_eq!(inbound.wire()[1000..], [2; 5000]);
        inbound.append(&[3; 30_000], &pool);
        assert_eq!(inbound.buffer.len(), 84 * 1024);
        assert_eq!(inbound.plain(), [SECRET; 10]);
        assert_eq!(inbound.wire()[6000..], [3; 30_000]);
        assert_eq!(inbound.held(), 36_010);
    }

    #[test]
    fn a_returned_buffer_holds_no_plain_bytes() {
        let pool = pool();
        let mut inbound = Inbound::default();
        inbound.append(&[1; 6000], &pool);
        decrypt(&mut inbound, 4000, 3000);
        // Compaction copies plain bytes to the front, growth to another buffer.
        inbound.append(&[1; 2500], &pool);
        inbound.append(&[1; 9000], &pool);
        let small = pool.lend_filled(1);
        assert!(small.iter().all(|&byte| byte != SECRET), "the outgrown buffer was wiped");

        inbound.consume_plain(3000);
        decrypt(&mut inbound, 13_500, 0);
        assert!(inbound.is_empty());
        inbound.release_if_idle(&pool);
        assert!(inbound.buffer.is_empty());
        let large = pool.lend_filled(20_000);
        assert!(large.iter().all(|&byte| byte != SECRET));
    }

    #[test]
    fn a_window_keeps_the_buffer_and_commits_in_order() {
        let pool = pool();
        let mut inbound = Inbound::default();
        inbound.append(&[1, 2], &pool);
        let window = inbound.open_window(100, 200, &pool);
        assert_eq!(window.len(), 200);
        window[..2].copy_from_slice(&[3, 4]);
        inbound.commit(2);
        assert_eq!(inbound.wire(), [1, 2, 3, 4]);
        assert_eq!(inbound.window(), 0);

        inbound.processed(4, None);
        inbound.open_window(1, 10, &pool);
        inbound.release_if_idle(&pool);
        assert!(!inbound.buffer.is_empty(), "an open window is not taken away");
        inbound.commit(0);
        inbound.release_if_idle(&pool);
        assert!(inbound.buffer.is_empty());
    }
}
