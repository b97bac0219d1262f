//! Replays the games of the corpus (fuzz/corpus/sequence), and plays some that nobody planned. A fuzz target plays
//! on where these end: docs/testing.md.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

mod game;
#[path = "../support/mod.rs"]
mod support;

use support::random::setting;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live() -> isize {
    let stats = HEAP.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// Plays twice: what is made once, for ever, is made by the first time, on the thread of all games. Nothing is left by
/// the second, on a thread of its own: what the library keeps with a thread ends with it.
fn play(name: &str, bytes: &[u8]) -> game::Report {
    let played = std::panic::catch_unwind(|| {
        game::play(bytes);
        let before = live();
        let own = std::thread::scope(|scope| scope.spawn(|| game::play(bytes)).join());
        let report = own.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert_eq!(live() - before, 0, "bytes are left on the heap");
        report
    });
    played.unwrap_or_else(|panic| {
        eprintln!("{name}: {bytes:?}");
        std::panic::resume_unwind(panic)
    })
}

/// A small, seeded generator (xorshift64*).
fn random(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    })
}

/// The inputs that the fuzz target found to reach something new, smallest set.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/sequence");
    let mut inputs: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is committed")
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), std::fs::read(&path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

fn games_of_the_corpus_and_new_ones_keep_every_promise() {
    let (first, most) = (setting("SEQUENCE_FIRST", 1), setting("SEQUENCE_GAMES", 300));
    let new = (first..first + most).map(|seed| {
        let length = 40 + (seed % 7) as usize * 50;
        let mut bytes: Vec<u8> = random(seed).take(length).collect();
        // Half of them with what was added later.
        if seed % 2 == 0 {
            bytes.push((seed / 2) as u8);
            bytes.extend_from_slice(game::MARK);
        }
        (format!("seed {seed}"), bytes)
    });
    let corpus = corpus();
    assert!(corpus.len() > 50, "the corpus is not there");
    let (mut games, mut plain, mut whole) = (0, 0, 0);
    let mut answered = 0;
    for (name, bytes) in corpus.into_iter().chain(new) {
        let report = play(&name, &bytes);
        games += 1;
        plain += report.plain;
        whole += usize::from(report.whole);
        answered |= report.answered;
    }
    println!("{games} games, {whole} of them to the end, {plain} plain bytes");
    assert!(whole * 4 > games && plain > games * 1000, "the games were too tame");
    assert_eq!(answered.count_ones(), 5, "some questions were never asked: {answered:#b}");
}

/// Without the test harness (Cargo.toml): the thread that it waits in for a test has memory of its own.
fn main() {
    games_of_the_corpus_and_new_ones_keep_every_promise();
}
