//! A connection that moves is sealed under a key of the host's, and opened.
//!
//! What seals is a key that is derived from the host's, and another one that is derived from it tells keys apart: so a
//! wrong key is no riddle, and nobody learns anything of either by it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::numbers::{MOVE_ID, MOVE_KEY};
use crate::parse::blob::{self, Blob, CHECK, Flaw, GROWTH, HEADER, NONCE};
use crate::status::{
    TLS_ERR_CONFIG, TLS_ERR_INTERNAL, TLS_ERR_LIMIT, TLS_REASON_BLOB_ALTERED, TLS_REASON_BLOB_CUT_OFF,
    TLS_REASON_BLOB_FOREIGN, TLS_REASON_BLOB_NEWER, TLS_REASON_BLOB_OTHER_KEY, TLS_REASON_RANDOM,
};

/// What the derived keys are for. They stay as they are: older blobs are opened by them.
const SEAL: &[u8] = b"tlsbio moved connection: seal";
const TELL: &[u8] = b"tlsbio moved connection: tell keys apart";

struct Keys {
    seal: RandomizedNonceKey,
    check: [u8; CHECK],
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Keys {
    fn of(key: &[u8; MOVE_KEY]) -> Result<Self, Failure> {
        let none = |_| Failure::unexpected("no key comes of the host's");
        let secret = Prk::new_less_safe(HKDF_SHA256, key);
        let derive = |label: &[u8], output: &mut [u8]| {
            secret.expand(&[label], Length(output.len())).and_then(|okm| okm.fill(output)).map_err(none)
        };
        let mut seal = Zeroizing::new([0; MOVE_KEY]);
        derive(SEAL, &mut *seal)?;
        let mut check = [0; CHECK];
        derive(TELL, &mut check)?;
        Ok(Self { seal: RandomizedNonceKey::new(&AES_256_GCM, &*seal).map_err(none)?, check })
    }
}

/// What tells a connection from all others, from its first move on.
pub(crate) fn fresh_id() -> Result<[u8; MOVE_ID], Failure> {
    let mut id = [0; MOVE_ID];
    let none = |_| Failure::new(TLS_ERR_INTERNAL, TLS_REASON_RANDOM, "the system gave no random bytes");
    rand::fill(&mut id).map_err(none)?;
    Ok(id)
}

/// How long a blob is in which so many bytes are sealed.
pub(crate) fn sealed_length(length: usize) -> usize {
    length + GROWTH
}

/// Seals what `fill` appends, `length` bytes.
pub(crate) fn seal(
    key: &[u8; MOVE_KEY],
    length: usize,
    fill: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unsealed = || Failure::unexpected("a connection that moves was not sealed");
    let Keys { seal, check } = Keys::of(key)?;
    let header = blob::header(length, check).ok_or_else(too_long)?;
    // At once as long as it gets. It is wiped if it is not sealed.
    let mut blob = Zeroizing::new(Vec::with_capacity(sealed_length(length)));
    blob.extend_from_slice(&header);
    blob.extend_from_slice(&[0; NONCE]);
    let start = blob.len();
    fill(&mut blob).filter(|()| blob.len() == start + length).ok_or_else(unsealed)?;
    let sealed = seal.seal_in_place_separate_tag(Aad::from(header), &mut blob[start..]);
    let (nonce, tag) = sealed.map_err(|_| unsealed())?;
    blob[HEADER..start].copy_from_slice(nonce.as_ref());
    blob.extend_from_slice(tag.as_ref());
    Ok(blob)
}

/// What is sealed in `blob`.
pub(crate) fn open(key: &[u8; MOVE_KEY], blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let Blob { header, check, nonce, sealed, form: _ } = blob::read(blob).map_err(explain)?;
    let keys = Keys::of(key)?;
    if *check != keys.check {
        let why = "the connection was sealed under another key (tls_conn_export), or its front was altered";
        return Err(Failure::new(TLS_ERR_CONFIG, TLS_REASON_BLOB_OTHER_KEY, why));
    }
    let mut opened = Zeroizing::new(sealed.to_vec());
    let length = keys
        .seal
        .open_in_place(Nonce::from(nonce), Aad::from(*header), &mut opened)
        .map(|plain| plain.len())
        .map_err(|_| {
            let why = "the sealed connection was altered after tls_conn_export() made it";
            Failure::new(TLS_ERR_CONFIG, TLS_REASON_BLOB_ALTERED, why)
        })?;
    opened.truncate(length);
    Ok(opened)
}

fn explain(flaw: Flaw) -> Failure {
    let (reason, why) = match flaw {
        Flaw::Foreign => (TLS_REASON_BLOB_FOREIGN, "the bytes are no sealed connection (tls_conn_export)"),
        Flaw::Length => {
            let why = "the sealed connection is cut off, or bytes follow its end: hand over what tls_conn_export() \
                       answered, and no more";
            (TLS_REASON_BLOB_CUT_OFF, why)
        }
        Flaw::Later => {
            let why = "the sealed connection is of a newer form, which a later version of this library wrote";
            (TLS_REASON_BLOB_NEWER, why)
        }
    };
    Failure::new(TLS_ERR_CONFIG, reason, why)
}

fn too_long() -> Failure {
    Failure::new(TLS_ERR_LIMIT, 0, "the connection holds more bytes than can move: read and drain first")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; MOVE_KEY] = [7; MOVE_KEY];

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let fill = |out: &mut Vec<u8>| {
            out.extend_from_slice(bytes);
            Some(())
        };
        seal(&KEY, bytes.len(), fill).unwrap().to_vec()
    }

    fn reason(key: &[u8; MOVE_KEY], blob: &[u8]) -> i32 {
        open(key, blob).unwrap_err().reason
    }

    #[test]
    fn what_is_sealed_opens_and_no_two_are_the_same() {
        let [one, other] = [sealed(b"secret"), sealed(b"secret")];
        assert_ne!(one, other);
        assert_eq!(one.len(), sealed_length(6));
        assert!(!one.windows(6).any(|bytes| bytes == b"secret"));
        for blob in [one, other] {
            assert_eq!(**open(&KEY, &blob).unwrap(), *b"secret");
        }
        assert_eq!(**open(&KEY, &sealed(b"")).unwrap(), *b"");
    }

    #[test]
    fn every_alteration_has_its_reason() {
        let blob = sealed(b"secret");
        for at in 0..blob.len() {
            for bit in 0..8 {
                let mut altered = blob.clone();
                altered[at] ^= 1 << bit;
                let expected = match at {
                    0..8 => TLS_REASON_BLOB_FOREIGN,
                    // Form 0 never was.
                    9 if bit == 0 => TLS_REASON_BLOB_FOREIGN,
                    8..10 => TLS_REASON_BLOB_NEWER,
                    10..14 => TLS_REASON_BLOB_CUT_OFF,
                    14..22 => TLS_REASON_BLOB_OTHER_KEY,
                    _ => TLS_REASON_BLOB_ALTERED,
                };
                assert_eq!(reason(&KEY, &altered), expected, "{at}, {bit}");
            }
            let expected = if at == 0 { TLS_REASON_BLOB_FOREIGN } else { TLS_REASON_BLOB_CUT_OFF };
            assert_eq!(reason(&KEY, &blob[..at]), expected, "{at}");
        }
        assert_eq!(reason(&[8; MOVE_KEY], &blob), TLS_REASON_BLOB_OTHER_KEY);
    }
}
