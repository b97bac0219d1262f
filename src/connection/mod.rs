//! One TLS connection: what the calls of the contract mean.
//!
//! The engine, the inbound queue and the outbound queue meet in [`state`]. Each file holds one kind of call;
//! all of them move the connection on through [`drive`].

mod answer;
mod chunks;
mod clock;
mod cork;
mod counters;
mod drive;
mod early;
mod events;
mod export;
mod facts;
mod flights;
mod half;
mod halves;
mod handshake_limits;
mod import;
mod in_flight;
mod in_place;
mod keying;
// The engine chooses nonces in a build for validated cryptography.
#[cfg(all(test, not(feature = "fips")))]
mod nonce_game;
mod noting;
mod parts;
mod phase;
mod cold;
mod read;
mod record_sizes;
mod refuse;
mod run;
mod secrets;
mod sessions;
mod state;
mod wire_in;
mod wire_out;
mod word;
mod write;

pub(crate) use counters::Counters;
pub(crate) use events::Event;
pub(crate) use in_place::SpanSink;
pub(crate) use parts::Part;
pub(crate) use read::PlainTarget;
use state::USUAL_FLIGHT;
pub(crate) use state::{Answer, Connection};
