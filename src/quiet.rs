//! Panics are contained and say nothing: this library does not print.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::ffi::first_call_of_thread;

thread_local! {
    /// Where this thread is.
    static PLACE: Cell<u8> = const { Cell::new(NEW) };
}

/// It was never inside.
const NEW: u8 = 0;
/// It was inside before.
const OUTSIDE: u8 = 1;
/// It is inside a call of the C interface.
const INSIDE: u8 = 2;

/// Whether this thread is inside a call of the C interface.
pub(crate) fn is_inside() -> bool {
    PLACE.get() == INSIDE
}

/// Runs `body`; a panic in it is an `Err`, and is not reported on standard error.
#[inline]
pub(crate) fn catch<R>(body: impl FnOnce() -> R) -> Result<R, ()> {
    // Its address is asked for once: in a shared library that is a call.
    PLACE.with(|place| {
        let before = place.get();
        let after = if before == OUTSIDE { OUTSIDE } else { after_this(before) };
        place.set(INSIDE);
        // Whatever `body` could leave half done is an object that is poisoned after a panic.
        let result = catch_unwind(AssertUnwindSafe(body));
        place.set(after);
        result.map_err(drop)
    })
}

/// Where this thread is after a call that is its first one, or within another one.
#[cold]
fn after_this(before: u8) -> u8 {
    if before == NEW && first_call_of_thread() { OUTSIDE } else { before }
}

/// Lets the hook of a Rust host see only the host's own panics. Called by every function that makes
/// a handle, so before any other call can do anything.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let outer = take_hook();
        set_hook(Box::new(move |info| {
            if !is_inside() {
                outer(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_call_within_a_call_leaves_the_thread_inside() {
        assert!(!super::is_inside());
        let after = super::catch(|| super::catch(super::is_inside).map(|inner| (inner, super::is_inside())));
        assert_eq!(after, Ok(Ok((true, true))));
        assert!(!super::is_inside());
    }

    #[test]
    fn a_panic_is_an_error() {
        super::install();
        assert_eq!(super::catch(|| 7), Ok(7));
        assert_eq!(super::catch(|| panic!("not to be seen")), Err::<(), ()>(()));
    }
}
