//! What the host may know of a connection.

use super::{Connection, Counters};
use crate::client_hello::ClientHello;
use crate::engine::{Facts, SignRequest};

impl Connection {
    pub(crate) fn facts(&self) -> Facts<'_> {
        let facts = self.session.facts();
        Facts { server_name: facts.server_name.or(self.sent_name.as_deref()), ..facts }
    }

    /// The ClientHello that waits for a context.
    pub(crate) fn client_hello(&self) -> ClientHello<'_> {
        self.session.client_hello()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// The DER bytes of the certificate at `index` of the chain that the peer presented.
    pub(crate) fn peer_certificate(&self, index: usize) -> Option<&[u8]> {
        self.session.peer_chain().get(index)
    }

    /// What has to be signed, while that question is open.
    pub(crate) fn sign_request(&self) -> Option<SignRequest<'_>> {
        if self.has_failed() { None } else { self.session.sign_request() }
    }

    /// The subject public key info of a peer that showed no certificate.
    pub(crate) fn peer_raw_key(&self) -> Option<&[u8]> {
        self.session.peer_chain().raw_key()
    }

    /// What the peer stapled to the identity that is asked about.
    pub(crate) fn ocsp_response(&self) -> &[u8] {
        self.session.ocsp_response()
    }
}
