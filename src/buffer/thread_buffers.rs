//! The buffers that stay with a thread: the last one of each direction that was returned on it, until it ends.
//!
//! No buffer knows which context it came from, and none that is returned holds a plain byte, so a thread lends what
//! it has to any connection. What stays with threads outlives contexts: so it is bounded for all of them together.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::inbound::InboundBuffer;
use super::outbound::OutboundBuffer;
use crate::line::Line;

/// The most that stays with all threads of the process together.
pub(crate) const MOST_WITH_THREADS: usize = 8 << 20;

static GRANTS: Line<Grants> = Line(Grants { bytes: AtomicUsize::new(0) });

/// How much of it threads have been granted, whether they use it just now or not.
struct Grants {
    bytes: AtomicUsize,
}

thread_local! {
    static BUFFERS: ThreadBuffers = const { ThreadBuffers { inbound: Slot::new(), outbound: Slot::new() } };
}

pub(super) struct ThreadBuffers {
    inbound: Slot<InboundBuffer>,
    outbound: Slot<OutboundBuffer>,
}

/// Where a buffer of one direction stays.
pub(super) struct Slot<B> {
    buffer: Cell<Option<Box<B>>>,
    /// The largest that may stay here. It is granted once, so that nothing that threads share is written with a record.
    granted: Cell<usize>,
}

/// A buffer that can stay with a thread.
pub(super) trait Stays: Sized {
    fn capacity(&self) -> usize;
    fn slot(buffers: &ThreadBuffers) -> &Slot<Self>;
}

impl Stays for InboundBuffer {
    fn capacity(&self) -> usize {
        InboundBuffer::capacity(self)
    }

    fn slot(buffers: &ThreadBuffers) -> &Slot<Self> {
        &buffers.inbound
    }
}

impl Stays for OutboundBuffer {
    fn capacity(&self) -> usize {
        OutboundBuffer::capacity(self)
    }

    fn slot(buffers: &ThreadBuffers) -> &Slot<Self> {
        &buffers.outbound
    }
}

/// The thread's buffer, if it has one of at least `need` bytes. There is none any more while the thread ends.
#[inline]
pub(super) fn take<B: Stays>(need: usize) -> Option<Box<B>> {
    BUFFERS.try_with(|buffers| B::slot(buffers).take(need)).ok().flatten()
}

/// Leaves a buffer with the thread. What there is no room for comes back: this one, or the one that was there.
#[inline]
pub(super) fn put<B: Stays>(buffer: Box<B>) -> Option<Box<B>> {
    let mut left = Some(buffer);
    // While the thread ends nothing stays with it.
    let _ = BUFFERS
        .try_with(|buffers| left = left.take().and_then(|buffer| B::slot(buffers).put(buffer, &GRANTS)));
    left
}

/// In a child of fork(): the other threads are not in this process, nor is anything granted to them.
pub(crate) fn forget_other_threads() {
    GRANTS.bytes.store(BUFFERS.try_with(ThreadBuffers::granted).unwrap_or(0), Ordering::Relaxed);
}

impl<B: Stays> Slot<B> {
    #[inline]
    fn take(&self, need: usize) -> Option<Box<B>> {
        let buffer = self.buffer.take()?;
        if buffer.capacity() >= need {
            return Some(buffer);
        }
        self.buffer.set(Some(buffer));
        None
    }

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
    fn granted(&self) -> usize {
        self.inbound.granted.get() + self.outbound.granted.get()
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
    fn the_last_one_stays_if_it_is_large_enough() {
        let (slot, grants) = (Slot::new(), Grants { bytes: AtomicUsize::new(0) });
        assert!(slot.put(buffer(100), &grants).is_none());
        assert_eq!(slot.put(buffer(300), &grants).unwrap().capacity(), 100);
        assert!(slot.take(301).is_none());
        assert_eq!(slot.take(300).unwrap().capacity(), 300);
        assert!(slot.take(1).is_none());
        assert!(slot.put(buffer(200), &grants).is_none());
        assert_eq!(grants.bytes.load(Ordering::Relaxed), 300, "what was granted stays granted");
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
            assert!(put(buffer(400)).is_none());
            assert!(take::<OutboundBuffer>(400).is_some());
        })
        .join()
        .unwrap();
        assert!(take::<OutboundBuffer>(1).is_none(), "it was another thread's");
    }
}
