//! What one connection has of its own, and not of its context.

use std::sync::Arc;

use pki_types::{DnsName, ServerName};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::enums::ApplicationProtocol;

use super::client_sessions::{ClientSession, OwnSessions};
use super::config::{ClientSetup, ServerSetup, protocols};
use super::ech::{EchStatus, with_ech};
use crate::alpn::Protocols;
use crate::ech::Ech;
use crate::failure::Failure;

/// What the host wants of one client connection.
pub(crate) struct ClientWish<'a> {
    /// What the server has to prove.
    pub verified: ServerName<'static>,
    pub sent: SentName,
    /// None for the protocols of the context.
    pub alpn: Option<Protocols>,
    /// None for what the context does.
    pub ech: Option<Ech>,
    /// Whether its sessions are kept apart, with the one to resume.
    pub sessions: Option<Option<&'a mut ClientSession>>,
}

/// The name that a client sends.
pub(crate) enum SentName {
    /// The one that is verified, if it can be sent.
    Verified,
    Other(DnsName<'static>),
    None,
}

impl ClientWish<'_> {
    /// A connection like all others of the context.
    pub(crate) fn plain(verified: ServerName<'static>) -> Self {
        Self { verified, sent: SentName::Verified, alpn: None, ech: None, sessions: None }
    }

    /// The name that is sent.
    fn sent(&self) -> Option<DnsName<'static>> {
        match (&self.sent, &self.verified) {
            (SentName::Verified, ServerName::DnsName(name)) | (SentName::Other(name), _) => {
                Some(name.clone())
            }
            _ => None,
        }
    }
}

/// All that a client connection is opened with.
pub(crate) struct Opening {
    pub(super) config: Arc<ClientConfig>,
    pub(super) names: Names,
    pub(super) alpn: Option<Vec<ApplicationProtocol<'static>>>,
    pub(super) ech: EchStatus,
    pub(crate) sent_name: Option<Box<str>>,
    pub(crate) own_sessions: Option<Arc<OwnSessions>>,
}

/// The name that the engine knows (it sends it, and files sessions under it), and the one that the server has to prove.
#[derive(Debug)]
pub(super) struct Names {
    pub engine: ServerName<'static>,
    pub verified: ServerName<'static>,
}

impl Names {
    /// The name to verify where the engine would verify `name`: another one only if the server has rejected
    /// ECH, which the holder of the public name alone may do.
    pub(super) fn to_verify<'a, 'n>(&'a self, name: &'a ServerName<'n>) -> &'a ServerName<'n> {
        if *name == self.engine { &self.verified } else { name }
    }
}

impl ClientSetup {
    pub(crate) fn opening(&self, wish: ClientWish<'_>) -> Result<Opening, Failure> {
        let sent = wish.sent();
        let (mut config, engine) = match wish.sent {
            SentName::Verified => (Arc::clone(&self.config), wish.verified.clone()),
            SentName::Other(_) | SentName::None => self.named(sent.clone(), wish.verified.clone()),
        };
        let ech = match &wish.ech {
            None => self.ech,
            Some(Ech::Off) if self.ech == EchStatus::None => EchStatus::None,
            Some(ech) => {
                config = Arc::new(with_ech(&config, ech)?);
                ech.into()
            }
        };
        // Last, so that no error comes after a session was used up.
        let own_sessions = match wish.sessions {
            None => None,
            Some(session) => {
                let own = OwnSessions::new(&self.origin, (wish.verified.clone(), sent.clone()), session)?;
                let own = Arc::new(own);
                Arc::make_mut(&mut config).resumption = Resumption::store(Arc::clone(&own) as _);
                Some(own)
            }
        };
        Ok(Opening {
            config,
            names: Names { engine, verified: wish.verified },
            alpn: wish.alpn.as_deref().map(protocols),
            ech,
            sent_name: sent.map(|name| name.as_ref().into()),
            own_sessions,
        })
    }
}

impl ServerSetup {
    /// The set-up for one connection with other protocols. Tickets and sessions are those of the context.
    pub(crate) fn with_alpn(&self, alpn: &[Vec<u8>]) -> Self {
        let mut setup = self.clone();
        Arc::make_mut(&mut setup.config).alpn_protocols = protocols(alpn);
        setup
    }
}
