//! Client connections that send another name than they verify, or none.
//!
//! The engine knows one name of a server: it sends it, verifies it, and files sessions under it. Where two
//! are needed, that one is the name to send, and the name to verify is the verifier's own. As the
//! verifier's settings are part of what sessions are filed under, a session never passes from one
//! name to be verified to another.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pki_types::{DnsName, ServerName};
use rustls::ClientConfig;
use rustls::client::danger::{
    HandshakeSignatureValid, ServerIdentity, ServerVerifier, SignatureVerificationInput,
};
use rustls::crypto::{SignatureScheme, VerifiedIdentity};
use rustls::enums::CertificateType;
use rustls::error::Error;

use super::config::ClientSetup;
use super::opening::Names;

impl ClientSetup {
    /// The configuration for one connection, and the name that the engine is to be given with it.
    pub(super) fn named(
        &self,
        sent: Option<DnsName<'static>>,
        verified: ServerName<'static>,
    ) -> (Arc<ClientConfig>, ServerName<'static>) {
        match sent.map(ServerName::DnsName) {
            Some(sent) if sent == verified => (self.config.clone(), verified),
            Some(sent) => (self.verifying(sent.clone(), verified), sent),
            None => (self.nameless.get_or_init(|| self.without_name()).clone(), verified),
        }
    }

    fn without_name(&self) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.config);
        config.enable_sni = false;
        Arc::new(config)
    }

    fn verifying(&self, engine: ServerName<'static>, verified: ServerName<'static>) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.config);
        let rules = Arc::clone(config.verifier());
        let names = Names { engine, verified };
        config.dangerous().set_certificate_verifier(Arc::new(Named { rules, names }));
        Arc::new(config)
    }
}

/// The rules of a context, for a server of another name than the engine knows.
#[derive(Debug)]
struct Named {
    rules: Arc<dyn ServerVerifier>,
    names: Names,
}

impl ServerVerifier for Named {
    fn verify_identity<'a>(&self, identity: &ServerIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        let name: &ServerName<'a> = self.names.to_verify(identity.server_name);
        let mut renamed = ServerIdentity::new(identity.identity, name, identity.now);
        renamed.ocsp_response = identity.ocsp_response;
        self.rules.verify_identity(&renamed)
    }

    fn verify_tls12_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.rules.verify_tls12_signature(input)
    }

    fn verify_tls13_signature(
        &self,
        input: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.rules.verify_tls13_signature(input)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.rules.supported_verify_schemes()
    }

    fn request_ocsp_response(&self) -> bool {
        self.rules.request_ocsp_response()
    }

    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        self.rules.supported_certificate_types()
    }

    fn hash_config(&self, mut hasher: &mut dyn Hasher) {
        self.rules.hash_config(hasher);
        self.names.verified.hash(&mut hasher);
    }
}
