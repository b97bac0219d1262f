//! Whether the step that runs resumes a TLS 1.3 session.
//!
//! A server asks nobody for a certificate then (RFC 8446, 4.3.2), and says nothing of the kind of certificate either
//! (RFC 7250, 4.2). rustls says it all the same: it asks the rules whether they want a certificate, and they cannot
//! know. What can be seen is its work: the key schedule begins with the session's secret, or with nothing.

use std::cell::Cell;

use pki_types::FipsStatus;
use rustls::crypto::hmac;
use rustls::crypto::kx::ActiveKeyExchange;
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock};
use rustls::error::Error;

thread_local! {
    static RESUMING: Cell<bool> = const { Cell::new(false) };
}

/// To be called before each step of a handshake: what the last one on this thread was does not count.
pub(super) fn begin_step() {
    RESUMING.set(false);
}

pub(super) fn is_resuming() -> bool {
    RESUMING.get()
}

/// `hkdf`, which sees what a key schedule begins with. To be made once: the engine wants those that live for ever.
pub(super) fn watched(hkdf: &'static dyn Hkdf) -> &'static dyn Hkdf {
    Box::leak(Box::new(Watched(hkdf)))
}

struct Watched(&'static dyn Hkdf);

impl Hkdf for Watched {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        if salt.is_none() {
            RESUMING.set(false);
        }
        self.0.extract_from_zero_ikm(salt)
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        if salt.is_none() {
            RESUMING.set(true);
        }
        self.0.extract_from_secret(salt, secret)
    }

    fn extract_from_kx_shared_secret(
        &self,
        salt: Option<&[u8]>,
        kx: Box<dyn ActiveKeyExchange>,
        peer_pub_key: &[u8],
    ) -> Result<Box<dyn HkdfExpander>, Error> {
        self.0.extract_from_kx_shared_secret(salt, kx, peer_pub_key)
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        self.0.expander_for_okm(okm)
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> hmac::Tag {
        self.0.hmac_sign(key, message)
    }

    fn fips(&self) -> FipsStatus {
        self.0.fips()
    }
}
