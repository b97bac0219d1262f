//! Copies of whole records, around a trap of some processors.
//!
//! glibc copies more than 2112 bytes by the instruction `rep movsb` where the processor calls that fast. AMD's do so since Zen 3, and
//! take some thirty times as long for it where the target begins 1 to 15 bytes further in its page than the source (4.7 µs
//! instead of 0.17 for 16 KiB; glibc's bug 30994, mended in later versions). The memory of hosts and that of queues often begin alike
//! in their pages, and the plain bytes of a record lie 5 bytes behind its beginning, so that is met. Shorter pieces are copied by
//! other instructions.

/// Below what is copied by `rep movsb`.
const PIECE: usize = 2048;
const PAGE: usize = 4096;
/// What is so many bytes ahead in its page, or more, is no trap.
const FAR_AHEAD: usize = 16;

/// In pieces of how many bytes `from` is best copied to that address: above 0.
#[inline]
pub(crate) fn piece(from: &[u8], to: usize) -> usize {
    let ahead = to.wrapping_sub(from.as_ptr().addr()) % PAGE;
    let is_trap = cfg!(target_arch = "x86_64") && (1..FAR_AHEAD).contains(&ahead);
    if is_trap { PIECE } else { from.len().max(1) }
}

/// Copies `from` to `to`, which is as long.
#[inline]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) {
    assert_eq!(from.len(), to.len());
    let piece = piece(from, to.as_ptr().addr());
    for (from, to) in from.chunks(piece).zip(to.chunks_mut(piece)) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_the_same_wherever_both_lie() {
        let from: Vec<u8> = (0..3 * PAGE).map(|at| (at * 7 + at / 251) as u8).collect();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PAGE] {
            for start in [0, 5, 17] {
                for ahead in 0..40 {
                    let mut to = vec![0xa5; 4 * PAGE];
                    let apart =
                        (from.as_ptr().addr() + start + ahead).wrapping_sub(to.as_ptr().addr()) % PAGE;
                    copy(&from[start..start + length], &mut to[apart..apart + length]);
                    assert_eq!(to[apart..apart + length], from[start..start + length]);
                    assert!(to[..apart].iter().all(|&byte| byte == 0xa5));
                    assert!(to[apart + length..].iter().all(|&byte| byte == 0xa5));
                }
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn only_what_is_a_little_ahead_in_its_page_goes_in_pieces() {
        let from = [0; 3 * PAGE];
        let begin = from.as_ptr().addr();
        for ahead in 0..PAGE {
            let expected = if (1..16).contains(&ahead) { 2048 } else { from.len() };
            assert_eq!(piece(&from, begin + 7 * PAGE + ahead), expected, "{ahead}");
            assert_eq!(piece(&from, (begin + ahead).wrapping_sub(7 * PAGE)), expected, "{ahead} below");
        }
        assert_eq!(piece(&[], 1), piece(&[], 1).max(1));
    }
}
