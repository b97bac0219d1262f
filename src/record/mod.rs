//! Records (RFC 8446, section 5): what they take on the wire, how plain bytes are cut into them, and what carries them
//! when the handshake is done.

pub(crate) mod layout;
pub(crate) mod secrets;
pub(crate) mod sizing;
pub(crate) mod traffic;
