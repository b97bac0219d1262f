//! No nonce is used twice with one key: what unit tests check of every record.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

type Nonce = [u8; 12];

/// Those of one direction of a connection.
#[derive(Default)]
pub(super) struct Nonces(HashSet<Nonce>);

/// Those of all connections of a thread: keys go from one to another.
#[derive(Default)]
struct Watched {
    by_key: HashMap<Vec<u8>, HashSet<Nonce>>,
    count: usize,
}

thread_local! {
    static WATCHED: RefCell<Option<Watched>> = const { RefCell::new(None) };
}

/// From now on no key of this thread may meet a nonce again, in whatever connection it is.
pub(crate) fn watch() {
    WATCHED.set(Some(Watched::default()));
}

/// How many records were sealed on this thread since it is watched.
pub(crate) fn watched() -> usize {
    WATCHED.with_borrow(|watched| watched.as_ref().map_or(0, |watched| watched.count))
}

/// What was until now is over.
pub(crate) fn forget() {
    WATCHED.with_borrow_mut(|watched| {
        if let Some(watched) = watched {
            watched.by_key = HashMap::new();
        }
    });
}

impl Nonces {
    pub(super) fn note(&mut self, key: &[u8], nonce: Nonce) {
        let is_new = WATCHED.with_borrow_mut(|watched| match watched {
            Some(watched) => {
                watched.count += 1;
                if !watched.by_key.contains_key(key) {
                    watched.by_key.insert(key.to_vec(), HashSet::new());
                }
                watched.by_key.get_mut(key).is_some_and(|nonces| nonces.insert(nonce))
            }
            None => self.0.insert(nonce),
        });
        assert!(is_new, "a nonce is used for the second time");
    }
}
