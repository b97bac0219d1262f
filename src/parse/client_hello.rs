//! A ClientHello as it came, in the bytes of the client (RFC 8446, 4.1.2).
//!
//! The engine has parsed it before anybody looks here, but keeps only what it understands, in a form
//! of its own. Fingerprints need every byte, so everything is read from the message itself. The bytes are
//! a stranger's all the same: nothing here trusts a length that it has not compared with what is there.

use super::reader::Reader;

const HANDSHAKE_RECORD: u8 = 22;
const RECORD_HEADER: usize = 5;
const CLIENT_HELLO: u8 = 1;
const MESSAGE_HEADER: usize = 4;

// IANA TLS ExtensionType Values.
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const PSK_KEY_EXCHANGE_MODES: u16 = 45;
const CERTIFICATE_AUTHORITIES: u16 = 47;

/// NameType (RFC 6066, 3).
const HOST_NAME: usize = 0;

/// A whole ClientHello message, or nothing. Lists that are missing, or that are not what their lengths
/// say, are empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClientHello<'a> {
    message: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// `message` is the handshake message, with its header.
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { message }
    }

    /// Finds the message in wire bytes out of which the engine has read it. Those are records, of which
    /// the first with a handshake message starts it; where it went over several records, the engine has
    /// closed the gaps in place, so that it lies there in one piece.
    pub(crate) fn found_in(wire: &'a [u8]) -> Option<Self> {
        let mut rest = wire;
        loop {
            let header = rest.first_chunk::<RECORD_HEADER>()?;
            let body = &rest[RECORD_HEADER..];
            if header[0] == HANDSHAKE_RECORD {
                let mut reader = Reader::new(body);
                let kind = reader.number(1)?;
                let length = reader.number(3)?;
                let message = body.get(..MESSAGE_HEADER + length)?;
                return (kind == usize::from(CLIENT_HELLO)).then_some(Self { message });
            }
            let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
            rest = body.get(length..)?;
        }
    }

    /// The message, with its header.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.message
    }

    /// Cipher suites, two bytes each.
    pub(crate) fn suites(self) -> &'a [u8] {
        self.body().map_or(&[], |body| body.suites)
    }

    /// Protocol names, each behind a byte with its length.
    pub(crate) fn alpn(self) -> &'a [u8] {
        self.listed(ALPN, 2)
    }

    /// Key exchange groups, two bytes each.
    pub(crate) fn groups(self) -> &'a [u8] {
        self.listed(SUPPORTED_GROUPS, 2)
    }

    /// Signature schemes, two bytes each.
    pub(crate) fn schemes(self) -> &'a [u8] {
        self.listed(SIGNATURE_ALGORITHMS, 2)
    }

    /// DER names of certificate authorities, each behind two bytes with its length.
    pub(crate) fn authorities(self) -> &'a [u8] {
        self.listed(CERTIFICATE_AUTHORITIES, 2)
    }

    /// Protocol versions, two bytes each: of clients that know no list of them, the one that they name.
    pub(crate) fn versions(self) -> &'a [u8] {
        let Some(body) = self.body() else { return &[] };
        match extension(body.extensions, SUPPORTED_VERSIONS) {
            Some(content) => only_list(content, 1).unwrap_or_default(),
            None => body.version,
        }
    }

    /// Whether a session, or another key that both sides know, is offered.
    pub(crate) fn offers_key(self) -> bool {
        self.has(PRE_SHARED_KEY)
    }

    pub(crate) fn has_key_modes(self) -> bool {
        self.has(PSK_KEY_EXCHANGE_MODES)
    }

    pub(crate) fn offers_early_data(self) -> bool {
        self.has(EARLY_DATA)
    }

    /// Where the `server_name` extension begins in the message.
    pub(crate) fn server_name_at(self) -> Option<usize> {
        let content = self.extension(SERVER_NAME)?;
        Some(content.as_ptr().addr() - self.message.as_ptr().addr() - 4)
    }

    /// Whether the `server_name` extension is put together as it should be, and still names no host, or more than one
    /// (RFC 6066, 3): an empty name, or two.
    pub(crate) fn has_no_single_name(self) -> bool {
        let Some(names) = self.extension(SERVER_NAME).and_then(|content| only_list(content, 2)) else {
            return false;
        };
        let (mut reader, mut found, mut empty) = (Reader::new(names), 0, false);
        while !reader.is_empty() {
            // Behind a name of another kind nothing can be found: how long it is, its kind alone would say.
            if reader.number(1) != Some(HOST_NAME) {
                break;
            }
            let Some(name) = reader.list(2).map(|name| name.bytes) else { return false };
            found += 1;
            empty |= name.is_empty();
        }
        empty || found > 1
    }

    /// Where the first extension is in the message, if all extensions are there.
    pub(crate) fn extensions_at(self) -> Option<usize> {
        let extensions = self.body()?.extensions;
        (!extensions.is_empty()).then(|| extensions.as_ptr().addr() - self.message.as_ptr().addr())
    }

    /// The same of a message whose end may be missing.
    pub(crate) fn extensions_start(self) -> Option<usize> {
        let mut reader = Reader::new(self.message.get(MESSAGE_HEADER..)?);
        reader.take(2 + 32)?;
        for width in [1, 2, 1] {
            reader.list(width)?;
        }
        reader.number(2)?;
        Some(self.message.len() - reader.bytes.len())
    }

    fn has(self, kind: u16) -> bool {
        self.extension(kind).is_some()
    }

    fn extension(self, kind: u16) -> Option<&'a [u8]> {
        extension(self.body()?.extensions, kind)
    }

    /// The list that an extension consists of, which has a length of `width` bytes.
    fn listed(self, kind: u16, width: usize) -> &'a [u8] {
        self.extension(kind).and_then(|content| only_list(content, width)).unwrap_or_default()
    }

    /// Whether its parts are as long as they say.
    pub(crate) fn is_well_formed(self) -> bool {
        self.body().is_some()
    }

    fn body(self) -> Option<Body<'a>> {
        let mut message = Reader::new(self.message);
        let _kind = message.number(1)?;
        let mut reader = message.list(3)?;
        let version = reader.take(2)?;
        let _random = reader.take(32)?;
        let _session_id = reader.list(1)?;
        let suites = reader.list(2)?.bytes;
        let _compression = reader.list(1)?;
        // Before TLS 1.3 a ClientHello may end here.
        let extensions = if reader.is_empty() { &[] } else { reader.list(2)?.bytes };
        Some(Body { version, suites, extensions })
    }
}

struct Body<'a> {
    version: &'a [u8],
    suites: &'a [u8],
    extensions: &'a [u8],
}

/// The content of the first extension of this kind.
fn extension(extensions: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut reader = Reader::new(extensions);
    loop {
        let kind = reader.number(2)?;
        let content = reader.list(2)?.bytes;
        if kind == usize::from(wanted) {
            return Some(content);
        }
    }
}

/// What is left of `content` without its length, if that is all there is.
fn only_list(content: &[u8], width: usize) -> Option<&[u8]> {
    let mut reader = Reader::new(content);
    let list = reader.list(width)?.bytes;
    reader.is_empty().then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITES: &[u8] = &[0x5a, 0x5a, 0x13, 0x01, 0xc0, 0x2b];

    /// `bytes` behind their length in `width` bytes.
    fn sized(width: usize, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.len().to_be_bytes()[8 - width..].to_vec();
        out.extend_from_slice(bytes);
        out
    }

    fn extension_of(kind: u16, content: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &sized(2, content)].concat()
    }

    /// A message with these bytes behind the compression methods.
    fn message(tail: &[u8]) -> Vec<u8> {
        let parts =
            [&[3, 3][..], &[0xaa; 32], &sized(1, &[0xbb; 32]), &sized(2, SUITES), &sized(1, &[0]), tail];
        [&[CLIENT_HELLO][..], &sized(3, &parts.concat())].concat()
    }

    fn full() -> Vec<u8> {
        let extensions = [
            extension_of(0x0a0a, &[]),
            extension_of(ALPN, &sized(2, b"\x02h2\x08http/1.1")),
            extension_of(SUPPORTED_GROUPS, &sized(2, &[0x11, 0xec, 0x00, 0x1d])),
            extension_of(SIGNATURE_ALGORITHMS, &sized(2, &[0x04, 0x03])),
            extension_of(SUPPORTED_VERSIONS, &sized(1, &[0x03, 0x04, 0x03, 0x03])),
            extension_of(CERTIFICATE_AUTHORITIES, &sized(2, &sized(2, &[0x30, 0]))),
        ];
        message(&sized(2, &extensions.concat()))
    }

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 3, 1][..], &sized(2, body)].concat()
    }

    /// Everything that can be asked, so that nothing is forgotten where bytes are cut.
    fn all(hello: ClientHello<'_>) -> [&[u8]; 6] {
        [hello.suites(), hello.alpn(), hello.groups(), hello.schemes(), hello.versions(), hello.authorities()]
    }

    #[test]
    fn lists_are_those_of_the_client() {
        let message = full();
        let lists = all(ClientHello::new(&message));
        assert_eq!(
            lists,
            [
                SUITES,
                b"\x02h2\x08http/1.1",
                &[0x11, 0xec, 0x00, 0x1d],
                &[0x04, 0x03],
                &[0x03, 0x04, 0x03, 0x03],
                &[0, 2, 0x30, 0]
            ]
        );
    }

    #[test]
    fn a_client_without_extensions_names_one_version() {
        for tail in [&[][..], &[0, 0]] {
            let message = message(tail);
            let hello = ClientHello::new(&message);
            assert_eq!(hello.versions(), [3, 3]);
            assert_eq!(hello.suites(), SUITES);
            assert_eq!(hello.alpn(), b"");
        }
    }

    #[test]
    fn nothing_has_no_lists() {
        assert_eq!(all(ClientHello::default()), [b""; 6]);
        assert_eq!(ClientHello::default().raw(), b"");
    }

    #[test]
    fn wherever_it_is_cut_nothing_is_made_up() {
        let whole = full();
        for cut in 0..whole.len() {
            assert_eq!(all(ClientHello::new(&whole[..cut])), [b""; 6], "cut at {cut}");
        }
    }

    #[test]
    fn whatever_a_byte_becomes_lists_stay_inside_the_message() {
        let whole = full();
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut altered = whole.clone();
                altered[at] = byte;
                let inside = altered.as_ptr_range();
                for list in all(ClientHello::new(&altered)).into_iter().filter(|list| !list.is_empty()) {
                    let place = list.as_ptr_range();
                    assert!(inside.start <= place.start && place.end <= inside.end, "{byte} at {at}");
                }
                let wire = record(HANDSHAKE_RECORD, &altered);
                let found = ClientHello::found_in(&wire).map_or(0, |hello| hello.raw().len());
                assert!(found <= altered.len(), "{byte} at {at}");
            }
        }
    }

    #[test]
    fn a_list_must_fill_its_extension() {
        for content in [&[0, 2, b'x'][..], &[0, 1, 1, b'x'], &[0], &[]] {
            let message = message(&sized(2, &extension_of(ALPN, content)));
            assert_eq!(ClientHello::new(&message).alpn(), b"");
        }
    }

    #[test]
    fn the_message_is_found_behind_other_records() {
        let message = full();
        let alert = record(21, &[1, 0]);
        let wire = [&alert[..], &alert, &record(HANDSHAKE_RECORD, &message), &alert].concat();
        let found = ClientHello::found_in(&wire).map(ClientHello::raw);
        assert_eq!(found, Some(&message[..]));
    }

    #[test]
    fn a_message_that_is_not_whole_is_not_found() {
        let wire = [record(21, &[1, 0]), record(HANDSHAKE_RECORD, &full())].concat();
        for cut in 0..wire.len() {
            assert!(ClientHello::found_in(&wire[..cut]).is_none(), "cut at {cut}");
        }
        let other = [&[2][..], &full()[1..]].concat();
        assert!(ClientHello::found_in(&record(HANDSHAKE_RECORD, &other)).is_none());
    }
}
