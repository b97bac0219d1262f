//! What comes of a traffic secret of TLS 1.3 (RFC 8446, 7.1 to 7.3 and 7.5), where no engine keeps it.

use aws_lc_rs::digest;
use aws_lc_rs::hkdf::{self, KeyType, Prk};
use zeroize::Zeroizing;

use super::cipher::cipher_of;
use super::secrets::TrafficSecret;

/// The hash of a cipher suite of TLS 1.3, and what is derived by it.
#[derive(Clone, Copy)]
pub(crate) struct Derivation {
    hkdf: hkdf::Algorithm,
    hash: &'static digest::Algorithm,
}

/// How long an output of HKDF is to be.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// In front of every label (RFC 8446, 7.1).
const PREFIX: &[u8] = b"tls13 ";

impl Derivation {
    /// By the IANA number of the suite; None for one of another version.
    pub(crate) fn of(suite: u16) -> Option<Self> {
        match suite {
            0x1301 | 0x1303 => Some(Self { hkdf: hkdf::HKDF_SHA256, hash: &digest::SHA256 }),
            0x1302 => Some(Self { hkdf: hkdf::HKDF_SHA384, hash: &digest::SHA384 }),
            _ => None,
        }
    }

    /// How long its secrets are.
    pub(crate) fn length(self) -> usize {
        self.hash.output_len
    }

    /// HKDF-Expand-Label (RFC 8446, 7.1); None if `output` is longer than it can be.
    fn expand(self, secret: &[u8], label: &[u8], context: &[u8], output: &mut [u8]) -> Option<()> {
        let length = u16::try_from(output.len()).ok()?.to_be_bytes();
        let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
        let context_length = [u8::try_from(context.len()).ok()?];
        let info = [&length[..], &label_length, PREFIX, label, &context_length, context];
        let secret = Prk::new_less_safe(self.hkdf, secret);
        secret.expand(&info, Length(output.len())).ok()?.fill(output).ok()
    }

    /// The traffic secret that follows a KeyUpdate (RFC 8446, 7.2).
    pub(crate) fn next(self, secret: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut next = Zeroizing::new(vec![0; self.length()]);
        self.expand(secret, b"traffic upd", &[], &mut next)?;
        Some(next)
    }

    /// Key and IV of a traffic secret (RFC 8446, 7.3).
    pub(crate) fn keys(self, suite: u16, secret: &[u8], most_records: u64) -> Option<TrafficSecret> {
        let mut key = Zeroizing::new(vec![0; cipher_of(suite)?.algorithm().key_len()]);
        self.expand(secret, b"key", &[], &mut key)?;
        let mut iv = Zeroizing::new([0; TrafficSecret::IV]);
        self.expand(secret, b"iv", &[], &mut *iv)?;
        Some(TrafficSecret { version: 0x0304, suite, key, iv, sequence: 0, most_records })
    }

    /// Fills `output` with keying material (RFC 8446, 7.5).
    pub(crate) fn export(self, secret: &[u8], label: &[u8], context: &[u8], output: &mut [u8]) -> Option<()> {
        let hash = |bytes| digest::digest(self.hash, bytes);
        let mut derived = Zeroizing::new(vec![0; self.length()]);
        self.expand(secret, label, hash(&[]).as_ref(), &mut derived)?;
        self.expand(&derived, b"exporter", hash(context).as_ref(), output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// RFC 8448, section 3: the application traffic secret of the server, and its keys.
    #[test]
    fn keys_are_those_of_the_rfc() {
        let secret = bytes(
            "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43",
        );
        let keys = Derivation::of(0x1301).unwrap().keys(0x1301, &secret, 9).unwrap();
        assert_eq!(*keys.key, bytes("9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56"));
        assert_eq!(keys.iv.to_vec(), bytes("cf 78 2b 88 dd 83 54 9a ad f1 e9 84"));
        assert_eq!((keys.sequence, keys.most_records), (0, 9));
    }

    #[test]
    fn nothing_longer_than_hkdf_can_give_is_derived() {
        for (suite, length) in [(0x1301, 32), (0x1302, 48), (0x1303, 32)] {
            let derivation = Derivation::of(suite).unwrap();
            assert_eq!(derivation.length(), length);
            let secret = vec![1; length];
            let mut output = vec![0; 255 * length + 1];
            assert!(derivation.export(&secret, b"label", b"", &mut output[1..]).is_some());
            assert!(derivation.export(&secret, b"label", b"", &mut output).is_none());
            assert_ne!(*derivation.next(&secret).unwrap(), secret);
        }
        assert!(Derivation::of(0xc02f).is_none());
    }
}
