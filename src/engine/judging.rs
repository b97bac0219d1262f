//! Chains that are judged without a connection.

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::crypto::Identity;
use rustls::time_provider::TimeProvider;

use super::chain::{Chain, Peer};
use super::client_setup::ClientSetup;
use super::clock::HostClock;
use super::explain::explain;
use super::server_setup::ServerSetup;
use super::trusted_peers::Usage;
use crate::failure::Failure;

/// A chain, and how it is to be judged.
pub(crate) struct Case<'a> {
    /// The peer's own certificate first.
    pub chain: Vec<CertificateDer<'a>>,
    /// Whose chain it is.
    pub usage: Usage,
    /// That a server has to prove; None if none is asked.
    pub name: Option<ServerName<'a>>,
    /// None for the time of a handshake that is going on now.
    pub time: Option<UnixTime>,
}

impl ClientSetup {
    pub(crate) fn judge(&self, case: Case<'_>) -> Result<(), Failure> {
        judge(case, self.rules.chain(), &self.clock)
    }
}

impl ServerSetup {
    pub(crate) fn judge(&self, case: Case<'_>) -> Result<(), Failure> {
        match &self.chain {
            Some(chain) => judge(case, chain, self.clock()),
            None => Err(Failure::argument("this context has no rules for certificates: it lacks a CRL")),
        }
    }
}

fn judge(case: Case<'_>, chain: &Chain, clock: &HostClock) -> Result<(), Failure> {
    let identity = Identity::from_cert_chain(case.chain)
        .map_err(|_| Failure::argument("the chain is empty: the peer's own certificate is its first"))?;
    let peer = match case.usage {
        Usage::Server => Peer::Server(case.name.as_ref()),
        Usage::Client => Peer::Client,
    };
    match (case.time, clock.current_time()) {
        (Some(time), _) => chain.judge_at(&identity, peer, time),
        (None, Some(now)) => chain.judge(&identity, peer, now),
        (None, None) => return Err(Failure::unexpected("the system gave no time of day")),
    }
    .map_err(|why| explain(&why))
}
