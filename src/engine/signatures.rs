//! Signatures of certificates and handshakes, and what it may cost to judge a chain.

use std::sync::Mutex;

use pki_types::{
    AlgorithmIdentifier, FipsStatus, InvalidSignature, SignatureVerificationAlgorithm,
    SubjectPublicKeyInfoDer, alg_id,
};
use rustls_aws_lc_rs::ALL_VERIFICATION_ALGS;
use webpki::RawPublicKeyEntity;

use crate::parse::x509::Certificate;

/// What judging one chain may cost, in microseconds of a slow machine: more than a hundred signatures by keys of usual
/// kinds, and some twenty by the slowest that are accepted. What else costs much is paid for from the same purse.
const MOST: u32 = 10_000;

/// Longer than anything that a peer can send: a CRL of the host's.
const LONG: usize = 0xffff;

/// Counts what it costs to judge one chain.
#[derive(Debug)]
pub(super) struct Meter(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    left: Option<u32>,
    lists: Vec<Verified>,
}

/// A CRL whose signature was verified. It lives in the context: where it lies says which one it is.
#[derive(Debug)]
struct Verified {
    place: usize,
    key: Box<[u8]>,
    result: Result<(), InvalidSignature>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Reading { left: Some(MOST), lists: Vec::new() }))
    }

    /// All algorithms, with this meter in front of each.
    pub(super) fn algorithms(&self) -> Vec<Metered<'_>> {
        ALL_VERIFICATION_ALGS.iter().map(|&inner| Metered { inner, meter: self }).collect()
    }

    /// Pays for other work, which must not be done if there is not enough left for it. Something cheaper still may.
    pub(super) fn pay(&self, price: u32) -> bool {
        self.reading(|reading| match reading.left.and_then(|left| left.checked_sub(price)) {
            None => false,
            left => {
                reading.left = left;
                true
            }
        })
    }

    /// Whether a signature was not verified because it would have cost too much.
    pub(super) fn is_exhausted(&self) -> bool {
        self.reading(|reading| reading.left.is_none())
    }

    fn reading<T>(&self, run: impl FnOnce(&mut Reading) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// An algorithm that verifies as long as there is something left.
#[derive(Debug)]
pub(super) struct Metered<'m> {
    inner: &'static dyn SignatureVerificationAlgorithm,
    meter: &'m Meter,
}

impl SignatureVerificationAlgorithm for Metered<'_> {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let verify = || self.inner.verify_signature(key, message, signature);
        self.meter.reading(|reading| {
            let price = price(self.inner.public_key_alg_id(), key.len(), message.len().min(LONG));
            reading.left = reading.left.and_then(|left| left.checked_sub(price));
            if reading.left.is_none() {
                return Err(InvalidSignature);
            }
            if message.len() <= LONG {
                return verify();
            }
            let place = message.as_ptr().addr();
            if let Some(known) = reading.lists.iter().find(|known| known.place == place && *known.key == *key)
            {
                return known.result;
            }
            let result = verify();
            reading.lists.push(Verified { place, key: key.into(), result });
            result
        })
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }

    fn fips_status(&self) -> FipsStatus {
        self.inner.fips_status()
    }
}

/// What a signature costs by a key of this kind and length over so many bytes.
fn price(kind: AlgorithmIdentifier, key: usize, message: usize) -> u32 {
    let by_key = match kind {
        alg_id::RSA_ENCRYPTION => key.min(2048) * key.min(2048) / 2000,
        alg_id::ECDSA_P384 => 200,
        alg_id::ECDSA_P521 => 450,
        alg_id::ML_DSA_44 | alg_id::ML_DSA_65 | alg_id::ML_DSA_87 => 200,
        _ => 90,
    };
    u32::try_from(by_key + message / 200).unwrap_or(u32::MAX)
}

/// Whether a certificate was signed by the key in this subject public key info, whatever else is right or wrong.
pub(super) fn is_signed_by(certificate: &Certificate<'_>, key: &[u8]) -> bool {
    let key = SubjectPublicKeyInfoDer::from(key);
    let Ok(key) = RawPublicKeyEntity::try_from(&key) else { return false };
    ALL_VERIFICATION_ALGS
        .iter()
        .filter(|algorithm| algorithm.signature_alg_id().as_ref() == certificate.algorithm)
        .any(|algorithm| key.verify_signature(*algorithm, certificate.signed, certificate.signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_paid_for_is_not_verified() {
        for kind in [alg_id::ECDSA_P256, alg_id::ECDSA_P521, alg_id::RSA_ENCRYPTION] {
            const KEY: usize = 1000;
            const MESSAGE: usize = 2000;
            let meter = Meter::new();
            let algorithms = meter.algorithms();
            let algorithm =
                algorithms.iter().find(|algorithm| algorithm.public_key_alg_id() == kind).unwrap();
            let verify = || algorithm.verify_signature(&[1; KEY], &[2; MESSAGE], &[3; 64]);
            for _ in 0..MOST / price(kind, KEY, MESSAGE) {
                assert!(verify().is_err() && !meter.is_exhausted());
            }
            assert!(verify().is_err() && meter.is_exhausted());
            // Nor is anything else done for this chain, however cheap it is.
            assert!(!meter.pay(1));
        }
    }
}
