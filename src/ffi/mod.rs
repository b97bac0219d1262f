//! The C boundary.
//!
//! One thin file per section of `include/tlsbio.h`, whose text is the documentation of the functions
//! here. What every export needs stands once: [`boundary`] checks handles and contains panics,
//! [`handle`] says which handles are real, [`fork`] keeps a child from finding a call half done, [`memory`] turns the
//! host's pointers into slices. All of the crate's `unsafe` is in this room, each piece with the reason why it is
//! sound.

// The names of the exports are C's.
#![allow(non_camel_case_types)]

mod allocator;
mod boundary;
mod fork;
mod handle;
mod memory;
mod types;

// In the order of the header's sections, which cbindgen takes from here.
mod errors;
mod builder;
mod context;
mod connection;
mod wire;
mod plain;
mod zero_copy;
mod facts;
mod answers;
mod hello;
mod verification;
mod resting;
mod resumption;
mod exporter;
mod events;
mod control;
mod sending;
mod limits;
mod options;
mod ech;
mod halves;
mod secrets;
mod moving;
mod buffers;
mod constants;

pub(crate) use fork::first_call_of_thread;

pub use answers::*;
pub use buffers::*;
pub use builder::*;
pub use connection::*;
pub use constants::*;
pub use context::*;
pub use control::*;
pub use ech::*;
pub use errors::*;
pub use events::*;
pub use exporter::*;
pub use facts::*;
pub use halves::*;
pub use hello::*;
pub use limits::*;
pub use moving::*;
pub use options::*;
pub use plain::*;
pub use resumption::*;
pub use secrets::*;
pub use sending::*;
pub use types::*;
pub use verification::*;
pub use wire::*;
pub use zero_copy::*;
