//! As much of DER (X.690) as it takes to look at the outside of a structure.

/// Where in the input something is wrong.
pub(crate) type Offset = usize;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// id-ce-subjectAltName (RFC 5280, 4.2.1.6).
pub(crate) const OBJECT_SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// id-ce-extKeyUsage (RFC 5280, 4.2.1.12).
pub(crate) const OBJECT_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// Elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
    /// Of `rest` in the whole input.
    at: Offset,
}

/// One element: its tag and what is in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    /// With its tag and length.
    pub whole: &'a [u8],
    /// Of the element in the whole input.
    pub at: Offset,
    content_at: Offset,
}

#[cfg(test)]
thread_local! {
    /// How many elements were read on this thread: what it costs to look at certificates.
    pub(crate) static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl<'a> Elements<'a> {
    pub(crate) fn new(der: &'a [u8]) -> Self {
        Self { rest: der, at: 0 }
    }

    /// The next element, of whatever tag.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Offset> {
        #[cfg(test)]
        READ.with(|read| read.set(read.get() + 1));
        let at = self.at;
        let (length, header) = match *self.rest {
            [_, short, ..] if short < 0x80 => (usize::from(short), 2),
            [_, long, ref rest @ ..] if (0x81..=0x84).contains(&long) => {
                let bytes = rest.get(..usize::from(long & 0x7f)).ok_or(at)?;
                let length = bytes.iter().fold(0u64, |length, &byte| length << 8 | u64::from(byte));
                (usize::try_from(length).map_err(|_| at)?, 2 + bytes.len())
            }
            _ => return Err(at),
        };
        let content = self.rest.get(header..).and_then(|rest| rest.get(..length)).ok_or(at)?;
        let (whole, rest) = self.rest.split_at(header + length);
        let element = Element { tag: whole[0], content, whole, at, content_at: at + header };
        self.rest = rest;
        self.at += header + length;
        Ok(element)
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Offset> {
        let element = self.any()?;
        if element.tag == tag { Ok(element) } else { Err(element.at) }
    }

    /// Nothing must follow.
    pub(crate) fn end(self) -> Result<(), Offset> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.at) }
    }
}

impl<'a> Element<'a> {
    pub(crate) fn elements(self) -> Elements<'a> {
        Elements { rest: self.content, at: self.content_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_to_the_end_with_their_offsets() {
        let der = [SEQUENCE, 5, ENUMERATED, 1, 7, OID, 0, OCTET_STRING, 0x81, 1, 9];
        let mut all = Elements::new(&der);
        let mut inner = all.expect(SEQUENCE).unwrap().elements();
        assert_eq!(inner.expect(ENUMERATED).unwrap().content, [7]);
        let empty = inner.any().unwrap();
        assert_eq!((empty.tag, empty.at, empty.content), (OID, 5, &[][..]));
        inner.end().unwrap();
        assert_eq!(all.end(), Err(7));
        assert_eq!(all.expect(OCTET_STRING).unwrap().content, [9]);
        all.end().unwrap();
    }

    #[test]
    fn what_is_cut_off_or_of_another_tag_is_placed() {
        for cut in [&[SEQUENCE][..], &[SEQUENCE, 1], &[SEQUENCE, 0x82, 1], &[SEQUENCE, 0x80], &[]] {
            assert_eq!(Elements::new(cut).any().unwrap_err(), 0);
        }
        let mut inner = Elements::new(&[SEQUENCE, 2, OID, 0]).any().unwrap().elements();
        assert_eq!(inner.expect(ENUMERATED).unwrap_err(), 2);
        assert_eq!(Elements::new(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]).any().unwrap_err(), 0);
    }
}
