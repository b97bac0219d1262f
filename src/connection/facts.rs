//! What the host may know of a connection.

use super::{Connection, Counters};
use crate::engine::Facts;

impl Connection {
    pub(crate) fn facts(&self) -> Facts<'_> {
        let facts = self.session.facts();
        Facts { server_name: facts.server_name.or(self.sent_name.as_deref()), ..facts }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// The DER bytes of the certificate at `index` of the chain that the peer presented.
    pub(crate) fn peer_certificate(&self, index: usize) -> Option<&[u8]> {
        self.session.peer_chain().get(index)
    }
}
