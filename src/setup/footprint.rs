//! What one connection can hold at most, as its limits say.

use super::limits::{HandshakeLimits, Limits};
use crate::buffer::capacity_for;
use crate::coroutine::{GUARD, STACK};
use crate::engine::MOST_STORED;
use crate::numbers::MAX_EVENTS;
use crate::record::layout::MAX_WIRE;

/// The longest handshake message that the engine takes, with its header.
const MESSAGE: usize = 0xffff + 4;

/// Lists in handshake messages whose members take few bytes on the wire, and many parsed: how many each.
/// `c-tests/worst_case.c` tries them.
const LISTS: [(usize, usize); 5] = [
    (2, 24), // names of protocols
    (3, 24), // authorities, responders
    (4, 24), // certificates of TLS 1.2
    (5, 32), // key shares
    (6, 64), // certificates of TLS 1.3
];

/// What a message with such a list has besides, at least.
const AROUND_LIST: usize = 64;

/// The same of what is left of the longest chain, in memory of the right size: members of one byte in each
/// four.
const KEPT: usize = 7;

/// What does not depend on limits: both ends of the keys, the key exchange, names, the handle.
const BASE: usize = 32 * 1024;

/// Memory that grows by doubling, while it does: it may be twice as large as needed, and what it grows from
/// is there as well.
const DOUBLING: usize = 3;

/// A ClientHello that the engine is told in other words, and as it came.
const RETOLD: usize = 2;

/// An event with the longest line of a key log, in a queue that grows by doubling.
const EVENT: usize = DOUBLING * 64 + 256;

/// Sessions that a client keeps apart, and what one takes besides ticket and chain.
const SESSIONS: usize = 8;
const SESSION: usize = 1024;

/// What a context makes of its connections.
pub(crate) struct Footprint {
    pub limits: Limits,
    pub handshake: HandshakeLimits,
    /// The most bytes of early data that are kept.
    pub early_data: usize,
    /// The most that one flight of this side takes.
    pub flight: usize,
    pub is_client: bool,
    pub asks_within_steps: bool,
    pub has_events: bool,
    /// Whether sessions that the host is to store wait for it.
    pub stores_sessions: bool,
}

impl Footprint {
    /// Heap bytes that one connection never exceeds. Not more than `usize::MAX`, whatever the limits are.
    pub(crate) fn worst_case(&self) -> usize {
        let inbound = self.limits.inbound;
        let budget = usize::try_from(self.handshake.budget).unwrap_or(usize::MAX);
        let message = MESSAGE.min(inbound).min(budget);
        let flight = self.limits.outbound.min(self.flight.saturating_add(MAX_WIRE));

        // The message, as it came, in the transcript of TLS 1.2 and parsed; our flight beside it.
        let mut handshake = total(&[
            parsed(message),
            message.saturating_mul(1 + DOUBLING + RETOLD),
            flight.saturating_mul(DOUBLING),
            self.limits.outbound,
        ]);
        if self.asks_within_steps {
            // A step that waits for an answer has a stack, and copies of what it works on.
            let copies = flight.saturating_mul(DOUBLING);
            // A client that is asked for an identity has what the server names, beside the message that names it.
            let named = if self.is_client { parsed(message) } else { 0 };
            handshake = total(&[handshake, inbound, copies, named, STACK + GUARD]);
        }
        // The peer's chain stays. Records are sized like the first of a call, which may need one more.
        let mut traffic = total(&[
            message.saturating_mul(KEPT),
            while_growing(self.limits.outbound.saturating_add(MAX_WIRE)),
            // A record that is put together before it is sealed.
            capacity_for(MAX_WIRE),
        ]);
        if self.is_client {
            // Each has its ticket, which comes after the handshake, where there is no budget, and the chain.
            let session = total(&[MESSAGE.min(inbound), message * KEPT, SESSION]);
            traffic = total(&[traffic, session.saturating_mul(SESSIONS)]);
        }
        total(&[
            BASE,
            while_growing(inbound),
            // What was taken off the queue and is under way, while it fills anew, and what is shown at the front of that.
            capacity_for(self.limits.outbound).saturating_mul(2),
            self.early_data.saturating_add(if self.early_data > 0 { MAX_WIRE } else { 0 }),
            if self.has_events { MAX_EVENTS * EVENT } else { 0 },
            if self.stores_sessions { MOST_STORED } else { 0 },
            handshake.max(traffic),
        ])
    }
}

/// A buffer for `need` bytes, and the next smaller one that it takes the place of.
fn while_growing(need: usize) -> usize {
    let largest = capacity_for(need);
    largest.saturating_add(capacity_for(1).max(largest / 2))
}

/// Heap that a handshake message takes while it is parsed, at most: for a list that grows by doubling, with
/// the smaller one that it grows from, or with the copy that outlives the message and has a byte of its own
/// for each member.
fn parsed(message: usize) -> usize {
    let list = |&(wire, heap): &(usize, usize)| {
        let members = message.saturating_sub(AROUND_LIST) / wire;
        let room = members.next_power_of_two();
        heap * (room + members.max(room / 2)) + members
    };
    message + LISTS.iter().map(list).max().unwrap_or(0)
}

fn total(parts: &[usize]) -> usize {
    parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint() -> Footprint {
        Footprint {
            limits: Limits::default(),
            handshake: HandshakeLimits::default(),
            early_data: 0,
            flight: 20 * 1024,
            is_client: false,
            asks_within_steps: false,
            has_events: false,
            stores_sessions: false,
        }
    }

    #[test]
    fn every_limit_counts_and_none_overflows() {
        let usual = footprint().worst_case();
        let with = |change: fn(&mut Footprint)| {
            let mut other = footprint();
            change(&mut other);
            other.worst_case()
        };
        assert!(with(|it| it.handshake.budget = 4096) < usual / 2);
        assert!(with(|it| it.limits.inbound = 1 << 20) >= usual + (1 << 20) - DEFAULT);
        assert!(with(|it| it.limits.outbound = 1 << 24) >= usual + (1 << 24) - DEFAULT);
        assert_eq!(with(|it| it.early_data = 1000), usual + 1000 + MAX_WIRE);
        assert!(with(|it| it.has_events = true) > usual);
        assert!(with(|it| it.asks_within_steps = true) > usual);
        assert_eq!(with(|it| it.stores_sessions = true), usual + MOST_STORED);
        let limits = Limits { inbound: isize::MAX as usize, outbound: isize::MAX as usize };
        let endless = Footprint { limits, early_data: usize::MAX, is_client: true, ..footprint() };
        assert_eq!(endless.worst_case(), usize::MAX);
    }

    const DEFAULT: usize = crate::numbers::DEFAULT_WIRE;
}
