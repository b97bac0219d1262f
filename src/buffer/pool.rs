//! A bounded store of unused buffers, shared by the connections of a context.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Capacities that buffers come in: a handshake flight or a small message; any one record; a
/// 64 KiB message with what the engine reserves for it; and two for hosts that raise the limits.
/// Larger ones are not kept.
const CLASSES: [usize; 5] = [8 * 1024, 20 * 1024, 84 * 1024, 336 * 1024, 1344 * 1024];

/// Unused buffers of one use, by class. The last one returned is the first one lent: its memory
/// is still in the processor's cache.
type Shelves = [Vec<Vec<u8>>; CLASSES.len()];

#[derive(Default)]
struct Stock {
    /// Buffers whose length is their capacity: every byte is initialised.
    filled: Shelves,
    /// Buffers of length 0, to be appended to.
    empty: Shelves,
    bytes: usize,
}

/// Lends buffers and takes them back; never keeps more than `bound` bytes of unused ones.
pub(crate) struct Pool {
    bound: usize,
    stock: Mutex<Stock>,
}

impl Pool {
    pub(crate) fn new(bound: usize) -> Self {
        Self { bound, stock: Mutex::default() }
    }

    /// A buffer of at least `need` bytes, all initialised (with anything but plain bytes).
    pub(crate) fn lend_filled(&self, need: usize) -> Vec<u8> {
        let (class, capacity) = class_for(need);
        let reused = class.and_then(|class| {
            let mut stock = self.stock();
            let buffer = stock.filled[class].pop()?;
            stock.bytes -= capacity;
            Some(buffer)
        });
        reused.unwrap_or_else(|| vec![0; capacity])
    }

    /// An empty buffer that can be appended `need` bytes without allocating.
    pub(crate) fn lend_empty(&self, need: usize) -> Vec<u8> {
        let (class, capacity) = class_for(need);
        let reused = class.and_then(|class| {
            let mut stock = self.stock();
            let buffer = stock.empty[class].pop()?;
            stock.bytes -= capacity;
            Some(buffer)
        });
        reused.unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    /// Takes back a buffer of [`Self::lend_filled`], already wiped.
    pub(crate) fn take_back_filled(&self, buffer: Vec<u8>) {
        debug_assert_eq!(buffer.len(), buffer.capacity());
        self.keep(buffer, |stock| &mut stock.filled);
    }

    /// Takes back a buffer of [`Self::lend_empty`].
    pub(crate) fn take_back_empty(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.keep(buffer, |stock| &mut stock.empty);
    }

    fn keep(&self, buffer: Vec<u8>, shelves: impl FnOnce(&mut Stock) -> &mut Shelves) {
        let capacity = buffer.capacity();
        // A buffer that the engine grew to an odd size is not kept: it would be lent for less.
        let Some(class) = CLASSES.iter().position(|&size| size == capacity) else {
            return;
        };
        let mut stock = self.stock();
        if stock.bytes + capacity <= self.bound {
            stock.bytes += capacity;
            shelves(&mut stock)[class].push(buffer);
        }
    }

    /// No code that can panic runs while the lock is held, so a poisoned stock is a sound one.
    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The class that holds `need` bytes, if any does, and the capacity to allocate.
fn class_for(need: usize) -> (Option<usize>, usize) {
    match CLASSES.iter().position(|&size| size >= need) {
        Some(class) => (Some(class), CLASSES[class]),
        None => (None, need.checked_next_power_of_two().unwrap_or(need)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_reused_and_bounded() {
        let pool = Pool::new(CLASSES[0] + CLASSES[1]);
        let first = pool.lend_filled(100);
        let address = first.as_ptr();
        pool.take_back_filled(first);
        assert_eq!(pool.stock().bytes, CLASSES[0]);

        let again = pool.lend_filled(CLASSES[0]);
        assert_eq!(again.as_ptr(), address);
        assert_eq!(pool.stock().bytes, 0);

        pool.take_back_filled(again);
        pool.take_back_filled(pool.lend_filled(CLASSES[2]));
        assert_eq!(pool.stock().bytes, CLASSES[0], "a buffer above the bound is not kept");
        pool.take_back_empty(pool.lend_empty(CLASSES[1]));
        assert_eq!(pool.stock().bytes, CLASSES[0] + CLASSES[1]);
    }

    #[test]
    fn a_zero_bound_keeps_nothing() {
        let pool = Pool::new(0);
        pool.take_back_filled(pool.lend_filled(1));
        pool.take_back_empty(pool.lend_empty(1));
        assert_eq!(pool.stock().bytes, 0);
    }
}
