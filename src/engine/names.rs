//! What one client connection is opened with, and the names among that.

use std::sync::Arc;

use pki_types::ServerName;
use rustls::ClientConfig;
use rustls::enums::ApplicationProtocol;

use super::client_sessions::OwnSessions;
use crate::facts::EchStatus;

/// All that a client connection is opened with.
pub(crate) struct ClientParameters {
    pub(super) config: Arc<ClientConfig>,
    pub(super) names: Names,
    pub(super) alpn: Option<Vec<ApplicationProtocol<'static>>>,
    pub(super) ech: EchStatus,
    pub(crate) sent_name: Option<Box<str>>,
    pub(crate) own_sessions: Option<Arc<OwnSessions>>,
}

/// The name that the engine knows (it sends it, and files sessions under it), and the one that the server has to prove,
/// if it has to prove one.
#[derive(Debug)]
pub(super) struct Names {
    pub engine: ServerName<'static>,
    pub verified: Option<ServerName<'static>>,
}

impl Names {
    /// The name to verify where the engine would verify `name`: another one only if the server has rejected
    /// ECH, which the holder of the public name alone may do.
    pub(super) fn to_verify<'a, 'n>(&'a self, name: &'a ServerName<'n>) -> Option<&'a ServerName<'n>> {
        if *name == self.engine { self.verified.as_ref() } else { Some(name) }
    }
}
