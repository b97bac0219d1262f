//! What a run of the engine says without saying of which connection: it waits on the thread on which the engine
//! runs, until that run is over.

use std::cell::RefCell;
use std::thread::LocalKey;

/// Where it waits; None while no run collects.
pub(super) type Collection<T> = LocalKey<RefCell<Option<Vec<T>>>>;

/// Runs the engine, and collects what it says if that is `wanted`.
pub(super) fn collect<T: 'static, R>(
    collection: &'static Collection<T>,
    wanted: bool,
    run: impl FnOnce() -> R,
) -> (R, Vec<T>) {
    if !wanted {
        return (run(), Vec::new());
    }
    /// After a panic as well, nothing stays for the next connection.
    struct Collected<T: 'static>(&'static Collection<T>);
    impl<T> Drop for Collected<T> {
        fn drop(&mut self) {
            self.0.set(None);
        }
    }
    collection.set(Some(Vec::new()));
    let _collected = Collected(collection);
    let result = run();
    (result, collection.take().unwrap_or_default())
}
