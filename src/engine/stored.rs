//! The certificates of the peer in sessions, and how long these last, as the engine writes them down.
//!
//! The engine gives sessions out as bytes, or as objects that tell nothing but their bytes. The form is that of the
//! exact version of rustls that this library is built with; c-tests/expiry.c fails with any other.

/// Those in a session of a server, own certificate first; none if there is no certificate in it. None if it is
/// no session.
pub(super) fn of_server(session: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = Bytes(session);
    let _version_and_time = rest.take(2 + 8)?;
    if rest.take(1)? == [1] {
        let _server_name = rest.prefixed::<1>()?;
    }
    let _suite = rest.take(2)?;
    if rest.take(1)? == [1] { rest.identity() } else { Some(Vec::new()) }
}

/// When such a session was made, in Unix seconds.
pub(super) fn made_at(session: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(session.get(2..10)?.try_into().ok()?))
}

/// What is looked at in a session of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OfClient<'a> {
    /// Own certificate first.
    pub certificates: Vec<&'a [u8]>,
    pub life: Life,
}

/// How long the server says that a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    /// In Unix seconds.
    pub made: u64,
    /// In seconds; 0 where it says nothing.
    pub lasts: u64,
}

impl Life {
    pub(super) const BYTES: usize = 8 + 8;

    pub(super) fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let [made, lasts] = [&bytes[..8], &bytes[8..]].map(number);
        Self { made, lasts }
    }

    /// The second from which on the session is not offered; `unsaid` is how long it lasts where nothing was said.
    pub(super) fn end(self, unsaid: u64) -> u64 {
        self.made.saturating_add(if self.lasts == 0 { unsaid } else { self.lasts })
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Of a session of a client, TLS 1.2.
pub(super) fn of_client_tls12(session: &[u8]) -> Option<OfClient<'_>> {
    let mut rest = Bytes(session);
    let _suite = rest.take(2)?;
    let _session_id = rest.prefixed::<1>()?;
    let _secret_and_its_kind = rest.take(48 + 1)?;
    rest.after_ticket()
}

/// The secret that a session of a client, TLS 1.2, is known by: it is the same however often the session is resumed.
pub(super) fn main_secret(session: &[u8]) -> Option<&[u8]> {
    let mut rest = Bytes(session);
    let _suite = rest.take(2)?;
    let _session_id = rest.prefixed::<1>()?;
    rest.take(48)
}

/// Of a session of a client, TLS 1.3.
pub(super) fn of_client_tls13(session: &[u8]) -> Option<OfClient<'_>> {
    let mut rest = Bytes(session);
    let _suite = rest.take(2)?;
    let _secret = rest.prefixed::<1>()?;
    let _age_and_early_data = rest.take(4 + 4)?;
    rest.after_ticket()
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// What follows its own length, which has `N` bytes.
    fn prefixed<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let length = number(self.take(N)?);
        self.take(usize::try_from(length).ok()?)
    }

    fn after_ticket(&mut self) -> Option<OfClient<'a>> {
        let _ticket = self.prefixed::<2>()?;
        let life = Life::read(self.take(Life::BYTES)?.try_into().ok()?);
        Some(OfClient { life, certificates: self.identity()? })
    }

    fn identity(&mut self) -> Option<Vec<&'a [u8]>> {
        if self.take(1)? != [0] {
            return Some(Vec::new()); // a raw public key
        }
        let mut certificates = vec![self.prefixed::<3>()?];
        let mut others = Bytes(self.prefixed::<3>()?);
        while !others.0.is_empty() {
            certificates.push(others.prefixed::<3>()?);
        }
        Some(certificates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_no_session() {
        let identity = [&[0, 0, 0, 1, 7][..], &[0, 0, 9, 0, 0, 2, 8, 8, 0, 0, 1, 9]].concat();
        let expected = vec![&[7][..], &[8, 8], &[9]];
        let server = [&[3, 4][..], &[0; 8], &[1, 1, b'x'], &[0x13, 1], &[1], &identity].concat();
        let common =
            [&[0, 1, 5][..], &[0, 0, 0, 0, 0, 0, 1, 2], &[0, 0, 0, 0, 0, 0, 3, 4], &identity].concat();
        let tls12 = [&[0xc0, 0x2b][..], &[0], &[1; 49], &common].concat();
        let tls13 = [&[0x13, 1][..], &[2, 6, 6], &[0; 8], &common].concat();
        assert_eq!(of_server(&server).as_ref(), Some(&expected));
        for length in 0..server.len() {
            assert_eq!(of_server(&server[..length]), None, "{length}");
        }
        let expected = OfClient { certificates: expected, life: Life { made: 0x0102, lasts: 0x0304 } };
        type Read = fn(&[u8]) -> Option<OfClient<'_>>;
        let cases: [(Read, _); 2] = [(of_client_tls12, &tls12), (of_client_tls13, &tls13)];
        for (read, session) in cases {
            assert_eq!(read(session).as_ref(), Some(&expected));
            for length in 0..session.len() {
                assert_eq!(read(&session[..length]), None, "{length}");
            }
        }
        assert_eq!(main_secret(&tls12), Some(&[1; 48][..]));
        assert_eq!(main_secret(&tls12[..50]), None);
    }

    #[test]
    fn a_session_of_which_nothing_was_said_lasts_as_long_as_its_version_has_it() {
        assert_eq!(Life { made: 100, lasts: 7 }.end(50), 107);
        assert_eq!(Life { made: 100, lasts: 0 }.end(50), 150);
        assert_eq!(Life { made: u64::MAX, lasts: 7 }.end(50), u64::MAX);
    }

    #[test]
    fn sessions_without_a_certificate_have_none() {
        let nobody = [&[3, 3][..], &[0, 0, 0, 0, 0, 0, 1, 0], &[0], &[0xc0, 0x2b], &[0]].concat();
        assert_eq!(of_server(&nobody), Some(Vec::new()));
        assert_eq!(made_at(&nobody), Some(256));
    }
}
