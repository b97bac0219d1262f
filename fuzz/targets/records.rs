//! Plays streams of records (src/engine/differential) that coverage finds interesting, through rustls's receiver and ours.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tlsbio::play_records(bytes);
});
