//! The certificates of the peer in sessions, as the engine writes these down.
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

/// Those in a session of a client, TLS 1.2.
pub(super) fn of_client_tls12(session: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = Bytes(session);
    let _suite = rest.take(2)?;
    let _session_id = rest.prefixed::<1>()?;
    let _secret_and_its_kind = rest.take(48 + 1)?;
    rest.after_ticket()
}

/// Those in a session of a client, TLS 1.3.
pub(super) fn of_client_tls13(session: &[u8]) -> Option<Vec<&[u8]>> {
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
        let length = self.take(N)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        self.take(length)
    }

    fn after_ticket(&mut self) -> Option<Vec<&'a [u8]>> {
        let _ticket = self.prefixed::<2>()?;
        let _time_and_lifetime = self.take(8 + 8)?;
        self.identity()
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
        let common = [&[0, 1, 5][..], &[0; 16], &identity].concat();
        let tls12 = [&[0xc0, 0x2b][..], &[0], &[1; 49], &common].concat();
        let tls13 = [&[0x13, 1][..], &[2, 6, 6], &[0; 8], &common].concat();
        type Read = fn(&[u8]) -> Option<Vec<&[u8]>>;
        let cases: [(Read, _); 3] = [(of_server, server), (of_client_tls12, tls12), (of_client_tls13, tls13)];
        for (read, session) in cases {
            assert_eq!(read(&session).as_ref(), Some(&expected));
            for length in 0..session.len() {
                assert_eq!(read(&session[..length]), None, "{length}");
            }
        }
    }

    #[test]
    fn sessions_without_a_certificate_have_none() {
        let nobody = [&[3, 3][..], &[0, 0, 0, 0, 0, 0, 1, 0], &[0], &[0xc0, 0x2b], &[0]].concat();
        assert_eq!(of_server(&nobody), Some(Vec::new()));
        assert_eq!(made_at(&nobody), Some(256));
    }
}
