//! A bounded store of unused buffers, shared by the connections of a context.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::inbound::InboundBuffer;
use super::outbound::OutboundBuffer;

/// Capacities that buffers come in: a handshake flight or a small message; any one record; a
/// 64 KiB message with what the engine reserves for it; and two for hosts that raise the limits.
/// Larger ones are not kept.
const CLASSES: [usize; 5] = [8 * 1024, 20 * 1024, 84 * 1024, 336 * 1024, 1344 * 1024];

/// Unused buffers of one use, by class. The last one returned is the first one lent: its memory
/// is still in the processor's cache.
type Shelves<B> = [Vec<Box<B>>; CLASSES.len()];

#[derive(Default)]
struct Stock {
    inbound: Shelves<InboundBuffer>,
    outbound: Shelves<OutboundBuffer>,
    /// Of all buffers on the shelves.
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

    /// A buffer of at least `need` bytes, without plain bytes.
    pub(super) fn lend_inbound(&self, need: usize) -> Box<InboundBuffer> {
        self.lend(need, |stock| &mut stock.inbound, InboundBuffer::new)
    }

    /// An empty buffer that can be appended `need` bytes without allocating.
    pub(super) fn lend_outbound(&self, need: usize) -> Box<OutboundBuffer> {
        self.lend(need, |stock| &mut stock.outbound, OutboundBuffer::new)
    }

    /// Takes back a buffer that was reset.
    pub(super) fn take_back_inbound(&self, buffer: Box<InboundBuffer>) {
        self.keep(buffer.capacity(), buffer, |stock| &mut stock.inbound);
    }

    pub(super) fn take_back_outbound(&self, mut buffer: Box<OutboundBuffer>) {
        buffer.reset();
        self.keep(buffer.capacity(), buffer, |stock| &mut stock.outbound);
    }

    fn lend<B>(
        &self,
        need: usize,
        shelves: impl FnOnce(&mut Stock) -> &mut Shelves<B>,
        allocate: impl FnOnce(usize) -> B,
    ) -> Box<B> {
        let (class, capacity) = class_for(need);
        let reused = class.and_then(|class| {
            let mut stock = self.stock();
            let buffer = shelves(&mut stock)[class].pop()?;
            stock.bytes -= capacity;
            Some(buffer)
        });
        reused.unwrap_or_else(|| Box::new(allocate(capacity)))
    }

    fn keep<B>(&self, capacity: usize, buffer: Box<B>, shelves: impl FnOnce(&mut Stock) -> &mut Shelves<B>) {
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

/// How large a buffer for `need` bytes is.
pub(crate) fn capacity_for(need: usize) -> usize {
    class_for(need).1
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
        let first = pool.lend_inbound(100);
        let address = &raw const *first;
        pool.take_back_inbound(first);
        assert_eq!(pool.stock().bytes, CLASSES[0]);

        let again = pool.lend_inbound(CLASSES[0]);
        assert_eq!(&raw const *again, address);
        assert_eq!(pool.stock().bytes, 0);

        pool.take_back_inbound(again);
        pool.take_back_inbound(pool.lend_inbound(CLASSES[2]));
        assert_eq!(pool.stock().bytes, CLASSES[0], "a buffer above the bound is not kept");
        pool.take_back_outbound(pool.lend_outbound(CLASSES[1]));
        assert_eq!(pool.stock().bytes, CLASSES[0] + CLASSES[1]);
    }

    #[test]
    fn a_zero_bound_keeps_nothing() {
        let pool = Pool::new(0);
        pool.take_back_inbound(pool.lend_inbound(1));
        pool.take_back_outbound(pool.lend_outbound(1));
        assert_eq!(pool.stock().bytes, 0);
    }
}
