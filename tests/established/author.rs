//! A peer whose records are sealed and opened here, with the secrets of a connection: what every peer sends, and what none would.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use tlsbio::ffi::*;
use tlsbio::status::*;

use crate::support::Conn;

pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;

pub const KEY_UPDATE: u8 = 24;

const HEADER: usize = 5;
const TAG: usize = 16;
const SALT: usize = 4;
const EXPLICIT: usize = 8;

/// A record that was opened.
pub struct Opened {
    pub kind: u8,
    pub content: Vec<u8>,
    /// Length of content, content type and padding together; in TLS 1.2 that of the content.
    pub inner: usize,
}

/// One direction.
struct Direction {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
    is_tls13: bool,
    is_gcm: bool,
}

impl Direction {
    fn new(secret: &tls_traffic_secret_t) -> Self {
        let is_chacha = [0x1303, 0xcca9, 0xcca8].contains(&secret.suite);
        let algorithm = match (is_chacha, secret.key_len) {
            (true, _) => &CHACHA20_POLY1305,
            (false, 16) => &AES_128_GCM,
            (false, _) => &AES_256_GCM,
        };
        let key = UnboundKey::new(algorithm, &secret.key[..usize::from(secret.key_len)]).unwrap();
        Self {
            key: LessSafeKey::new(key),
            iv: secret.iv[..12].try_into().unwrap(),
            sequence: secret.sequence,
            is_tls13: i64::from(secret.version) == TLS_VERSION_1_3,
            is_gcm: !is_chacha,
        }
    }

    /// What stands in front of the sealed bytes of a record (RFC 5288, 3).
    fn explicit(&self) -> usize {
        if self.is_gcm && !self.is_tls13 { EXPLICIT } else { 0 }
    }

    fn nonce(&self, explicit: &[u8]) -> Nonce {
        let mut nonce = self.iv;
        if explicit.is_empty() {
            let sequence = self.sequence.to_be_bytes();
            nonce[SALT..].iter_mut().zip(sequence).for_each(|(byte, of_count)| *byte ^= of_count);
        } else {
            nonce[SALT..].copy_from_slice(explicit);
        }
        Nonce::assume_unique_for_key(nonce)
    }

    fn additional_data(&self, kind: u8, sealed: usize) -> Vec<u8> {
        let [high, low] = (sealed as u16).to_be_bytes();
        let sequence = if self.is_tls13 { Vec::new() } else { self.sequence.to_be_bytes().to_vec() };
        [sequence, vec![kind, 3, 3, high, low]].concat()
    }

    fn seal(&mut self, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let (mut sealed, outer) = (content.to_vec(), if self.is_tls13 { APPLICATION_DATA } else { kind });
        if self.is_tls13 {
            sealed.push(kind);
            sealed.resize(sealed.len() + padding, 0);
        }
        let explicit = self.iv[SALT..SALT + self.explicit()].to_vec();
        let length = sealed.len() + if self.is_tls13 { TAG } else { 0 };
        let data = self.additional_data(outer, length);
        self.key.seal_in_place_append_tag(self.nonce(&explicit), Aad::from(data), &mut sealed).unwrap();
        if !explicit.is_empty() {
            // The next one (docs/kernel-tls.md).
            let next = u64::from_be_bytes(explicit[..].try_into().unwrap()).wrapping_add(1);
            self.iv[SALT..].copy_from_slice(&next.to_be_bytes());
        }
        self.sequence += 1;
        let [high, low] = ((explicit.len() + sealed.len()) as u16).to_be_bytes();
        [vec![outer, 3, 3, high, low], explicit, sealed].concat()
    }

    fn open(&mut self, record: &[u8]) -> Opened {
        let outer = record[0];
        let (explicit, sealed) = record[HEADER..].split_at(self.explicit());
        let length = if self.is_tls13 { sealed.len() } else { sealed.len() - TAG };
        let data = self.additional_data(outer, length);
        let mut content = sealed.to_vec();
        let plain = self.key.open_in_place(self.nonce(explicit), Aad::from(data), &mut content);
        let inner = plain.expect("the record does not authenticate").len();
        content.truncate(inner);
        self.sequence += 1;
        let mut kind = outer;
        if self.is_tls13 {
            assert_eq!(outer, APPLICATION_DATA);
            let end = content.iter().rposition(|&byte| byte != 0).expect("there is a content type");
            kind = content[end];
            content.truncate(end);
        }
        Opened { kind, content, inner }
    }
}

fn no_secret() -> tls_traffic_secret_t {
    let mut secret: tls_traffic_secret_t = unsafe { std::mem::zeroed() };
    secret.size = size_of::<tls_traffic_secret_t>();
    secret
}

pub struct Author {
    /// Knows what follows the secrets.
    conn: Conn,
    receive: Direction,
    send: Direction,
    /// Of a record that is not whole.
    came: Vec<u8>,
}

impl Author {
    /// Goes on with the records of a connection with nothing left to do.
    pub fn new(conn: Conn) -> Self {
        let (mut receive, mut send) = (no_secret(), no_secret());
        let mut error: tls_error_t = unsafe { std::mem::zeroed() };
        error.size = size_of::<tls_error_t>();
        let status = unsafe { tls_secrets_take(conn.0, &mut receive, &mut send, &mut error) };
        assert_eq!(status, TLS_OK, "{}", crate::support::message(&error));
        let (receive, send) = (Direction::new(&receive), Direction::new(&send));
        Self { conn, receive, send, came: Vec::new() }
    }

    pub fn is_tls13(&self) -> bool {
        self.send.is_tls13
    }

    /// A record of any type with any content, which need not be possible.
    pub fn seal(&mut self, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        self.send.seal(kind, content, padding)
    }

    /// Goes on with the key that follows a KeyUpdate of its own.
    pub fn update(&mut self) {
        self.send = self.next(TLS_KEYS_OUT);
    }

    fn next(&self, direction: u32) -> Direction {
        let mut secret = no_secret();
        assert_eq!(unsafe { tls_secrets_next(self.conn.0, direction, &mut secret) }, TLS_OK);
        Direction::new(&secret)
    }

    /// Opens what came with `wire`, up to the last record that is whole.
    pub fn open(&mut self, wire: &[u8]) -> Vec<Opened> {
        self.came.extend_from_slice(wire);
        let mut records = Vec::new();
        while let [_, 3, 3, high, low, payload @ ..] = &self.came[..] {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if payload.len() < length {
                break;
            }
            let record: Vec<u8> = self.came.drain(..HEADER + length).collect();
            let opened = self.receive.open(&record);
            if opened.kind == HANDSHAKE && matches!(opened.content[..], [KEY_UPDATE, 0, 0, 1, _]) {
                self.receive = self.next(TLS_KEYS_IN);
            }
            records.push(opened);
        }
        records
    }

    /// Whether a record has begun that is not whole.
    pub fn waits(&self) -> bool {
        !self.came.is_empty()
    }
}
