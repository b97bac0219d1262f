//! From a recipe to what server connections are made from, and from that to handshakes.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{
    InvalidSniPolicy, NoServerSessionStorage, PreferServerOrder, ServerSessionMemoryCache, Tls13Tickets,
};

use super::asked_session::AskedSessions;
use super::asking::Asking;
use super::asking_steps::AskingSteps;
use super::chain::Chain;
use super::clock::HostClock;
use super::direct::Direct;
use super::explain::explain;
use super::flights::Flights;
use super::handshake::{Chosen, Handshake};
use super::identities::Identities;
use super::kept_sessions::most_ticket;
use super::key_log::LinesOfThread;
use super::lasting::Standing;
use super::pull::Pull;
use super::question::Questions;
use super::recipe::{
    ClientAuth, FINISHED_OVERHEAD, FLIGHT_OVERHEAD, Recipe, TICKET_AROUND, Verify, protocols, tickets_bound,
    validated,
};
use super::rules::rules;
use super::schemes::accepted;
use super::store::Credential;
use super::tickets::{BoundedTicketer, KeySet, SessionIds, Tickets};
use super::verifier::{ClientRules, NotAsked};
use crate::failure::Failure;
use crate::numbers::OUTBOUND_RESERVE;
use crate::status::{
    TLS_ERR_STATE, TLS_REASON_HALF_RTT_IMPOSSIBLE, TLS_REASON_NO_IDENTITY, TLS_REASON_NO_TRUST,
};

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
    flights: Flights,
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
        // For our own records; whether the host is given secrets is the context's to know.
        config.enable_secret_extraction = true;
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
            flights: Flights::new(
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

    /// The most wire bytes that one flight of this side takes, in records of at most `most` plain bytes.
    pub(crate) fn flight_bound(&self, most: usize) -> usize {
        self.flights.bound(most)
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

    /// The set-up for one connection with other protocols. Tickets and sessions are those of the context.
    pub(crate) fn with_alpn(&self, alpn: &[Vec<u8>]) -> Self {
        let mut setup = self.clone();
        Arc::make_mut(&mut setup.config).alpn_protocols = protocols(alpn);
        setup
    }

    fn config(&self) -> Arc<ServerConfig> {
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
            Asking::around(handshake, AskingSteps::server(), &self.questions)
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
