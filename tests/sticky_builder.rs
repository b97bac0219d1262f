//! What could not be set on a builder stands between it and every context, whether the host looked or not.
//!
//! The functions are taken from the header: one that is new needs a line in `CALLS`.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::ptr::{null, null_mut};

use support::pki;
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

const HEADER: &str = include_str!("../include/tlsbio.h");

type Builder = *mut tls_builder_t;

/// One function that sets something.
struct Call {
    name: &'static str,
    /// Calls that fail for what they are given, on a builder that has an identity and trust.
    fail: &'static [fn(Builder) -> Status],
    /// A call that would not.
    good: fn(Builder) -> Status,
}

const PATH: &CStr = c"/nowhere/there is no such file";
const JUNK: &[u8] = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const MANY: usize = isize::MAX as usize;

/// A call with a buffer and its length.
macro_rules! with {
    ($function:ident, $bytes:expr) => {
        |builder| {
            let bytes = $bytes;
            unsafe { $function(builder, bytes.as_ptr().cast(), bytes.len()) }
        }
    };
}

/// A call with a buffer that is not there.
macro_rules! no_buffer {
    ($function:ident) => {
        |builder| unsafe { $function(builder, null(), 5) }
    };
}

macro_rules! call {
    ($name:ident, [$($fail:expr),*], $good:expr) => {
        Call { name: stringify!($name), fail: &[$($fail),*], good: $good }
    };
}

const CALLS: &[Call] = &[
    call!(
        tls_builder_identity_pem,
        [
            |builder| identity(builder, b"none", &pki("ecdsa/server.key")),
            |builder| identity(builder, &pki("ecdsa/server-chain.pem"), JUNK),
            |builder| unsafe { tls_builder_identity_pem(builder, null(), 1, null(), 1) }
        ],
        |builder| identity(builder, &pki("ecdsa/server-chain.pem"), &pki("ecdsa/server.key"))
    ),
    call!(
        tls_builder_identity_file,
        [
            |builder| unsafe { tls_builder_identity_file(builder, PATH.as_ptr(), PATH.as_ptr()) },
            |builder| unsafe { tls_builder_identity_file(builder, null(), null()) }
        ],
        |builder| {
            let [chain, key] = ["ecdsa/server-chain.pem", "ecdsa/server.key"].map(path);
            unsafe { tls_builder_identity_file(builder, chain.as_ptr(), key.as_ptr()) }
        }
    ),
    call!(
        tls_builder_identity_external,
        [with!(tls_builder_identity_external, b"none"), no_buffer!(tls_builder_identity_external)],
        with!(tls_builder_identity_external, pki("ecdsa/server-chain.pem"))
    ),
    call!(
        tls_builder_raw_identity_pem,
        [
            // There is an identity already.
            with!(tls_builder_raw_identity_pem, pki("ecdsa/server.key")),
            no_buffer!(tls_builder_raw_identity_pem)
        ],
        with!(tls_builder_raw_identity_pem, pki("ecdsa/server.key"))
    ),
    call!(
        tls_builder_trust_pem,
        [
            with!(tls_builder_trust_pem, JUNK),
            with!(tls_builder_trust_pem, b""),
            no_buffer!(tls_builder_trust_pem)
        ],
        with!(tls_builder_trust_pem, pki("trust/all.pem"))
    ),
    call!(
        tls_builder_trust_file,
        [
            |builder| unsafe { tls_builder_trust_file(builder, PATH.as_ptr()) },
            |builder| unsafe { tls_builder_trust_file(builder, null()) }
        ],
        |builder| unsafe { tls_builder_trust_file(builder, path("trust/all.pem").as_ptr()) }
    ),
    call!(
        tls_builder_trust_bundle,
        [
            |builder| bundle(builder, JUNK),
            |builder| unsafe { tls_builder_trust_bundle(builder, null(), 5, null_mut()) }
        ],
        |builder| bundle(builder, &pki("trust/all.pem"))
    ),
    call!(
        tls_builder_trust_bundle_file,
        [
            |builder| unsafe { tls_builder_trust_bundle_file(builder, PATH.as_ptr(), null_mut()) },
            |builder| unsafe { tls_builder_trust_bundle_file(builder, null(), null_mut()) }
        ],
        |builder| unsafe {
            tls_builder_trust_bundle_file(builder, path("trust/all.pem").as_ptr(), null_mut())
        }
    ),
    // It fails where the system has no store: a test of its own.
    call!(tls_builder_trust_system, [], |builder| tls_builder_trust_system(builder)),
    call!(
        tls_builder_trust_peer_pem,
        [with!(tls_builder_trust_peer_pem, JUNK), no_buffer!(tls_builder_trust_peer_pem)],
        with!(tls_builder_trust_peer_pem, pki("ecdsa/server-chain.pem"))
    ),
    call!(
        tls_builder_raw_trust_pem,
        [with!(tls_builder_raw_trust_pem, JUNK), no_buffer!(tls_builder_raw_trust_pem)],
        with!(tls_builder_raw_trust_pem, pki("trust/all.pem"))
    ),
    call!(
        tls_builder_intermediates_pem,
        [with!(tls_builder_intermediates_pem, JUNK), no_buffer!(tls_builder_intermediates_pem)],
        with!(tls_builder_intermediates_pem, pki("trust/all.pem"))
    ),
    call!(
        tls_builder_crl,
        [with!(tls_builder_crl, b"no CRL at all"), no_buffer!(tls_builder_crl)],
        with!(tls_builder_crl, pki("crl/all.crl"))
    ),
    call!(tls_builder_revocation, [|builder| tls_builder_revocation(builder, 0x70)], |builder| {
        tls_builder_revocation(builder, 1)
    }),
    call!(tls_builder_verify_time, [|builder| tls_builder_verify_time(builder, -1)], |builder| {
        tls_builder_verify_time(builder, 0)
    }),
    call!(
        tls_builder_pin_sha256,
        [with!(tls_builder_pin_sha256, [7; 31]), with!(tls_builder_pin_sha256, [7; 33]), |builder| unsafe {
            tls_builder_pin_sha256(builder, null(), 32)
        }],
        with!(tls_builder_pin_sha256, [7; 32])
    ),
    call!(
        tls_builder_ocsp,
        [with!(tls_builder_ocsp, [0; 70_000]), no_buffer!(tls_builder_ocsp)],
        with!(tls_builder_ocsp, b"")
    ),
    call!(
        tls_builder_alpn,
        [with!(tls_builder_alpn, b"\0"), with!(tls_builder_alpn, [1; 5000]), no_buffer!(tls_builder_alpn)],
        with!(tls_builder_alpn, b"\x02h2")
    ),
    call!(
        tls_builder_versions,
        [
            |builder| tls_builder_versions(builder, 0x0304, 0x0303),
            |builder| tls_builder_versions(builder, 0x0302, 0x0303),
            |builder| tls_builder_versions(builder, 0x0303, 0x0305)
        ],
        |builder| tls_builder_versions(builder, 0x0303, 0x0304)
    ),
    call!(
        tls_builder_client_auth,
        [|builder| tls_builder_client_auth(builder, 3), |builder| tls_builder_client_auth(builder, -1)],
        |builder| tls_builder_client_auth(builder, TLS_CLIENT_AUTH_NONE)
    ),
    call!(tls_builder_verify, [|builder| tls_builder_verify(builder, 9)], |builder| {
        tls_builder_verify(builder, TLS_VERIFY_PEER)
    }),
    call!(tls_builder_ask_identity, [|builder| tls_builder_ask_identity(builder, 2)], |builder| {
        tls_builder_ask_identity(builder, 0)
    }),
    call!(tls_builder_ask_session, [|builder| tls_builder_ask_session(builder, 2)], |builder| {
        tls_builder_ask_session(builder, 0)
    }),
    call!(tls_builder_ask_context, [|builder| tls_builder_ask_context(builder, 2)], |builder| {
        tls_builder_ask_context(builder, 0)
    }),
    call!(
        tls_builder_limits,
        [|builder| tls_builder_limits(builder, 1, 0), |builder| tls_builder_limits(builder, 0, usize::MAX)],
        |builder| tls_builder_limits(builder, 0, 0)
    ),
    // Any size of a pool is one.
    call!(tls_builder_pool, [], |builder| tls_builder_pool(builder, 0)),
    call!(tls_builder_handshake_budget, [|builder| tls_builder_handshake_budget(builder, 1)], |builder| {
        tls_builder_handshake_budget(builder, 0)
    }),
    // Any deadline is one.
    call!(
        tls_builder_open_questions,
        [|builder| tls_builder_open_questions(builder, 16 * 1024 + 1)],
        |builder| tls_builder_open_questions(builder, 2)
    ),
    call!(tls_builder_handshake_deadline, [], |builder| tls_builder_handshake_deadline(builder, 0)),
    call!(
        tls_builder_suites,
        [
            |builder| numbers(tls_builder_suites, builder, &[0x1301, 0x1301]),
            |builder| { numbers(tls_builder_suites, builder, &[0x9999]) }
        ],
        |builder| numbers(tls_builder_suites, builder, &[0x1301])
    ),
    call!(
        tls_builder_groups,
        [|builder| numbers(tls_builder_groups, builder, &[0x9999])],
        |builder| numbers(tls_builder_groups, builder, &[0x001d])
    ),
    call!(
        tls_builder_signature_schemes,
        [
            |builder| numbers(tls_builder_signature_schemes, builder, &[0x0001]),
            |builder| numbers(tls_builder_signature_schemes, builder, &[0x0403, 0x0403])
        ],
        |builder| numbers(tls_builder_signature_schemes, builder, &[])
    ),
    call!(tls_builder_key_share, [|builder| tls_builder_key_share(builder, 0x9999)], |builder| {
        tls_builder_key_share(builder, 0)
    }),
    call!(
        tls_builder_certificate_compression,
        [|builder| numbers(tls_builder_certificate_compression, builder, &[0x9999])],
        |builder| numbers(tls_builder_certificate_compression, builder, &[])
    ),
    call!(
        tls_builder_ech,
        [with!(tls_builder_ech, b"\0\x01x"), no_buffer!(tls_builder_ech)],
        with!(tls_builder_ech, b"")
    ),
    call!(tls_builder_ech_grease, [|builder| tls_builder_ech_grease(builder, 2)], |builder| {
        tls_builder_ech_grease(builder, 0)
    }),
    call!(tls_builder_record_size, [|builder| tls_builder_record_size(builder, 1)], |builder| {
        tls_builder_record_size(builder, 0)
    }),
    call!(tls_builder_record_ramp, [|builder| tls_builder_record_ramp(builder, 1, 0)], |builder| {
        tls_builder_record_ramp(builder, 0, 0)
    }),
    call!(tls_builder_open_questions, [|builder| tls_builder_open_questions(builder, u32::MAX)], |builder| {
        tls_builder_open_questions(builder, 1)
    }),
    call!(tls_builder_strict_sni, [|builder| tls_builder_strict_sni(builder, 2)], |builder| {
        tls_builder_strict_sni(builder, 0)
    }),
    call!(tls_builder_half_rtt, [|builder| tls_builder_half_rtt(builder, 2)], |builder| {
        tls_builder_half_rtt(builder, 0)
    }),
    call!(tls_builder_padding, [|builder| tls_builder_padding(builder, 3)], |builder| {
        tls_builder_padding(builder, 0)
    }),
    call!(tls_builder_events, [|builder| tls_builder_events(builder, u32::MAX)], |builder| {
        tls_builder_events(builder, 0)
    }),
    call!(tls_builder_key_log, [|builder| tls_builder_key_log(builder, 2)], |builder| {
        tls_builder_key_log(builder, 0)
    }),
    call!(tls_builder_secret_extraction, [|builder| tls_builder_secret_extraction(builder, 2)], |builder| {
        tls_builder_secret_extraction(builder, 0)
    }),
    call!(tls_builder_sessions, [|builder| tls_builder_sessions(builder, MANY)], |builder| {
        tls_builder_sessions(builder, 0)
    }),
    call!(tls_builder_tickets, [|builder| tls_builder_tickets(builder, 10_000)], |builder| {
        tls_builder_tickets(builder, 2)
    }),
    call!(
        tls_builder_ticket_request,
        [|builder| tls_builder_ticket_request(builder, 10_000, 1)],
        |builder| { tls_builder_ticket_request(builder, 1, 1) }
    ),
    call!(tls_builder_early_data, [|builder| tls_builder_early_data(builder, u32::MAX)], |builder| {
        tls_builder_early_data(builder, 0)
    }),
];

/// Those that set nothing which could be missing.
const NO_SETTERS: &[&str] = &["tls_builder_free", "tls_builder_clear_error"];

fn path(name: &str) -> CString {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/pki").join(name);
    CString::new(path.into_os_string().into_encoded_bytes()).unwrap()
}

fn identity(builder: Builder, chain: &[u8], key: &[u8]) -> Status {
    unsafe {
        tls_builder_identity_pem(builder, chain.as_ptr().cast(), chain.len(), key.as_ptr().cast(), key.len())
    }
}

fn bundle(builder: Builder, pem: &[u8]) -> Status {
    unsafe { tls_builder_trust_bundle(builder, pem.as_ptr().cast(), pem.len(), null_mut()) }
}

fn numbers(
    set: unsafe extern "C" fn(Builder, *const u16, usize) -> Status,
    builder: Builder,
    list: &[u16],
) -> Status {
    unsafe { set(builder, list.as_ptr(), list.len()) }
}

/// Status, reason and message.
type Told = (Status, i32, String);

fn told(error: &tls_error_t) -> Told {
    let message = error.message.map(|byte| byte as u8);
    let message = CStr::from_bytes_until_nul(&message).unwrap().to_str().unwrap().to_owned();
    (error.status, error.reason, message)
}

fn empty_error() -> tls_error_t {
    // SAFETY: numbers and an array of them.
    tls_error_t { size: size_of::<tls_error_t>(), ..unsafe { std::mem::zeroed() } }
}

fn shown(builder: Builder) -> Told {
    let mut error = empty_error();
    assert_eq!(unsafe { tls_builder_error(builder, &mut error) }, TLS_OK);
    told(&error)
}

/// What each role's context says: none if it was made.
fn contexts(builder: Builder) -> [Option<Told>; 2] {
    [tls_context_client, tls_context_server].map(|make| {
        let mut error = empty_error();
        let context = unsafe { make(builder, &mut error) };
        tls_context_free(context);
        context.is_null().then(|| told(&error))
    })
}

fn complete_builder() -> Builder {
    let builder = tls_builder_new();
    let trust = pki("trust/all.pem");
    assert_eq!(unsafe { tls_builder_trust_pem(builder, trust.as_ptr().cast(), trust.len()) }, TLS_OK);
    assert_eq!(identity(builder, &pki("ecdsa/server-chain.pem"), &pki("ecdsa/server.key")), TLS_OK);
    builder
}

/// The functions of the header that are given a builder which they may change.
fn setters() -> BTreeSet<&'static str> {
    // Comments first: what is left between two semicolons is a declaration.
    let code = HEADER.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code));
    code.flat_map(|part| part.split(';'))
        .filter_map(|declaration| declaration.split_once('('))
        .filter(|(_, parameters)| parameters.replace("const tls_builder_t *", "").contains("tls_builder_t *"))
        .filter_map(|(start, _)| start.split_whitespace().last())
        .map(|name| name.trim_start_matches('*'))
        .filter(|name| !NO_SETTERS.contains(name))
        .collect()
}

#[test]
fn every_function_of_the_header_is_tried() {
    let tried: BTreeSet<_> = CALLS.iter().map(|call| call.name).collect();
    assert!(tried.len() > 35);
    assert_eq!(tried, setters());
}

#[test]
fn a_failure_is_that_of_every_context_until_the_host_has_seen_it() {
    //
    for call in CALLS {
        for (number, fail) in call.fail.iter().enumerate() {
            let name = format!("{}, {number}", call.name);
            let builder = complete_builder();
            assert_eq!(contexts(builder), [None, None]);

            let status = fail(builder);
            assert!(status < 0, "{name} did not fail");
            let first = shown(builder);
            assert_eq!(first.0, status, "{name}");
            assert!(first.2.len() > 10, "{name}: {}", first.2);
            assert_eq!(contexts(builder), [Some(first.clone()), Some(first.clone())], "{name}");

            // Neither another failure nor the same call done rightly changes that.
            assert_eq!(tls_builder_verify(builder, -7), TLS_ERR_ARGUMENT);
            assert_eq!(tls_builder_versions(builder, 0x0303, 0x0304), TLS_OK);
            assert_eq!(shown(builder), first, "{name}");
            assert_eq!(contexts(builder), [Some(first.clone()), Some(first)], "{name}");

            assert_eq!(tls_builder_clear_error(builder), TLS_OK);
            assert_eq!(shown(builder), (TLS_OK, 0, String::new()));
            assert_eq!(contexts(builder), [None, None], "{name}");

            // What was seen is not what comes next.
            assert_eq!(fail(builder), status);
            assert_eq!(contexts(builder).map(|told| told.map(|told| told.0)), [Some(status); 2], "{name}");
            tls_builder_free(builder);
        }
    }
}

#[test]
fn what_a_context_lacks_can_be_given() {
    let builder = tls_builder_new();
    let lacks = contexts(builder).map(|told| told.unwrap().1);
    assert_eq!(lacks, [TLS_REASON_NO_TRUST, TLS_REASON_NO_IDENTITY]);
    assert_eq!(shown(builder).0, TLS_OK, "no call on the builder failed");
    let trust = pki("trust/all.pem");
    assert_eq!(unsafe { tls_builder_trust_pem(builder, trust.as_ptr().cast(), trust.len()) }, TLS_OK);
    assert_eq!(identity(builder, &pki("ecdsa/server-chain.pem"), &pki("ecdsa/server.key")), TLS_OK);
    assert_eq!(contexts(builder), [None, None]);
    tls_builder_free(builder);
}

#[test]
fn only_builders_have_something_to_clear() {
    assert_eq!(tls_builder_clear_error(null_mut()), TLS_ERR_ARGUMENT);
    let builder = complete_builder();
    assert_eq!(tls_builder_clear_error(builder), TLS_OK, "nothing failed yet");
    assert_eq!(contexts(builder), [None, None]);
    tls_builder_free(builder);
    assert_eq!(tls_builder_clear_error(builder), TLS_ERR_HANDLE);
}

/// A builder that a thread is inside of until it is let go: the thread reads a pipe.
struct Occupied {
    builder: Builder,
    pipe: File,
    thread: std::thread::JoinHandle<Status>,
}

impl Occupied {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tlsbio-{}-{name}", std::process::id()));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let builder = complete_builder();
        let (inside, c_path) = (builder.addr(), CString::new(path.to_str().unwrap()).unwrap());
        let thread = std::thread::spawn(move || unsafe {
            tls_builder_trust_file(std::ptr::without_provenance_mut(inside), c_path.as_ptr())
        });
        // This waits for a reader, which is the thread in its call.
        let pipe = OpenOptions::new().write(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        Self { builder, pipe, thread }
    }

    /// Lets the thread read `text`, and end its call.
    fn release(mut self, text: &[u8]) -> (Builder, Status) {
        self.pipe.write_all(text).unwrap();
        drop(self.pipe);
        (self.builder, self.thread.join().unwrap())
    }
}

#[test]
fn a_call_that_another_thread_kept_out_has_failed() {
    //
    for call in CALLS {
        let occupied = Occupied::new(call.name);
        assert_eq!((call.good)(occupied.builder), TLS_ERR_BUSY, "{}", call.name);
        assert_eq!(tls_builder_clear_error(occupied.builder), TLS_ERR_BUSY);
        let (builder, inside) = occupied.release(&pki("trust/all.pem"));
        assert_eq!(inside, TLS_OK, "the thread that was inside notices nothing");

        let first = shown(builder);
        assert_eq!(first.0, TLS_ERR_BUSY, "{}", call.name);
        assert_eq!(contexts(builder), [Some(first.clone()), Some(first)], "{}", call.name);
        assert_eq!(tls_builder_clear_error(builder), TLS_OK);
        assert_eq!(contexts(builder), [None, None], "{}", call.name);
        tls_builder_free(builder);
    }
}

#[test]
fn what_only_looks_loses_nothing_when_it_is_kept_out() {
    let occupied = Occupied::new("looks");
    assert_eq!(contexts(occupied.builder).map(|told| told.unwrap().0), [TLS_ERR_BUSY; 2]);
    assert_eq!(tls_builder_clear_error(occupied.builder), TLS_ERR_BUSY);
    let (builder, inside) = occupied.release(&pki("trust/all.pem"));
    assert_eq!(inside, TLS_OK);
    assert_eq!(contexts(builder), [None, None]);
    tls_builder_free(builder);
}

#[test]
fn the_first_failure_is_the_first_by_time() {
    // The second thread was refused before the first one failed.
    let occupied = Occupied::new("time");
    assert_eq!(tls_builder_versions(occupied.builder, 0x0304, 0x0304), TLS_ERR_BUSY);
    let (builder, inside) = occupied.release(JUNK);
    assert_eq!(inside, TLS_ERR_CONFIG);
    assert_eq!(shown(builder).0, TLS_ERR_BUSY);

    // And afterwards.
    assert_eq!(tls_builder_clear_error(builder), TLS_OK);
    assert_eq!(tls_builder_client_auth(builder, 3), TLS_ERR_ARGUMENT);
    assert_eq!(shown(builder).0, TLS_ERR_ARGUMENT);
    tls_builder_free(builder);
}

#[test]
fn a_system_without_a_store_is_a_failure() {
    // The environment belongs to the whole process: it is another one's here.
    const MARK: &str = "TLSBIO_TEST_WITHOUT_STORE";
    if std::env::var_os(MARK).is_none() {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_system_without_a_store_is_a_failure"])
            .env(MARK, "1")
            .env("SSL_CERT_FILE", "/nowhere/file")
            .env("SSL_CERT_DIR", "/nowhere/directory")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let builder = complete_builder();
    assert_eq!(tls_builder_trust_system(builder), TLS_ERR_IO);
    assert_eq!(contexts(builder).map(|told| told.unwrap().0), [TLS_ERR_IO; 2]);
    assert_eq!(tls_builder_clear_error(builder), TLS_OK);
    assert_eq!(contexts(builder), [None, None]);
    tls_builder_free(builder);
}

/// What other readers of PEM text drop without a word: what follows a byte-order mark, and a certificate that follows
/// another one without a line end.
#[test]
fn no_certificate_of_the_file_that_is_the_store_is_lost() {
    const MARK: &str = "TLSBIO_TEST_STORE";
    if let Some(path) = std::env::var_os(MARK) {
        let builder = complete_builder();
        assert_eq!(tls_builder_trust_system(builder), TLS_OK, "{}", path.display());
        tls_builder_free(builder);
        return;
    }
    let root = String::from_utf8(pki("ecdsa/ca.pem")).unwrap();
    let no_anchor = String::from_utf8(pki("ecdsa/server.pem")).unwrap();
    let texts = [format!("\u{feff}{root}"), format!("{}{root}", no_anchor.trim_end())];
    for (number, text) in texts.iter().enumerate() {
        let path = std::env::temp_dir().join(format!("tlsbio-store-{}-{number}.pem", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "no_certificate_of_the_file_that_is_the_store_is_lost"])
            .env(MARK, &path)
            .env("SSL_CERT_FILE", &path)
            .env_remove("SSL_CERT_DIR")
            .status();
        std::fs::remove_file(&path).unwrap();
        assert!(status.unwrap().success(), "{number}");
    }
}
