//! Plays games (tests/sequence/game) that coverage finds interesting.

#![no_main]
#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

#[path = "../../tests/sequence/game/mod.rs"]
mod game;
#[path = "../../tests/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    game::play(bytes);
});
