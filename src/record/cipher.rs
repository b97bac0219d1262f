//! What protects the records of one direction, while its key is not expanded.

use aws_lc_rs::aead;
use zeroize::{Zeroize, Zeroizing};

use super::fault::Fault;
use super::layout::{HEADER, TAG};
use super::secrets::TrafficSecret;
use super::traffic::KeySchedule;
use crate::failure::Failure;
use crate::parse::moved::Direction;

/// Length of an IV, and of a nonce (RFC 5116, 5).
pub(super) const IV: usize = 12;

/// The first part of an AES-GCM nonce of TLS 1.2; the other part stands in the record (RFC 5288, 3).
const SALT: usize = 4;

/// The part that stands in the record.
pub(super) const EXPLICIT: usize = IV - SALT;

const MOST_KEY: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

impl Cipher {
    pub(super) fn algorithm(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes128Gcm => &aead::AES_128_GCM,
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }
}

/// How a record's nonce and additional data are made, and what is inside of its encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 8446, 5.2 and 5.3.
    Tls13,
    /// RFC 5288.
    Tls12Gcm,
    /// RFC 7905.
    Tls12ChaCha,
}

impl Form {
    /// Bytes that a record has on the wire beside its plain bytes and its padding.
    pub(super) fn growth(self) -> usize {
        HEADER
            + TAG
            + match self {
                Self::Tls13 => 1,
                Self::Tls12Gcm => EXPLICIT,
                Self::Tls12ChaCha => 0,
            }
    }
}

/// Key, IV and where the count of records stands. Wiped when dropped.
pub(crate) struct Secret {
    key: [u8; MOST_KEY],
    pub(super) iv: [u8; IV],
    /// Of the next record.
    pub(super) sequence: u64,
    /// How many records may be sealed with this key.
    pub(super) most_records: u64,
    suite: u16,
    pub(super) cipher: Cipher,
    pub(super) form: Form,
}

/// By the IANA number of a cipher suite.
fn suite(number: u16) -> Option<(Cipher, Form)> {
    Some(match number {
        0x1301 => (Cipher::Aes128Gcm, Form::Tls13),
        0x1302 => (Cipher::Aes256Gcm, Form::Tls13),
        0x1303 => (Cipher::ChaCha20Poly1305, Form::Tls13),
        // ECDHE with ECDSA and with RSA (RFC 5289, RFC 7905).
        0xc02b | 0xc02f => (Cipher::Aes128Gcm, Form::Tls12Gcm),
        0xc02c | 0xc030 => (Cipher::Aes256Gcm, Form::Tls12Gcm),
        0xcca8 | 0xcca9 => (Cipher::ChaCha20Poly1305, Form::Tls12ChaCha),
        _ => return None,
    })
}

/// What seals the records of a suite, by its IANA number.
pub(super) fn cipher_of(number: u16) -> Option<Cipher> {
    suite(number).map(|(cipher, _)| cipher)
}

impl Secret {
    /// None if the suite is not known here, or the key is not as long as its keys are.
    pub(crate) fn of(given: &TrafficSecret) -> Option<Self> {
        let (cipher, form) = suite(given.suite)?;
        if given.key.len() != cipher.algorithm().key_len() {
            return None;
        }
        let mut secret = Self {
            key: [0; MOST_KEY],
            iv: *given.iv,
            sequence: given.sequence,
            most_records: given.most_records,
            suite: given.suite,
            cipher,
            form,
        };
        secret.key[..given.key.len()].copy_from_slice(&given.key);
        Some(secret)
    }

    /// The one of a direction that follows a KeyUpdate.
    pub(super) fn next(schedule: &mut dyn KeySchedule, inbound: bool) -> Result<Self, Failure> {
        let next = schedule.next_secret(inbound)?;
        next.and_then(|next| Self::of(&next)).ok_or_else(|| schedule.explain(Fault::NoKey))
    }

    /// The same in the words of who is given it.
    pub(crate) fn give(&self) -> TrafficSecret {
        TrafficSecret {
            version: if self.form == Form::Tls13 { 0x0304 } else { 0x0303 },
            suite: self.suite,
            key: Zeroizing::new(self.key().to_vec()),
            iv: Zeroizing::new(self.iv),
            sequence: self.sequence,
            most_records: self.most_records,
        }
    }

    /// The same in a connection that moves, where TLS 1.3 has the secret that key and IV come from.
    pub(super) fn direction(&self) -> Direction<'_> {
        let (key, iv): (&[u8], &[u8]) =
            if self.form == Form::Tls13 { (&[], &[]) } else { (self.key(), &self.iv) };
        Direction { secret: &[], key, iv, sequence: self.sequence, most_records: self.most_records }
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.cipher.algorithm().key_len()]
    }

    /// IV and sequence number, by exclusive or (RFC 8446, 5.3). Of AES-GCM in TLS 1.2 the last 8 bytes may be any that
    /// were not used with this key: this way they begin where nobody can guess.
    #[inline]
    pub(super) fn nonce(&self) -> [u8; IV] {
        let mut counted = [0; EXPLICIT];
        counted.copy_from_slice(&self.iv[SALT..]);
        self.explicit_nonce(&(u64::from_be_bytes(counted) ^ self.sequence).to_be_bytes())
    }

    /// That of a record whose own part is `explicit`.
    #[inline]
    pub(super) fn explicit_nonce(&self, explicit: &[u8; EXPLICIT]) -> [u8; IV] {
        let mut nonce = self.iv;
        nonce[SALT..].copy_from_slice(explicit);
        nonce
    }

    /// The additional data of TLS 1.2 (RFC 5246, 6.2.3.3): `start` is the type and version in the record's header.
    #[inline]
    pub(super) fn additional_data(&self, start: [u8; 3], plain: usize) -> [u8; 13] {
        let mut data = [0; 13];
        data[..8].copy_from_slice(&self.sequence.to_be_bytes());
        data[8..11].copy_from_slice(&start);
        data[11..].copy_from_slice(&(plain as u16).to_be_bytes());
        data
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}
