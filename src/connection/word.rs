//! The state word.

use super::Connection;
use crate::status::*;

impl Connection {
    /// Processes what was fed, so that every bit is exact, and puts the word together.
    pub(crate) fn state_word(&mut self) -> u32 {
        // What went wrong is in the word.
        let _ = self.process_fed();
        let failed = self.has_failed();
        let handshaking = self.phase.is_handshaking();
        let peer_closed = self.phase.peer_closed();
        let bits = [
            (TLS_CAN_FEED, !failed && !self.eof && !peer_closed && self.inbound_room() > 0),
            (TLS_CAN_DRAIN, !self.outbound.is_empty()),
            (TLS_CAN_READ, self.inbound.has_plain()),
            (TLS_CAN_WRITE, !failed && self.phase.may_write() && !self.we_closed && self.writable() > 0),
            (TLS_HANDSHAKING, !failed && handshaking),
            (TLS_ASKING, !failed && self.phase.question().is_some()),
            (TLS_PEER_CLOSED, peer_closed),
            (TLS_WE_CLOSED, self.we_closed),
            (TLS_EOF, self.eof),
            (TLS_FAILED, failed),
            (TLS_HAS_EVENT, self.has_event()),
            (TLS_HELD_UP, !failed && self.phase.held_up().is_some()),
            (TLS_WINDOW_OPEN, self.inbound.window() > 0),
        ];
        let word = bits.into_iter().filter(|&(_, set)| set).fold(0, |word, (bit, _)| word | bit);
        if self.is_handed_over() {
            return word & (TLS_FAILED | TLS_HAS_EVENT | TLS_WINDOW_OPEN) | TLS_HANDED_OVER;
        }
        match self.half() {
            None => word,
            Some(half) if half.wakes_sender() => word & half.bits() | TLS_WAKE_SENDER,
            Some(half) => word & half.bits(),
        }
    }
}
