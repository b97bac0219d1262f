//! Panics are contained and say nothing: this library does not print.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside a call of the C interface.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`; a panic in it is an `Err`, and is not reported on standard error.
#[inline]
pub(crate) fn catch<R>(body: impl FnOnce() -> R) -> Result<R, ()> {
    INSIDE.set(true);
    // Whatever `body` could leave half done is an object that is poisoned after a panic.
    let result = catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(false);
    result.map_err(drop)
}

/// Lets the hook of a Rust host see only the host's own panics. Called by every function that makes
/// a handle, so before any other call can do anything.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let outer = take_hook();
        set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                outer(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_panic_is_an_error() {
        super::install();
        assert_eq!(super::catch(|| 7), Ok(7));
        assert_eq!(super::catch(|| panic!("not to be seen")), Err::<(), ()>(()));
    }
}
