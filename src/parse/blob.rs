//! The outside of a connection that moves (`tls_conn_export`): what can be known of it without its key.
//!
//! ```text
//!   0      8    10     14     22     34              length - 16     length
//!   ├ mark ┼ form ┼ length ┼ check ┼ nonce ┼ sealed ────┼ tag ───────────┤
//! ```
//!
//! Numbers are in network order. What stands in front of the nonce is bound to what is sealed as its additional data.

/// What every blob begins with.
const MARK: [u8; 8] = *b"tlsmoved";

/// The form that is written. Earlier ones are read, later ones are not.
pub(crate) const FORM: u16 = 1;

pub(crate) const CHECK: usize = 8;
pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;

/// What stands in front of the nonce.
pub(crate) const HEADER: usize = MARK.len() + 2 + 4 + CHECK;

/// Bytes of a blob beside what is sealed in it.
pub(crate) const GROWTH: usize = HEADER + NONCE + TAG;

/// The parts of a blob.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blob<'a> {
    pub form: u16,
    pub header: &'a [u8; HEADER],
    /// Tells keys apart.
    pub check: &'a [u8; CHECK],
    pub nonce: &'a [u8; NONCE],
    /// With the tag behind it.
    pub sealed: &'a [u8],
}

/// Why bytes are no blob that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// They do not begin like one.
    Foreign,
    /// Fewer or more bytes than it had.
    Length,
    /// A later form.
    Later,
}

/// The header of a blob in which `sealed` bytes are sealed; None if that is more than a length can say.
pub(crate) fn header(sealed: usize, check: [u8; CHECK]) -> Option<[u8; HEADER]> {
    let length = u32::try_from(sealed.checked_add(GROWTH)?).ok()?;
    let mut header = [0; HEADER];
    let mut rest = &mut header[..];
    for part in [&MARK[..], &FORM.to_be_bytes(), &length.to_be_bytes(), &check] {
        let (place, more) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = more;
    }
    Some(header)
}

/// The parts of `blob`.
pub(crate) fn read(blob: &[u8]) -> Result<Blob<'_>, Flaw> {
    let Some((mark, rest)) = blob.split_first_chunk::<{ MARK.len() }>() else {
        // The beginning of one that is cut off is told from what never was one.
        return Err(if !blob.is_empty() && MARK.starts_with(blob) { Flaw::Length } else { Flaw::Foreign });
    };
    if *mark != MARK {
        return Err(Flaw::Foreign);
    }
    let (form, rest) = rest.split_first_chunk().ok_or(Flaw::Length)?;
    let form = match u16::from_be_bytes(*form) {
        0 => return Err(Flaw::Foreign),
        FORM => FORM,
        _ => return Err(Flaw::Later),
    };
    let (length, rest) = rest.split_first_chunk().ok_or(Flaw::Length)?;
    if usize::try_from(u32::from_be_bytes(*length)) != Ok(blob.len()) {
        return Err(Flaw::Length);
    }
    let (check, rest) = rest.split_first_chunk().ok_or(Flaw::Length)?;
    let (nonce, sealed) = rest.split_first_chunk().ok_or(Flaw::Length)?;
    let header = blob.first_chunk().ok_or(Flaw::Length)?;
    if sealed.len() < TAG {
        return Err(Flaw::Length);
    }
    Ok(Blob { form, header, check, nonce, sealed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Vec<u8> {
        let mut blob = header(5, [7; CHECK]).unwrap().to_vec();
        blob.extend_from_slice(&[8; NONCE]);
        blob.extend_from_slice(&[9; 5 + TAG]);
        blob
    }

    #[test]
    fn what_was_written_is_read() {
        let made = made();
        let blob = read(&made).unwrap();
        assert_eq!((blob.form, blob.check, blob.nonce), (FORM, &[7; CHECK], &[8; NONCE]));
        assert_eq!((blob.header, blob.sealed), (made.first_chunk().unwrap(), &[9; 5 + TAG][..]));
        assert_eq!(header(usize::MAX, [0; CHECK]), None);
        assert_eq!(header(u32::MAX as usize - GROWTH + 1, [0; CHECK]), None);
        assert!(header(u32::MAX as usize - GROWTH, [0; CHECK]).is_some());
    }

    #[test]
    fn one_of_another_length_is_cut_off() {
        let mut made = made();
        for length in 1..made.len() {
            assert_eq!(read(&made[..length]), Err(Flaw::Length), "{length}");
        }
        assert_eq!(read(&[]), Err(Flaw::Foreign));
        made.push(0);
        assert_eq!(read(&made), Err(Flaw::Length));
        // Even if the length says so: without a tag there is nothing.
        let length = (GROWTH - 1) as u32;
        made.truncate(GROWTH - 1);
        made[10..14].copy_from_slice(&length.to_be_bytes());
        assert_eq!(read(&made), Err(Flaw::Length));
    }

    #[test]
    fn other_bytes_and_later_forms_are_told_apart() {
        for at in 0..MARK.len() {
            let mut made = made();
            made[at] ^= 1;
            assert_eq!(read(&made), Err(Flaw::Foreign), "{at}");
        }
        let mut made = made();
        made[9] = 0;
        assert_eq!(read(&made), Err(Flaw::Foreign));
        for form in [FORM + 1, u16::MAX] {
            made[8..10].copy_from_slice(&form.to_be_bytes());
            assert_eq!(read(&made), Err(Flaw::Later));
        }
    }
}
