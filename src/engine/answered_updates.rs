//! Peers that do nothing but answer our KeyUpdates, which rustls would take for a flood.

use super::message_count::Wish;

/// After so many requests rustls's count is set back. It allows twice as many messages, and at most one request is
/// not answered yet.
const MANY: u8 = 16;

/// What a connection knows of it while rustls carries its traffic.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Answered {
    /// Requests since rustls's count was set back.
    asked: u8,
    /// Records of ours that the decrypter has seen.
    ours: u16,
    /// Whether the decrypter takes records of ours.
    ready: bool,
    /// Requests since the peer's keys have changed.
    outstanding: u8,
}

impl Answered {
    /// Counts requests that this side has sent.
    pub(super) fn note_requests(&mut self, count: u32) {
        let count = u8::try_from(count).unwrap_or(u8::MAX);
        self.asked = self.asked.saturating_add(count);
        self.outstanding = self.outstanding.saturating_add(count);
    }

    /// What the next decrypter is to be.
    pub(super) fn wish(&self) -> Wish {
        match *self {
            Self { asked: MANY.., .. } => Wish::SkipOurs,
            Self { ours: 1.., .. } | Self { outstanding: 1.., .. } => Wish::Watch,
            _ => Wish::Nothing,
        }
    }

    /// What came of a run with `wish`, which has made a decrypter or not; `aligned` where it has left nothing of its
    /// bytes. Whether rustls is to be given a record of ours now, which is counted.
    pub(super) fn counts_back(&mut self, wish: Wish, made: bool, aligned: bool) -> bool {
        if wish == Wish::Nothing {
            return false;
        }
        if made {
            self.outstanding = 0;
            self.ours = 0;
            self.ready = wish == Wish::SkipOurs;
        }
        let is_due = self.ready && aligned && self.asked >= MANY;
        if is_due {
            self.asked -= MANY;
            self.ours += 1;
        }
        is_due
    }

    /// How many requests the peer has not answered.
    pub(super) fn outstanding(&self) -> u8 {
        self.outstanding
    }

    /// How many records rustls has counted inbound, under its present key, that the peer has not sent.
    pub(super) fn records_of_ours(&self) -> u64 {
        self.ours.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn answered(asked: u8, ours: u16) -> Answered {
        Answered { asked, ours, ready: false, outstanding: 0 }
    }

    #[test]
    fn a_request_is_outstanding_until_the_peers_keys_change() {
        let mut counted = Answered::default();
        counted.note_requests(2);
        assert!(counted.wish() == Wish::Watch);
        assert!(!counted.counts_back(Wish::Watch, false, true));
        assert_eq!(counted.outstanding(), 2);
        assert!(!counted.counts_back(Wish::Watch, true, true));
        assert_eq!(counted.outstanding(), 0);
        assert!(counted.wish() == Wish::Nothing);
    }

    #[test]
    fn the_count_is_set_back_from_many_on_and_watched_while_records_of_ours_are_in_it() {
        assert!(answered(MANY - 1, 0).wish() == Wish::Nothing);
        assert!(answered(MANY - 1, 1).wish() == Wish::Watch);
        assert!(answered(MANY, 0).wish() == Wish::SkipOurs);
        assert!(answered(MANY + 1, 1).wish() == Wish::SkipOurs);
    }

    #[test]
    fn requests_beyond_many_stay_counted() {
        let mut counted = answered(MANY + 3, 1);
        assert!(!counted.counts_back(Wish::SkipOurs, false, true), "the decrypter does not know it");
        assert!(!counted.counts_back(Wish::SkipOurs, true, false), "bytes wait in front of it");
        assert!(counted.counts_back(Wish::SkipOurs, false, true));
        assert_eq!((counted.asked, counted.records_of_ours()), (3, 1));
        assert!(!counted.counts_back(Wish::Watch, false, true));
        assert!(!counted.counts_back(Wish::Watch, true, true));
        assert_eq!(counted.records_of_ours(), 0, "the key is another one");
    }
}
