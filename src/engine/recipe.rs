//! What a context is made of, and what follows from that for both roles.

use std::borrow::Cow;
use std::sync::Arc;

use pki_types::FipsStatus;
use rustls::crypto::CryptoProvider;
use rustls::crypto::kx::{NamedGroup, SupportedKxGroup};
use rustls::enums::ApplicationProtocol;
use rustls_aws_lc_rs::{ALL_KX_GROUPS, DEFAULT_PROVIDER};

use super::anchors::TrustStore;
use super::chain_checks::ChainChecks;
use super::compression::Compression;
use super::full_records;
use super::key_watch::watched;
use super::padding::padding;
use super::store::Credential;
use super::tickets::BoundedTicketer;
use crate::failure::Failure;
use crate::numbers::{DEFAULT_OPEN_QUESTIONS, DEFAULT_SESSIONS, DEFAULT_TICKETS};
use crate::parse::alpn::Protocols;
use crate::parse::ech::Ech;
use crate::record::layout::MAX_GROWTH;
use crate::status::{
    TLS_REASON_GROUP_UNSUPPORTED, TLS_REASON_SUITE_UNSUPPORTED, TLS_REASON_VERSION_UNSUPPORTED,
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
    pub(super) fn is_by_rules(self) -> bool {
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
    pub checks: ChainChecks,
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
pub(super) const FLIGHT_OVERHEAD: usize = 8 * 1024;

/// The same for the flight that has tickets in it: it ends a handshake, and has no chain and no signature.
pub(super) const FINISHED_OVERHEAD: usize = 1024;

/// What a message has besides a ticket.
pub(super) const TICKET_AROUND: usize = 64;

/// Room for tickets: those of [`BoundedTicketer`] that a server sends, and the one that a client offers.
pub(super) fn tickets_bound(count: usize) -> usize {
    count * (BoundedTicketer::LEAST_BOUND + TICKET_AROUND)
}

impl Recipe {
    pub(super) fn sessions(&self) -> usize {
        self.sessions.unwrap_or(DEFAULT_SESSIONS)
    }

    pub(super) fn tickets(&self) -> usize {
        self.tickets.unwrap_or(DEFAULT_TICKETS) as usize
    }

    pub(super) fn open_questions(&self) -> usize {
        self.open_questions.unwrap_or(DEFAULT_OPEN_QUESTIONS) as usize
    }

    pub(super) fn provider(&self) -> Result<Arc<CryptoProvider>, Failure> {
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

    /// How much of a flight there is in so many wire bytes.
    pub(super) fn out_of_records(&self, wire: usize) -> usize {
        self.most_record.map_or(wire, |most| (wire / (most + MAX_GROWTH) * most).saturating_sub(MAX_GROWTH))
    }

    /// The group of the key share, if one was named.
    pub(super) fn key_share(&self, provider: &CryptoProvider) -> Result<Option<NamedGroup>, Failure> {
        let group = NamedGroup(self.key_share);
        if self.key_share != 0 && provider.kx_groups.iter().all(|known| known.name() != group) {
            return Err(Failure::config(
                TLS_REASON_GROUP_UNSUPPORTED,
                "the key share is of a group that is not among the configured ones (tls_builder_groups)",
            ));
        }
        Ok((self.key_share != 0).then_some(group))
    }

    pub(super) fn compression(&self) -> Compression {
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

    pub(super) fn trusts_nobody(&self) -> bool {
        self.trust.is_empty() && self.checks.raw_keys.is_empty() && self.checks.peers.is_empty()
    }

    /// The engine knows raw public keys in TLS 1.3 only.
    pub(super) fn check_raw_keys(&self) -> Result<(), Failure> {
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
    pub(super) fn chain_bytes(&self) -> usize {
        self.credentials.iter().map(Credential::wire_bytes).max().unwrap_or(0)
    }
}

pub(super) fn protocols(names: &[Vec<u8>]) -> Vec<ApplicationProtocol<'static>> {
    names.iter().map(|name| ApplicationProtocol::from(name.as_slice()).to_owned()).collect()
}

pub(super) fn validated(status: FipsStatus) -> bool {
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
