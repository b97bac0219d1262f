//! Sessions of connections that offer ECH (RFC 9849), kept apart from those of the others.
//!
//! Both kinds of connections name the same server to the engine, and would find each other's sessions. A session from
//! a connection without ECH was given in the clear in TLS 1.2, and its id stands in the outer hello: it says
//! whom the inner one is for. And one from a connection with ECH, offered without it, tells the server's operator no
//! more than the name beside it, but tells that both connections were made by one client.

use std::sync::Arc;

use rustls::client::{ClientSessionKey, ClientSessionStore, Tls12Session, Tls13Session};
use rustls::crypto::kx::NamedGroup;

/// A view of a store, in which no other connection's sessions are. They share the store's room.
#[derive(Debug)]
pub(super) struct HiddenSessions(pub Arc<dyn ClientSessionStore>);

/// The place of a session in the store. The first part of a key is a digest of the configuration, so another
/// value of it is that of no configuration.
fn hidden(key: &ClientSessionKey<'_>) -> ClientSessionKey<'static> {
    let mut key = key.to_owned();
    key.config_hash.iter_mut().for_each(|byte| *byte = !*byte);
    key
}

impl ClientSessionStore for HiddenSessions {
    fn set_kx_hint(&self, key: ClientSessionKey<'static>, group: NamedGroup) {
        self.0.set_kx_hint(hidden(&key), group);
    }

    fn kx_hint(&self, key: &ClientSessionKey<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&hidden(key))
    }

    /// ECH is TLS 1.3: there is no such session to be remembered, and none to be offered.
    fn set_tls12_session(&self, _: ClientSessionKey<'static>, _: Tls12Session) {}

    fn tls12_session(&self, _: &ClientSessionKey<'_>) -> Option<Tls12Session> {
        None
    }

    fn remove_tls12_session(&self, _: &ClientSessionKey<'static>) {}

    fn insert_tls13_ticket(&self, key: ClientSessionKey<'static>, session: Tls13Session) {
        self.0.insert_tls13_ticket(hidden(&key), session);
    }

    fn take_tls13_ticket(&self, key: &ClientSessionKey<'static>) -> Option<Tls13Session> {
        self.0.take_tls13_ticket(&hidden(key))
    }
}
