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
use crate::copying;

/// The inbound queue of one connection: nothing, while nothing is there.
#[derive(Default)]
pub(crate) struct Inbound(Option<Box<InboundBuffer>>);

/// Memory with its marks. Borrowed from the pool while it holds bytes or a window is open.
pub(super) struct InboundBuffer {
    /// All of it initialised, from the start to the capacity.
    memory: Vec<u8>,
    plain: Range<usize>,
    wire: Range<usize>,
    /// Everything before this position may hold plain bytes, read or not...
    touched: usize,
    /// ...but for what is before this one, which is not above it.
    clean: usize,
    /// Bytes behind `wire.end` that the host may write before its next call.
    window: usize,
    /// See [`Inbound::shown`].
    shown: usize,
}

impl Inbound {
    /// Plain bytes that wait, and wire bytes behind them, of another connection.
    pub(crate) fn with(plain: &[u8], wire: &[u8], pool: &Pool) -> Self {
        if plain.is_empty() && wire.is_empty() {
            return Self::default();
        }
        let mut buffer = pool.lend_inbound(plain.len() + wire.len());
        buffer.append_plain(plain);
        let end = plain.len() + wire.len();
        buffer.memory[plain.len()..end].copy_from_slice(wire);
        buffer.wire = plain.len()..end;
        // Messages that are not whole are decrypted where they lie.
        buffer.touched = end;
        Self(Some(buffer))
    }

    /// Bytes held for the host or the engine.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |buffer| buffer.plain.len() + buffer.wire.len())
    }

    /// Whether neither bytes nor a window are there.
    #[inline]
    pub(crate) fn holds_no_buffer(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn plain(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |buffer| &buffer.memory[buffer.plain.clone()])
    }

    pub(crate) fn has_plain(&self) -> bool {
        self.0.as_ref().is_some_and(|buffer| !buffer.plain.is_empty())
    }

    pub(crate) fn wire(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |buffer| &buffer.memory[buffer.wire.clone()])
    }

    pub(crate) fn wire_mut(&mut self) -> &mut [u8] {
        self.0.as_mut().map_or(&mut [], |buffer| &mut buffer.memory[buffer.wire.clone()])
    }

    /// How many wire bytes, from the front, the engine was shown, as records to their end. What it opens and cannot use yet stays
    /// here, put together where it lies, so that the records cannot be told from each other any more. More than there are, where an
    /// in-place call was given some that were not fed again yet.
    pub(crate) fn shown(&self) -> usize {
        self.0.as_ref().map_or(0, |buffer| buffer.shown)
    }

    pub(crate) fn note_shown(&mut self, shown: usize) {
        if let Some(buffer) = &mut self.0 {
            buffer.shown = shown;
        }
    }

    /// Appends wire bytes; the caller has checked them against the limit.
    pub(crate) fn append(&mut self, bytes: &[u8], pool: &Pool) {
        let buffer = self.with_room(bytes.len(), pool);
        buffer.window = 0;
        let end = buffer.wire.end + bytes.len();
        copying::copy(bytes, &mut buffer.memory[buffer.wire.end..end]);
        buffer.wire.end = end;
    }

    /// Opens a window of at most `most` and at least `least` bytes behind the wire bytes.
    pub(crate) fn open_window(&mut self, least: usize, most: usize, pool: &Pool) -> &mut [u8] {
        let buffer = self.with_room(least, pool);
        let room = buffer.memory.len() - buffer.wire.end;
        buffer.window = room.min(most);
        &mut buffer.memory[buffer.wire.end..buffer.wire.end + buffer.window]
    }

    /// The size of the open window, 0 if none is open.
    pub(crate) fn window(&self) -> usize {
        self.0.as_ref().map_or(0, |buffer| buffer.window)
    }

    /// Takes `length` bytes of the window as wire bytes, and closes it.
    pub(crate) fn commit(&mut self, length: usize) {
        if let Some(buffer) = &mut self.0 {
            debug_assert!(length <= buffer.window);
            buffer.wire.end += length;
            buffer.window = 0;
        }
    }

    /// Appends the first `length` bytes of what the host received into: without a copy where nothing is in front of them
    /// that its own buffer has no room for.
    pub(super) fn adopt(&mut self, mut buffer: Box<InboundBuffer>, length: usize, pool: &Pool) {
        debug_assert!(length <= buffer.window);
        buffer.wire.end += length;
        buffer.window = 0;
        let kept = self.len();
        if kept > length || kept > buffer.wire.start {
            self.append(&buffer.memory[buffer.wire.clone()], pool);
            buffer.reset();
            pool.take_back_inbound(buffer);
            return;
        }
        if let Some(mut former) = self.0.replace(buffer) {
            if let Some(buffer) = &mut self.0 {
                buffer.put_in_front(&former);
            }
            former.reset();
            pool.take_back_inbound(former);
        }
    }

    /// The engine has processed `used` wire bytes; `plain` (relative to where the wire bytes
    /// began) waits for the host.
    pub(crate) fn processed(&mut self, used: usize, plain: Option<Range<usize>>) {
        let Some(buffer) = &mut self.0 else { return };
        let start = buffer.wire.start;
        if let Some(plain) = plain {
            debug_assert!(buffer.plain.is_empty() && plain.end <= used);
            buffer.plain = start + plain.start..start + plain.end;
        }
        buffer.wire.start += used;
        buffer.shown = buffer.shown.saturating_sub(used);
    }

    /// The engine has run over the wire bytes, and may have left plain ones anywhere among them.
    pub(crate) fn touched_all(&mut self) {
        if let Some(buffer) = &mut self.0 {
            buffer.touched = buffer.touched.max(buffer.wire.end);
        }
    }

    /// The host has copied out `length` plain bytes.
    pub(crate) fn consume_plain(&mut self, length: usize) {
        if let Some(buffer) = &mut self.0 {
            buffer.plain.start += length;
            debug_assert!(buffer.plain.start <= buffer.plain.end);
        }
    }

    /// Returns the buffer to the pool if nothing needs it.
    pub(crate) fn release_if_idle(&mut self, pool: &Pool) {
        if self.is_empty() && self.window() == 0 {
            self.release(pool);
        }
    }

    /// Forgets all bytes, and returns the buffer to the pool; but not under an open window, which the host's transport
    /// may be writing to.
    pub(crate) fn release(&mut self, pool: &Pool) {
        match self.0.take() {
            Some(mut buffer) if buffer.window > 0 => {
                buffer.forget();
                self.0 = Some(buffer);
            }
            Some(mut buffer) => {
                buffer.reset();
                pool.take_back_inbound(buffer);
            }
            None => {}
        }
    }

    /// A buffer with `length` bytes of room behind the wire bytes: the one at hand, or a larger one.
    fn with_room(&mut self, length: usize, pool: &Pool) -> &mut InboundBuffer {
        let kept = self.len();
        let buffer = match self.0.take() {
            None => pool.lend_inbound(length),
            Some(mut buffer) if kept + length <= buffer.memory.len() => {
                buffer.make_room(length);
                buffer
            }
            Some(mut smaller) => {
                let mut larger = pool.lend_inbound(kept + length);
                larger.take_over(&smaller);
                smaller.reset();
                pool.take_back_inbound(smaller);
                larger
            }
        };
        self.0.insert(buffer)
    }
}

impl InboundBuffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { memory: vec![0; capacity], plain: 0..0, wire: 0..0, touched: 0, clean: 0, window: 0, shown: 0 }
    }

    pub(super) fn capacity(&self) -> usize {
        self.memory.len()
    }

    pub(super) fn plain(&self) -> &[u8] {
        &self.memory[self.plain.clone()]
    }

    /// Appends plain bytes; for a buffer that holds no others, and has room.
    pub(super) fn append_plain(&mut self, bytes: &[u8]) {
        let end = self.plain.end + bytes.len();
        copying::copy(bytes, &mut self.memory[self.plain.end..end]);
        self.plain.end = end;
        self.touched = self.touched.max(end);
    }

    /// Moves the bytes to the front, without the gap of header and tag between plain and wire ones,
    /// if there is no room for `length` more behind them.
    fn make_room(&mut self, length: usize) {
        if self.memory.len() - self.wire.end < length {
            self.memory.copy_within(self.plain.clone(), 0);
            self.memory.copy_within(self.wire.clone(), self.plain.len());
            self.rebase(self.plain.len(), self.wire.len());
        }
    }

    /// Copies the bytes that are still needed out of `other`.
    fn take_over(&mut self, other: &Self) {
        let (plain, wire) = (&other.memory[other.plain.clone()], &other.memory[other.wire.clone()]);
        self.memory[..plain.len()].copy_from_slice(plain);
        self.memory[plain.len()..plain.len() + wire.len()].copy_from_slice(wire);
        self.rebase(plain.len(), wire.len());
        let wire_touched = other.touched.saturating_sub(other.wire.start);
        self.touched = plain.len() + wire_touched;
        self.shown = other.shown;
    }

    /// Opens a window of `room` bytes that the host owns, with up to `most` bytes of room in front of it.
    pub(super) fn give_to_host(&mut self, room: usize, most: usize) {
        const LINE: usize = 64;
        let start = (self.memory.len() - room).min(most) / LINE * LINE;
        (self.plain, self.wire, self.window) = (start..start, start..start, room);
        self.clean = start;
    }

    /// That window.
    pub(super) fn room_of_host(&mut self) -> &mut [u8] {
        &mut self.memory[self.wire.end..self.wire.end + self.window]
    }

    /// The host gives it back: it may have decrypted there.
    pub(super) fn take_from_host(&mut self) {
        self.touched = self.wire.end + self.window;
        self.reset();
    }

    /// Copies the bytes of `other` in front of the wire bytes, where there is room.
    fn put_in_front(&mut self, other: &Self) {
        let wire_start = self.wire.start - other.wire.len();
        let plain_start = wire_start - other.plain.len();
        self.memory[wire_start..self.wire.start].copy_from_slice(&other.memory[other.wire.clone()]);
        self.memory[plain_start..wire_start].copy_from_slice(&other.memory[other.plain.clone()]);
        self.plain = plain_start..wire_start;
        self.touched = self.touched.max(self.wire.start);
        self.clean = plain_start;
        self.wire.start = wire_start;
        self.shown = other.shown;
    }

    /// The plain bytes are at the front now, the wire bytes right behind them.
    fn rebase(&mut self, plain: usize, wire: usize) {
        self.plain = 0..plain;
        self.wire = plain..plain + wire;
        self.clean = 0;
    }

    /// Forgets all bytes, and wipes those that may be plain. The window, which lies behind them, stays.
    fn forget(&mut self) {
        self.wipe();
        self.touched = 0;
        self.clean = 0;
        self.shown = 0;
        self.plain = self.wire.end..self.wire.end;
        self.wire.start = self.wire.end;
    }

    /// The same, as if nothing had ever been in it.
    pub(super) fn reset(&mut self) {
        self.forget();
        self.plain = 0..0;
        self.wire = 0..0;
        self.window = 0;
    }
}

impl InboundBuffer {
    fn wipe(&mut self) {
        let clean = self.clean.min(self.touched);
        wipe(&mut self.memory[clean..self.touched]);
    }
}

impl Drop for InboundBuffer {
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

    fn capacity(inbound: &Inbound) -> usize {
        inbound.0.as_ref().map_or(0, |buffer| buffer.capacity())
    }

    /// Plays the engine: decrypts `used` bytes into `SECRET`s, of which the last `plain` wait.
    fn decrypt(inbound: &mut Inbound, used: usize, plain: usize) {
        inbound.wire_mut()[..used].fill(SECRET);
        inbound.touched_all();
        inbound.processed(used, Some(used - plain..used));
    }

    #[test]
    fn bytes_survive_compaction_and_growth() {
        let pool = pool();
        let mut inbound = Inbound::default();
        inbound.append(&[1; 8000], &pool);
        decrypt(&mut inbound, 7000, 10);
        inbound.append(&[2; 5000], &pool);
        assert_eq!(capacity(&inbound), 8 * 1024, "moved, not grown");
        assert_eq!(inbound.plain(), [SECRET; 10]);
        assert_eq!(inbound.wire()[..1000], [1; 1000]);
        assert_eq!(inbound.wire()[1000..], [2; 5000]);
        inbound.append(&[3; 30_000], &pool);
        assert_eq!(capacity(&inbound), 84 * 1024);
        assert_eq!(inbound.plain(), [SECRET; 10]);
        assert_eq!(inbound.wire()[6000..], [3; 30_000]);
        assert_eq!(inbound.len(), 36_010);
    }

    #[test]
    fn a_full_buffer_has_room_for_what_decryption_freed() {
        let pool = pool();
        let mut inbound = Inbound::default();
        inbound.append(&[1; 20_480], &pool);
        // 5 bytes of header and 17 of tag and type lie around the plain bytes.
        inbound.processed(16_389, Some(5..16_372));
        assert_eq!(inbound.len(), 20_458);
        inbound.append(&[2; 22], &pool);
        assert_eq!(capacity(&inbound), 20_480);
        assert_eq!(inbound.plain(), [1; 16_367]);
        assert_eq!(inbound.wire()[..4091], [1; 4091]);
        assert_eq!(inbound.wire()[4091..], [2; 22]);
    }

    // [R-11]
    #[test]
    fn a_returned_buffer_holds_no_plain_bytes() {
        let pool = pool();
        let mut inbound = Inbound::default();
        inbound.append(&[1; 6000], &pool);
        decrypt(&mut inbound, 4000, 3000);
        // Compaction copies plain bytes to the front, growth to another buffer.
        inbound.append(&[1; 2500], &pool);
        inbound.append(&[1; 9000], &pool);
        let small = pool.lend_inbound(1);
        assert!(small.memory.iter().all(|&byte| byte != SECRET), "the outgrown buffer was wiped");

        inbound.consume_plain(3000);
        decrypt(&mut inbound, 13_500, 0);
        assert!(inbound.is_empty());
        inbound.release_if_idle(&pool);
        assert!(inbound.0.is_none());
        let large = pool.lend_inbound(20_000);
        assert!(large.memory.iter().all(|&byte| byte != SECRET));
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
        assert!(inbound.0.is_some(), "an open window is not taken away");
        inbound.commit(0);
        inbound.release_if_idle(&pool);
        assert!(inbound.0.is_none());
    }
}
