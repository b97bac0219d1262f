//! Flights of a handshake in records of the size that was set.

use crate::engine::cut;
use crate::record::layout::{HEADER, MAX_PLAIN};

/// Content type of handshake messages (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

/// Runs the engine in a handshake, so that no record that it appends to `out` has more than `most` plain bytes.
pub(super) fn in_records<R>(most: usize, out: &mut Vec<u8>, run: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    if most == MAX_PLAIN {
        return run(out);
    }
    let from = out.len();
    let result = cut(most, || run(out));
    cut_plain(out, from, most);
    result
}

/// Cuts the records behind `from` that nothing encrypts: those that are encrypted were cut by the engine. A Finished of
/// TLS 1.2 has the same type and is encrypted, but is shorter than any size that can be set.
fn cut_plain(out: &mut Vec<u8>, from: usize, most: usize) {
    let flight = out.split_off(from);
    let mut rest = &flight[..];
    while let Some((&[kind, major, minor, high, low], more)) = rest.split_first_chunk::<HEADER>() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(more.len());
        let (payload, after) = more.split_at(length);
        let piece = if kind == HANDSHAKE { most } else { MAX_WIRE };
        for part in payload.chunks(piece) {
            let [high, low] = (part.len() as u16).to_be_bytes();
            out.extend_from_slice(&[kind, major, minor, high, low]);
            out.extend_from_slice(part);
        }
        rest = after;
    }
}

/// Longer than what is behind any header.
const MAX_WIRE: usize = 1 << 16;
