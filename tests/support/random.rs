//! What games are made of: numbers that a seed chooses, and bytes of which every lost, doubled or moved one shows.

/// A small, seeded generator (xorshift64*): the same numbers in every run.
pub struct Random(u64);

impl Random {
    /// `state` is not 0.
    pub fn new(state: u64) -> Self {
        assert_ne!(state, 0);
        Self(state)
    }

    /// One whose first numbers are not like those of the seed before.
    pub fn of_game(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// One of `bound` numbers from 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// The byte at `position` of each side's endless stream.
pub fn stream(side: usize, position: usize) -> u8 {
    (position.wrapping_mul(31).wrapping_add(position >> 8) + side * 101) as u8
}

/// A number from the environment, for who wants more games.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

/// Plays game after game; of one that fails, the seed and the form are told.
pub fn play_games<F: std::fmt::Debug>(
    name: &str,
    games: u64,
    form: impl Fn(&mut Random) -> F,
    mut play: impl FnMut(&F, &mut Random),
) -> u64 {
    let (first, games) = (setting(&format!("{name}_FIRST"), 1), setting(&format!("{name}_GAMES"), games));
    for seed in first..first + games {
        let mut random = Random::of_game(seed);
        let form = form(&mut random);
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&form, &mut random)));
        played.unwrap_or_else(|panic| {
            eprintln!("seed {seed}: {form:?}");
            std::panic::resume_unwind(panic)
        });
    }
    games
}
