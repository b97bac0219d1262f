//! Which connections have their keys expanded: those that a thread used last.
//!
//! An expanded key is as large as all else that an idle connection has, and is made again in the time of a short record.
//! A connection is never told that it is idle, so others tell it: where a key is expanded, its connection takes a place of the
//! thread's, and the one that had the place rests. Those that were used each time that somebody looked keep their places: a
//! connection that is busy among others that are not has its keys all the time. Where more are busy than there can be places,
//! most keep theirs, and those that came last make room for each other. No call but the one that expands a key looks at this.

use std::cell::RefCell;

use super::boundary::{afterwards, visit_connection};
use crate::status::TLS_ERR_BUSY;

/// How many connections have a place with one thread at least, and at most.
const LEAST: usize = 32;
const MOST: usize = 512;

/// A connection comes back soon if no more than so many others came since it rested.
const SOON: u32 = 2 * MOST as u32;

/// If all were used when they were looked at first, those rest in the second round that are not always used, and in the third
/// one whichever comes.
const ROUNDS: usize = 3;

thread_local! {
    static AWAKE: RefCell<Awake> = const { RefCell::new(Awake::new()) };
}

struct Awake {
    places: Vec<Tracked>,
    /// The one that is looked at next.
    next: usize,
    /// Of the last [`LEAST`] of all [`MOST`], the one that is given next.
    newest: usize,
    /// How many have come, which is this thread's clock.
    come: u32,
}

/// The place of a connection.
#[derive(Clone, Copy)]
struct Tracked {
    handle: usize,
    /// How many records it had moved when it was looked at.
    records: u64,
    used: Used,
}

/// How often a connection had been used when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    /// It has just come.
    New,
    /// What began when it came went on.
    Once,
    Often,
}

/// A key of the connection behind `handle`, which has moved so many records and has no place, was expanded on this thread.
/// `rested` is what [`Connection::rest`] was told last.
#[cold]
pub(super) fn note_awake(handle: usize, records: u64, rested: u32) {
    // While the thread ends there are no places.
    let _ = AWAKE.try_with(|awake| give_place_in(awake, Tracked::new(handle, records), rested, lets_rest));
}

/// Gives a connection a place, but not within a call that gives one: then it has none, and keeps its keys. So it does after a
/// panic.
fn give_place_in(
    awake: &RefCell<Awake>,
    wanted: Tracked,
    rested: u32,
    lets_rest: impl FnMut(&mut Tracked, u32) -> bool,
) {
    afterwards(|| {
        if let Ok(mut awake) = awake.try_borrow_mut() {
            awake.give_place(wanted, rested, lets_rest);
        }
    });
}

/// Whether a place is free, because its connection rests from now on, or is gone.
fn lets_rest(place: &mut Tracked, now: u32) -> bool {
    let rests = visit_connection(place.handle, |connection| {
        let rests = place.is_over(connection.counters().records());
        if rests {
            connection.rest(now);
        }
        rests
    });
    // One that another thread is inside of is in use.
    rests.unwrap_or_else(|status| status != TLS_ERR_BUSY)
}

impl Tracked {
    const fn new(handle: usize, records: u64) -> Self {
        Self { handle, records, used: Used::New }
    }

    /// The same of one that is known to be used more than once.
    const fn busy(self) -> Self {
        Self { used: Used::Often, ..self }
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
    const fn new() -> Self {
        Self { places: Vec::new(), next: 0, newest: 0, come: 0 }
    }

    /// Gives a connection a place, which most often was another one's. Who comes back soon shows that there are too few
    /// places, and makes one more; who does not shows that there may be too many.
    fn give_place(
        &mut self,
        wanted: Tracked,
        rested: u32,
        mut lets_rest: impl FnMut(&mut Tracked, u32) -> bool,
    ) {
        self.come = self.come.wrapping_add(1);
        let now = self.come;
        let comes_back = rested != 0 && now.wrapping_sub(rested) <= SOON;
        if self.places.len() < if comes_back { MOST } else { LEAST } {
            self.places.push(if comes_back { wanted.busy() } else { wanted });
            return;
        }
        if comes_back && self.places.len() >= MOST {
            self.give_one_of_all(wanted, now, lets_rest);
            return;
        }
        let is_one_too_many = !comes_back && self.places.len() > LEAST;
        let mut given = None;
        for _ in 0..ROUNDS * self.places.len() {
            let index = self.advance();
            if given == Some(index) || !lets_rest(&mut self.places[index], now) {
                continue;
            }
            if given.is_some() {
                self.places.swap_remove(index);
                return;
            }
            self.places[index] = wanted;
            given = Some(index);
            if !is_one_too_many {
                return;
            }
        }
        if given.is_none() {
            // Other threads are inside of all of them. One more is better than one that nobody looks after.
            self.places.push(wanted);
        }
    }

    /// The same where there can be no more places. If everybody in turn took the place of who was used the longest time ago, each
    /// would rest just before it is used. So the place that is looked at next is given only if its connection was not
    /// used, and otherwise one of the last few, which all who come share.
    fn give_one_of_all(
        &mut self,
        wanted: Tracked,
        now: u32,
        mut lets_rest: impl FnMut(&mut Tracked, u32) -> bool,
    ) {
        const KEPT: usize = MOST - LEAST;
        let index = if self.next < KEPT { self.next } else { 0 };
        self.next = index + 1;
        if lets_rest(&mut self.places[index], now) {
            self.places[index] = wanted.busy();
            return;
        }
        for _ in 0..ROUNDS * LEAST {
            let index = KEPT + self.newest;
            self.newest = (self.newest + 1) % LEAST;
            if lets_rest(&mut self.places[index], now) {
                self.places[index] = wanted;
                return;
            }
        }
        self.places.push(wanted);
    }

    /// The next place to look at, and the one behind it the next time.
    fn advance(&mut self) -> usize {
        let index = if self.next < self.places.len() { self.next } else { 0 };
        self.next = index + 1;
        index
    }
}

/// Who used connections lets them rest when it ends.
impl Drop for Awake {
    fn drop(&mut self) {
        for place in &self.places {
            let _ = visit_connection(place.handle, |connection| connection.rest(self.come));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Connections that play: how many records each has moved, how often it expanded its keys, and when it rested.
    #[derive(Default)]
    struct Connections {
        records: HashMap<usize, u64>,
        expanded: HashMap<usize, usize>,
        rested: HashMap<usize, u32>,
    }

    fn has_place(awake: &Awake, handle: usize) -> bool {
        awake.places.iter().any(|place| place.handle == handle)
    }

    impl Connections {
        /// Lets a connection move some records, which has to expand its key if it rested.
        fn use_one(&mut self, awake: &mut Awake, handle: usize, records: u64) {
            *self.records.entry(handle).or_default() += 1;
            if !has_place(awake, handle) {
                *self.expanded.entry(handle).or_default() += 1;
                let Self { records, rested, .. } = self;
                let wanted = Tracked::new(handle, records[&handle]);
                awake.give_place(wanted, rested.remove(&handle).unwrap_or(0), |place, now| {
                    let rests = place.is_over(records[&place.handle]);
                    if rests {
                        rested.insert(place.handle, now);
                    }
                    rests
                });
            }
            *self.records.entry(handle).or_default() += records - 1;
        }
    }

    #[test]
    fn a_busy_connection_keeps_its_keys_among_many_that_are_not() {
        for burst in [1, 2, 10] {
            let (mut awake, mut connections) = (Awake::new(), Connections::default());
            for other in 2..5000 {
                connections.use_one(&mut awake, 1, 1);
                connections.use_one(&mut awake, other, burst);
            }
            // It is known to be busy when it was looked at twice.
            assert!(connections.expanded[&1] <= 2, "{} times", connections.expanded[&1]);
            assert_eq!(awake.places.len(), LEAST);
        }
    }

    #[test]
    fn as_many_as_there_are_places_have_their_keys_once() {
        let (mut awake, mut connections) = (Awake::new(), Connections::default());
        for round in 0..50 * LEAST {
            connections.use_one(&mut awake, 1 + round % LEAST, 3);
        }
        assert!(connections.expanded.values().all(|&times| times == 1));
    }

    #[test]
    fn connections_that_are_used_in_turn_soon_have_places_enough() {
        for count in [LEAST + 1, 100, MOST / 2, MOST - LEAST] {
            let (mut awake, mut connections) = (Awake::new(), Connections::default());
            for _ in 0..4 {
                (1..=count).for_each(|handle| connections.use_one(&mut awake, handle, 3));
            }
            let before = connections.expanded.clone();
            for _ in 0..9 {
                (1..=count).for_each(|handle| connections.use_one(&mut awake, handle, 3));
            }
            assert_eq!(connections.expanded, before, "{count}");
            assert!(awake.places.len() <= MOST);
        }
    }

    /// How many of `count` connections expand their keys in a round in which `pick` says whose turn it is, after many rounds.
    fn expanded_in_a_round(count: usize, records: u64, mut pick: impl FnMut(usize) -> usize) -> usize {
        let (mut awake, mut connections) = (Awake::new(), Connections::default());
        let mut round = |connections: &mut Connections| {
            (0..count).for_each(|turn| connections.use_one(&mut awake, 1 + pick(turn), records));
            connections.expanded.values().sum::<usize>()
        };
        let before = (0..40).map(|_| round(&mut connections)).last().unwrap();
        let after = (0..10).map(|_| round(&mut connections)).last().unwrap();
        assert!(awake.places.len() <= MOST);
        (after - before) / 10
    }

    #[test]
    fn of_more_connections_than_there_are_places_most_keep_their_keys() {
        for count in [MOST + 1, MOST + 8, MOST + 100, MOST + 300] {
            for records in [1, 3] {
                let expanded = expanded_in_a_round(count, records, |turn| turn);
                assert!(expanded <= count - (MOST - LEAST), "{expanded} of {count}");
            }
        }
        // And as many as can be where they are used without an order.
        let mut state = 1_u64;
        for count in [MOST + 100, 2 * MOST] {
            let expanded = expanded_in_a_round(count, 3, |_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                (state >> 33) as usize % count
            });
            assert!(expanded <= (count - MOST) * 11 / 10, "{expanded} of {count}");
        }
    }

    #[test]
    fn places_that_are_not_needed_any_more_go() {
        let (mut awake, mut connections) = (Awake::new(), Connections::default());
        for _ in 0..9 {
            (1..=200).for_each(|handle| connections.use_one(&mut awake, handle, 3));
        }
        assert!(awake.places.len() >= 200);
        (1000..2000).for_each(|handle| connections.use_one(&mut awake, handle, 3));
        assert_eq!(awake.places.len(), LEAST);
    }

    #[test]
    fn there_are_no_more_places_than_the_most() {
        let (mut awake, mut connections) = (Awake::new(), Connections::default());
        for count in [MOST - 10, MOST + 100, 2 * MOST, 10 * MOST] {
            for _ in 0..5 {
                (1..=count).for_each(|handle| connections.use_one(&mut awake, handle, 1));
            }
            assert!(awake.places.len() <= MOST);
        }
    }

    #[test]
    fn who_is_not_used_rests_first() {
        let (mut awake, mut connections) = (Awake::new(), Connections::default());
        for handle in 1..=LEAST {
            connections.use_one(&mut awake, handle, 1);
        }
        for handle in (1..=LEAST).filter(|&handle| handle != 7) {
            connections.use_one(&mut awake, handle, 1);
        }
        connections.use_one(&mut awake, 99, 1);
        assert!(!has_place(&awake, 7) && has_place(&awake, 99));
    }

    #[test]
    fn where_all_are_busy_one_rests() {
        let (mut awake, mut connections) = (Awake::new(), Connections::default());
        for _ in 0..10 {
            (1..=LEAST).for_each(|handle| connections.use_one(&mut awake, handle, 5));
        }
        connections.use_one(&mut awake, 99, 1);
        assert!(has_place(&awake, 99));
        assert_eq!(awake.places.len(), LEAST);
    }

    #[test]
    fn no_place_is_given_within_a_call_that_gives_one() {
        let awake = RefCell::new(Awake::new());
        for handle in 1..=LEAST {
            give_place_in(&awake, Tracked::new(handle, 1), 0, |_, _| true);
        }
        give_place_in(&awake, Tracked::new(99, 1), 0, |_, _| {
            give_place_in(&awake, Tracked::new(100, 1), 0, |_, _| true);
            true
        });
        let awake = awake.into_inner();
        assert!(has_place(&awake, 99) && !has_place(&awake, 100));
        assert_eq!(awake.places.len(), LEAST);
    }

    #[test]
    fn a_panic_while_a_place_is_given_goes_no_further_and_others_are_given() {
        crate::quiet::install();
        let awake = RefCell::new(Awake::new());
        for handle in 1..=LEAST {
            give_place_in(&awake, Tracked::new(handle, 1), 0, |_, _| true);
        }
        give_place_in(&awake, Tracked::new(99, 1), 0, |_, _| panic!("not to be seen"));
        give_place_in(&awake, Tracked::new(100, 1), 0, |_, _| true);
        let awake = awake.into_inner();
        assert!(!has_place(&awake, 99) && has_place(&awake, 100));
    }

    #[test]
    fn no_other_thread_is_waited_for() {
        let mut awake = Awake::new();
        for handle in 1..=LEAST + 1 {
            awake.give_place(Tracked::new(handle, 1), 0, |_, _| false);
        }
        assert!(has_place(&awake, LEAST + 1));
        for handle in 100..100 + MOST {
            awake.give_place(Tracked::new(handle, 1), 1, |_, _| false);
        }
        assert!(has_place(&awake, 99 + MOST));
    }
}
