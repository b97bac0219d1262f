//! Traffic keys that change after the handshake (RFC 8446, 4.6.3 and 7.2).
//!
//! rustls handles a KeyUpdate without telling anybody. What can be seen is its work: it derives a
//! secret with the label "traffic upd", and makes a decrypter or an encrypter from it. So contexts that
//! ask get cipher suites that count this, on the thread on which the engine runs.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use pki_types::FipsStatus;
use rustls::crypto::cipher::{
    AeadKey, Iv, RecordDecrypter, RecordEncrypter, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::tls13::{HkdfExpander, OkmBlock, OutputLengthError};
use rustls::crypto::{CipherSuiteCommon, CryptoProvider};
use rustls::{ConnectionTrafficSecrets, Tls13CipherSuite};

use super::full_records;
use super::seen_hkdf::{SeesHkdf, seen};

/// How often keys were changed, by direction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyUpdates {
    /// Keys for wire bytes of the peer.
    pub inbound: u32,
    /// Keys for wire bytes to the peer.
    pub outbound: u32,
}

const NONE: KeyUpdates = KeyUpdates { inbound: 0, outbound: 0 };

/// RFC 8446, section 7.2.
const LABEL: &[u8] = b"traffic upd";

thread_local! {
    /// The changes by the run of the engine that is going on, if it counts them.
    static UPDATES: Cell<Option<KeyUpdates>> = const { Cell::new(None) };
    /// A secret was derived, and the keys that come from it are about to be made.
    static DERIVED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the engine, and says which keys it changed if `wanted`.
pub(super) fn watch<R>(wanted: bool, run: impl FnOnce() -> R) -> (R, KeyUpdates) {
    if !wanted {
        return (run(), NONE);
    }
    UPDATES.set(Some(NONE));
    DERIVED.set(false);
    let result = run();
    (result, UPDATES.take().unwrap_or(NONE))
}

/// A key that was made from a secret, by who has the records.
pub(super) fn note(inbound: bool) {
    DERIVED.set(true);
    count(|updates| if inbound { &mut updates.inbound } else { &mut updates.outbound });
}

/// `provider` with the suites that count.
pub(super) fn watched(provider: &mut CryptoProvider) {
    provider.tls13_cipher_suites = Cow::Borrowed(&SUITES);
}

/// Made once: the engine wants suites that live for ever.
static SUITES: LazyLock<Vec<&'static Tls13CipherSuite>> = LazyLock::new(|| {
    let watched = |suite: &&'static Tls13CipherSuite| -> &'static Tls13CipherSuite {
        Box::leak(Box::new(Tls13CipherSuite {
            common: CipherSuiteCommon { ..suite.common },
            protocol_version: suite.protocol_version,
            hkdf_provider: seen(suite.hkdf_provider, Watched),
            aead_alg: Box::leak(Box::new(WatchedAead(suite.aead_alg))),
            quic: None,
        }))
    };
    full_records::provider().tls13_cipher_suites.iter().map(watched).collect()
});

struct Watched;

impl SeesHkdf for Watched {
    /// The one from which updates derive.
    fn expander(&self, _: &OkmBlock, made: Box<dyn HkdfExpander>) -> Box<dyn HkdfExpander> {
        Box::new(WatchedExpander(made))
    }
}

struct WatchedExpander(Box<dyn HkdfExpander>);

impl HkdfExpander for WatchedExpander {
    fn expand_slice(&self, info: &[&[u8]], output: &mut [u8]) -> Result<(), OutputLengthError> {
        self.0.expand_slice(info, output)
    }

    fn expand_block(&self, info: &[&[u8]]) -> OkmBlock {
        if info.contains(&LABEL) {
            DERIVED.set(true);
        }
        self.0.expand_block(info)
    }

    fn hash_len(&self) -> usize {
        self.0.hash_len()
    }
}

struct WatchedAead(&'static dyn Tls13AeadAlgorithm);

fn count(direction: impl FnOnce(&mut KeyUpdates) -> &mut u32) {
    if DERIVED.take() {
        if let Some(mut updates) = UPDATES.get() {
            *direction(&mut updates) += 1;
            UPDATES.set(Some(updates));
        }
    }
}

impl Tls13AeadAlgorithm for WatchedAead {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn RecordEncrypter> {
        count(|updates| &mut updates.outbound);
        self.0.encrypter(key, iv)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn RecordDecrypter> {
        count(|updates| &mut updates.inbound);
        self.0.decrypter(key, iv)
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn iv_len(&self) -> usize {
        self.0.iv_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> FipsStatus {
        self.0.fips()
    }
}
