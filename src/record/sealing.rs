//! One record, sealed.

use aws_lc_rs::error::Unspecified;

use super::cipher::{EXPLICIT, Form};
use super::content::APPLICATION_DATA;
use super::layout::HEADER;
use super::pieces::Pieces;
use super::protection::{Exhausted, HARD_LIMIT, Protection, VERSION, expanded};
use crate::uninitialised::{Unfilled, append};

/// In TLS 1.3 the content type is encrypted behind the plain bytes. Up to so many of them are copied in front of it, and
/// all is one piece for AES-GCM, which for longer ones costs more than a second, short piece.
const COPIED: usize = 1024;

/// Nothing unsealed leaves: of a record that begins at `start` and could not be sealed, all is wiped.
#[inline]
fn or_nothing(
    sealed: Result<(), Unspecified>,
    start: usize,
    out: &mut Unfilled<'_>,
) -> Result<(), Exhausted> {
    sealed.map_err(|_| {
        out.take_back(start);
        Exhausted
    })
}

impl Protection {
    /// Appends a record to `out`, of the next `length` bytes of `plain`; in TLS 1.3 with so many zeros as `padding` says.
    /// There must be room for it. Whatever comes of it, the nonce counts as used.
    #[inline]
    pub(crate) fn seal(
        &mut self,
        kind: u8,
        plain: &mut Pieces<'_>,
        length: usize,
        padding: usize,
        out: &mut Unfilled<'_>,
    ) -> Result<(), Exhausted> {
        let Self { secret, key, .. } = self;
        if secret.sequence >= HARD_LIMIT {
            return Err(Exhausted);
        }
        let key = expanded(key, secret);
        let nonce = secret.nonce();
        #[cfg(test)]
        self.nonces.note(secret.key(), nonce);
        let start = out.filled();
        let form = secret.form;
        let padding = if form == Form::Tls13 { padding } else { 0 };
        let whole = plain.take_whole(length);
        let payload = ((length + padding + form.growth() - HEADER) as u16).to_be_bytes();
        let outer = if form == Form::Tls13 { APPLICATION_DATA } else { kind };
        let header = [outer, VERSION[0], VERSION[1], payload[0], payload[1]];
        if let Some(whole) = whole.filter(|_| form == Form::Tls13 && padding == 0 && length <= COPIED) {
            secret.sequence += 1;
            return out.seal_copied(key, nonce, &header, whole, kind).map_err(|_| Exhausted);
        }
        out.put(&header);
        if form == Form::Tls12Gcm {
            out.put(&nonce[nonce.len() - EXPLICIT..]);
        }
        let inner = out.filled();
        let of_tls12;
        let (data, extra): (&[u8], &[u8]) = if form == Form::Tls13 {
            (&header, &[kind])
        } else {
            of_tls12 = secret.additional_data([kind, VERSION[0], VERSION[1]], length);
            (&of_tls12, &[])
        };
        secret.sequence += 1;
        let sealed = match whole {
            Some(whole) if padding == 0 => out.seal(key, nonce, data, whole, extra),
            _ => {
                match whole {
                    Some(whole) => out.put(whole),
                    None => plain.copy_to(out, length),
                }
                out.put(extra);
                if padding > 0 {
                    out.put_zeros(padding);
                }
                out.seal_filled(key, nonce, data, inner)
            }
        };
        or_nothing(sealed, start, out)
    }

    /// The same behind the bytes of `out`, which grows if it has to.
    pub(crate) fn seal_behind(
        &mut self,
        kind: u8,
        content: &[u8],
        padding: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Exhausted> {
        out.reserve(content.len() + padding + self.secret.form.growth());
        let list = [content];
        append(out, |out| self.seal(kind, &mut Pieces::new(&list), content.len(), padding, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_record_that_cannot_be_sealed_nothing_leaves() {
        let mut bytes = Vec::with_capacity(40);
        append(&mut bytes, |out| {
            out.put(b"sent");
            out.put(b"header, plain bytes");
            assert!(or_nothing(Err(Unspecified), 4, out).is_err());
            assert_eq!(out.filled(), 4);
            out.put(b"next");
            assert!(or_nothing(Ok(()), 4, out).is_ok());
        });
        assert_eq!(bytes, b"sentnext");
    }
}
