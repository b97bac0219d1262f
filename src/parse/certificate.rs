//! What stands in a certificate (RFC 5280) and the host asks for, or the verifier does not tell.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::der::{BOOLEAN, CONTEXT_3, Element, Elements, OBJECT_SUBJECT_ALT_NAME, OID, Offset, SEQUENCE};
use crate::status::{TLS_NAME_DNS, TLS_NAME_EMAIL, TLS_NAME_IP, TLS_NAME_URI};

/// The value of an extension, which is an OCTET STRING with DER in it; None if the certificate has none of this
/// kind.
pub(crate) fn extension<'a>(certificate: &'a [u8], oid: &[u8]) -> Result<Option<Element<'a>>, Offset> {
    let mut signed = Elements::new(certificate).expect(SEQUENCE)?.elements().expect(SEQUENCE)?.elements();
    while let Ok(member) = signed.any() {
        if member.tag != CONTEXT_3 {
            continue;
        }
        let mut extensions = member.elements().expect(SEQUENCE)?.elements();
        while let Ok(extension) = extensions.expect(SEQUENCE) {
            let mut parts = extension.elements();
            if parts.expect(OID)?.content != oid {
                continue;
            }
            let value = parts.any()?;
            return if value.tag == BOOLEAN { parts.any() } else { Ok(value) }.map(Some);
        }
    }
    Ok(None)
}

/// What a certificate is for, of one kind (a `TLS_NAME_*` number): the one at `index` in its subjectAltName.
///
/// Names of bytes that are not visible ASCII are passed over: in a text that ends with NUL, or in a log, they could
/// look like others.
pub(crate) fn name(certificate: &[u8], kind: i32, index: usize) -> Option<Cow<'_, str>> {
    Mark::first(certificate)?.name(certificate, kind, index).map(|(name, _)| name)
}

/// Where somebody stands who goes through the names of a certificate: the next one is found from there.
#[derive(Debug, Default)]
pub(crate) struct Bookmarks([Option<Mark>; TLS_NAME_IP as usize + 1]);

impl Bookmarks {
    /// [`name`], of the certificate that all these bookmarks are in.
    pub(crate) fn name<'a>(
        &mut self,
        certificate: &'a [u8],
        kind: i32,
        index: usize,
    ) -> Option<Cow<'a, str>> {
        let kept = self.0.get_mut(usize::try_from(kind).ok()?)?;
        let begin = match *kept {
            Some(mark) if mark.index <= index => mark,
            _ => Mark::first(certificate)?,
        };
        let (name, mark) = begin.name(certificate, kind, index)?;
        *kept = Some(mark);
        Some(name)
    }
}

/// A place in a subjectAltName.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// How many names of the kind were in front.
    index: usize,
    /// Where the names from here on are in the certificate.
    at: Offset,
    end: Offset,
}

impl Mark {
    fn first(certificate: &[u8]) -> Option<Self> {
        let value = extension(certificate, OBJECT_SUBJECT_ALT_NAME).ok()??;
        let names = value.elements().expect(SEQUENCE).ok()?;
        let end = names.at + names.whole.len();
        Some(Self { index: 0, at: end - names.content.len(), end })
    }

    /// The name at `index`, with a mark in front of it.
    fn name(self, certificate: &[u8], kind: i32, index: usize) -> Option<(Cow<'_, str>, Self)> {
        let mut names = Elements::new(certificate.get(self.at..self.end)?);
        // They are tagged by their kinds, implicitly (RFC 5280, 4.2.1.6).
        let tag = 0x80 | u8::try_from(kind).ok()?;
        let (found, at) = std::iter::from_fn(|| names.any().ok())
            .filter(|name| name.tag == tag)
            .filter_map(|name| {
                let text = if kind == TLS_NAME_IP { address(name.content) } else { text(name.content) };
                Some((text?, name.at))
            })
            .nth(index.checked_sub(self.index)?)?;
        Some((found, Self { index, at: self.at + at, end: self.end }))
    }
}

/// The names of servers in the subjectAltName, whatever bytes they have, for a message: each letter is a byte.
pub(crate) fn server_names(certificate: &[u8]) -> Vec<String> {
    let Ok(Some(value)) = extension(certificate, OBJECT_SUBJECT_ALT_NAME) else { return Vec::new() };
    let Ok(names) = value.elements().expect(SEQUENCE) else { return Vec::new() };
    let mut names = names.elements();
    std::iter::from_fn(|| names.any().ok()).filter_map(|name| server_name(name.tag, name.content)).collect()
}

fn server_name(tag: u8, name: &[u8]) -> Option<String> {
    match i32::from(tag ^ 0x80) {
        TLS_NAME_DNS => Some(name.iter().copied().map(char::from).collect()),
        TLS_NAME_IP => address(name).map(Cow::into_owned),
        _ => None,
    }
}

/// Whether [`name`] knows names of this kind.
pub(crate) fn is_name_kind(kind: i32) -> bool {
    [TLS_NAME_EMAIL, TLS_NAME_DNS, TLS_NAME_URI, TLS_NAME_IP].contains(&kind)
}

fn text(name: &[u8]) -> Option<Cow<'_, str>> {
    let visible = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    visible.then(|| std::str::from_utf8(name).ok())?.map(Cow::Borrowed)
}

fn address(bytes: &[u8]) -> Option<Cow<'static, str>> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string().into());
    }
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::der::READ;
    use crate::parse::made;

    /// An element with a length below 128.
    fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        [&[tag, u8::try_from(content.len()).unwrap()][..], &content].concat()
    }

    /// As much of a certificate as is looked at, with these names behind another extension.
    fn certificate(names: &[&[u8]]) -> Vec<u8> {
        let other = element(SEQUENCE, &[&element(OID, &[&[1, 2]]), &element(0x04, &[b"x"])]);
        let value = element(0x04, &[&element(SEQUENCE, names)]);
        let critical = element(BOOLEAN, &[&[0xff]]);
        let own = element(SEQUENCE, &[&element(OID, &[OBJECT_SUBJECT_ALT_NAME]), &critical, &value]);
        let extensions = element(CONTEXT_3, &[&element(SEQUENCE, &[&other, &own])]);
        element(SEQUENCE, &[&element(SEQUENCE, &[&element(0x02, &[&[1]]), &extensions])])
    }

    #[test]
    fn names_are_told_by_kind_and_in_order() {
        let certificate = certificate(&[
            &element(0x82, &[b"one.test"]),
            &element(0x87, &[&[192, 0, 2, 1]]),
            &element(0x81, &[b"a@one.test"]),
            &element(0x82, &[b"*.two.test"]),
            &element(0x86, &[b"spiffe://one.test/web"]),
            &element(0x87, &[&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]),
            &element(0xa4, &[&element(SEQUENCE, &[])]),
        ]);
        let all = |kind| {
            let names = (0..9).map_while(|index| name(&certificate, kind, index));
            names.map(Cow::into_owned).collect::<Vec<_>>()
        };
        assert_eq!(all(TLS_NAME_DNS), ["one.test", "*.two.test"]);
        assert_eq!(all(TLS_NAME_IP), ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(all(TLS_NAME_EMAIL), ["a@one.test"]);
        assert_eq!(all(TLS_NAME_URI), ["spiffe://one.test/web"]);
    }

    #[test]
    fn many_names_are_gone_through_once() {
        let names: Vec<Vec<u8>> = (0..3000u16)
            .flat_map(|number| {
                let text = format!("{number}.test");
                [made::element(0x82, &[text.as_bytes()]), made::element(0x81, &[b"one@test"])]
            })
            .collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let names = made::extension(OBJECT_SUBJECT_ALT_NAME, &made::element(SEQUENCE, &names));
        let certificate = made::certificate(&made::Wish { extensions: &names, ..made::Wish::default() });
        let mut marks = Bookmarks::default();
        let before = READ.get();
        for index in 0..3000 {
            let expected = format!("{index}.test");
            // A host asks for the length first.
            for _ in 0..2 {
                assert_eq!(marks.name(&certificate, TLS_NAME_DNS, index).as_deref(), Some(&*expected));
            }
            // Each kind has its own place.
            assert_eq!(marks.name(&certificate, TLS_NAME_EMAIL, index).as_deref(), Some("one@test"));
        }
        let read = READ.get() - before;
        assert!(read < 3000 * 12, "{read} elements were read");
        assert_eq!(marks.name(&certificate, TLS_NAME_DNS, 3000), None);
        for index in [2999, 0, 17, 5, 5] {
            assert_eq!(
                marks.name(&certificate, TLS_NAME_DNS, index),
                name(&certificate, TLS_NAME_DNS, index)
            );
        }
    }

    #[test]
    fn names_that_could_look_like_others_are_passed_over() {
        let certificate = certificate(&[
            &element(0x82, &[b"good.test\0.bad.test"]),
            &element(0x82, &[b"two words"]),
            &element(0x82, &["\u{e9}.test".as_bytes()]),
            &element(0x82, &[]),
            &element(0x87, &[&[192, 0, 2]]),
            &element(0x82, &[b"good.test"]),
        ]);
        assert_eq!(name(&certificate, TLS_NAME_DNS, 0).as_deref(), Some("good.test"));
        assert_eq!(name(&certificate, TLS_NAME_DNS, 1), None);
        assert_eq!(name(&certificate, TLS_NAME_IP, 0), None);
        let all = ["good.test\0.bad.test", "two words", "\u{c3}\u{a9}.test", "", "good.test"];
        assert_eq!(server_names(&certificate), all);
    }

    #[test]
    fn what_is_cut_off_has_no_names_or_fewer() {
        let whole = certificate(&[&element(0x82, &[b"one.test"])]);
        for length in 0..whole.len() {
            assert_eq!(name(&whole[..length], TLS_NAME_DNS, 0), None, "{length}");
        }
        assert!(name(&whole, TLS_NAME_DNS, 0).is_some());
    }
}
