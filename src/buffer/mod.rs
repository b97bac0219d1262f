//! The memory of a connection: where wire bytes wait to be decrypted, and where they wait to be sent.
//!
//! A connection owns no buffer of its own. It borrows one from the pool of its context when bytes
//! arrive and returns it when the last one has left, so an idle connection holds none. Of the unused ones, each thread
//! keeps the last of either direction and size, and the pool the others.

mod held;
mod inbound;
mod outbound;
mod owned;
mod pool;
mod thread_buffers;

pub(crate) use held::Held;
pub(crate) use inbound::Inbound;
pub(crate) use outbound::Outbound;
pub(crate) use owned::{ACCOUNTS, Accounts, DEFAULT_ROOM, Owned, account_of_thread};
pub(crate) use pool::{Pool, capacity_for};
pub(crate) use thread_buffers::forget_other_threads;
