//! What a connection does depends on nothing that other connections of its thread do between its steps.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use support::{Conn, Context, Recipe, pump};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

const SERVER: (&str, &str) = ("ecdsa/server-chain.pem", "ecdsa/server.key");
const CLIENT: (&str, &str) = ("ecdsa/client-chain.pem", "ecdsa/client.key");

/// Connections that resume a TLS 1.3 session, which no certificate of a client belongs to.
struct Neighbours {
    client: Context,
    server: Context,
}

impl Neighbours {
    fn new() -> Self {
        let recipe = Recipe { version: Some(TLS_VERSION_1_3 as u16), ..Recipe::default() };
        let client = Context::client(&recipe);
        let server = Context::server(&Recipe { chain: Some(SERVER), ..recipe });
        let neighbours = Self { client, server };
        neighbours.go_on(usize::MAX);
        neighbours
    }

    /// Begins a connection, and leaves it after so many steps.
    fn go_on(&self, most: usize) {
        let client = self.client.connect("localhost");
        if most == 0 {
            return;
        }
        let server = self.server.accept();
        for _ in 1..most {
            let (from_client, from_server) = (client.drain(), server.drain());
            if from_client.is_empty() && from_server.is_empty() {
                return;
            }
            server.feed(&from_client).unwrap();
            server.advance();
            client.feed(&from_server).unwrap();
            client.advance();
        }
    }
}

/// Shakes hands, with `between` in front of each step.
fn shake_hands(client: &Context, first: &Context, chosen: &Context, between: impl Fn()) -> (Conn, Conn) {
    between();
    let client = client.connect("localhost");
    between();
    let server = first.accept();
    let (mut went_on, mut rounds) = (true, 0);
    while went_on {
        went_on = false;
        for (side, peer) in [(&client, &server), (&server, &client)] {
            between();
            let wire = side.drain();
            went_on |= !wire.is_empty();
            peer.feed(&wire).unwrap();
            between();
            let mut status = peer.advance();
            while matches!(status, TLS_ASK_CONTEXT | TLS_ASK_SIGN | TLS_ASK_VERIFY) {
                between();
                let answered = match status {
                    TLS_ASK_CONTEXT => peer.answer_context(chosen),
                    TLS_ASK_VERIFY => peer.answer_verify(-1),
                    _ => peer.answer_sign(if std::ptr::eq(peer, &server) { SERVER.1 } else { CLIENT.1 }),
                };
                assert_eq!(answered, TLS_OK);
                between();
                status = peer.advance();
            }
            assert!(status >= 0 || status == TLS_WANT_FEED, "{status}");
        }
        rounds += 1;
        assert!(rounds < 20);
    }
    (client, server)
}

#[test]
fn a_client_shows_its_certificate_whatever_the_thread_did_before() {
    let neighbours = Neighbours::new();
    for version in [TLS_VERSION_1_2, TLS_VERSION_1_3] {
        for external in [false, true] {
            for (ask_context, verify) in
                [(false, TLS_VERIFY_PEER), (true, TLS_VERIFY_PEER), (false, TLS_VERIFY_ASK)]
            {
                let common = Recipe {
                    version: Some(version as u16),
                    external,
                    sessions: Some(0),
                    verify,
                    ..Recipe::default()
                };
                let client = Context::client(&Recipe { chain: Some(CLIENT), ..common });
                let recipe = Recipe { chain: Some(SERVER), client_auth: TLS_CLIENT_AUTH_REQUIRED, ..common };
                let chosen = Context::server(&recipe);
                let first = Context::server(&Recipe { ask_context, ..recipe });
                for steps in 0..5 {
                    let what = (version, external, ask_context, verify, steps);
                    let (client, server) = shake_hands(&client, &first, &chosen, || neighbours.go_on(steps));
                    for conn in [&client, &server] {
                        assert_eq!(conn.state() & (TLS_HANDSHAKING | TLS_FAILED), 0, "{what:?}");
                        let shown = unsafe { tls_peer_certificate(conn.0, 0, std::ptr::null_mut(), 0) };
                        assert!(shown > 0, "{what:?}");
                    }
                    pump(&client, &server);
                }
            }
        }
    }
}
