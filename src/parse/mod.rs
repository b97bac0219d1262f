//! Foreign bytes that rustls does not read for us: in, what they say; or that they say nothing.
//!
//! Nothing here knows a connection, a context or rustls, so all of it can be fuzzed as one.

pub(crate) mod alpn;
pub(crate) mod blob;
pub(crate) mod certificate;
pub(crate) mod client_hello;
pub(crate) mod der;
pub(crate) mod ech;
pub(crate) mod moved;
pub(crate) mod pem;
mod reader;
pub(crate) mod signature_hash;
pub(crate) mod x509;

#[cfg(test)]
pub(crate) mod made;
