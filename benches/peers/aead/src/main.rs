//! The AEAD alone, without TLS: what no TLS library over AWS-LC can be faster than. It seals records of 16384 bytes
//! and opens them, each with a nonce of its own and 5 additional bytes, as TLS 1.3 does.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uchar, c_void};
use std::process::ExitCode;
use std::ptr;
use std::slice;
use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};

use driver::{Driver, Facts, Sink, WIRE_ROOM, Way, fail};

#[path = "../../driver.rs"]
mod driver;
#[path = "../../entry.rs"]
mod entry;

fn main() -> ExitCode {
    entry::run()
}

const LARGEST_RECORD: usize = 16384;
const TAG: usize = 16;
/// Of a record's header, which is what is additional.
const HEADER: usize = 5;

static AES_128: LazyLock<LessSafeKey> = LazyLock::new(|| key(&AES_128_GCM));
static AES_256: LazyLock<LessSafeKey> = LazyLock::new(|| key(&AES_256_GCM));

/// What is measured does not depend on the key's bytes.
fn key(algorithm: &'static Algorithm) -> LessSafeKey {
    let bytes = [0x42; 32];
    let key = UnboundKey::new(algorithm, &bytes[..algorithm.key_len()]);
    LessSafeKey::new(key.unwrap_or_else(|error| fail("key", error)))
}

thread_local! {
    /// Each thread counts for itself, which is good enough for keys that protect nothing.
    static RECORDS: Cell<u64> = const { Cell::new(0) };
}

fn nonce(record: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&record.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn header(len: usize) -> [u8; HEADER] {
    let [high, low] = ((len + TAG) as u16).to_be_bytes();
    [0x17, 3, 3, high, low]
}

/// One pass, which reads `plain` and writes `wire`.
fn seal(key: &LessSafeKey, record: u64, plain: &[u8], wire: &mut [u8]) {
    let aad = Aad::from(header(plain.len()));
    let (text, tag) = wire.split_at_mut(plain.len());
    let sealed = key.seal_out_of_place_scatter(nonce(record), aad, plain, text, &[], tag);
    sealed.unwrap_or_else(|error| fail("seal_out_of_place_scatter", error));
}

/// Two passes: a copy, which is sealed where it is.
fn seal_copy(key: &LessSafeKey, record: u64, plain: &[u8], wire: &mut [u8]) {
    let aad = Aad::from(header(plain.len()));
    let (text, tag) = wire.split_at_mut(plain.len());
    text.copy_from_slice(plain);
    match key.seal_in_place_separate_tag(nonce(record), aad, text) {
        Ok(made) => tag.copy_from_slice(made.as_ref()),
        Err(error) => fail("seal_in_place_separate_tag", error),
    }
}

fn open_in_place<'a>(key: &LessSafeKey, record: u64, wire: &'a mut [u8]) -> &'a [u8] {
    let aad = Aad::from(header(wire.len() - TAG));
    match key.open_in_place(nonce(record), aad, wire) {
        Ok(plain) => plain,
        Err(error) => fail("open_in_place", error),
    }
}

type Seal = fn(&LessSafeKey, u64, &[u8], &mut [u8]);

fn seal_and_open(key: &LessSafeKey, seal: Seal, plain: &[u8], wire: &mut [u8], sink: &mut Sink) {
    let first = RECORDS.get();
    let pieces = (first..).zip(plain.chunks(LARGEST_RECORD).zip(wire.chunks_mut(LARGEST_RECORD + TAG)));
    for (record, (plain, wire)) in pieces {
        seal(key, record, plain, &mut wire[..plain.len() + TAG]);
        RECORDS.set(record + 1);
    }
    let mut left = plain.len();
    for (record, wire) in (first..RECORDS.get()).zip(wire.chunks_mut(LARGEST_RECORD + TAG)) {
        let len = left.min(LARGEST_RECORD);
        left -= len;
        sink.deliver(open_in_place(key, record, &mut wire[..len + TAG]));
    }
}

macro_rules! way {
    ($name:ident, $key:expr, $seal:expr) => {
        unsafe extern "C" fn $name(
            _: *mut c_void,
            _: *mut c_void,
            plain: *const c_uchar,
            len: usize,
            wire: *mut c_uchar,
            sink: *mut Sink,
        ) {
            // SAFETY: the worker gives so many bytes.
            let plain = unsafe { slice::from_raw_parts(plain, len) };
            // SAFETY: the worker gives so much room, all of it initialised, and not where the plain bytes are.
            let wire = unsafe { slice::from_raw_parts_mut(wire, WIRE_ROOM) };
            // SAFETY: it is the worker's, and ours for this call.
            let sink = unsafe { &mut *sink };
            seal_and_open(&$key, $seal, plain, wire, sink);
        }
    };
}

way!(aes_128, AES_128, seal);
way!(aes_256, AES_256, seal);
way!(aes_128_copy, AES_128, seal_copy);

static WAYS: [Way; 4] = [
    Way::new(c"aead", c"AES-128-GCM: seal_out_of_place_scatter, open_in_place", aes_128),
    Way::new(c"aead-256", c"AES-256-GCM: seal_out_of_place_scatter, open_in_place", aes_256),
    Way::new(c"aead-copy", c"AES-128-GCM: a copy, seal_in_place_separate_tag, open_in_place", aes_128_copy),
    Way::END,
];

// There are no connections. For work that opens some all the same, there are those that are nothing.

extern "C" fn open(_: c_int) -> *mut c_void {
    ptr::null_mut()
}

unsafe extern "C" fn out(_: *mut c_void, _: *mut c_uchar, _: usize) -> usize {
    0
}

unsafe extern "C" fn take_in(_: *mut c_void, _: *const c_uchar, _: usize) {}

unsafe extern "C" fn done(_: *mut c_void) -> c_int {
    1
}

unsafe extern "C" fn facts(_: *mut c_void) -> Facts {
    Facts { resumed: -1, ..Facts::default() }
}

unsafe extern "C" fn nothing(_: *mut c_void) {}

extern "C" fn version() -> *const c_char {
    concat!(env!("PEER_VERSION"), "\0").as_ptr().cast()
}

/// What the worker links with.
#[unsafe(export_name = "driver")]
pub static DRIVER: Driver = Driver {
    library: c"aws-lc-rs".as_ptr(),
    version,
    prepare: None,
    open,
    out,
    r#in: take_in,
    done,
    facts,
    keep: nothing,
    close: nothing,
    ways: WAYS.as_ptr(),
};
