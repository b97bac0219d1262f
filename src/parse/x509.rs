//! What a certificate consists of (RFC 5280, 4.1), read from its bytes and not judged: also of those that the
//! verifier does not take, of version 1 or with extensions that nobody knows.

use super::der::{
    BIT_STRING, BOOLEAN, CONTEXT_0, CONTEXT_3, Element, Elements, GENERALIZED_TIME, INTEGER,
    OBJECT_EXTENDED_KEY_USAGE, OBJECT_SUBJECT_ALT_NAME, OCTET_STRING, OID, Offset, SEQUENCE, UTC_TIME,
};

const OBJECT_NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
const OBJECT_SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const OBJECT_AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
/// The tag of keyIdentifier in an AuthorityKeyIdentifier.
const KEY_IDENTIFIER: u8 = 0x80;
const OBJECT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const OBJECT_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// id-kp-serverAuth, id-kp-clientAuth, anyExtendedKeyUsage (RFC 5280, 4.2.1.12).
pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
pub(crate) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
pub(crate) const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0];

/// Names and algorithms are what is in their sequences, as in the verifier's words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Certificate<'a> {
    /// 1, 2 or 3.
    pub version: u8,
    /// What is signed.
    pub signed: &'a [u8],
    pub algorithm: &'a [u8],
    pub signature: &'a [u8],
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    pub validity: Validity,
    /// The subject public key info, as a sequence.
    pub key: &'a [u8],
    extensions: Option<Elements<'a>>,
}

/// From when to when, in Unix seconds; both count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Validity {
    pub from: u64,
    pub until: u64,
}

/// An extension of a certificate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extension<'a> {
    pub oid: &'a [u8],
    pub critical: bool,
    /// The OCTET STRING with DER in it.
    pub value: Element<'a>,
}

/// What keyUsage allows (RFC 5280, 4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyUsage {
    pub signs_certificates: bool,
    pub signs_crls: bool,
    /// The key may be used in handshakes: it signs, decrypts keys, or agrees on them. Certificates that were issued for
    /// older versions of TLS say no more than that.
    pub shakes_hands: bool,
}

/// What basicConstraints say (RFC 5280, 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BasicConstraints {
    pub is_ca: bool,
    pub path_length: Option<usize>,
}

/// Entries of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub(crate) struct Amount {
    pub entries: usize,
    pub bytes: usize,
}

impl Amount {
    /// Up to the first entry that cannot be read.
    fn of(mut list: Elements<'_>) -> Self {
        std::iter::from_fn(|| list.any().ok())
            .fold(Self::default(), |sum, entry| sum.plus(Self { entries: 1, bytes: entry.whole.len() }))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { entries: self.entries + other.entries, bytes: self.bytes + other.bytes }
    }
}

impl<'a> Certificate<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Offset> {
        let mut all = Elements::new(der);
        let mut outside = all.expect(SEQUENCE)?.elements();
        all.end()?;
        let signed = outside.expect(SEQUENCE)?;
        let algorithm = outside.expect(SEQUENCE)?.content;
        let signature = bits(outside.expect(BIT_STRING)?)?;
        outside.end()?;

        let mut inside = signed.elements();
        let first = inside.any()?;
        let version = if first.tag == CONTEXT_0 {
            let number = first.elements().expect(INTEGER)?;
            inside.expect(INTEGER)?;
            match *number.content {
                [number @ 0..=2] => number + 1,
                _ => return Err(number.at),
            }
        } else if first.tag == INTEGER {
            1
        } else {
            return Err(first.at);
        };
        let _algorithm_again = inside.expect(SEQUENCE)?;
        let issuer = inside.expect(SEQUENCE)?.content;
        let validity = Validity::read(inside.expect(SEQUENCE)?)?;
        let subject = inside.expect(SEQUENCE)?.content;
        let key = inside.expect(SEQUENCE)?.whole;
        let mut extensions = None;
        while let Ok(member) = inside.any() {
            if member.tag == CONTEXT_3 {
                extensions = Some(member.elements().expect(SEQUENCE)?.elements());
            }
        }
        let signed = signed.whole;
        Ok(Self { version, signed, algorithm, signature, issuer, subject, validity, key, extensions })
    }

    /// The subject public key info of a certificate, as a sequence, of which nothing else need be right.
    pub(crate) fn key_alone(der: &'a [u8]) -> Result<&'a [u8], Offset> {
        let mut inside = Elements::new(der).expect(SEQUENCE)?.elements().expect(SEQUENCE)?.elements();
        let first = inside.any()?;
        if first.tag == CONTEXT_0 {
            let _serial_number = inside.any()?;
        }
        let _algorithm_issuer_validity_and_subject =
            [inside.any()?, inside.any()?, inside.any()?, inside.any()?];
        Ok(inside.expect(SEQUENCE)?.whole)
    }

    /// Whether the certificate says that it was issued by its own subject.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Up to the first one that cannot be read, which is an error.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = Result<Extension<'a>, Offset>> + use<'a> {
        let mut rest = self.extensions;
        std::iter::from_fn(move || {
            let elements = rest.as_mut()?;
            if elements.end().is_ok() {
                return None;
            }
            let next = elements.expect(SEQUENCE).and_then(Extension::read);
            if next.is_err() {
                rest = None;
            }
            Some(next)
        })
    }

    fn extension(&self, oid: &[u8]) -> Result<Option<Element<'a>>, Offset> {
        for extension in self.extensions() {
            let extension = extension?;
            if extension.oid == oid {
                return Ok(Some(extension.value));
            }
        }
        Ok(None)
    }

    /// None where it says nothing, and so allows everything.
    pub(crate) fn key_usage(&self) -> Result<Option<KeyUsage>, Offset> {
        let Some(value) = self.extension(OBJECT_KEY_USAGE)? else { return Ok(None) };
        let bits = value.elements().expect(BIT_STRING)?;
        // How many bits of the last byte are none, then the bits, the first one being the highest.
        let flags = bits.content.get(1).copied().unwrap_or(0);
        Ok(Some(KeyUsage {
            signs_certificates: flags & 0x04 != 0,
            signs_crls: flags & 0x02 != 0,
            shakes_hands: flags & 0xa8 != 0,
        }))
    }

    /// None where it says nothing.
    pub(crate) fn basic_constraints(&self) -> Result<Option<BasicConstraints>, Offset> {
        let Some(value) = self.extension(OBJECT_BASIC_CONSTRAINTS)? else { return Ok(None) };
        let mut members = value.elements().expect(SEQUENCE)?.elements();
        let mut constraints = BasicConstraints::default();
        while members.end().is_err() {
            let member = members.any()?;
            match (member.tag, member.content) {
                (BOOLEAN, flag) => constraints.is_ca = flag == [0xff],
                (INTEGER, number) => {
                    constraints.path_length = Some(natural(number).ok_or(member.at)?);
                }
                _ => return Err(member.at),
            }
        }
        Ok(Some(constraints))
    }

    /// The identifiers that certificates name keys by, which hint at the right issuer (RFC 5280, 4.2.1.1 and 4.2.1.2).
    pub(crate) fn subject_key_id(&self) -> Option<&'a [u8]> {
        Some(self.extension(OBJECT_SUBJECT_KEY_ID).ok()??.elements().expect(OCTET_STRING).ok()?.content)
    }

    pub(crate) fn authority_key_id(&self) -> Option<&'a [u8]> {
        let value = self.extension(OBJECT_AUTHORITY_KEY_ID).ok()??;
        let first = value.elements().expect(SEQUENCE).ok()?.elements().any().ok()?;
        (first.tag == KEY_IDENTIFIER).then_some(first.content)
    }

    /// How many names it has in its subjectAltName.
    pub(crate) fn names(&self) -> Amount {
        self.members(OBJECT_SUBJECT_ALT_NAME).map(Amount::of).unwrap_or_default()
    }

    /// How many constraints it has on the names of those below it, permitted and excluded ones, and one more if it has
    /// the extension: names are gone through for an empty one too.
    pub(crate) fn constraints(&self) -> Amount {
        let Some(mut kinds) = self.members(OBJECT_NAME_CONSTRAINTS) else { return Amount::default() };
        std::iter::from_fn(|| kinds.any().ok())
            .map(|kind| Amount::of(kind.elements()))
            .fold(Amount { entries: 1, bytes: 0 }, Amount::plus)
    }

    /// What is in the sequence that an extension is.
    fn members(&self, oid: &[u8]) -> Option<Elements<'a>> {
        Some(self.extension(oid).ok()??.elements().expect(SEQUENCE).ok()?.elements())
    }

    /// The purposes that it may be used for; None where it says nothing, and so allows all.
    pub(crate) fn purposes(&self) -> Result<Option<Vec<&'a [u8]>>, Offset> {
        let Some(value) = self.extension(OBJECT_EXTENDED_KEY_USAGE)? else { return Ok(None) };
        let mut members = value.elements().expect(SEQUENCE)?.elements();
        let mut purposes = Vec::new();
        while members.end().is_err() {
            purposes.push(members.expect(OID)?.content);
        }
        Ok(Some(purposes))
    }

    /// Whether it may be used for this purpose: it says nothing about purposes, names this one, or any.
    pub(crate) fn allows(&self, purpose: &[u8]) -> Result<bool, Offset> {
        let names_it =
            |purposes: Vec<&[u8]>| purposes.iter().any(|&named| named == purpose || named == ANY_USAGE);
        Ok(self.purposes()?.is_none_or(names_it))
    }
}

impl<'a> Extension<'a> {
    fn read(sequence: Element<'a>) -> Result<Self, Offset> {
        let mut parts = sequence.elements();
        let oid = parts.expect(OID)?.content;
        let second = parts.any()?;
        let (critical, value) =
            if second.tag == BOOLEAN { (second.content != [0], parts.any()?) } else { (false, second) };
        Ok(Self { oid, critical, value })
    }
}

impl Validity {
    fn read(sequence: Element<'_>) -> Result<Self, Offset> {
        let mut times = sequence.elements();
        Ok(Self { from: time(times.any()?)?, until: time(times.any()?)? })
    }

    pub(crate) fn contains(self, now: u64) -> bool {
        (self.from..=self.until).contains(&now)
    }
}

/// The bytes of a BIT STRING that has no unused bits.
fn bits(element: Element<'_>) -> Result<&[u8], Offset> {
    match element.content {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(element.at),
    }
}

/// A number that is not negative; one that is out of all reason is the largest.
fn natural(number: &[u8]) -> Option<usize> {
    match *number {
        [] => None,
        [first, ..] if first >= 0x80 => None,
        [one] | [0, one] => Some(usize::from(one)),
        _ => Some(usize::MAX),
    }
}

/// A UTCTime or a GeneralizedTime in the form of RFC 5280, 4.1.2.5, in Unix seconds; what was before 1970 is 0.
pub(crate) fn time(element: Element<'_>) -> Result<u64, Offset> {
    let malformed = || element.at;
    let (year, rest) = match (element.tag, element.content) {
        (UTC_TIME, text) if text.len() == 13 => {
            let (short, rest) = text.split_at(2);
            let short = digits(short).ok_or_else(malformed)?;
            (short + if short < 50 { 2000 } else { 1900 }, rest)
        }
        (GENERALIZED_TIME, text) if text.len() == 15 => {
            let (year, rest) = text.split_at(4);
            (digits(year).ok_or_else(malformed)?, rest)
        }
        _ => return Err(element.at),
    };
    let mut fields = [0; 5];
    for (field, text) in fields.iter_mut().zip(rest.chunks(2)) {
        *field = digits(text).ok_or_else(malformed)?;
    }
    let [month, day, hours, minutes, seconds] = fields;
    let is_right = rest[10] == b'Z'
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hours < 24
        && minutes < 60
        && seconds < 60;
    if !is_right {
        return Err(element.at);
    }
    let of_day = (hours * 60 + minutes) * 60 + seconds;
    Ok(u64::try_from(days(year, month, day) * 86_400 + of_day).unwrap_or(0))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter()
        .try_fold(0, |number, &byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// Days from 1970-01-01 to this one. Years begin in March, so that the leap day is the last of one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::made::{Wish, certificate, element, extension, key};

    fn seconds(tag: u8, text: &str) -> Result<u64, Offset> {
        let der = [&[tag, text.len() as u8][..], text.as_bytes()].concat();
        time(Elements::new(&der).any().unwrap())
    }

    #[test]
    fn a_key_is_read_whatever_else_is_wrong() {
        let wishes = [
            Wish::default(),
            Wish { version: 4, ..Wish::default() },
            Wish { validity: [b"\x17\x0b2501010000Z", b"\x17\x112501010000+0100"], ..Wish::default() },
            Wish { validity: [b"\x17\x0d251301000060Z", b"\x18\x1120350101000000.5Z"], ..Wish::default() },
            Wish { validity: [b"", b""], ..Wish::default() },
            Wish { signature: &[7, 0x80], ..Wish::default() },
            Wish { extensions: &[1, 2, 3], ..Wish::default() },
        ];
        for (number, wish) in wishes.iter().enumerate() {
            assert_eq!(Certificate::key_alone(&certificate(wish)), Ok(&*key()), "{number}");
        }
        let whole = certificate(&Wish::default());
        for length in 0..whole.len() {
            assert!(Certificate::key_alone(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn path_lengths_are_not_negative() {
        for (number, expected) in [
            (&[0][..], Some(0)),
            (&[0x7f], Some(127)),
            (&[0, 0x80], Some(128)),
            (&[1, 0], Some(usize::MAX)),
            (&[0xff], None),
            (&[0x80, 0], None),
            (&[], None),
        ] {
            let members = [element(BOOLEAN, &[&[0xff]]), element(INTEGER, &[number])].concat();
            let extensions = extension(OBJECT_BASIC_CONSTRAINTS, &element(SEQUENCE, &[&members]));
            let der = certificate(&Wish { extensions: &extensions, ..Wish::default() });
            let read = Certificate::read(&der).unwrap().basic_constraints();
            let told = read.ok().map(|constraints| constraints.unwrap().path_length.unwrap());
            assert_eq!(told, expected, "{number:?}");
        }
    }

    #[test]
    fn times_are_unix_seconds() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "000229123456Z", 951_827_696),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "500101000000Z", 0),
            (GENERALIZED_TIME, "20260301000000Z", 1_772_323_200),
            (GENERALIZED_TIME, "21000228235959Z", 4_107_542_399),
            (GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(seconds(tag, text), Ok(expected), "{text}");
        }
        for (tag, text) in [
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "700101000000+"),
            (UTC_TIME, "701301000000Z"),
            (UTC_TIME, "700100000000Z"),
            (UTC_TIME, "70010124000 Z"),
            (GENERALIZED_TIME, "20260301000060Z"),
            (GENERALIZED_TIME, "2026030100000Z"),
            (OID, "700101000000Z"),
        ] {
            assert_eq!(seconds(tag, text), Err(0), "{text}");
        }
    }
}
