//! Buffers that the host owns while their bytes are in flight: what was taken off a queue, and what it receives into.
//!
//! They outlive their connection and their context, and may end on any thread. So each holds on to an account of its
//! context, which knows the pool. There are several accounts, and a thread goes by one of them: threads that share a context
//! write to no common memory, not even to count what refers to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::inbound::InboundBuffer;
use super::outbound::OutboundBuffer;
use super::{Inbound, Outbound, Pool};
use crate::line::Line;
use crate::numbers::MAX_WIRE;

/// How many accounts a context has. With more threads than that, some share one.
pub(crate) const ACCOUNTS: usize = 8;

/// The room of a buffer for a host that names none.
pub(crate) const DEFAULT_ROOM: usize = 64 * 1024;

/// Which of several things that are there to keep threads apart is this thread's.
pub(crate) fn account_of_thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % ACCOUNTS;
    }
    OWN.try_with(|own| *own).unwrap_or(0)
}

/// What the host owns of one context's buffers.
#[derive(Default)]
pub(crate) struct Accounts([OnceLock<Arc<Line<Account>>>; ACCOUNTS]);

struct Account {
    pool: Pool,
    /// Capacities of all buffers that refer to this account.
    bytes: AtomicUsize,
}

/// A buffer of the host's.
pub(crate) struct Owned {
    /// None once it was adopted.
    memory: Option<Memory>,
    account: Arc<Line<Account>>,
}

enum Memory {
    /// Wire bytes for the peer.
    Taken(Box<OutboundBuffer>),
    /// Room for wire bytes from the peer: its window.
    Made(Box<InboundBuffer>),
}

impl Accounts {
    /// A buffer with room for `room` bytes.
    pub(crate) fn make(&self, room: usize, pool: &Pool) -> Owned {
        let mut buffer = pool.lend_inbound(room);
        buffer.give_to_host(room, MAX_WIRE);
        self.own(Memory::Made(buffer), pool)
    }

    /// The front of a queue, which is not empty.
    pub(crate) fn take(&self, queue: &mut Outbound, pool: &Pool) -> Option<Owned> {
        Some(self.own(Memory::Taken(queue.take_front(pool)?), pool))
    }

    /// How many buffers the host owns, and their capacities together.
    pub(crate) fn in_flight(&self) -> (usize, usize) {
        let accounts = self.0.iter().filter_map(OnceLock::get);
        accounts.fold((0, 0), |(count, bytes), account| {
            (count + Arc::strong_count(account) - 1, bytes + account.bytes.load(Ordering::Relaxed))
        })
    }

    fn own(&self, memory: Memory, pool: &Pool) -> Owned {
        let account = self.0[account_of_thread()]
            .get_or_init(|| Arc::new(Line(Account { pool: pool.clone(), bytes: AtomicUsize::new(0) })));
        account.bytes.fetch_add(memory.capacity(), Ordering::Relaxed);
        Owned { memory: Some(memory), account: Arc::clone(account) }
    }
}

impl Owned {
    /// The bytes that are to be sent; None for a buffer to receive into.
    pub(crate) fn taken(&self) -> Option<&[u8]> {
        match &self.memory {
            Some(Memory::Taken(buffer)) => Some(buffer.pending()),
            _ => None,
        }
    }

    /// The memory to receive into; None for a buffer that was taken.
    pub(crate) fn room(&mut self) -> Option<&mut [u8]> {
        match &mut self.memory {
            Some(Memory::Made(buffer)) => Some(buffer.room_of_host()),
            _ => None,
        }
    }

    /// Makes its first `length` bytes the newest ones of a queue. The caller has looked at its room.
    pub(crate) fn join(mut self, length: usize, queue: &mut Inbound, pool: &Pool) {
        self.leave_account();
        if let Some(Memory::Made(buffer)) = self.memory.take() {
            queue.adopt(buffer, length, pool);
        }
    }

    fn leave_account(&self) {
        let capacity = self.memory.as_ref().map_or(0, Memory::capacity);
        self.account.bytes.fetch_sub(capacity, Ordering::Relaxed);
    }
}

impl Memory {
    fn capacity(&self) -> usize {
        match self {
            Self::Taken(buffer) => buffer.capacity(),
            Self::Made(buffer) => buffer.capacity(),
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.leave_account();
        match self.memory.take() {
            Some(Memory::Taken(buffer)) => self.account.pool.take_back_outbound(buffer),
            Some(Memory::Made(mut buffer)) => {
                buffer.take_from_host();
                self.account.pool.take_back_inbound(buffer);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: u8 = 0x5e;

    //
    #[test]
    fn what_the_host_owns_is_counted_until_it_ends_on_whatever_thread() {
        let (pool, accounts) = (Pool::new(1 << 20), Accounts::default());
        let mut queue = Outbound::default();
        queue.appender(100, &pool).extend_from_slice(&[1; 100]);
        let taken = accounts.take(&mut queue, &pool).unwrap();
        let made = std::thread::scope(|scope| scope.spawn(|| accounts.make(1000, &pool)).join().unwrap());
        assert_eq!(accounts.in_flight(), (2, 16 * 1024));
        assert_eq!(taken.taken(), Some(&[1; 100][..]));
        assert!(accounts.take(&mut queue, &pool).is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| drop(taken));
            scope.spawn(|| made.join(0, &mut Inbound::default(), &pool));
        });
        assert_eq!(accounts.in_flight(), (0, 0));
    }

    //
    #[test]
    fn a_buffer_in_which_the_host_decrypted_returns_wiped() {
        let (pool, accounts) = (Pool::new(1 << 20), Accounts::default());
        let mut made = accounts.make(8000, &pool);
        made.room().unwrap().fill(SECRET);
        drop(made);
        let mut again = pool.lend_inbound(1);
        again.give_to_host(8 * 1024, 0);
        assert!(again.room_of_host().iter().all(|&byte| byte != SECRET));
    }

    #[test]
    fn bytes_that_wait_stay_in_front_of_those_that_join() {
        for (room, waiting, joining) in [
            (64 * 1024, 10_000, 60_000),
            (64 * 1024, 20_000, 60_000),
            (8 * 1024, 100, 8 * 1024),
            (100, 9000, 50),
        ] {
            let (pool, accounts) = (Pool::new(1 << 20), Accounts::default());
            let mut queue = Inbound::default();
            queue.append(&vec![1; waiting], &pool);
            // Half of them are plain.
            queue.wire_mut()[..waiting / 2].fill(SECRET);
            queue.touched_all();
            queue.processed(waiting / 2, Some(0..waiting / 2));
            let mut made = accounts.make(room, &pool);
            assert_eq!(made.room().unwrap().len(), room);
            made.room().unwrap()[..joining].fill(3);
            made.join(joining, &mut queue, &pool);
            assert_eq!(queue.plain(), vec![SECRET; waiting / 2]);
            let wire = queue.wire();
            assert!(wire[..waiting - waiting / 2].iter().all(|&byte| byte == 1));
            assert!(wire[waiting - waiting / 2..].iter().all(|&byte| byte == 3));
            assert_eq!(queue.len(), waiting + joining);
            queue.append(&[4; 40_000], &pool);
            assert_eq!(queue.plain(), vec![SECRET; waiting / 2]);
            assert_eq!(queue.wire()[queue.wire().len() - 40_000..], [4; 40_000]);
            queue.consume_plain(waiting / 2);
            queue.processed(queue.wire().len(), None);
            queue.release_if_idle(&pool);
            for need in [1, 10_000, 40_000] {
                let mut buffer = pool.lend_inbound(need);
                buffer.give_to_host(buffer.capacity(), 0);
                assert!(buffer.room_of_host().iter().all(|&byte| byte != SECRET), "{room} {waiting}");
            }
        }
    }
}
