//! Keys that are expanded: whoever looks after them is told.

use std::cell::Cell;

thread_local! {
    /// Whether a key was expanded on this thread since somebody asked.
    static EXPANDED: Cell<bool> = const { Cell::new(false) };
}

/// A key is expanded.
pub(super) fn note() {
    EXPANDED.set(true);
}

/// Whether one was, on this thread, since this was asked the last time.
#[inline]
pub(crate) fn take_noted() -> bool {
    EXPANDED.get() && EXPANDED.replace(false)
}
