//! Sessions of a connection that are kept apart from those of others.

use super::Connection;
use crate::engine::ClientSession;
use crate::failure::Failure;
use crate::status::TLS_ERR_STATE;

impl Connection {
    /// Takes the newest session out of the connection.
    pub(crate) fn take_session(&mut self) -> Result<ClientSession, Failure> {
        let none = |why: &str| Failure::new(TLS_ERR_STATE, 0, why);
        let Some(own) = self.rare.as_ref().and_then(|rare| rare.own_sessions.as_ref()) else {
            return Err(none(
                "this connection keeps no sessions: it was not made by tls_client_new_resuming, nor with \
                 TLS_CLIENT_OWN_SESSIONS",
            ));
        };
        own.take().ok_or_else(|| none("the connection holds no session that was not taken"))
    }
}
