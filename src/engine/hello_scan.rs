//! Whether a ClientHello is whole, seen from outside the engine.
//!
//! A server's engine may ask only when it has one. Every byte is looked at once, however the hello is cut: the
//! place is remembered, and what the engine has done with the bytes in front of it does not matter.
//! [`super::plaintext`] looks at the same bytes: where it knows how far a hello has come, that is taken from it.

const RECORD_HEADER: usize = 5;
const HANDSHAKE_RECORD: u8 = 22;
const MESSAGE_HEADER: usize = 4;
const SERVER_HELLO: u8 = 2;

/// The random of a HelloRetryRequest (RFC 8446, 4.1.3): SHA-256 of its name.
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What is known of a ClientHello that is not whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HelloParts {
    /// Its first bytes, as far as they are there.
    pub header: [u8; MESSAGE_HEADER],
    /// How many of its bytes are there.
    pub collected: usize,
    /// Where its last record ends.
    pub end: usize,
}

/// Looks for the end of the first handshake message in plaintext records.
#[derive(Debug, Default)]
pub(super) struct HelloScan {
    /// How many of the wire bytes were looked at.
    position: usize,
    header: [u8; RECORD_HEADER],
    header_have: usize,
    /// Bytes of the record that are to come.
    record_left: usize,
    message_header: [u8; MESSAGE_HEADER],
    message_have: usize,
    whole: bool,
}

impl HelloScan {
    /// Where the record ends that makes the message whole, in `wire`: the bytes that were not used, and those
    /// that came since.
    pub(super) fn end(&mut self, wire: &[u8]) -> Option<usize> {
        // A hello that comes byte by byte is not looked at each time.
        if !self.whole && wire.len() < self.least() {
            return None;
        }
        while !self.whole && self.position < wire.len() {
            let rest = &wire[self.position..];
            if self.whole_record(rest) {
                continue;
            }
            if self.header_have < RECORD_HEADER {
                let taken = rest.len().min(RECORD_HEADER - self.header_have);
                self.header[self.header_have..self.header_have + taken].copy_from_slice(&rest[..taken]);
                self.header_have += taken;
                self.position += taken;
                self.record_left = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
            } else {
                let taken = rest.len().min(self.record_left);
                if self.header[0] == HANDSHAKE_RECORD {
                    self.message(&rest[..taken]);
                }
                self.record_left -= taken;
                self.position += taken;
            }
            if self.header_have == RECORD_HEADER && self.record_left == 0 {
                self.header_have = 0;
                self.whole = self.message_is_whole();
            }
        }
        self.whole.then_some(self.position)
    }

    /// How many wire bytes there are at least when the message is whole.
    pub(super) fn least(&self) -> usize {
        self.position + self.missing()
    }

    /// Goes on behind what somebody else has looked at.
    pub(super) fn skip(&mut self, parts: HelloParts) {
        if !self.whole && parts.end > self.position {
            self.position = parts.end;
            self.header_have = 0;
            self.record_left = 0;
            self.message_header = parts.header;
            self.message_have = parts.collected;
        }
    }

    /// How many bytes were looked at, of those that were not used.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The engine has used the first bytes of the wire.
    pub(super) fn used(&mut self, count: usize) {
        if count > self.position {
            // It ends with a record, of which the beginning was looked at.
            (self.header_have, self.record_left) = (0, 0);
        }
        self.position = self.position.saturating_sub(count);
    }

    /// Takes a record that is there from its first byte to its last, as most are.
    fn whole_record(&mut self, rest: &[u8]) -> bool {
        let Some(&[kind, _, _, high, low]) = rest.first_chunk::<RECORD_HEADER>() else { return false };
        let end = RECORD_HEADER + usize::from(u16::from_be_bytes([high, low]));
        if self.header_have > 0 || rest.len() < end {
            return false;
        }
        self.position += end;
        if kind == HANDSHAKE_RECORD {
            self.message(&rest[RECORD_HEADER..end]);
            self.whole = self.message_is_whole();
        }
        true
    }

    fn message(&mut self, bytes: &[u8]) {
        let header = MESSAGE_HEADER.saturating_sub(self.message_have).min(bytes.len());
        if header > 0 {
            self.message_header[self.message_have..self.message_have + header]
                .copy_from_slice(&bytes[..header]);
        }
        self.message_have += bytes.len();
    }

    /// How many bytes have to come at least.
    fn missing(&self) -> usize {
        if self.message_have < MESSAGE_HEADER {
            return MESSAGE_HEADER - self.message_have;
        }
        let [_, high, middle, low] = self.message_header;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        (MESSAGE_HEADER + length).saturating_sub(self.message_have)
    }

    fn message_is_whole(&self) -> bool {
        self.message_have >= MESSAGE_HEADER && self.missing() == 0
    }
}

/// Whether a server that has sent `flight` wants another ClientHello. Where that cannot be seen, it may.
pub(super) fn may_retry(flight: &[u8]) -> bool {
    const RANDOM: usize = RECORD_HEADER + MESSAGE_HEADER + 2;
    match flight {
        [] => false,
        [HANDSHAKE_RECORD, _, _, _, _, SERVER_HELLO, ..] => {
            flight.get(RANDOM..RANDOM + RETRY_RANDOM.len()).is_none_or(|random| random == RETRY_RANDOM)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello of 300 bytes in records of `size`, behind a ChangeCipherSpec and a record of early data.
    fn wire(size: usize) -> Vec<u8> {
        let mut message = vec![1, 0, 1, 0x28];
        message.resize(300, 0xaa);
        let mut wire = vec![20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 22, 22];
        for piece in message.chunks(size) {
            wire.extend_from_slice(&[22, 3, 3]);
            wire.extend_from_slice(&u16::try_from(piece.len()).unwrap().to_be_bytes());
            wire.extend_from_slice(piece);
        }
        wire
    }

    #[test]
    fn the_end_is_found_however_the_bytes_come() {
        for size in [1, 2, 3, 4, 5, 100, 299, 300] {
            let whole = wire(size);
            let with_more = [&whole[..], &[22, 3, 3, 0, 1, 7]].concat();
            assert_eq!(HelloScan::default().end(&with_more), Some(whole.len()));
            let mut scan = HelloScan::default();
            for length in 0..whole.len() {
                assert_eq!(scan.end(&whole[..length]), None, "{size} {length}");
            }
            assert_eq!(scan.end(&whole), Some(whole.len()));
            assert_eq!(scan.end(&whole), Some(whole.len()), "asked again");
            // What is in front of the hello was used meanwhile.
            // Somebody else has looked at the beginning, in the middle of a record or not.
            for length in [13, 19, 25] {
                let mut scan = HelloScan::default();
                assert_eq!(scan.end(&whole[..length]), None);
                let (collected, end) = (size.min(299), 13 + RECORD_HEADER + size.min(299));
                let mut header = [0; MESSAGE_HEADER];
                let there = collected.min(MESSAGE_HEADER);
                header[..there].copy_from_slice(&[1, 0, 1, 0x28][..there]);
                if size < 300 {
                    scan.skip(HelloParts { header, collected, end });
                    assert!(end < scan.least() && scan.least() <= whole.len(), "{size}");
                }
                assert_eq!(scan.end(&whole), Some(whole.len()), "{size} {length}");
            }
            let mut scan = HelloScan::default();
            assert_eq!(scan.end(&whole[..20]), None);
            scan.used(13);
            assert_eq!(scan.end(&whole[13..]), Some(whole.len() - 13));
        }
    }

    /// An in-place call looks at records of which the engine is given the rest later, and which are no part of a hello.
    #[test]
    fn what_was_used_before_it_was_looked_at_is_passed_over() {
        let whole = wire(300);
        for (looked, used) in (1..13).flat_map(|looked| [(looked, 6), (looked, 13)]) {
            let mut scan = HelloScan::default();
            assert_eq!(scan.end(&whole[..looked]), None);
            assert_eq!(scan.end(&whole[..used]), None);
            scan.used(used);
            assert_eq!(scan.end(&whole[used..]), Some(whole.len() - used), "{looked} {used}");
        }
    }

    #[test]
    fn a_retry_is_told_from_a_server_hello() {
        let mut flight = vec![22, 3, 3, 0, 88, 2, 0, 0, 84, 3, 3];
        assert!(may_retry(&flight), "cut off");
        flight.extend_from_slice(&RETRY_RANDOM);
        assert!(may_retry(&flight));
        flight[20] ^= 1;
        assert!(!may_retry(&flight));
        assert!(!may_retry(&[21, 3, 3, 0, 2, 2, 40]));
    }
}
