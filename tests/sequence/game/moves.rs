//! Calls that move bytes, and what they promise.

use std::ptr::{null, null_mut};

use tlsbio::ffi::*;
use tlsbio::status::*;

use super::memory::Guarded;
use super::script::Script;
use super::side::{EARLY, Side, stream};

/// Records are not read or written in larger pieces.
const MOST: usize = 20_000;

impl Side {
    /// Feeds up to `length` of the waiting bytes, and those that in-place reading has left in any case.
    pub fn feed(&mut self, length: usize) {
        let length = length.max(self.left).min(self.waiting.len());
        let fed = unsafe { tls_feed(self.conn, self.waiting.as_ptr().cast(), length) };
        match usize::try_from(fed) {
            Ok(taken) => self.gave(taken, length),
            Err(_) => {
                assert!(self.eof || self.spoilt, "{fed}");
                self.expect(fed as Status, &[TLS_ERR_STATE]);
            }
        }
    }

    fn gave(&mut self, taken: usize, offered: usize) {
        assert!(taken <= offered);
        assert!(!self.eof || taken == 0);
        self.waiting.drain(..taken);
        if taken > 0 {
            self.left = 0;
        }
    }

    pub fn window(&mut self, script: &mut Script<'_>) {
        let want = script.length(30_000);
        let (mut window, mut length) = (null_mut(), 0);
        let status = unsafe { tls_feed_window(self.conn, want, &mut window, &mut length) };
        if status != TLS_OK {
            return self.expect(status, &[TLS_ERR_LIMIT, TLS_ERR_STATE]);
        }
        assert!(!window.is_null() && length > 0);
        let taken = script.length(self.waiting.len()).max(self.left).min(self.waiting.len()).min(length);
        unsafe { std::ptr::copy_nonoverlapping(self.waiting.as_ptr(), window.cast(), taken) };
        assert_eq!(tls_feed_commit(self.conn, length + 1), TLS_ERR_ARGUMENT);
        assert_eq!(tls_feed_commit(self.conn, taken), TLS_OK);
        self.gave(taken, taken);
    }

    pub fn in_place(&mut self, script: &mut Script<'_>) {
        let length = script.length(self.waiting.len()).max(self.left);
        let too_few = self.left > 0 && self.left_is_exact && script.below(8) == 0;
        let length = if too_few { self.left - 1 } else { length };
        let mut wire = Guarded::holding(&self.waiting[..length]);
        let most = 1 + script.below(5);
        let mut spans = vec![tls_span_t { offset: 0, len: 0 }; most];
        let mut consumed = usize::MAX;
        let found = unsafe {
            tls_read_in_place(self.conn, wire.pointer(), length, spans.as_mut_ptr(), most, &mut consumed)
        };
        wire.check_margins();
        assert!(consumed <= length);
        match usize::try_from(found) {
            Ok(count) => {
                assert!((1..=most).contains(&count) && !too_few);
                let content = wire.content().to_vec();
                let mut end = 0;
                for span in &spans[..count] {
                    assert!(span.len > 0 && span.offset >= end && span.offset + span.len <= consumed);
                    end = span.offset + span.len;
                    self.took(&content[span.offset..end]);
                }
            }
            Err(_) if too_few => {
                assert_eq!(consumed, 0);
                self.expect_standing(found as Status, &[TLS_ERR_ARGUMENT]);
            }
            Err(_) => self.expect_standing(found as Status, &[TLS_ERR_STATE]),
        }
        if !too_few {
            self.waiting[..length].copy_from_slice(wire.content());
            self.waiting.drain(..consumed);
            self.left = length - consumed;
            // Otherwise the bytes may not have got as far as the engine.
            self.left_is_exact = found == TLS_WANT_FEED as isize;
        }
    }

    pub fn read(&mut self, script: &mut Script<'_>) {
        let length = script.length(MOST);
        self.read_into(length);
    }

    /// True if there was something to read.
    pub fn read_into(&mut self, length: usize) -> bool {
        let mut plain = Guarded::new(length);
        let read = unsafe { tls_read_into(self.conn, plain.pointer(), length) };
        let Ok(count) = usize::try_from(read) else {
            plain.read(0);
            self.expect_standing(read as Status, &[]);
            return false;
        };
        assert_eq!(count == 0, length == 0);
        self.took(plain.read(count));
        count > 0
    }

    pub fn read_vectored(&mut self, script: &mut Script<'_>) {
        let mut memory: Vec<_> = (0..1 + script.below(4)).map(|_| Guarded::new(script.length(600))).collect();
        let pieces: Vec<_> =
            memory.iter_mut().map(|piece| tls_iovec_t { base: piece.pointer(), len: piece.len() }).collect();
        let read = unsafe { tls_read_vectored(self.conn, pieces.as_ptr(), pieces.len()) };
        let mut count = usize::try_from(read).unwrap_or(0);
        for piece in &mut memory {
            let here = count.min(piece.len());
            self.took(piece.read(here));
            count -= here;
        }
        assert_eq!(count, 0);
        if read < 0 {
            self.expect_standing(read as Status, &[]);
        }
    }

    pub fn read_early(&mut self, script: &mut Script<'_>) {
        let length = script.length(2000);
        let mut plain = Guarded::new(length);
        let read = unsafe { tls_early_read_into(self.conn, plain.pointer(), length) };
        match usize::try_from(read) {
            Ok(count) => self.took_early(plain.written(count)),
            Err(_) => self.expect_standing(read as Status, &[TLS_ERR_STATE]),
        }
    }

    pub fn read_all_early(&mut self) {
        loop {
            let mut plain = Guarded::new(100);
            let read = unsafe { tls_early_read_into(self.conn, plain.pointer(), plain.len()) };
            let Ok(count @ 1..) = usize::try_from(read) else { return };
            self.took_early(plain.written(count));
        }
    }

    pub fn write(&mut self, script: &mut Script<'_>) {
        let length = script.length(MOST);
        self.write_from(length);
    }

    pub fn write_from(&mut self, length: usize) -> Status {
        let plain = self.next(length);
        let written = unsafe { tls_write_from(self.out(), plain.as_ptr().cast(), length) };
        self.wrote(written, length)
    }

    fn wrote(&mut self, written: isize, offered: usize) -> Status {
        let Ok(count) = usize::try_from(written) else {
            let status = written as Status;
            assert!(status != TLS_ERR_STATE || self.we_closed);
            self.expect_standing(status, &[TLS_ERR_STATE]);
            return status;
        };
        assert!(count <= offered && (count == 0) == (offered == 0));
        self.written += count;
        TLS_OK
    }

    pub fn write_vectored(&mut self, script: &mut Script<'_>) {
        let lengths: Vec<_> = (0..1 + script.below(5)).map(|_| script.length(900)).collect();
        let offered = lengths.iter().sum();
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
        let written = unsafe { tls_write_vectored(self.out(), pieces.as_ptr(), pieces.len()) };
        self.wrote(written, offered);
    }

    /// Seals straight into the peer's waiting bytes.
    pub fn write_into(&mut self, peer: &mut Side, script: &mut Script<'_>) {
        let plain = self.next(script.length(MOST));
        let capacity = script.length(2 * MOST);
        let mut wire = Guarded::new(capacity);
        let mut consumed = usize::MAX;
        let sealed = unsafe {
            let (from, length) = (plain.as_ptr().cast(), plain.len());
            tls_write_into(self.out(), from, length, wire.pointer(), capacity, &mut consumed)
        };
        let Ok(count) = usize::try_from(sealed) else {
            wire.written(0);
            assert_eq!(consumed, 0);
            return self.expect_standing(sealed as Status, &[TLS_ERR_STATE, TLS_ERR_ARGUMENT]);
        };
        assert!(consumed <= plain.len());
        self.written += consumed;
        peer.waiting.extend_from_slice(wire.written(count));
    }

    pub fn write_early(&mut self, script: &mut Script<'_>) {
        let length = script.length(1000);
        let plain: Vec<_> = (0..length).map(|index| stream(EARLY, self.early_written + index)).collect();
        let written = unsafe { tls_early_write_from(self.out(), plain.as_ptr().cast(), length) };
        match usize::try_from(written) {
            Ok(count) => {
                assert!(count <= length);
                self.early_written += count;
            }
            Err(_) => {
                let status = written as Status;
                self.expect(status, &[TLS_WANT_DRAIN, TLS_ERR_LIMIT, TLS_ERR_STATE, TLS_ERR_ARGUMENT]);
            }
        }
    }

    pub fn drain(&mut self, peer: &mut Side, length: usize) {
        let mut wire = Guarded::new(length);
        let drained = unsafe { tls_drain_into(self.out(), wire.pointer(), length) };
        let count = usize::try_from(drained).expect("draining never fails");
        peer.waiting.extend_from_slice(wire.written(count));
    }

    pub fn drain_all(&mut self, peer: &mut Side) -> bool {
        // What a receiving half left for the peer is taken over by a call that looks.
        tls_state(self.out());
        let pending = usize::try_from(tls_drain_pending(self.out())).expect("an owned handle");
        self.drain(peer, pending);
        pending > 0
    }

    pub fn peek(&mut self, peer: &mut Side, script: &mut Script<'_>) {
        let (mut wire, mut length) = (null(), 0);
        assert_eq!(unsafe { tls_drain_peek(self.out(), &mut wire, &mut length) }, TLS_OK);
        assert_eq!(tls_drain_consume(self.out(), length + 1), TLS_ERR_ARGUMENT);
        let taken = script.length(length);
        if taken > 0 {
            let queued = unsafe { std::slice::from_raw_parts(wire.cast::<u8>(), length) };
            peer.waiting.extend_from_slice(&queued[..taken]);
        }
        assert_eq!(tls_drain_consume(self.out(), taken), TLS_OK);
        assert_eq!(tls_drain_pending(self.out()), (length - taken) as isize);
    }

    /// One bit of the state word against the call that it is about.
    pub fn keep_promise(&mut self, peer: &mut Side, script: &mut Script<'_>) {
        let state = tls_state(self.conn);
        let out = tls_state(self.out());
        match script.below(8) {
            0 => assert_eq!(self.read_into(1), state & TLS_CAN_READ != 0),
            1 => {
                let status = self.write_from(1);
                assert_eq!(status == TLS_OK, out & TLS_CAN_WRITE != 0, "{status}");
            }
            2 => {
                assert_eq!(tls_drain_pending(self.out()) > 0, out & TLS_CAN_DRAIN != 0);
                self.drain(peer, 1);
            }
            3 if !self.waiting.is_empty() && self.left == 0 => {
                let before = self.waiting.len();
                self.feed(1);
                // After the peer's close_notify bytes are taken, though they are not asked for.
                if state & TLS_PEER_CLOSED == 0 {
                    assert_eq!(self.waiting.len() < before, state & TLS_CAN_FEED != 0);
                }
            }
            4 => {
                let status = tls_advance(self.conn);
                self.expect_standing(status, &[TLS_OK]);
                let asks = [TLS_ASK_CONTEXT, TLS_ASK_VERIFY, TLS_ASK_SIGN, TLS_ASK_IDENTITY, TLS_ASK_SESSION]
                    .contains(&status);
                assert_eq!(asks, state & TLS_ASKING != 0);
                assert_eq!(status <= TLS_ERR_PEER, state & TLS_FAILED != 0);
                if self.sending.is_none() && !asks && status > TLS_CLOSED {
                    let handshaking = status == TLS_WANT_FEED || status == TLS_WANT_DRAIN;
                    assert_eq!(handshaking, state & TLS_HANDSHAKING != 0, "{status}, {state:#x}");
                }
            }
            5 => {
                assert_eq!(self.error(self.conn).status <= TLS_ERR_PEER, state & TLS_FAILED != 0);
                assert_eq!(self.error(self.out()).status <= TLS_ERR_PEER, out & TLS_FAILED != 0);
            }
            6 => {
                assert_eq!(state & TLS_EOF != 0, self.eof);
                assert_eq!(out & TLS_WE_CLOSED != 0, self.we_closed);
                assert!(state & TLS_PEER_CLOSED == 0 || peer.we_closed || self.spoilt);
            }
            _ => {
                let mut event = tls_event_t {
                    size: size_of::<tls_event_t>(),
                    kind: 0,
                    number: 0,
                    lost: 0,
                    text: [0; 232],
                };
                let taken = unsafe { tls_next_event(self.conn, &mut event) };
                assert_eq!(taken, i32::from(state & TLS_HAS_EVENT != 0));
                assert_eq!(event.kind != 0, taken == 1);
            }
        }
    }
}
