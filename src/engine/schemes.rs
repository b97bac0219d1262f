//! Signature schemes that a host chose: those that it signs in, in its order, and those that it takes from peers.

use std::sync::Arc;

use pki_types::SubjectPublicKeyInfoDer;
use rustls::crypto::{CryptoProvider, SignatureScheme, Signer, SigningKey};
use rustls_aws_lc_rs::DEFAULT_PROVIDER;

use crate::failure::Failure;
use crate::status::TLS_REASON_SCHEME_UNSUPPORTED;

/// Whether a scheme with this IANA number exists here.
pub(crate) fn has_scheme(number: u16) -> bool {
    DEFAULT_PROVIDER
        .signature_verification_algorithms
        .supported_schemes()
        .iter()
        .any(|scheme| scheme.0 == number)
}

fn chosen(numbers: &[u16]) -> Arc<[SignatureScheme]> {
    numbers.iter().map(|&number| SignatureScheme(number)).collect()
}

/// A key that signs in some of its schemes only, the first one preferred that the peer takes.
#[derive(Debug)]
struct Choosy {
    key: Box<dyn SigningKey>,
    schemes: Arc<[SignatureScheme]>,
}

impl SigningKey for Choosy {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let mut taken = self.schemes.iter().filter(|scheme| offered.contains(scheme));
        taken.find_map(|&scheme| self.key.choose_scheme(&[scheme]))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }
}

/// The key, which signs in the schemes of these numbers; in its own, if there are none.
pub(super) fn restricted(key: Box<dyn SigningKey>, numbers: &[u16]) -> Result<Box<dyn SigningKey>, Failure> {
    if numbers.is_empty() {
        return Ok(key);
    }
    let choosy = Choosy { key, schemes: chosen(numbers) };
    if choosy.choose_scheme(&choosy.schemes).is_none() {
        return Err(Failure::config(
            TLS_REASON_SCHEME_UNSUPPORTED,
            "the key can sign in none of the configured signature schemes (tls_builder_signature_schemes)",
        ));
    }
    Ok(Box::new(choosy))
}

/// In which schemes a peer may prove that it has its key, in the order in which they are offered: those of these
/// numbers; all, if there are none.
pub(super) fn accepted(provider: &CryptoProvider, numbers: &[u16]) -> Vec<SignatureScheme> {
    match numbers {
        [] => provider.signature_verification_algorithms.supported_schemes(),
        numbers => chosen(numbers).to_vec(),
    }
}
