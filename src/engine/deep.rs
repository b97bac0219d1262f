//! Work that takes more of a stack than a step that may ask has: it is done on the host's.

use std::fmt;

use pki_types::SubjectPublicKeyInfoDer;
use rustls::compress::{CertCompressor, CompressionFailed, CompressionLevel};
use rustls::crypto::{SignatureScheme, Signer, SigningKey};
use rustls::enums::CertificateCompressionAlgorithm;
use rustls::error::Error;

use crate::coroutine::on_host_stack;

/// A private key of a context that may ask: ML-DSA's signatures take up to 127 KB of stack.
#[derive(Debug)]
pub(super) struct DeepKey(pub Box<dyn SigningKey>);

impl SigningKey for DeepKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(DeepSigner(self.0.choose_scheme(offered)?)))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.0.public_key()
    }
}

#[derive(Debug)]
pub(super) struct DeepSigner(pub Box<dyn Signer>);

impl Signer for DeepSigner {
    fn sign(self: Box<Self>, message: &[u8]) -> Result<Vec<u8>, Error> {
        on_host_stack(move || self.0.sign(message))
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}

/// A way to compress certificates.
pub(super) struct DeepCompressor(pub &'static dyn CertCompressor);

impl CertCompressor for DeepCompressor {
    fn compress(&self, input: Vec<u8>, level: CompressionLevel) -> Result<Vec<u8>, CompressionFailed> {
        on_host_stack(move || self.0.compress(input, level))
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        self.0.algorithm()
    }
}

impl fmt::Debug for DeepCompressor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
