//! rustls's count of handshake messages, where a peer does nothing but answer our KeyUpdates.
//!
//! rustls ends a connection on which the 33rd handshake message follows the others without application data, whoever
//! has asked for it. Data would have it count anew: so a record without a byte of it is put in between, as if the peer
//! had sent one. It is no record of the peer's, and nobody else can make it: it holds a secret of this process.
//! Decrypters know it that were made under [`Wish::SkipOurs`]; they count the peer's records
//! without it. How often this is done is bounded by how often this side has asked.

use std::cell::Cell;

use rustls::crypto::cipher::{InboundOpaque, OutboundPlain, Record, RecordDecrypter};
use rustls::enums::ContentType;
use rustls::error::Error;

use super::retold::PROCESS;
use crate::record::layout::HEADER;

/// A KeyUpdate that asks for one (RFC 8446, 4.6.3).
const REQUEST: [u8; 5] = [24, 0, 0, 1, 1];

/// What is wanted of the decrypters that are made meanwhile.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    #[default]
    Nothing,
    /// To know that there was one.
    Watch,
    /// That they know the record of ours.
    SkipOurs,
}

thread_local! {
    static REQUESTS: Cell<u32> = const { Cell::new(0) };
    static WISH: Cell<Wish> = const { Cell::new(Wish::Nothing) };
    static MADE: Cell<bool> = const { Cell::new(false) };
}

/// Runs the engine as it writes, and says how many KeyUpdates it asked for.
pub(crate) fn count_requests<R>(run: impl FnOnce() -> R) -> (R, u32) {
    REQUESTS.set(0);
    let result = run();
    (result, REQUESTS.take())
}

/// Runs the engine as it reads, and says whether it has made a decrypter.
pub(crate) fn with_decrypters<R>(wish: Wish, run: impl FnOnce() -> R) -> (R, bool) {
    /// Also after a panic: the thread goes on with other connections.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            WISH.set(Wish::Nothing);
        }
    }
    if wish == Wish::Nothing {
        return (run(), false);
    }
    let _over = Over;
    WISH.set(wish);
    MADE.set(false);
    let result = run();
    (result, MADE.get())
}

/// The record of ours, as it stands on the wire.
pub(crate) fn empty_record() -> Vec<u8> {
    let mut record = vec![23, 3, 3, 0, PROCESS.len() as u8];
    debug_assert_eq!(record.len(), HEADER);
    record.extend_from_slice(&*PROCESS);
    record
}

pub(super) fn look_at(record: &Record<OutboundPlain<'_>>) {
    if record.typ == ContentType::Handshake {
        if let OutboundPlain::Single(message) = record.payload {
            if message == REQUEST {
                REQUESTS.set(REQUESTS.get().saturating_add(1));
            }
        }
    }
}

pub(super) fn decrypter(decrypter: Box<dyn RecordDecrypter>) -> Box<dyn RecordDecrypter> {
    match WISH.get() {
        Wish::Nothing => return decrypter,
        Wish::Watch => {}
        Wish::SkipOurs => {
            MADE.set(true);
            return Box::new(SkippingDecrypter { decrypter, ours: 0 });
        }
    }
    MADE.set(true);
    decrypter
}

struct SkippingDecrypter {
    decrypter: Box<dyn RecordDecrypter>,
    /// Records of ours, which the peer does not count.
    ours: u64,
}

impl RecordDecrypter for SkippingDecrypter {
    fn decrypt<'a>(
        &mut self,
        record: Record<InboundOpaque<'a>>,
        seq: u64,
    ) -> Result<Record<&'a [u8]>, Error> {
        if *record.payload == *PROCESS {
            self.ours += 1;
            let InboundOpaque(payload) = record.payload;
            return Ok(Record::new(ContentType::ApplicationData, record.version, &payload[..0]));
        }
        self.decrypter.decrypt(record, seq.saturating_sub(self.ours))
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::cipher::EncodableVersion;
    use rustls::enums::ProtocolVersion;

    use super::*;

    #[test]
    fn what_others_asked_for_before_does_not_count() {
        let ask = || {
            let version = EncodableVersion::Legacy(ProtocolVersion::TLSv1_2);
            look_at(&Record::new(ContentType::Handshake, version, OutboundPlain::Single(&REQUEST)));
        };
        ask();
        assert_eq!(count_requests(|| ()).1, 0);
        assert_eq!(count_requests(ask).1, 1);
        assert_eq!(count_requests(|| ()).1, 0);
    }
}
