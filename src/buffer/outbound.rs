//! Wire bytes for the peer, in the order in which they must be sent.

use super::Pool;

/// The outbound queue of one connection. The engine appends to it, the host takes from its front.
#[derive(Default)]
pub(crate) struct Outbound {
    /// Borrowed from the pool while it holds bytes.
    queue: Vec<u8>,
    /// How many bytes at the front the host has taken.
    taken: usize,
}

impl Outbound {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.queue[self.taken..]
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len() - self.taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The queue to append to, with room for `need` more bytes, so that appending them does not
    /// allocate.
    pub(crate) fn appender(&mut self, need: usize, pool: &Pool) -> &mut Vec<u8> {
        if self.queue.capacity() - self.queue.len() < need {
            self.make_room(need, pool);
        }
        &mut self.queue
    }

    /// The queue to append to in the rare case that a received message needs an answer.
    pub(crate) fn rare_appender(&mut self) -> &mut Vec<u8> {
        &mut self.queue
    }

    /// The host has taken `length` bytes.
    pub(crate) fn consume(&mut self, length: usize, pool: &Pool) {
        debug_assert!(length <= self.len());
        self.taken += length;
        self.release_if_empty(pool);
    }

    /// Returns the buffer to the pool if the queue is empty.
    pub(crate) fn release_if_empty(&mut self, pool: &Pool) {
        if self.is_empty() && self.queue.capacity() > 0 {
            pool.take_back_empty(std::mem::take(&mut self.queue));
            self.taken = 0;
        }
    }

    fn make_room(&mut self, need: usize, pool: &Pool) {
        let pending = self.len();
        if pending + need <= self.queue.capacity() {
            self.queue.copy_within(self.taken.., 0);
            self.queue.truncate(pending);
        } else {
            let mut larger = pool.lend_empty(pending + need);
            larger.extend_from_slice(self.pending());
            pool.take_back_empty(std::mem::replace(&mut self.queue, larger));
        }
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_partial_takes_and_growth() {
        let pool = Pool::new(1 << 20);
        let mut outbound = Outbound::default();
        outbound.appender(6000, &pool).extend_from_slice(&[1; 6000]);
        outbound.consume(5000, &pool);
        outbound.appender(5000, &pool).extend_from_slice(&[2; 5000]);
        assert_eq!(outbound.queue.capacity(), 8 * 1024, "moved, not grown");
        outbound.appender(60_000, &pool).extend_from_slice(&[3; 60_000]);
        let expected = [vec![1; 1000], vec![2; 5000], vec![3; 60_000]].concat();
        assert_eq!(outbound.pending(), expected);
        outbound.consume(66_000, &pool);
        assert!(outbound.is_empty());
        assert_eq!(outbound.queue.capacity(), 0, "an empty queue holds no buffer");
    }
}
