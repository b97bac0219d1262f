//! Hashes over what the engine does not hash itself.

use std::hash::Hasher;

use aws_lc_rs::digest;

use crate::parse::signature_hash::Hash;

/// The hash of `bytes`.
pub(crate) fn digest(hash: Hash, bytes: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha224 => &digest::SHA224,
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
        Hash::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// SHA-256 of what is hashed, for settings that are long and hashed often.
pub(super) fn digest_of(settings: impl std::hash::Hash) -> [u8; 32] {
    let mut hasher = Sha256(digest::Context::new(&digest::SHA256));
    settings.hash(&mut hasher);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hasher.0.finish().as_ref());
    bytes
}

struct Sha256(digest::Context);

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.clone().finish().as_ref().iter().take(8).fold(0, |bits, &byte| bits << 8 | u64::from(byte))
    }
}
