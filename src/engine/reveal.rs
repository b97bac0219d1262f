//! The secrets that rustls keeps to itself, for a connection that moves to another process.
//!
//! rustls gives traffic keys away, but not what the next ones come from. What can be seen is its work: to go on to the
//! next key it makes an expander of the present traffic secret, and of the exporter secret where it is asked for keying
//! material; in TLS 1.2 a function of the main secret was made when the handshake began. So HKDF and PRF of our suites
//! show what they are given while [`shown`] asks for it, on the thread on which the engine runs.

use std::cell::RefCell;

use pki_types::FipsStatus;
use rustls::crypto::kx::ActiveKeyExchange;
use rustls::crypto::tls12::{Prf, PrfSecret};
use rustls::crypto::tls13::{HkdfExpander, OkmBlock};
use rustls::error::Error;
use zeroize::Zeroizing;

use super::seen_hkdf::SeesHkdf;

type Shown = Zeroizing<Vec<u8>>;

thread_local! {
    /// What was shown first, while somebody asks for it.
    static FIRST: RefCell<Option<Shown>> = const { RefCell::new(None) };
}

/// Runs the engine, and says what it has used first: a secret of TLS 1.3, or the main secret of TLS 1.2 with what it was
/// mixed with.
pub(super) fn shown<R>(run: impl FnOnce() -> R) -> (R, Option<Shown>) {
    /// Also after a panic: the thread goes on with other connections.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            FIRST.take();
        }
    }
    let _over = Over;
    FIRST.set(Some(Shown::default()));
    let result = run();
    (result, FIRST.take().filter(|shown| !shown.is_empty()))
}

#[inline]
fn show(parts: &[&[u8]]) {
    FIRST.with_borrow_mut(|first| {
        if let Some(first) = first.as_mut().filter(|first| first.is_empty()) {
            // At once as long as it gets: what a growing one leaves behind would not be wiped.
            first.reserve_exact(parts.iter().map(|part| part.len()).sum());
            parts.iter().for_each(|part| first.extend_from_slice(part));
        }
    });
}

/// HKDF shows the secrets that expanders are made of.
pub(super) struct ShowingHkdf;

impl SeesHkdf for ShowingHkdf {
    fn expander(&self, secret: &OkmBlock, made: Box<dyn HkdfExpander>) -> Box<dyn HkdfExpander> {
        show(&[secret.as_ref()]);
        made
    }
}

/// `prf`, which shows. To be made once: the engine wants those that live for ever.
pub(super) fn showing_prf(prf: &'static dyn Prf) -> &'static dyn Prf {
    Box::leak(Box::new(ShowingPrf(prf)))
}

struct ShowingPrf(&'static dyn Prf);

impl Prf for ShowingPrf {
    fn for_key_exchange(
        &self,
        output: &mut [u8; 48],
        kx: Box<dyn ActiveKeyExchange>,
        peer_pub_key: &[u8],
        label: &[u8],
        seed: &[u8],
    ) -> Result<(), Error> {
        self.0.for_key_exchange(output, kx, peer_pub_key, label, seed)
    }

    fn new_secret(&self, main_secret: &[u8; 48]) -> Box<dyn PrfSecret> {
        Box::new(ShowingSecret { prf: self.0, main_secret: Zeroizing::new(*main_secret) })
    }

    fn fips(&self) -> FipsStatus {
        self.0.fips()
    }
}

/// Keeps the secret, and not what the provider makes of it, which is some times as large and used a few times in all.
struct ShowingSecret {
    prf: &'static dyn Prf,
    main_secret: Zeroizing<[u8; 48]>,
}

impl PrfSecret for ShowingSecret {
    fn prf(&self, output: &mut [u8], label: &[u8], seed: &[u8]) {
        show(&[&self.main_secret[..], seed]);
        self.prf.new_secret(&self.main_secret).prf(output, label, seed);
    }
}
