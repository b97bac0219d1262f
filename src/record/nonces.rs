//! No nonce is used twice with one key: what unit tests check of every record.

use std::collections::HashSet;

#[derive(Default)]
pub(super) struct Nonces(HashSet<[u8; 12]>);

impl Nonces {
    pub(super) fn note(&mut self, nonce: [u8; 12]) {
        assert!(self.0.insert(nonce), "a nonce is used for the second time");
    }
}
