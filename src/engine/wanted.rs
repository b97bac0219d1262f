//! What questions in the middle of a step are about: as the engine asks, and as the host is shown it.

use pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use rustls::DistinguishedName;
use rustls::client::CredentialRequest;
use rustls::crypto::SignatureScheme;
use rustls::enums::CertificateType;
#[cfg(test)]
use rustls_aws_lc_rs::SUPPORTED_SIG_ALGS;

/// What a question about a signature is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignRequest<'a> {
    /// SignatureScheme, an IANA number.
    pub scheme: u16,
    /// The bytes to sign, not hashed.
    pub message: &'a [u8],
    /// The certificate whose key is to sign, in DER.
    pub certificate: &'a [u8],
}

/// What a question about an own identity is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdentityRequest<'a> {
    /// An IANA number (RFC 7250).
    pub certificate_type: u8,
    /// SignatureSchemes in the server's order, two bytes each.
    pub schemes: &'a [u8],
    pub wanted: &'a IdentityWanted,
}

/// What a question about a stored session is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookUp<'a> {
    pub key: &'a [u8],
    /// Whether it must not be found again.
    pub once: bool,
}

/// What the engine wants signed.
#[derive(Debug)]
pub(crate) struct SignatureWanted {
    pub(super) scheme: u16,
    pub(super) algorithm: &'static dyn SignatureVerificationAlgorithm,
    pub(super) message: Vec<u8>,
    pub(super) certificate: CertificateDer<'static>,
}

impl SignatureWanted {
    /// Tells a right signature from a wrong one before it is sent: a wrong one, made by a faulty signer, could
    /// betray the key.
    pub(super) fn is_signed_by(&self, signature: &[u8]) -> bool {
        webpki::EndEntityCert::try_from(&self.certificate).is_ok_and(|certificate| {
            certificate.verify_signature(self.algorithm, &self.message, signature).is_ok()
        })
    }

    #[cfg(test)]
    pub(super) fn example() -> Self {
        let (scheme, algorithms) = SUPPORTED_SIG_ALGS.mapping()[0];
        Self {
            scheme: scheme.0,
            algorithm: algorithms[0],
            message: vec![1, 2, 3],
            certificate: CertificateDer::from_slice(&[]),
        }
    }

    pub(super) fn shown(&self) -> SignRequest<'_> {
        SignRequest { scheme: self.scheme, message: &self.message, certificate: &self.certificate }
    }
}

/// What the server asks for.
#[derive(Debug)]
pub(crate) struct IdentityWanted {
    pub(super) certificate_type: CertificateType,
    pub(super) authorities: Vec<DistinguishedName>,
    pub(super) schemes: Vec<SignatureScheme>,
    /// The same as a list of TLS: two bytes each.
    scheme_list: Vec<u8>,
}

impl IdentityWanted {
    pub(super) fn of(request: &CredentialRequest<'_>) -> Self {
        let schemes = request.signature_schemes().to_vec();
        Self {
            certificate_type: request.negotiated_type(),
            authorities: request.root_hint_subjects().to_vec(),
            scheme_list: schemes.iter().flat_map(|scheme| scheme.0.to_be_bytes()).collect(),
            schemes,
        }
    }

    pub(super) fn shown(&self) -> IdentityRequest<'_> {
        IdentityRequest {
            certificate_type: self.certificate_type.0,
            schemes: &self.scheme_list,
            wanted: self,
        }
    }

    /// The name of the authority at `index`, in DER.
    pub(crate) fn authority(&self, index: usize) -> Option<&[u8]> {
        self.authorities.get(index).map(|name| name.as_ref())
    }
}

#[cfg(test)]
impl IdentityWanted {
    pub(super) fn example() -> Self {
        Self {
            certificate_type: CertificateType::X509,
            authorities: Vec::new(),
            schemes: Vec::new(),
            scheme_list: Vec::new(),
        }
    }
}

/// What a session is found by: an id of TLS 1.2, or what stands in the place of a ticket in TLS 1.3. The engine draws
/// both at random, in this length; what is longer or shorter is none of ours, and nobody is asked about it.
pub(super) const SESSION_KEY: usize = 32;

/// A session that the host looks for.
#[derive(Debug)]
pub(crate) struct SessionWanted {
    pub(super) key: [u8; SESSION_KEY],
    pub(super) once: bool,
}

impl SessionWanted {
    pub(super) fn shown(&self) -> LookUp<'_> {
        LookUp { key: &self.key, once: self.once }
    }
}

#[cfg(test)]
impl SessionWanted {
    pub(super) fn example() -> Self {
        Self { key: [1; SESSION_KEY], once: true }
    }
}
