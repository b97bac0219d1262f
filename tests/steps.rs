//! A handshake goes on record by record, wherever its messages and records begin and end: questions open in the midst of them, the
//! host gives bytes in one way and then in another, feeds in parts what an in-place call has left, feeds exactly what it is
//! told, drains late, and moves the connection as soon as it can. Both sides mean well, so both get to the end, with
//! every byte once and in order.

#![cfg(not(feature = "fips"))]
#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use support::random::{Random, play_games, stream};
use support::{Conn, Context, Recipe, message};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

const KEYS: [&str; 2] = ["ecdsa/client.key", "ecdsa/server.key"];
const MOVE_KEY: [u8; 32] = *b"a key that the host has for this";
const EARLY: &[u8] = b"before all else, and in more than one record if these are small enough to be so";
/// What each side writes at most.
const MOST_WRITTEN: usize = 3000;

/// What a game is about.
#[derive(Debug, Clone, Copy)]
struct Form {
    version: u16,
    resumed: bool,
    early: bool,
    half_rtt: bool,
    mutual: bool,
    /// The server wants another group than the client's first one.
    retry: bool,
    /// Of the client and the server.
    verify: [bool; 2],
    external: [bool; 2],
    ask_identity: bool,
    ask_session: bool,
    ask_context: bool,
    /// Another connection has the only place for a question.
    held_up: bool,
    record_size: [usize; 2],
    limits: Option<(usize, usize)>,
    budget: usize,
    long_chain: bool,
    /// How many bytes of a message are in a record that is not protected; 0 for as they come.
    cut: usize,
    /// The side feeds exactly what it is told.
    exact: [bool; 2],
}

impl Form {
    fn new(random: &mut Random) -> Self {
        let version = random.of(&[TLS_VERSION_1_2, TLS_VERSION_1_3, TLS_VERSION_1_3]) as u16;
        let is_tls13 = version == TLS_VERSION_1_3 as u16;
        let early = is_tls13 && random.one_in(4);
        let cut = random.of(&[0, 0, 1, 3, 64, 100]);
        let long_chain = random.one_in(3);
        let mutual = !early && random.one_in(2);
        let record_size = [random.of(&[0, 64, 100, 1000]), random.of(&[0, 64, 100, 1000])];
        let ask_identity = mutual && random.one_in(3);
        let external = [mutual && random.one_in(2), random.one_in(3)];
        Self {
            version,
            resumed: early || random.one_in(3),
            early,
            half_rtt: is_tls13 && random.one_in(3),
            mutual,
            retry: is_tls13 && random.one_in(4),
            verify: [!early && random.one_in(2), mutual && random.one_in(2)],
            external,
            ask_identity,
            ask_session: !early && random.one_in(4),
            ask_context: !early && random.one_in(4),
            held_up: (external[0] || external[1]) && random.one_in(2),
            record_size,
            // Flights of long chains, in small records, and of identities that are not known yet, want more room.
            limits: if long_chain || ask_identity || record_size.iter().any(|size| (1..500).contains(size)) {
                Some((if long_chain && cut > 0 { 0 } else { 20_480 }, 200_000))
            } else {
                random.one_in(2).then_some((20_480, 20_480))
            },
            budget: if !long_chain && (cut == 0 || cut >= 64) { random.of(&[0, 8192]) } else { 0 },
            long_chain,
            cut,
            exact: [random.one_in(3), random.one_in(3)],
        }
    }

    fn client(&self) -> Recipe {
        Recipe {
            chain: (self.mutual && !self.ask_identity).then_some(("ecdsa/client-chain.pem", KEYS[0])),
            external: self.external[0],
            verify: if self.verify[0] { TLS_VERIFY_ASK } else { TLS_VERIFY_PEER },
            early: u32::from(self.early),
            sessions: if self.resumed { None } else { Some(0) },
            ask_identity: self.ask_identity,
            groups: if self.retry { &[0x1d, 0x18] } else { &[] },
            ..self.either(0)
        }
    }

    fn server(&self) -> Recipe {
        Recipe {
            chain: Some(("ecdsa/server-chain.pem", KEYS[1])),
            external: self.external[1],
            verify: if self.verify[1] { TLS_VERIFY_ASK } else { TLS_VERIFY_PEER },
            client_auth: if self.mutual { TLS_CLIENT_AUTH_REQUIRED } else { TLS_CLIENT_AUTH_NONE },
            early: if self.early { 1000 } else { 0 },
            half_rtt: self.half_rtt && !self.mutual && !self.ask_context,
            ask_session: self.ask_session,
            ask_context: self.ask_context,
            groups: if self.retry { &[0x18] } else { &[] },
            ..self.either(1)
        }
    }

    fn either(&self, side: usize) -> Recipe {
        Recipe {
            version: Some(self.version),
            limits: self.limits,
            handshake: (self.budget, 0),
            record_size: self.record_size[side],
            more_chain: if self.long_chain {
                &["rsa/inter.pem", "rsa/ca.pem", "rsa/client.pem", "rsa/server.pem", "ecdsa/ca.pem"]
            } else {
                &[]
            },
            open_questions: u32::from(self.held_up),
            ..Recipe::default()
        }
    }
}

struct Contexts {
    client: Context,
    /// What a client shows that is asked.
    shown: Context,
    server: Context,
    /// The one that a server begins with.
    asking: Context,
}

impl Contexts {
    fn new(form: &Form) -> Self {
        let (client, server) = (form.client(), form.server());
        let shown = Recipe {
            chain: Some(("ecdsa/client-chain.pem", KEYS[0])),
            ask_identity: false,
            verify: TLS_VERIFY_PEER,
            ..client
        };
        Self {
            client: Context::client(&client),
            shown: Context::client(&shown),
            server: Context::server(&Recipe { ask_context: false, ..server }),
            asking: Context::server(&server),
        }
    }

    fn pair(&self) -> [Side<'_>; 2] {
        [Side::new(0, self.client.connect("localhost"), self), Side::new(1, self.asking.accept(), self)]
    }

    /// Moves bytes and answers until nothing moves, or `last` asks for a signature.
    fn meet(&self, last: Option<usize>) -> [Side<'_>; 2] {
        let mut sides = self.pair();
        loop {
            let wires = [0, 1].map(|side| sides[side].conn.drain());
            let mut moved = false;
            for (number, wire) in wires.iter().enumerate() {
                let side = &mut sides[1 - number];
                assert_eq!(side.conn.feed(wire), Ok(wire.len()));
                while side.conn.advance() < TLS_ERR_BUSY || side.conn.state() & TLS_ASKING != 0 {
                    if last == Some(1 - number) && side.conn.advance() == TLS_ASK_SIGN {
                        return sides;
                    }
                    side.answer();
                }
                moved |= !wire.is_empty();
            }
            if !moved {
                return sides;
            }
        }
    }
}

struct Side<'a> {
    number: usize,
    conn: Conn,
    contexts: &'a Contexts,
    /// Wire bytes that were drained, of a record that is not whole.
    out: Vec<u8>,
    protects: bool,
    /// Wire bytes from the peer that the library has not taken; the first `left` of them an in-place call has seen.
    coming: Vec<u8>,
    left: usize,
    early: Vec<u8>,
    read: usize,
    written: usize,
    wants: usize,
    closed: bool,
    moved: usize,
}

impl<'a> Side<'a> {
    fn new(number: usize, conn: Conn, contexts: &'a Contexts) -> Self {
        Self {
            number,
            conn,
            contexts,
            out: Vec::new(),
            protects: false,
            coming: Vec::new(),
            left: 0,
            early: Vec::new(),
            read: 0,
            written: 0,
            wants: 0,
            closed: false,
            moved: 0,
        }
    }

    fn check(&mut self, status: Status) {
        self.closed |= status == TLS_CLOSED;
        let fine = [
            TLS_OK,
            TLS_WANT_FEED,
            TLS_WANT_DRAIN,
            TLS_CLOSED,
            TLS_ASK_CONTEXT,
            TLS_ASK_VERIFY,
            TLS_ASK_SIGN,
            TLS_ASK_IDENTITY,
            TLS_ASK_SESSION,
            TLS_ERR_LIMIT,
        ];
        assert!(fine.contains(&status), "side {}: {status}: {}", self.number, self.message());
        if status == TLS_ERR_LIMIT {
            assert_ne!(self.conn.state() & TLS_HELD_UP, 0);
        }
    }

    fn message(&self) -> String {
        let mut error: tls_error_t = unsafe { std::mem::zeroed() };
        error.size = size_of::<tls_error_t>();
        unsafe { tls_conn_error(self.conn.0, &mut error) };
        message(&error)
    }

    fn took(&mut self, plain: &[u8]) {
        for &byte in plain {
            assert_eq!(byte, stream(1 - self.number, self.read), "side {}, byte {}", self.number, self.read);
            self.read += 1;
        }
    }

    /// Whether a question was answered.
    fn answer(&mut self) -> bool {
        if self.conn.state() & TLS_ASKING == 0 {
            return false;
        }
        let conn = self.conn.0;
        let status = match self.conn.advance() {
            TLS_ASK_CONTEXT => self.conn.answer_context(&self.contexts.server),
            TLS_ASK_VERIFY => self.conn.answer_verify(-1),
            TLS_ASK_IDENTITY => tls_answer_identity(conn, self.contexts.shown.handle()),
            TLS_ASK_SESSION => unsafe { tls_answer_session(conn, null(), 0) },
            TLS_ASK_SIGN => self.conn.answer_sign(KEYS[self.number]),
            other => panic!("{other} is no question"),
        };
        assert!(status == TLS_OK || status == TLS_WANT_DRAIN, "{status}");
        status == TLS_OK
    }

    /// Gives the first `length` bytes of what is coming, in one way of three.
    fn feed(&mut self, length: usize, way: usize) {
        let wire = &self.coming[..length];
        let taken = match way {
            0 => self.conn.feed(wire).unwrap(),
            1 => self.conn.feed_by_window(wire).unwrap(),
            _ => self.feed_buffer(wire),
        };
        self.coming.drain(..taken);
        if taken > 0 {
            self.left = 0;
        }
    }

    fn feed_buffer(&self, wire: &[u8]) -> usize {
        let wire = &wire[..wire.len().min(20_000)];
        let buffer = tls_buffer_new(self.contexts.client.handle(), wire.len());
        let (mut memory, mut room) = (null_mut::<c_void>(), 0);
        assert_eq!(unsafe { tls_buffer_memory(buffer, &mut memory, &mut room) }, TLS_OK);
        assert!(room >= wire.len());
        unsafe { std::ptr::copy_nonoverlapping(wire.as_ptr(), memory.cast(), wire.len()) };
        match tls_feed_buffer(self.conn.0, buffer, wire.len()) {
            TLS_OK => wire.len(),
            TLS_ERR_LIMIT => {
                tls_buffer_free(buffer);
                0
            }
            other => panic!("{other}"),
        }
    }

    /// Reads where the first `length` bytes lie, which are at least what was left.
    fn in_place(&mut self, length: usize, spans: usize) -> bool {
        let mut places = vec![tls_span_t { offset: 0, len: 0 }; spans];
        let mut consumed = 0;
        let (wire, places_of) = (self.coming.as_mut_ptr().cast(), places.as_mut_ptr());
        let found = unsafe { tls_read_in_place(self.conn.0, wire, length, places_of, spans, &mut consumed) };
        if found == TLS_ERR_STATE as isize {
            // What was fed comes first.
            return false;
        }
        let count = usize::try_from(found).unwrap_or(0);
        let plain: Vec<u8> = places[..count]
            .iter()
            .flat_map(|span| self.coming[span.offset..span.offset + span.len].to_vec())
            .collect();
        self.took(&plain);
        self.coming.drain(..consumed);
        self.left = length - consumed;
        if found < 0 {
            self.check(found as Status);
        }
        true
    }

    fn read(&mut self, size: usize) -> bool {
        let mut early = [0; 30];
        let got = unsafe { tls_early_read_into(self.conn.0, early.as_mut_ptr().cast(), early.len()) };
        if got > 0 {
            self.early.extend_from_slice(&early[..got as usize]);
        }
        let mut plain = vec![0; size];
        match self.conn.read_into(&mut plain) {
            Ok(length) => self.took(&plain[..length]),
            Err(status) => self.check(status),
        }
        got > 0
    }

    fn write(&mut self, length: usize) {
        let length = length.min(self.wants - self.written);
        if length > 0 && self.conn.state() & TLS_CAN_WRITE != 0 {
            let plain: Vec<u8> = (0..length).map(|index| stream(self.number, self.written + index)).collect();
            self.written += self.conn.write(&plain).unwrap();
        }
    }

    /// Moves up to `most` bytes to the peer, once records are whole.
    fn drain(&mut self, peer: &mut Self, most: usize, cut: usize) -> bool {
        let mut wire = vec![0; most];
        let length = unsafe { tls_drain_into(self.conn.0, wire.as_mut_ptr().cast(), wire.len()) };
        self.out.extend_from_slice(&wire[..usize::try_from(length).unwrap()]);
        let mut moved = false;
        while let [kind, major, minor, high, low, payload @ ..] = &self.out[..] {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(payload) = payload.get(..length) else { break };
            self.protects |= *kind == 20 && *minor == 3 && tls_protocol_version(self.conn.0) != 0x304;
            let size = if *kind == 22 && !self.protects && cut > 0 { cut } else { length.max(1) };
            for part in payload.chunks(size) {
                peer.coming.extend_from_slice(&[
                    *kind,
                    *major,
                    *minor,
                    (part.len() >> 8) as u8,
                    part.len() as u8,
                ]);
                peer.coming.extend_from_slice(part);
            }
            self.out.drain(..5 + length);
            moved = true;
        }
        moved
    }

    /// Feeds exactly as many bytes as it is told, if they are there.
    fn feed_exactly(&mut self, way: usize) -> bool {
        let needed = usize::try_from(tls_feed_needed(self.conn.0)).unwrap();
        let state = self.conn.state();
        if needed == 0 {
            let excused = TLS_ASKING | TLS_CAN_READ | TLS_PEER_CLOSED | TLS_HELD_UP | TLS_CAN_DRAIN;
            assert!(state & excused != 0, "side {}: 0 is needed: {state:#x}", self.number);
            return false;
        }
        if needed > self.coming.len() {
            return false;
        }
        let before = self.coming.len();
        self.feed(needed, way);
        before > self.coming.len()
    }

    /// Moves the connection to another handle, if nothing keeps it here.
    fn migrate(&mut self) {
        let key = MOVE_KEY.as_ptr().cast();
        let length = unsafe { tls_conn_export(self.conn.0, key, null_mut(), 0, null_mut()) };
        let Ok(length) = usize::try_from(length) else {
            assert_eq!(length, TLS_ERR_STATE as isize);
            return;
        };
        let mut blob = vec![0; length];
        let moved =
            unsafe { tls_conn_export(self.conn.0, key, blob.as_mut_ptr().cast(), length, null_mut()) };
        assert_eq!(moved, length as isize);
        let context =
            if self.number == 0 { self.contexts.client.handle() } else { self.contexts.server.handle() };
        let conn = unsafe { tls_conn_import(context, blob.as_ptr().cast(), length, key, null_mut()) };
        assert!(!conn.is_null());
        self.conn = Conn(conn);
        self.moved += 1;
    }

    fn act(&mut self, peer: &mut Self, form: &Form, random: &mut Random) {
        let coming = self.coming.len();
        match random.below(16) {
            0..=3 if form.exact[self.number] => drop(self.feed_exactly(random.below(3))),
            0..=3 => {
                let most = if random.one_in(2) { coming } else { coming.min(40) };
                self.feed(random.below(most + 1), random.below(3));
            }
            4..=6 => {
                let length = if random.one_in(2) {
                    coming
                } else {
                    self.left + random.below((coming - self.left).min(100) + 1)
                };
                self.in_place(length, 1 + random.below(3));
            }
            7 => {
                let status = self.conn.advance();
                self.check(status);
            }
            8 => drop(self.conn.state()),
            9 => drop(self.read(1 + random.below(300))),
            10 => drop(self.answer()),
            11 => self.write(1 + random.below(500)),
            12 | 13 => {
                let most = if random.one_in(2) { 100_000 } else { random.below(200) };
                self.drain(peer, most, form.cut);
            }
            14 if random.one_in(3) && self.moved < 2 => self.migrate(),
            _ => {}
        }
    }

    /// All that can be done; whether anything was.
    fn go_on(&mut self, peer: &mut Self, form: &Form, way: usize) -> bool {
        let before = (self.coming.len(), self.read, self.written, self.conn.state());
        let mut moved = self.answer();
        moved |= self.drain(peer, 100_000, form.cut);
        self.write(MOST_WRITTEN);
        if form.exact[self.number] {
            while self.feed_exactly(way % 3) {
                self.read(1000);
            }
        } else if way != 3 || !self.in_place(self.coming.len(), 2) {
            self.feed(self.coming.len(), way % 3);
        }
        moved |= self.read(1000);
        moved || before != (self.coming.len(), self.read, self.written, self.conn.state())
    }
}

/// What came of a game.
#[derive(Default)]
struct Told {
    moved: usize,
    resumed: usize,
    early: usize,
}

fn play(form: &Form, random: &mut Random) -> Told {
    let contexts = Contexts::new(form);
    if form.resumed {
        contexts.meet(None);
    }
    let mut blocker = form.held_up.then(|| contexts.meet(Some(usize::from(!form.external[0]))));
    let [mut client, mut server] = contexts.pair();
    (client.wants, server.wants) = (random.below(MOST_WRITTEN), random.below(MOST_WRITTEN));
    let mut early = 0;
    if form.early {
        let sent = unsafe { tls_early_write_from(client.conn.0, EARLY.as_ptr().cast(), EARLY.len()) };
        early = usize::try_from(sent).expect("there is nothing to resume");
    }
    for _ in 0..random.below(600) {
        client.act(&mut server, form, random);
        server.act(&mut client, form, random);
        if random.one_in(100) {
            blocker = None;
        }
    }
    drop(blocker);
    let mut closing = false;
    for way in 0.. {
        assert!(way < 5000, "it does not end");
        let way = [way, random.below(4)][usize::from(way > 8)];
        let moved = client.go_on(&mut server, form, way) | server.go_on(&mut client, form, way);
        if moved {
            continue;
        }
        for side in [&client, &server] {
            assert_eq!(side.conn.state() & (TLS_HANDSHAKING | TLS_FAILED), 0, "side {}", side.number);
            assert_eq!(side.written, side.wants);
        }
        if closing {
            break;
        }
        closing = true;
        assert_eq!((client.conn.close_notify(), server.conn.close_notify()), (TLS_OK, TLS_OK));
    }
    assert_eq!((client.read, server.read), (server.written, client.written));
    for side in [&client, &server] {
        assert_eq!(side.conn.advance(), TLS_CLOSED);
        assert!(side.coming.is_empty());
    }
    if tls_early_status(server.conn.0) == TLS_EARLY_ACCEPTED {
        assert_eq!(server.early, EARLY[..early]);
    }
    Told {
        moved: client.moved + server.moved,
        resumed: tls_resumed(client.conn.0) as usize,
        early: server.early.len(),
    }
}

#[test]
fn records_and_questions_meet_in_any_order() {
    let mut all = Told::default();
    let games = play_games("STEPS", 200, Form::new, |form, random| {
        let told = play(form, random);
        all.moved += told.moved;
        all.resumed += told.resumed;
        all.early += told.early;
    });
    println!("{games} games, {} moves, {} resumed, {} early bytes", all.moved, all.resumed, all.early);
    let games = games as usize;
    assert!(all.moved > games && all.resumed * 10 > games && all.early > games, "the games were too tame");
}

/// A pair whose next step that may ask is held up: with it, the connections that have the only place.
fn held_up(client: &Context, server: &Context, asks: Status, is_server: bool) -> [Conn; 2] {
    let blocked = [client.connect("localhost"), server.accept()];
    let asked = &blocked[usize::from(is_server)];
    while asked.advance() != asks {
        if asked.advance() == TLS_ASK_VERIFY {
            assert_eq!(asked.answer_verify(-1), TLS_OK);
            continue;
        }
        assert_eq!(blocked[1].feed(&blocked[0].drain()).map(drop), Ok(()));
        blocked[1].advance();
        assert_eq!(blocked[0].feed(&blocked[1].drain()).map(drop), Ok(()));
    }
    blocked
}

/// What has no cause but the form.
const PLAIN: Form = Form {
    version: TLS_VERSION_1_3 as u16,
    resumed: false,
    early: false,
    half_rtt: false,
    mutual: false,
    retry: false,
    verify: [false; 2],
    external: [false; 2],
    ask_identity: false,
    ask_session: false,
    ask_context: false,
    held_up: true,
    record_size: [0; 2],
    limits: None,
    budget: 0,
    long_chain: false,
    cut: 0,
    exact: [false; 2],
};

/// Records behind the Finished are not the handshake's, also where it waited with all of them for a place.
#[test]
fn what_came_while_it_was_held_up_moves() {
    let form = Form { half_rtt: true, ask_identity: true, ..PLAIN };
    let (contexts, blocking) = (Contexts::new(&form), Contexts::new(&Form { mutual: true, ..form }));
    for in_place in [false, true] {
        let blocked = held_up(&contexts.client, &blocking.server, TLS_ASK_IDENTITY, false);
        let [mut client, server] = contexts.pair();
        server.conn.feed(&client.conn.drain()).unwrap();
        assert_eq!(server.conn.advance(), TLS_WANT_FEED);
        for part in [0, 1] {
            let plain: Vec<u8> = (0..100).map(|index| stream(1, part * 100 + index)).collect();
            assert_eq!(server.conn.write(&plain), Ok(100));
        }
        client.coming = server.conn.drain();
        if in_place {
            assert!(client.in_place(client.coming.len(), 4));
        } else {
            client.feed(client.coming.len(), 0);
        }
        assert_ne!(client.conn.state() & TLS_HELD_UP, 0, "in place: {in_place}");
        assert_eq!(client.conn.advance(), TLS_ERR_LIMIT);
        drop(blocked);
        if in_place {
            client.feed(client.coming.len(), 0);
        }
        assert_eq!(client.conn.advance(), TLS_OK);
        client.migrate();
        assert_eq!(client.moved, 1, "in place: {in_place}");
        client.read(300);
        assert_eq!(client.read, 200);
    }
}

/// A client that has no place for its question asks when it has one, however often it looked before.
#[test]
fn who_is_held_up_is_asked_in_the_end() {
    let forms = [
        Form { ask_identity: true, mutual: true, ..PLAIN },
        Form { ask_identity: true, mutual: true, verify: [true; 2], ..PLAIN },
        Form { ask_identity: true, mutual: true, version: TLS_VERSION_1_2 as u16, ..PLAIN },
        Form { external: [true, false], mutual: true, ..PLAIN },
        Form { external: [true, false], mutual: true, verify: [true; 2], ..PLAIN },
        Form { external: [true, false], mutual: true, version: TLS_VERSION_1_2 as u16, ..PLAIN },
    ];
    for (form, early, in_place) in forms
        .iter()
        .flat_map(|form| [(form, false, false), (form, false, true), (form, true, false), (form, true, true)])
    {
        let asks = if form.ask_identity { TLS_ASK_IDENTITY } else { TLS_ASK_SIGN };
        // One that may send early data is another form of the engine.
        if early && (form.verify[0] || form.version != TLS_VERSION_1_3 as u16) {
            continue;
        }
        let contexts = Contexts::new(&Form { early, ..*form });
        let blocked = held_up(&contexts.client, &contexts.server, asks, false);
        let [mut client, mut server] = contexts.pair();
        server.conn.feed(&client.conn.drain()).unwrap();
        server.conn.advance();
        client.coming = server.conn.drain();
        let mut looks = 0;
        for _ in 0..5 {
            if in_place {
                client.in_place(client.coming.len(), 4);
            } else {
                client.feed(client.coming.len(), 0);
            }
            looks += i32::from(client.conn.state() & TLS_HELD_UP != 0);
            if client.conn.advance() == TLS_ASK_VERIFY {
                client.answer();
            }
        }
        assert!(looks > 2, "{form:?}, in place: {in_place}");
        drop(blocked);
        let mut asked = false;
        for _ in 0..10 {
            client.in_place(client.coming.len(), 4);
            asked |= client.conn.advance() == asks;
            client.answer();
            client.drain(&mut server, 100_000, 0);
            server.feed(server.coming.len(), 0);
            server.read(1);
            server.answer();
            server.drain(&mut client, 100_000, 0);
        }
        assert!(asked, "{form:?}, in place: {in_place}");
        assert_eq!(client.conn.state() & TLS_HANDSHAKING, 0);
        assert_eq!(server.conn.state() & TLS_HANDSHAKING, 0);
    }
}

/// Nobody's message is too large where this side has no place for its own question.
#[test]
fn what_fills_the_inbound_limit_while_it_is_held_up_is_kept() {
    let form =
        Form { early: true, resumed: true, external: [false, true], limits: Some((20_480, 69_632)), ..PLAIN };
    let client = Recipe { open_questions: 0, ..form.client() };
    let server = Recipe { early: 65_536, ..form.server() };
    let contexts = Contexts {
        client: Context::client(&client),
        shown: Context::client(&Recipe { sessions: Some(0), ..client }),
        server: Context::server(&server),
        asking: Context::server(&server),
    };
    contexts.meet(None);
    let blocked = held_up(&contexts.shown, &contexts.asking, TLS_ASK_SIGN, true);
    let [client, mut server] = contexts.pair();
    let early: Vec<u8> = (0..30_000_u32).map(|index| (index * 7 + index / 256) as u8).collect();
    let sent = unsafe { tls_early_write_from(client.conn.0, early.as_ptr().cast(), early.len()) };
    assert_eq!(sent, 30_000);
    server.coming = client.conn.drain();
    server.feed(server.coming.len(), 0);
    assert!(!server.coming.is_empty(), "it is full");
    assert_eq!(server.conn.advance(), TLS_ERR_LIMIT);
    drop(blocked);
    for _ in 0..2000 {
        server.feed(server.coming.len(), 0);
        server.answer();
        server.read(1);
    }
    assert!(server.early == early);
}
