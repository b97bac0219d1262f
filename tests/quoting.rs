//! No message shows what the host gave in a wrong form: a secret may be anywhere, as in a text whose line ends
//! got lost, in the place of a path, of a name, of a list.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};

use support::{Context, Recipe, message, pki};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

/// Base64, and no part of a word.
const SECRET: &str = "qZ7xWj4KvQ9zXg3JwYp8kBqX5vZj0HwKqGx7JzVb6QyWx1Zk";

/// The secret in the forms in which it may get here.
fn forms() -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for label in [
        "PRIVATE KEY",
        "CERTIFICATE",
        "X509 CRL",
        "PUBLIC KEY",
        SECRET,
        "TRUSTED CERTIFICATE",
        "EC PARAMETERS",
    ] {
        let text = format!("-----BEGIN {label}-----\n{SECRET}\n{SECRET}\n-----END {label}-----\n");
        for (from, to) in [
            ("\n", " "),
            ("\n", ""),
            ("\n", "\\n"),
            (" ", ""),
            ("-----END", "----END"),
            ("-----BEGIN", "----BEGIN"),
            ("-----\n", "-----"),
            ("-----\n", "-"),
            ("END", SECRET),
            ("BEGIN", SECRET),
            ("Z", "!"),
            ("k\n", "="),
            ("q", ":"),
            ("", ""),
        ] {
            forms.push(text.replace(from, to).into_bytes());
        }
        for cut in [20, 40, 60, 100, text.len() - 3] {
            forms.push(text.as_bytes()[..cut].to_vec());
        }
    }
    let bare = SECRET.as_bytes();
    forms.push(bare.to_vec());
    // As DER, as a list with a length in front, as characters that are none of ASCII's.
    for in_front in [
        &[0x30, 40][..],
        &[0x30, 0x82, 0, 40],
        &[0, 48],
        &[48],
        &[0xfe, 0x0d, 0, 44],
        &[0xff, 0xfe],
        &[0xc3, 0xa9],
    ] {
        forms.push([in_front, bare].concat());
    }
    forms
}

/// Whether `message` has four bytes of the secret in a row, written in one of the ways in which bytes are written.
fn shows(message: &str) -> bool {
    let ways: [fn(&[u8]) -> String; 4] = [
        |bytes| String::from_utf8_lossy(bytes).into(),
        |bytes| format!("{bytes:?}").trim_matches(['[', ']']).into(),
        |bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        |bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
    ];
    let (plain, lower) = (message, message.to_lowercase());
    SECRET.as_bytes().windows(4).any(|run| {
        let [text, numbers, hex, pairs] = ways.map(|way| way(run));
        plain.contains(&text) || [numbers, hex, pairs].iter().any(|written| lower.contains(written.as_str()))
    })
}

fn nothing() -> tls_error_t {
    let mut error: tls_error_t = unsafe { std::mem::zeroed() };
    error.size = size_of::<tls_error_t>();
    error
}

/// Counts what failed, and looks at what was said about it.
#[derive(Default)]
struct Judge(usize);

impl Judge {
    fn look(&mut self, door: &str, error: &tls_error_t) {
        let message = message(error);
        assert!(!shows(&message), "{door}: {message}");
        if error.status != TLS_OK {
            assert!(message.len() > 10, "{door}: {message}");
            self.0 += 1;
        }
    }

    /// A call on a builder, and the contexts that are made of it afterwards.
    fn builder(&mut self, door: &str, call: impl FnOnce(*mut tls_builder_t) -> Status) {
        let builder = tls_builder_new();
        let status = call(builder);
        let mut error = nothing();
        assert_eq!(unsafe { tls_builder_error(builder, &mut error) }, TLS_OK);
        assert_eq!(error.status, status, "{door}");
        self.look(door, &error);
        for make in [tls_context_client, tls_context_server] {
            let mut error = nothing();
            let context = unsafe { make(builder, &mut error) };
            self.look(door, &error);
            tls_context_free(context);
        }
        tls_builder_free(builder);
    }

    fn connection(&mut self, door: &str, make: impl FnOnce(*mut tls_error_t) -> *mut tls_conn_t) {
        let mut error = nothing();
        tls_free(make(&mut error));
        self.look(door, &error);
    }
}

type OfBytes = unsafe extern "C" fn(*mut tls_builder_t, *const c_void, usize) -> tls_status_t;
type OfNumbers = unsafe extern "C" fn(*mut tls_builder_t, *const u16, usize) -> tls_status_t;

const OF_BYTES: &[(&str, OfBytes)] = &[
    ("identity_external", tls_builder_identity_external),
    ("trust_pem", tls_builder_trust_pem),
    ("alpn", tls_builder_alpn),
    ("ech", tls_builder_ech),
    ("crl", tls_builder_crl),
    ("pin_sha256", tls_builder_pin_sha256),
    ("intermediates_pem", tls_builder_intermediates_pem),
    ("trust_peer_pem", tls_builder_trust_peer_pem),
    ("raw_identity_pem", tls_builder_raw_identity_pem),
    ("raw_trust_pem", tls_builder_raw_trust_pem),
];

const OF_NUMBERS: &[(&str, OfNumbers)] = &[
    ("suites", tls_builder_suites),
    ("groups", tls_builder_groups),
    ("certificate_compression", tls_builder_certificate_compression),
];

fn numbers(form: &[u8]) -> Vec<u16> {
    form.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn try_bytes(judge: &mut Judge, form: &[u8], chain: &[u8], key: &[u8]) {
    let identity = |builder, chain: &[u8], key: &[u8]| unsafe {
        tls_builder_identity_pem(builder, chain.as_ptr().cast(), chain.len(), key.as_ptr().cast(), key.len())
    };
    for (door, call) in OF_BYTES {
        judge.builder(door, |builder| unsafe { call(builder, form.as_ptr().cast(), form.len()) });
    }
    judge.builder("trust_bundle", |builder| unsafe {
        tls_builder_trust_bundle(builder, form.as_ptr().cast(), form.len(), null_mut())
    });
    judge.builder("ocsp", |builder| {
        assert_eq!(identity(builder, chain, key), TLS_OK);
        unsafe { tls_builder_ocsp(builder, form.as_ptr().cast(), form.len()) }
    });
    for (chain, key) in [(form, key), (chain, form), (form, form)] {
        judge.builder("identity_pem", |builder| identity(builder, chain, key));
    }
    let numbers = numbers(form);
    for (door, call) in OF_NUMBERS {
        judge.builder(door, |builder| unsafe { call(builder, numbers.as_ptr(), numbers.len()) });
    }
}

/// The form in the place of a path, and as what is in a file.
fn try_files(judge: &mut Judge, form: &[u8], good: &str) {
    let path = std::env::temp_dir().join(format!("tlsbio-quoting-{}", std::process::id()));
    std::fs::write(&path, form).unwrap();
    let paths = [CString::new(form).unwrap(), CString::new(path.to_str().unwrap()).unwrap()];
    let good = CString::new(good).unwrap();
    for given in &paths {
        judge.builder("trust_file", |builder| unsafe { tls_builder_trust_file(builder, given.as_ptr()) });
        judge.builder("trust_bundle_file", |builder| unsafe {
            tls_builder_trust_bundle_file(builder, given.as_ptr(), null_mut())
        });
        for (chain, key) in [(given, &good), (&good, given)] {
            judge.builder("identity_file", |builder| unsafe {
                tls_builder_identity_file(builder, chain.as_ptr(), key.as_ptr())
            });
        }
        // No other thread of this test looks at the environment.
        unsafe { std::env::set_var("SSL_CERT_FILE", given.to_str().unwrap_or("none")) };
        judge.builder("trust_system", |builder| tls_builder_trust_system(builder));
    }
    std::fs::remove_file(path).unwrap();
}

fn try_connections(judge: &mut Judge, form: &[u8], client: &Context) {
    let name = CString::new(form).unwrap();
    let good = c"server.example";
    judge.connection("client_new", |error| unsafe { tls_client_new(client.handle(), name.as_ptr(), error) });
    let pairs: [[*const c_char; 2]; 2] = [[name.as_ptr(), good.as_ptr()], [good.as_ptr(), name.as_ptr()]];
    for [sni, verified] in pairs {
        judge.connection("client_new_named", |error| unsafe {
            tls_client_new_named(client.handle(), sni, verified, error)
        });
    }
    let plain = tls_client_options_t {
        size: size_of::<tls_client_options_t>(),
        server_name: good.as_ptr(),
        sni: null(),
        alpn: null(),
        alpn_len: 0,
        session: null_mut(),
        ech: null(),
        ech_len: 0,
        flags: 0,
        groups: null(),
        groups_count: 0,
    };
    let piece = tls_iovec_t { base: form.as_ptr().cast_mut().cast(), len: form.len() };
    for name in [name.as_ptr(), good.as_ptr()] {
        let mut error = nothing();
        unsafe { tls_verify_chain(client.handle(), &piece, 1, name, 0, TLS_ROLE_SERVER, &mut error) };
        judge.look("verify_chain", &error);
    }
    let numbers = numbers(form);
    let (bytes, length) = (form.as_ptr().cast::<c_void>(), form.len());
    for options in [
        tls_client_options_t { server_name: name.as_ptr(), ..plain },
        tls_client_options_t { sni: name.as_ptr(), ..plain },
        tls_client_options_t { alpn: bytes, alpn_len: length, ..plain },
        tls_client_options_t { ech: bytes, ech_len: length, ..plain },
        tls_client_options_t { groups: numbers.as_ptr(), groups_count: numbers.len(), ..plain },
    ] {
        judge.connection("client_new_with", |error| unsafe {
            tls_client_new_with(client.handle(), &options, error)
        });
    }
}

/// Ticket keys that cannot be used, of the secret's bytes.
fn try_ticket_keys(judge: &mut Judge, chain: &[u8], key: &[u8]) {
    let builder = tls_builder_new();
    let status = unsafe {
        tls_builder_identity_pem(builder, chain.as_ptr().cast(), chain.len(), key.as_ptr().cast(), key.len())
    };
    assert_eq!(status, TLS_OK);
    let server = unsafe { tls_context_server(builder, null_mut()) };
    tls_builder_free(builder);
    let given = || {
        let mut given: tls_ticket_key_t = unsafe { std::mem::zeroed() };
        given.size = size_of::<tls_ticket_key_t>();
        given.name.copy_from_slice(&SECRET.as_bytes()[..16]);
        given.secret[..48].copy_from_slice(SECRET.as_bytes());
        given.secret_len = 48;
        given.decrypt_until = u64::MAX;
        given
    };
    let unusable = [
        vec![tls_ticket_key_t { secret_len: 7, ..given() }],
        vec![tls_ticket_key_t { secret_len: 65, ..given() }],
        vec![tls_ticket_key_t { decrypt_until: 0, ..given() }],
        vec![tls_ticket_key_t { size: 12, ..given() }],
        vec![given(), given()],
    ];
    for keys in &unusable {
        let mut error = nothing();
        let status = unsafe { tls_context_ticket_keys(server, keys.as_ptr(), keys.len(), &mut error) };
        assert_ne!(status, TLS_OK);
        judge.look("context_ticket_keys", &error);
    }
    tls_context_free(server);
}

#[test]
fn no_message_shows_what_was_given_in_a_wrong_form() {
    let (chain, key) = (pki("ecdsa/direct.pem"), pki("ecdsa/direct.key"));
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pki/ecdsa/direct.pem");
    let client = Context::client(&Recipe::default());
    let mut judge = Judge::default();
    let forms = forms();
    for form in &forms {
        try_bytes(&mut judge, form, &chain, &key);
        if !form.contains(&0) {
            try_files(&mut judge, form, good);
            try_connections(&mut judge, form, &client);
        }
    }
    try_ticket_keys(&mut judge, &chain, &key);
    // Of each form most doors refuse it, or the context that is to be made of it is.
    assert!(judge.0 > forms.len() * 40, "{} refusals of {} forms", judge.0, forms.len());
}

#[test]
fn a_secret_that_is_shown_is_seen() {
    assert!(shows("it is qZ7x"));
    assert!(shows(&format!("{:?}", SECRET.as_bytes())));
    assert!(shows("5a:37:78:57"));
    assert!(!shows("it is not"));
}
