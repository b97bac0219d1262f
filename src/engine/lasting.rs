//! Sessions do not outlive what the server says, or the certificates that they stand for: what is offered later is a full
//! handshake.

use std::sync::Arc;

use pki_types::{CertificateDer, UnixTime};
use rustls::client::{ClientSessionKey, ClientSessionStore, Tls12Session, Tls13Session};
use rustls::crypto::kx::NamedGroup;
use rustls::time_provider::TimeProvider;
use zeroize::Zeroizing;

use super::chain::Chain;
use super::clock::HostClock;
use super::stored::{Life, OfClient, made_at, main_secret, of_client_tls12, of_client_tls13, of_server};
use super::trusted_peers::Usage;
use crate::coroutine::on_host_stack;
use crate::parse::x509::{Certificate, Validity};

/// How long a session lasts of which nobody says it: one of TLS 1.2 that has an id (RFC 5246, F.1.4), and what a server
/// keeps itself.
pub(super) const DAY: u64 = 24 * 60 * 60;

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
    fn holds(&self, session: Option<OfClient<'_>>, unsaid: u64) -> bool {
        match (session, self.clock.current_time()) {
            (Some(OfClient { certificates, life }), Some(now)) => {
                now.as_secs() < life.end(unsaid)
                    && on_host_stack(|| self.chain.holds(&certificates, Usage::Server, life.made, now))
            }
            _ => false,
        }
    }

    /// The engine writes a session that was resumed down as a new one, of which nobody says how long it lasts. It is not to
    /// end later than before: who resumes it once a day would have it for ever.
    fn keep_end(&self, key: &ClientSessionKey<'_>, session: &mut Tls12Session) {
        let new = written(|bytes| session.encode(bytes));
        let life = |session| of_client_tls12(session).map(|session| session.life);
        let Some(unsaid @ Life { lasts: 0, .. }) = life(&new) else { return };
        let Some(former) = self.store.tls12_session(key) else { return };
        let former = written(|bytes| former.encode(bytes));
        if let Some(first) = life(&former).filter(|_| main_secret(&former) == main_secret(&new)) {
            let later = unsaid.end(DAY).saturating_sub(first.end(DAY)).min(unsaid.made);
            session.rewind_epoch(u32::try_from(later).unwrap_or(u32::MAX));
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

    fn set_tls12_session(&self, key: ClientSessionKey<'static>, mut session: Tls12Session) {
        self.keep_end(&key, &mut session);
        self.store.set_tls12_session(key, session);
    }

    fn tls12_session(&self, key: &ClientSessionKey<'_>) -> Option<Tls12Session> {
        let session = self.store.tls12_session(key)?;
        if self.holds(of_client_tls12(&written(|bytes| session.encode(bytes))), DAY) {
            return Some(session);
        }
        // It would be found again and again, and hide those that are made now.
        self.store.remove_tls12_session(&key.to_owned());
        None
    }

    fn remove_tls12_session(&self, key: &ClientSessionKey<'static>) {
        self.store.remove_tls12_session(key);
    }

    fn insert_tls13_ticket(&self, key: ClientSessionKey<'static>, session: Tls13Session) {
        self.store.insert_tls13_ticket(key, session);
    }

    fn take_tls13_ticket(&self, key: &ClientSessionKey<'static>) -> Option<Tls13Session> {
        // Those that do not hold go: behind them may be one that does.
        loop {
            let session = self.store.take_tls13_ticket(key)?;
            if self.holds(of_client_tls13(&written(|bytes| session.encode(bytes))), 0) {
                return Some(session);
            }
        }
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
        let Some(made) = made_at(session) else { return false };
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        match (of_server(session), &self.chain) {
            (None, _) => false,
            (Some(certificates), None) => certificates.is_empty(),
            (Some(certificates), Some(chain)) => {
                on_host_stack(|| chain.holds(&certificates, Usage::Client, made, now))
            }
        }
    }

    /// The same, and those of this server, of a session that it kept itself, for a day.
    pub(super) fn holds_kept(&self, session: &[u8], now: u64) -> bool {
        let lasts = |made: u64| now < made.saturating_add(DAY) && self.own_until(made) >= now;
        made_at(session).is_some_and(lasts) && self.holds(session, now)
    }
}
