//! What a run of the engine does and rustls tells nobody, or tells without saying of which connection. It is
//! seen on the thread on which the engine runs, while it runs.

use super::asked_session::{self, StoredSession};
use super::identities;
use super::key_log::{self, KeyLogLine};
use super::key_watch::{self, KeyUpdates};
use super::last_flight::{self, LastFlight};

/// What is to be seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wants {
    /// The secrets that are derived.
    pub key_log: bool,
    /// Which traffic keys are changed.
    pub key_updates: bool,
    /// Which of its identities this side presents.
    pub identity: bool,
    /// The sessions that it stores: none is made for who does not want them.
    pub sessions: bool,
    /// The keys that it is done with.
    pub last_flight: bool,
}

/// What was seen; nothing of what was not wanted.
#[derive(Debug)]
pub(crate) struct Observed {
    pub key_log: Vec<KeyLogLine>,
    pub key_updates: KeyUpdates,
    /// The number of the identity, from 1; 0 for none, or for one whose number is too large.
    pub identity: u16,
    pub sessions: Vec<StoredSession>,
    pub last_flight: Option<LastFlight>,
}

/// Runs the engine, and says what was seen, if anything is wanted. The one entry to all that is seen so: whatever enters the engine goes
/// through here, and a step on a stack of its own is resumed inside of this.
///
/// Runs do not nest: of two, the inner one would see what the outer one wants.
#[inline]
pub(crate) fn observe<R>(wants: Wants, run: impl FnOnce() -> R) -> (R, Option<Observed>) {
    if wants == Wants::default() {
        return (run(), None);
    }
    let run = || identities::note(wants.identity, run);
    let run = || key_watch::watch(wants.key_updates, run);
    let run = || asked_session::collect(wants.sessions, run);
    let run = || last_flight::keep(wants.last_flight, run);
    let (((((result, identity), key_updates), sessions), last_flight), key_log) =
        key_log::collect(wants.key_log, run);
    (result, Some(Observed { key_log, key_updates, identity, sessions, last_flight }))
}
