//! A ClientHello that the engine would refuse although it is right, told so that it does not; and the transcript, which
//! stays the client's.
//!
//! rustls reads a ClientHello and hashes the bytes that it has read. What it is given here has something hidden (a
//! `server_name` that it cannot read), or something added (a `pre_shared_key` that nobody knows, where a client has
//! rightly left its own out of the second ClientHello). Such a message says so itself, in an extension in front of the
//! others that holds a secret of this process: so the hash in every suite of ours finds it wherever the engine
//! hashes it, and hashes the client's own bytes. Nobody else can write that extension.

use std::sync::LazyLock;

use aws_lc_rs::rand;
use pki_types::FipsStatus;
use rustls::crypto::HashAlgorithm;
use rustls::crypto::hash::{Context, Hash, Output};

use crate::parse::client_hello::ClientHello;

/// Types for private use (IANA): what the engine does not know, it passes over.
const MARK: u16 = 0xff5b;
const HIDDEN: u16 = 0xff5c;

const SECRET: usize = 32;
const EXTENSION_HEADER: usize = 4;
/// The secret, how many bytes stand behind the client's own, and where the hidden extension is in the client's message.
const MARK_LENGTH: usize = EXTENSION_HEADER + SECRET + 2 + 2;

/// Known to nobody outside of this process.
pub(super) static PROCESS: LazyLock<[u8; SECRET]> = LazyLock::new(|| {
    let mut secret = [0; SECRET];
    // Without random bytes no handshake gets as far as a ClientHello that is retold.
    let _ = rand::fill(&mut secret);
    secret
});

/// What is to be done to a ClientHello.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changes {
    pub hide_name: bool,
    pub add_unknown_key: bool,
}

/// The message with `changes`; None where it has no room for them, or nothing to change.
pub(super) fn retold(hello: ClientHello<'_>, changes: Changes) -> Option<Vec<u8>> {
    let message = hello.raw();
    let start = hello.extensions_at()?;
    let name = if changes.hide_name { hello.server_name_at()? } else { 0 };
    let tail = if changes.add_unknown_key { unknown_key(hello) } else { Vec::new() };
    if name == 0 && tail.is_empty() {
        return None;
    }
    let grown = MARK_LENGTH + tail.len();
    let body = u16::try_from(message.len() - 4 + grown).ok()?;
    let extensions = u16::try_from(message.len() - start + grown).ok()?;
    let mut out = Vec::with_capacity(message.len() + grown);
    out.extend_from_slice(&[message[0], 0]);
    out.extend_from_slice(&body.to_be_bytes());
    out.extend_from_slice(&message[4..start - 2]);
    out.extend_from_slice(&extensions.to_be_bytes());
    out.extend_from_slice(&MARK.to_be_bytes());
    out.extend_from_slice(&((MARK_LENGTH - EXTENSION_HEADER) as u16).to_be_bytes());
    out.extend_from_slice(&*PROCESS);
    out.extend_from_slice(&(tail.len() as u16).to_be_bytes());
    out.extend_from_slice(&u16::try_from(name).ok()?.to_be_bytes());
    out.extend_from_slice(&message[start..]);
    if name > 0 {
        let at = name + MARK_LENGTH;
        out[at..at + 2].copy_from_slice(&HIDDEN.to_be_bytes());
    }
    out.extend_from_slice(&tail);
    Some(out)
}

/// The identity of a key that nobody has: no store is asked for it.
pub(super) const NAME: &[u8; 32] = b"a key that the client left out  ";

/// A `pre_shared_key` extension, in front of it `psk_key_exchange_modes` if the client has sent none: its one mode is
/// the one that the engine does not do, so that no ticket is sent that could not be used.
fn unknown_key(hello: ClientHello<'_>) -> Vec<u8> {
    const BINDER: usize = 32;
    let mut tail = Vec::new();
    if !hello.has_key_modes() {
        tail.extend_from_slice(&[0, 45, 0, 2, 1, 0]);
    }
    let identity = 2 + NAME.len() + 4;
    let binder = 1 + BINDER;
    tail.extend_from_slice(&[
        0,
        41,
        0,
        (2 + identity + 2 + binder) as u8,
        0,
        identity as u8,
        0,
        NAME.len() as u8,
    ]);
    tail.extend_from_slice(NAME);
    tail.extend_from_slice(&[0; 4]);
    tail.extend_from_slice(&[0, binder as u8, BINDER as u8]);
    tail.extend_from_slice(&[0; BINDER]);
    tail
}

/// The client's own message in place of one that was retold, which may have lost its end (for a binder), or have other
/// messages behind it; None if `data` begins with no such message.
pub(super) fn original(data: &[u8]) -> Option<Vec<u8>> {
    const LEAST: usize = 4 + 2 + 32;
    if data.first() != Some(&1) || data.len() < LEAST + MARK_LENGTH {
        return None;
    }
    let start = ClientHello::new(data).extensions_start()?;
    let mark = data.get(start..start + MARK_LENGTH)?;
    let number = |at: usize| u16::from_be_bytes([mark[at], mark[at + 1]]);
    if number(0) != MARK
        || usize::from(number(2)) != MARK_LENGTH - EXTENSION_HEADER
        || mark[EXTENSION_HEADER..EXTENSION_HEADER + SECRET] != *PROCESS
    {
        return None;
    }
    let tail = usize::from(number(MARK_LENGTH - 4));
    let name = usize::from(number(MARK_LENGTH - 2));
    let shorter = (MARK_LENGTH + tail) as u16;
    let less = |at: usize| u16::from_be_bytes([data[at], data[at + 1]]).wrapping_sub(shorter).to_be_bytes();
    let end = data.len().min(4 + usize::from(u16::from_be_bytes([data[2], data[3]])));
    let mut out = Vec::with_capacity(data.len());
    out.extend_from_slice(&data[..2]);
    out.extend_from_slice(&less(2));
    out.extend_from_slice(&data[4..start - 2]);
    out.extend_from_slice(&less(start - 2));
    out.extend_from_slice(&data[start + MARK_LENGTH..end - tail.min(end - start - MARK_LENGTH)]);
    if name > 0 {
        out.get_mut(name..name + 2)?.copy_from_slice(&[0, 0]);
    }
    out.extend_from_slice(&data[end..]);
    Some(out)
}

/// `hash`, which hashes a message that was retold as the client has sent it. To be made once: the engine wants hashes
/// that live for ever.
pub(super) fn hashing_originals(hash: &'static dyn Hash) -> &'static dyn Hash {
    Box::leak(Box::new(OriginalHash(hash)))
}

struct OriginalHash(&'static dyn Hash);

impl Hash for OriginalHash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(OriginalContext(self.0.start()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        match original(data) {
            Some(own) => self.0.hash(&own),
            None => self.0.hash(data),
        }
    }

    fn output_len(&self) -> usize {
        self.0.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }

    fn fips(&self) -> FipsStatus {
        self.0.fips()
    }
}

struct OriginalContext(Box<dyn Context>);

impl Context for OriginalContext {
    fn fork_finish(&self) -> Output {
        self.0.fork_finish()
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.fork()))
    }

    fn finish(self: Box<Self>) -> Output {
        self.0.finish()
    }

    fn update(&mut self, data: &[u8]) {
        match original(data) {
            Some(own) => self.0.update(&own),
            None => self.0.update(data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Changes = Changes { hide_name: true, add_unknown_key: true };

    /// A ClientHello with these extensions.
    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[0, 0, 2, 0x13, 1, 1, 0]);
        body.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
        body.extend_from_slice(extensions);
        let mut message = vec![1, 0];
        message.extend_from_slice(&(body.len() as u16).to_be_bytes());
        message.extend_from_slice(&body);
        message
    }

    const NAMED: &[u8] = &[0, 23, 0, 0, 0, 0, 0, 5, 0, 3, 0, 0, 0, 0, 45, 0, 2, 1, 1];

    #[test]
    fn what_is_retold_is_found_again_whole_cut_and_with_more_behind_it() {
        let message = hello(NAMED);
        for (hide_name, add_unknown_key) in [(true, false), (false, true), (true, true)] {
            let told = retold(ClientHello::new(&message), Changes { hide_name, add_unknown_key }).unwrap();
            assert_ne!(told, message);
            assert_eq!(original(&told).unwrap(), message);
            assert_eq!(original(&[&told[..], b"more"].concat()).unwrap(), [&message[..], b"more"].concat());
            let told = ClientHello::new(&told);
            assert_eq!(told.server_name_at().is_none(), hide_name);
            assert_eq!(told.offers_key(), add_unknown_key);
        }
        let told =
            retold(ClientHello::new(&message), Changes { hide_name: true, ..Changes::default() }).unwrap();
        assert_eq!(original(&told[..told.len() - 2]).unwrap(), message[..message.len() - 2]);
    }

    #[test]
    fn modes_are_added_only_where_there_are_none() {
        let with = hello(NAMED);
        let without = hello(&NAMED[..13]);
        let tail = |message: &[u8]| {
            retold(ClientHello::new(message), BOTH).unwrap().len() - message.len() - MARK_LENGTH
        };
        assert_eq!(tail(&without), tail(&with) + 6);
        assert_eq!(original(&retold(ClientHello::new(&without), BOTH).unwrap()).unwrap(), without);
    }

    #[test]
    fn a_mark_without_the_secret_is_nothing() {
        let message = hello(NAMED);
        let told = retold(ClientHello::new(&message), BOTH).unwrap();
        let start = ClientHello::new(&told).extensions_at().unwrap();
        for at in start..start + EXTENSION_HEADER + SECRET {
            let mut other = told.clone();
            other[at] ^= 1;
            assert_eq!(original(&other), None, "{at}");
        }
        assert_eq!(original(&message), None);
        assert_eq!(original(&[1; 40]), None);
    }

    #[test]
    fn there_is_no_room_in_a_full_message() {
        let message = hello(&[&[0, 21, 0xff, 0xa0][..], &[0; 0xffa0]].concat());
        let added =
            retold(ClientHello::new(&message), Changes { add_unknown_key: true, ..Changes::default() });
        assert!(added.is_none());
    }

    #[test]
    fn the_hash_is_that_of_the_client() {
        let hash = rustls_aws_lc_rs::DEFAULT_PROVIDER.tls13_cipher_suites[0].common.hash_provider;
        let ours = hashing_originals(hash);
        let message = hello(NAMED);
        let told = retold(ClientHello::new(&message), BOTH).unwrap();
        assert_eq!(ours.hash(&told).as_ref(), hash.hash(&message).as_ref());
        let mut context = ours.start().fork();
        context.update(&told);
        context.update(b"more");
        assert_eq!(context.fork_finish().as_ref(), hash.hash(&[&message[..], b"more"].concat()).as_ref());
        assert_eq!(context.finish().as_ref(), hash.hash(&[&message[..], b"more"].concat()).as_ref());
    }
}
