//! Which handles are real.
//!
//! A handle is a number in the clothes of a pointer, never an address: `kind:8 | generation:30 |
//! index:26`. The kind in the top byte is no user-space address, so a stray pointer is told from a
//! handle; the generation tells a freed handle from the one that took its slot.
//!
//! Each slot has a state word, `generation << 4 | VISITED | MISSED | DOOMED | BUSY`, and is entered by one exchange
//! on it: that one checks the handle and keeps other threads out. Generations are odd while the slot
//! holds a value. Slots are never given back to the system, so a look at any index is a look at
//! valid memory.
//!
//! A slot is shorter than a line of the processor's cache. Handles that were made one after another, which are likely
//! to be used at one time by several threads, have slots that are far from each other.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("handles need 64 bits: kind, generation and index do not fit into less");

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::fork;
use crate::line::Line;
use crate::status::{Status, TLS_ERR_BUSY, TLS_ERR_HANDLE, TLS_ERR_MEMORY, TLS_ERR_STATE};

const INDEX_BITS: u32 = 26;
const GENERATION_BITS: u32 = 30;
const LAST_GENERATION: u64 = (1 << GENERATION_BITS) - 1;

const BUSY: u64 = 1;
/// The handle was freed while another thread was inside: that thread ends the value.
const DOOMED: u64 = 2;
/// A thread was refused that wanted this to be known: see `Table::enter_noting`.
const MISSED: u64 = 4;
/// Whoever is inside was not sent by the host, and leaves after a few instructions: who comes meanwhile waits.
const VISITED: u64 = 8;
const FLAGS: u32 = 4;

/// How long a visit is waited for. It takes no time, but its thread may not be given any.
const LONGEST_VISIT: Duration = Duration::from_secs(10);

/// Slots of the first page; each further page holds as many as all before it together.
const FIRST_PAGE: u32 = 64;
const PAGES: usize = (INDEX_BITS - FIRST_PAGE.trailing_zeros()) as usize;
const SLOTS: u32 = 1 << (INDEX_BITS - 1);

/// See [`spread`].
const SPREAD: usize = 27;

struct Slot<T> {
    state: AtomicU64,
    /// Index + 1 of the next free slot, while this one is free.
    next_free: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

/// The values behind the handles of one kind.
pub(super) struct Table<T> {
    kind: u8,
    pages: [OnceLock<Box<[Slot<T>]>>; PAGES],
    /// Apart: what is beside it is read by every call.
    unused: Line<Unused>,
}

/// Which slots hold nothing.
struct Unused {
    /// How many slots were ever used.
    used: AtomicU32,
    /// A stack: `count of changes << 32 | index + 1` of its top; the count keeps an exchange from
    /// taking a top that went away and came back.
    free: AtomicU64,
}

// SAFETY: a value is only reached through an `Entry`, of which the state word allows one at a time,
// or by the thread that ends it, which the state word chooses as well; so sharing the table moves
// values between threads, but never shares one. `T: Send` is what that needs.
unsafe impl<T: Send> Sync for Table<T> {}

/// The sole access to a value, until dropped.
pub(super) struct Entry<'a, T> {
    table: &'a Table<T>,
    slot: &'a Slot<T>,
    index: u32,
}

impl<T> Table<T> {
    /// `kind` must have its top bit set, so that no handle looks like a user-space address.
    pub(super) const fn new(kind: u8) -> Self {
        assert!(kind >= 0x80);
        Self {
            kind,
            pages: [const { OnceLock::new() }; PAGES],
            unused: Line(Unused { used: AtomicU32::new(0), free: AtomicU64::new(0) }),
        }
    }

    /// Gives `value` a handle.
    pub(super) fn insert(&self, value: T) -> Result<usize, Status> {
        self.insert_made(|| Some(value))
    }

    /// Gives what `make` makes a handle: without one nothing is made, and without a value there is none, TLS_ERR_STATE.
    pub(super) fn insert_made(&self, make: impl FnOnce() -> Option<T>) -> Result<usize, Status> {
        let index = self.pop_free().map_or_else(|| self.fresh_index(), Ok)?;
        let slot = self.slot(index).ok_or(TLS_ERR_MEMORY)?;
        let Some(value) = make() else {
            self.push_free(slot, index);
            return Err(TLS_ERR_STATE);
        };
        // SAFETY: the slot's generation is even, so nobody enters it, and its index came from the
        // free stack or is new, so no other thread was given it.
        unsafe { *slot.value.get() = Some(value) };
        let generation = (slot.state.load(Ordering::Relaxed) >> FLAGS) + 1;
        slot.state.store(generation << FLAGS, Ordering::Release);
        Ok(((u64::from(self.kind) << (INDEX_BITS + GENERATION_BITS))
            | (generation << INDEX_BITS)
            | u64::from(index)) as usize)
    }

    /// Enters the value behind `handle`.
    #[inline]
    pub(super) fn enter(&self, handle: usize) -> Result<Entry<'_, T>, Status> {
        let (slot, index, idle) = self.find(handle)?;
        self.enter_between_forks(slot, index, |slot| Self::claim(slot, idle))
    }

    /// Enters a slot by `claim`, whose exchange and the look for a fork that follows are in one order with those of a fork.
    #[inline]
    fn enter_between_forks<'a>(
        &'a self,
        slot: &'a Slot<T>,
        index: u32,
        claim: impl Fn(&Slot<T>) -> Result<(), Status>,
    ) -> Result<Entry<'a, T>, Status> {
        claim(slot)?;
        let entry = Entry { table: self, slot, index };
        if fork::is_near() { self.enter_after_fork(entry, claim) } else { Ok(entry) }
    }

    /// Keeps other threads out.
    #[inline]
    fn claim(slot: &Slot<T>, idle: u64) -> Result<(), Status> {
        match slot.state.compare_exchange(idle, idle | BUSY, Ordering::SeqCst, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(state) => Self::claim_after_visit(slot, idle, state),
        }
    }

    /// What refuses a thread that has found `state`, or is over when nobody visits the slot any more.
    #[cold]
    fn claim_after_visit(slot: &Slot<T>, idle: u64, state: u64) -> Result<(), Status> {
        let mut state = state;
        let is_left = fork::wait(LONGEST_VISIT, || {
            if state == idle | BUSY | VISITED {
                let claimed =
                    slot.state.compare_exchange(idle, idle | BUSY, Ordering::SeqCst, Ordering::Relaxed);
                state = claimed.map_or_else(|found| found, |_| idle);
            }
            state != idle | BUSY | VISITED
        });
        match state {
            _ if is_left && state == idle => Ok(()),
            _ if state & !VISITED == idle | BUSY => Err(TLS_ERR_BUSY),
            _ => Err(TLS_ERR_HANDLE),
        }
    }

    /// Enters the value behind `handle` for a moment, not for the host, who does not notice. If another thread is inside,
    /// that is left alone.
    pub(super) fn visit(&self, handle: usize) -> Result<Entry<'_, T>, Status> {
        let (slot, index, idle) = self.find(handle)?;
        self.enter_between_forks(slot, index, |slot| {
            let visited = idle | BUSY | VISITED;
            match slot.state.compare_exchange(idle, visited, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => Ok(()),
                Err(state) if state & !VISITED == idle | BUSY => Err(TLS_ERR_BUSY),
                Err(_) => Err(TLS_ERR_HANDLE),
            }
        })
    }

    /// Enters the value behind `handle`. If another thread is inside, the value is told that somebody
    /// was refused: whoever is inside, or comes next, learns it from `Entry::take_missed`.
    pub(super) fn enter_noting(&self, handle: usize) -> Result<Entry<'_, T>, Status> {
        self.enter_missed(handle, MISSED)
    }

    /// Enters a value that others enter by `enter_noting`, and leaves no note itself.
    pub(super) fn enter_silently(&self, handle: usize) -> Result<Entry<'_, T>, Status> {
        self.enter_missed(handle, 0)
    }

    fn enter_missed(&self, handle: usize, note: u64) -> Result<Entry<'_, T>, Status> {
        let (slot, index, idle) = self.find(handle)?;
        self.enter_between_forks(slot, index, |slot| Self::claim_noting(slot, idle, note))
    }

    fn claim_noting(slot: &Slot<T>, idle: u64, note: u64) -> Result<(), Status> {
        let mut state = slot.state.load(Ordering::Relaxed);
        loop {
            if state & !(BUSY | MISSED) != idle {
                return Err(TLS_ERR_HANDLE);
            }
            let is_free = state & BUSY == 0;
            let next = state | if is_free { BUSY } else { note };
            match slot.state.compare_exchange_weak(state, next, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) if is_free => return Ok(()),
                Ok(_) => return Err(TLS_ERR_BUSY),
                Err(current) => state = current,
            }
        }
    }

    /// Waits outside until the fork is over that came before `entry`.
    #[cold]
    fn enter_after_fork<'a>(
        &'a self,
        mut entry: Entry<'a, T>,
        claim: impl Fn(&Slot<T>) -> Result<(), Status>,
    ) -> Result<Entry<'a, T>, Status> {
        let (slot, index) = (entry.slot, entry.index);
        while !fork::may_pass() && fork::is_near() {
            drop(entry);
            let is_over = fork::wait_until_over();
            claim(slot)?;
            entry = Entry { table: self, slot, index };
            if !is_over {
                break;
            }
        }
        Ok(entry)
    }

    /// Waits, for each value that is entered or about to end, until it is not. False if that took too long.
    pub(super) fn wait_until_idle(&self, longest: Duration) -> bool {
        self.slots()
            .all(|slot| fork::wait(longest, || slot.state.load(Ordering::SeqCst) & (BUSY | DOOMED) == 0))
    }

    /// In a child: those who entered were threads that this process does not have.
    pub(super) fn forget_users(&self) {
        for slot in self.slots().filter(|slot| slot.state.load(Ordering::Relaxed) & (BUSY | DOOMED) == BUSY) {
            slot.state.fetch_and(!(BUSY | VISITED), Ordering::SeqCst);
        }
    }

    fn slots(&self) -> impl Iterator<Item = &Slot<T>> {
        self.pages.iter().filter_map(OnceLock::get).flat_map(|page| page.iter())
    }

    /// Ends the value behind `handle`: now, or, if another thread is inside, as soon as that one
    /// leaves. The handle is invalid from here on in both cases.
    pub(super) fn remove(&self, handle: usize) -> Result<(), Status> {
        let (slot, index, idle) = self.find(handle)?;
        let mut state = slot.state.load(Ordering::Relaxed);
        loop {
            if state & !(BUSY | MISSED | VISITED) != idle {
                return Err(TLS_ERR_HANDLE);
            }
            match slot.state.compare_exchange_weak(
                state,
                idle | BUSY | DOOMED,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) if state & BUSY != 0 => return Ok(()),
                Ok(_) => {
                    self.end(slot, index);
                    return Ok(());
                }
                Err(current) => state = current,
            }
        }
    }

    /// The slot of `handle`, its index, and its state word while nobody is inside.
    #[inline]
    fn find(&self, handle: usize) -> Result<(&Slot<T>, u32, u64), Status> {
        let handle = handle as u64;
        let generation = (handle >> INDEX_BITS) & LAST_GENERATION;
        let index = (handle & ((1 << INDEX_BITS) - 1)) as u32;
        if handle >> (INDEX_BITS + GENERATION_BITS) != u64::from(self.kind) || generation % 2 == 0 {
            return Err(TLS_ERR_HANDLE);
        }
        let slot = self.existing(index).ok_or(TLS_ERR_HANDLE)?;
        Ok((slot, index, generation << FLAGS))
    }

    /// Ends the value in a slot that is `DOOMED`, and frees the slot.
    fn end(&self, slot: &Slot<T>, index: u32) {
        // SAFETY: `DOOMED` was set, or is seen, by exactly one thread that is also the last one
        // inside; no exchange succeeds on a doomed state, so this thread alone reaches the value.
        let value = unsafe { (*slot.value.get()).take() };
        drop(value);
        let generation = (slot.state.load(Ordering::Relaxed) >> FLAGS) + 1;
        slot.state.store(generation << FLAGS, Ordering::Release);
        // A slot whose generations are used up is left alone: no handle ever becomes valid again.
        if generation < LAST_GENERATION - 1 {
            self.push_free(slot, index);
        }
    }

    fn fresh_index(&self) -> Result<u32, Status> {
        self.unused
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| (used < SLOTS).then_some(used + 1))
            .map_err(|_| TLS_ERR_MEMORY)
    }

    fn push_free(&self, slot: &Slot<T>, index: u32) {
        let mut top = self.unused.free.load(Ordering::Relaxed);
        loop {
            slot.next_free.store(top as u32, Ordering::Relaxed);
            let next = ((top >> 32) + 1) << 32 | u64::from(index + 1);
            match self.unused.free.compare_exchange_weak(top, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => top = current,
            }
        }
    }

    fn pop_free(&self) -> Option<u32> {
        let mut top = self.unused.free.load(Ordering::Acquire);
        loop {
            let index = (top as u32).checked_sub(1)?;
            let below = self.existing(index)?.next_free.load(Ordering::Relaxed);
            let next = ((top >> 32) + 1) << 32 | u64::from(below);
            match self.unused.free.compare_exchange_weak(top, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(current) => top = current,
            }
        }
    }

    /// The slot at `index`, if its page exists.
    #[inline]
    fn existing(&self, index: u32) -> Option<&Slot<T>> {
        let (page, offset, _) = place(index);
        let slots = self.pages.get(page)?.get()?;
        slots.get(spread(offset, slots.len()))
    }

    /// The slot at `index`, whose page is made if it has to be.
    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        let (page, offset, length) = place(index);
        let slots = self.pages.get(page)?.get_or_init(|| (0..length).map(|_| Slot::default()).collect());
        slots.get(spread(offset, length))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { state: AtomicU64::new(0), next_free: AtomicU32::new(0), value: UnsafeCell::new(None) }
    }
}

/// Page, offset in it, and the page's length, of the slot at `index`.
#[inline]
fn place(index: u32) -> (usize, usize, usize) {
    let doublings = (index / FIRST_PAGE + 1).ilog2();
    let before = FIRST_PAGE * ((1 << doublings) - 1);
    (doublings as usize, (index - before) as usize, (FIRST_PAGE << doublings) as usize)
}

/// Where the slot with this number is in a page of `length` slots, a power of two. An odd factor misses no slot; with
/// this one, slots that share a line have numbers at least 19 apart.
#[inline]
fn spread(offset: usize, length: usize) -> usize {
    offset.wrapping_mul(SPREAD) & length.wrapping_sub(1)
}

impl<T> Deref for Entry<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this entry holds the `BUSY` bit, so no other thread reaches the value.
        let value = unsafe { &*self.slot.value.get() };
        value.as_ref().expect("an odd generation means a value")
    }
}

impl<T> DerefMut for Entry<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this entry holds the `BUSY` bit, so no other thread reaches the value, and it is
        // borrowed mutably, so neither does its own thread.
        let value = unsafe { &mut *self.slot.value.get() };
        value.as_mut().expect("an odd generation means a value")
    }
}

impl<T> Entry<'_, T> {
    /// Ends the value.
    pub(super) fn end(self) {
        self.slot.state.fetch_or(DOOMED, Ordering::Relaxed);
    }

    /// Takes the value out: its handle ends.
    pub(super) fn take(self) -> T {
        self.slot.state.fetch_or(DOOMED, Ordering::Relaxed);
        // SAFETY: this entry holds the `BUSY` bit, so no other thread reaches the value.
        let value = unsafe { (*self.slot.value.get()).take() };
        value.expect("an odd generation means a value")
    }

    /// Whether a thread was refused since this was asked the last time.
    pub(super) fn take_missed(&mut self) -> bool {
        self.slot.state.fetch_and(!MISSED, Ordering::Relaxed) & MISSED != 0
    }
}

impl<T> Drop for Entry<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let state = self.slot.state.fetch_and(!(BUSY | VISITED), Ordering::AcqRel);
        if state & DOOMED != 0 {
            self.table.end(self.slot, self.index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn places_are_dense() {
        let mut expected = (0, 0);
        for index in 0..10_000 {
            let (page, offset, length) = place(index);
            assert_eq!((page, offset), expected);
            expected = if offset + 1 == length { (page + 1, 0) } else { (page, offset + 1) };
        }
        assert!(place(SLOTS - 1).0 < PAGES);
    }

    /// The header and docs/memory.md say it.
    #[test]
    fn the_handle_of_a_buffer_takes_forty_bytes() {
        assert_eq!(size_of::<Slot<crate::buffer::Owned>>(), 40);
    }

    #[test]
    fn neighbours_are_not_in_one_line_of_the_cache() {
        const LINE: usize = 64;
        let table = Table::<Box<u8>>::new(0xc0);
        for first in [0, FIRST_PAGE, 3 * FIRST_PAGE, 31 * FIRST_PAGE] {
            let length = place(first).2 as u32;
            let address = |index: u32| std::ptr::from_ref(table.slot(index).unwrap()).addr();
            let mut addresses: Vec<_> = (first..first + length).map(address).collect();
            for near in
                addresses.windows(19).flat_map(|run| run[1..].iter().map(|other| run[0].abs_diff(*other)))
            {
                assert!(near >= LINE);
            }
            addresses.sort_unstable();
            addresses.dedup();
            assert_eq!(addresses.len(), length as usize, "every slot has its place");
        }
    }

    #[test]
    fn a_freed_handle_stays_invalid_when_its_slot_is_reused() {
        let table = Table::new(0xc0);
        let first = table.insert(1).unwrap();
        table.remove(first).unwrap();
        let second = table.insert(2).unwrap();
        assert_eq!(second as u64 & 0x3ff_ffff, first as u64 & 0x3ff_ffff, "the slot is reused");
        assert_eq!(table.enter(first).err(), Some(TLS_ERR_HANDLE));
        assert_eq!(table.remove(first), Err(TLS_ERR_HANDLE));
        assert_eq!(*table.enter(second).unwrap(), 2);
    }

    /// What a slot counts while it is free is no handle's.
    #[test]
    fn a_free_slot_has_no_handle() {
        let table = Table::new(0xc0);
        let handle = table.insert(1).unwrap();
        table.remove(handle).unwrap();
        let free = handle + (1 << INDEX_BITS);
        assert_eq!(table.enter(free).err(), Some(TLS_ERR_HANDLE));
        assert_eq!(table.enter_noting(free).err(), Some(TLS_ERR_HANDLE));
        assert_eq!(table.remove(free), Err(TLS_ERR_HANDLE));
    }

    #[test]
    fn numbers_that_never_were_handles_are_refused() {
        let table = Table::<u8>::new(0xc0);
        let other = Table::new(0xc1);
        let live = table.insert(7).unwrap();
        let foreign = other.insert(7).unwrap();
        let here = 0u8;
        for handle in [1, usize::MAX, &raw const here as usize, foreign, live + 1, live ^ (1 << INDEX_BITS)] {
            assert_eq!(table.enter(handle).err(), Some(TLS_ERR_HANDLE), "{handle:x}");
        }
    }

    #[test]
    fn one_at_a_time_and_a_doomed_value_ends_when_its_user_leaves() {
        let ended = Arc::new(AtomicUsize::new(0));
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let table = Table::new(0xc0);
        let handle = table.insert(Counted(ended.clone())).unwrap();
        let inside = table.enter(handle).unwrap();
        assert_eq!(table.enter(handle).err(), Some(TLS_ERR_BUSY));
        table.remove(handle).unwrap();
        assert_eq!(ended.load(Ordering::Relaxed), 0);
        assert_eq!(table.enter(handle).err(), Some(TLS_ERR_HANDLE));
        assert_eq!(table.remove(handle), Err(TLS_ERR_HANDLE));
        drop(inside);
        assert_eq!(ended.load(Ordering::Relaxed), 1);
    }

    /// Who visits is not noticed by who enters, but for a moment; and leaves alone who is inside.
    #[test]
    fn a_visit_refuses_nobody() {
        let table = Table::new(0xc0);
        let handle = table.insert(1).unwrap();
        let inside = table.enter(handle).unwrap();
        assert_eq!(table.visit(handle).err(), Some(TLS_ERR_BUSY));
        drop(inside);
        let visit = table.visit(handle).unwrap();
        assert_eq!(table.visit(handle).err(), Some(TLS_ERR_BUSY));
        std::thread::scope(|scope| {
            let entered = scope.spawn(|| *table.enter(handle).unwrap());
            // It comes in after the visit only, whenever it began.
            std::thread::yield_now();
            drop(visit);
            assert_eq!(entered.join().unwrap(), 1);
        });

        let visit = table.visit(handle).unwrap();
        table.remove(handle).unwrap();
        assert_eq!(table.enter(handle).err(), Some(TLS_ERR_HANDLE));
        drop(visit);
        assert_eq!(table.visit(handle).err(), Some(TLS_ERR_HANDLE));
    }

    #[test]
    fn threads_that_visit_and_enter_do_not_meet() {
        let table = Table::new(0xc0);
        let handle = table.insert(0_u32).unwrap();
        std::thread::scope(|scope| {
            let visitor = scope.spawn(|| {
                (0..20_000).filter(|_| table.visit(handle).map(|mut value| *value += 1).is_ok()).count()
            });
            for _ in 0..20_000 {
                *table.enter(handle).unwrap() += 1;
            }
            let visits = visitor.join().unwrap();
            assert_eq!(*table.enter(handle).unwrap(), 20_000 + visits as u32);
        });
    }

    #[test]
    fn who_was_refused_is_known_to_who_is_inside_or_comes_next() {
        let table = Table::new(0xc0);
        let handle = table.insert(1).unwrap();
        let mut inside = table.enter_noting(handle).unwrap();
        assert_eq!(table.enter_silently(handle).err(), Some(TLS_ERR_BUSY));
        assert!(!inside.take_missed(), "who is silent leaves no note");
        assert_eq!(table.enter_noting(handle).err(), Some(TLS_ERR_BUSY));
        assert_eq!(
            table.enter_noting(handle).err(),
            Some(TLS_ERR_BUSY),
            "a second one adds nothing and takes nothing away"
        );
        assert!(inside.take_missed());
        assert!(!inside.take_missed());
        assert_eq!(table.enter_noting(handle).err(), Some(TLS_ERR_BUSY));
        drop(inside);
        let mut next = table.enter_silently(handle).unwrap();
        assert_eq!(table.enter_noting(handle).err(), Some(TLS_ERR_BUSY));
        assert!(next.take_missed());
        assert_eq!(table.enter_noting(handle).err(), Some(TLS_ERR_BUSY));
        drop(next);

        // The note goes with the value.
        table.remove(handle).unwrap();
        assert_eq!(table.enter_noting(handle).err(), Some(TLS_ERR_HANDLE));
        let again = table.insert(2).unwrap();
        assert!(!table.enter_noting(again).unwrap().take_missed());
    }

    #[test]
    fn what_threads_entered_that_are_no_more_can_be_entered_again() {
        let table = Table::new(0xc0);
        let handles: Vec<_> = (0..200).map(|number| table.insert(number).unwrap()).collect();
        std::mem::forget(table.enter(handles[150]).unwrap());
        let doomed = table.enter(handles[7]).unwrap();
        table.remove(handles[7]).unwrap();
        assert_eq!(table.enter(handles[150]).err(), Some(TLS_ERR_BUSY));
        assert!(!table.wait_until_idle(Duration::ZERO));

        table.forget_users();
        assert_eq!(*table.enter(handles[150]).unwrap(), 150);
        assert_eq!(table.enter(handles[7]).err(), Some(TLS_ERR_HANDLE));
        drop(doomed);
        assert!(table.wait_until_idle(Duration::ZERO));
    }

    #[test]
    fn threads_that_insert_enter_and_remove_do_not_meet() {
        let table = Table::new(0xc0);
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let table = &table;
                scope.spawn(move || {
                    for round in 0..5_000 {
                        let handles: Vec<_> =
                            (0..5).map(|item| table.insert((thread, round, item)).unwrap()).collect();
                        for (item, &handle) in handles.iter().enumerate() {
                            assert_eq!(*table.enter(handle).unwrap(), (thread, round, item));
                        }
                        for handle in handles {
                            table.remove(handle).unwrap();
                        }
                    }
                });
            }
        });
        assert!(table.unused.used.load(Ordering::Relaxed) <= 20, "slots are reused");
    }
}
