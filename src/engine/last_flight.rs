//! The keys of a TLS 1.3 client's last flight (RFC 8446, 4.4 and 7.3), for an alert in its place.
//!
//! rustls seals the flight and goes on with the next keys in one step: there is none between the server's Finished and the end in
//! which a host could still refuse. So the keys are kept that are done with in that step. It is seen on the thread on which
//! the engine runs: rustls drops their encrypter.

use std::cell::RefCell;

use rustls::crypto::cipher::{AeadKey, Iv, OutboundPlain, Record, RecordEncrypter};
use rustls::error::Error;
use zeroize::Zeroizing;

use super::collected;
use crate::record::secrets::TrafficSecret;

/// Keys that the engine is done with. Wiped when dropped.
pub(crate) struct LastFlight {
    key: Zeroizing<Vec<u8>>,
    iv: Zeroizing<[u8; TrafficSecret::IV]>,
    /// How many records they have sealed.
    sealed: u64,
}

thread_local! {
    /// What the run of the engine that is going on is done with, if it wants that.
    static DONE: RefCell<Option<Vec<LastFlight>>> = const { RefCell::new(None) };
}

/// Runs the engine, and gives the keys that it was done with last, if they are `wanted`.
pub(super) fn keep<R>(wanted: bool, run: impl FnOnce() -> R) -> (R, Option<LastFlight>) {
    let (result, mut done) = collected::collect(&DONE, wanted, run);
    (result, done.pop())
}

impl LastFlight {
    /// These keys, if the run wants such.
    pub(super) fn of(key: &AeadKey, iv: &Iv) -> Option<Self> {
        if !DONE.with_borrow(Option::is_some) {
            return None;
        }
        let iv = Zeroizing::new(iv.as_ref().try_into().ok()?);
        Some(Self { key: Zeroizing::new(key.as_ref().to_vec()), iv, sealed: 0 })
    }

    pub(crate) fn sealed(&self) -> u64 {
        self.sealed
    }

    /// As the secret of a connection of this suite that has sealed nothing.
    pub(crate) fn into_secret(self, suite: u16) -> TrafficSecret {
        let Self { key, iv, .. } = self;
        TrafficSecret { version: 0x0304, suite, key, iv, sequence: 0, most_records: 1 }
    }
}

impl std::fmt::Debug for LastFlight {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LastFlight").finish_non_exhaustive()
    }
}

/// `encrypter`, whose keys are kept when it is dropped.
pub(super) fn watched(
    encrypter: Box<dyn RecordEncrypter>,
    keys: Option<LastFlight>,
) -> Box<dyn RecordEncrypter> {
    match keys {
        Some(keys) => Box::new(Watched { encrypter, keys: Some(keys) }),
        None => encrypter,
    }
}

struct Watched {
    encrypter: Box<dyn RecordEncrypter>,
    /// Until it is dropped.
    keys: Option<LastFlight>,
}

impl RecordEncrypter for Watched {
    fn encrypt<'a>(
        &mut self,
        record: Record<OutboundPlain<'_>>,
        seq: u64,
        out: &'a mut [u8],
    ) -> Result<Record<&'a [u8]>, Error> {
        self.keys.iter_mut().for_each(|keys| keys.sealed += 1);
        self.encrypter.encrypt(record, seq, out)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        self.encrypter.encrypted_payload_len(payload_len)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // However late in the life of a thread that is.
        let _ = DONE.try_with(|done| {
            if let Ok(mut done) = done.try_borrow_mut() {
                if let Some(done) = &mut *done {
                    done.extend(self.keys.take());
                }
            }
        });
    }
}
