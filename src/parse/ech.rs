//! Lists of ECH configurations (RFC 9849, 4), which come out of the DNS.
//!
//! The engine reads them too, and it decides which configuration is used. This one finds the place of a
//! fault, which the engine does not tell.

use super::reader::Reader;
use crate::failure::Failure;
use crate::status::TLS_REASON_ECH_MALFORMED;

/// The version of a configuration that RFC 9849 describes.
const VERSION: usize = 0xfe0d;

/// Whether ECH is offered on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Ech {
    #[default]
    Off,
    /// Something that looks like it, for servers and middleboxes to get used to it.
    Grease,
    /// An ECHConfigList.
    Offer(Box<[u8]>),
}

/// The same, without the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EchRef<'a> {
    Off,
    Grease,
    Offer(&'a [u8]),
}

impl<'a> EchRef<'a> {
    /// `list` is an ECHConfigList, with its length in front.
    pub(crate) fn offer(list: &'a [u8]) -> Result<Self, Failure> {
        check(list)?;
        Ok(Self::Offer(list))
    }
}

impl Ech {
    pub(crate) fn as_ref(&self) -> EchRef<'_> {
        match self {
            Self::Off => EchRef::Off,
            Self::Grease => EchRef::Grease,
            Self::Offer(list) => EchRef::Offer(list),
        }
    }

    /// `list` is an ECHConfigList, with its length in front.
    pub(crate) fn offer(list: &[u8]) -> Result<Self, Failure> {
        check(list)?;
        Ok(Self::Offer(list.into()))
    }
}

fn check(list: &[u8]) -> Result<(), Failure> {
    let mut reader = Reader::new(list);
    let length =
        reader.number(2).ok_or_else(|| fault(0, 0, "a list begins with its length, in two bytes"))?;
    if length != reader.bytes.len() {
        let why = format!("its length says {length} bytes, and {} follow", reader.bytes.len());
        return Err(fault(0, 0, &why));
    }
    if length == 0 {
        return Err(fault(0, 0, "the list is empty"));
    }
    let mut element = 0;
    while !reader.is_empty() {
        element += 1;
        let start = reader.offset;
        let (Some(version), Some(contents)) = (reader.number(2), reader.list(2)) else {
            return Err(fault(element, start, "it is longer than the rest of the list"));
        };
        // What another version contains is not known (RFC 9849, 4).
        if version == VERSION {
            check_contents(contents).map_err(|(offset, why)| fault(element, offset, why))?;
        }
    }
    Ok(())
}

/// The offset and the kind of the first fault.
fn check_contents(mut reader: Reader<'_>) -> Result<(), (usize, &'static str)> {
    const SHORT: &str = "it ends too early";
    let start = reader.offset;
    reader.take(3).ok_or((start, SHORT))?;

    let at = reader.offset;
    let key = reader.list(2).ok_or((at, SHORT))?;
    if key.bytes.is_empty() {
        return Err((at, "its public key is empty"));
    }

    let at = reader.offset;
    let suites = reader.list(2).ok_or((at, SHORT))?;
    if suites.bytes.is_empty() || suites.bytes.len() % 4 != 0 {
        return Err((at, "its cipher suites are not a number of four bytes each"));
    }

    let at = reader.offset;
    reader.take(1).ok_or((at, SHORT))?;
    let at = reader.offset;
    let name = reader.list(1).ok_or((at, SHORT))?;
    if pki_types::DnsName::try_from(name.bytes).is_err() {
        return Err((at, "its public name is not a DNS name"));
    }

    let at = reader.offset;
    let mut extensions = reader.list(2).ok_or((at, SHORT))?;
    while !extensions.bytes.is_empty() {
        let at = extensions.offset;
        extensions.number(2).ok_or((at, SHORT))?;
        extensions.list(2).ok_or((at, "an extension is longer than the rest of them"))?;
    }
    if reader.is_empty() { Ok(()) } else { Err((reader.offset, "bytes follow its extensions")) }
}

/// `element` counts from 1; 0 is the list itself.
fn fault(element: usize, offset: usize, why: &str) -> Failure {
    let which = match element {
        0 => String::new(),
        number => format!("configuration {number}, "),
    };
    Failure::config(TLS_REASON_ECH_MALFORMED, format!("ECHConfigList, {which}offset {offset}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bytes` behind their length in two bytes.
    fn sized(bytes: &[u8]) -> Vec<u8> {
        [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    fn configuration(name: &[u8], extensions: &[u8]) -> Vec<u8> {
        let key = sized(&[9; 32]);
        let suites = sized(&[0, 1, 0, 1]);
        let name = [&[u8::try_from(name.len()).unwrap()], name].concat();
        [&[7, 0, 0x20][..], &key, &suites, &[0], &name, &sized(extensions)].concat()
    }

    fn list(configurations: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let all: Vec<u8> = configurations
            .iter()
            .flat_map(|(version, contents)| [&version.to_be_bytes()[..], &sized(contents)].concat())
            .collect();
        sized(&all)
    }

    fn good() -> Vec<u8> {
        list(&[(0xfe0a, vec![1, 2, 3]), (0xfe0d, configuration(b"public.test", &[0x12, 0x34, 0, 1, 5]))])
    }

    fn message(list: &[u8]) -> String {
        Ech::offer(list).unwrap_err().message.into()
    }

    #[test]
    fn a_list_is_taken_as_it_is() {
        assert_eq!(Ech::offer(&good()).unwrap(), Ech::Offer(good().into()));
    }

    #[test]
    fn wherever_it_is_cut_the_length_tells() {
        let whole = good();
        for cut in 0..whole.len() {
            assert!(message(&whole[..cut]).starts_with("ECHConfigList, offset 0: "), "cut at {cut}");
        }
        assert!(message(&[&whole[..], &[0]].concat()).contains("follow"));
    }

    #[test]
    fn a_configuration_that_is_cut_is_named() {
        let whole = configuration(b"public.test", &[0x12, 0x34, 0, 1, 5]);
        for cut in 0..whole.len() {
            let text = message(&list(&[(0xfe0a, vec![1]), (0xfe0d, whole[..cut].to_vec())]));
            assert!(text.starts_with("ECHConfigList, configuration 2, offset "), "cut at {cut}: {text}");
        }
    }

    #[test]
    fn faults_have_their_place() {
        let name = |name| list(&[(0xfe0d, configuration(name, &[]))]);
        assert!(message(&name(b"")).ends_with("offset 50: its public name is not a DNS name"));
        assert!(message(&name(b"in valid")).ends_with("offset 50: its public name is not a DNS name"));
        let more = [configuration(b"a.test", &[]), vec![0]].concat();
        assert!(message(&list(&[(0xfe0d, more)])).ends_with("offset 59: bytes follow its extensions"));
        assert!(message(&[0, 0]).contains("empty"));
        assert!(message(&[0, 3, 0xfe, 0x0d, 0]).contains("configuration 1, offset 2: it is longer"));
    }

    #[test]
    fn whatever_a_byte_becomes_nothing_breaks() {
        let whole = good();
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut altered = whole.clone();
                altered[at] = byte;
                let _ = Ech::offer(&altered);
            }
        }
    }
}
