//! The C boundary.
//!
//! One thin file per section of `include/tlsbio.h`, whose text is the documentation of the functions
//! here. What every export needs stands once: [`boundary`] checks handles and contains panics,
//! [`handle`] says which handles are real, [`memory`] turns the host's pointers into slices. All of
//! the crate's `unsafe` is in this room, each piece with the reason why it is sound.

// The names of the exports are C's.
#![allow(non_camel_case_types)]

mod boundary;
mod handle;
mod memory;
mod quiet;
mod types;

mod answers;
mod builder;
mod connection;
mod constants;
mod context;
mod errors;
mod events;
mod exporter;
mod facts;
mod plain;
mod wire;
mod zero_copy;

pub use answers::*;
pub use builder::*;
pub use connection::*;
pub use constants::*;
pub use context::*;
pub use errors::*;
pub use events::*;
pub use exporter::*;
pub use facts::*;
pub use plain::*;
pub use types::*;
pub use wire::*;
pub use zero_copy::*;
