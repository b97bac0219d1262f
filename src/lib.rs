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
//! | [`ffi`] | the C boundary: handles, checks, panics, and all of the crate's `unsafe` but `coroutine`'s |
//! | `connection` | one TLS connection: what each call of the contract means |
//! | `buffer` | inbound and outbound queues, and the pool they borrow memory from |
//! | `engine` | the only room that names rustls: handshake, records, verification |
//! | `coroutine` | a step of the engine that can stop and ask, on a stack of its own |
//! | `builder`, `context` | the recipe, and what connections share |
//! | `client_hello` | what a ClientHello says, read from its bytes |
//! | `identity`, `trust` | certificates and keys from PEM, files and the system |
//! | `quiet` | panics are contained and say nothing |
//! | `verification`, `der` | what is added to the rules of a chain, and the encoding it comes in |
//! | `certificate`, `x509` | extensions and names of a certificate, and all else that it consists of |
//! | `signature_hash` | the hash with which a certificate was signed |
//! | `alpn`, `ech` | lists of protocols, and of keys for an encrypted hello |
//! | `limits`, `record`, `sizing` | numbers: what a host may set, what a record costs, how plain bytes are cut |
//! | [`status`], `failure` | the codes and the explanations behind them |
//! | `foreign` | texts of others, as they may stand in an explanation |
//!
//! `ARCHITECTURE.md` is the map for people who change something.

#[forbid(unsafe_code)]
mod alpn;
#[forbid(unsafe_code)]
mod buffer;
#[forbid(unsafe_code)]
mod builder;
#[forbid(unsafe_code)]
mod certificate;
#[forbid(unsafe_code)]
mod client_hello;
#[forbid(unsafe_code)]
mod connection;
#[forbid(unsafe_code)]
mod context;
// Its unsafe code switches stacks: the file says why that is sound.
mod coroutine;
#[forbid(unsafe_code)]
mod der;
#[forbid(unsafe_code)]
mod ech;
#[forbid(unsafe_code)]
mod engine;
#[forbid(unsafe_code)]
mod failure;
pub mod ffi;
#[forbid(unsafe_code)]
mod footprint;
#[forbid(unsafe_code)]
mod foreign;
#[forbid(unsafe_code)]
mod identity;
#[forbid(unsafe_code)]
mod limits;
#[forbid(unsafe_code)]
mod pem;
#[forbid(unsafe_code)]
mod quiet;
#[forbid(unsafe_code)]
mod record;
#[forbid(unsafe_code)]
mod sent_name;
#[forbid(unsafe_code)]
mod signature_hash;
#[forbid(unsafe_code)]
mod sizing;
#[forbid(unsafe_code)]
pub mod status;
#[forbid(unsafe_code)]
mod trust;
#[forbid(unsafe_code)]
mod verification;
#[forbid(unsafe_code)]
mod x509;
