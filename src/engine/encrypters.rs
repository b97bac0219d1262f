//! Cipher suites with something of ours in front of the provider's: everything else of them is the provider's.

use pki_types::FipsStatus;
use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::cipher::{
    AeadKey, Iv, KeyBlockShape, RecordDecrypter, RecordEncrypter, Tls12AeadAlgorithm, Tls13AeadAlgorithm,
    UnsupportedOperationError,
};
use rustls::crypto::hash::Hash;
use rustls::crypto::tls12::Prf;
use rustls::crypto::tls13::Hkdf;
use rustls::{ConnectionTrafficSecrets, Tls12CipherSuite, Tls13CipherSuite};

use super::last_flight::{self, LastFlight};

/// What makes ours, of each given one.
#[derive(Clone, Copy)]
pub(super) struct Front {
    pub encrypter: fn(Box<dyn RecordEncrypter>) -> Box<dyn RecordEncrypter>,
    pub decrypter: fn(Box<dyn RecordDecrypter>) -> Box<dyn RecordDecrypter>,
    pub hash: fn(&'static dyn Hash) -> &'static dyn Hash,
    pub hkdf: fn(&'static dyn Hkdf) -> &'static dyn Hkdf,
    pub prf: fn(&'static dyn Prf) -> &'static dyn Prf,
}

/// These suites with `front`. To be made once: the engine wants suites that live for ever.
pub(super) fn tls13(suites: &[&'static Tls13CipherSuite], front: Front) -> Vec<&'static Tls13CipherSuite> {
    let fronted = |suite: &&'static Tls13CipherSuite| -> &'static Tls13CipherSuite {
        Box::leak(Box::new(Tls13CipherSuite {
            common: CipherSuiteCommon {
                hash_provider: (front.hash)(suite.common.hash_provider),
                ..suite.common
            },
            protocol_version: suite.protocol_version,
            hkdf_provider: (front.hkdf)(suite.hkdf_provider),
            aead_alg: Box::leak(Box::new(Fronted { aead: suite.aead_alg, front })),
            quic: None,
        }))
    };
    suites.iter().map(fronted).collect()
}

/// The same for TLS 1.2, where decrypters stay as they are.
pub(super) fn tls12(suites: &[&'static Tls12CipherSuite], front: Front) -> Vec<&'static Tls12CipherSuite> {
    let fronted = |suite: &&'static Tls12CipherSuite| -> &'static Tls12CipherSuite {
        Box::leak(Box::new(Tls12CipherSuite {
            common: CipherSuiteCommon {
                hash_provider: (front.hash)(suite.common.hash_provider),
                ..suite.common
            },
            protocol_version: suite.protocol_version,
            prf_provider: (front.prf)(suite.prf_provider),
            kx: suite.kx,
            sign: suite.sign,
            aead_alg: Box::leak(Box::new(Fronted { aead: suite.aead_alg, front })),
        }))
    };
    suites.iter().map(fronted).collect()
}

struct Fronted<A: ?Sized + 'static> {
    aead: &'static A,
    front: Front,
}

impl Tls13AeadAlgorithm for Fronted<dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn RecordEncrypter> {
        let keys = LastFlight::of(&key, &iv);
        last_flight::watched((self.front.encrypter)(self.aead.encrypter(key, iv)), keys)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn RecordDecrypter> {
        (self.front.decrypter)(self.aead.decrypter(key, iv))
    }

    fn key_len(&self) -> usize {
        self.aead.key_len()
    }

    fn iv_len(&self) -> usize {
        self.aead.iv_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.aead.extract_keys(key, iv)
    }

    fn fips(&self) -> FipsStatus {
        self.aead.fips()
    }
}

impl Tls12AeadAlgorithm for Fronted<dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn RecordEncrypter> {
        (self.front.encrypter)(self.aead.encrypter(key, iv, extra))
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn RecordDecrypter> {
        self.aead.decrypter(key, iv)
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.aead.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.aead.extract_keys(key, iv, explicit)
    }

    fn fips(&self) -> FipsStatus {
        self.aead.fips()
    }
}
