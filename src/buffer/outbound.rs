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
    /// The host may be sending them from where they are: nothing moves.
    shown: bool,
    /// The host was shown some of them, and may have sent what it saw.
    seen: bool,
    /// What was queued meanwhile.
    behind: Option<Box<OutboundBuffer>>,
}

impl Outbound {
    /// The bytes at the front, those that were queued behind a [`Self::show`] not among them.
    pub(crate) fn front(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |buffer| buffer.pending())
    }

    /// The same for the host, who may send them from there: they stay until they are consumed, or [`Self::may_move`].
    pub(crate) fn show(&mut self) -> &[u8] {
        match &mut self.0 {
            Some(buffer) => {
                buffer.shown = !buffer.pending().is_empty();
                buffer.seen |= buffer.shown;
                buffer.pending()
            }
            None => &[],
        }
    }

    /// The host makes a call that ends what was shown; what it has seen it has seen.
    pub(crate) fn may_move(&mut self) {
        if let Some(buffer) = &mut self.0 {
            buffer.shown = false;
        }
    }

    pub(crate) fn len(&self) -> usize {
        let behind = self.0.as_ref().and_then(|buffer| buffer.behind.as_ref());
        self.front().len() + behind.map_or(0, |buffer| buffer.pending().len())
    }

    /// All of it, also what was queued behind a [`Self::show`].
    pub(crate) fn copied(&self) -> Vec<u8> {
        let behind = self.0.as_ref().and_then(|buffer| buffer.behind.as_ref());
        [self.front(), behind.map_or(&[], |buffer| buffer.pending())].concat()
    }

    /// All of it, if it begins where a record does and the host has seen none of it.
    pub(crate) fn unseen(&self) -> Option<&[u8]> {
        let buffer = self.0.as_ref()?;
        (buffer.taken == 0 && !buffer.seen && buffer.behind.is_none()).then(|| buffer.pending())
    }

    /// Whether nothing is queued and nothing was.
    #[inline]
    pub(crate) fn holds_no_buffer(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.holds_no_buffer() || self.len() == 0
    }

    /// The queue to append to, with room for `need` more bytes, so that appending them does not
    /// allocate.
    pub(crate) fn appender(&mut self, need: usize, pool: &Pool) -> &mut Vec<u8> {
        let end = self.end();
        let pending = end.as_ref().map_or(0, |buffer| buffer.pending().len());
        let buffer = match end.take() {
            None => pool.lend_outbound(need),
            Some(mut buffer) if pending + need <= buffer.bytes.capacity() => {
                buffer.make_room(need);
                buffer
            }
            Some(smaller) => {
                let mut larger = pool.lend_outbound(pending + need);
                larger.bytes.extend_from_slice(smaller.pending());
                larger.seen = smaller.seen || smaller.taken > 0;
                pool.take_back_outbound(smaller);
                larger
            }
        };
        &mut end.insert(buffer).bytes
    }

    /// Runs `receive` with a queue to append to, for the rare case that a received message needs an
    /// answer: a buffer is only borrowed if it does.
    pub(crate) fn with_rare_appender<R>(
        &mut self,
        pool: &Pool,
        receive: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        match self.end() {
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
        debug_assert!(length <= self.len());
        let mut left = length;
        while let Some(buffer) = &mut self.0 {
            let here = left.min(buffer.pending().len());
            buffer.taken += here;
            buffer.shown = false;
            left -= here;
            if !buffer.pending().is_empty() || buffer.behind.is_none() {
                break;
            }
            self.advance(pool);
        }
        self.release_if_empty(pool);
    }

    /// Takes the buffer at the front off the queue, with the bytes that wait in it; None if none does.
    pub(super) fn take_front(&mut self, pool: &Pool) -> Option<Box<OutboundBuffer>> {
        self.release_if_empty(pool);
        let mut front = self.0.take()?;
        self.0 = front.behind.take();
        Some(front)
    }

    /// Returns buffers without bytes to the pool.
    pub(crate) fn release_if_empty(&mut self, pool: &Pool) {
        if let Some(buffer) = &mut self.0 {
            if buffer.behind.as_ref().is_some_and(|behind| behind.pending().is_empty()) {
                buffer.behind.take().into_iter().for_each(|behind| pool.take_back_outbound(behind));
            }
        }
        if self.is_empty() {
            self.advance(pool);
        }
    }

    /// The front is done with: what is behind it is the front.
    fn advance(&mut self, pool: &Pool) {
        if let Some(mut buffer) = self.0.take() {
            self.0 = buffer.behind.take();
            pool.take_back_outbound(buffer);
        }
    }

    /// Where bytes are appended.
    fn end(&mut self) -> &mut Option<Box<OutboundBuffer>> {
        let is_behind = self.0.as_ref().is_some_and(|front| front.shown || front.behind.is_some());
        match (is_behind, &mut self.0) {
            (true, Some(front)) => &mut front.behind,
            (_, front) => front,
        }
    }
}

impl OutboundBuffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), taken: 0, shown: false, seen: false, behind: None }
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets all bytes.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        self.taken = 0;
        self.shown = false;
        self.seen = false;
        debug_assert!(self.behind.is_none());
    }

    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Moves the bytes to the front if there is no room for `need` more behind them.
    fn make_room(&mut self, need: usize) {
        if self.bytes.capacity() - self.bytes.len() < need {
            self.bytes.drain(..self.taken);
            self.seen |= self.taken > 0;
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
        assert_eq!(outbound.front(), expected);
        outbound.consume(66_000, &pool);
        assert!(outbound.is_empty());
        assert!(outbound.0.is_none(), "an empty queue holds no buffer");
    }

    //
    #[test]
    fn what_the_host_has_seen_something_of_is_not_unseen() {
        let pool = Pool::new(1 << 20);
        let mut outbound = Outbound::default();
        assert!(outbound.unseen().is_none());
        outbound.appender(100, &pool).extend_from_slice(&[1; 100]);
        assert_eq!(outbound.unseen(), Some(&[1; 100][..]));
        outbound.show();
        assert!(outbound.unseen().is_none());
        outbound.appender(100, &pool).extend_from_slice(&[2; 100]);
        outbound.may_move();
        assert!(outbound.unseen().is_none(), "something is behind what was shown");
        outbound.consume(100, &pool);
        assert_eq!(outbound.unseen(), Some(&[2; 100][..]));
        outbound.show();
        outbound.may_move();
        assert!(outbound.unseen().is_none(), "what was shown may have been sent");
        outbound.appender(50_000, &pool).extend_from_slice(&[3; 50_000]);
        assert!(outbound.unseen().is_none(), "also in a larger buffer");
        outbound.consume(50_100, &pool);
        // The same buffers, for other bytes.
        outbound.appender(100, &pool).extend_from_slice(&[4; 100]);
        assert_eq!(outbound.unseen(), Some(&[4; 100][..]));
        outbound.consume(1, &pool);
        assert!(outbound.unseen().is_none());
        outbound.appender(50_000, &pool).extend_from_slice(&[5; 50_000]);
        assert!(outbound.unseen().is_none(), "some of it was taken");
    }

    #[test]
    fn what_is_shown_does_not_move() {
        let pool = Pool::new(1 << 20);
        let mut outbound = Outbound::default();
        assert!(outbound.show().is_empty());
        outbound.appender(100, &pool).extend_from_slice(&[1; 100]);
        outbound.consume(10, &pool);
        let shown = outbound.show().as_ptr_range();
        outbound.appender(50_000, &pool).extend_from_slice(&[2; 50_000]);
        outbound.with_rare_appender(&pool, |out| out.extend_from_slice(&[3; 100_000]));
        assert_eq!(outbound.front().as_ptr_range(), shown);
        assert_eq!((outbound.front(), outbound.len()), (&[1; 90][..], 150_090));
        // Also while its front is sent.
        outbound.consume(90, &pool);
        assert_eq!(outbound.front(), [vec![2; 50_000], vec![3; 100_000]].concat());
        outbound.show();
        outbound.may_move();
        outbound.appender(1, &pool).push(4);
        assert_eq!(outbound.front().len(), 150_001);
        outbound.consume(150_001, &pool);
        assert!(outbound.0.is_none());
    }

    //
    #[test]
    fn what_is_taken_off_does_not_move_and_leaves_the_rest() {
        let pool = Pool::new(1 << 20);
        let mut outbound = Outbound::default();
        assert!(outbound.take_front(&pool).is_none());
        outbound.appender(100, &pool).extend_from_slice(&[1; 100]);
        outbound.consume(10, &pool);
        let shown = outbound.show().as_ptr_range();
        outbound.appender(100, &pool).extend_from_slice(&[2; 100]);
        let taken = outbound.take_front(&pool).unwrap();
        assert_eq!(taken.pending().as_ptr_range(), shown);
        assert_eq!(outbound.front(), [2; 100]);
        let rest = outbound.take_front(&pool).unwrap();
        assert_eq!((taken.pending(), rest.pending()), (&[1; 90][..], &[2; 100][..]));
        assert!(outbound.take_front(&pool).is_none());
        assert!(outbound.0.is_none());
    }

    #[test]
    fn one_take_goes_over_the_seam() {
        let pool = Pool::new(1 << 20);
        let mut outbound = Outbound::default();
        outbound.appender(100, &pool).extend_from_slice(&[1; 100]);
        outbound.show();
        outbound.appender(100, &pool);
        outbound.release_if_empty(&pool);
        assert!(outbound.0.as_ref().is_some_and(|buffer| buffer.behind.is_none()));
        outbound.with_rare_appender(&pool, |_| ());
        outbound.appender(100, &pool).extend_from_slice(&[2; 100]);
        outbound.consume(150, &pool);
        assert_eq!(outbound.front(), [2; 50]);
        outbound.consume(50, &pool);
        assert!(outbound.0.is_none());
    }
}
