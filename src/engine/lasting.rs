//! Sessions do not outlive the certificates that they stand for: what is offered later is a full handshake.

use std::sync::Arc;

use pki_types::{CertificateDer, UnixTime};
use rustls::client::{ClientSessionKey, ClientSessionStore, Tls12Session, Tls13Session};
use rustls::crypto::kx::NamedGroup;
use rustls::time_provider::TimeProvider;
use zeroize::Zeroizing;

use super::chain::Chain;
use super::clock::HostClock;
use super::known::Usage;
use super::stored::{made_at, of_client_tls12, of_client_tls13, of_server};
use crate::coroutine::on_host_stack;
use crate::parse::x509::{Certificate, Validity};

/// The sessions of a client, in whatever store.
#[derive(Debug)]
struct Lasting {
    store: Arc<dyn ClientSessionStore>,
    chain: Arc<Chain>,
    clock: Arc<HostClock>,
}

pub(super) fn lasting(
    store: Arc<dyn ClientSessionStore>,
    chain: Arc<Chain>,
    clock: Arc<HostClock>,
) -> Arc<dyn ClientSessionStore> {
    Arc::new(Lasting { store, chain, clock })
}

impl Lasting {
    fn holds(&self, certificates: Option<Vec<&[u8]>>) -> bool {
        match (certificates, self.clock.current_time()) {
            (Some(certificates), Some(now)) => {
                on_host_stack(|| self.chain.holds(&certificates, Usage::Server, now))
            }
            _ => false,
        }
    }
}

/// What `encode` writes, which has secrets in it.
fn written(encode: impl FnOnce(&mut Vec<u8>)) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 * 1024));
    encode(&mut bytes);
    bytes
}

impl ClientSessionStore for Lasting {
    fn set_kx_hint(&self, key: ClientSessionKey<'static>, group: NamedGroup) {
        self.store.set_kx_hint(key, group);
    }

    fn kx_hint(&self, key: &ClientSessionKey<'_>) -> Option<NamedGroup> {
        self.store.kx_hint(key)
    }

    fn set_tls12_session(&self, key: ClientSessionKey<'static>, session: Tls12Session) {
        self.store.set_tls12_session(key, session);
    }

    fn tls12_session(&self, key: &ClientSessionKey<'_>) -> Option<Tls12Session> {
        let session = self.store.tls12_session(key)?;
        self.holds(of_client_tls12(&written(|bytes| session.encode(bytes)))).then_some(session)
    }

    fn remove_tls12_session(&self, key: &ClientSessionKey<'static>) {
        self.store.remove_tls12_session(key);
    }

    fn insert_tls13_ticket(&self, key: ClientSessionKey<'static>, session: Tls13Session) {
        self.store.insert_tls13_ticket(key, session);
    }

    fn take_tls13_ticket(&self, key: &ClientSessionKey<'static>) -> Option<Tls13Session> {
        let session = self.store.take_tls13_ticket(key)?;
        self.holds(of_client_tls13(&written(|bytes| session.encode(bytes)))).then_some(session)
    }
}

/// What the sessions of a server stand for.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The rules for clients, if they are asked for certificates.
    pub chain: Option<Arc<Chain>>,
    /// Of the server's own certificates.
    pub own: Vec<Validity>,
}

impl Standing {
    pub(super) fn new<'c>(
        chain: Option<Arc<Chain>>,
        own: impl IntoIterator<Item = &'c CertificateDer<'static>>,
    ) -> Self {
        let own = own.into_iter().filter_map(|certificate| Certificate::read(certificate).ok());
        Self { chain, own: own.map(|read| read.validity).collect() }
    }

    /// The last second at which all certificates of this server count that do so now.
    pub(super) fn own_until(&self, now: u64) -> u64 {
        self.own.iter().map(|validity| validity.until).filter(|&until| until >= now).min().unwrap_or(u64::MAX)
    }

    /// Whether the client's certificates still count, if the session has some.
    pub(super) fn holds(&self, session: &[u8], now: u64) -> bool {
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        match (of_server(session), &self.chain) {
            (None, _) => false,
            (Some(certificates), None) => certificates.is_empty(),
            (Some(certificates), Some(chain)) => {
                on_host_stack(|| chain.holds(&certificates, Usage::Client, now))
            }
        }
    }

    /// The same, and those of this server, of a session that it kept itself.
    pub(super) fn holds_kept(&self, session: &[u8], now: u64) -> bool {
        let own = made_at(session).is_some_and(|made| self.own_until(made) >= now);
        own && self.holds(session, now)
    }
}
