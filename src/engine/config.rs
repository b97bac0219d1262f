//! From a recipe to the engine's configurations, and from those to sessions.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pki_types::ServerName;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, TicketProducer};
use rustls::enums::ApplicationProtocol;
use rustls::server::{NoClientAuth, NoServerSessionStorage, ServerSessionMemoryCache, StoresServerSessions};
use rustls::time_provider::DefaultTimeProvider;
use rustls::{ClientConfig, ServerConfig};
use rustls_aws_lc_rs::{ALL_KX_GROUPS, ALL_TLS12_CIPHER_SUITES, ALL_TLS13_CIPHER_SUITES, DEFAULT_PROVIDER};

use super::checks::Checks;
use super::client_sessions::{ClientSession, Origin, OwnSessions};
use super::direct::Direct;
use super::explain::explain;
use super::identities::Identities;
use super::key_log::LinesOfThread;
use super::key_watch::watched;
use super::pull::Pull;
use super::session::Session;
use super::signing::Signing;
use super::store::{Credential, TrustStore};
use super::tickets::{self, KeySet, SessionIds, Tickets};
use super::verifier::{ClientRules, ServerRules};
use crate::failure::Failure;
use crate::limits::DEFAULT_SESSIONS;
use crate::status::{
    TLS_ERR_STATE, TLS_REASON_NO_IDENTITY, TLS_REASON_NO_TRUST, TLS_REASON_SUITE_UNSUPPORTED,
    TLS_REASON_VERSION_UNSUPPORTED,
};

/// Whose decision it is whether a peer's identity is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verify {
    #[default]
    Peer,
    /// As [`Self::Peer`], but a server may have any name.
    AnyName,
    Ask,
    DangerousNone,
}

impl Verify {
    /// Whether the context's rules decide, and need somebody to trust.
    fn is_by_rules(self) -> bool {
        matches!(self, Self::Peer | Self::AnyName)
    }
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
    /// In order of preference.
    pub credentials: Vec<Credential>,
    pub trust: TrustStore,
    /// Protocol names in order of preference.
    pub alpn: Vec<Vec<u8>>,
    pub tls12: bool,
    pub tls13: bool,
    /// What may be negotiated, in order of preference (IANA numbers); empty for the default.
    pub suites: Vec<u16>,
    pub groups: Vec<u16>,
    pub client_auth: ClientAuth,
    pub verify: Verify,
    pub checks: Checks,
    /// The most sessions that a context remembers; None for the default.
    pub sessions: Option<usize>,
    /// The most bytes of early data that a server takes of a connection; clients send some if it is not 0.
    pub early_data: u32,
    /// Whether secrets are collected by [`super::log_keys`].
    pub key_log: bool,
    /// Whether changes of traffic keys can be seen by [`super::watch_keys`].
    pub key_watch: bool,
}

/// Room for all that an outbound handshake flight holds besides certificates and names: hellos with
/// post-quantum key shares, signatures, Finished, and the tickets of [`BoundedTicketer`].
const FLIGHT_OVERHEAD: usize = 8 * 1024 + 2 * (BoundedTicketer::MOST + 64);

impl Recipe {
    fn sessions(&self) -> usize {
        self.sessions.unwrap_or(DEFAULT_SESSIONS)
    }

    fn provider(&self) -> Result<Arc<CryptoProvider>, Failure> {
        let mut provider = DEFAULT_PROVIDER;
        if self.key_watch {
            watched(&mut provider);
        }
        if !self.suites.is_empty() {
            provider.tls12_cipher_suites =
                selected(&self.suites, &provider.tls12_cipher_suites, |suite| suite.common.suite.0);
            provider.tls13_cipher_suites =
                selected(&self.suites, &provider.tls13_cipher_suites, |suite| suite.common.suite.0);
        }
        if !self.tls12 {
            provider.tls12_cipher_suites = Cow::Borrowed(&[]);
        }
        if !self.tls13 {
            provider.tls13_cipher_suites = Cow::Borrowed(&[]);
        }
        if provider.tls12_cipher_suites.is_empty() && provider.tls13_cipher_suites.is_empty() {
            return Err(Failure::config(
                TLS_REASON_SUITE_UNSUPPORTED,
                "none of the configured cipher suites belongs to a configured protocol version",
            ));
        }
        if !self.groups.is_empty() {
            provider.kx_groups = selected(&self.groups, ALL_KX_GROUPS, |group| group.name().0);
        }
        Ok(Arc::new(provider))
    }

    fn protocols(&self) -> Vec<ApplicationProtocol<'static>> {
        self.alpn.iter().map(|name| ApplicationProtocol::from(name.as_slice()).to_owned()).collect()
    }

    fn signs_elsewhere(&self) -> bool {
        self.credentials.iter().any(Credential::is_external)
    }

    fn trusts_nobody(&self) -> bool {
        self.trust.is_empty() && self.checks.raw_keys.is_empty() && self.checks.peers.is_empty()
    }

    /// The engine knows raw public keys in TLS 1.3 only.
    fn check_raw_keys(&self) -> Result<(), Failure> {
        let raw = self.credentials.iter().any(Credential::is_raw);
        if self.tls12 && (raw || !self.checks.raw_keys.is_empty()) {
            return Err(Failure::config(
                TLS_REASON_VERSION_UNSUPPORTED,
                "raw public keys need TLS 1.3: set it as the least version (tls_builder_versions)",
            ));
        }
        Ok(())
    }

    /// Of the longest chain with what is stapled to it: one is sent.
    fn chain_bytes(&self) -> usize {
        self.credentials.iter().map(Credential::wire_bytes).max().unwrap_or(0)
    }
}

/// The members of `all` with these numbers, in their order.
fn selected<T: Copy>(numbers: &[u16], all: &[T], number: impl Fn(&T) -> u16) -> Cow<'static, [T]> {
    numbers
        .iter()
        .filter_map(|wanted| all.iter().find(|one| number(one) == *wanted).copied())
        .collect::<Vec<_>>()
        .into()
}

/// Whether a cipher suite with this IANA number exists here.
pub(crate) fn has_suite(number: u16) -> bool {
    ALL_TLS13_CIPHER_SUITES.iter().any(|suite| suite.common.suite.0 == number)
        || ALL_TLS12_CIPHER_SUITES.iter().any(|suite| suite.common.suite.0 == number)
}

/// Whether a key exchange group with this IANA number exists here.
pub(crate) fn has_group(number: u16) -> bool {
    ALL_KX_GROUPS.iter().any(|group| group.name().0 == number)
}

/// What client connections are made from.
#[derive(Clone)]
pub(crate) struct ClientSetup {
    pub(super) config: Arc<ClientConfig>,
    /// The same for connections that send no name; made when the first one does not.
    pub(super) nameless: OnceLock<Arc<ClientConfig>>,
    asks: bool,
    signs_elsewhere: bool,
    flight_bound: usize,
    /// The mark of the sessions that are made under this context and kept apart.
    origin: Origin,
}

impl ClientSetup {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, Failure> {
        recipe.check_raw_keys()?;
        if recipe.verify.is_by_rules() && recipe.trusts_nobody() {
            return Err(Failure::config(
                TLS_REASON_NO_TRUST,
                "a client that verifies its peer needs a trust anchor: tls_builder_trust_pem, \
                 tls_builder_trust_file or tls_builder_trust_system",
            ));
        }
        let provider = recipe.provider()?;
        let rules = ServerRules::new(&recipe.trust, recipe.verify, &recipe.checks, &provider)?;
        let builder =
            ClientConfig::builder(provider).dangerous().with_custom_certificate_verifier(Arc::new(rules));
        let mut config = match recipe.credentials.as_slice() {
            [] => builder.with_no_client_auth(),
            credentials => builder.with_client_credential_resolver(Arc::new(Identities::load(credentials)?)),
        }
        .map_err(|error| explain(&error))?;
        config.alpn_protocols = recipe.protocols();
        if recipe.key_log {
            config.key_log = Arc::new(LinesOfThread);
        }
        config.enable_early_data = recipe.early_data > 0;
        config.resumption = match recipe.sessions() {
            0 => Resumption::disabled(),
            most => Resumption::in_memory_sessions(most),
        };
        Ok(Self {
            config: Arc::new(config),
            nameless: OnceLock::new(),
            asks: recipe.verify == Verify::Ask,
            signs_elsewhere: recipe.signs_elsewhere(),
            flight_bound: recipe.chain_bytes() + FLIGHT_OVERHEAD,
            origin: Origin::default(),
        })
    }

    /// The most wire bytes that one flight of this side takes.
    pub(crate) fn flight_bound(&self) -> usize {
        self.flight_bound
    }

    /// The configuration; with a store of its own for a connection whose sessions are kept apart.
    fn config_with(&self, own: Option<&Arc<OwnSessions>>) -> Arc<ClientConfig> {
        let Some(own) = own else { return self.config.clone() };
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::store(own.clone());
        Arc::new(config)
    }

    /// A store for one connection to `name`, which resumes `session`.
    pub(crate) fn own_sessions(
        &self,
        name: &ServerName<'static>,
        session: Option<&mut ClientSession>,
    ) -> Result<Arc<OwnSessions>, Failure> {
        OwnSessions::new(&self.origin, name, session).map(Arc::new)
    }

    /// Starts a handshake; the ClientHello is appended to `out`.
    pub(crate) fn open(
        &self,
        name: ServerName<'static>,
        own: Option<&Arc<OwnSessions>>,
        out: &mut Vec<u8>,
    ) -> Result<Box<dyn Session>, Failure> {
        let builder = self.config_with(own).connect(name);
        let mut session: Box<dyn Session> = if self.asks {
            Box::new(Pull::client(builder, out)?)
        } else {
            Box::new(Direct::client(builder, out)?)
        };
        if self.signs_elsewhere {
            Signing::wrap(&mut session);
        }
        Ok(session)
    }
}

/// What server connections are made from.
#[derive(Clone)]
pub(crate) struct ServerSetup {
    config: Arc<ServerConfig>,
    /// The same for the form that can take early data, if the context does: the other would lose it.
    early: Option<Arc<ServerConfig>>,
    tickets: Arc<Tickets>,
    asks: bool,
    signs_elsewhere: bool,
    flight_bound: usize,
}

impl ServerSetup {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, Failure> {
        if recipe.credentials.is_empty() {
            return Err(Failure::config(
                TLS_REASON_NO_IDENTITY,
                "a server needs a certificate and its key: tls_builder_identity_pem or tls_builder_identity_file",
            ));
        }
        let asks_client = recipe.client_auth != ClientAuth::None;
        recipe.check_raw_keys()?;
        if asks_client && recipe.verify.is_by_rules() && recipe.trusts_nobody() {
            return Err(Failure::config(
                TLS_REASON_NO_TRUST,
                "a server that verifies client certificates needs a trust anchor: tls_builder_trust_pem, \
                 tls_builder_trust_file or tls_builder_trust_system",
            ));
        }
        let provider = recipe.provider()?;
        let ticketer = provider.ticketer_factory.ticketer().map_err(|error| explain(&error))?;
        let builder = ServerConfig::builder(provider.clone());
        let builder = if asks_client {
            builder.with_client_cert_verifier(Arc::new(ClientRules::new(
                &recipe.trust,
                recipe.verify,
                recipe.client_auth == ClientAuth::Required,
                &recipe.checks,
                &provider,
            )?))
        } else {
            builder.with_client_cert_verifier(Arc::new(NoClientAuth))
        };
        let identities = Arc::new(Identities::load(&recipe.credentials)?);
        let mut config =
            builder.with_server_credential_resolver(identities).map_err(|error| explain(&error))?;
        config.alpn_protocols = recipe.protocols();
        if recipe.key_log {
            config.key_log = Arc::new(LinesOfThread);
        }
        let tickets = Arc::new(Tickets::new(ticketer, tickets::rules(recipe), Arc::new(DefaultTimeProvider)));
        let store: Arc<dyn StoresServerSessions> = match recipe.sessions() {
            0 => Arc::new(NoServerSessionStorage {}),
            most => ServerSessionMemoryCache::new(most),
        };
        config.session_storage = Arc::new(SessionIds { store, tickets: tickets.clone() });
        // The engine takes early data only with sessions that are kept here and used once.
        if recipe.early_data == 0 {
            config.ticketer = Some(Arc::new(BoundedTicketer(tickets.clone())));
        }
        let early = (recipe.early_data > 0).then(|| {
            let mut early = config.clone();
            early.max_early_data_size = recipe.early_data;
            Arc::new(early)
        });
        let hints = if asks_client { recipe.trust.hint_bytes() } else { 0 };
        Ok(Self {
            config: Arc::new(config),
            early,
            tickets,
            asks: asks_client && recipe.verify == Verify::Ask,
            signs_elsewhere: recipe.signs_elsewhere(),
            flight_bound: recipe.chain_bytes() + hints + FLIGHT_OVERHEAD,
        })
    }

    /// The most wire bytes that one flight of this side takes.
    pub(crate) fn flight_bound(&self) -> usize {
        self.flight_bound
    }

    /// Takes these keys for the tickets from now on; None for keys of the context's own.
    pub(crate) fn ticket_keys(&self, keys: Option<KeySet>) -> Result<(), Failure> {
        if self.early.is_some() {
            return Err(Failure::new(
                TLS_ERR_STATE,
                0,
                "a context that takes early data keeps its sessions itself, and has no tickets",
            ));
        }
        self.tickets.swap(keys);
        Ok(())
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Whether the question about an identity can open.
    pub(super) fn asks_verify(&self) -> bool {
        self.asks
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Session>, Failure> {
        let mut session: Box<dyn Session> = if self.asks {
            Box::new(Pull::server_with(self.config()))
        } else {
            Box::new(Direct::server(self.early.clone().unwrap_or_else(|| self.config()))?)
        };
        self.prepare(&mut session);
        Ok(session)
    }

    /// Brings a session that is about to be given this setup as its context into a form that can do all
    /// that it may have to.
    pub(crate) fn prepare(&self, session: &mut Box<dyn Session>) {
        if self.signs_elsewhere {
            Signing::wrap(session);
        }
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
