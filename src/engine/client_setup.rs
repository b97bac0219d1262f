//! From a recipe to what client connections are made from, and from that to handshakes.

use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::client::{ClientSessionStore, Resumption, TicketRequest};
use rustls::crypto::kx::NamedGroup;

use super::asked_identity::AskedIdentity;
use super::asking::Asking;
use super::asking_steps::{AskingSteps, ClientAsks};
use super::chain::Chain;
use super::client_cache::ClientCache;
use super::client_sessions::Origin;
use super::clock::HostClock;
use super::direct::Direct;
use super::ech::with_ech;
use super::explain::explain;
use super::flights::Flights;
use super::handshake::Handshake;
use super::identities::Identities;
use super::kept_sessions::{KeptSessions, mark, most_ticket};
use super::key_log::LinesOfThread;
use super::lasting::lasting;
use super::names::ClientParameters;
use super::pull::Pull;
use super::question::Questions;
use super::recipe::{FLIGHT_OVERHEAD, Recipe, TICKET_AROUND, Verify, protocols, tickets_bound, validated};
use super::schemes::accepted;
use super::verifier::ServerRules;
use crate::facts::EchStatus;
use crate::failure::Failure;
use crate::numbers::{DEFAULT_TICKETS, OUTBOUND_RESERVE};
use crate::parse::alpn::Protocols;
use crate::parse::ech::Ech;
use crate::status::TLS_REASON_NO_TRUST;

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
    flights: Flights,
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
        // For our own records; whether the host is given secrets is the context's to know.
        config.enable_secret_extraction = true;
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
            flights: Flights::new(
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

    /// The most wire bytes that one flight of this side takes, in records of at most `most` plain bytes.
    pub(crate) fn flight_bound(&self, most: usize) -> usize {
        self.flights.bound(most)
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
    pub(crate) fn open(
        &self,
        parameters: ClientParameters,
        out: &mut Vec<u8>,
    ) -> Result<Box<dyn Handshake>, Failure> {
        let ClientParameters { config, names, alpn, ech, .. } = parameters;
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
            let steps = if stops { AskingSteps::client(asks) } else { AskingSteps::records() };
            return Ok(Asking::around(handshake, steps, &self.questions));
        }
        Ok(handshake)
    }
}
