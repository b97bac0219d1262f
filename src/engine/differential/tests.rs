//! Games that were kept, and games that nobody planned.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::SystemTime;

use super::game::Game;

/// Records that are played if nobody asks for more.
const FEW: u64 = 20_000;

#[test]
fn our_receiver_does_what_rustls_does() {
    if let Ok(seed) = std::env::var("TLSBIO_DIFFERENTIAL_GAME") {
        Game::from_seed(seed.parse().unwrap()).play();
        return;
    }
    let asked = std::env::var("TLSBIO_DIFFERENTIAL").ok().map(|number| number.parse::<u64>().unwrap());
    let first = match asked {
        // Another start each time.
        Some(_) => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64,
        None => 1,
    };
    let most = asked.unwrap_or(FEW);
    let (played, next) = (AtomicU64::new(0), AtomicU64::new(first));
    let threads = asked.map_or(1, |_| thread::available_parallelism().map_or(1, |count| count.get()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while played.load(Ordering::Relaxed) < most {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    played.fetch_add(Game::from_seed(seed).play(), Ordering::Relaxed);
                }
            });
        }
    });
    if asked.is_some() {
        println!("{} records, games {first} to {}", played.into_inner(), next.into_inner());
    }
}

/// What the fuzz target `records` found to reach something new, smallest set.
#[test]
fn games_of_the_corpus_end_alike() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/records");
    let mut records = 0;
    for file in std::fs::read_dir(folder).expect("the corpus is committed") {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        records += Game::from_bytes(&path.display().to_string(), &bytes).play();
    }
    assert!(records > 1000, "the corpus is not there");
}
