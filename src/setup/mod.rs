//! What a host sets before there is a connection, and what connections of one context share.

pub(crate) mod builder;
pub(crate) mod context;
pub(crate) mod footprint;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod sent_name;
pub(crate) mod shared;
pub(crate) mod trust;
pub(crate) mod verification;
