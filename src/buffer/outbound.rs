//! Wire bytes for the peer, in the order in which they must be sent.

use super::Pool;

/// The outbound queue of one connection: nothing, while nothing waits. The engine appends to it,
/// the host takes from its front.
#[derive(Default)]
pub(crate) struct Outbound(Option<Box<OutboundBuffer>>);

/// Borrowed from the pool while it holds bytes.
pub(super) struct OutboundBuffer {
    bytes: Vec<u8>,
    /// How many bytes at the front the host has taken.
    taken: usize,
}

impl Outbound {
    pub(crate) fn pending(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |buffer| buffer.pending())
    }

    pub(crate) fn len(&self) -> usize {
        self.pending().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The queue to append to, with room for `need` more bytes, so that appending them does not
    /// allocate.
    pub(crate) fn appender(&mut self, need: usize, pool: &Pool) -> &mut Vec<u8> {
        let pending = self.len();
        let buffer = match self.0.take() {
            None => pool.lend_outbound(need),
            Some(mut buffer) if pending + need <= buffer.bytes.capacity() => {
                buffer.make_room(need);
                buffer
            }
            Some(smaller) => {
                let mut larger = pool.lend_outbound(pending + need);
                larger.bytes.extend_from_slice(smaller.pending());
                pool.take_back_outbound(smaller);
                larger
            }
        };
        &mut self.0.insert(buffer).bytes
    }

    /// Runs `receive` with a queue to append to, for the rare case that a received message needs an
    /// answer: a buffer is only borrowed if it does.
    pub(crate) fn with_rare_appender<R>(
        &mut self,
        pool: &Pool,
        receive: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        match &mut self.0 {
            Some(buffer) => receive(&mut buffer.bytes),
            None => {
                let mut answer = Vec::new();
                let result = receive(&mut answer);
                if !answer.is_empty() {
                    self.appender(answer.len(), pool).extend_from_slice(&answer);
                }
                result
            }
        }
    }

    /// The host has taken `length` bytes.
    pub(crate) fn consume(&mut self, length: usize, pool: &Pool) {
        if let Some(buffer) = &mut self.0 {
            debug_assert!(length <= buffer.pending().len());
            buffer.taken += length;
        }
        self.release_if_empty(pool);
    }

    /// Returns the buffer to the pool if the queue is empty.
    pub(crate) fn release_if_empty(&mut self, pool: &Pool) {
        if self.is_empty() {
            if let Some(buffer) = self.0.take() {
                pool.take_back_outbound(buffer);
            }
        }
    }
}

impl OutboundBuffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), taken: 0 }
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets all bytes.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        self.taken = 0;
    }

    fn pending(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Moves the bytes to the front if there is no room for `need` more behind them.
    fn make_room(&mut self, need: usize) {
        if self.bytes.capacity() - self.bytes.len() < need {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
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
        assert_eq!(outbound.0.as_ref().map(|buffer| buffer.capacity()), Some(8 * 1024), "moved, not grown");
        outbound.appender(60_000, &pool).extend_from_slice(&[3; 60_000]);
        let expected = [vec![1; 1000], vec![2; 5000], vec![3; 60_000]].concat();
        assert_eq!(outbound.pending(), expected);
        outbound.consume(66_000, &pool);
        assert!(outbound.is_empty());
        assert!(outbound.0.is_none(), "an empty queue holds no buffer");
    }
}
