//! Whose certificate is accepted: the rules of a context, for both roles.

use std::hash::Hasher;
use std::sync::Arc;

use rustls::client::danger::{
    HandshakeSignatureValid, ServerIdentity, ServerVerifier, SignatureVerificationInput,
};
use rustls::crypto::{
    CryptoProvider, SignatureScheme, VerifiedIdentity, WebPkiSupportedAlgorithms, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::enums::CertificateType;
use rustls::error::{ApiMisuse, CertificateError, Error};
use rustls::server::danger::{ClientIdentity, ClientVerifier};
use rustls::{DistinguishedName, SignerPublicKey};

use super::chain::{Chain, Peer, check_raw_key};
use super::checks::Checks;
use super::config::Verify;
use super::retold::original;
use super::store::TrustStore;
use crate::coroutine::on_host_stack;
use crate::failure::Failure;

/// The rules of a client context.
#[derive(Debug)]
pub(super) struct ServerRules {
    chain: Chain,
    algorithms: WebPkiSupportedAlgorithms,
    /// The host decides, and may want to see the server's OCSP response.
    asks: bool,
}

impl ServerRules {
    pub(super) fn new(
        trust: &TrustStore,
        verify: Verify,
        checks: &Checks,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        Ok(Self {
            chain: Chain::new(trust, verify, checks)?,
            algorithms: provider.signature_verification_algorithms,
            asks: verify == Verify::Ask,
        })
    }
}

/// Some keys need a deep stack, which a step that may ask has not.
impl ServerVerifier for ServerRules {
    fn verify_identity<'a>(&self, identity: &ServerIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        on_host_stack(|| {
            self.chain.judge(identity.identity, Peer::Server(identity.server_name), identity.now)
        })?;
        Ok(VerifiedIdentity::assertion(identity.identity.clone()))
    }

    fn verify_tls12_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        on_host_stack(|| verify_tls12_signature(input, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let SignerPublicKey::RawPublicKey(key) = input.signer {
            check_raw_key(key)?;
        }
        on_host_stack(|| verify_tls13_signature(input, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
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
    chain: Chain,
    algorithms: WebPkiSupportedAlgorithms,
    hints: Arc<[DistinguishedName]>,
    mandatory: bool,
}

impl ClientRules {
    pub(super) fn new(
        trust: &TrustStore,
        verify: Verify,
        mandatory: bool,
        checks: &Checks,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        Ok(Self {
            chain: Chain::new(trust, verify, checks)?,
            algorithms: provider.signature_verification_algorithms,
            hints: trust.roots().subjects().into(),
            mandatory,
        })
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
        match original(input.message) {
            None => verify_tls12_signature(input, &self.algorithms),
            Some(messages) => verify_over(&messages, input, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let SignerPublicKey::RawPublicKey(key) = input.signer {
            check_raw_key(key)?;
        }
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

    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        self.chain.types()
    }
}

/// What [`verify_tls12_signature`] does, over other bytes than it is given.
fn verify_over(
    messages: &[u8],
    input: &SignatureVerificationInput<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let SignerPublicKey::X509(certificate) = input.signer else {
        return Err(ApiMisuse::InvalidSignerForProtocolVersion.into());
    };
    let certificate =
        webpki::EndEntityCert::try_from(*certificate).map_err(|_| CertificateError::BadEncoding)?;
    let mut possible = algorithms
        .mapping()
        .iter()
        .filter(|(scheme, _)| *scheme == input.signature.scheme)
        .flat_map(|(_, all)| *all);
    possible
        .find(|one| certificate.verify_signature(**one, messages, input.signature.signature()).is_ok())
        .map(|_| HandshakeSignatureValid::assertion())
        .ok_or_else(|| CertificateError::BadSignature.into())
}
