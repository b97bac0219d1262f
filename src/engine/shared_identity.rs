//! The certificates of a peer, kept once for the connections of a thread that one peer shows them to.
//!
//! Most clients connect to one server again and again. Beside this, rustls keeps what a client of TLS 1.3 was shown, for the
//! tickets to come.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use rustls::crypto::Identity;

thread_local! {
    /// What the peer showed whose handshake was done last. It goes with the last connection that has it.
    static LAST: RefCell<Weak<Identity<'static>>> = const { RefCell::new(Weak::new()) };
}

/// `identity`, as the last connection has it if it is the same.
pub(super) fn shared_identity(identity: &Identity<'static>) -> Arc<Identity<'static>> {
    let share = |last: &RefCell<Weak<Identity<'static>>>| {
        let mut last = last.borrow_mut();
        last.upgrade().filter(|known| **known == *identity).unwrap_or_else(|| {
            let own = Arc::new(identity.clone());
            *last = Arc::downgrade(&own);
            own
        })
    };
    // While the thread ends nothing is remembered.
    LAST.try_with(share).unwrap_or_else(|_| Arc::new(identity.clone()))
}

#[cfg(test)]
mod tests {
    use pki_types::SubjectPublicKeyInfoDer;

    use super::*;

    fn identity(byte: u8) -> Identity<'static> {
        Identity::RawPublicKey(SubjectPublicKeyInfoDer::from(vec![byte; 5]))
    }

    #[test]
    fn connections_to_one_peer_share_what_it_showed() {
        let first = shared_identity(&identity(1));
        assert!(Arc::ptr_eq(&first, &shared_identity(&identity(1))));
        let other = shared_identity(&identity(2));
        assert!(*other == identity(2) && *first == identity(1));
        assert!(!Arc::ptr_eq(&first, &shared_identity(&identity(1))));
    }

    #[test]
    fn what_no_connection_has_is_not_kept() {
        let only = shared_identity(&identity(7));
        assert_eq!(Arc::strong_count(&only), 1);
    }
}
