//! Which connections have their keys expanded: those that a thread used last.
//!
//! An expanded key is as large as all else that an idle connection has, and is made again in the time of a short record.
//! A connection is never told that it is idle, so others tell it: where a key is expanded, its connection takes a place of the
//! thread's, and the one that had the place rests. Those that were used each time that somebody looked keep their places: a
//! connection that is busy among others that are not has its keys all the time. No call but the one that expands a key
//! looks at this.

use std::cell::RefCell;

use super::boundary::visit_connection;
use crate::status::TLS_ERR_BUSY;

/// How many connections have a place with one thread.
const PLACES: usize = 32;

/// If all were used when they were looked at first, those rest in the second round that are not always used, and in the third
/// one whichever comes.
const ROUNDS: usize = 3;

thread_local! {
    static AWAKE: RefCell<Awake> = const { RefCell::new(Awake { places: [FREE; PLACES], next: 0 }) };
}

struct Awake {
    places: [Place; PLACES],
    /// The one that is looked at next.
    next: usize,
}

/// The place of a connection.
#[derive(Clone, Copy)]
struct Place {
    handle: usize,
    /// How many records it had moved when it was looked at.
    records: u64,
    used: Used,
}

/// Never a handle.
const FREE: Place = Place::new(0, 0);

/// How often a connection had been used when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    /// It has just come.
    New,
    /// What began when it came went on.
    Once,
    Often,
}

/// A key of the connection behind `handle`, which has moved so many records, was expanded on this thread.
#[cold]
pub(super) fn note_awake(handle: usize, records: u64) {
    // While the thread ends there are no places.
    let _ = AWAKE.try_with(|awake| awake.borrow_mut().take_place(Place::new(handle, records), lets_rest));
}

/// Whether a place is free, because its connection rests now, or is gone.
fn lets_rest(place: &mut Place) -> bool {
    let rests = visit_connection(place.handle, |connection| {
        let rests = place.is_over(connection.counters().records());
        if rests {
            connection.rest();
        }
        rests
    });
    // One that another thread is inside of is in use.
    rests.unwrap_or_else(|status| status != TLS_ERR_BUSY)
}

impl Place {
    const fn new(handle: usize, records: u64) -> Self {
        Self { handle, records, used: Used::New }
    }

    fn is_free(&self) -> bool {
        self.handle == FREE.handle
    }

    /// Whether the connection, which has moved so many records, was used too little.
    fn is_over(&mut self, records: u64) -> bool {
        let is_used = records != self.records;
        self.records = records;
        self.used = match (is_used, self.used) {
            (true, Used::New) | (false, Used::Often) => Used::Once,
            (true, _) => Used::Often,
            (false, _) => return true,
        };
        false
    }
}

impl Awake {
    /// Gives a connection a place, if it has none. Where other threads are inside of all, it gets none.
    fn take_place(&mut self, wanted: Place, mut lets_rest: impl FnMut(&mut Place) -> bool) {
        if let Some(place) = self.places.iter_mut().find(|place| place.handle == wanted.handle) {
            place.records = wanted.records;
            return;
        }
        for _ in 0..ROUNDS * PLACES {
            let place = &mut self.places[self.next];
            self.next = (self.next + 1) % PLACES;
            if place.is_free() || lets_rest(place) {
                *place = wanted;
                return;
            }
        }
    }
}

/// Who used connections lets them rest when it ends.
impl Drop for Awake {
    fn drop(&mut self) {
        for place in self.places.iter().filter(|place| !place.is_free()) {
            let _ = visit_connection(place.handle, |connection| connection.rest());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Connections that play: how many records each has moved, and how often it expanded its keys.
    #[derive(Default)]
    struct Connections {
        records: HashMap<usize, u64>,
        expanded: HashMap<usize, usize>,
    }

    fn new() -> Awake {
        Awake { places: [FREE; PLACES], next: 0 }
    }

    impl Connections {
        /// Lets a connection move some records, which has to expand its key if it rested.
        fn use_one(&mut self, awake: &mut Awake, handle: usize, records: u64) {
            let is_awake = awake.places.iter().any(|place| place.handle == handle);
            *self.records.entry(handle).or_default() += 1;
            if !is_awake {
                *self.expanded.entry(handle).or_default() += 1;
                let moved = &self.records;
                let wanted = Place::new(handle, moved[&handle]);
                awake.take_place(wanted, |place| place.is_over(moved[&place.handle]));
            }
            *self.records.entry(handle).or_default() += records - 1;
        }
    }

    #[test]
    fn a_busy_connection_keeps_its_keys_among_many_that_are_not() {
        for burst in [1, 2, 10] {
            let (mut awake, mut connections) = (new(), Connections::default());
            for other in 2..5000 {
                connections.use_one(&mut awake, 1, 1);
                connections.use_one(&mut awake, other, burst);
            }
            // It is known to be busy when it was looked at twice.
            assert!(connections.expanded[&1] <= 2, "{} times", connections.expanded[&1]);
        }
    }

    #[test]
    fn as_many_as_there_are_places_have_their_keys_once() {
        let (mut awake, mut connections) = (new(), Connections::default());
        for round in 0..50 * PLACES {
            connections.use_one(&mut awake, 1 + round % PLACES, 3);
        }
        assert!(connections.expanded.values().all(|&times| times == 1));
    }

    #[test]
    fn who_is_not_used_rests_first() {
        let (mut awake, mut connections) = (new(), Connections::default());
        for handle in 1..=PLACES {
            connections.use_one(&mut awake, handle, 1);
        }
        for handle in (1..=PLACES).filter(|&handle| handle != 7) {
            connections.use_one(&mut awake, handle, 1);
        }
        connections.use_one(&mut awake, 99, 1);
        assert!(!awake.places.iter().any(|place| place.handle == 7));
        assert!(awake.places.iter().any(|place| place.handle == 99));
    }

    #[test]
    fn where_all_are_busy_one_rests() {
        let (mut awake, mut connections) = (new(), Connections::default());
        for _ in 0..10 {
            (1..=PLACES).for_each(|handle| connections.use_one(&mut awake, handle, 5));
        }
        connections.use_one(&mut awake, 99, 1);
        assert!(awake.places.iter().any(|place| place.handle == 99));

        awake.take_place(Place::new(100, 1), |_| false);
        assert!(!awake.places.iter().any(|place| place.handle == 100), "no other thread is waited for");
    }

    #[test]
    fn a_connection_has_one_place() {
        let mut awake = new();
        for records in 1..9 {
            awake.take_place(Place::new(5, records), |_| panic!("there is room"));
        }
        let of_it = awake.places.iter().filter(|place| place.handle == 5);
        assert_eq!(of_it.map(|place| place.records).collect::<Vec<_>>(), [8]);
    }
}
