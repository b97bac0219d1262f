//! What the connections of a context share.

use pki_types::CertificateDer;

use super::limits::{HandshakeLimits, Limits};
use super::sent_name::LastName;
use crate::buffer::{Accounts, Pool};
use crate::record::sizing::Sizing;

/// The part that an established connection still needs.
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) accounts: Accounts,
    pub(crate) limits: Limits,
    pub(crate) handshake: HandshakeLimits,
    /// The most wire bytes that one handshake flight of this side takes.
    pub(crate) flight_bound: usize,
    pub(crate) end_point: EndPoint,
    /// The kinds of events that are recorded, as bits.
    pub(crate) events: u32,
    /// Whether traffic secrets can be taken out of connections.
    pub(crate) gives_secrets: bool,
    /// How plain bytes are cut into records, at the beginning of a connection.
    pub(crate) sizing: Sizing,
    pub(crate) last_name: LastName,
}

/// Whose certificate names the server's end of a connection (RFC 5929, 4).
pub(crate) enum EndPoint {
    /// The peer's: this is a client.
    Peer,
    /// This server's own: of each of its identities, in their order; None for a raw public key.
    Own(Vec<Option<CertificateDer<'static>>>),
}
