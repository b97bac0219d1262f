//! What protects records.

use zeroize::Zeroizing;

/// What protects the records of one direction. Wiped when dropped.
pub(crate) struct TrafficSecret {
    /// IANA numbers.
    pub version: u16,
    pub suite: u16,
    pub key: Zeroizing<Vec<u8>>,
    pub iv: Zeroizing<[u8; Self::IV]>,
    /// Of the next record.
    pub sequence: u64,
    /// How many records may be sealed under this key.
    pub most_records: u64,
}

/// The first half of an AES-GCM nonce of TLS 1.2; the other half stands in the record (RFC 5288, 3).
const SALT: usize = 4;

const TLS12: u16 = 0x0303;

/// ChaCha20-Poly1305 in TLS 1.2 (RFC 7905), whose nonces are counted as in TLS 1.3.
const CHACHA20_POLY1305: [u16; 2] = [0xcca8, 0xcca9];

impl TrafficSecret {
    pub(crate) const IV: usize = 12;

    /// Moves the explicit nonces of AES-GCM in TLS 1.2 to where none was used.
    ///
    /// Those of the records up to now were made from a starting point and the sequence number, by exclusive or. A kernel
    /// counts upwards from what it is given: from the same starting point it would soon use a nonce for the second
    /// time, which gives the key away. With the top bit changed it counts through the other half of all numbers.
    pub(crate) fn leave_used_nonces(&mut self) {
        if self.version == TLS12 && !CHACHA20_POLY1305.contains(&self.suite) {
            self.iv[SALT] ^= 0x80;
        }
    }
}

/// Those of both directions.
pub(crate) struct TrafficSecrets {
    pub receive: TrafficSecret,
    pub send: TrafficSecret,
}

#[cfg(test)]
mod tests {
    use super::*;

    //
    #[test]
    fn counting_from_the_new_start_meets_no_nonce_that_was_used() {
        for start in [0_u64, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 0x0123_4567_89ab_cdef] {
            let mut iv = Zeroizing::new([7; TrafficSecret::IV]);
            iv[SALT..].copy_from_slice(&start.to_be_bytes());
            let mut secret = TrafficSecret {
                version: 0x0303,
                suite: 0xc02f,
                key: Zeroizing::default(),
                iv,
                sequence: 0,
                most_records: 1 << 24,
            };
            secret.leave_used_nonces();
            assert_eq!(secret.iv[..SALT], [7; SALT]);
            let first = u64::from_be_bytes(secret.iv[SALT..].try_into().unwrap());
            // Used ones agree with the start but for the low 32 bits; 2^40 records are far from them.
            for counted in [0, 1, 0xffff_ffff, 1 << 32, 1 << 40] {
                assert_ne!(first.wrapping_add(counted) >> 32, start >> 32);
            }
        }
    }
}
