//! Records as full as they may be: 2^14 plain bytes, and on top of them what encryption adds (RFC 8446, 5.1 and 5.2;
//! RFC 5246, 6.2).
//!
//! rustls cuts at 2^14 bytes less what encryption adds, so that 16 KiB, which hosts like to write, would be a full record
//! and a tiny one. It asks the encrypter how much that is, as the length of an empty payload. So our suites' encrypters
//! answer that nothing comes of nothing; whatever has bytes is encrypted by the provider's encrypter as it is. Empty
//! records are not written: there would be no room for one, which is an error.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use rustls::crypto::CryptoProvider;
use rustls::crypto::cipher::{OutboundPlain, Record, RecordEncrypter};
use rustls::error::Error;
use rustls::{Tls12CipherSuite, Tls13CipherSuite};
use rustls_aws_lc_rs::DEFAULT_PROVIDER;

use super::encrypters::{self, Front};
use super::message_count;
use super::resuming;
use super::retold::hashing_originals;
use super::reveal;
use super::seen_hkdf::seen;
use crate::record::layout::MAX_PLAIN;

/// The provider's, with suites that fill their records.
pub(super) fn provider() -> CryptoProvider {
    let mut provider = DEFAULT_PROVIDER;
    provider.tls12_cipher_suites = Cow::Borrowed(&TLS12);
    provider.tls13_cipher_suites = Cow::Borrowed(&TLS13);
    provider
}

static TLS13: LazyLock<Vec<&'static Tls13CipherSuite>> =
    LazyLock::new(|| encrypters::tls13(&DEFAULT_PROVIDER.tls13_cipher_suites, FRONT));

static TLS12: LazyLock<Vec<&'static Tls12CipherSuite>> =
    LazyLock::new(|| encrypters::tls12(&DEFAULT_PROVIDER.tls12_cipher_suites, FRONT));

/// What else has to be in front of every suite has its place here too.
const FRONT: Front = Front {
    encrypter: filling,
    decrypter: message_count::decrypter,
    hash: hashing_originals,
    hkdf: |hkdf| seen(seen(hkdf, resuming::Watched), reveal::ShowingHkdf),
    prf: reveal::showing_prf,
};

thread_local! {
    /// How many plain bytes less than the most a record is to have.
    static LESS: Cell<usize> = const { Cell::new(0) };
}

/// Lets records that are sealed during `run` have no more than `most` plain bytes. The engine cuts its messages so that
/// there is room for what encryption adds, which our encrypters are asked for: they name more than it is.
pub(crate) fn cut<R>(most: usize, run: impl FnOnce() -> R) -> R {
    /// Also after a panic: the thread goes on with other connections.
    struct Uncut;
    impl Drop for Uncut {
        fn drop(&mut self) {
            LESS.set(0);
        }
    }
    LESS.set(MAX_PLAIN.saturating_sub(most));
    let _uncut = Uncut;
    run()
}

fn filling(encrypter: Box<dyn RecordEncrypter>) -> Box<dyn RecordEncrypter> {
    Box::new(FillingEncrypter(encrypter))
}

struct FillingEncrypter(Box<dyn RecordEncrypter>);

impl RecordEncrypter for FillingEncrypter {
    fn encrypt<'a>(
        &mut self,
        record: Record<OutboundPlain<'_>>,
        seq: u64,
        out: &'a mut [u8],
    ) -> Result<Record<&'a [u8]>, Error> {
        message_count::look_at(&record);
        self.0.encrypt(record, seq, out)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        match payload_len {
            0 => LESS.get(),
            length => self.0.encrypted_payload_len(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::cipher::{AeadKey, EncodableVersion, InboundOpaque, Iv, RecordDecrypter};
    use rustls::enums::{ContentType, ProtocolVersion};

    use super::*;

    const VERSION: EncodableVersion = EncodableVersion::Legacy(ProtocolVersion::TLSv1_2);

    /// Both directions of every suite with keys of 32 bytes; the others differ in nothing that matters here.
    fn coders() -> Vec<(Box<dyn RecordEncrypter>, Box<dyn RecordDecrypter>)> {
        let key = || AeadKey::from([7; 32]);
        let mut coders = Vec::new();
        for aead in TLS13.iter().map(|suite| suite.aead_alg).filter(|aead| aead.key_len() == 32) {
            let iv = || Iv::new(&[9; 12]).unwrap();
            coders.push((aead.encrypter(key(), iv()), aead.decrypter(key(), iv())));
        }
        for aead in TLS12.iter().map(|suite| suite.aead_alg) {
            let shape = aead.key_block_shape();
            if shape.enc_key_len == 32 {
                let (iv, extra) = (vec![9; shape.fixed_iv_len], vec![8; shape.explicit_nonce_len]);
                coders.push((aead.encrypter(key(), &iv, &extra), aead.decrypter(key(), &iv)));
            }
        }
        coders
    }

    #[test]
    fn every_suite_opens_the_fullest_record_that_it_seals() {
        let plain: Vec<u8> = (0..MAX_PLAIN).map(|at| at as u8).collect();
        let coders = coders();
        // Three of them in a build for validated cryptography, which has no ChaCha20-Poly1305.
        assert!(coders.len() >= 3);
        for (mut encrypter, mut decrypter) in coders {
            assert_eq!(encrypter.encrypted_payload_len(0), 0);
            let mut out = vec![0; encrypter.encrypted_payload_len(plain.len())];
            let record = |payload| Record::new(ContentType::ApplicationData, VERSION, payload);
            let payload = OutboundPlain::from(&plain[..]);
            let mut wire = encrypter.encrypt(record(payload), 3, &mut out).unwrap().payload.to_vec();
            let record = Record::new(ContentType::ApplicationData, VERSION, InboundOpaque(&mut wire));
            assert_eq!(decrypter.decrypt(record, 3).unwrap().payload, plain);
        }
    }

    #[test]
    fn an_empty_record_is_an_error() {
        for (mut encrypter, _) in coders() {
            let mut out = vec![0; encrypter.encrypted_payload_len(0)];
            let record = Record::new(ContentType::ApplicationData, VERSION, OutboundPlain::new_empty());
            assert!(encrypter.encrypt(record, 3, &mut out).is_err());
        }
    }
}
