//! Whether the step that runs resumes a TLS 1.3 session.
//!
//! A server asks nobody for a certificate then (RFC 8446, 4.3.2), and says nothing of the kind of certificate either
//! (RFC 7250, 4.2). rustls says it all the same: it asks the rules whether they want a certificate, and they cannot
//! know. What can be seen is its work: the key schedule begins with the session's secret, or with nothing.

use std::cell::Cell;

use super::seen_hkdf::SeesHkdf;

thread_local! {
    static RESUMING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a step of a handshake. What other connections of this thread did before does not count in it, and what it was
/// does not count for them.
pub(super) fn step<R>(run: impl FnOnce() -> R) -> R {
    /// Also after a panic: the thread goes on with other connections.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            go_on(false);
        }
    }
    go_on(false);
    let _over = Over;
    run()
}

/// A step stops in the middle, for an answer: what it is, to [`go_on`] with.
#[inline(never)] // Not one function with what runs after the answer, perhaps on another thread.
pub(super) fn stop() -> bool {
    RESUMING.take()
}

#[inline(never)] // The same.
pub(super) fn go_on(resuming: bool) {
    RESUMING.set(resuming);
}

pub(super) fn is_resuming() -> bool {
    RESUMING.get()
}

/// Sees what a key schedule begins with.
pub(super) struct Watched;

impl SeesHkdf for Watched {
    fn begins(&self, with_session: bool) {
        RESUMING.set(with_session);
    }
}
