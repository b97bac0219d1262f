//! One side of a game: its connection, whole or in two halves, what its host has in its hands, and what is right to come of each
//! call.

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use tlsbio::ffi::*;
use tlsbio::status::*;

use crate::support::random::{Random, stream};
use crate::support::{Conn, Context, message};

const MOVE_KEY: [u8; 32] = *b"a key that the host has for this";

/// KeyUpdates without data between them, of which a peer takes 32.
const MOST_UPDATES: usize = 8;

/// What the outbound limit keeps for alerts and answers.
const RESERVE: usize = 256;

/// What the peer has come to, in the order of its records.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Open,
    Closed,
    Fatal(Status),
}

/// What `tls_drain_peek` showed.
#[derive(PartialEq)]
struct Shown {
    wire: *const u8,
    copy: Vec<u8>,
}

/// A context, and its limits.
pub type Place<'a> = (&'a Context, (usize, usize));

pub struct Side<'a> {
    /// 0 for the client, 1 for the server.
    pub number: usize,
    pub conn: Conn,
    pub sending: Option<Conn>,
    /// Where it can go on, and the limits of each; it is in the first of them.
    places: [Place<'a>; 2],
    events: u32,
    /// Wire bytes from the peer that the library has not taken; the first `left` of them an in-place call has seen.
    pub coming: Vec<u8>,
    left: usize,
    /// Only some of what an in-place call left were fed.
    half_fed: bool,
    /// Wire bytes for the peer, in their order.
    pub out: Vec<u8>,
    window: Option<(*mut u8, usize)>,
    shown: Option<Shown>,
    /// Buffers that the library gave away, and what was in them.
    taken: Vec<(*mut tls_buffer_t, Vec<u8>)>,
    pub read: usize,
    pub written: usize,
    pub peer_wrote: usize,
    pub peer_end: End,
    /// What ended the connection.
    pub failed: Option<Status>,
    pub closed: bool,
    eof: bool,
    updates: usize,
    wire_in: usize,
    wire_out: usize,
    /// Counters as they were at the beginning.
    before: [u64; 4],
    facts: Vec<u8>,
    pub keys_in: usize,
    pub keys_out: usize,
    /// Events gave way.
    pub lost: bool,
    pub moved: usize,
}

impl<'a> Side<'a> {
    /// Of a connection that is or soon will be established.
    pub fn new(number: usize, conn: Conn, places: [Place<'a>; 2], events: u32) -> Self {
        let mut side = Self {
            number,
            conn,
            sending: None,
            places,
            events,
            coming: Vec::new(),
            left: 0,
            half_fed: false,
            out: Vec::new(),
            window: None,
            shown: None,
            taken: Vec::new(),
            read: 0,
            written: 0,
            peer_wrote: 0,
            peer_end: End::Open,
            failed: None,
            closed: false,
            eof: false,
            updates: 0,
            wire_in: 0,
            wire_out: 0,
            before: [0; 4],
            facts: Vec::new(),
            keys_in: 0,
            keys_out: 0,
            lost: false,
            moved: 0,
        };
        side.before = side.counters();
        side
    }

    fn outbound_limit(&self) -> usize {
        let [(_, (_, outbound)), _] = self.places;
        outbound
    }

    /// The handshake is done: what is known from now on does not change.
    pub fn begin(&mut self) {
        assert_eq!(self.conn.state() & (TLS_HANDSHAKING | TLS_FAILED), 0, "{}", self.why());
        self.facts = self.facts();
    }

    /// It had written so many bytes when the game began.
    pub fn begin_after(&mut self, written: usize) {
        self.begin();
        self.written = written;
        self.before[3] -= written as u64;
    }

    /// The handle of what sends.
    pub fn sender(&self) -> &Conn {
        self.sending.as_ref().unwrap_or(&self.conn)
    }

    pub fn is_tls13(&self) -> bool {
        tls_protocol_version(self.conn.0) == TLS_VERSION_1_3 as u16
    }

    fn error(&self, conn: &Conn) -> tls_error_t {
        let mut error: tls_error_t = unsafe { std::mem::zeroed() };
        error.size = size_of::<tls_error_t>();
        assert_eq!(unsafe { tls_conn_error(conn.0, &mut error) }, TLS_OK);
        error
    }

    pub fn why(&self) -> String {
        format!("side {}: {}", self.number, message(&self.error(&self.conn)))
    }

    /// The alert that this side has told its peer of, or -1.
    pub fn alert_sent(&self) -> i16 {
        self.error(&self.conn).alert_sent
    }

    fn counters(&self) -> [u64; 4] {
        let mut sum = [0; 4];
        for conn in [Some(&self.conn), self.sending.as_ref()].into_iter().flatten() {
            let mut counters: tls_counters_t = unsafe { std::mem::zeroed() };
            counters.size = size_of::<tls_counters_t>();
            assert_eq!(unsafe { tls_counters(conn.0, &mut counters) }, TLS_OK);
            let tls_counters_t { wire_in, wire_out, plain_in, plain_out, .. } = counters;
            sum.iter_mut()
                .zip([wire_in, wire_out, plain_in, plain_out])
                .for_each(|(sum, counted)| *sum += counted);
        }
        sum
    }

    fn facts(&self) -> Vec<u8> {
        let mut facts = vec![0; 64];
        let room = facts.as_mut_ptr().cast();
        let made =
            unsafe { tls_export(self.conn.0, c"EXPORTER-game".as_ptr().cast(), 13, null(), 0, 0, room, 64) };
        assert_eq!(made, 64);
        facts.extend(tls_cipher_suite(self.conn.0).to_be_bytes());
        facts.extend(tls_group(self.conn.0).to_be_bytes());
        facts
    }
}

/// What is right to come of a call.
impl Side<'_> {
    /// What a call that drives the connection answered.
    fn check(&mut self, status: Status) {
        let fine = match status {
            TLS_OK | TLS_WANT_FEED | TLS_WANT_DRAIN => true,
            TLS_CLOSED => self.peer_end == End::Closed && self.read == self.peer_wrote,
            TLS_TRUNCATED => self.eof,
            _ => self.peer_end == End::Fatal(status) && self.read == self.peer_wrote,
        };
        assert!(
            fine,
            "{status} after {} of {} bytes, {:?}: {}",
            self.read,
            self.peer_wrote,
            self.peer_end,
            self.why()
        );
        if status <= TLS_ERR_PEER {
            self.failed = Some(status);
        } else {
            assert_eq!(self.failed, None, "what ends a connection stays");
        }
    }

    /// The same of one that is not always allowed.
    fn check_or_state(&mut self, status: Status, may_be: bool) {
        if status != TLS_ERR_STATE {
            return self.check(status);
        }
        assert!(may_be, "not allowed without a reason: {}", self.why());
    }

    fn took(&mut self, plain: &[u8]) {
        for &byte in plain {
            assert_eq!(byte, stream(1 - self.number, self.read), "side {}, byte {}", self.number, self.read);
            self.read += 1;
        }
        assert!(self.read <= self.peer_wrote);
    }

    fn next(&self, length: usize) -> Vec<u8> {
        (0..length).map(|index| stream(self.number, self.written + index)).collect()
    }

    /// What holds whatever was called.
    pub fn look(&mut self, random: &mut Random) {
        if let Some(before) = self.shown.take() {
            let there = unsafe { std::slice::from_raw_parts(before.wire, before.copy.len()) };
            assert!(there == before.copy, "what was shown is not there any more");
            // It is shown again, and nothing that was queued meanwhile.
            self.peek();
            assert!(self.shown.as_ref() == Some(&before), "what was shown has moved");
        }
        for (buffer, copy) in &self.taken {
            assert!(&memory(*buffer)[..] == copy, "what was taken has changed");
        }
        if let Some((window, length)) = self.window {
            // The transport writes.
            unsafe { window.write_bytes(0xee, length) };
        }
        let pending = tls_drain_pending(self.sender().0);
        assert!(pending <= self.outbound_limit() as isize, "{pending} wire bytes are queued");
        let (state, out) = (self.conn.state(), self.sender().state());
        assert_eq!(state & TLS_EOF != 0, self.eof);
        assert_eq!(out & TLS_WE_CLOSED != 0, self.closed);
        assert_eq!(state & TLS_WINDOW_OPEN != 0, self.window.is_some());
        assert!(state & TLS_PEER_CLOSED == 0 || self.peer_end == End::Closed);
        let failed = state & TLS_FAILED != 0;
        if failed {
            let status = self.error(&self.conn).status;
            self.check(status);
            assert_eq!(self.failed, Some(status));
        }
        assert_eq!((state | out) & (TLS_HANDSHAKING | TLS_ASKING | TLS_HANDED_OVER | TLS_HELD_UP), 0);
        if state & TLS_WAKE_SENDER != 0 {
            // The look at the sending half has taken over what was left for it, if there was room.
            assert!(self.sending.is_some() && !self.closed);
            let has_room = out & TLS_CAN_WRITE != 0;
            let wakes = self.conn.state() & TLS_WAKE_SENDER != 0;
            assert!(!wakes || !has_room, "the sending half does not wake");
        }
        if random.one_in(4) {
            assert!(failed || self.facts() == self.facts);
            let [wire_in, wire_out, plain_in, plain_out] = self.counters();
            let count = |at: usize, added: usize| self.before[at] + added as u64;
            if !failed {
                assert_eq!(wire_in, count(0, self.wire_in));
            }
            assert_eq!(wire_out, count(1, self.wire_out));
            assert_eq!(plain_in, count(2, self.read));
            assert_eq!(plain_out, count(3, self.written));
        }
        if random.one_in(3) {
            self.take_events();
        }
    }

    pub fn take_events(&mut self) {
        for conn in [Some(&self.conn), self.sending.as_ref()].into_iter().flatten() {
            let mut event: tls_event_t = unsafe { std::mem::zeroed() };
            event.size = size_of::<tls_event_t>();
            loop {
                let waits = conn.state() & TLS_HAS_EVENT != 0;
                assert_eq!(unsafe { tls_next_event(conn.0, &mut event) }, i32::from(waits));
                if !waits {
                    break;
                }
                assert_ne!(event.kind & self.events, 0);
                self.lost |= event.lost > 0;
                if event.kind == TLS_EVENT_KEY_UPDATE {
                    self.keys_in += usize::from(event.number == TLS_KEYS_IN);
                    self.keys_out += usize::from(event.number == TLS_KEYS_OUT);
                }
            }
        }
    }
}

/// In.
impl Side<'_> {
    /// Gives the first `length` bytes of what is coming, in one way of three.
    pub fn feed(&mut self, length: usize, way: usize) {
        let wire = self.coming[..length].to_vec();
        let fed = match way {
            0 => self.conn.feed(&wire),
            1 => self.feed_by_window(&wire),
            _ => self.feed_buffer(&wire),
        };
        let Ok(taken) = fed else {
            assert!(self.eof || self.conn.state() & TLS_FAILED != 0);
            return assert_eq!(fed, Err(TLS_ERR_STATE));
        };
        // An empty one closes a window as well, but not where nothing was fed.
        if way != 1 && taken > 0 {
            self.window = None;
        }
        self.gave(taken);
    }

    fn gave(&mut self, taken: usize) {
        self.coming.drain(..taken);
        self.wire_in += taken;
        if taken > 0 {
            self.left = self.left.saturating_sub(taken);
            self.half_fed = self.left > 0;
        }
    }

    /// Into the window that is open, or a new one.
    fn feed_by_window(&mut self, wire: &[u8]) -> Result<usize, Status> {
        if self.window.is_none() {
            self.open_window(wire.len())?;
        }
        let Some((window, length)) = self.window.take() else { return Ok(0) };
        let taken = wire.len().min(length);
        unsafe { window.copy_from_nonoverlapping(wire.as_ptr(), taken) };
        match tls_feed_commit(self.conn.0, taken) {
            TLS_OK => Ok(taken),
            status => Err(status),
        }
    }

    fn open_window(&mut self, want: usize) -> Result<(), Status> {
        let (mut window, mut length) = (null_mut::<c_void>(), 0);
        match unsafe { tls_feed_window(self.conn.0, want, &mut window, &mut length) } {
            TLS_OK => self.window = Some((window.cast(), length)),
            TLS_ERR_LIMIT => assert_eq!(self.conn.state() & TLS_CAN_FEED, 0),
            status => return Err(status),
        }
        Ok(())
    }

    fn feed_buffer(&mut self, wire: &[u8]) -> Result<usize, Status> {
        let wire = &wire[..wire.len().min(20_000)];
        let buffer = tls_buffer_new(self.places[0].0.handle(), wire.len());
        let (mut room, mut length) = (null_mut::<c_void>(), 0);
        assert_eq!(unsafe { tls_buffer_memory(buffer, &mut room, &mut length) }, TLS_OK);
        assert!(length >= wire.len());
        unsafe { room.cast::<u8>().copy_from_nonoverlapping(wire.as_ptr(), wire.len()) };
        let status = tls_feed_buffer(self.conn.0, buffer, wire.len());
        if status == TLS_OK {
            return Ok(wire.len());
        }
        tls_buffer_free(buffer);
        if status == TLS_ERR_LIMIT { Ok(0) } else { Err(status) }
    }

    /// Feeds exactly as many bytes as are said to be needed, if they are there.
    pub fn feed_exactly(&mut self, way: usize) -> bool {
        let needed = usize::try_from(tls_feed_needed(self.conn.0)).unwrap();
        let state = self.conn.state();
        if needed == 0 {
            let nothing_to_feed = state & TLS_CAN_READ != 0 || state & TLS_CAN_FEED == 0;
            assert!(nothing_to_feed, "side {}: 0 is needed: {state:#x}", self.number);
            return false;
        }
        if needed > self.coming.len() {
            return false;
        }
        let before = self.coming.len();
        self.feed(needed, way);
        before > self.coming.len()
    }

    /// Reads where the first `length` bytes lie, which are at least what was left; `false` where that cannot be now.
    pub fn in_place(&mut self, length: usize, spans: usize) -> bool {
        let mut places = vec![tls_span_t { offset: 0, len: 0 }; spans];
        let mut consumed = usize::MAX;
        let (wire, places_of) = (self.coming.as_mut_ptr().cast(), places.as_mut_ptr());
        let found = unsafe { tls_read_in_place(self.conn.0, wire, length, places_of, spans, &mut consumed) };
        if found == TLS_ERR_STATE as isize {
            // What was fed comes first.
            assert_eq!(consumed, 0);
            return false;
        }
        let count = usize::try_from(found).unwrap_or(0);
        for span in &places[..count] {
            assert!(span.len > 0 && span.offset + span.len <= consumed);
            let plain = self.coming[span.offset..span.offset + span.len].to_vec();
            self.took(&plain);
        }
        if found <= TLS_ERR_PEER as isize {
            assert_eq!(consumed, 0);
        }
        self.coming.drain(..consumed);
        self.wire_in += consumed;
        self.left = length - consumed;
        self.half_fed = false;
        if found < 0 {
            self.check(found as Status);
        }
        true
    }

    pub fn read(&mut self, size: usize) {
        let can_read = self.conn.state() & TLS_CAN_READ != 0;
        let mut plain = vec![0; size];
        match self.conn.read_into(&mut plain) {
            Ok(length) => {
                self.took(&plain[..length]);
                assert!(can_read || length == 0);
            }
            Err(status) => {
                assert!(!can_read);
                self.check(status);
            }
        }
    }

    /// The same without a look before: records are opened straight into the memory.
    pub fn read_blindly(&mut self, size: usize) {
        let mut plain = vec![0; size];
        match self.conn.read_into(&mut plain) {
            Ok(length) => self.took(&plain[..length]),
            Err(status) => self.check(status),
        }
    }

    fn read_vectored(&mut self, random: &mut Random) {
        let mut pieces: Vec<Vec<u8>> = (0..1 + random.below(4)).map(|_| vec![0; random.below(300)]).collect();
        let of: Vec<_> = pieces
            .iter_mut()
            .map(|piece| tls_iovec_t { base: piece.as_mut_ptr().cast(), len: piece.len() })
            .collect();
        let read = unsafe { tls_read_vectored(self.conn.0, of.as_ptr(), of.len()) };
        let Ok(mut left) = usize::try_from(read) else { return self.check(read as Status) };
        for piece in &pieces {
            let here = left.min(piece.len());
            self.took(&piece[..here]);
            left -= here;
        }
        assert_eq!(left, 0);
    }

    pub fn end_transport(&mut self) {
        self.conn.feed_eof();
        self.eof = true;
        self.window = None;
    }
}

/// Out.
impl Side<'_> {
    pub fn write(&mut self, length: usize) {
        let room = usize::try_from(tls_writable(self.sender().0)).unwrap();
        self.shown = None;
        let plain = self.next(length);
        let written = self.sender().write(&plain);
        self.wrote(written, length, room);
    }

    fn wrote(&mut self, written: Result<usize, Status>, offered: usize, room: usize) {
        match written {
            Ok(length) => {
                assert_eq!(length, offered.min(room));
                self.written += length;
                if length > 0 {
                    self.updates = 0;
                }
            }
            Err(status) => {
                assert_eq!(room, 0, "{status}");
                let closed = self.closed;
                self.check_or_state(status, closed);
            }
        }
    }

    fn write_vectored(&mut self, random: &mut Random) {
        let lengths: Vec<_> = (0..1 + random.below(5)).map(|_| random.below(900)).collect();
        let offered = lengths.iter().sum();
        let room = usize::try_from(tls_writable(self.sender().0)).unwrap();
        let plain = self.next(offered);
        let mut rest = plain.as_slice();
        let pieces: Vec<_> = lengths
            .iter()
            .map(|&length| {
                let (piece, more) = rest.split_at(length);
                rest = more;
                tls_iovec_t { base: piece.as_ptr().cast_mut().cast(), len: length }
            })
            .collect();
        self.shown = None;
        let written = unsafe { tls_write_vectored(self.sender().0, pieces.as_ptr(), pieces.len()) };
        self.wrote(usize::try_from(written).map_err(|_| written as Status), offered, room);
    }

    /// Seals straight into what leaves.
    fn write_into(&mut self, length: usize, random: &mut Random) {
        let bound = usize::try_from(tls_conn_wire_bound(self.sender().0, length)).unwrap();
        let capacity = if random.one_in(2) { bound } else { random.below(bound + 50) };
        let can_write = self.sender().state() & TLS_CAN_WRITE != 0;
        let (plain, mut wire, mut consumed) = (self.next(length), vec![0xa5; capacity], usize::MAX);
        self.shown = None;
        let sealed = unsafe {
            let (from, to) = (plain.as_ptr().cast(), wire.as_mut_ptr().cast());
            tls_write_into(self.sender().0, from, length, to, capacity, &mut consumed)
        };
        let Ok(count) = usize::try_from(sealed) else {
            assert_eq!(consumed, 0);
            let status = sealed as Status;
            match status {
                TLS_WANT_DRAIN => assert_ne!(self.sender().state() & TLS_CAN_DRAIN, 0),
                // Not even a byte fits.
                TLS_ERR_ARGUMENT => {
                    assert!(
                        can_write
                            && capacity < usize::try_from(tls_conn_wire_bound(self.sender().0, 1)).unwrap()
                    );
                }
                _ => self.check_or_state(status, self.closed),
            }
            return;
        };
        assert!(wire[count..].iter().all(|&byte| byte == 0xa5));
        let fits = capacity >= bound && bound + RESERVE <= self.outbound_limit();
        assert!(consumed <= length && (!fits || consumed == length));
        self.written += consumed;
        self.updates = 0;
        self.wire_out += count;
        self.out.extend_from_slice(&wire[..count]);
    }

    pub fn drain(&mut self, most: usize) -> bool {
        let mut wire = vec![0; most];
        let pending = tls_drain_pending(self.sender().0);
        let length = unsafe { tls_drain_into(self.sender().0, wire.as_mut_ptr().cast(), most) };
        assert_eq!(length, pending.min(most as isize));
        self.shown = None;
        self.left_us(&wire[..length as usize]);
        length > 0
    }

    fn left_us(&mut self, wire: &[u8]) {
        self.out.extend_from_slice(wire);
        self.wire_out += wire.len();
    }

    fn peek(&mut self) {
        let (mut wire, mut length) = (null(), 0);
        assert_eq!(unsafe { tls_drain_peek(self.sender().0, &mut wire, &mut length) }, TLS_OK);
        assert_eq!(length == 0, tls_drain_pending(self.sender().0) == 0);
        self.shown = (length > 0).then(|| {
            let wire = wire.cast::<u8>();
            Shown { wire, copy: unsafe { std::slice::from_raw_parts(wire, length) }.to_vec() }
        });
    }

    fn consume(&mut self, random: &mut Random) {
        let Some(Shown { copy, .. }) = self.shown.take() else { return };
        let length = if random.one_in(2) { copy.len() } else { random.below(copy.len() + 1) };
        assert_eq!(tls_drain_consume(self.sender().0, length), TLS_OK);
        self.left_us(&copy[..length]);
    }

    fn take(&mut self) {
        self.shown = None;
        let (mut wire, mut length) = (null(), 0);
        let buffer = unsafe { tls_drain_take(self.sender().0, &mut wire, &mut length) };
        assert_eq!(buffer.is_null(), length == 0);
        if !buffer.is_null() {
            let copy = memory(buffer);
            assert_eq!(copy.len(), length);
            self.left_us(&copy);
            self.taken.push((buffer, copy));
        }
    }

    fn give_back(&mut self, random: &mut Random) {
        if !self.taken.is_empty() {
            let (buffer, _) = self.taken.swap_remove(random.below(self.taken.len()));
            tls_buffer_free(buffer);
        }
    }

    pub fn update_keys(&mut self) {
        if self.updates >= MOST_UPDATES {
            return;
        }
        self.shown = None;
        let status = tls_key_update(self.sender().0);
        if status == TLS_OK {
            self.updates += 1;
        }
        let not_allowed = self.closed || !self.is_tls13();
        self.check_or_state(status, not_allowed);
    }

    pub fn close(&mut self) {
        self.shown = None;
        let status = self.sender().close_notify();
        self.check(status);
        if status == TLS_OK {
            self.closed = true;
        }
    }

    fn control(&mut self, random: &mut Random) {
        let conn = self.sender().0;
        let status = match random.below(6) {
            0 | 1 => tls_cork(conn),
            2 | 3 => tls_uncork(conn),
            4 => tls_conn_record_size(conn, random.of(&[0, 64, 100, 1400, 16_384])),
            _ => tls_conn_record_restart(conn),
        };
        self.check_or_state(status, self.closed);
    }

    pub fn uncork(&mut self) {
        let status = tls_uncork(self.sender().0);
        self.check(status);
    }
}

/// The connection becomes another one.
impl Side<'_> {
    fn migrate(&mut self, random: &mut Random) {
        if self.sending.is_some() || self.failed.is_some() {
            return;
        }
        let key = MOVE_KEY.as_ptr().cast();
        let mut error: tls_error_t = unsafe { std::mem::zeroed() };
        error.size = size_of::<tls_error_t>();
        let length = unsafe { tls_conn_export(self.conn.0, key, null_mut(), 0, &mut error) };
        let Ok(length) = usize::try_from(length) else {
            let text = message(&error);
            let because = [
                (self.window.is_some(), "a window is open"),
                (self.half_fed, "give all of them again"),
                (self.conn.state() & TLS_HAS_EVENT != 0, "events wait"),
                (true, "the engine of the handshake still has the records"),
            ];
            assert!(because.iter().any(|&(is_so, part)| is_so && text.contains(part)), "{length}: {text}");
            return;
        };
        let mut blob = vec![0; length];
        let moved =
            unsafe { tls_conn_export(self.conn.0, key, blob.as_mut_ptr().cast(), length, null_mut()) };
        assert_eq!(moved, length as isize);
        if random.one_in(2) {
            self.places.reverse();
        }
        let mut import = |context: &Context| {
            let (blob, error) = (blob.as_ptr().cast(), &mut error);
            let conn = unsafe { tls_conn_import(context.handle(), blob, length, key, &mut *error) };
            assert!(!conn.is_null() || error.status == TLS_ERR_LIMIT, "{}", message(error));
            conn
        };
        let mut conn = import(self.places[0].0);
        if conn.is_null() {
            // More waits than may wait there; what was refused can go on elsewhere.
            self.places.reverse();
            conn = import(self.places[0].0);
        }
        assert!(!conn.is_null());
        self.shown = None;
        self.conn = Conn(conn);
        self.moved += 1;
    }

    fn split(&mut self) {
        if self.sending.is_none() && self.conn.state() & TLS_FAILED == 0 {
            self.sending = Some(self.conn.split());
        }
    }
}

impl Side<'_> {
    /// One call, or some that belong together.
    pub fn act(&mut self, random: &mut Random, exact: bool) {
        let coming = self.coming.len();
        match random.below(34) {
            0..=3 if exact => drop(self.feed_exactly(random.below(3))),
            0..=3 => {
                let most = if random.one_in(2) { coming } else { coming.min(40) };
                self.feed(random.below(most + 1), random.below(3));
            }
            4..=7 => {
                let length = if random.one_in(2) {
                    coming
                } else {
                    self.left + random.below((coming - self.left).min(300) + 1)
                };
                self.in_place(length, 1 + random.below(3));
            }
            8 => drop(
                self.open_window(random.below(3000)).inspect_err(|&status| assert_eq!(status, TLS_ERR_STATE)),
            ),
            9 => {
                let status = self.conn.advance();
                self.check(status);
            }
            10 => self.read(1),
            11 => self.read(random.below(300)),
            12 | 13 => self.read_blindly(random.below(20_000)),
            14 => self.read_vectored(random),
            15..=17 => self.write(random.of(&[1, 20, 300, 1500])),
            18 => self.write(random.below(70_000)),
            19 => self.write_vectored(random),
            20 | 21 => self.write_into(1 + random.below(3000), random),
            22 | 23 => drop(self.drain(100_000)),
            24 => drop(self.drain(random.below(200))),
            25 => self.peek(),
            26 => self.consume(random),
            27 => self.take(),
            28 => self.give_back(random),
            29 => self.update_keys(),
            30 | 31 => self.control(random),
            32 => {
                self.take_events();
                self.migrate(random);
            }
            _ => match random.below(20) {
                0 => self.split(),
                1 if random.one_in(3) => self.close(),
                _ => {}
            },
        }
        self.look(random);
    }

    /// All that can be done; whether anything was.
    pub fn go_on(&mut self, random: &mut Random) -> bool {
        let before = (self.coming.len(), self.read, self.wire_out);
        let takes_bytes = self.failed.is_none() && !self.eof;
        if takes_bytes && (random.one_in(2) || !self.in_place(self.coming.len(), 2)) {
            self.feed(self.coming.len(), random.below(3));
            // A buffer is fed whole or not at all.
            self.feed(self.coming.len(), 0);
        }
        self.read_blindly(20_000);
        self.take_events();
        self.sender().state();
        self.drain(100_000);
        before != (self.coming.len(), self.read, self.wire_out)
    }
}

/// What is left of a connection.
impl Side<'_> {
    /// One of two halves goes; whether the sending one did.
    pub fn lose_a_half(&mut self, random: &mut Random) -> bool {
        let loses_sending = random.one_in(2);
        match self.sending.take() {
            Some(sending) if !loses_sending => self.conn = sending,
            _ => {}
        }
        loses_sending
    }

    /// Ends it for what its host has found.
    pub fn refuse(&mut self, alert: u8) {
        let pending = tls_drain_pending(self.conn.0);
        let in_front = tls_refuse(self.conn.0, alert);
        assert!((0..=pending).contains(&in_front), "{in_front} of {pending}");
        assert_eq!(self.conn.advance(), TLS_ERR_CERTIFICATE);
        assert_eq!(self.conn.state() & (TLS_FAILED | TLS_CAN_READ | TLS_CAN_WRITE), TLS_FAILED);
    }
}

impl Drop for Side<'_> {
    fn drop(&mut self) {
        for (buffer, _) in self.taken.drain(..) {
            tls_buffer_free(buffer);
        }
    }
}

fn memory(buffer: *mut tls_buffer_t) -> Vec<u8> {
    let (mut at, mut length) = (null_mut(), 0);
    assert_eq!(unsafe { tls_buffer_memory(buffer, &mut at, &mut length) }, TLS_OK);
    unsafe { std::slice::from_raw_parts(at.cast::<u8>(), length) }.to_vec()
}
