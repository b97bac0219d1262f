//! Which of two halves a connection is, and what it must know of the other.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;
use crate::status::*;

/// What the halves know of each other.
#[derive(Default)]
pub(super) struct Link {
    /// The receiving half left something for the peer with the sending half.
    pub(super) owed: AtomicBool,
    /// The sending half can send nothing more: it was closed or freed.
    pub(super) sender_over: AtomicBool,
    /// The receiving half was freed.
    pub(super) receiver_over: AtomicBool,
    /// What ended the receiving half. An alert about it was left with the sending half before.
    pub(super) failure: OnceLock<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Receiving,
    Sending,
}

/// One of two halves.
pub(super) struct Half {
    pub(super) direction: Direction,
    /// The protocol version, by which records are sized: the other facts are the receiving half's.
    pub(super) version: u16,
    pub(super) link: Arc<Link>,
}

impl Half {
    pub(super) fn receives(&self) -> bool {
        self.direction == Direction::Receiving
    }

    pub(super) fn sends(&self) -> bool {
        self.direction == Direction::Sending
    }

    /// The bits of the state word that this half can have.
    pub(super) fn bits(&self) -> u32 {
        let own = match self.direction {
            Direction::Receiving => TLS_CAN_FEED | TLS_CAN_READ | TLS_PEER_CLOSED | TLS_EOF | TLS_WINDOW_OPEN,
            Direction::Sending => TLS_CAN_DRAIN | TLS_CAN_WRITE | TLS_WE_CLOSED,
        };
        own | TLS_FAILED | TLS_HAS_EVENT
    }

    /// Whether a call on the sending half would find something that this receiving half left there.
    pub(super) fn wakes_sender(&self) -> bool {
        self.receives()
            && self.link.owed.load(Ordering::Acquire)
            && !self.link.sender_over.load(Ordering::Acquire)
    }

    pub(super) fn note_owed(&self) {
        self.link.owed.store(true, Ordering::Release);
    }

    pub(super) fn note_closed(&self) {
        if self.sends() {
            self.link.sender_over.store(true, Ordering::Release);
        }
    }

    /// Lets the sending half know what ended this receiving half.
    pub(super) fn publish(&self, failure: &mut Failure) {
        if self.receives() {
            if self.link.sender_over.load(Ordering::Acquire) {
                // Nobody is left to send it.
                failure.alert_sent = None;
            }
            let _ = self.link.failure.set(failure.clone());
            self.note_owed();
        }
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        let over = match self.direction {
            Direction::Receiving => &self.link.receiver_over,
            Direction::Sending => &self.link.sender_over,
        };
        over.store(true, Ordering::Release);
    }
}
