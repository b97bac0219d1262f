//! Sessions of a connection that are kept apart from those of others.

use super::phase::Phase;
use super::{Answer, Connection};
use crate::engine::ClientSession;
use crate::failure::Failure;
use crate::numbers::MOST_RESUMPTION_DATA;
use crate::status::{TLS_ERR_ARGUMENT, TLS_ERR_STATE};

impl Connection {
    /// Puts data into the tickets that this server will send.
    pub(crate) fn set_resumption_data(&mut self, data: &[u8]) -> Answer<()> {
        self.check_alive()?;
        if data.len() > MOST_RESUMPTION_DATA {
            return Err(TLS_ERR_ARGUMENT);
        }
        let Phase::Handshake(handshake) = &mut self.phase else { return Err(TLS_ERR_STATE) };
        match handshake.early_traffic().map(|early| early.set_resumption_data(data)) {
            Some(Ok(true)) => Ok(()),
            Some(Ok(false)) | None => Err(TLS_ERR_STATE),
            Some(Err(failure)) => Err(self.fail(failure)),
        }
    }

    /// What was in the ticket by which the client resumed.
    pub(crate) fn resumption_data(&self) -> &[u8] {
        self.phase.facts().resumption_data.unwrap_or_default()
    }

    /// How many tickets a client was given.
    pub(crate) fn tickets(&self) -> u32 {
        self.phase.tickets()
    }

    /// Takes the newest session out of the connection.
    pub(crate) fn take_session(&mut self) -> Result<ClientSession, Failure> {
        let none = |why: &str| Failure::new(TLS_ERR_STATE, 0, why);
        let Some(own) = self.cold.as_ref().and_then(|cold| cold.own_sessions.as_ref()) else {
            return Err(none(
                "this connection keeps no sessions: it was not made by tls_client_new_resuming, nor with \
                 TLS_CLIENT_OWN_SESSIONS",
            ));
        };
        own.take().ok_or_else(|| none("the connection holds no session that was not taken"))
    }
}
