//! Sizes of TLS records (RFC 8446, section 5; RFC 5246, section 6.2), and what can be known of a
//! record from its header alone.

use crate::numbers::MAX_PAYLOAD;
pub(crate) use crate::numbers::{HEADER, MAX_PADDING, MAX_PLAIN, MAX_WIRE};

/// Largest growth of one record from plain to wire, over all suites and versions: header, the
/// explicit nonce of TLS 1.2's AES-GCM (8 bytes; TLS 1.3 has one byte of content type instead), tag.
pub(crate) const MAX_GROWTH: usize = HEADER + 8 + TAG;

/// Length of the tag, in all suites.
pub(crate) const TAG: usize = 16;

/// Length of a KeyUpdate message.
pub(crate) const KEY_UPDATE: usize = 5;

/// Room for a KeyUpdate in each direction, which the engine may put in front of application data.
pub(crate) const KEY_UPDATES: usize = 64;

/// Whether the engine has anything to say about `wire`: a whole record is there, or a header that
/// it will refuse. A cheap look that spares an engine call for every partial record.
pub(crate) fn worth_processing(wire: &[u8]) -> bool {
    match *wire {
        [] => false,
        [kind, ..] if !(20..=24).contains(&kind) => true,
        [_, major, ..] if major != 3 => true,
        [_, _, _, high, low, ref payload @ ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            payload.len() >= length || length > MAX_PAYLOAD
        }
        _ => false,
    }
}

/// How long the record at the front of `wire` is, header included; none if that is not whole.
pub(crate) fn record_length(wire: &[u8]) -> Option<usize> {
    match *wire {
        [_, 3, _, high, low, ref payload @ ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            (payload.len() >= length).then_some(HEADER + length)
        }
        _ => None,
    }
}

/// How many bytes at the front of `wire` are whole records.
pub(crate) fn whole_records(wire: &[u8]) -> usize {
    let mut end = 0;
    while let Some(length) = record_length(&wire[end..]) {
        end += length;
    }
    end
}

/// How many bytes the record at the front of `wire` lacks: of its header first. 0 for one that is whole, or none.
pub(crate) fn missing(wire: &[u8]) -> usize {
    match *wire {
        _ if worth_processing(wire) => 0,
        [_, _, _, high, low, ref payload @ ..] => {
            usize::from(u16::from_be_bytes([high, low])) - payload.len()
        }
        _ => HEADER - wire.len(),
    }
}

/// How many records the engine makes of `plain` bytes, if nobody has a say.
pub(crate) fn full_records(plain: usize) -> u64 {
    plain.div_ceil(MAX_PLAIN) as u64
}

/// No record begins so, whatever is in front of it.
pub(crate) const NO_RECORD: u8 = 0xff;

/// Bytes that are no record, in place of `held` ones of which some may be the front of one, and behind them: long enough
/// for a header. Whoever goes on with them finds out.
pub(crate) fn no_record(held: usize) -> Vec<u8> {
    vec![NO_RECORD; held + HEADER]
}

#[cfg(test)]
mod tests {
    use super::*;

    //
    #[test]
    fn what_a_record_lacks_is_its_header_and_then_the_rest() {
        assert_eq!([&[][..], &[23], &[23, 3, 3, 0]].map(missing), [5, 4, 1]);
        assert_eq!(missing(&[23, 3, 3, 1, 2]), 258);
        assert_eq!(missing(&[23, 3, 3, 0, 2, 9]), 1);
        assert_eq!(missing(&[23, 3, 3, 0, 2, 9, 9, 23]), 0);
        assert_eq!(missing(b"GET"), 0);
    }

    //
    #[test]
    fn whole_records_end_where_one_is_not_whole() {
        for partial in [&[][..], &[23], &[22, 3, 3, 0], &[22, 3, 3, 0, 2, 9], b"GET / HTTP"] {
            assert_eq!(whole_records(partial), 0);
            let wire = [&[22, 3, 1, 0, 2, 9, 9, 23, 3, 3, 0, 0], partial].concat();
            assert_eq!(whole_records(&wire), 12);
        }
    }

    #[test]
    fn partial_records_are_not_worth_processing() {
        assert!(!worth_processing(&[]));
        assert!(!worth_processing(&[23, 3, 3, 0]));
        assert!(!worth_processing(&[23, 3, 3, 0, 2, 9]));
        assert!(worth_processing(&[23, 3, 3, 0, 2, 9, 9]));
        assert!(worth_processing(b"GET"));
        assert!(worth_processing(&[22, 9]));
        assert!(worth_processing(&[23, 3, 3, 0xff, 0xff]));
    }
}
