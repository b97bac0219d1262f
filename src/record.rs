//! Sizes of TLS records (RFC 8446, section 5; RFC 5246, section 6.2), and what can be known of a
//! record from its header alone.

use crate::sizing::ENGINES_OWN;

/// Plain bytes that fit into one record.
pub(crate) const MAX_PLAIN: usize = 16_384;

/// Length of a record header.
pub(crate) const HEADER: usize = 5;

/// Largest payload that the engine accepts: 2048 bytes of expansion, as TLS 1.2 allowed, less the
/// one that it refuses.
const MAX_PAYLOAD: usize = MAX_PLAIN + 2048 - 1;

/// Largest whole record that the engine accepts.
pub(crate) const MAX_WIRE: usize = HEADER + MAX_PAYLOAD;

/// Largest growth of one record from plain to wire, over all suites and versions: header, the
/// explicit nonce of TLS 1.2's AES-GCM (8 bytes; TLS 1.3 has one byte of content type instead), tag.
pub(crate) const MAX_GROWTH: usize = HEADER + 8 + TAG;

/// Length of the tag, in all suites.
pub(crate) const TAG: usize = 16;

/// Wire bytes of a record that the engine has filled, at most.
const FULL_WIRE: usize = MAX_PLAIN + MAX_GROWTH;

/// Length of a KeyUpdate message.
pub(crate) const KEY_UPDATE: usize = 5;

/// Room for a KeyUpdate in each direction, which the engine may put in front of application data.
pub(crate) const KEY_UPDATES: usize = 64;

/// The largest multiple that records can be padded to: RFC 8446, section 5.4, allows one byte more.
pub(crate) const MAX_PADDING: usize = MAX_PLAIN;

/// A buffer of this size holds the wire form of `plain` bytes as the engine cuts them, whatever was negotiated.
pub(crate) const fn wire_bound(plain: usize) -> usize {
    ENGINES_OWN.wire(plain)
}

/// Room that the engine reserves in the outbound queue for `plain` bytes: it sizes all records like
/// the first one.
pub(crate) const fn reserve_bound(plain: usize) -> usize {
    if plain <= MAX_PLAIN { wire_bound(plain) } else { plain.div_ceil(MAX_PLAIN) * FULL_WIRE + KEY_UPDATES }
}

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

/// How many of the records in `sealed` carry application data, which is `plain` bytes in all.
///
/// In TLS 1.3 a KeyUpdate looks like any other record from outside. It has 5 bytes, and every record grows by
/// 17: what all of them have beyond that tells how many there are. In TLS 1.2, where there are none, a
/// record grows by 16 bytes, or by 24.
pub(crate) fn plain_records(sealed: &[u8], plain: usize) -> u64 {
    const TLS13_GROWTH: usize = 17;
    const TLS12_GROWTH: usize = 24;
    const KEY_UPDATE: usize = 5;
    let (mut records, mut payload, mut rest) = (0, 0, sealed);
    while let [_, _, _, high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        records += 1;
        payload += length;
        rest = behind.get(length..).unwrap_or_default();
    }
    let grown = payload.saturating_sub(plain);
    let others = match grown.saturating_sub(records * TLS13_GROWTH) {
        _ if grown == records * TLS12_GROWTH => 0,
        beyond => beyond / KEY_UPDATE,
    };
    (records - others.min(records)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records with these payloads.
    fn records(payloads: &[usize]) -> Vec<u8> {
        let record = |&length: &usize| {
            let header = [23, 3, 3, (length >> 8) as u8, length as u8];
            header.into_iter().chain(std::iter::repeat_n(0, length)).collect::<Vec<_>>()
        };
        payloads.iter().flat_map(record).collect()
    }

    #[test]
    fn records_of_plain_bytes_are_told_from_key_updates() {
        for growth in [16, 17, 24] {
            for plain in [&[1][..], &[5], &[16_360, 16_360, 7], &[5, 5, 5, 5, 5, 5]] {
                let sealed = records(&plain.iter().map(|plain| plain + growth).collect::<Vec<_>>());
                assert_eq!(
                    plain_records(&sealed, plain.iter().sum()),
                    plain.len() as u64,
                    "{growth} {plain:?}"
                );
            }
        }
        for plain in [&[1][..], &[5], &[16_360, 16_360, 7], &[5; 8], &[5; 60]] {
            let mut payloads: Vec<_> = plain.iter().map(|plain| plain + 17).collect();
            for place in [0, plain.len() / 2] {
                payloads.insert(place, 5 + 17);
                let sealed = records(&payloads);
                assert_eq!(plain_records(&sealed, plain.iter().sum()), plain.len() as u64, "{plain:?}");
            }
        }
        assert_eq!(plain_records(&[], 0), 0);
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
