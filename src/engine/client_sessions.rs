//! Sessions of clients that are kept apart: each belongs to the connection that it came from, until the
//! host hands it to another one.
//!
//! rustls keys its store by configuration and server name, which does not tell connections apart. So a
//! connection whose sessions are to be its own gets a store of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pki_types::{DnsName, ServerName};
use rustls::client::{ClientSessionKey, ClientSessionStore, Tls12Session, Tls13Session};
use rustls::crypto::kx::NamedGroup;
use rustls::enums::ProtocolVersion;

use super::kept_sessions::{Mark, Numbers, tls12_numbers, tls13_numbers, without_early_data};
use crate::failure::Failure;
use crate::numbers::MOST_TICKETS;
use crate::status::TLS_ERR_STATE;

/// Sessions that a connection keeps until they are taken; a server can send any number.
const MOST: usize = MOST_TICKETS as usize;

enum Secrets {
    Tls12(Tls12Session),
    /// And the protocols that were offered when it came.
    Tls13(Tls13Session, Mark),
}

/// Which context a session was made under: its rules alone say whether the peer would be accepted.
pub(super) type Origin = Arc<()>;

/// Whose sessions these are.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// The name that the server has proved, if one was asked of it.
    pub verified: Option<ServerName<'static>>,
    /// The name that it was told.
    pub sent: Option<DnsName<'static>>,
    /// Whether it was told under ECH: an observer who saw a session without it knows whose it is.
    pub is_hidden: bool,
}

/// What `tls_session_t` stands for.
pub(crate) struct ClientSession {
    origin: Origin,
    peer: Peer,
    group: Option<NamedGroup>,
    /// A session of TLS 1.3 is used once (RFC 8446, C.4).
    secrets: Option<Secrets>,
}

/// What a session is good for.
pub(crate) struct SessionFacts {
    pub version: u16,
    /// Bytes of early data that the server takes with it.
    pub early_data: u32,
    /// Unix seconds.
    pub expires: u64,
}

impl ClientSession {
    /// None of a session that was used up.
    pub(crate) fn facts(&self) -> Option<SessionFacts> {
        let (version, numbers) = match self.secrets.as_ref()? {
            Secrets::Tls12(session) => (ProtocolVersion::TLSv1_2, tls12_numbers(session)),
            Secrets::Tls13(session, _) => (ProtocolVersion::TLSv1_3, tls13_numbers(session)),
        };
        let Numbers { early_data, expires, .. } = numbers?;
        Some(SessionFacts { version: version.0, early_data, expires })
    }
}

/// The store of one connection.
pub(crate) struct OwnSessions {
    origin: Origin,
    peer: Peer,
    /// What this connection offers.
    protocols: Mark,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The session that this connection is to resume.
    offered: Option<Secrets>,
    group: Option<NamedGroup>,
    /// The sessions that the server gave, oldest first.
    received: VecDeque<Secrets>,
}

impl OwnSessions {
    /// For a connection to `peer` that resumes `session`, if there is one. A session that does not fit is
    /// left as it was.
    pub(super) fn new(
        origin: &Origin,
        peer: Peer,
        protocols: Mark,
        session: Option<&mut ClientSession>,
    ) -> Result<Self, Failure> {
        let mut state = State::default();
        if let Some(session) = session {
            if !Arc::ptr_eq(origin, &session.origin) {
                return Err(Failure::argument(
                    "the session was made under another context, whose rules may have been others",
                ));
            }
            if peer.is_hidden != session.peer.is_hidden {
                return Err(Failure::argument(
                    "of the session's connection and this one, one offers ECH: with the session the other would tell \
                     whom it is for",
                ));
            }
            if peer != session.peer {
                return Err(Failure::argument("the session is one of another server name"));
            }
            state.group = session.group;
            state.offered = match &session.secrets {
                Some(Secrets::Tls12(session)) => Some(Secrets::Tls12(session.clone())),
                Some(Secrets::Tls13(..)) => session.secrets.take().map(|secrets| match secrets {
                    Secrets::Tls13(session, then) if then != protocols => {
                        Secrets::Tls13(without_early_data(session), then)
                    }
                    secrets => secrets,
                }),
                None => return Err(Failure::new(TLS_ERR_STATE, 0, "this TLS 1.3 session was used already")),
            };
        }
        Ok(Self { origin: origin.clone(), peer, protocols, state: Mutex::new(state) })
    }

    /// The newest session that was received and not taken.
    pub(crate) fn take(&self) -> Option<ClientSession> {
        let mut state = self.state();
        let secrets = state.received.pop_back()?;
        Some(ClientSession {
            origin: self.origin.clone(),
            peer: self.peer.clone(),
            group: state.group,
            secrets: Some(secrets),
        })
    }

    fn receive(&self, secrets: Secrets) {
        let mut state = self.state();
        if state.received.len() == MOST {
            state.received.pop_front();
        }
        state.received.push_back(secrets);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for OwnSessions {
    fn set_kx_hint(&self, _: ClientSessionKey<'static>, group: NamedGroup) {
        self.state().group = Some(group);
    }

    fn kx_hint(&self, _: &ClientSessionKey<'_>) -> Option<NamedGroup> {
        self.state().group
    }

    fn set_tls12_session(&self, _: ClientSessionKey<'static>, session: Tls12Session) {
        self.receive(Secrets::Tls12(session));
    }

    fn tls12_session(&self, _: &ClientSessionKey<'_>) -> Option<Tls12Session> {
        match &self.state().offered {
            Some(Secrets::Tls12(session)) => Some(session.clone()),
            _ => None,
        }
    }

    fn remove_tls12_session(&self, _: &ClientSessionKey<'static>) {
        let mut state = self.state();
        state.offered = None;
        state.received.retain(|secrets| !matches!(secrets, Secrets::Tls12(_)));
    }

    fn insert_tls13_ticket(&self, _: ClientSessionKey<'static>, session: Tls13Session) {
        self.receive(Secrets::Tls13(session, self.protocols));
    }

    fn take_tls13_ticket(&self, _: &ClientSessionKey<'static>) -> Option<Tls13Session> {
        let mut state = self.state();
        match state.offered.take() {
            Some(Secrets::Tls13(session, _)) => Some(session),
            other => {
                state.offered = other;
                None
            }
        }
    }
}

impl std::fmt::Debug for OwnSessions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OwnSessions").finish_non_exhaustive()
    }
}
