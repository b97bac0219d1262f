//! A game: bytes choose calls on a client and a server, in any order, with the wire cut and held back, questions
//! answered late or wrongly, and misuse. Whatever they choose, what the header promises holds:
//!
//! - plain bytes come whole and in order, in all ways of reading;
//! - every call answers a status that is documented for it, a fatal one only with a cause;
//! - nothing is written outside of the host's buffers, or behind what the answer says;
//! - a bit of the state word says what the call that it is about does;
//! - two sides that mean well come to an end, with all that was written.

mod memory;
mod moves;
mod other;
mod script;
mod setup;
mod side;

use tlsbio::ffi::*;
use tlsbio::status::*;

pub use script::MARK;
use script::{Script, appendix};
use setup::Setup;
use side::Side;

/// More calls than that show nothing new.
const MOST_CALLS: usize = 600;

/// What came of a game, to see whether games are worth playing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Report {
    pub calls: usize,
    pub plain: usize,
    /// Both sides got to the end with all their data.
    pub whole: bool,
    /// The questions that were answered, a bit for each.
    pub answered: u32,
}

pub fn play(bytes: &[u8]) -> Report {
    let (choices, bytes) = appendix(bytes);
    let mut script = Script::new(bytes);
    let setup = Setup::new(&mut script, choices);
    if setup.resumes {
        let mut sides = start(&setup);
        finish(&mut sides, &setup);
    }
    let mut sides = start(&setup);
    let stale = stale(&setup);
    let mut report = Report::default();
    while !script.is_over() && report.calls < MOST_CALLS {
        let byte = script.byte();
        let [client, server] = &mut sides;
        let (side, peer) = if byte & 0x80 == 0 { (client, server) } else { (server, client) };
        call(byte & 0x7f, side, peer, &setup, stale, &mut script);
        report.calls += 1;
    }
    if sides.iter().all(|side| !side.spoilt && !side.freed && !side.eof) {
        finish(&mut sides, &setup);
        report.whole = true;
    }
    report.answered = setup.answered.get();
    report.plain = sides.iter().map(|side| side.read).sum();
    report
}

fn start(setup: &Setup) -> [Side; 2] {
    let client =
        unsafe { tls_client_new(setup.client.handle(), c"localhost".as_ptr(), std::ptr::null_mut()) };
    let server = unsafe { tls_server_new(setup.asking.handle(), std::ptr::null_mut()) };
    [Side::new(0, client), Side::new(1, server)]
}

/// A handle of a connection that is gone.
fn stale(setup: &Setup) -> *mut tls_conn_t {
    let conn = unsafe { tls_server_new(setup.server.handle(), std::ptr::null_mut()) };
    tls_free(conn);
    conn
}

fn call(
    number: u8,
    side: &mut Side,
    peer: &mut Side,
    setup: &Setup,
    stale: *mut tls_conn_t,
    script: &mut Script<'_>,
) {
    if side.freed {
        assert_eq!(tls_advance(side.conn), TLS_ERR_HANDLE);
        return;
    }
    match number {
        0..=9 => {
            let length = script.length(side.waiting.len());
            side.feed(length);
        }
        10..=15 => side.window(script),
        16..=25 => side.in_place(script),
        26..=33 => side.read(script),
        34..=37 => side.read_vectored(script),
        38..=45 => side.write(script),
        46..=48 => side.write_vectored(script),
        49..=52 => side.write_into(peer, script),
        53..=58 => {
            let length = script.length(30_000);
            side.drain(peer, length);
        }
        59..=61 => side.peek(peer, script),
        62..=66 => drop(side.drain_all(peer)),
        67..=71 => {
            let status = tls_advance(side.conn);
            side.expect_standing(status, &[TLS_OK]);
        }
        72..=76 => {
            let state = tls_state(side.conn);
            assert!(state & TLS_FAILED == 0 || side.spoilt);
        }
        77..=84 => side.keep_promise(peer, script),
        85..=89 => drop(side.answer(setup)),
        90..=92 => side.answer_wrongly(peer, setup, script),
        93..=100 => side.control(script),
        101..=103 => side.fact(script),
        104 => side.text(script),
        105..=107 => side.misuse(setup, stale, script),
        108..=110 => side.read_early(script),
        111..=112 => side.write_early(script),
        113..=122 => drop(step(side, peer, setup)),
        123 => damage(side, peer, script),
        124 if script.below(4) == 0 => side.free(),
        _ => {
            side.feed(usize::MAX);
            tls_state(side.conn);
            side.drain_all(peer);
        }
    }
}

/// What a host does that means well: feeds, looks, answers, drains, reads.
fn step(side: &mut Side, peer: &mut Side, setup: &Setup) -> bool {
    let before = (side.waiting.len(), side.read);
    if !side.eof && !side.spoilt {
        side.feed(usize::MAX);
    }
    let status = tls_advance(side.conn);
    side.expect_standing(status, &[TLS_OK]);
    side.store_sessions(setup);
    let answered = side.answer(setup);
    let drained = side.drain_all(peer);
    while side.read_into(5000) {}
    answered || drained || before != (side.waiting.len(), side.read)
}

fn damage(side: &mut Side, peer: &mut Side, script: &mut Script<'_>) {
    if side.waiting.is_empty() {
        return;
    }
    let position = script.length(side.waiting.len() - 1);
    side.waiting[position] ^= 1 << script.below(8);
    side.spoilt = true;
    peer.spoilt = true;
}

/// Both sides mean well from here on: all that was written arrives, and both can still write.
fn finish(sides: &mut [Side; 2], setup: &Setup) {
    let [client, server] = sides;
    for side in [&mut *client, &mut *server] {
        side.uncork();
    }
    settle(client, server, setup);
    for side in [&mut *client, &mut *server] {
        assert_eq!(
            tls_state(side.conn) & (TLS_HANDSHAKING | TLS_FAILED),
            0,
            "the handshake does not get done"
        );
        if !side.we_closed {
            assert_eq!(side.write_from(1), TLS_OK);
            side.uncork();
        }
    }
    settle(client, server, setup);
    assert_eq!(client.read, server.written, "the client did not get all");
    assert_eq!(server.read, client.written, "the server did not get all");
    if tls_early_status(client.conn) == TLS_EARLY_ACCEPTED {
        assert_eq!(server.early_read, client.early_written, "the server did not get all early data");
    }
    for (side, peer) in [(&*client, &*server), (&*server, &*client)] {
        assert_eq!(tls_state(side.conn) & TLS_PEER_CLOSED != 0, peer.we_closed);
        assert!(side.waiting.is_empty());
    }
}

fn settle(client: &mut Side, server: &mut Side, setup: &Setup) {
    for _ in 0..400 {
        server.read_all_early();
        let moved = step(client, server, setup) | step(server, client, setup);
        server.read_all_early();
        if !moved {
            return;
        }
    }
    panic!("the two go on for ever");
}
