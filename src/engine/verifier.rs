//! Whose certificate is accepted: the rules of a context, for both roles.

use std::hash::Hasher;
use std::sync::Arc;

use pki_types::ServerName;
use rustls::client::danger::{
    HandshakeSignatureValid, ServerIdentity, ServerVerifier, SignatureVerificationInput,
};
use rustls::crypto::{SignatureScheme, VerifiedIdentity};
use rustls::enums::CertificateType;
use rustls::error::{Error, PeerMisbehaved};
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
        // What a Certificate message says besides has to be an answer (RFC 8446, 4.4.2), which rustls does not ask of
        // this extension. Its name for what sends the right alert is that of another message.
        if !self.asks && !identity.ocsp_response.is_empty() {
            return Err(PeerMisbehaved::UnsolicitedEncryptedExtension.into());
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pki_types::UnixTime;
    use rustls::crypto::Identity;
    use rustls::error::AlertDescription;

    use super::super::chain_checks::ChainChecks;
    use super::*;

    #[test]
    fn an_ocsp_response_is_taken_from_a_server_that_was_asked_for_it_only() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let own = Identity::RawPublicKey(vec![1; 44].into());
        let name = ServerName::try_from("a.test").unwrap();
        let mut identity = ServerIdentity::new(&own, &name, now);
        identity.ocsp_response = b"response";
        for (verify, expected) in [
            (Verify::Peer, AlertDescription::UnsupportedExtension),
            (Verify::DangerousNone, AlertDescription::UnsupportedExtension),
            // The key is none: the response was no hindrance.
            (Verify::Ask, AlertDescription::DecodeError),
        ] {
            let checks = ChainChecks { raw_keys: vec![vec![1; 44].into()], ..ChainChecks::default() };
            let chain = Chain::new(&TrustStore::default(), verify, &checks).unwrap();
            let rules = ServerRules::new(Arc::new(chain), verify, Vec::new());
            let error = rules.verify_identity(&identity).unwrap_err();
            assert_eq!(AlertDescription::try_from(&error), Ok(expected), "{verify:?}");
        }
    }
}
