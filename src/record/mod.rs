//! Records (RFC 8446, section 5): what they take on the wire, and how plain bytes are cut into them.

pub(crate) mod layout;
pub(crate) mod sizing;
