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
    let value = extension(certificate, OBJECT_SUBJECT_ALT_NAME).ok()??;
    let mut names = value.elements().expect(SEQUENCE).ok()?.elements();
    // They are tagged by their kinds, implicitly (RFC 5280, 4.2.1.6).
    let tag = 0x80 | u8::try_from(kind).ok()?;
    std::iter::from_fn(|| names.any().ok())
        .filter(|name| name.tag == tag)
        .filter_map(|name| if kind == TLS_NAME_IP { address(name.content) } else { text(name.content) })
        .nth(index)
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
