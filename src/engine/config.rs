//! From a recipe to the engine's configurations, and from those to sessions.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pki_types::FipsStatus;
use rustls::client::{ClientSessionStore, Resumption, TicketRequest};
use rustls::crypto::kx::{NamedGroup, SupportedKxGroup};
use rustls::crypto::{CryptoProvider, TicketProducer};
use rustls::enums::ApplicationProtocol;
use rustls::server::{
    InvalidSniPolicy, NoServerSessionStorage, PreferServerOrder, ServerSessionMemoryCache, Tls13Tickets,
};
use rustls::{ClientConfig, ServerConfig};
use rustls_aws_lc_rs::{ALL_KX_GROUPS, DEFAULT_PROVIDER};

use super::anchors::TrustStore;
use super::asked_identity::AskedIdentity;
use super::asked_session::AskedSessions;
use super::asking::Asking;
use super::chain::Chain;
use super::checks::Checks;
use super::client_cache::ClientCache;
use super::client_sessions::Origin;
use super::clock::HostClock;
use super::compression::Compression;
use super::direct::Direct;
use super::ech::with_ech;
use super::explain::explain;
use super::full_records;
use super::gate::{ClientAsks, Gate};
use super::handshake::{Chosen, Handshake};
use super::identities::Identities;
use super::kept_sessions::{KeptSessions, mark, most_ticket};
use super::key_log::LinesOfThread;
use super::key_watch::watched;
use super::lasting::{Standing, lasting};
use super::opening::Opening;
use super::padding::padding;
use super::pull::Pull;
use super::question::Questions;
use super::rules::rules;
use super::schemes::accepted;
use super::store::Credential;
use super::tickets::{KeySet, SessionIds, Tickets};
use super::verifier::{ClientRules, NotAsked, ServerRules};
use crate::facts::EchStatus;
use crate::failure::Failure;
use crate::parse::alpn::Protocols;
use crate::parse::ech::Ech;
use crate::record::layout::MAX_GROWTH;
use crate::setup::limits::{DEFAULT_OPEN_QUESTIONS, DEFAULT_SESSIONS, DEFAULT_TICKETS, OUTBOUND_RESERVE};
use crate::status::{
    TLS_ERR_STATE, TLS_REASON_GROUP_UNSUPPORTED, TLS_REASON_HALF_RTT_IMPOSSIBLE, TLS_REASON_NO_IDENTITY,
    TLS_REASON_NO_TRUST, TLS_REASON_SUITE_UNSUPPORTED, TLS_REASON_VERSION_UNSUPPORTED,
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
    pub alpn: Protocols,
    /// What clients do about ECH.
    pub ech: Ech,
    /// Algorithms for the compression of certificates (IANA numbers), in order of preference.
    pub compression: Vec<u16>,
    pub tls12: bool,
    pub tls13: bool,
    /// What may be negotiated, in order of preference (IANA numbers); empty for the default.
    pub suites: Vec<u16>,
    pub groups: Vec<u16>,
    /// In which a side signs, and lets its peer sign, in order of preference (IANA numbers); empty for the default.
    pub schemes: Vec<u16>,
    /// The group of the key share that a client sends (an IANA number); 0 for the first group.
    pub key_share: u16,
    /// The most plain bytes of a record, those of the handshake included; None for the most that there can be.
    pub most_record: Option<usize>,
    pub client_auth: ClientAuth,
    /// Whether a client's host is asked which identity it shows.
    pub asks_identity: bool,
    /// Whether a server's host is asked for stored sessions.
    pub asks_session: bool,
    pub verify: Verify,
    pub checks: Checks,
    /// The most sessions that a context remembers; None for the default.
    pub sessions: Option<usize>,
    /// The most questions that connections have open in the middle of a step; None for the default.
    pub open_questions: Option<u32>,
    /// How many tickets a TLS 1.3 server sends; None for the default.
    pub tickets: Option<u32>,
    /// How many a client asks for after a full handshake and after a resumed one (RFC 9149); None to ask for
    /// nothing.
    pub ticket_request: Option<[u8; 2]>,
    /// The most bytes of early data that a server takes of a connection; clients send some if it is not 0.
    pub early_data: u32,
    /// Whether secrets are collected by [`super::log_keys`].
    pub key_log: bool,
    /// Whether traffic secrets can be taken out of connections.
    pub secret_extraction: bool,
    /// Whether changes of traffic keys can be seen by [`super::watch_keys`].
    pub key_watch: bool,
    /// Whether records can be padded by [`super::pad`].
    pub padding: bool,
    /// Whether a server may write before the client's Finished.
    pub half_rtt: bool,
    /// Whether a server ends handshakes with clients that ask for a name that is none.
    pub strict_names: bool,
}

/// Room for all that an outbound handshake flight holds besides certificates and names: hellos with
/// post-quantum key shares, signatures, Finished.
const FLIGHT_OVERHEAD: usize = 8 * 1024;

/// The same for the flight that has tickets in it: it ends a handshake, and has no chain and no signature.
const FINISHED_OVERHEAD: usize = 1024;

/// What a message has besides a ticket.
const TICKET_AROUND: usize = 64;

/// Room for tickets: those of [`BoundedTicketer`] that a server sends, and the one that a client offers.
fn tickets_bound(count: usize) -> usize {
    count * (BoundedTicketer::LEAST_BOUND + TICKET_AROUND)
}

impl Recipe {
    fn sessions(&self) -> usize {
        self.sessions.unwrap_or(DEFAULT_SESSIONS)
    }

    fn tickets(&self) -> usize {
        self.tickets.unwrap_or(DEFAULT_TICKETS) as usize
    }

    fn open_questions(&self) -> usize {
        self.open_questions.unwrap_or(DEFAULT_OPEN_QUESTIONS) as usize
    }

    fn provider(&self) -> Result<Arc<CryptoProvider>, Failure> {
        let mut provider = full_records::provider();
        if self.key_watch {
            watched(&mut provider);
        }
        if self.padding {
            padding(&mut provider, self.key_watch);
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
            provider.kx_groups = selected_groups(&self.groups);
        }
        Ok(Arc::new(provider))
    }

    /// What a flight of so many bytes is in records of the size that was set.
    fn in_records(&self, flight: usize) -> usize {
        self.most_record.map_or(flight, |most| flight + flight.div_ceil(most) * MAX_GROWTH)
    }

    /// How much of a flight there is in so many wire bytes.
    fn out_of_records(&self, wire: usize) -> usize {
        self.most_record.map_or(wire, |most| (wire / (most + MAX_GROWTH) * most).saturating_sub(MAX_GROWTH))
    }

    /// The longest of these flights, on the wire. Where records are of the usual size, there is room for them together.
    fn flight_bound(&self, together: usize, apart: [usize; 2]) -> usize {
        let longest = apart.into_iter().max().unwrap_or_default();
        if self.most_record.is_none() { together.max(longest) } else { self.in_records(longest) }
    }

    /// The group of the key share, if one was named.
    fn key_share(&self, provider: &CryptoProvider) -> Result<Option<NamedGroup>, Failure> {
        let group = NamedGroup(self.key_share);
        if self.key_share != 0 && provider.kx_groups.iter().all(|known| known.name() != group) {
            return Err(Failure::config(
                TLS_REASON_GROUP_UNSUPPORTED,
                "the key share is of a group that is not among the configured ones (tls_builder_groups)",
            ));
        }
        Ok((self.key_share != 0).then_some(group))
    }

    fn compression(&self) -> Compression {
        Compression::new(&self.compression, self.credentials.len())
    }

    fn signs_elsewhere(&self) -> bool {
        self.credentials.iter().any(Credential::is_external)
    }

    /// Whether something can be asked in the middle of a step of a client.
    pub(crate) fn client_asks_within_steps(&self) -> bool {
        self.signs_elsewhere() || self.asks_identity
    }

    /// The same of a server.
    pub(crate) fn server_asks_within_steps(&self) -> bool {
        self.signs_elsewhere() || self.asks_session
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

pub(super) fn protocols(names: &[Vec<u8>]) -> Vec<ApplicationProtocol<'static>> {
    names.iter().map(|name| ApplicationProtocol::from(name.as_slice()).to_owned()).collect()
}

fn validated(status: FipsStatus) -> bool {
    matches!(status, FipsStatus::Certified { .. })
}

/// The groups with these numbers, in their order.
pub(super) fn selected_groups(groups: &[u16]) -> Cow<'static, [&'static dyn SupportedKxGroup]> {
    selected(groups, ALL_KX_GROUPS, |group| group.name().0)
}

/// The members of `all` with these numbers, in their order.
fn selected<T: Copy>(numbers: &[u16], all: &[T], number: impl Fn(&T) -> u16) -> Cow<'static, [T]> {
    numbers
        .iter()
        .filter_map(|wanted| all.iter().find(|one| number(one) == *wanted).copied())
        .collect::<Vec<_>>()
        .into()
}

/// Whether a cipher suite with this IANA number exists here. Those that a validated module does not approve of
/// do not exist in a library over one.
pub(crate) fn has_suite(number: u16) -> bool {
    DEFAULT_PROVIDER.tls13_cipher_suites.iter().any(|suite| suite.common.suite.0 == number)
        || DEFAULT_PROVIDER.tls12_cipher_suites.iter().any(|suite| suite.common.suite.0 == number)
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
    /// The same for those that verify none either.
    pub(super) nobodys: OnceLock<Arc<ClientConfig>>,
    pub(super) rules: Arc<ServerRules>,
    /// What its connections offer, if they have no wish of their own.
    pub(super) ech: EchStatus,
    asks: bool,
    /// What it can answer a server with that asks for an identity.
    pub(super) identities: Arc<Identities>,
    has_identity: bool,
    /// Whether the host chooses instead.
    asks_identity: bool,
    /// Whether something can be asked in the middle of a step.
    asks_within_steps: bool,
    questions: Arc<Questions>,
    flight_bound: usize,
    /// The sessions of its connections, if they have any in common.
    pub(super) kept: Option<Arc<KeptSessions>>,
    /// The longest ticket that is kept.
    pub(super) most_ticket: usize,
    /// Of which group a key share is sent to servers of which nothing is known.
    pub(super) share: Option<NamedGroup>,
    /// What its connections offer, if they have no protocols of their own.
    pub(super) protocols: Protocols,
    /// The mark of the sessions that are made under this context and kept apart.
    pub(super) origin: Origin,
    pub(super) clock: Arc<HostClock>,
}

impl ClientSetup {
    /// For connections with this outbound limit.
    pub(crate) fn new(recipe: &Recipe, outbound: usize) -> Result<Self, Failure> {
        recipe.check_raw_keys()?;
        if recipe.verify.is_by_rules() && recipe.trusts_nobody() {
            return Err(Failure::config(
                TLS_REASON_NO_TRUST,
                "a client that verifies its peer needs a trust anchor: tls_builder_trust_pem, \
                 tls_builder_trust_file or tls_builder_trust_system",
            ));
        }
        let provider = recipe.provider()?;
        let clock = Arc::new(HostClock::default());
        let share = recipe.key_share(&provider)?;
        let chain = Arc::new(Chain::new(&recipe.trust, recipe.verify, &recipe.checks)?);
        let rules = Arc::new(ServerRules::new(chain, recipe.verify, accepted(&provider, &recipe.schemes)));
        let builder = ClientConfig::builder_with_details(provider, clock.clone())
            .dangerous()
            .with_custom_certificate_verifier(rules.clone());
        let identities = Arc::new(Identities::load(
            &recipe.credentials,
            &recipe.schemes,
            recipe.client_asks_within_steps(),
        )?);
        let mut config = if recipe.asks_identity {
            builder.with_client_credential_resolver(Arc::new(AskedIdentity))
        } else if recipe.credentials.is_empty() {
            builder.with_no_client_auth()
        } else {
            builder.with_client_credential_resolver(identities.clone())
        }
        .map_err(|error| explain(&error))?;
        config.alpn_protocols = protocols(&recipe.alpn);
        if recipe.key_log {
            config.key_log = Arc::new(LinesOfThread);
        }
        config.enable_early_data = recipe.early_data > 0 && !recipe.asks_identity;
        config.enable_secret_extraction = recipe.secret_extraction;
        config.send_ticket_request = recipe.ticket_request.map(|[new_session_count, resumption_count]| {
            TicketRequest { new_session_count, resumption_count }
        });
        let room = recipe.out_of_records(outbound);
        let most_ticket =
            most_ticket(room.saturating_sub(OUTBOUND_RESERVE + FLIGHT_OVERHEAD + TICKET_AROUND));
        let kept = (recipe.sessions() > 0).then(|| {
            let cache = Arc::new(ClientCache::new(recipe.sessions()));
            let lasting = lasting(cache, rules.chain().clone(), clock.clone());
            let kept = KeptSessions::new(lasting, most_ticket, share);
            Arc::new(if config.enable_early_data { kept.offering(mark(&recipe.alpn)) } else { kept })
        });
        config.resumption = match &kept {
            None if share.is_none() => Resumption::disabled(),
            None => KeptSessions::nothing_but(share),
            Some(kept) => kept.resumption(EchStatus::from(recipe.ech.as_ref()) == EchStatus::Offered),
        };
        recipe.compression().set_client(&mut config);
        if recipe.ech != Ech::Off {
            config = with_ech(&config, &clock, recipe.ech.as_ref())?;
        }
        Ok(Self {
            config: Arc::new(config),
            nameless: OnceLock::new(),
            nobodys: OnceLock::new(),
            rules,
            ech: EchStatus::from(recipe.ech.as_ref()),
            asks: recipe.verify == Verify::Ask,
            identities,
            has_identity: !recipe.credentials.is_empty(),
            asks_identity: recipe.asks_identity,
            asks_within_steps: recipe.client_asks_within_steps(),
            questions: Questions::new(recipe.open_questions()),
            // A second ClientHello has no chain.
            flight_bound: recipe.flight_bound(
                recipe.chain_bytes() + FLIGHT_OVERHEAD + tickets_bound(DEFAULT_TICKETS as usize),
                [recipe.chain_bytes() + FLIGHT_OVERHEAD, FLIGHT_OVERHEAD + most_ticket + TICKET_AROUND],
            ),
            kept,
            most_ticket,
            share,
            protocols: recipe.alpn.clone(),
            origin: Origin::default(),
            clock,
        })
    }

    /// A store whose sessions end with the certificates that they stand for.
    pub(super) fn lasting(&self, store: Arc<dyn ClientSessionStore>) -> Arc<dyn ClientSessionStore> {
        lasting(store, self.rules.chain().clone(), self.clock.clone())
    }

    /// Whether only validated cryptography can be negotiated.
    pub(crate) fn is_fips(&self) -> bool {
        validated(self.config.fips())
    }

    /// The most wire bytes that one flight of this side takes.
    pub(crate) fn flight_bound(&self) -> usize {
        self.flight_bound
    }

    /// The time of all its connections.
    pub(crate) fn clock(&self) -> &HostClock {
        &self.clock
    }

    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// Whether it has something to show to a server that asks for an identity.
    pub(crate) fn has_identity(&self) -> bool {
        self.has_identity
    }

    /// Starts a handshake; the ClientHello is appended to `out`.
    pub(crate) fn open(&self, opening: Opening, out: &mut Vec<u8>) -> Result<Box<dyn Handshake>, Failure> {
        let Opening { config, names, alpn, ech, .. } = opening;
        let mut builder = config.connect(names.engine.clone());
        if let Some(alpn) = alpn {
            builder = builder.with_alpn(alpn);
        }
        // The form that stops at an identity shows where steps begin that may ask; the other one can send early data.
        let stops = self.asks || self.asks_within_steps && !config.enable_early_data;
        let handshake: Box<dyn Handshake> = if stops {
            Box::new(Pull::client(builder, names, ech, out)?)
        } else {
            Box::new(Direct::client(builder, out)?)
        };
        if self.asks_within_steps {
            let asks = ClientAsks { identity: self.asks_identity, verify: self.asks };
            let gate = if stops { Gate::client(asks) } else { Gate::records() };
            return Ok(Asking::around(handshake, gate, &self.questions));
        }
        Ok(handshake)
    }
}

/// What server connections are made from.
#[derive(Clone)]
pub(crate) struct ServerSetup {
    pub(super) config: Arc<ServerConfig>,
    /// The same for the form that can take early data, if the context does: the other would lose it.
    early: Option<Arc<ServerConfig>>,
    tickets: Arc<Tickets>,
    clock: Arc<HostClock>,
    /// The rules for clients; None where they could not be made, and nobody is asked for a certificate.
    pub(super) chain: Option<Arc<Chain>>,
    has_identity: bool,
    asks: bool,
    /// Whether the host is asked for stored sessions.
    asks_session: bool,
    /// Whether something can be asked in the middle of a step.
    asks_within_steps: bool,
    questions: Arc<Questions>,
    flight_bound: usize,
}

impl ServerSetup {
    /// Without an identity only if another setup will go on with its connections.
    pub(crate) fn new(recipe: &Recipe, asks_context: bool, outbound: usize) -> Result<Self, Failure> {
        if recipe.credentials.is_empty() && !asks_context {
            return Err(Failure::config(
                TLS_REASON_NO_IDENTITY,
                "a server needs a certificate and its key: tls_builder_identity_pem or tls_builder_identity_file",
            ));
        }
        let asks_client = recipe.client_auth != ClientAuth::None;
        recipe.check_raw_keys()?;
        if recipe.half_rtt && (asks_client || asks_context || !recipe.tls13) {
            return Err(half_rtt_impossible());
        }
        if asks_client && recipe.verify.is_by_rules() && recipe.trusts_nobody() {
            return Err(Failure::config(
                TLS_REASON_NO_TRUST,
                "a server that verifies client certificates needs a trust anchor: tls_builder_trust_pem, \
                 tls_builder_trust_file or tls_builder_trust_system",
            ));
        }
        let provider = recipe.provider()?;
        let ticketer = provider.ticketer_factory.ticketer().map_err(|error| explain(&error))?;
        let clock = Arc::new(HostClock::default());
        let builder = ServerConfig::builder_with_details(provider.clone(), clock.clone());
        let chain = match Chain::new(&recipe.trust, recipe.verify, &recipe.checks) {
            Ok(chain) => Some(Arc::new(chain)),
            Err(why) if asks_client => return Err(why),
            // Nobody will be judged by them.
            Err(_) => None,
        };
        let builder = if let (true, Some(chain)) = (asks_client, &chain) {
            builder.with_client_cert_verifier(Arc::new(ClientRules::new(
                chain.clone(),
                &recipe.trust,
                recipe.client_auth == ClientAuth::Required,
                accepted(&provider, &recipe.schemes),
            )))
        } else {
            builder.with_client_cert_verifier(Arc::new(NotAsked))
        };
        let identities = Arc::new(Identities::load(
            &recipe.credentials,
            &recipe.schemes,
            recipe.server_asks_within_steps(),
        )?);
        let mut config =
            builder.with_server_credential_resolver(identities).map_err(|error| explain(&error))?;
        config.alpn_protocols = protocols(&recipe.alpn);
        if recipe.key_log {
            config.key_log = Arc::new(LinesOfThread);
        }
        // Who sets an order means it.
        if !recipe.suites.is_empty() {
            config.cipher_suite_selector = &PreferServerOrder;
        }
        if !recipe.groups.is_empty() {
            config.kx_selector = &PreferServerOrder;
        }
        config.send_half_rtt_data = recipe.half_rtt;
        config.invalid_sni_policy =
            if recipe.strict_names { InvalidSniPolicy::RejectAll } else { InvalidSniPolicy::IgnoreAll };
        recipe.compression().set_server(&mut config);
        config.enable_secret_extraction = recipe.secret_extraction;
        let standing = || Standing::new(chain.clone(), recipe.credentials.iter().flat_map(Credential::chain));
        let tickets = Arc::new(Tickets::new(ticketer, rules(recipe), standing(), clock.clone()));
        config.session_storage = match recipe.sessions() {
            _ if recipe.asks_session => {
                let clock = clock.clone();
                Arc::new(AskedSessions { rules: rules(recipe), standing: standing(), clock })
            }
            0 => SessionIds::new(Arc::new(NoServerSessionStorage {}), &tickets),
            most => SessionIds::new(ServerSessionMemoryCache::new(most), &tickets),
        };
        config.send_tls13_tickets = Tls13Tickets { default: recipe.tickets(), max: recipe.tickets() };
        // Tickets are a flight of their own; with a chain of the client in them they take what there is.
        let count = recipe.tickets().max(1);
        let room = recipe.out_of_records(outbound);
        let share = room.saturating_sub(OUTBOUND_RESERVE + FLIGHT_OVERHEAD) / count;
        let most_ticket = match asks_client {
            true => most_ticket(share.saturating_sub(TICKET_AROUND)).max(BoundedTicketer::LEAST_BOUND),
            false => BoundedTicketer::LEAST_BOUND,
        };
        // The engine takes early data only with sessions that are kept, here or by the host, and used once.
        if recipe.early_data == 0 && recipe.tickets() > 0 && !recipe.asks_session {
            config.ticketer = Some(Arc::new(BoundedTicketer { tickets: tickets.clone(), most: most_ticket }));
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
            clock,
            chain,
            has_identity: !recipe.credentials.is_empty(),
            asks: asks_client && recipe.verify == Verify::Ask,
            asks_session: recipe.asks_session,
            asks_within_steps: recipe.server_asks_within_steps(),
            questions: Questions::new(recipe.open_questions()),
            flight_bound: recipe.flight_bound(
                (recipe.chain_bytes() + hints + FLIGHT_OVERHEAD + tickets_bound(count))
                    .max(FLIGHT_OVERHEAD + count * (most_ticket + TICKET_AROUND)),
                [
                    recipe.chain_bytes() + hints + FLIGHT_OVERHEAD,
                    FINISHED_OVERHEAD + count * (most_ticket + TICKET_AROUND),
                ],
            ),
        })
    }

    /// Whether only validated cryptography can be negotiated.
    pub(crate) fn is_fips(&self) -> bool {
        validated(self.config.fips())
    }

    /// The most wire bytes that one flight of this side takes.
    pub(crate) fn flight_bound(&self) -> usize {
        self.flight_bound
    }

    /// The time of all its connections.
    pub(crate) fn clock(&self) -> &HostClock {
        &self.clock
    }

    /// Takes these keys for the tickets from now on; None for keys of the context's own.
    pub(crate) fn ticket_keys(&self, keys: Option<KeySet>) -> Result<(), Failure> {
        let why = if self.asks_session {
            "the host keeps the sessions of a context that asks for them (tls_builder_ask_session): it has no tickets"
        } else if self.early.is_some() {
            "a context that takes early data keeps its sessions itself, and has no tickets"
        } else {
            self.tickets.swap(keys);
            return Ok(());
        };
        Err(Failure::new(TLS_ERR_STATE, 0, why))
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Whether a handshake can be done with it.
    pub(crate) fn has_identity(&self) -> bool {
        self.has_identity
    }

    /// Whether it may write before the client's Finished.
    pub(crate) fn is_half_rtt(&self) -> bool {
        self.config.send_half_rtt_data
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Handshake>, Failure> {
        let handshake: Box<dyn Handshake> = if self.asks {
            Box::new(Pull::server_with(self.config()))
        } else {
            Box::new(Direct::server(self.early.clone().unwrap_or_else(|| self.config()))?)
        };
        Ok(self.prepare(handshake))
    }

    /// Brings a handshake that is about to be given this setup as its context into a form that can do all
    /// that it may have to.
    pub(crate) fn prepare(&self, handshake: Box<dyn Handshake>) -> Box<dyn Handshake> {
        if self.asks_within_steps {
            Asking::around(handshake, Gate::server(), &self.questions)
        } else {
            handshake
        }
    }

    /// What a handshake needs of this context that was chosen for it.
    pub(crate) fn chosen(&self) -> Chosen {
        Chosen { config: self.config(), asks_verify: self.asks }
    }

    /// A server that asks for its context.
    pub(crate) fn open_asking() -> Box<dyn Handshake> {
        Box::new(Pull::server())
    }
}

/// The engine sends nothing before the Finished where a client is asked for a certificate, in TLS 1.2, and in its
/// form that asks.
pub(crate) fn half_rtt_impossible() -> Failure {
    Failure::config(
        TLS_REASON_HALF_RTT_IMPOSSIBLE,
        "data before the client's Finished (tls_builder_half_rtt) needs TLS 1.3, a server that asks for no client \
         certificate, and one whose context is known from the beginning",
    )
}

/// Whether a server with this configuration takes a name that is none for no name.
pub(super) fn hides_names(config: &ServerConfig) -> bool {
    config.invalid_sni_policy == InvalidSniPolicy::IgnoreAll
}

/// Tickets of bounded size: one that would carry a very long client chain is not issued, so that a
/// peer cannot make a flight grow beyond the outbound limit.
#[derive(Debug)]
struct BoundedTicketer {
    tickets: Arc<dyn TicketProducer>,
    most: usize,
}

impl BoundedTicketer {
    /// Whatever the limits are: sessions without a chain, and such with a chain of usual length.
    const LEAST_BOUND: usize = 4 * 1024;
    const SEALING: usize = 128;
}

impl TicketProducer for BoundedTicketer {
    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        (plain.len() + Self::SEALING <= self.most).then(|| self.tickets.encrypt(plain)).flatten()
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.tickets.decrypt(cipher)
    }

    fn lifetime(&self) -> Duration {
        self.tickets.lifetime()
    }
}
