//! Connections of which anything is said: what was sealed, under the right key, by whoever has it.
//!
//! The input is the inside of a blob (src/parse/moved). Most of them are none; the others come to life, do all that a
//! connection does, move once more, and end. Nothing may panic, and what moves twice is the same the second time.

#![no_main]
#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::ptr::null_mut;
use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use support::{Conn, Context, Recipe};
use tlsbio::ffi::*;
use tlsbio::status::*;

const KEY: [u8; 32] = [7; 32];
const HEADER: usize = 22;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Where the count of moves stands, behind the id.
const MOVES: std::ops::Range<usize> = 16..24;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived<const N: usize>(label: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    Prk::new_less_safe(HKDF_SHA256, &KEY).expand(&[label], Length(N)).unwrap().fill(&mut bytes).unwrap();
    bytes
}

static SEAL: LazyLock<LessSafeKey> = LazyLock::new(|| {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived::<32>(b"tlsbio moved connection: seal")).unwrap())
});

static CHECK: LazyLock<[u8; 8]> = LazyLock::new(|| derived(b"tlsbio moved connection: tell keys apart"));

static CONTEXTS: LazyLock<[usize; 2]> = LazyLock::new(|| {
    let server = Recipe { ask_context: true, events: 0x1f, ..Recipe::default() };
    let contexts = [Context::client(&Recipe::default()), Context::server(&server)];
    let handles = [0, 1].map(|index| contexts[index].handle().addr());
    std::mem::forget(contexts);
    handles
});

fn seal(inside: &[u8]) -> Vec<u8> {
    let mut blob = b"tlsmoved\0\x01".to_vec();
    blob.extend_from_slice(&((HEADER + NONCE + inside.len() + TAG) as u32).to_be_bytes());
    blob.extend_from_slice(&*CHECK);
    let mut sealed = inside.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; NONCE]);
    SEAL.seal_in_place_append_tag(nonce, Aad::from(&blob[..]), &mut sealed).unwrap();
    blob.extend_from_slice(&[0; NONCE]);
    blob.extend_from_slice(&sealed);
    blob
}

fn open(blob: &[u8]) -> Vec<u8> {
    let (header, rest) = blob.split_at(HEADER);
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().unwrap();
    let mut sealed = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    SEAL.open_in_place(nonce, Aad::from(header), &mut sealed).unwrap().to_vec()
}

fn import(blob: &[u8]) -> Option<Conn> {
    CONTEXTS.iter().find_map(|&context| {
        let context = std::ptr::without_provenance(context);
        let (bytes, key) = (blob.as_ptr().cast(), KEY.as_ptr().cast());
        let mut error: tls_error_t = unsafe { std::mem::zeroed() };
        error.size = size_of::<tls_error_t>();
        let conn = unsafe { tls_conn_import(context, bytes, blob.len(), key, &mut error) };
        assert_ne!(error.status, TLS_ERR_INTERNAL);
        (!conn.is_null()).then_some(Conn(conn))
    })
}

/// The inside of its blob; None if it cannot move.
fn export(conn: &Conn) -> Option<Vec<u8>> {
    let key = KEY.as_ptr().cast();
    let size = unsafe { tls_conn_export(conn.0, key, null_mut(), 0, null_mut()) };
    let mut blob = vec![0; usize::try_from(size).ok()?];
    let place = blob.as_mut_ptr().cast();
    assert_eq!(unsafe { tls_conn_export(conn.0, key, place, blob.len(), null_mut()) }, size);
    Some(open(&blob))
}

/// All that a connection does; no call may find a defect of the library's.
fn use_up(conn: &Conn) {
    let known = |status: i32| {
        // Keys may be used up.
        let is_fine = status != TLS_ERR_INTERNAL || reason(conn) == TLS_REASON_KEYS_EXHAUSTED;
        assert!(is_fine, "reason {}", reason(conn));
    };
    conn.state();
    let mut plain = Vec::new();
    known(conn.read_all(&mut plain));
    known(tls_uncork(conn.0));
    known(conn.write(&[1; 3000]).err().unwrap_or(0));
    known(tls_key_update(conn.0));
    known(conn.feed(&[23, 3, 3, 0, 40]).err().unwrap_or(0));
    known(conn.feed(&[0; 40]).err().unwrap_or(0));
    known(conn.advance());
    known(conn.close_notify());
    let mut place = [0; 300];
    for index in 0..3 {
        unsafe { tls_peer_certificate(conn.0, index, place.as_mut_ptr().cast(), place.len()) };
    }
    for kind in [TLS_BINDING_EXPORTER, TLS_BINDING_SERVER_END_POINT] {
        unsafe { tls_channel_binding(conn.0, kind, place.as_mut_ptr().cast(), place.len()) };
    }
    unsafe { tls_sni(conn.0, place.as_mut_ptr().cast(), place.len()) };
    conn.drain();
}

fn reason(conn: &Conn) -> i32 {
    let mut error: tls_error_t = unsafe { std::mem::zeroed() };
    error.size = size_of::<tls_error_t>();
    unsafe { tls_conn_error(conn.0, &mut error) };
    error.reason
}

libfuzzer_sys::fuzz_target!(|inside: &[u8]| {
    let Some(conn) = import(&seal(inside)) else { return };
    let Some(mut first) = export(&conn) else {
        use_up(&conn);
        return;
    };
    let again = import(&seal(&first)).expect("what was written is read");
    let mut second = export(&again).expect("what came moves on");
    first[MOVES].fill(0);
    second[MOVES].fill(0);
    assert!(first == second, "a move has changed something");
    let conn = import(&seal(inside)).expect("it was read before");
    use_up(&conn);
});
