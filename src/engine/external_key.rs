//! A private key that is not here: its certificate is, and the host signs.

use std::cell::Cell;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use rustls::crypto::{SignatureScheme, Signer, SigningKey};
use rustls::error::Error;
use rustls_aws_lc_rs::SUPPORTED_SIG_ALGS;

use super::ask::ask;
use super::fault;
use super::question::{Reply, Request};
use super::store::{FOR_PSS_ALONE, is_for_pss_alone};
use super::wanted::SignatureWanted;
use crate::failure::Failure;
use crate::parse::der::{Elements, SEQUENCE};
use crate::status::{TLS_REASON_CERTIFICATE_UNUSABLE, TLS_REASON_KEY_UNUSABLE};

/// Stands in for the key of a certificate.
#[derive(Debug)]
pub(super) struct ExternalKey {
    certificate: CertificateDer<'static>,
    public_key: SubjectPublicKeyInfoDer<'static>,
    /// What the key can sign with, best first.
    schemes: Vec<Scheme>,
}

#[derive(Debug, Clone, Copy)]
struct Scheme {
    scheme: SignatureScheme,
    algorithm: &'static dyn SignatureVerificationAlgorithm,
}

impl ExternalKey {
    pub(super) fn of(certificate: &CertificateDer<'static>) -> Result<Self, Failure> {
        let public_key = webpki::EndEntityCert::try_from(certificate)
            .map_err(|error| {
                Failure::config(
                    TLS_REASON_CERTIFICATE_UNUSABLE,
                    format!("the configured certificate cannot be used: {}", fault::of_parsing(&error)),
                )
            })?
            .subject_public_key_info();
        // Of the algorithms of a scheme the first is the one that TLS 1.3 means.
        let schemes: Vec<_> = SUPPORTED_SIG_ALGS
            .mapping()
            .iter()
            .filter_map(|&(scheme, algorithms)| Some(Scheme { scheme, algorithm: *algorithms.first()? }))
            .filter(|entry| is_for(&public_key, entry.algorithm))
            .collect();
        if is_for_pss_alone(public_key.as_ref()) {
            return Err(Failure::config(TLS_REASON_KEY_UNUSABLE, FOR_PSS_ALONE));
        }
        if schemes.is_empty() {
            return Err(Failure::config(
                TLS_REASON_KEY_UNUSABLE,
                "the certificate's key is not RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521), Ed25519 or ML-DSA",
            ));
        }
        Ok(Self { certificate: certificate.clone(), public_key, schemes })
    }
}

/// Whether the algorithm identifier of `public_key` is that of `algorithm`.
fn is_for(public_key: &SubjectPublicKeyInfoDer<'_>, algorithm: &dyn SignatureVerificationAlgorithm) -> bool {
    let outer = Elements::new(public_key.as_ref()).expect(SEQUENCE);
    let identifier = outer.and_then(|outer| outer.elements().expect(SEQUENCE));
    identifier.is_ok_and(|identifier| identifier.content == algorithm.public_key_alg_id().as_ref())
}

impl SigningKey for ExternalKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let chosen = self.schemes.iter().find(|entry| offered.contains(&entry.scheme))?;
        CHOSEN.set(true);
        Some(Box::new(ExternalSigner { chosen: *chosen, certificate: self.certificate.clone() }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.public_key.as_ref()))
    }
}

/// One signature that the host will make.
#[derive(Debug)]
struct ExternalSigner {
    chosen: Scheme,
    certificate: CertificateDer<'static>,
}

impl Signer for ExternalSigner {
    fn sign(self: Box<Self>, message: &[u8]) -> Result<Vec<u8>, Error> {
        let Self { chosen: Scheme { scheme, algorithm }, certificate } = *self;
        let message = message.to_vec();
        match ask(Request::Sign(SignatureWanted { scheme: scheme.0, algorithm, message, certificate }))? {
            Reply::Signature(signature) => Ok(signature),
            _ => Err(Error::General("the answer is that of another question".into())),
        }
    }

    fn scheme(&self) -> SignatureScheme {
        self.chosen.scheme
    }
}

thread_local! {
    /// A key that is elsewhere was chosen by the run of the engine that is going on.
    static CHOSEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs the engine, and says whether a key that is elsewhere was chosen meanwhile: rustls tells nobody before it
/// signs.
pub(super) fn note_choice<R>(run: impl FnOnce() -> R) -> (R, bool) {
    CHOSEN.set(false);
    let result = run();
    (result, CHOSEN.get())
}
