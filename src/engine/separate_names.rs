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
use rustls::client::Resumption;
use rustls::client::danger::{
    HandshakeSignatureValid, ServerIdentity, ServerVerifier, SignatureVerificationInput,
};
use rustls::crypto::{SignatureScheme, VerifiedIdentity};
use rustls::enums::CertificateType;
use rustls::error::Error;

use super::client_setup::ClientSetup;
use super::names::Names;
use super::verifier::ServerRules;

/// Stands for the server where there is neither a name to send nor one to verify. It is not sent, and no session is
/// filed under it.
fn nobody() -> ServerName<'static> {
    ServerName::IpAddress(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED).into())
}

impl ClientSetup {
    /// The configuration for one connection, and the name that the engine is to be given with it.
    pub(super) fn named(
        &self,
        sent: Option<DnsName<'static>>,
        verified: Option<ServerName<'static>>,
    ) -> (Arc<ClientConfig>, ServerName<'static>) {
        match (sent.map(ServerName::DnsName), verified) {
            (Some(sent), Some(verified)) if sent == verified => (self.config.clone(), verified),
            (Some(sent), verified) => (Arc::new(self.verifying(sent.clone(), verified)), sent),
            (None, Some(verified)) => {
                (self.nameless.get_or_init(|| Arc::new(self.without_name(&self.config))).clone(), verified)
            }
            (None, None) => {
                let config = || Arc::new(self.without_name(&self.verifying(nobody(), None)));
                (self.nobodys.get_or_init(config).clone(), nobody())
            }
        }
    }

    fn without_name(&self, config: &ClientConfig) -> ClientConfig {
        let mut config = ClientConfig::clone(config);
        config.enable_sni = false;
        config
    }

    fn verifying(&self, engine: ServerName<'static>, verified: Option<ServerName<'static>>) -> ClientConfig {
        let mut config = ClientConfig::clone(&self.config);
        if verified.is_none() {
            // Whose sessions these are, no name tells: none is offered to who may be another server.
            config.resumption = Resumption::disabled();
        }
        let names = Names { engine, verified };
        config.dangerous().set_certificate_verifier(Arc::new(Named { rules: self.rules.clone(), names }));
        config
    }
}

/// The rules of a context, for a server of another name than the engine knows, or of none.
#[derive(Debug)]
struct Named {
    rules: Arc<ServerRules>,
    names: Names,
}

impl ServerVerifier for Named {
    fn verify_identity<'a>(&self, identity: &ServerIdentity<'a, '_>) -> Result<VerifiedIdentity<'a>, Error> {
        self.rules.judge(identity, self.names.to_verify(identity.server_name))
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
