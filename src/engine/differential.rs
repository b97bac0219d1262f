//! The same stream of records through rustls's receiver and through ours: the same plain bytes, answers, alerts and ends.
//!
//! Two connections are made alike. One stays rustls's, one gets records of ours. What their peers would send is made by
//! the test, under the secrets of each, out of one choice of bytes. `TLSBIO_DIFFERENTIAL=NUMBER` plays as many records as
//! that, where a few are played otherwise; `TLSBIO_DIFFERENTIAL_GAME=NUMBER` plays one game again.
//!
//! Not compared is what ours does better, or not at all: nothing follows our close_notify, an answer to our own KeyUpdate
//! is no flood, and a message that cannot come is not parsed before it is refused.

mod author;
mod game;
mod pairs;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::SystemTime;

use self::game::Game;
pub(crate) use self::pairs::pki;
use self::pairs::{KINDS, Kind};

/// Records that are played if nobody asks for more.
const FEW: u64 = 20_000;

#[test]
fn our_receiver_does_what_rustls_does() {
    if let Ok(seed) = std::env::var("TLSBIO_DIFFERENTIAL_GAME") {
        let seed: u64 = seed.parse().unwrap();
        Game::new(seed, KINDS[(seed % KINDS.len() as u64) as usize]).play();
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
                    let kind: Kind = KINDS[(seed % KINDS.len() as u64) as usize];
                    let records = Game::new(seed, kind).play();
                    played.fetch_add(records, Ordering::Relaxed);
                }
            });
        }
    });
    if asked.is_some() {
        println!("{} records, games {first} to {}", played.into_inner(), next.into_inner());
    }
}
