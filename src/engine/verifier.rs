//! Whose certificate is accepted: the rules of a context, for both roles.

use std::hash::Hasher;
use std::sync::Arc;

use pki_types::ServerName;
use rustls::client::danger::{
    HandshakeSignatureValid, ServerIdentity, ServerVerifier, SignatureVerificationInput,
};
use rustls::crypto::{SignatureScheme, VerifiedIdentity};
use rustls::enums::CertificateType;
use rustls::error::Error;
use rustls::server::danger::{ClientIdentity, ClientVerifier};
use rustls::{DistinguishedName, SignerPublicKey};

use super::anchors::TrustStore;
use super::chain::{Chain, Peer, check_raw_key};
use super::proof::{verify_tls12, verify_tls13};
use super::recipe::Verify;
use super::resuming;
use super::retold::original;
use crate::coroutine::on_host_stack;

/// The rules of a client context.
#[derive(Debug)]
pub(super) struct ServerRules {
    chain: Arc<Chain>,
    schemes: Vec<SignatureScheme>,
    /// The host decides, and may want to see the server's OCSP response.
    asks: bool,
}

impl ServerRules {
    pub(super) fn new(chain: Arc<Chain>, verify: Verify, schemes: Vec<SignatureScheme>) -> Self {
        Self { chain, schemes, asks: verify == Verify::Ask }
    }

    /// Whether a server has to prove a name.
    pub(super) fn asks_name(&self) -> bool {
        self.chain.asks_name()
    }

    pub(super) fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Whether a server is right that has to prove this name, if there is one.
    pub(super) fn judge<'a>(
        &self,
        identity: &ServerIdentity<'a, '_>,
        name: Option<&ServerName<'a>>,
    ) -> Result<VerifiedIdentity<'a>, Error> {
        on_host_stack(|| self.chain.judge(identity.identity, Peer::Server(name), identity.now))?;
        Ok(VerifiedIdentity::assertion(identity.identity.clone()))
    }
}

/// Some keys need a deep stack, which a step that may ask has not.
impl ServerVerifier for ServerRules {
    fn verify_identity<'a>(&self, identity: &ServerIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        self.judge(identity, Some(identity.server_name))
    }

    fn verify_tls12_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        on_host_stack(|| verify_tls12(input, input.message, &self.schemes))
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let SignerPublicKey::RawPublicKey(key) = input.signer {
            check_raw_key(key)?;
        }
        on_host_stack(|| verify_tls13(input, &self.schemes))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }

    fn request_ocsp_response(&self) -> bool {
        self.asks
    }

    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        self.chain.types()
    }

    fn hash_config(&self, hasher: &mut dyn Hasher) {
        self.chain.hash_config(hasher);
    }
}

/// The rules of a server context that asks for no client certificates: whatever kind a client could show, it need
/// not.
#[derive(Debug)]
pub(super) struct NotAsked;

impl ClientVerifier for NotAsked {
    fn verify_identity<'a>(&self, _: &ClientIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        Err(Error::Unreachable("nobody is asked for an identity"))
    }

    fn verify_tls12_signature(
        &self,
        _: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::Unreachable("nobody is asked for a signature"))
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_tls12_signature(input)
    }

    fn root_hint_subjects(&self) -> Arc<[DistinguishedName]> {
        Arc::default()
    }

    fn offer_client_auth(&self) -> bool {
        false
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        Vec::new()
    }

    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        &[CertificateType::X509, CertificateType::RawPublicKey]
    }
}

/// The rules of a server context that asks for client certificates.
#[derive(Debug)]
pub(super) struct ClientRules {
    chain: Arc<Chain>,
    schemes: Vec<SignatureScheme>,
    hints: Arc<[DistinguishedName]>,
    mandatory: bool,
}

impl ClientRules {
    pub(super) fn new(
        chain: Arc<Chain>,
        trust: &TrustStore,
        mandatory: bool,
        schemes: Vec<SignatureScheme>,
    ) -> Self {
        Self { chain, schemes, hints: trust.hints(), mandatory }
    }
}

impl ClientVerifier for ClientRules {
    fn verify_identity<'a>(&self, identity: &ClientIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        self.chain.judge(identity.identity, Peer::Client, identity.now)?;
        Ok(VerifiedIdentity::assertion(identity.identity.clone()))
    }

    fn verify_tls12_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        // In TLS 1.2 a client signs the messages themselves.
        let original = original(input.message);
        verify_tls12(input, original.as_deref().unwrap_or(input.message), &self.schemes)
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let SignerPublicKey::RawPublicKey(key) = input.signer {
            check_raw_key(key)?;
        }
        verify_tls13(input, &self.schemes)
    }

    fn root_hint_subjects(&self) -> Arc<[DistinguishedName]> {
        self.hints.clone()
    }

    fn offer_client_auth(&self) -> bool {
        !resuming::is_resuming()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }

    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        self.chain.types()
    }
}
