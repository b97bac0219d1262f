//! Padding of records (RFC 8446, 5.4), which rustls has no setting for.
//!
//! A TLS 1.3 record ends, inside its encryption, with its content type and any number of zeros. So contexts
//! that pad get cipher suites whose encrypter hands the provider's more to encrypt: payload, content type and
//! zeros but one; the last zero is what it is told the content type is. How far to pad is known to the thread
//! on which the engine runs, while it writes what is to be padded: application data after the handshake.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use rustls::Tls13CipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::crypto::cipher::{OutboundPlain, Record, RecordEncrypter};
use rustls::enums::ContentType;
use rustls::error::Error;
use zeroize::Zeroizing;

use super::encrypters::{self, Front};
use super::full_records;
use super::key_watch::watched;
use crate::record::layout::MAX_PADDING;
use crate::record::sizing::inner_length;

thread_local! {
    /// What the length of a record inside its encryption is made a multiple of; 0 for nothing.
    static BLOCK: Cell<usize> = const { Cell::new(0) };
}

/// Pads what the engine seals during `run` to multiples of `block` bytes, if that is not 0 and the connection's
/// suite can pad.
pub(crate) fn pad<R>(block: usize, run: impl FnOnce() -> R) -> R {
    /// Also after a panic: the thread goes on with other connections.
    struct Unpadded;
    impl Drop for Unpadded {
        fn drop(&mut self) {
            BLOCK.set(0);
        }
    }
    if block == 0 {
        return run();
    }
    BLOCK.set(block);
    let _unpadded = Unpadded;
    run()
}

/// `provider` with the suites that can pad, in front of those that count key updates if `watches`.
pub(super) fn padding(provider: &mut CryptoProvider, watches: bool) {
    provider.tls13_cipher_suites = Cow::Borrowed(if watches { &*WATCHED_SUITES } else { &*SUITES });
}

type Suites = Vec<&'static Tls13CipherSuite>;

static SUITES: LazyLock<Suites> = LazyLock::new(|| padded(&full_records::provider()));

static WATCHED_SUITES: LazyLock<Suites> = LazyLock::new(|| {
    let mut provider = full_records::provider();
    watched(&mut provider);
    padded(&provider)
});

fn padded(provider: &CryptoProvider) -> Suites {
    let front = Front {
        encrypter: |encrypter| Box::new(PaddingEncrypter(encrypter)),
        decrypter: |decrypter| decrypter,
        hash: |hash| hash,
        hkdf: |hkdf| hkdf,
        prf: |prf| prf,
    };
    encrypters::tls13(&provider.tls13_cipher_suites, front)
}

static ZEROS: [u8; MAX_PADDING] = [0; MAX_PADDING];

/// Pieces of a payload that are padded without putting them together first: those of one vectored write.
const MOST_PIECES: usize = 66;

struct PaddingEncrypter(Box<dyn RecordEncrypter>);

impl RecordEncrypter for PaddingEncrypter {
    fn encrypt<'a>(
        &mut self,
        record: Record<OutboundPlain<'_>>,
        seq: u64,
        out: &'a mut [u8],
    ) -> Result<Record<&'a [u8]>, Error> {
        let length = record.payload.len();
        let zeros = zeros_after(length);
        if zeros == 0 {
            return self.0.encrypt(record, seq, out);
        }
        let kind = record.typ.to_array();
        let mut pieces: [&[u8]; MOST_PIECES + 2] = [&[]; MOST_PIECES + 2];
        let gathered;
        let mut used = 0;
        if record.payload.chunks().nth(MOST_PIECES).is_none() {
            for chunk in record.payload.chunks() {
                pieces[used] = chunk;
                used += 1;
            }
        } else {
            gathered = Zeroizing::new(record.payload.to_vec());
            pieces[0] = &gathered;
            used = 1;
        }
        pieces[used] = &kind;
        pieces[used + 1] = &ZEROS[..zeros - 1];
        let padded = Record::new(ContentType(0), record.version, OutboundPlain::new(&pieces[..used + 2]));
        self.0.encrypt(padded, seq, out)
    }

    /// Nothing is padded beyond a full record: those that are padded have a byte less.
    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        self.0.encrypted_payload_len(payload_len + zeros_after(payload_len))
    }
}

/// How many zeros follow the content type behind `payload` bytes.
fn zeros_after(payload: usize) -> usize {
    match BLOCK.get() {
        0 => 0,
        _ if payload == 0 => 0,
        block => inner_length(payload, block) - payload - 1,
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::cipher::{AeadKey, EncodableVersion, InboundOpaque, Iv};
    use rustls::enums::ProtocolVersion;

    use super::*;
    use crate::record::sizing::PADDED_PLAIN;

    const VERSION: EncodableVersion = EncodableVersion::Legacy(ProtocolVersion::TLSv1_2);

    fn key() -> (AeadKey, Iv) {
        (AeadKey::from([7; 32]), Iv::new(&[9; 12]).unwrap())
    }

    /// Every suite with keys of 32 bytes; the other one differs in nothing that matters here.
    fn round_trip(payload: &[&[u8]], block: usize) -> usize {
        let mut sealed_length = 0;
        for suite in SUITES.iter().filter(|suite| suite.aead_alg.key_len() == 32) {
            let (secret, iv) = key();
            let mut encrypter = suite.aead_alg.encrypter(secret, iv);
            let (secret, iv) = key();
            let mut decrypter = suite.aead_alg.decrypter(secret, iv);
            let plain = payload.concat();
            let (mut wire, expected) = pad(block, || {
                let expected = encrypter.encrypted_payload_len(plain.len());
                let mut out = vec![0xaa; expected + 8];
                let record = Record::new(ContentType::ApplicationData, VERSION, OutboundPlain::new(payload));
                let sealed = encrypter.encrypt(record, 3, &mut out).unwrap();
                assert_eq!(sealed.typ, ContentType::ApplicationData);
                (sealed.payload.to_vec(), expected)
            });
            assert_eq!(wire.len(), expected);
            sealed_length = wire.len();
            let record = Record::new(ContentType::ApplicationData, VERSION, InboundOpaque(&mut wire));
            let opened = decrypter.decrypt(record, 3).unwrap();
            assert_eq!(opened.typ, ContentType::ApplicationData);
            assert_eq!(opened.payload, plain);
        }
        sealed_length
    }

    #[test]
    fn records_are_padded_to_multiples_and_open_to_what_was_sealed() {
        let bytes: Vec<u8> = (0..PADDED_PLAIN).map(|at| at as u8).collect();
        for block in (1..=14).map(|power| 1 << power) {
            for length in [1, 2, block - 1, block, block + 1, 1000, PADDED_PLAIN] {
                let length = length.clamp(1, PADDED_PLAIN);
                let sealed = round_trip(&[&bytes[..length]], block);
                assert_eq!(sealed, inner_length(length, block) + 16);
                assert_eq!((sealed - 16) % block, 0);
            }
        }
    }

    #[test]
    fn pieces_are_padded_like_one() {
        let many = [&b"ab"[..]; 200];
        assert_eq!(round_trip(&many[..MOST_PIECES], 256), 256 + 16);
        assert_eq!(round_trip(&many, 512), 512 + 16);
        assert_eq!(round_trip(&[b"", b"one", b"", b"two"], 64), 64 + 16);
    }

    #[test]
    fn without_a_block_nothing_changes() {
        assert_eq!(round_trip(&[b"hello"], 0), 5 + 17);
        let caught = std::panic::catch_unwind(|| pad(64, || panic!("inside")));
        assert!(caught.is_err());
        assert_eq!(BLOCK.get(), 0, "a panic leaves no padding behind");
    }
}
