//! HKDF of a provider's, seen at its work.
//!
//! rustls tells nobody how its key schedule goes on; what it asks of HKDF says so. Here is what all have in common
//! that look: everything is done by the provider's, in the same way.

use pki_types::FipsStatus;
use rustls::crypto::hmac;
use rustls::crypto::kx::ActiveKeyExchange;
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock};
use rustls::error::Error;

/// What is seen, on the thread on which the engine runs.
pub(super) trait SeesHkdf: Send + Sync + 'static {
    /// A key schedule begins, with the secret of a session or with nothing.
    fn begins(&self, _with_session: bool) {}

    /// An expander was made of a secret; the one to go on with.
    fn expander(&self, _secret: &OkmBlock, made: Box<dyn HkdfExpander>) -> Box<dyn HkdfExpander> {
        made
    }
}

/// `hkdf`, which `by` sees. To be made once: the engine wants those that live for ever.
pub(super) fn seen(hkdf: &'static dyn Hkdf, by: impl SeesHkdf) -> &'static dyn Hkdf {
    Box::leak(Box::new(Seen { hkdf, by }))
}

struct Seen<S> {
    hkdf: &'static dyn Hkdf,
    by: S,
}

impl<S: SeesHkdf> Hkdf for Seen<S> {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        if salt.is_none() {
            self.by.begins(false);
        }
        self.hkdf.extract_from_zero_ikm(salt)
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        if salt.is_none() {
            self.by.begins(true);
        }
        self.hkdf.extract_from_secret(salt, secret)
    }

    fn extract_from_kx_shared_secret(
        &self,
        salt: Option<&[u8]>,
        kx: Box<dyn ActiveKeyExchange>,
        peer_pub_key: &[u8],
    ) -> Result<Box<dyn HkdfExpander>, Error> {
        self.hkdf.extract_from_kx_shared_secret(salt, kx, peer_pub_key)
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        self.by.expander(okm, self.hkdf.expander_for_okm(okm))
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> hmac::Tag {
        self.hkdf.hmac_sign(key, message)
    }

    fn fips(&self) -> FipsStatus {
        self.hkdf.fips()
    }
}
