//! libtlsbio: TLS 1.3 and 1.2 that a host drives through memory.
//!
//! The public interface is the C ABI of `include/tlsbio.h`; this crate's Rust side is its
//! implementation. A byte of wire data takes one way through it:
//!
//! ```text
//! ffi  →  connection  →  buffer  →  engine  →  the host's memory, and back
//! ```
//!
//! | room | what it holds |
//! |---|---|
//! | [`ffi`] | the C boundary: handles, checks, panics, and all of the crate's `unsafe` but that of `coroutine` and `uninitialised` |
//! | `connection` | one TLS connection: what each call of the contract means |
//! | `buffer` | inbound and outbound queues, and what they borrow memory from: the thread, the context's pool |
//! | `engine` | the only room that names rustls: handshake, records, verification |
//! | `record` | records: what they take on the wire, how plain bytes are cut into them, what carries them |
//! | `setup` | the recipe of contexts, what a host may set in it, and what connections share |
//! | `parse` | foreign bytes that rustls does not read: ClientHello, DER, certificates, PEM, lists |
//! | `coroutine` | a step of the engine that can stop and ask, on a stack of its own |
//! | `quiet` | panics are contained and say nothing |
//! | `numbers` | what a host is told of limits, and several rooms go by |
//! | `facts` | what is known of a connection and its peer |
//! | [`status`], `failure` | the codes and the explanations behind them |
//! | `uninitialised` | records are opened and sealed into memory that nobody has written to yet |
//! | `copying` | copies of whole records, around a trap of some processors |
//! | `line` | what many threads write, apart from its neighbours in the processor's cache |
//! | `foreign` | texts of others, as they may stand in an explanation |
//!
//! `ARCHITECTURE.md` is the map for people who change something.

#[forbid(unsafe_code)]
mod buffer;
#[forbid(unsafe_code)]
mod connection;
#[forbid(unsafe_code)]
mod copying;
// Its unsafe code switches stacks: the file says why that is sound.
mod coroutine;
#[forbid(unsafe_code)]
mod engine;
#[forbid(unsafe_code)]
mod facts;
#[forbid(unsafe_code)]
mod failure;
pub mod ffi;
#[forbid(unsafe_code)]
mod foreign;
#[forbid(unsafe_code)]
mod line;
#[forbid(unsafe_code)]
mod numbers;
#[forbid(unsafe_code)]
mod parse;
#[forbid(unsafe_code)]
mod quiet;
#[forbid(unsafe_code)]
mod record;
#[forbid(unsafe_code)]
mod setup;
#[forbid(unsafe_code)]
pub mod status;
// Its unsafe code gives the cipher a place that nobody has written to: the file says why that is sound.
mod uninitialised;

/// For the fuzz target `records`.
#[cfg(fuzzing)]
pub use engine::play_records;
