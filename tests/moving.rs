//! A connection goes on in another process as if nothing had been, whatever it was doing: every byte that waited, in
//! whatever form, every direction that was closed, and KeyUpdates from both sides.

// In a build for validated cryptography connections cannot move: tests/fips.rs.
#![cfg(not(feature = "fips"))]
#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::path::PathBuf;
use std::ptr::{null, null_mut};

use support::{Answer, Conn, Context, Recipe, message, pki, pump};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

const KEY: [u8; 32] = *b"a key that the host has for this";

const SUITES: [(u16, u16); 6] = [
    (0x0304, 0x1301),
    (0x0304, 0x1302),
    (0x0304, 0x1303),
    (0x0303, 0xc02b),
    (0x0303, 0xc02c),
    (0x0303, 0xcca9),
];

/// What contexts are made of here.
#[derive(Clone, Copy)]
struct Form {
    version: u16,
    suite: u16,
    /// Records are padded to multiples of it.
    padding: usize,
    record_size: usize,
    /// The client has an identity too.
    mutual: bool,
    /// The host is asked about the peer.
    asks: bool,
    events: u32,
}

impl Form {
    fn of((version, suite): (u16, u16)) -> Self {
        Self { version, suite, padding: 0, record_size: 0, mutual: false, asks: false, events: 0 }
    }

    fn is_tls13(&self) -> bool {
        self.version == 0x0304
    }

    fn client(&self) -> Owned {
        self.context(self.mutual.then_some("client"), tls_context_client)
    }

    fn server(&self) -> Owned {
        self.context(Some("server"), tls_context_server)
    }

    /// What a process has that only goes on with servers.
    fn bare_server(&self) -> Owned {
        let builder = tls_builder_new();
        assert_eq!(tls_builder_ask_context(builder, 1), TLS_OK);
        assert_eq!(tls_builder_padding(builder, self.padding), TLS_OK);
        finish(builder, tls_context_server)
    }

    fn context(&self, identity: Option<&str>, make: Make) -> Owned {
        let builder = tls_builder_new();
        let trust = pki("trust/all.pem");
        assert_eq!(unsafe { tls_builder_trust_pem(builder, trust.as_ptr().cast(), trust.len()) }, TLS_OK);
        if let Some(name) = identity {
            let (chain, key) = (pki(&format!("ecdsa/{name}-chain.pem")), pki(&format!("ecdsa/{name}.key")));
            let (pem, length) = (chain.as_ptr().cast(), chain.len());
            let status =
                unsafe { tls_builder_identity_pem(builder, pem, length, key.as_ptr().cast(), key.len()) };
            assert_eq!(status, TLS_OK);
        }
        let auth = if self.mutual { TLS_CLIENT_AUTH_REQUIRED } else { TLS_CLIENT_AUTH_NONE };
        assert_eq!(tls_builder_client_auth(builder, auth), TLS_OK);
        let verify = if self.asks { TLS_VERIFY_ASK } else { TLS_VERIFY_PEER };
        assert_eq!(tls_builder_verify(builder, verify), TLS_OK);
        assert_eq!(tls_builder_versions(builder, self.version, self.version), TLS_OK);
        assert_eq!(unsafe { tls_builder_suites(builder, &self.suite, 1) }, TLS_OK);
        let protocols = b"\x02h2\x08http/1.1";
        let status = unsafe { tls_builder_alpn(builder, protocols.as_ptr().cast(), protocols.len()) };
        assert_eq!(status, TLS_OK);
        assert_eq!(tls_builder_padding(builder, self.padding), TLS_OK);
        assert_eq!(tls_builder_record_size(builder, self.record_size), TLS_OK);
        assert_eq!(tls_builder_events(builder, self.events), TLS_OK);
        finish(builder, make)
    }

    /// Both sides of an established connection.
    fn pair(&self) -> (Conn, Conn) {
        let (client, server) = (self.client().connect(), self.server().accept());
        pump(&client, &server);
        assert_eq!((client.advance(), server.advance()), (TLS_OK, TLS_OK));
        assert_eq!(tls_cipher_suite(server.0), self.suite);
        (client, server)
    }
}

type Make = unsafe extern "C" fn(*const tls_builder_t, *mut tls_error_t) -> *mut tls_context_t;

struct Owned(*mut tls_context_t);

fn finish(builder: *mut tls_builder_t, make: Make) -> Owned {
    let mut error = no_error();
    let context = unsafe { make(builder, &mut error) };
    assert!(!context.is_null(), "{}", message(&error));
    tls_builder_free(builder);
    Owned(context)
}

impl Owned {
    fn connect(&self) -> Conn {
        let conn = unsafe { tls_client_new(self.0, c"server.test".as_ptr(), null_mut()) };
        assert!(!conn.is_null());
        Conn(conn)
    }

    fn accept(&self) -> Conn {
        let conn = unsafe { tls_server_new(self.0, null_mut()) };
        assert!(!conn.is_null());
        Conn(conn)
    }

    fn import(&self, blob: &[u8]) -> Result<Conn, Box<tls_error_t>> {
        import(self.0, blob, &KEY)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        tls_context_free(self.0);
    }
}

fn no_error() -> tls_error_t {
    let mut error: tls_error_t = unsafe { std::mem::zeroed() };
    error.size = size_of::<tls_error_t>();
    error
}

fn import(context: *const tls_context_t, blob: &[u8], key: &[u8; 32]) -> Result<Conn, Box<tls_error_t>> {
    let mut error = no_error();
    let conn = unsafe {
        tls_conn_import(context, blob.as_ptr().cast(), blob.len(), key.as_ptr().cast(), &mut error)
    };
    if conn.is_null() { Err(Box::new(error)) } else { Ok(Conn(conn)) }
}

fn export_to(conn: &Conn, blob: &mut [u8]) -> Answer {
    let (place, capacity) = (blob.as_mut_ptr().cast(), blob.len());
    let length = unsafe { tls_conn_export(conn.0, KEY.as_ptr().cast(), place, capacity, null_mut()) };
    usize::try_from(length).map_err(|_| length as i32)
}

/// Asks for the size, tries with one byte less, and exports.
fn export(conn: &Conn) -> Vec<u8> {
    let length = unsafe { tls_conn_export(conn.0, KEY.as_ptr().cast(), null_mut(), 0, null_mut()) };
    let length = usize::try_from(length).unwrap_or_else(|_| panic!("{length}: {}", why_not(conn).1));
    let mut blob = vec![0x5e; length];
    assert_eq!(export_to(conn, &mut blob[1..]), Ok(length));
    assert!(blob.iter().all(|&byte| byte == 0x5e), "nothing is written where not all fits");
    assert_eq!(export_to(conn, &mut blob), Ok(length));
    assert_eq!(export_to(conn, &mut blob.clone()), Err(TLS_ERR_STATE));
    blob
}

/// Why a connection cannot move.
fn why_not(conn: &Conn) -> (Status, String) {
    let mut error = no_error();
    let status = unsafe { tls_conn_export(conn.0, KEY.as_ptr().cast(), null_mut(), 0, &mut error) };
    assert_eq!(status as i32, error.status);
    (error.status, message(&error))
}

/// Moves a connection to where nothing is known of it.
fn moved(form: &Form, conn: Conn, is_client: bool) -> Conn {
    let blob = export(&conn);
    drop(conn);
    let context = if is_client { form.client() } else { form.bare_server() };
    context.import(&blob).unwrap_or_else(|error| panic!("{}", message(&error)))
}

fn copied(copy: impl Fn(*mut u8, usize) -> isize) -> Vec<u8> {
    let length = copy(null_mut(), 0);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    assert_eq!(copy(bytes.as_mut_ptr(), bytes.len()), length);
    bytes
}

fn keying_material(conn: &Conn, context: Option<&[u8]>) -> [u8; 40] {
    let mut out = [0; 40];
    let (bytes, length) = context.map_or((null(), 0), |context| (context.as_ptr().cast(), context.len()));
    let (label, has) = (b"EXPORTER-move", i32::from(context.is_some()));
    let place = out.as_mut_ptr().cast();
    let length = unsafe {
        tls_export(conn.0, label.as_ptr().cast(), label.len(), bytes, length, has, place, out.len())
    };
    assert_eq!(length, 40);
    out
}

fn counters(conn: &Conn) -> [u64; 7] {
    let mut counters: tls_counters_t = unsafe { std::mem::zeroed() };
    counters.size = size_of::<tls_counters_t>();
    assert_eq!(unsafe { tls_counters(conn.0, &mut counters) }, TLS_OK);
    [
        counters.wire_in,
        counters.wire_out,
        counters.plain_in,
        counters.plain_out,
        counters.records_in,
        counters.records_out,
        counters.tickets_in,
    ]
}

/// All that is known of a connection.
fn facts(conn: &Conn) -> (Vec<Vec<u8>>, Vec<i64>, Vec<[u8; 40]>) {
    let conn_of = conn.0;
    let mut bytes = vec![
        copied(|place, room| unsafe { tls_sni(conn_of, place.cast(), room) }),
        copied(|place, room| unsafe { tls_alpn(conn_of, place.cast(), room) }),
    ];
    for index in 0..4 {
        bytes.push(copied(|place, room| unsafe { tls_peer_certificate(conn_of, index, place.cast(), room) }));
    }
    for kind in [TLS_BINDING_EXPORTER, TLS_BINDING_SERVER_END_POINT] {
        bytes.push(copied(|place, room| unsafe { tls_channel_binding(conn_of, kind, place.cast(), room) }));
    }
    let numbers = vec![
        tls_protocol_version(conn_of).into(),
        tls_cipher_suite(conn_of).into(),
        tls_group(conn_of).into(),
        tls_handshake_kind(conn_of).into(),
        tls_resumed(conn_of).into(),
        tls_early_status(conn_of).into(),
        tls_ech_status(conn_of).into(),
    ];
    let material = vec![
        keying_material(conn, None),
        keying_material(conn, Some(b"")),
        keying_material(conn, Some(b"context")),
    ];
    (bytes, numbers, material)
}

/// What `from` writes arrives at `to`, also a long one.
fn carry(from: &Conn, to: &Conn, what: &[u8]) {
    assert_eq!(from.write(what), Ok(what.len()));
    let wire = from.drain();
    assert_eq!(to.feed(&wire), Ok(wire.len()));
    let mut plain = Vec::new();
    assert_eq!(to.read_all(&mut plain), TLS_WANT_FEED);
    assert!(plain == what);
}

/// Both sides ask for new keys, which the other answers.
fn update(one: &Conn, other: &Conn) {
    for (from, to) in [(one, other), (other, one)] {
        assert_eq!(tls_key_update(from.0), TLS_OK);
        carry(from, to, b"under a new key");
        carry(to, from, b"and the answer");
    }
}

/// What the mover is doing when it moves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Updates {
    None,
    /// Both sides have changed their keys some times.
    Done(u32),
    /// The peer has asked, and was not answered yet.
    Owed,
    /// This side has asked, and has no answer yet.
    Outstanding,
}

/// One whole story: bytes wait in every form, the connection moves, and all of them arrive.
fn story(form: &Form, mover_is_client: bool, updates: Updates) {
    let (client, server) = form.pair();
    let (mover, peer) = if mover_is_client { (client, server) } else { (server, client) };
    carry(&mover, &peer, b"hello");
    carry(&peer, &mover, &[7; 20_000]);
    match updates {
        Updates::None => {}
        Updates::Done(times) => (0..times).for_each(|_| update(&mover, &peer)),
        Updates::Owed => {
            assert_eq!(tls_key_update(peer.0), TLS_OK);
            carry(&peer, &mover, b"please");
        }
        Updates::Outstanding => {
            assert_eq!(tls_key_update(mover.0), TLS_OK);
            carry(&mover, &peer, b"please");
        }
    }

    // A record that was read in part, a whole one, and the front of another one.
    let (first, second, third) = (vec![1; 900], vec![2; 70], vec![3; 3000]);
    let mut wire = Vec::new();
    for plain in [&first, &second, &third] {
        assert_eq!(peer.write(plain), Ok(plain.len()));
        wire.extend(peer.drain());
    }
    let cut = wire.len() - 1000;
    assert_eq!(mover.feed(&wire[..cut]), Ok(cut));
    let mut read = [0; 100];
    assert_eq!(mover.read_into(&mut read), Ok(100));
    // Records that wait to be sent, one of which is on its way.
    let written = [[4; 500], [5; 500]];
    written.iter().for_each(|plain| assert_eq!(mover.write(plain), Ok(500)));
    let mut sent = vec![0; 300];
    assert_eq!(unsafe { tls_drain_into(mover.0, sent.as_mut_ptr().cast(), 300) }, 300);

    let before = (facts(&mover), counters(&mover), mover.state());
    let mover = moved(form, mover, mover_is_client);
    assert_eq!((facts(&mover), counters(&mover), mover.state()), before, "{updates:?}");

    assert_eq!(mover.feed(&wire[cut..]), Ok(wire.len() - cut));
    let mut plain = read.to_vec();
    assert_eq!(mover.read_all(&mut plain), TLS_WANT_FEED);
    assert!(plain == [first, second, third].concat(), "{updates:?}");
    sent.extend(mover.drain());
    assert_eq!(peer.feed(&sent), Ok(sent.len()));
    let mut plain = Vec::new();
    assert_eq!(peer.read_all(&mut plain), TLS_WANT_FEED);
    assert!(plain == written.concat());

    carry(&peer, &mover, &[8; 40_000]);
    carry(&mover, &peer, &[9; 40_000]);
    if form.is_tls13() {
        (0..3).for_each(|_| update(&mover, &peer));
        // The peer asks first, after an odd number of moves and keys.
        update(&peer, &mover);
    } else {
        assert_eq!(tls_key_update(mover.0), TLS_ERR_STATE);
    }
    for (from, to) in [(&mover, &peer), (&peer, &mover)] {
        assert_eq!(from.close_notify(), TLS_OK);
        let wire = from.drain();
        assert_eq!(to.feed(&wire), Ok(wire.len()));
        assert_eq!(to.advance(), TLS_CLOSED);
    }
}

///
#[test]
fn a_connection_goes_on_where_it_stood() {
    for suite in SUITES {
        for padding in [0, 256] {
            let form = Form { padding, mutual: padding > 0, ..Form::of(suite) };
            for mover_is_client in [true, false] {
                story(&form, mover_is_client, Updates::None);
                if form.is_tls13() {
                    for updates in [Updates::Done(1), Updates::Done(2), Updates::Owed, Updates::Outstanding] {
                        story(&form, mover_is_client, updates);
                    }
                }
            }
        }
    }
}

///
#[test]
fn it_moves_again_and_again_and_both_sides_do() {
    let form = Form::of(SUITES[0]);
    let (mut client, mut server) = form.pair();
    assert_eq!((tls_move_count(client.0), unsafe { tls_move_id(client.0, null_mut(), 0) }), (0, 0));
    let mut ids = Vec::new();
    for turn in 1..=5 {
        client = moved(&form, client, true);
        server = moved(&form, server, false);
        update(&server, &client);
        carry(&client, &server, &[turn; 1000]);
        carry(&server, &client, &[turn; 1000]);
        for conn in [&client, &server] {
            assert_eq!(tls_move_count(conn.0), turn.into());
            ids.push(copied(|place, room| unsafe { tls_move_id(conn.0, place.cast(), room) }));
        }
    }
    ids.iter().for_each(|id| assert_eq!(id.len(), 16));
    assert!(ids.chunks(2).all(|pair| pair == &ids[..2]) && ids[0] != ids[1]);
}

#[test]
fn what_was_closed_stays_closed() {
    for suite in SUITES {
        let form = Form::of(suite);
        for mover_is_client in [true, false] {
            let start = || {
                let (client, server) = form.pair();
                if mover_is_client { (client, server) } else { (server, client) }
            };
            // We closed, and the alert was not drained.
            let (mover, peer) = start();
            assert_eq!(mover.close_notify(), TLS_OK);
            let mover = moved(&form, mover, mover_is_client);
            assert_eq!(mover.state() & (TLS_WE_CLOSED | TLS_CAN_WRITE), TLS_WE_CLOSED);
            assert_eq!(mover.write(b"x"), Err(TLS_ERR_STATE));
            assert_eq!(mover.close_notify(), TLS_OK);
            peer.feed(&mover.drain()).unwrap();
            assert_eq!(peer.advance(), TLS_CLOSED);
            carry(&peer, &mover, b"still read");

            // The peer closed, with bytes behind that are none of TLS's.
            let (mover, peer) = start();
            assert_eq!(peer.write(b"last words"), Ok(10));
            assert_eq!(peer.close_notify(), TLS_OK);
            mover.feed(&peer.drain()).unwrap();
            mover.feed(b"behind").unwrap();
            let mut words = [0; 4];
            assert_eq!(mover.read_into(&mut words), Ok(4));
            let mover = moved(&form, mover, mover_is_client);
            let mut plain = words.to_vec();
            assert_eq!(mover.read_all(&mut plain), TLS_CLOSED);
            assert_eq!(plain, b"last words");
            let mover = moved(&form, mover, mover_is_client);
            assert_eq!(mover.state() & TLS_PEER_CLOSED, TLS_PEER_CLOSED);
            assert_eq!(copied(|at, room| unsafe { tls_surplus(mover.0, at.cast(), room) }), b"behind");
            carry(&mover, &peer, b"one side is open");

            // The transport ended.
            let (mover, peer) = start();
            assert_eq!(peer.write(b"cut"), Ok(3));
            let wire = peer.drain();
            mover.feed(&wire[..wire.len() - 1]).unwrap();
            mover.feed_eof();
            let mover = moved(&form, mover, mover_is_client);
            assert_eq!(mover.advance(), TLS_TRUNCATED);
            assert_eq!(mover.state() & TLS_EOF, TLS_EOF);
        }
    }
}

#[test]
fn corks_record_sizes_and_clocks_go_along() {
    for suite in SUITES {
        let form = Form::of(suite);
        let (mover, peer) = form.pair();
        assert_eq!(tls_conn_record_size(mover.0, 100), TLS_OK);
        assert_eq!(tls_cork(mover.0), TLS_OK);
        assert_eq!(mover.write(&[1; 130]), Ok(130));
        let mover = moved(&form, mover, true);
        assert_eq!(mover.write(&[1; 90]), Ok(90));
        assert_eq!(tls_uncork(mover.0), TLS_OK);
        // 100, 100 and 20 bytes.
        assert_eq!(counters(&mover)[5], 3);
        peer.feed(&mover.drain()).unwrap();
        let mut plain = Vec::new();
        peer.read_all(&mut plain);
        assert_eq!(plain, [1; 220]);

        // More is held than fills a record where it goes on.
        let (mover, peer) = form.pair();
        assert_eq!(tls_cork(mover.0), TLS_OK);
        assert_eq!(mover.write(&[2; 5000]), Ok(5000));
        let mover = moved(&Form { record_size: 1000, ..form }, mover, true);
        assert_eq!(mover.write(&[2; 90]), Ok(90));
        assert_eq!(counters(&mover)[5], 5);
        assert_eq!(tls_uncork(mover.0), TLS_OK);
        peer.feed(&mover.drain()).unwrap();
        let mut plain = Vec::new();
        peer.read_all(&mut plain);
        assert_eq!(plain, [2; 5090]);

        // Whether they were asked for before or not.
        let (client, server) = (form.client().connect(), form.server().accept());
        assert_eq!(tls_time(server.0, 1000), TLS_OK);
        assert_eq!(tls_time(server.0, 4000), TLS_OK);
        pump(&client, &server);
        let server = moved(&form, server, false);
        let mut unasked: tls_timings_t = unsafe { std::mem::zeroed() };
        unasked.size = size_of::<tls_timings_t>();
        assert_eq!(unsafe { tls_handshake_timings(server.0, &mut unasked) }, TLS_OK);
        assert_eq!((unasked.heard_ns, unasked.done_ns), (3000, 3000));

        let (client, server) = (form.client().connect(), form.server().accept());
        assert_eq!(tls_time(server.0, 1000), TLS_OK);
        pump(&client, &server);
        assert_eq!(tls_time(server.0, 5000), TLS_OK);
        let timings = |conn: &Conn| {
            let mut timings: tls_timings_t = unsafe { std::mem::zeroed() };
            timings.size = size_of::<tls_timings_t>();
            assert_eq!(unsafe { tls_handshake_timings(conn.0, &mut timings) }, TLS_OK);
            (timings.heard_ns, timings.done_ns, timings.asking_ns)
        };
        let before = timings(&server);
        let server = moved(&form, server, false);
        assert_eq!(timings(&server), before);
        // A clock of its own goes on from anywhere.
        assert_eq!(tls_time(server.0, 3), TLS_OK);
        assert_eq!(timings(&server), before);
    }
}

#[test]
fn a_message_that_spans_records_is_put_together_behind_the_move() {
    // Tickets are longer than records of 64 bytes, so that they span some.
    let form = Form { record_size: 64, ..Form::of(SUITES[0]) };
    for in_place in [false, true] {
        let (client, server) = (form.client().connect(), form.server().accept());
        server.feed(&client.drain()).unwrap();
        server.advance();
        client.feed(&server.drain()).unwrap();
        assert_eq!(client.advance(), TLS_OK);
        server.feed(&client.drain()).unwrap();
        assert_eq!(server.advance(), TLS_OK);
        let mut tickets = server.drain();
        assert!(tickets.len() > 400);
        // After one and a half of the records; rustls puts them together where they lie.
        carry(&client, &server, b"settled");
        let cut = 150;
        let (client, tail) = if in_place {
            let mut front = tickets[..cut].to_vec();
            let (_, used, status) = client.read_in_place(&mut front);
            assert_eq!((used, status), (0, TLS_WANT_FEED));
            let client = moved(&form, client, true);
            front.extend_from_slice(&tickets[cut..]);
            assert_eq!(client.read_in_place(&mut front[..cut - 1]).2, TLS_ERR_ARGUMENT, "all of it again");
            let (_, used, status) = client.read_in_place(&mut front);
            assert_eq!((used, status), (front.len(), TLS_WANT_FEED));
            (client, Vec::new())
        } else {
            client.feed(&tickets[..cut]).unwrap();
            assert_eq!(client.advance(), TLS_OK);
            (moved(&form, client, true), tickets.split_off(cut))
        };
        client.feed(&tail).unwrap();
        assert_eq!(client.advance(), TLS_OK);
        // What they were for stayed behind.
        assert_eq!(counters(&client)[6], 0);
        carry(&server, &client, b"nothing is missing");
        update(&client, &server);
    }
}

/// Plain bytes that came in one piece with the end of the handshake are moved too: the engine of the handshake has the
/// records then.
#[test]
fn it_moves_as_soon_as_the_handshake_is_done() {
    for suite in SUITES {
        let form = Form::of(suite);
        let (client, server) = (form.client().connect(), form.server().accept());
        if form.is_tls13() {
            server.feed(&client.drain()).unwrap();
            server.advance();
            client.feed(&server.drain()).unwrap();
            assert_eq!(client.advance(), TLS_OK);
        } else {
            pump(&client, &server);
        }
        client.write(b"first").unwrap();
        client.write(b"second").unwrap();
        client.close_notify();
        server.feed(&client.drain()).unwrap();
        assert_eq!(server.advance(), TLS_OK);
        let server = moved(&form, server, false);
        let mut plain = Vec::new();
        assert_eq!(server.read_all(&mut plain), TLS_CLOSED);
        assert_eq!(plain, b"firstsecond");
        carry(&server, &client, b"answer");
    }
}

///
#[test]
fn what_cannot_move_says_why_and_is_unharmed() {
    let refused = |conn: &Conn, part: &str| {
        let (status, message) = why_not(conn);
        assert_eq!(status, TLS_ERR_STATE, "{part}");
        assert!(message.contains(part), "{message}");
    };
    let events = TLS_EVENT_HANDSHAKE_DONE;
    let form = Form { events, ..Form::of(SUITES[0]) };
    let (client, server) = (form.client().connect(), form.server().accept());
    refused(&client, "the handshake is not done");
    refused(&server, "the handshake is not done");
    pump(&client, &server);
    refused(&client, "events wait");
    let mut event: tls_event_t = unsafe { std::mem::zeroed() };
    event.size = size_of::<tls_event_t>();
    for conn in [&client, &server] {
        assert_eq!(unsafe { tls_next_event(conn.0, &mut event) }, 1);
    }

    let (mut window, mut length) = (null_mut(), 0);
    assert_eq!(unsafe { tls_feed_window(client.0, 10, &mut window, &mut length) }, TLS_OK);
    refused(&client, "a window is open");
    assert_eq!(tls_feed_commit(client.0, 0), TLS_OK);
    carry(&client, &server, b"unharmed");

    let sending = server.split();
    refused(&server, "half");
    refused(&sending, "half");
    carry(&client, &server, b"unharmed");
    carry(&sending, &client, b"unharmed");
    drop((sending, server));

    client.feed(b"no record at all").unwrap();
    assert_eq!(client.advance(), TLS_ERR_PEER);
    assert_eq!(why_not(&client).0, TLS_ERR_PEER);

    let recipe = Recipe { secrets: true, ..Recipe::default() };
    let server =
        Context::server(&Recipe { chain: Some(("ecdsa/server-chain.pem", "ecdsa/server.key")), ..recipe });
    let (client, server) = (Context::client(&recipe).connect("server.test"), server.accept());
    pump(&client, &server);
    let mut secrets: [tls_traffic_secret_t; 2] = unsafe { std::mem::zeroed() };
    secrets.iter_mut().for_each(|secret| secret.size = size_of::<tls_traffic_secret_t>());
    let [receive, send] = &mut secrets;
    assert_eq!(unsafe { tls_secrets_take(client.0, receive, send, null_mut()) }, TLS_OK);
    refused(&client, "secrets were taken");
}

/// Records behind the Finished were never the handshake's.
#[test]
fn what_came_with_the_end_of_the_handshake_moves() {
    for (suite, asks) in SUITES.into_iter().flat_map(|suite| [(suite, false), (suite, true)]) {
        let form = Form { asks, mutual: asks, ..Form::of(suite) };
        // In TLS 1.3 the question about the client comes with its last flight.
        let advance = |conn: &Conn| {
            if conn.advance() == TLS_ASK_VERIFY {
                assert_eq!(conn.answer_verify(0), TLS_OK);
            }
        };
        // Whoever has the last flight of the peer, with what `last` sends behind it, in one piece: the server in TLS 1.3, the
        // client in TLS 1.2.
        let start = |last: &dyn Fn(&Conn)| {
            let (client, server) = (form.client().connect(), form.server().accept());
            let (to, from) = if form.is_tls13() { (server, client) } else { (client, server) };
            while from.state() & TLS_HANDSHAKING != 0 {
                to.feed(&from.drain()).unwrap();
                advance(&to);
                from.feed(&to.drain()).unwrap();
                advance(&from);
            }
            last(&from);
            to.feed(&from.drain()).unwrap();
            if form.asks {
                advance(&to);
            }
            (from, to)
        };
        let two_records = |from: &Conn| {
            from.write(b"first").unwrap();
            from.write(b"second").unwrap();
        };
        for read_before in [0, 3, 5] {
            let (from, to) = start(&two_records);
            let mut front = [0; 5];
            if read_before > 0 {
                assert_eq!(to.read_into(&mut front[..read_before]), Ok(read_before));
            } else {
                to.advance();
            }
            let to = moved(&form, to, !form.is_tls13());
            let mut rest = Vec::new();
            assert_eq!(to.read_all(&mut rest), TLS_WANT_FEED);
            assert_eq!(rest, b"firstsecond"[read_before..]);
            carry(&to, &from, b"answer");
            carry(&from, &to, b"and more");
        }

        // This side closes meanwhile.
        let (from, to) = start(&two_records);
        assert_eq!(to.read_into(&mut [0; 5]), Ok(5));
        assert_eq!(to.close_notify(), TLS_OK);
        let to = moved(&form, to, !form.is_tls13());
        let mut rest = [0; 9];
        assert_eq!(to.read_into(&mut rest), Ok(6));
        assert_eq!(&rest[..6], b"second");
        carry(&from, &to, b"unharmed");

        // The peer closes.
        let (from, to) = start(&|from| assert_eq!(from.close_notify(), TLS_OK));
        assert_eq!(to.advance(), TLS_CLOSED);
        let to = moved(&form, to, !form.is_tls13());
        assert_eq!(to.advance(), TLS_CLOSED);
        carry(&to, &from, b"unharmed");
    }
}

///
#[test]
fn early_data_is_read_first() {
    let server = Context::server(&Recipe {
        chain: Some(("ecdsa/server-chain.pem", "ecdsa/server.key")),
        early: 1000,
        ..Recipe::default()
    });
    let offering = Context::client(&Recipe { early: 1, ..Recipe::default() });
    let (client, accepted) = (offering.connect("server.test"), server.accept());
    pump(&client, &accepted);
    let (client, accepted) = (offering.connect("server.test"), server.accept());
    assert_eq!(unsafe { tls_early_write_from(client.0, b"early".as_ptr().cast(), 5) }, 5);
    pump(&client, &accepted);
    assert_eq!(
        why_not(&accepted),
        (TLS_ERR_STATE, "early data waits: read it first (tls_early_read_into)".into())
    );
    let mut early = [0_u8; 9];
    assert_eq!(unsafe { tls_early_read_into(accepted.0, early.as_mut_ptr().cast(), 9) }, 5);
    assert_eq!(&early[..5], b"early");
    carry(&client, &accepted, b"unharmed");
    assert!(!export(&accepted).is_empty());
}

/// Tickets that were queued when a server moved may have been shown to its former host: their nonces are never used for anything
/// else.
#[test]
fn who_is_refused_behind_a_move_has_the_tickets_in_front() {
    let form = Form::of(SUITES[0]);
    let (client, server) = (form.client().connect(), form.server().accept());
    while server.state() & TLS_HANDSHAKING != 0 {
        client.feed(&server.drain()).unwrap();
        client.advance();
        server.feed(&client.drain()).unwrap();
        server.advance();
    }
    let mut shown = null();
    let mut length = 0;
    assert_eq!(unsafe { tls_drain_peek(server.0, &mut shown, &mut length) }, TLS_OK);
    assert!(length > 0);
    let tickets = unsafe { std::slice::from_raw_parts(shown.cast::<u8>(), length) }.to_vec();
    let server = moved(&form, server, false);
    assert_eq!(tls_refuse(server.0, 49), length as isize);
    let wire = server.drain();
    assert_eq!(wire[..length], tickets);
    client.feed(&wire).unwrap();
    assert_eq!(client.advance(), TLS_ERR_ALERT);
}

/// Wire bytes that the host keeps.
#[test]
fn what_was_left_in_place_is_given_again_whole() {
    // Half a message, of which the connection has opened more than is given to it then.
    let form = Form { record_size: 64, ..Form::of(SUITES[0]) };
    let (client, server) = (form.client().connect(), form.server().accept());
    while server.state() & TLS_HANDSHAKING != 0 {
        client.feed(&server.drain()).unwrap();
        client.advance();
        server.feed(&client.drain()).unwrap();
        server.advance();
    }
    carry(&client, &server, b"settled");
    let tickets = server.drain();
    let mut front = tickets[..150].to_vec();
    assert_eq!(client.read_in_place(&mut front).1, 0);
    client.feed(&front[..20]).unwrap();
    let (status, message) = why_not(&client);
    assert_eq!((status, message.contains("give all of them again")), (TLS_ERR_STATE, true), "{message}");
    client.feed(&front[20..]).unwrap();
    client.feed(&tickets[150..]).unwrap();
    assert_eq!(client.advance(), TLS_OK);
    carry(&server, &client, b"nothing is missing");
    assert!(!export(&client).is_empty());

    // More than a blob can say: who goes on would take fewer bytes for all of them.
    let (client, server) = Form::of(SUITES[0]).pair();
    let most = 16 << 20;
    for (left, moves) in [(most, true), (most + 1, false)] {
        server.write(b"some").unwrap();
        let mut wire = server.drain();
        let begun = wire.len();
        // A record that is not whole, and many behind it that nobody looks at yet.
        server.write(&[0; 100]).unwrap();
        wire.extend_from_slice(&server.drain());
        wire.resize(begun + left, 0);
        let mut span = tls_span_t { offset: 0, len: 0 };
        let mut consumed = 0;
        let (at, length) = (wire.as_mut_ptr().cast(), wire.len());
        assert_eq!(unsafe { tls_read_in_place(client.0, at, length, &mut span, 1, &mut consumed) }, 1);
        assert_eq!((span.len, consumed), (4, begun));
        if moves {
            assert!(export_to(&client, &mut []).is_ok());
        } else {
            let (status, message) = why_not(&client);
            assert_eq!((status, message.contains("16 MiB")), (TLS_ERR_STATE, true), "{message}");
        }
        let (at, length) = (wire[consumed..].as_mut_ptr().cast(), wire.len() - consumed);
        assert_eq!(unsafe { tls_read_in_place(client.0, at, length, &mut span, 1, &mut consumed) }, 1);
        assert_eq!(span.len, 100);
    }
}

///
#[test]
fn a_refused_hand_over_leaves_a_connection_that_can_move() {
    let recipe = Recipe { secrets: true, ..Recipe::default() };
    let server =
        Context::server(&Recipe { chain: Some(("ecdsa/server-chain.pem", "ecdsa/server.key")), ..recipe });
    let (client, server) = (Context::client(&recipe).connect("server.test"), server.accept());
    pump(&client, &server);
    carry(&client, &server, b"records are our own");
    assert_eq!(tls_key_update(client.0), TLS_OK);
    server.feed(&client.drain()).unwrap();
    assert_eq!(server.advance(), TLS_OK);
    let mut secrets: [tls_traffic_secret_t; 2] = unsafe { std::mem::zeroed() };
    secrets.iter_mut().for_each(|secret| secret.size = size_of::<tls_traffic_secret_t>());
    let [receive, send] = &mut secrets;
    // The answer to the KeyUpdate has to leave first.
    assert_eq!(unsafe { tls_secrets_take(server.0, receive, send, null_mut()) }, TLS_ERR_STATE);
    client.feed(&server.drain()).unwrap();
    assert_eq!(client.advance(), TLS_OK);
    carry(&server, &client, b"unharmed");
    assert!(!export(&server).is_empty());
}

///
#[test]
fn nothing_is_left_where_it_was() {
    let form = Form::of(SUITES[1]);
    let (client, server) = form.pair();
    carry(&server, &client, b"some");
    let blob = export(&client);
    assert_eq!(client.advance(), TLS_ERR_STATE);
    assert_eq!(client.feed(b"x"), Err(TLS_ERR_STATE));
    assert_eq!(client.write(b"x"), Err(TLS_ERR_STATE));
    assert_eq!(client.read_into(&mut [0; 9]), Err(TLS_ERR_STATE));
    assert_eq!(client.close_notify(), TLS_ERR_STATE);
    assert_eq!((client.state(), tls_cipher_suite(client.0), tls_move_count(client.0)), (0, 0, 0));
    assert_eq!(unsafe { tls_alpn(client.0, null_mut(), 0) }, TLS_ERR_STATE as isize);
    assert_eq!(unsafe { tls_conn_error(client.0, &mut no_error()) }, TLS_ERR_STATE);
    assert!(unsafe { tls_split(client.0, null_mut()) }.is_null());
    assert!(why_not(&client).1.contains("exported"));
    // It is whole where it is now.
    let client = form.client().import(&blob).ok().unwrap();
    carry(&client, &server, b"some");
}

///
#[test]
fn asking_for_the_size_changes_nothing() {
    for suite in SUITES {
        let form = Form::of(suite);
        let (client, server) = form.pair();
        let size = || unsafe { tls_conn_export(client.0, KEY.as_ptr().cast(), null_mut(), 0, null_mut()) };
        let before = size();
        assert!(before > 0 && before == size());
        assert_eq!(export_to(&client, &mut vec![0; before as usize - 1]), Ok(before as usize));
        carry(&client, &server, b"x");
        if form.is_tls13() {
            update(&client, &server);
        }
        client.write(&[0; 100]).unwrap();
        assert!(size() > before);
        let mut blob = vec![7; size() as usize + 50];
        let length = export_to(&client, &mut blob).unwrap();
        assert!(blob[length..].iter().all(|&byte| byte == 7), "nothing is written behind it");
        assert!(form.client().import(&blob[..length]).is_ok());
    }
}

///
#[test]
fn a_blob_that_is_none_says_what_is_wrong() {
    let form = Form::of(SUITES[0]);
    let (client, _server) = form.pair();
    client.write(b"these bytes wait, and are not to be seen").unwrap();
    let blob = export(&client);
    let context = form.client();
    let refused = |blob: &[u8], key: &[u8; 32]| {
        let error = import(context.0, blob, key).err().expect("this is no connection");
        assert!(error.reason != 0 && error.status == TLS_ERR_CONFIG, "{}", message(&error));
        error.reason
    };
    let mut other = blob.clone();
    for at in 0..blob.len() {
        other[at] ^= 0x10;
        let reason = refused(&other, &KEY);
        other[at] ^= 0x10;
        let expected = match at {
            0..8 => TLS_REASON_BLOB_FOREIGN,
            8..10 => TLS_REASON_BLOB_NEWER,
            10..14 => TLS_REASON_BLOB_CUT_OFF,
            14..22 => TLS_REASON_BLOB_OTHER_KEY,
            _ => TLS_REASON_BLOB_ALTERED,
        };
        assert_eq!(reason, expected, "{at}");
        let cut = if at == 0 { TLS_REASON_BLOB_FOREIGN } else { TLS_REASON_BLOB_CUT_OFF };
        assert_eq!(refused(&blob[..at], &KEY), cut, "{at}");
    }
    assert_eq!(refused(&[&blob[..], &[0]].concat(), &KEY), TLS_REASON_BLOB_CUT_OFF);
    assert_eq!(refused(&blob, &[9; 32]), TLS_REASON_BLOB_OTHER_KEY);
    // None of these has hurt it.
    assert!(context.import(&blob).is_ok());
}

#[test]
fn a_context_has_to_fit() {
    let form = Form::of(SUITES[3]);
    let (client, server) = form.pair();
    client.write(&[0; 30_000]).unwrap();
    server.feed(&client.drain()).unwrap();
    server.write(&[0; 30_000]).unwrap();
    let (client, server) = (export(&client), export(&server));
    let status = |context: &Owned, blob: &[u8]| context.import(blob).err().map(|error| error.status);
    assert_eq!(status(&form.server(), &client), Some(TLS_ERR_ARGUMENT));
    assert_eq!(status(&form.client(), &server), Some(TLS_ERR_ARGUMENT));
    for (inbound, outbound, expected) in
        [(24_000, 0, Some(TLS_ERR_LIMIT)), (0, 24_000, Some(TLS_ERR_LIMIT)), (0, 0, None)]
    {
        let builder = tls_builder_new();
        assert_eq!(tls_builder_ask_context(builder, 1), TLS_OK);
        assert_eq!(tls_builder_limits(builder, inbound, outbound), TLS_OK);
        assert_eq!(status(&finish(builder, tls_context_server), &server), expected);
    }
    let none =
        unsafe { tls_conn_import(form.client().0, client.as_ptr().cast(), client.len(), null(), null_mut()) };
    assert!(none.is_null());
}

/// What a cork keeps counts as the records that this connection makes of it, not as those of its context: of a size that
/// the host set for it, and in TLS 1.2 without padding.
#[test]
fn what_a_cork_keeps_takes_the_room_that_it_took() {
    for (suite, record_size, padding) in [(SUITES[0], 64, 0), (SUITES[3], 0, 16_384)] {
        let form = Form { record_size, padding, ..Form::of(suite) };
        for is_client in [true, false] {
            let (client, server) = form.pair();
            let (conn, peer, context) =
                if is_client { (client, server, form.client()) } else { (server, client, form.server()) };
            assert_eq!(tls_conn_record_size(conn.0, 16_384), TLS_OK);
            assert_eq!(tls_cork(conn.0), TLS_OK);
            let most = tls_writable(conn.0) as usize / 16_384 * 16_384 - 100;
            conn.write(&vec![7; most]).unwrap();
            let conn = context.import(&export(&conn)).unwrap_or_else(|error| panic!("{}", message(&error)));
            assert_eq!(tls_uncork(conn.0), TLS_OK);
            peer.feed(&conn.drain()).unwrap();
            let mut plain = Vec::new();
            peer.read_all(&mut plain);
            assert_eq!(plain.len(), most);
        }
    }
}

/// Where the vectors are: blobs of old, which every later build reads.
fn vector(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/moved", name].iter().collect()
}

const VECTORS: [(&str, (u16, u16), bool); 4] = [
    ("tls13-aes128-client", SUITES[0], true),
    ("tls13-aes256-server", SUITES[1], false),
    ("tls12-aes256-server", SUITES[4], false),
    ("tls12-chacha20-client", SUITES[5], true),
];

/// What a connection does that comes of a vector: it reads the rest of a record, and writes one, after new keys in TLS 1.3.
fn tell(form: &Form, conn: &Conn, wire: &[u8]) -> (Vec<u8>, Vec<u8>) {
    conn.feed(wire).unwrap();
    let mut plain = Vec::new();
    assert_eq!(conn.read_all(&mut plain), TLS_WANT_FEED);
    if form.is_tls13() {
        assert_eq!(tls_key_update(conn.0), TLS_OK);
    }
    conn.write(b"to the peer").unwrap();
    (plain, conn.drain())
}

#[test]
fn blobs_of_old_are_read() {
    for (name, suite, is_client) in VECTORS {
        let form = Form::of(suite);
        let read = |kind: &str| std::fs::read(vector(&format!("{name}.{kind}"))).unwrap();
        let context = if is_client { form.client() } else { form.server() };
        let conn =
            context.import(&read("blob")).unwrap_or_else(|error| panic!("{name}: {}", message(&error)));
        assert_eq!(tls_cipher_suite(conn.0), form.suite);
        assert_eq!(copied(|place, room| unsafe { tls_alpn(conn.0, place.cast(), room) }), b"h2");
        assert_eq!(unsafe { tls_sni(conn.0, null_mut(), 0) }, 11);
        let (plain, wire) = tell(&form, &conn, &read("wire"));
        assert_eq!(plain, b"waited, and came behind", "{name}");
        assert_eq!(wire, read("sealed"), "{name}");
        assert_eq!(keying_material(&conn, Some(b"")).to_vec(), read("material"), "{name}");
    }
}

/// For a new form; the others stay. `cargo test --test moving vectors -- --ignored`
#[test]
#[ignore = "writes the vectors of the present form"]
fn vectors_are_written() {
    for (name, suite, is_client) in VECTORS {
        let form = Form::of(suite);
        let (client, server) = form.pair();
        let (mover, peer) = if is_client { (client, server) } else { (server, client) };
        if form.is_tls13() {
            update(&mover, &peer);
        }
        peer.write(b"waited, and ").unwrap();
        peer.write(b"came behind").unwrap();
        let wire = peer.drain();
        let (front, rest) = wire.split_at(wire.len() - 20);
        mover.feed(front).unwrap();
        mover.advance();
        mover.write(b"undrained").unwrap();
        let blob = export(&mover);
        let context = if is_client { form.client() } else { form.server() };
        let conn = context.import(&blob).ok().unwrap();
        let material = keying_material(&conn, Some(b""));
        let (_, sealed) = tell(&form, &conn, rest);
        for (kind, bytes) in
            [("blob", &blob[..]), ("wire", rest), ("sealed", &sealed), ("material", &material)]
        {
            let path = vector(&format!("{name}.{kind}"));
            assert!(!path.exists(), "vectors that are there stay as they are");
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}
