//! The AEAD alone, without TLS: what no TLS library over AWS-LC can be faster than. It seals records of 16384 bytes
//! and opens them, each with a nonce of its own and additional data as long as in the suite's version of TLS.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uchar, c_void};
use std::process::ExitCode;
use std::ptr;
use std::slice;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};

use driver::{Driver, Facts, Setting, Sink, WIRE_ROOM, Way, fail};

#[path = "../../driver.rs"]
mod driver;
#[path = "../../entry.rs"]
mod entry;

fn main() -> ExitCode {
    entry::run()
}

const LARGEST_RECORD: usize = 16384;
const TAG: usize = 16;
/// What is additional: in TLS 1.3 the record's header, in TLS 1.2 the sequence number besides.
const ADDITIONAL: usize = 5;
const ADDITIONAL_OF_TLS12: usize = 13;
const TLS12: u16 = 0x0303;
const TLS_AES_256_GCM_SHA384: u16 = 0x1302;

static AES_128: LazyLock<LessSafeKey> = LazyLock::new(|| key(&AES_128_GCM));
static AES_256: LazyLock<LessSafeKey> = LazyLock::new(|| key(&AES_256_GCM));

/// What is measured does not depend on the key's bytes.
fn key(algorithm: &'static Algorithm) -> LessSafeKey {
    let bytes = [0x42; 32];
    let key = UnboundKey::new(algorithm, &bytes[..algorithm.key_len()]);
    LessSafeKey::new(key.unwrap_or_else(|error| fail("key", error)))
}

/// Of the setting that the worker gave last.
static LONG_KEY: AtomicBool = AtomicBool::new(false);
static ADDITIONAL_LEN: AtomicUsize = AtomicUsize::new(ADDITIONAL);

thread_local! {
    /// Each thread counts for itself, which is good enough for keys that protect nothing.
    static RECORDS: Cell<u64> = const { Cell::new(0) };
}

fn nonce(record: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&record.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// The last bytes of it are the header; `ADDITIONAL_LEN` of them are used.
fn additional(len: usize) -> [u8; ADDITIONAL_OF_TLS12] {
    let [high, low] = ((len + TAG) as u16).to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, 1, 0x17, 3, 3, high, low]
}

fn used(additional: &[u8; ADDITIONAL_OF_TLS12]) -> Aad<&[u8]> {
    Aad::from(&additional[ADDITIONAL_OF_TLS12 - ADDITIONAL_LEN.load(Ordering::Relaxed)..])
}

/// One pass, which reads `plain` and writes `wire`.
fn seal(key: &LessSafeKey, record: u64, plain: &[u8], wire: &mut [u8]) {
    let additional = additional(plain.len());
    let (text, tag) = wire.split_at_mut(plain.len());
    let sealed = key.seal_out_of_place_scatter(nonce(record), used(&additional), plain, text, &[], tag);
    sealed.unwrap_or_else(|error| fail("seal_out_of_place_scatter", error));
}

/// Two passes: a copy, which is sealed where it is.
fn seal_copy(key: &LessSafeKey, record: u64, plain: &[u8], wire: &mut [u8]) {
    let additional = additional(plain.len());
    let (text, tag) = wire.split_at_mut(plain.len());
    text.copy_from_slice(plain);
    match key.seal_in_place_separate_tag(nonce(record), used(&additional), text) {
        Ok(made) => tag.copy_from_slice(made.as_ref()),
        Err(error) => fail("seal_in_place_separate_tag", error),
    }
}

fn open_in_place<'a>(key: &LessSafeKey, record: u64, wire: &'a mut [u8]) -> &'a [u8] {
    let additional = additional(wire.len() - TAG);
    match key.open_in_place(nonce(record), used(&additional), wire) {
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
    ($name:ident, $seal:expr) => {
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
            let key = if LONG_KEY.load(Ordering::Relaxed) { &AES_256 } else { &AES_128 };
            seal_and_open(key, $seal, plain, wire, sink);
        }
    };
}

way!(one_pass, seal);
way!(with_a_copy, seal_copy);

static WAYS: [Way; 3] = [
    Way::new(c"aead", c"AES-GCM of the suite: seal_out_of_place_scatter, open_in_place", one_pass),
    Way::new(c"aead-copy", c"AES-GCM of the suite: a copy, seal_in_place_separate_tag, open_in_place", with_a_copy),
    Way::END,
];

unsafe extern "C" fn prepare(setting: *const Setting) -> *const c_char {
    // SAFETY: the worker's, for this call.
    let setting = unsafe { &*setting };
    LONG_KEY.store(setting.suite == TLS_AES_256_GCM_SHA384, Ordering::Relaxed);
    let additional = if setting.version == TLS12 { ADDITIONAL_OF_TLS12 } else { ADDITIONAL };
    ADDITIONAL_LEN.store(additional, Ordering::Relaxed);
    ptr::null()
}

// There are no connections: none of these is called.

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
    prepare: Some(prepare),
    open: None,
    out,
    r#in: take_in,
    done,
    facts,
    keep: nothing,
    close: nothing,
    ways: WAYS.as_ptr(),
};
