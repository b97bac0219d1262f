//! Promises at the edges of what is allowed.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use support::{Conn, Context, Recipe, pump};
use tlsbio::status::*;

mod support;

fn established() -> (Conn, Conn) {
    let recipe = Recipe { version: Some(TLS_VERSION_1_3 as u16), ..Recipe::default() };
    let identity = Some(("ecdsa/server-chain.pem", "ecdsa/server.key"));
    let (client, server) = (Context::client(&recipe), Context::server(&Recipe { chain: identity, ..recipe }));
    let (client, server) = (client.connect("localhost"), server.accept());
    while client.advance() != TLS_OK || server.advance() != TLS_OK {
        pump(&client, &server);
    }
    pump(&client, &server);
    (client, server)
}

/// In-place reading puts messages together in the host's buffer: what it left there has to come again.
#[test]
fn fewer_bytes_than_were_left_are_refused() {
    let (client, server) = established();
    assert_eq!(client.write(b"plain"), Ok(5));
    let mut wire = client.drain();
    let whole = wire.clone();
    for left in 1..wire.len() {
        let (plain, used, status) = server.read_in_place(&mut wire[..left]);
        assert_eq!((plain.len(), used, status), (0, 0, TLS_WANT_FEED));
        for fewer in [0, left / 2, left - 1] {
            let (plain, used, status) = server.read_in_place(&mut wire[..fewer]);
            assert_eq!((plain.len(), used, status), (0, 0, TLS_ERR_ARGUMENT), "{fewer} of {left}");
        }
        assert_eq!(wire, whole);
    }
    let (plain, used, status) = server.read_in_place(&mut wire);
    assert_eq!((plain.as_slice(), used, status), (&b"plain"[..], whole.len(), TLS_WANT_FEED));
}
