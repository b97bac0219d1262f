//! Records (RFC 8446, section 5): what they take on the wire, how plain bytes are cut into them, and what carries them
//! when the handshake is done.

pub(crate) mod awake;
pub(crate) mod cipher;
pub(crate) mod fault;
mod flood;
pub(crate) mod key_schedule;
pub(crate) mod layout;
mod messages;
#[cfg(test)]
#[cfg_attr(feature = "fips", allow(dead_code, reason = "whole connections have the engine's records there"))]
pub(crate) mod nonces;
pub(crate) mod own;
mod own_halves;
pub(crate) mod pieces;
pub(crate) mod protection;
mod receiver;
mod sealing;
pub(crate) mod secrets;
mod sender;
pub(crate) mod sizing;
#[cfg(test)]
mod tests;
pub(crate) mod traffic;

/// Content types (RFC 8446, B.1).
pub(crate) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
    pub(crate) const HEARTBEAT: u8 = 24;
}
