//! Hashes over what the engine does not hash itself.

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
