//! Copies of whole records, around a trap of some processors.
//!
//! glibc copies more than 2112 bytes by the instruction `rep movsb` where the processor calls that fast. AMD's do so since Zen 3, and
//! take some thirty times as long for it where the target begins 1 to 15 bytes further in its page than the source (4.7 µs
//! instead of 0.17 for 16 KiB; glibc's bug 30994, mended in later versions). The memory of hosts and that of queues often begin alike
//! in their pages, and the plain bytes of a record lie 5 bytes behind its beginning, so that is met. Shorter pieces are copied by
//! other instructions.

/// What is copied by other instructions.
pub(crate) const PIECE: usize = 2048;
const PAGE: usize = 4096;
/// What is so many bytes ahead in its page, or more, is no trap.
const FAR_AHEAD: usize = 16;

/// Whether `from` is better copied to that address piece by piece.
#[inline]
pub(crate) fn is_trap(from: &[u8], to: usize) -> bool {
    let ahead = to.wrapping_sub(from.as_ptr().addr()) % PAGE;
    cfg!(target_arch = "x86_64") && from.len() > PIECE && (1..FAR_AHEAD).contains(&ahead)
}

/// Copies `from` to `to`, which is as long.
#[inline]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) {
    if is_trap(from, to.as_ptr().addr()) {
        assert_eq!(from.len(), to.len());
        from.chunks(PIECE).zip(to.chunks_mut(PIECE)).for_each(|(from, to)| to.copy_from_slice(from));
    } else {
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
    fn only_what_is_long_and_a_little_ahead_in_its_page_goes_in_pieces() {
        let from = [0; 2049];
        let begin = from.as_ptr().addr();
        for ahead in 0..PAGE {
            for to in [begin + 7 * PAGE + ahead, (begin + ahead).wrapping_sub(7 * PAGE)] {
                assert_eq!(is_trap(&from, to), (1..16).contains(&ahead), "{ahead}");
                assert!(!is_trap(&from[..2048], to), "{ahead}");
            }
        }
    }
}
