//! What a peer wrote arrives whole and in order, whatever form of the engine it meets, in whatever way
//! it is read, and however the wire was cut: also where plain bytes come in one piece with the end of the
//! handshake, and where they come while a question is open.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use support::{Conn, Context, Recipe};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

const KEY: &str = "ecdsa/server.key";
const CLIENT_KEY: &str = "ecdsa/client.key";
const EARLY: &[u8] = b"before all else";

/// What the writer sends, a record each.
fn records() -> Vec<Vec<u8>> {
    let long: Vec<u8> = (0..1500u32).map(|index| (index * 7 + index / 256) as u8).collect();
    vec![b"first ".to_vec(), b"second ".to_vec(), b"third".to_vec(), long, b"last".to_vec()]
}

/// What the connections are made of.
#[derive(Debug, Clone, Copy, Default)]
struct Form {
    /// The server's key is with the host.
    external: bool,
    /// The server asks for its context.
    ask_context: bool,
    /// The client asks about the server's identity, and the server about the client's.
    ask_verify: bool,
    /// The client has an identity; Some(true): its key is with the host.
    client_key: Option<bool>,
    resumed: bool,
    early: bool,
    /// The server writes before the client's Finished has come.
    half_rtt: bool,
    /// The reader is split when its handshake is done.
    halves: bool,
    /// The reader's host answers when all that came was fed.
    late: bool,
}

impl Form {
    fn client(&self, version: u16) -> Recipe {
        let chain = self.client_key.map(|_| ("ecdsa/client-chain.pem", CLIENT_KEY));
        Recipe {
            version: Some(version),
            chain,
            external: self.client_key == Some(true),
            verify: self.verify(),
            early: u32::from(self.early),
            sessions: if self.resumed || self.early { None } else { Some(0) },
            ..Recipe::default()
        }
    }

    fn server(&self, version: u16) -> Recipe {
        Recipe {
            version: Some(version),
            chain: Some(("ecdsa/server-chain.pem", KEY)),
            external: self.external,
            verify: self.verify(),
            // Who asks for a client's identity writes nothing before it.
            client_auth: if self.client_key.is_some() && !self.half_rtt {
                TLS_CLIENT_AUTH_REQUIRED
            } else {
                TLS_CLIENT_AUTH_NONE
            },
            ask_context: self.ask_context,
            early: if self.early { 100 } else { 0 },
            half_rtt: self.half_rtt,
            ..Recipe::default()
        }
    }

    fn verify(&self) -> i32 {
        if self.ask_verify { TLS_VERIFY_ASK } else { TLS_VERIFY_PEER }
    }
}

/// A way of reading.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// `tls_read_into` into so many bytes, after looking.
    Read(Look, usize),
    Vectored,
    Window,
    InPlace(usize),
}

/// What the host calls before it reads.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Look {
    No,
    Advance,
    State,
    Both,
}

const WAYS: [Way; 13] = [
    Way::Read(Look::No, 16_384),
    Way::Read(Look::No, 4),
    Way::Read(Look::No, 1),
    Way::Read(Look::Advance, 16_384),
    Way::Read(Look::Advance, 4),
    Way::Read(Look::State, 16_384),
    Way::Read(Look::State, 4),
    Way::Read(Look::Both, 16_384),
    Way::Read(Look::Both, 1),
    Way::Vectored,
    Way::Window,
    Way::InPlace(1),
    Way::InPlace(4),
];

/// A way of cutting the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    Whole,
    Records,
    Bytes,
    Random(u64),
}

const CUTS: [Cut; 5] = [Cut::Whole, Cut::Records, Cut::Bytes, Cut::Random(1), Cut::Random(2)];

impl Cut {
    fn pieces(self, wire: &[u8]) -> Vec<&[u8]> {
        let mut pieces = Vec::new();
        let mut rest = wire;
        let mut seed =
            if let Cut::Random(seed) = self { seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) } else { 0 };
        while !rest.is_empty() {
            let length = match self {
                Cut::Whole => rest.len(),
                Cut::Records => 5 + usize::from(u16::from_be_bytes([rest[3], rest[4]])),
                Cut::Bytes => 1,
                Cut::Random(_) => {
                    seed ^= seed << 13;
                    seed ^= seed >> 7;
                    seed ^= seed << 17;
                    1 + (seed % 700) as usize
                }
            };
            let (piece, more) = rest.split_at(length.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces
    }
}

/// One side, with what its host keeps.
struct Side<'a> {
    conn: Conn,
    /// Takes the place of `conn` for all that is sent, once it was split.
    sending: Option<Conn>,
    context: &'a Context,
    key: &'static str,
    plain: Vec<u8>,
    early: Vec<u8>,
    /// Wire bytes that in-place reading has left.
    left: Vec<u8>,
    /// A question is open, and is answered later.
    asked: Option<Status>,
    end: Option<Status>,
}

impl<'a> Side<'a> {
    fn new(conn: Conn, context: &'a Context, key: &'static str) -> Self {
        let (plain, early, left) = (Vec::new(), Vec::new(), Vec::new());
        Self { conn, sending: None, context, key, plain, early, left, asked: None, end: None }
    }

    fn out(&self) -> &Conn {
        self.sending.as_ref().unwrap_or(&self.conn)
    }

    /// Notes how a call ended; true if it makes sense to go on reading.
    fn ended(&mut self, status: Status) {
        match status {
            TLS_OK | TLS_WANT_FEED => {}
            TLS_ASK_CONTEXT | TLS_ASK_VERIFY | TLS_ASK_SIGN => self.asked = Some(status),
            TLS_CLOSED => self.end = Some(status),
            other => panic!("{other}"),
        }
    }

    fn answer(&mut self) -> bool {
        let Some(question) = self.asked.take() else { return false };
        let status = match question {
            TLS_ASK_CONTEXT => self.conn.answer_context(self.context),
            TLS_ASK_VERIFY => self.conn.answer_verify(-1),
            _ => self.conn.answer_sign(self.key),
        };
        assert_eq!(status, TLS_OK);
        true
    }

    fn give(&mut self, way: Way, piece: &[u8]) {
        match way {
            Way::InPlace(_) => self.left.extend_from_slice(piece),
            Way::Window => assert_eq!(self.conn.feed_by_window(piece), Ok(piece.len())),
            _ => assert_eq!(self.conn.feed(piece), Ok(piece.len())),
        }
    }

    /// Reads all that can be read.
    fn read(&mut self, way: Way, takes_early: bool) {
        if takes_early {
            self.read_early();
        }
        match way {
            Way::InPlace(spans) => self.read_in_place(spans),
            Way::Vectored => self.read_vectored(),
            Way::Window => self.read_into(Look::No, 100),
            Way::Read(look, size) => self.read_into(look, size),
        }
    }

    fn read_early(&mut self) {
        let mut buffer = [0; 7];
        loop {
            let read = unsafe { tls_early_read_into(self.conn.0, buffer.as_mut_ptr().cast(), buffer.len()) };
            if read <= 0 {
                return;
            }
            self.early.extend_from_slice(&buffer[..read as usize]);
        }
    }

    fn look(&mut self, look: Look) {
        if matches!(look, Look::Advance | Look::Both) {
            self.conn.advance();
        }
        if matches!(look, Look::State | Look::Both) {
            self.conn.state();
        }
    }

    fn read_into(&mut self, look: Look, size: usize) {
        let mut buffer = vec![0; size];
        loop {
            self.look(look);
            match self.conn.read_into(&mut buffer) {
                Ok(length) => self.plain.extend_from_slice(&buffer[..length]),
                Err(status) => return self.ended(status),
            }
        }
    }

    fn read_vectored(&mut self) {
        let (mut one, mut two, mut three) = ([0u8; 3], [0u8; 5], [0u8; 11]);
        loop {
            let pieces = [&mut one[..], &mut two[..], &mut three[..]]
                .map(|piece| tls_iovec_t { base: piece.as_mut_ptr().cast(), len: piece.len() });
            let read = unsafe { tls_read_vectored(self.conn.0, pieces.as_ptr(), pieces.len()) };
            let Ok(length) = usize::try_from(read) else { return self.ended(read as Status) };
            let all = [&one[..], &two[..], &three[..]].concat();
            self.plain.extend_from_slice(&all[..length]);
        }
    }

    fn read_in_place(&mut self, most: usize) {
        loop {
            let mut spans = vec![tls_span_t { offset: 0, len: 0 }; most];
            let (wire, length) = (self.left.as_mut_ptr().cast(), self.left.len());
            let mut consumed = 0;
            let found = unsafe {
                tls_read_in_place(self.conn.0, wire, length, spans.as_mut_ptr(), spans.len(), &mut consumed)
            };
            let count = usize::try_from(found).unwrap_or(0);
            for span in &spans[..count] {
                self.plain.extend_from_slice(&self.left[span.offset..span.offset + span.len]);
            }
            self.left.drain(..consumed);
            if found < 0 {
                return self.ended(found as Status);
            }
        }
    }

    /// Takes a flight of the peer.
    fn take(&mut self, wire: &[u8], way: Way, cut: Cut, form: &Form) {
        for piece in cut.pieces(wire) {
            self.give(way, piece);
            if form.late && self.asked.is_some() {
                continue;
            }
            self.go_on(way, form);
        }
        while self.asked.is_some() {
            self.answer();
            self.go_on(way, form);
        }
    }

    fn go_on(&mut self, way: Way, form: &Form) {
        loop {
            self.read(way, form.early);
            if form.halves
                && self.sending.is_none()
                && self.conn.state() & (TLS_HANDSHAKING | TLS_CAN_WRITE) == TLS_CAN_WRITE
            {
                self.sending = Some(self.conn.split());
                continue;
            }
            if form.late || !self.answer() {
                return;
            }
        }
    }
}

/// The two contexts of a form.
struct Contexts {
    client: Context,
    server: Context,
    /// The one that a server begins with.
    asking: Context,
}

impl Contexts {
    fn new(form: &Form, version: u16) -> Self {
        let server = form.server(version);
        Self {
            client: Context::client(&form.client(version)),
            server: Context::server(&Recipe { ask_context: false, ..server }),
            asking: Context::server(&server),
        }
    }

    fn pair(&self) -> (Side<'_>, Side<'_>) {
        let client = Side::new(self.client.connect("localhost"), &self.client, CLIENT_KEY);
        (client, Side::new(self.asking.accept(), &self.server, KEY))
    }
}

/// Runs a connection: the writer sends as early as it can, the reader reads in its way.
fn converse(contexts: &Contexts, form: &Form, reader_is_server: bool, way: Way, cut: Cut) {
    let (mut client, mut server) = contexts.pair();
    let sends_early = form.early && reader_is_server;
    if sends_early {
        let sent = unsafe { tls_early_write_from(client.conn.0, EARLY.as_ptr().cast(), EARLY.len()) };
        assert_eq!(sent, EARLY.len() as isize, "nothing to resume");
    }
    let (reader, writer) =
        if reader_is_server { (&mut server, &mut client) } else { (&mut client, &mut server) };
    let plain_way = Way::Read(Look::No, 4096);
    let whole_form = Form { halves: false, late: false, ..*form };
    let (mut wrote, mut closed) = (false, false);
    for _ in 0..20 {
        if !wrote && writer.conn.state() & TLS_CAN_WRITE != 0 {
            for record in records() {
                assert_eq!(writer.conn.write(&record), Ok(record.len()));
            }
            wrote = true;
            let in_handshake = form.half_rtt && !reader_is_server;
            assert_eq!(writer.conn.state() & TLS_HANDSHAKING != 0, in_handshake);
        }
        if wrote && !closed && writer.conn.state() & TLS_HANDSHAKING == 0 {
            assert_eq!(writer.conn.close_notify(), TLS_OK);
            closed = true;
        }
        let wire = writer.conn.drain();
        if !wire.is_empty() {
            reader.take(&wire, way, cut, form);
        }
        let answer = reader.out().drain();
        if !answer.is_empty() {
            writer.take(&answer, plain_way, Cut::Whole, &whole_form);
        }
        if wire.is_empty() && answer.is_empty() {
            break;
        }
    }
    assert!(wrote, "the writer could not write");
    assert_eq!(reader.plain, records().concat());
    assert_eq!(reader.end, Some(TLS_CLOSED));
    assert!(reader.left.is_empty());
    assert_eq!(reader.conn.state() & (TLS_CAN_READ | TLS_FAILED), 0);
    if sends_early {
        assert_eq!(reader.early, EARLY);
    }
    let resumed = tls_resumed(reader.conn.0);
    assert_eq!(resumed, i32::from(form.resumed || form.early));
}

/// A first connection, so that there is something to resume.
fn meet(contexts: &Contexts) {
    let (mut client, mut server) = contexts.pair();
    let form = Form::default();
    loop {
        let (from_client, from_server) = (client.conn.drain(), server.conn.drain());
        if from_client.is_empty() && from_server.is_empty() {
            break;
        }
        server.take(&from_client, Way::Read(Look::No, 10), Cut::Whole, &form);
        client.take(&from_server, Way::Read(Look::No, 10), Cut::Whole, &form);
    }
}

fn check(form: Form, versions: &[i64]) {
    for &version in versions {
        let contexts = Contexts::new(&form, version as u16);
        for reader_is_server in [true, false] {
            for way in WAYS {
                for cut in CUTS {
                    if form.resumed || form.early {
                        meet(&contexts);
                    }
                    let run = || converse(&contexts, &form, reader_is_server, way, cut);
                    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
                        eprintln!(
                            "{form:?}, version {version:#x}, server reads: {reader_is_server}, {way:?}, {cut:?}"
                        );
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        }
    }
}

const BOTH: [i64; 2] = [TLS_VERSION_1_2, TLS_VERSION_1_3];

/// The same with questions that are answered at once and late, with and without an identity of the client, and
/// with a reader that is split.
fn check_all(form: Form) {
    for late in [false, true] {
        for client_key in [None, Some(false), Some(true)] {
            check(Form { late, client_key, ..form }, &BOTH);
        }
        check(Form { late, halves: true, ..form }, &BOTH);
        check(Form { late, resumed: true, ..form }, &BOTH);
        check(Form { late, resumed: true, halves: true, ..form }, &BOTH);
    }
}

#[test]
fn with_a_key_in_memory() {
    check_all(Form::default());
}

#[test]
fn with_a_key_elsewhere() {
    check_all(Form { external: true, ..Form::default() });
}

#[test]
fn where_a_context_is_asked_for() {
    check_all(Form { ask_context: true, ..Form::default() });
}

#[test]
fn where_a_context_is_asked_for_and_the_key_is_elsewhere() {
    check_all(Form { ask_context: true, external: true, ..Form::default() });
}

#[test]
fn where_identities_are_asked_about() {
    check_all(Form { ask_verify: true, ..Form::default() });
}

#[test]
fn where_identities_are_asked_about_and_the_key_is_elsewhere() {
    check_all(Form { ask_verify: true, external: true, ..Form::default() });
}

#[test]
fn where_all_is_asked() {
    check_all(Form { ask_verify: true, ask_context: true, external: true, ..Form::default() });
}

#[test]
fn behind_early_data() {
    for (external, halves) in [(false, false), (false, true), (true, false), (true, true)] {
        check(Form { early: true, external, halves, ..Form::default() }, &[TLS_VERSION_1_3]);
    }
}

/// Keys that change in the step that ends the handshake are seen as with any other step.
#[test]
fn key_updates_behind_the_handshake_are_events() {
    for external in [false, true] {
        let form = Form { external, ..Form::default() };
        let server = Recipe { events: TLS_EVENT_KEY_UPDATE, ..form.server(TLS_VERSION_1_3 as u16) };
        let (client, server) =
            (Context::client(&form.client(TLS_VERSION_1_3 as u16)), Context::server(&server));
        let mut client = Side::new(client.connect("localhost"), &client, CLIENT_KEY);
        let mut server = Side::new(server.accept(), &server, KEY);
        let way = Way::Read(Look::No, 100);
        server.take(&client.conn.drain(), way, Cut::Whole, &form);
        client.take(&server.conn.drain(), way, Cut::Whole, &form);
        assert_eq!(tls_key_update(client.conn.0), TLS_OK);
        assert_eq!(client.conn.write(b"behind"), Ok(6));
        server.take(&client.conn.drain(), way, Cut::Whole, &form);
        assert_eq!(server.plain, b"behind");
        let mut event =
            tls_event_t { size: size_of::<tls_event_t>(), kind: 0, number: 0, lost: 0, text: [0; 232] };
        assert_eq!(unsafe { tls_next_event(server.conn.0, &mut event) }, 1, "external: {external}");
        assert_eq!((event.kind, event.number), (TLS_EVENT_KEY_UPDATE, TLS_KEYS_IN));
    }
}

/// A host's look at a connection.
type Glance = fn(&Conn) -> bool;

const GLANCES: [Glance; 3] = [
    |conn| conn.state() & TLS_FAILED != 0,
    |conn| conn.advance() == TLS_ERR_PEER,
    |conn| conn.read_into(&mut [0; 100]) == Err(TLS_ERR_PEER),
];

#[test]
fn before_the_end_of_the_handshake() {
    for (external, ask_verify) in [(false, false), (true, false), (false, true), (true, true)] {
        for (resumed, halves) in [(false, false), (true, false), (false, true), (true, true)] {
            for late in [false, true] {
                let form =
                    Form { half_rtt: true, external, ask_verify, resumed, halves, late, ..Form::default() };
                check(form, &[TLS_VERSION_1_3]);
            }
        }
    }
    // A client that can be asked for a signature, also in the form that can send early data: what stands behind the handshake is in
    // no step that may ask.
    for early in [false, true] {
        let form = Form { half_rtt: true, early, client_key: Some(true), ..Form::default() };
        check(form, &[TLS_VERSION_1_3]);
    }
}

/// Moves bytes until `conn` was asked, and answers; false if it is never asked (any more).
fn reach_answer(side: &mut Side<'_>, peer: &mut Side<'_>) -> bool {
    for _ in 0..4 {
        let status = side.conn.advance();
        side.ended(status);
        if side.answer() {
            return true;
        }
        peer.take(&side.conn.drain(), Way::Read(Look::No, 9), Cut::Whole, &Form::default());
        side.give(Way::Window, &peer.conn.drain());
    }
    false
}

/// what is fed behind an answer is processed by the next call that looks, if no other question opens before it:
/// here no TLS at all, which no handshake survives.
#[test]
fn what_is_fed_behind_an_answer_is_seen_by_the_next_look() {
    let asks = |external, ask_context, ask_verify| Form {
        external,
        ask_context,
        ask_verify,
        client_key: Some(true),
        ..Form::default()
    };
    let forms = [
        asks(true, false, false),
        asks(false, true, false),
        asks(true, true, false),
        asks(false, false, true),
        asks(true, true, true),
    ];
    for (form, version) in forms.iter().flat_map(|form| BOTH.map(|version| (form, version))) {
        let contexts = Contexts::new(form, version as u16);
        for (glance, at_server) in GLANCES.iter().flat_map(|glance| [(glance, true), (glance, false)]) {
            // After the first answer, the second, and so on.
            let mut seen = 0;
            for answers in 1.. {
                let (mut client, mut server) = contexts.pair();
                let (side, peer) =
                    if at_server { (&mut server, &mut client) } else { (&mut client, &mut server) };
                if !(0..answers).all(|_| reach_answer(side, peer)) {
                    break;
                }
                assert_eq!(side.conn.feed(b"GET / HTTP/1.1\r\n"), Ok(16));
                let looked = glance(&side.conn);
                let asked = side.conn.state() & TLS_ASKING != 0;
                assert!(looked || asked, "{form:?}, {version:#x}, server: {at_server}, answer {answers}");
                seen += u32::from(looked);
            }
            assert!(seen > 0, "{form:?}, {version:#x}, server: {at_server}: nothing was asked");
        }
    }
}
