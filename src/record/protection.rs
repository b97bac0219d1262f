//! A direction with its key, and one record opened.

use std::alloc::{Layout, handle_alloc_error};
use std::ops::Range;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize;

use super::awake;
use super::cipher::{EXPLICIT, Form, Secret};
use super::content::{APPLICATION_DATA, CHANGE_CIPHER_SPEC};
use super::fault::Fault;
use super::layout::{HEADER, KEY_UPDATE, MAX_PLAIN, TAG};
use super::traffic::PlainMemory;
use crate::uninitialised;

/// The version that stands in every record (RFC 8446, 5.1).
pub(super) const VERSION: [u8; 2] = [3, 3];

/// Sequence numbers never wrap (RFC 8446, 5.3): that far from it, there is still one for an alert.
pub(super) const SOFT_LIMIT: u64 = u64::MAX - 0xffff;
pub(super) const HARD_LIMIT: u64 = u64::MAX - 1;

/// What an expanded key takes of malloc, in bytes.
const EXPANDED: usize = 592;

/// What seals or opens the records of a direction. Its key is expanded while it is used, and not while it rests.
pub(crate) struct Protection {
    pub(super) secret: Secret,
    pub(super) key: Option<LessSafeKey>,
    #[cfg(test)]
    pub(super) nonces: super::nonces::Nonces,
}

/// Where the plain bytes of a record lie in it, and what they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub kind: u8,
    pub plain: Range<usize>,
}

/// The key was used as often as it can be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Protection {
    pub(crate) fn new(secret: Secret) -> Self {
        Self {
            secret,
            key: None,
            #[cfg(test)]
            nonces: Default::default(),
        }
    }

    /// Lets the expanded key go, which is wiped; the next record brings it back.
    pub(super) fn rest(&mut self) {
        self.key = None;
    }

    #[cfg(test)]
    pub(super) fn is_at_rest(&self) -> bool {
        self.key.is_none()
    }

    pub(crate) fn into_secret(self) -> Secret {
        self.secret
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.secret.form == Form::Tls13
    }

    /// Opens a whole record where it lies. Of one that does not authenticate no plain byte is left.
    #[inline(always)]
    pub(crate) fn open(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        let Self { secret, key, .. } = self;
        if secret.sequence >= HARD_LIMIT {
            return Err(Fault::Decrypt);
        }
        let key = expanded(key, secret);
        let (header, body) = record.split_first_chunk_mut::<HEADER>().ok_or(Fault::Decrypt)?;
        let opened = match secret.form {
            Form::Tls13 => {
                let (inner, tag) = split_tag(body)?;
                let nonce = Nonce::assume_unique_for_key(secret.nonce());
                key.open_in_place_separate_tag(nonce, Aad::from(*header), tag, inner)
                    .map_err(|_| Fault::Decrypt)?;
                inner_plaintext(header[0], inner)?
            }
            form => {
                let explicit = if form == Form::Tls12Gcm { EXPLICIT } else { 0 };
                let (own_nonce, sealed) = body.split_at_mut_checked(explicit).ok_or(Fault::Decrypt)?;
                let (inner, tag) = split_tag(sealed)?;
                let nonce = match own_nonce.first_chunk() {
                    Some(part) => secret.explicit_nonce(part),
                    None => secret.nonce(),
                };
                let data = secret.additional_data([header[0], header[1], header[2]], inner.len());
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_in_place_separate_tag(nonce, Aad::from(data), tag, inner)
                    .map_err(|_| Fault::Decrypt)?;
                if inner.len() > MAX_PLAIN {
                    return Err(Fault::Oversized);
                }
                let start = HEADER + explicit;
                Opened { kind: header[0], plain: start..start + inner.len() }
            }
        };
        secret.sequence += 1;
        Ok(opened)
    }

    /// Opens a whole record of application data into `memory`: how many plain bytes it has. Of any other, of one that does
    /// not authenticate, is not as it should be or does not fit, nothing is left there, and the record counts as not seen.
    #[inline]
    pub(crate) fn open_into(&mut self, record: &[u8], memory: &mut dyn PlainMemory) -> Option<usize> {
        let Self { secret, key, .. } = self;
        let (header, body) = record.split_first_chunk::<HEADER>()?;
        if header[0] != APPLICATION_DATA || secret.sequence >= HARD_LIMIT {
            return None;
        }
        let explicit = if secret.form == Form::Tls12Gcm { EXPLICIT } else { 0 };
        let (own_nonce, sealed) = body.split_at_checked(explicit)?;
        let (sealed, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let is_tls13 = secret.form == Form::Tls13;
        let most = if is_tls13 { MAX_PLAIN + 1 } else { MAX_PLAIN };
        // So short are alerts and KeyUpdates, which would overwrite what is not theirs.
        if sealed.len() <= KEY_UPDATE + 1 || sealed.len() > most {
            return None;
        }
        let nonce = match own_nonce.first_chunk() {
            Some(part) => secret.explicit_nonce(part),
            None => secret.nonce(),
        };
        let place = memory.next(sealed.len())?;
        let key = expanded(key, secret);
        let length = if is_tls13 {
            uninitialised::open(key, nonce, header, sealed, tag, place).and_then(data_length)
        } else {
            let data = secret.additional_data([header[0], header[1], header[2]], sealed.len());
            uninitialised::open(key, nonce, &data, sealed, tag, place).map(|plain| plain.len())
        };
        memory.keep(length.unwrap_or(0));
        secret.sequence += u64::from(length.is_some());
        length
    }
}

/// The key, which is expanded now if it is not.
#[inline]
pub(super) fn expanded<'a>(key: &'a mut Option<LessSafeKey>, secret: &Secret) -> &'a LessSafeKey {
    key.get_or_insert_with(|| expand(secret))
}

/// Costs about as much as sealing some 64 bytes.
#[cold]
fn expand(secret: &Secret) -> LessSafeKey {
    awake::note();
    // Its length fits, so it is memory that may be missing: then the process ends, as it does elsewhere.
    let key = UnboundKey::new(secret.cipher.algorithm(), secret.key());
    LessSafeKey::new(key.unwrap_or_else(|_| handle_alloc_error(Layout::new::<[u8; EXPANDED]>())))
}

/// How many plain bytes are in front of type and padding. If they are none, or no application data, all is wiped.
#[inline]
fn data_length(inner: &mut [u8]) -> Option<usize> {
    match inner_plaintext(APPLICATION_DATA, inner) {
        Ok(Opened { kind: APPLICATION_DATA, plain }) if !plain.is_empty() => Some(plain.len()),
        _ => {
            inner.zeroize();
            None
        }
    }
}

fn split_tag(sealed: &mut [u8]) -> Result<(&mut [u8], &mut [u8]), Fault> {
    let length = sealed.len().checked_sub(TAG).ok_or(Fault::Decrypt)?;
    Ok(sealed.split_at_mut(length))
}

/// The content type stands behind the plain bytes and in front of the zeros (RFC 8446, 5.4).
#[inline]
fn inner_plaintext(outer: u8, inner: &[u8]) -> Result<Opened, Fault> {
    if outer != APPLICATION_DATA {
        return Err(Fault::NotEncrypted);
    }
    if inner.len() > MAX_PLAIN + 1 {
        return Err(Fault::Oversized);
    }
    let length = match inner {
        [rest @ .., kind] if *kind != 0 => rest.len(),
        _ => inner.iter().rposition(|&byte| byte != 0).ok_or(Fault::OnlyPadding)?,
    };
    let kind = inner[length];
    if kind == CHANGE_CIPHER_SPEC {
        return Err(Fault::ProtectedChangeCipherSpec);
    }
    if length > MAX_PLAIN {
        return Err(Fault::Oversized);
    }
    Ok(Opened { kind, plain: HEADER..HEADER + length })
}
