//! What time it is for a context: the system's, unless the host says another one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::line::Line;

/// Certificates, sessions and ticket keys are judged by it.
#[derive(Debug, Default)]
pub(crate) struct HostClock {
    /// Unix seconds; 0 for the system's.
    seconds: Line<AtomicU64>,
}

impl HostClock {
    pub(crate) fn set(&self, seconds: u64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }
}

impl TimeProvider for HostClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(match self.seconds.load(Ordering::Relaxed) {
            0 => UnixTime::now(),
            seconds => UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_time_takes_the_place_of_the_systems_until_it_is_taken_back() {
        let clock = HostClock::default();
        let seconds = |clock: &HostClock| clock.current_time().unwrap().as_secs();
        assert!(seconds(&clock) > 1_600_000_000);
        clock.set(7);
        assert_eq!(seconds(&clock), 7);
        clock.set(0);
        assert!(seconds(&clock) > 1_600_000_000);
    }
}
