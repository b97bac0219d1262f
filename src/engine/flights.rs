//! How much room the flights of one side take.

use crate::record::layout::MAX_GROWTH;
use crate::record::sizing::PADDED_PLAIN;

/// The handshake messages that a side of a context may send at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flights {
    /// All that may leave in one piece where records are of the usual size, records included.
    together: usize,
    /// The longest that leaves before the peer says something.
    longest: usize,
}

impl Flights {
    pub(super) fn new(together: usize, apart: [usize; 2]) -> Self {
        Self { together, longest: apart.into_iter().max().unwrap_or_default() }
    }

    /// The most wire bytes of one, in records of at most `most` plain bytes. The size is the connection's, which need not
    /// be a connection of this context: a client can be answered with another one's identity.
    pub(super) fn bound(self, most: usize) -> usize {
        // Those of connections that pad are of the usual size, too.
        if most >= PADDED_PLAIN {
            self.together.max(self.longest)
        } else {
            self.longest + self.longest.div_ceil(most) * MAX_GROWTH
        }
    }
}
