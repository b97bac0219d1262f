//! What a context says of FIPS 140-3, in both builds: `cargo test --test fips`, and with `--no-default-features
//! --features fips`.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::ptr::null_mut;

use support::{Conn, Context, Recipe, pki, pump};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

const P256: u16 = 0x0017;
const P384: u16 = 0x0018;
const X25519: u16 = 0x001d;

const BUILT_IN: i32 = cfg!(feature = "fips") as i32;

const ECDSA: Option<(&str, &str)> = Some(("ecdsa/server-chain.pem", "ecdsa/server.key"));

/// A client context that offers these groups only.
fn client_with_groups(groups: &[u16]) -> *mut tls_context_t {
    let builder = tls_builder_new();
    let trust = pki("trust/all.pem");
    assert_eq!(unsafe { tls_builder_trust_pem(builder, trust.as_ptr().cast(), trust.len()) }, TLS_OK);
    assert_eq!(unsafe { tls_builder_groups(builder, groups.as_ptr(), groups.len()) }, TLS_OK);
    let context = unsafe { tls_context_client(builder, null_mut()) };
    assert!(!context.is_null());
    tls_builder_free(builder);
    context
}

///
#[test]
fn a_context_says_whether_its_cryptography_is_validated() {
    assert_eq!(tls_context_fips(Context::client(&Recipe::default()).handle()), BUILT_IN);
    let server = Context::server(&Recipe { chain: ECDSA, ..Recipe::default() });
    assert_eq!(tls_context_fips(server.handle()), BUILT_IN);
    for (groups, validated) in [([P256, P384], BUILT_IN), ([P256, X25519], 0)] {
        let context = client_with_groups(&groups);
        assert_eq!(tls_context_fips(context), validated, "{groups:x?}");
        tls_context_free(context);
    }
}

#[test]
fn suites_that_are_not_approved_are_not_there() {
    let builder = tls_builder_new();
    for suite in [0x1303, 0xcca9] {
        let status = unsafe { tls_builder_suites(builder, &suite, 1) };
        assert_eq!(status, if BUILT_IN == 1 { TLS_ERR_CONFIG } else { TLS_OK });
    }
    assert_eq!(unsafe { tls_builder_suites(builder, &0x1301, 1) }, TLS_OK);
    tls_builder_free(builder);
}

/// Only connections whose records are the library's own can move, and validated ones are the module's.
#[test]
fn connections_do_not_move_in_a_validated_build() {
    let contexts =
        [Context::client(&Recipe::default()), Context::server(&Recipe { chain: ECDSA, ..Recipe::default() })];
    let (client, server) = (contexts[0].connect("localhost"), contexts[1].accept());
    pump(&client, &server);
    for conn in [&client, &server] {
        let mut error: tls_error_t = unsafe { std::mem::zeroed() };
        error.size = size_of::<tls_error_t>();
        let size = unsafe { tls_conn_export(conn.0, [7_u8; 32].as_ptr().cast(), null_mut(), 0, &mut error) };
        assert_eq!(size < 0, BUILT_IN == 1);
        assert_eq!(error.status, if BUILT_IN == 1 { TLS_ERR_STATE } else { TLS_OK });
        assert_eq!(conn.write(b"it goes on"), Ok(10));
    }
}

#[test]
fn what_is_no_context_is_refused() {
    assert_eq!(tls_context_fips(null_mut()), TLS_ERR_ARGUMENT);
    let context = client_with_groups(&[P256]);
    tls_context_free(context);
    assert_eq!(tls_context_fips(context), TLS_ERR_HANDLE);
}

#[test]
fn both_versions_work() {
    for version in [TLS_VERSION_1_2 as u16, TLS_VERSION_1_3 as u16] {
        let server = Context::server(&Recipe { chain: ECDSA, ..Recipe::default() }).accept();
        let client =
            Context::client(&Recipe { version: Some(version), ..Recipe::default() }).connect("localhost");
        pump(&client, &server);
        assert_eq!((client.advance(), server.advance()), (TLS_OK, TLS_OK));
        assert_eq!(tls_protocol_version(server.0), version);
        assert_eq!(client.write(b"validated or not"), Ok(16));
        pump(&client, &server);
        let mut plain = Vec::new();
        assert_eq!(server.read_all(&mut plain), TLS_WANT_FEED);
        assert_eq!(plain, b"validated or not");
    }
}

/// A peer that only reads answers each KeyUpdate, for which the records of a validated build are counted in
/// another place than the library's own.
#[test]
fn a_peer_may_answer_for_ever() {
    for (asks, splits, server_writes) in [(0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 1)] {
        let verify = if asks == 1 { TLS_VERIFY_ASK } else { TLS_VERIFY_PEER };
        let client =
            Context::client(&Recipe { version: Some(TLS_VERSION_1_3 as u16), verify, ..Recipe::default() });
        let server = Context::server(&Recipe {
            chain: ECDSA,
            verify,
            client_auth: if asks == 1 { TLS_CLIENT_AUTH_OPTIONAL } else { TLS_CLIENT_AUTH_NONE },
            ..Recipe::default()
        });
        let (client, server) = (client.connect("localhost"), server.accept());
        pump(&client, &server);
        while let Some(asked) = [&client, &server].into_iter().find(|conn| conn.advance() == TLS_ASK_VERIFY) {
            assert_eq!(asked.answer_verify(0), TLS_OK);
            asked.advance();
            pump(&client, &server);
        }
        let (writer, reader) = if server_writes == 1 { (server, client) } else { (client, server) };
        let half = (splits == 1).then(|| writer.split());
        let sender = half.as_ref().unwrap_or(&writer);
        // Halves answer without data.
        let answerer = reader.split();
        let carry = |from: &Conn, to: &Conn, what: &[u8]| {
            assert_eq!(from.write(what), Ok(what.len()));
            assert!(to.feed(&from.drain()).is_ok());
            let mut plain = Vec::new();
            assert_eq!(to.read_all(&mut plain), TLS_WANT_FEED);
            assert_eq!(plain, what);
        };
        for round in 0..200 {
            assert_eq!(tls_key_update(sender.0), TLS_OK);
            carry(sender, &reader, b"data");
            assert_eq!(answerer.advance(), TLS_OK);
            let answer = answerer.drain();
            assert!(!answer.is_empty());
            assert_eq!(writer.feed(&answer), Ok(answer.len()));
            assert_eq!(writer.advance(), TLS_OK, "{round} {asks} {splits} {server_writes}");
        }
        carry(&answerer, &writer, b"under keys that both count alike");
        carry(sender, &reader, b"in both directions");
    }
}
