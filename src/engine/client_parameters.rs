//! What one connection has of its own, and not of its context.

use std::sync::Arc;

use pki_types::{DnsName, ServerName};
use rustls::client::Resumption;

use super::client_sessions::{ClientSession, OwnSessions, Peer};
use super::client_setup::ClientSetup;
use super::ech::{with_ech, with_groups};
use super::kept_sessions::{KeptSessions, mark};
use super::names::{ClientParameters, Names};
use super::recipe::protocols;
use crate::facts::EchStatus;
use crate::failure::Failure;
use crate::parse::ech::EchRef;

/// What the host wants of one client connection.
pub(crate) struct ClientWish<'a> {
    /// What the server has to prove; None where no name is asked of it.
    pub verified: Option<ServerName<'static>>,
    /// The name that is sent.
    pub sent: Option<DnsName<'static>>,
    /// None for the protocols of the context.
    pub alpn: Option<&'a [Vec<u8>]>,
    /// Key exchange groups (IANA numbers); None for those of the context.
    pub groups: Option<&'a [u16]>,
    /// None for what the context does.
    pub ech: Option<EchRef<'a>>,
    /// Whether its sessions are kept apart, with the one to resume.
    pub sessions: Option<Option<&'a mut ClientSession>>,
}

impl ClientSetup {
    pub(crate) fn parameters(&self, wish: ClientWish<'_>) -> Result<ClientParameters, Failure> {
        let ClientWish { verified, sent, alpn, groups, ech, sessions } = wish;
        if verified.is_none() && self.rules.asks_name() {
            return Err(Failure::argument(
                "the server name is NULL: under TLS_VERIFY_PEER the server has to prove a name (tls_builder_verify)",
            ));
        }
        let (mut config, engine) = self.named(sent.clone(), verified.clone());
        if let Some(groups) = groups {
            if ech.is_none() && self.ech != EchStatus::None {
                return Err(Failure::argument(
                    "groups of one connection go with ECH of that connection: the context's cannot be copied",
                ));
            }
            config = Arc::new(with_groups(&config, &self.clock, groups)?);
        }
        let ech = match ech {
            None => self.ech,
            Some(EchRef::Off) if self.ech == EchStatus::None => EchStatus::None,
            Some(ech) => {
                config = Arc::new(with_ech(&config, &self.clock, ech)?);
                ech.into()
            }
        };
        let offered = mark(alpn.unwrap_or(&self.protocols));
        let is_hidden = ech == EchStatus::Offered;
        // Where no name is asked of the server, no session of the context's is offered.
        if let (Some(kept), Some(_)) = (&self.kept, &verified) {
            let by_protocols = alpn.is_some() && config.enable_early_data;
            // Otherwise the sessions are those of the configuration.
            if by_protocols || is_hidden != (self.ech == EchStatus::Offered) {
                let kept = if by_protocols { kept.offering(offered) } else { KeptSessions::clone(kept) };
                Arc::make_mut(&mut config).resumption = kept.resumption(is_hidden);
            }
        }
        // Last, so that no error comes after a session was used up.
        let own_sessions = match sessions {
            None => None,
            Some(session) => {
                let peer = Peer { verified: verified.clone(), sent: sent.clone(), is_hidden };
                let own = OwnSessions::new(&self.origin, peer, offered, session)?;
                let own = Arc::new(own);
                let kept =
                    KeptSessions::new(self.lasting(Arc::clone(&own) as _), self.most_ticket, self.share);
                Arc::make_mut(&mut config).resumption = Resumption::store(Arc::new(kept));
                Some(own)
            }
        };
        Ok(ClientParameters {
            config,
            names: Names { engine, verified },
            alpn: alpn.map(protocols),
            ech,
            sent_name: sent.map(|name| name.as_ref().into()),
            own_sessions,
        })
    }
}
