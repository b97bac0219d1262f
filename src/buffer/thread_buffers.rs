//! The buffers that stay with a thread: the last one of each direction and size that was returned on it, until it ends.
//!
//! A buffer is lent for a need of its own size only. If a large one were lent for any need, a connection of which one byte waits would keep
//! it, and each other one the next: as many as there are such connections.
//!
//! No buffer knows which context it came from, and none that is returned holds a plain byte, so a thread lends what
//! it has to any connection. What stays with threads outlives contexts: so it is bounded for all of them together.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::inbound::InboundBuffer;
use super::outbound::OutboundBuffer;
use crate::line::Line;

/// How many sizes have a place with a thread.
pub(super) const SIZES: usize = 3;

/// The most that stays with all threads of the process together.
pub(crate) const MOST_WITH_THREADS: usize = 8 << 20;

static GRANTS: Line<Grants> = Line(Grants { bytes: AtomicUsize::new(0) });

/// How much of it threads have been granted, whether they use it just now or not.
struct Grants {
    bytes: AtomicUsize,
}

thread_local! {
    static BUFFERS: ThreadBuffers = const { ThreadBuffers::new() };
}

pub(super) struct ThreadBuffers {
    inbound: [Slot<InboundBuffer>; SIZES],
    outbound: [Slot<OutboundBuffer>; SIZES],
}

/// Where a buffer of one direction and size stays.
pub(super) struct Slot<B> {
    buffer: Cell<Option<Box<B>>>,
    /// How large a buffer may stay here. It is granted once, so that nothing that threads share is written with a record.
    granted: Cell<usize>,
}

/// A buffer that can stay with a thread.
pub(super) trait Stays: Sized {
    fn capacity(&self) -> usize;
    fn slots(buffers: &ThreadBuffers) -> &[Slot<Self>; SIZES];
}

impl Stays for InboundBuffer {
    fn capacity(&self) -> usize {
        InboundBuffer::capacity(self)
    }

    fn slots(buffers: &ThreadBuffers) -> &[Slot<Self>; SIZES] {
        &buffers.inbound
    }
}

impl Stays for OutboundBuffer {
    fn capacity(&self) -> usize {
        OutboundBuffer::capacity(self)
    }

    fn slots(buffers: &ThreadBuffers) -> &[Slot<Self>; SIZES] {
        &buffers.outbound
    }
}

/// The thread's buffer of the size with this number, if it has one. While the thread ends there is none any more, and of a size
/// that has no place there never is.
#[inline]
pub(super) fn take<B: Stays>(size: usize) -> Option<Box<B>> {
    BUFFERS.try_with(|buffers| B::slots(buffers).get(size)?.buffer.take()).ok().flatten()
}

/// Leaves a buffer of the size with this number with the thread. What there is no room for comes back: this one, or the
/// one that was there.
#[inline]
pub(super) fn put<B: Stays>(buffer: Box<B>, size: usize) -> Option<Box<B>> {
    let mut left = Some(buffer);
    // While the thread ends nothing stays with it.
    let _ = BUFFERS.try_with(|buffers| {
        if let Some(slot) = B::slots(buffers).get(size) {
            left = left.take().and_then(|buffer| slot.put(buffer, &GRANTS));
        }
    });
    left
}

/// In a child of fork(): the other threads are not in this process, nor is anything granted to them.
pub(crate) fn forget_other_threads() {
    GRANTS.bytes.store(BUFFERS.try_with(ThreadBuffers::granted).unwrap_or(0), Ordering::Relaxed);
}

impl<B: Stays> Slot<B> {
    #[inline]
    fn put(&self, buffer: Box<B>, grants: &Grants) -> Option<Box<B>> {
        let capacity = buffer.capacity();
        if capacity > self.granted.get() && !self.widen(capacity, grants) {
            return Some(buffer);
        }
        self.buffer.replace(Some(buffer))
    }

    /// Asks for room for a buffer that is larger than all before.
    #[cold]
    fn widen(&self, capacity: usize, grants: &Grants) -> bool {
        let is_granted = grants.take(capacity - self.granted.get());
        if is_granted {
            self.granted.set(capacity);
        }
        is_granted
    }
}

impl<B> Slot<B> {
    const fn new() -> Self {
        Self { buffer: Cell::new(None), granted: Cell::new(0) }
    }
}

impl ThreadBuffers {
    const fn new() -> Self {
        Self { inbound: [const { Slot::new() }; SIZES], outbound: [const { Slot::new() }; SIZES] }
    }

    fn granted(&self) -> usize {
        let inbound: usize = self.inbound.iter().map(|slot| slot.granted.get()).sum();
        inbound + self.outbound.iter().map(|slot| slot.granted.get()).sum::<usize>()
    }
}

/// The thread ends, and its buffers with it.
impl Drop for ThreadBuffers {
    fn drop(&mut self) {
        GRANTS.bytes.fetch_sub(self.granted(), Ordering::Relaxed);
    }
}

impl Grants {
    fn take(&self, bytes: usize) -> bool {
        let granted = |before: usize| Some(before + bytes).filter(|&after| after <= MOST_WITH_THREADS);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, granted).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(capacity: usize) -> Box<OutboundBuffer> {
        Box::new(OutboundBuffer::new(capacity))
    }

    #[test]
    fn the_last_one_stays() {
        let (slot, grants) = (Slot::new(), Grants { bytes: AtomicUsize::new(0) });
        let (first, second) = (buffer(300), buffer(300));
        let addresses = [&raw const *first, &raw const *second];
        assert!(slot.put(first, &grants).is_none());
        assert_eq!(&raw const *slot.put(second, &grants).unwrap(), addresses[0]);
        assert_eq!(&raw const *slot.buffer.take().unwrap(), addresses[1]);
        assert!(slot.buffer.take().is_none());
        assert_eq!(grants.bytes.load(Ordering::Relaxed), 300, "what was granted stays granted");
    }

    #[test]
    fn each_size_has_a_place_of_its_own() {
        for size in 0..SIZES {
            assert!(put(buffer(100 + size), size).is_none());
        }
        for size in 0..SIZES {
            assert_eq!(take::<OutboundBuffer>(size).unwrap().capacity(), 100 + size);
            assert!(take::<OutboundBuffer>(size).is_none() && take::<InboundBuffer>(size).is_none());
        }
        assert!(put(buffer(1), SIZES).is_some() && take::<OutboundBuffer>(SIZES).is_none());
    }

    #[test]
    fn what_stays_with_all_threads_is_bounded() {
        let grants = Grants { bytes: AtomicUsize::new(MOST_WITH_THREADS - 250) };
        let slots = [Slot::new(), Slot::new()];
        assert!(slots[0].put(buffer(200), &grants).is_none());
        assert_eq!(slots[1].put(buffer(51), &grants).unwrap().capacity(), 51);
        assert!(slots[1].put(buffer(50), &grants).is_none());
        assert_eq!(slots[0].put(buffer(201), &grants).unwrap().capacity(), 201);
        assert_eq!(slots[0].put(buffer(200), &grants).unwrap().capacity(), 200, "the former one");
    }

    #[test]
    fn a_thread_that_ends_keeps_nothing() {
        std::thread::spawn(|| {
            assert!(put(buffer(400), 0).is_none());
            assert!(take::<OutboundBuffer>(0).is_some());
        })
        .join()
        .unwrap();
        assert!(take::<OutboundBuffer>(0).is_none(), "it was another thread's");
    }
}
