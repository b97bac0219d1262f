//! Peers that do nothing but answer our KeyUpdates, which the engine would take for a flood.

use super::{Answer, Connection};
use crate::engine::{Wish, no_data};
use crate::record::traffic::{Flow, Outcome};

/// After so many requests the engine's count is set back. It allows twice as many messages, and at most one request is
/// not answered yet.
const MANY: u8 = 16;

/// What a connection knows of it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Answered {
    /// Requests since the engine's count was set back.
    asked: u8,
    /// Records of ours that the decrypter has seen.
    ours: u16,
    /// Whether the decrypter takes records of ours.
    ready: bool,
}

impl Answered {
    pub(super) fn is_needed(&self) -> bool {
        self.asked > 0 || self.ours > 0
    }

    /// The engine's count was set back by a record that the peer has not sent.
    fn count_back(&mut self) {
        self.asked -= MANY;
        self.ours += 1;
    }

    fn wish(&self) -> Wish {
        match *self {
            Self { asked: MANY.., .. } => Wish::Forbear,
            Self { ours: 1.., .. } => Wish::Watch,
            _ => Wish::Nothing,
        }
    }
}

impl Connection {
    /// Counts requests that this side has sent.
    pub(super) fn note_requests(&mut self, count: u32) {
        if count == 0 {
            return;
        }
        if let Some(half) = self.half() {
            half.note_requests(count);
        } else {
            self.add_requests(count);
        }
    }

    fn add_requests(&mut self, count: u32) {
        let answered = &mut self.cold.get_or_insert_default().answered;
        answered.asked = answered.asked.saturating_add(u8::try_from(count).unwrap_or(u8::MAX));
    }

    /// What the next decrypter is to be.
    pub(super) fn forbearance(&mut self) -> Wish {
        let Some(cold) = &self.cold else { return Wish::Nothing };
        let asked = cold.half.as_ref().map_or(0, |half| half.take_requests());
        if asked > 0 {
            self.add_requests(asked);
        }
        self.cold.as_ref().map_or(Wish::Nothing, |cold| cold.answered.wish())
    }

    /// What came of a run with `wish`; `aligned` where the engine has left nothing of its bytes.
    pub(super) fn note_decrypter(&mut self, wish: Wish, made: bool, aligned: bool) -> Answer<()> {
        if wish == Wish::Nothing {
            return Ok(());
        }
        let answered = &mut self.cold.get_or_insert_default().answered;
        if made {
            answered.ours = 0;
            answered.ready = wish == Wish::Forbear;
        }
        if answered.ready && aligned && answered.asked >= MANY && !self.phase.peer_closed() {
            return self.set_count_back();
        }
        Ok(())
    }

    fn set_count_back(&mut self) -> Answer<()> {
        let mut record = no_data();
        let Self { phase, outbound, shared, .. } = self;
        let Outcome { result, .. } = outbound
            .with_rare_appender(&shared.pool, |out| phase.receive(&mut record, out, &mut |_, _| Flow::More));
        self.cold.get_or_insert_default().answered.count_back();
        result.map_err(|failure| self.fail(failure))
    }

    /// How many records the engine has counted inbound, under its present key, that the peer has not sent.
    pub(super) fn records_of_ours(&self) -> u64 {
        self.cold.as_ref().map_or(0, |cold| cold.answered.ours.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn answered(asked: u8, ours: u16) -> Answered {
        Answered { asked, ours, ready: false }
    }

    #[test]
    fn either_count_keeps_it() {
        assert!(!answered(0, 0).is_needed());
        assert!(answered(1, 0).is_needed());
        assert!(answered(0, 1).is_needed());
    }

    #[test]
    fn the_count_is_set_back_from_many_on_and_watched_while_records_of_ours_are_in_it() {
        assert!(answered(MANY - 1, 0).wish() == Wish::Nothing);
        assert!(answered(MANY - 1, 1).wish() == Wish::Watch);
        assert!(answered(MANY, 0).wish() == Wish::Forbear);
        assert!(answered(MANY + 1, 1).wish() == Wish::Forbear);
    }

    #[test]
    fn requests_beyond_many_stay_counted() {
        let mut counted = answered(MANY + 3, 1);
        counted.count_back();
        assert_eq!((counted.asked, counted.ours), (3, 2));
    }
}
