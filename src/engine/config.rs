//! From a recipe to the engine's configurations, and from those to sessions.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use pki_types::ServerName;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, SingleCredential, TicketProducer};
use rustls::enums::ApplicationProtocol;
use rustls::server::{NoClientAuth, ServerCredentialResolver, ServerSessionMemoryCache};
use rustls::{ClientConfig, ServerConfig};
use rustls_aws_lc_rs::DEFAULT_PROVIDER;

use super::direct::Direct;
use super::explain::explain;
use super::key_log::LinesOfThread;
use super::key_watch::watched;
use super::pull::Pull;
use super::session::Session;
use super::store::{Credential, TrustStore};
use super::verifier::{ClientRules, ServerRules};
use crate::failure::Failure;
use crate::status::{TLS_REASON_NO_IDENTITY, TLS_REASON_NO_TRUST};

/// Whose decision it is whether a peer's identity is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verify {
    #[default]
    Peer,
    Ask,
    DangerousNone,
}

/// Whether a server asks its clients for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ClientAuth {
    #[default]
    None,
    Optional,
    Required,
}

/// What a context is made of.
#[derive(Default)]
pub(crate) struct Recipe {
    pub credential: Option<Credential>,
    pub trust: TrustStore,
    /// Protocol names in order of preference.
    pub alpn: Vec<Vec<u8>>,
    pub tls12: bool,
    pub tls13: bool,
    pub client_auth: ClientAuth,
    pub verify: Verify,
    /// Whether secrets are collected by [`super::log_keys`].
    pub key_log: bool,
    /// Whether changes of traffic keys can be seen by [`super::watch_keys`].
    pub key_watch: bool,
}

/// Room for all that an outbound handshake flight holds besides certificates and names: hellos with
/// post-quantum key shares, signatures, Finished, and the tickets of [`BoundedTicketer`].
const FLIGHT_OVERHEAD: usize = 8 * 1024 + 2 * (BoundedTicketer::MOST + 64);

/// Sessions that a client context remembers, over all servers.
const CLIENT_SESSIONS: usize = 256;

/// Sessions that a server context remembers for TLS 1.2 clients that take no tickets.
const SERVER_SESSIONS: usize = 256;

impl Recipe {
    fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = DEFAULT_PROVIDER;
        if self.key_watch {
            watched(&mut provider);
        }
        if !self.tls12 {
            provider.tls12_cipher_suites = Cow::Borrowed(&[]);
        }
        if !self.tls13 {
            provider.tls13_cipher_suites = Cow::Borrowed(&[]);
        }
        Arc::new(provider)
    }

    fn protocols(&self) -> Vec<ApplicationProtocol<'static>> {
        self.alpn.iter().map(|name| ApplicationProtocol::from(name.as_slice()).to_owned()).collect()
    }

    fn chain_bytes(&self) -> usize {
        let chain = self.credential.as_ref().map_or(&[][..], Credential::chain);
        chain.iter().map(|certificate| certificate.len() + 16).sum()
    }
}

/// What client connections are made from.
pub(crate) struct ClientSetup {
    config: Arc<ClientConfig>,
    asks: bool,
    flight_bound: usize,
}

impl ClientSetup {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, Failure> {
        if recipe.verify == Verify::Peer && recipe.trust.is_empty() {
            return Err(Failure::config(
                TLS_REASON_NO_TRUST,
                "a client that verifies its peer needs a trust anchor: tls_builder_trust_pem, \
                 tls_builder_trust_file or tls_builder_trust_system",
            ));
        }
        let provider = recipe.provider();
        let rules = ServerRules::new(&recipe.trust, recipe.verify == Verify::DangerousNone, &provider)?;
        let builder =
            ClientConfig::builder(provider).dangerous().with_custom_certificate_verifier(Arc::new(rules));
        let mut config = match &recipe.credential {
            Some(credential) => {
                builder.with_client_credential_resolver(Arc::new(SingleCredential::from(credential.load()?)))
            }
            None => builder.with_no_client_auth(),
        }
        .map_err(|error| explain(&error))?;
        config.alpn_protocols = recipe.protocols();
        if recipe.key_log {
            config.key_log = Arc::new(LinesOfThread);
        }
        config.resumption = Resumption::in_memory_sessions(CLIENT_SESSIONS);
        Ok(Self {
            config: Arc::new(config),
            asks: recipe.verify == Verify::Ask,
            flight_bound: recipe.chain_bytes() + FLIGHT_OVERHEAD,
        })
    }

    /// The most wire bytes that one flight of this side takes.
    pub(crate) fn flight_bound(&self) -> usize {
        self.flight_bound
    }

    /// Starts a handshake; the ClientHello is appended to `out`.
    pub(crate) fn open(
        &self,
        name: ServerName<'static>,
        out: &mut Vec<u8>,
    ) -> Result<Box<dyn Session>, Failure> {
        let builder = self.config.connect(name);
        Ok(if self.asks {
            Box::new(Pull::client(builder, out)?)
        } else {
            Box::new(Direct::client(builder, out)?)
        })
    }
}

/// What server connections are made from.
pub(crate) struct ServerSetup {
    config: Arc<ServerConfig>,
    asks: bool,
    flight_bound: usize,
}

impl ServerSetup {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, Failure> {
        let Some(credential) = &recipe.credential else {
            return Err(Failure::config(
                TLS_REASON_NO_IDENTITY,
                "a server needs a certificate and its key: tls_builder_identity_pem or tls_builder_identity_file",
            ));
        };
        let asks_client = recipe.client_auth != ClientAuth::None;
        if asks_client && recipe.verify == Verify::Peer && recipe.trust.is_empty() {
            return Err(Failure::config(
                TLS_REASON_NO_TRUST,
                "a server that verifies client certificates needs a trust anchor: tls_builder_trust_pem, \
                 tls_builder_trust_file or tls_builder_trust_system",
            ));
        }
        let provider = recipe.provider();
        let ticketer = provider.ticketer_factory.ticketer().map_err(|error| explain(&error))?;
        let builder = ServerConfig::builder(provider.clone());
        let builder = if asks_client {
            builder.with_client_cert_verifier(Arc::new(ClientRules::new(
                &recipe.trust,
                recipe.verify == Verify::DangerousNone,
                recipe.client_auth == ClientAuth::Required,
                &provider,
            )?))
        } else {
            builder.with_client_cert_verifier(Arc::new(NoClientAuth))
        };
        let resolver: Arc<dyn ServerCredentialResolver> =
            Arc::new(SingleCredential::from(credential.load()?));
        let mut config =
            builder.with_server_credential_resolver(resolver).map_err(|error| explain(&error))?;
        config.alpn_protocols = recipe.protocols();
        if recipe.key_log {
            config.key_log = Arc::new(LinesOfThread);
        }
        config.session_storage = ServerSessionMemoryCache::new(SERVER_SESSIONS);
        config.ticketer = Some(Arc::new(BoundedTicketer(ticketer)));
        let hints = if asks_client { recipe.trust.hint_bytes() } else { 0 };
        Ok(Self {
            config: Arc::new(config),
            asks: asks_client && recipe.verify == Verify::Ask,
            flight_bound: recipe.chain_bytes() + hints + FLIGHT_OVERHEAD,
        })
    }

    /// The most wire bytes that one flight of this side takes.
    pub(crate) fn flight_bound(&self) -> usize {
        self.flight_bound
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Whether the question about an identity can open.
    pub(super) fn asks_verify(&self) -> bool {
        self.asks
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Session>, Failure> {
        Ok(if self.asks {
            Box::new(Pull::server_with(self.config()))
        } else {
            Box::new(Direct::server(self.config())?)
        })
    }

    /// A server that asks for its context.
    pub(crate) fn open_asking() -> Box<dyn Session> {
        Box::new(Pull::server())
    }
}

/// Tickets of bounded size: one that would carry a very long client chain is not issued, so that a
/// peer cannot make a flight grow beyond the outbound limit.
#[derive(Debug)]
struct BoundedTicketer(Arc<dyn TicketProducer>);

impl BoundedTicketer {
    const MOST: usize = 4 * 1024;
    const SEALING: usize = 128;
}

impl TicketProducer for BoundedTicketer {
    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        (plain.len() + Self::SEALING <= Self::MOST).then(|| self.0.encrypt(plain)).flatten()
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt(cipher)
    }

    fn lifetime(&self) -> Duration {
        self.0.lifetime()
    }
}
