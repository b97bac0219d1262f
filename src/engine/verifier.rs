//! Whose certificate is accepted: the rules of a context, for both roles.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustls::DistinguishedName;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{
    HandshakeSignatureValid, ServerIdentity, ServerVerifier, SignatureVerificationInput,
};
use rustls::crypto::{
    CryptoProvider, SignatureScheme, VerifiedIdentity, WebPkiSupportedAlgorithms, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::error::{CertificateError, Error};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientIdentity, ClientVerifier};

use super::store::TrustStore;
use crate::failure::Failure;

/// How the chain of an identity is judged. The peer's proof that it has the key is always checked.
#[derive(Debug)]
enum Chain<V: ?Sized> {
    /// By chain, time, usage and (for servers) name.
    Anchored(Arc<V>),
    /// There are no trust anchors: no chain can be right.
    Unanchored,
    /// Any chain is right.
    Anything,
}

/// The rules of a client context.
#[derive(Debug)]
pub(super) struct ServerRules {
    chain: Chain<WebPkiServerVerifier>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerRules {
    pub(super) fn new(
        trust: &TrustStore,
        anything: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        let chain = match (anything, trust.is_empty()) {
            (true, _) => Chain::Anything,
            (false, true) => Chain::Unanchored,
            (false, false) => Chain::Anchored(Arc::new(
                WebPkiServerVerifier::builder(trust.roots(), provider)
                    .build()
                    .map_err(|error| Failure::unexpected(&error.to_string()))?,
            )),
        };
        Ok(Self { chain, algorithms: provider.signature_verification_algorithms })
    }
}

impl ServerVerifier for ServerRules {
    fn verify_identity<'a>(&self, identity: &ServerIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        match &self.chain {
            Chain::Anchored(rules) => rules.verify_identity(identity),
            Chain::Unanchored => Err(CertificateError::UnknownIssuer.into()),
            Chain::Anything => Ok(VerifiedIdentity::assertion(identity.identity.clone())),
        }
    }

    fn verify_tls12_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(input, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(input, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn request_ocsp_response(&self) -> bool {
        false
    }

    fn hash_config(&self, mut hasher: &mut dyn Hasher) {
        match &self.chain {
            Chain::Anchored(rules) => rules.hash_config(hasher),
            Chain::Unanchored => 1u8.hash(&mut hasher),
            Chain::Anything => 2u8.hash(&mut hasher),
        }
    }
}

/// The rules of a server context that asks for client certificates.
#[derive(Debug)]
pub(super) struct ClientRules {
    chain: Chain<WebPkiClientVerifier>,
    algorithms: WebPkiSupportedAlgorithms,
    hints: Arc<[DistinguishedName]>,
    mandatory: bool,
}

impl ClientRules {
    pub(super) fn new(
        trust: &TrustStore,
        anything: bool,
        mandatory: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        let roots = trust.roots();
        let hints = roots.subjects().into();
        let chain = match (anything, trust.is_empty()) {
            (true, _) => Chain::Anything,
            (false, true) => Chain::Unanchored,
            (false, false) => Chain::Anchored(Arc::new(
                WebPkiClientVerifier::builder(roots, provider)
                    .build()
                    .map_err(|error| Failure::unexpected(&error.to_string()))?,
            )),
        };
        Ok(Self { chain, algorithms: provider.signature_verification_algorithms, hints, mandatory })
    }
}

impl ClientVerifier for ClientRules {
    fn verify_identity<'a>(&self, identity: &ClientIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        match &self.chain {
            Chain::Anchored(rules) => rules.verify_identity(identity),
            Chain::Unanchored => Err(CertificateError::UnknownIssuer.into()),
            Chain::Anything => Ok(VerifiedIdentity::assertion(identity.identity.clone())),
        }
    }

    fn verify_tls12_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(input, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(input, &self.algorithms)
    }

    fn root_hint_subjects(&self) -> Arc<[DistinguishedName]> {
        self.hints.clone()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
