//! Seals what a peer would, and what none would.

use crate::record::cipher::Secret;
use crate::record::content::HANDSHAKE;
use crate::record::layout::HEADER;
use crate::record::protection::Protection;
use crate::record::traffic::{HandedOver, KeySchedule};

/// KeyUpdate (RFC 8446, 4).
pub(super) const KEY_UPDATE: u8 = 24;

pub(super) struct Author {
    send: Protection,
    receive: Protection,
    schedule: Box<dyn KeySchedule>,
}

impl Author {
    pub(super) fn new(HandedOver { secrets, schedule, .. }: HandedOver) -> Self {
        let protection = |secret| Protection::new(Secret::of(secret).unwrap());
        Self { send: protection(&secrets.send), receive: protection(&secrets.receive), schedule }
    }

    /// A record of any type with any content, which need not be possible.
    pub(super) fn seal(&mut self, kind: u8, content: &[u8], padding: usize, wire: &mut Vec<u8>) {
        self.send.seal_behind(kind, content, padding, wire).unwrap();
    }

    /// Goes on with the key that follows.
    pub(super) fn update(&mut self) {
        self.send = self.next(false);
    }

    fn next(&mut self, inbound: bool) -> Protection {
        let secret = self.schedule.next_secret(inbound).unwrap().unwrap();
        Protection::new(Secret::of(&secret).unwrap())
    }

    /// Opens what the other side sent: types and contents.
    pub(super) fn open(&mut self, mut wire: &mut [u8]) -> Vec<(u8, Vec<u8>)> {
        let mut opened = Vec::new();
        while !wire.is_empty() {
            let length = HEADER + usize::from(u16::from_be_bytes([wire[3], wire[4]]));
            let (record, rest) = wire.split_at_mut(length);
            wire = rest;
            let found = self.receive.open(record).unwrap();
            let content = record[found.plain].to_vec();
            if found.kind == HANDSHAKE && content.first() == Some(&KEY_UPDATE) {
                self.receive = self.next(true);
            }
            opened.push((found.kind, content));
        }
        opened
    }
}
