//! A bounded store of unused buffers, shared by the connections of a context.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_utils::atomic::AtomicCell;

use super::inbound::InboundBuffer;
use super::outbound::OutboundBuffer;

/// Capacities that buffers come in: a handshake flight or a small message; any one record; a
/// 64 KiB message with what the engine reserves for it; and two for hosts that raise the limits.
/// Larger ones are not kept.
const CLASSES: [usize; 5] = [8 * 1024, 20 * 1024, 84 * 1024, 336 * 1024, 1344 * 1024];

/// The largest buffer that is kept in a hand.
const MOST_IN_HAND: usize = CLASSES[2];

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

/// The buffer of one use that came back last. A connection that moves a record borrows one and returns it, again and
/// again: from the hand that costs one exchange, where the lock and the shelves cost several.
type Hand<B> = AtomicCell<Option<Box<B>>>;

/// Lends buffers and takes them back; never keeps more than `bound` bytes of unused ones.
pub(crate) struct Pool {
    /// Of what is on the shelves: what the hands can hold is not in it.
    bound: usize,
    /// Whether the bound has room for both hands.
    has_hands: bool,
    inbound: Hand<InboundBuffer>,
    outbound: Hand<OutboundBuffer>,
    stock: Mutex<Stock>,
}

/// What the pool needs to know of a buffer.
trait Pooled: Sized {
    fn capacity(&self) -> usize;
    fn hand(pool: &Pool) -> &Hand<Self>;
    fn shelves(stock: &mut Stock) -> &mut Shelves<Self>;
    fn allocate(capacity: usize) -> Self;
}

impl Pooled for InboundBuffer {
    fn capacity(&self) -> usize {
        InboundBuffer::capacity(self)
    }

    fn hand(pool: &Pool) -> &Hand<Self> {
        &pool.inbound
    }

    fn shelves(stock: &mut Stock) -> &mut Shelves<Self> {
        &mut stock.inbound
    }

    fn allocate(capacity: usize) -> Self {
        InboundBuffer::new(capacity)
    }
}

impl Pooled for OutboundBuffer {
    fn capacity(&self) -> usize {
        OutboundBuffer::capacity(self)
    }

    fn hand(pool: &Pool) -> &Hand<Self> {
        &pool.outbound
    }

    fn shelves(stock: &mut Stock) -> &mut Shelves<Self> {
        &mut stock.outbound
    }

    fn allocate(capacity: usize) -> Self {
        OutboundBuffer::new(capacity)
    }
}

impl Pool {
    pub(crate) fn new(bound: usize) -> Self {
        let in_hands = 2 * MOST_IN_HAND;
        Self {
            bound: bound.checked_sub(in_hands).unwrap_or(bound),
            has_hands: bound >= in_hands,
            inbound: Hand::default(),
            outbound: Hand::default(),
            stock: Mutex::default(),
        }
    }

    /// A buffer of at least `need` bytes, without plain bytes.
    pub(super) fn lend_inbound(&self, need: usize) -> Box<InboundBuffer> {
        self.lend(need)
    }

    /// An empty buffer that can be appended `need` bytes without allocating.
    pub(super) fn lend_outbound(&self, need: usize) -> Box<OutboundBuffer> {
        self.lend(need)
    }

    /// Takes back a buffer that was reset.
    pub(super) fn take_back_inbound(&self, buffer: Box<InboundBuffer>) {
        self.take_back(buffer);
    }

    pub(super) fn take_back_outbound(&self, mut buffer: Box<OutboundBuffer>) {
        buffer.reset();
        self.take_back(buffer);
    }

    fn lend<B: Pooled>(&self, need: usize) -> Box<B> {
        let in_hand = if self.has_hands && need <= MOST_IN_HAND { B::hand(self).take() } else { None };
        match in_hand {
            Some(buffer) if buffer.capacity() >= need => buffer,
            Some(smaller) => {
                self.shelve(smaller);
                self.take_off_shelf(need)
            }
            None => self.take_off_shelf(need),
        }
    }

    fn take_back<B: Pooled>(&self, buffer: Box<B>) {
        if self.has_hands && buffer.capacity() <= MOST_IN_HAND {
            if let Some(former) = B::hand(self).swap(Some(buffer)) {
                self.shelve(former);
            }
        } else {
            self.shelve(buffer);
        }
    }

    fn take_off_shelf<B: Pooled>(&self, need: usize) -> Box<B> {
        let (class, capacity) = class_for(need);
        let reused = class.and_then(|class| {
            let mut stock = self.stock();
            let buffer = B::shelves(&mut stock)[class].pop()?;
            stock.bytes -= capacity;
            Some(buffer)
        });
        reused.unwrap_or_else(|| Box::new(B::allocate(capacity)))
    }

    fn shelve<B: Pooled>(&self, buffer: Box<B>) {
        let capacity = buffer.capacity();
        // A buffer that the engine grew to an odd size is not kept: it would be lent for less.
        let Some(class) = CLASSES.iter().position(|&size| size == capacity) else {
            return;
        };
        let mut stock = self.stock();
        if stock.bytes + capacity <= self.bound {
            stock.bytes += capacity;
            B::shelves(&mut stock)[class].push(buffer);
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
    fn the_hand_keeps_the_last_one_and_the_shelves_the_others() {
        let pool = Pool::new(2 * MOST_IN_HAND + CLASSES[0]);
        let (small, other) = (pool.lend_outbound(1), pool.lend_outbound(1));
        let address = &raw const *small;
        pool.take_back_outbound(other);
        assert_eq!(pool.stock().bytes, 0, "it is in the hand");
        pool.take_back_outbound(small);
        assert_eq!(pool.stock().bytes, CLASSES[0], "the former one is on its shelf");

        let again = pool.lend_outbound(1);
        assert_eq!(&raw const *again, address);
        pool.take_back_outbound(again);
        let large = pool.lend_outbound(CLASSES[2]);
        assert_eq!(large.capacity(), CLASSES[2]);
        assert_eq!(pool.stock().bytes, CLASSES[0], "the shelves have no room for a second one");
        pool.take_back_outbound(large);
        assert!(pool.lend_outbound(1).capacity() >= CLASSES[0]);
    }

    #[test]
    fn a_hand_needs_no_lock() {
        assert!(Hand::<InboundBuffer>::is_lock_free());
        assert!(Hand::<OutboundBuffer>::is_lock_free());
    }

    #[test]
    fn a_zero_bound_keeps_nothing() {
        let pool = Pool::new(0);
        pool.take_back_inbound(pool.lend_inbound(1));
        pool.take_back_outbound(pool.lend_outbound(1));
        assert_eq!(pool.stock().bytes, 0);
    }
}
