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

/// Runs a step of a handshake. What other connections of this thread did before does not count in it, and what it was
/// does not count for them.
pub(super) fn step<R>(run: impl FnOnce() -> R) -> R {
    /// Also after a panic: the thread goes on with other connections.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            go_on(false);
        }
    }
    go_on(false);
    let _over = Over;
    run()
}

/// A step stops in the middle, for an answer: what it is, to [`go_on`] with.
#[inline(never)] // Not one function with what runs after the answer, perhaps on another thread.
pub(super) fn stop() -> bool {
    RESUMING.take()
}

#[inline(never)] // The same.
pub(super) fn go_on(resuming: bool) {
    RESUMING.set(resuming);
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
