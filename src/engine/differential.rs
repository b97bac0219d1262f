//! The same stream of records through rustls's receiver and through ours: the same plain bytes, answers, alerts and ends.
//!
//! Two connections are made alike. One stays rustls's, one gets records of ours. What their peers would send is made by
//! a game, under the secrets of each, out of one choice of bytes. `TLSBIO_DIFFERENTIAL=NUMBER` plays as many records as
//! that, where a few are played otherwise; `TLSBIO_DIFFERENTIAL_GAME=NUMBER` plays one game again.
//!
//! Not compared is what ours does better, or not at all: nothing follows our close_notify, an answer to our own KeyUpdate
//! is no flood, and a message that cannot come is not parsed before it is refused.

#![cfg_attr(fuzzing, allow(dead_code, reason = "games that nobody planned are for tests"))]

mod author;
mod choices;
mod game;
mod pairs;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use self::pairs::pki;

/// Plays the game that `bytes` choose; panics where the two differ.
#[cfg(fuzzing)]
pub fn play(bytes: &[u8]) {
    game::Game::from_bytes("of these bytes", bytes).play();
}
