//! The host's clock: how long a handshake takes. The library reads none itself.

use super::{Answer, Connection};
use crate::status::TLS_ERR_ARGUMENT;

/// What the host's clock showed, in nanoseconds, and what was seen then. What happens between two readings
/// happens at the first of them.
#[derive(Debug, Default)]
pub(super) struct Clock {
    start: u64,
    now: u64,
    /// When a message of the peer had been processed.
    heard: Option<u64>,
    /// When the handshake was done.
    done: Option<u64>,
    /// For how long a question was open.
    asking: u64,
}

/// How long a handshake took, in nanoseconds; 0 for what has not happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timings {
    pub heard: u64,
    pub done: u64,
    pub asking: u64,
}

impl Clock {
    /// When the peer was heard and the handshake done, and for how long a question was open.
    pub(super) fn noted(&self) -> (Option<u64>, Option<u64>, u64) {
        (self.heard, self.done, self.asking)
    }

    /// That of a process whose clock has nothing in common with this one's.
    pub(super) fn of_another((heard, done, asking): (Option<u64>, Option<u64>, u64)) -> Self {
        Self { heard, done, asking, ..Self::default() }
    }

    pub(super) fn elapsed(&self) -> u64 {
        self.now - self.start
    }
}

impl Connection {
    /// Takes note of the time; the first one is when the handshake began. Processes what was fed, and fails
    /// if the handshake has had its time.
    pub(crate) fn time(&mut self, now: u64) -> Answer<()> {
        self.check_alive()?;
        if self.clock().is_some_and(|clock| now < clock.now) {
            return Err(TLS_ERR_ARGUMENT);
        }
        self.observe_handshake();
        let asked = self.phase.question().is_some();
        let clock = self.cold.get_or_insert_default().clock.get_or_insert(Clock {
            start: now,
            now,
            ..Clock::default()
        });
        if asked {
            clock.asking += now - clock.now;
        }
        clock.now = now;
        if self.phase.is_handshaking() {
            // What is wrong with it is sticky, a full queue is the next call's business.
            let _ = self.process_fed();
            self.check_alive()?;
        }
        self.check_deadline()
    }

    pub(crate) fn timings(&mut self) -> Timings {
        self.observe_handshake();
        self.clock().map_or_else(Timings::default, |clock| Timings {
            heard: clock.heard.unwrap_or(0),
            done: clock.done.unwrap_or(0),
            asking: clock.asking,
        })
    }

    pub(super) fn clock(&self) -> Option<&Clock> {
        self.cold.as_ref()?.clock.as_ref()
    }

    /// Notes what has happened since the clock was read last.
    pub(super) fn observe_handshake(&mut self) {
        let heard = self.counters.wire_in > self.inbound.len() as u64;
        let done = !self.phase.is_handshaking() && !self.has_failed();
        let Some(clock) = self.cold.as_mut().and_then(|cold| cold.clock.as_mut()) else { return };
        let at = clock.elapsed();
        if heard {
            clock.heard.get_or_insert(at);
        }
        if done {
            clock.done.get_or_insert(at);
        }
    }
}
