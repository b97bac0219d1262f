//! Lends buffers to the connections of a context: those that stay with threads first, then the context's own.
//!
//! A connection that moves a record borrows a buffer and returns it, again and again. What it returns stays with
//! the thread (`thread_buffers`), so threads that share a context share no memory while they move records, and a buffer stays in the
//! cache of the core that wrote it. What a thread has no place for goes to the context's shelves, under a lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::inbound::InboundBuffer;
use super::outbound::OutboundBuffer;
use super::thread_buffers::{self, Stays};
use crate::line::Line;

/// Capacities that buffers come in: a handshake flight or a small message; any one record; a
/// 64 KiB message with what the engine reserves for it; and two for hosts that raise the limits.
/// Larger ones are not kept.
const CLASSES: [usize; 5] = [8 * 1024, 20 * 1024, 84 * 1024, 336 * 1024, 1344 * 1024];

/// The largest buffer that stays with a thread.
const MOST_THREAD_BUFFER: usize = CLASSES[thread_buffers::SIZES - 1];

/// The least bound of a context that lets buffers stay with threads. A host that sets a smaller one wants little memory to
/// be kept, and what threads have is beyond any context's bound.
const LEAST_FOR_THREAD_BUFFERS: usize = 2 * MOST_THREAD_BUFFER;

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

/// Lends buffers and takes them back; keeps no more than `bound` bytes of unused ones itself. Clones share them.
#[derive(Clone)]
pub(crate) struct Pool {
    bound: usize,
    uses_thread_buffers: bool,
    shelves: Arc<Line<Mutex<Stock>>>,
}

/// What the pool needs to know of a buffer.
trait Pooled: Stays {
    fn shelves(stock: &mut Stock) -> &mut Shelves<Self>;
    fn allocate(capacity: usize) -> Self;
}

impl Pooled for InboundBuffer {
    fn shelves(stock: &mut Stock) -> &mut Shelves<Self> {
        &mut stock.inbound
    }

    fn allocate(capacity: usize) -> Self {
        InboundBuffer::new(capacity)
    }
}

impl Pooled for OutboundBuffer {
    fn shelves(stock: &mut Stock) -> &mut Shelves<Self> {
        &mut stock.outbound
    }

    fn allocate(capacity: usize) -> Self {
        OutboundBuffer::new(capacity)
    }
}

impl Pool {
    pub(crate) fn new(bound: usize) -> Self {
        Self { bound, uses_thread_buffers: bound >= LEAST_FOR_THREAD_BUFFERS, shelves: Arc::default() }
    }

    /// A buffer of at least `need` bytes, without plain bytes.
    pub(super) fn lend_inbound(&self, need: usize) -> Box<InboundBuffer> {
        self.lend(need)
    }

    /// An empty buffer that can be appended `need` bytes without allocating.
    pub(super) fn lend_outbound(&self, need: usize) -> Box<OutboundBuffer> {
        self.lend(need)
    }

    /// How many bytes of unused buffers are on the shelves.
    pub(crate) fn unused(&self) -> usize {
        self.stock().bytes
    }

    /// Takes back a buffer that was reset.
    pub(super) fn take_back_inbound(&self, buffer: Box<InboundBuffer>) {
        self.take_back(buffer);
    }

    pub(super) fn take_back_outbound(&self, mut buffer: Box<OutboundBuffer>) {
        buffer.reset();
        self.take_back(buffer);
    }

    #[inline]
    fn lend<B: Pooled>(&self, need: usize) -> Box<B> {
        let (class, capacity) = class_for(need);
        let kept = class.filter(|_| self.uses_thread_buffers).and_then(thread_buffers::take);
        kept.unwrap_or_else(|| self.take_off_shelf(class, capacity))
    }

    #[inline]
    fn take_back<B: Pooled>(&self, buffer: Box<B>) {
        // A buffer that the engine grew to an odd size is not kept: it would be lent for less.
        let Some(class) = CLASSES.iter().position(|&size| size == buffer.capacity()) else {
            return;
        };
        let left = if self.uses_thread_buffers { thread_buffers::put(buffer, class) } else { Some(buffer) };
        if let Some(left) = left {
            self.shelve(left, class);
        }
    }

    #[cold]
    fn take_off_shelf<B: Pooled>(&self, class: Option<usize>, capacity: usize) -> Box<B> {
        let reused = class.and_then(|class| {
            let mut stock = self.stock();
            let buffer = B::shelves(&mut stock)[class].pop()?;
            stock.bytes -= capacity;
            Some(buffer)
        });
        reused.unwrap_or_else(|| Box::new(B::allocate(capacity)))
    }

    /// Keeps a buffer of one of the classes, if the bound has room for it.
    #[cold]
    fn shelve<B: Pooled>(&self, buffer: Box<B>, class: usize) {
        let capacity = buffer.capacity();
        let mut stock = self.stock();
        if stock.bytes + capacity <= self.bound {
            stock.bytes += capacity;
            B::shelves(&mut stock)[class].push(buffer);
        }
    }

    /// No code that can panic runs while the lock is held, so a poisoned stock is a sound one.
    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How large a buffer for `need` bytes is.
pub(crate) fn capacity_for(need: usize) -> usize {
    class_for(need).1
}

/// The class that holds `need` bytes, if any does, and the capacity to allocate.
#[inline]
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
    fn the_thread_keeps_the_last_one_and_the_shelves_the_others() {
        let pool = Pool::new(1 << 20);
        let (small, other) = (pool.lend_outbound(1), pool.lend_outbound(1));
        let address = &raw const *small;
        pool.take_back_outbound(other);
        assert_eq!(pool.stock().bytes, 0, "it stays with the thread");
        pool.take_back_outbound(small);
        assert_eq!(pool.stock().bytes, CLASSES[0], "the former one is on its shelf");

        let another_context = Pool::new(LEAST_FOR_THREAD_BUFFERS);
        let again = another_context.lend_outbound(1);
        assert_eq!(&raw const *again, address, "no buffer knows its context");
        another_context.take_back_outbound(again);
        let large = pool.lend_outbound(CLASSES[2]);
        assert_eq!(large.capacity(), CLASSES[2]);
        pool.take_back_outbound(large);
        assert_eq!(pool.stock().bytes, CLASSES[0], "the thread has it beside the small one");
        let larger = pool.lend_outbound(CLASSES[3]);
        pool.take_back_outbound(larger);
        assert_eq!(
            pool.stock().bytes,
            CLASSES[0] + CLASSES[3],
            "of the largest ones none stays with a thread"
        );
    }

    /// Many connections of which a few bytes wait would each keep what a large message left.
    #[test]
    fn what_the_thread_keeps_is_lent_for_its_own_size() {
        let pool = Pool::new(1 << 20);
        for large in CLASSES {
            pool.take_back_inbound(pool.lend_inbound(large));
            pool.take_back_outbound(pool.lend_outbound(large));
        }
        for need in [1, CLASSES[0], CLASSES[0] + 1, CLASSES[1], CLASSES[2], CLASSES[3]] {
            let capacities = [pool.lend_inbound(need).capacity(), pool.lend_outbound(need).capacity()];
            assert_eq!(capacities, [capacity_for(need); 2], "{need}");
        }
    }

    /// What a record of either size borrows is at hand, without a lock.
    #[test]
    fn large_and_small_records_in_turn_use_the_same_buffers() {
        let pool = Pool::new(LEAST_FOR_THREAD_BUFFERS);
        let of_each = || {
            [1, CLASSES[1], CLASSES[2]].map(|need| {
                let buffer = pool.lend_inbound(need);
                let address = &raw const *buffer;
                pool.take_back_inbound(buffer);
                address
            })
        };
        let first = of_each();
        assert_eq!(of_each(), first);
        assert_eq!(pool.stock().bytes, 0);
    }

    #[test]
    fn a_buffer_that_moves_between_threads_goes_to_where_it_is_returned() {
        let pool = Pool::new(1 << 20);
        let first = pool.lend_inbound(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                pool.take_back_inbound(first);
                assert_eq!(pool.stock().bytes, 0);
                let (kept, fresh) = (pool.lend_inbound(1), pool.lend_inbound(1));
                pool.take_back_inbound(kept);
                pool.take_back_inbound(fresh);
                assert_eq!(pool.stock().bytes, CLASSES[0]);
            });
        });
        let shelved = pool.lend_inbound(1);
        assert_eq!(pool.stock().bytes, 0, "the other thread's second one");
        drop(shelved);
    }

    #[test]
    fn a_context_with_a_small_bound_neither_leaves_anything_with_a_thread_nor_takes_it() {
        let (usual, small) = (Pool::new(LEAST_FOR_THREAD_BUFFERS), Pool::new(LEAST_FOR_THREAD_BUFFERS - 1));
        usual.take_back_inbound(usual.lend_inbound(1));
        let first = small.lend_inbound(1);
        small.take_back_inbound(first);
        assert_eq!(small.stock().bytes, CLASSES[0]);
        let of_thread = usual.lend_inbound(1);
        assert_eq!(usual.stock().bytes, 0);
        assert!(thread_buffers::take::<InboundBuffer>(0).is_none());
        drop(of_thread);
    }

    #[test]
    fn a_zero_bound_keeps_nothing() {
        let pool = Pool::new(0);
        pool.take_back_inbound(pool.lend_inbound(1));
        pool.take_back_outbound(pool.lend_outbound(1));
        assert_eq!(pool.stock().bytes, 0);
    }
}
