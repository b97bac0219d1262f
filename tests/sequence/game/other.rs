//! Calls that move no bytes: answers, right and wrong ones; control; facts; misuse.

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use tlsbio::ffi::*;
use tlsbio::status::*;

use super::memory::Guarded;
use super::script::Script;
use super::setup::{CLIENT_KEY, SERVER_KEY, Setup};
use super::side::Side;
use crate::support::sign;

/// More than that, without data between them, and the peer ends the connection.
const MOST_KEY_UPDATES: usize = 8;

impl Side {
    /// Answers the question that was told of, as a host does that knows what it wants. True if there was one.
    pub fn answer(&mut self, setup: &Setup) -> bool {
        let told = self.asked.take();
        let Some(question) = self.question() else {
            assert!(told.is_none() || self.spoilt, "the question went away");
            return false;
        };
        assert!(told.is_none_or(|told| told == question), "another question took its place");
        let status = match question {
            TLS_ASK_CONTEXT => tls_answer_context(self.conn, setup.server.handle()),
            TLS_ASK_VERIFY => tls_answer_verify(self.conn, -1),
            TLS_ASK_IDENTITY => {
                tls_answer_identity(self.conn, setup.shown.as_ref().map_or(null(), |shown| shown.handle()))
            }
            TLS_ASK_SESSION => self.answer_session(setup),
            _ => self.answer_sign(),
        };
        assert_eq!(status, TLS_OK);
        setup.answered.set(setup.answered.get() | 1 << -question);
        true
    }

    /// The question that is open.
    fn question(&self) -> Option<Status> {
        (tls_state(self.conn) & TLS_ASKING != 0).then(|| tls_advance(self.conn))
    }

    fn answer_session(&mut self, setup: &Setup) -> Status {
        let mut key = Guarded::new(32);
        assert_eq!(unsafe { tls_lookup_key(self.conn, key.pointer(), 32) }, 32);
        let key = key.written(32).to_vec();
        let once = tls_lookup_once(self.conn) == 1;
        let mut store = setup.store.borrow_mut();
        let found = if once { store.remove(&key) } else { store.get(&key).cloned() }.unwrap_or_default();
        unsafe { tls_answer_session(self.conn, found.as_ptr().cast(), found.len()) }
    }

    /// Takes the sessions that the host is to store, and what else was recorded.
    pub fn store_sessions(&mut self, setup: &Setup) {
        if self.number == 0 || !setup.stores {
            return;
        }
        loop {
            let mut event =
                tls_event_t { size: size_of::<tls_event_t>(), kind: 0, number: 0, lost: 0, text: [0; 232] };
            if unsafe { tls_next_event(self.conn, &mut event) } != 1 {
                return;
            }
            if event.kind != TLS_EVENT_SESSION {
                continue;
            }
            let length = usize::try_from(unsafe { tls_stored_data(self.conn, null_mut(), 0) }).unwrap();
            let (mut key, mut data) = (Guarded::new(32), Guarded::new(length));
            assert_eq!(unsafe { tls_stored_key(self.conn, key.pointer(), 32) }, 32);
            assert_eq!(unsafe { tls_stored_data(self.conn, data.pointer(), length) }, length as isize);
            setup.store.borrow_mut().insert(key.written(32).to_vec(), data.written(length).to_vec());
        }
    }

    fn answer_sign(&mut self) -> Status {
        assert_eq!(tls_sign_scheme(self.conn), 0x0403);
        let length = unsafe { tls_sign_message(self.conn, null_mut(), 0) };
        let mut message = Guarded::new(usize::try_from(length).unwrap());
        assert_eq!(unsafe { tls_sign_message(self.conn, message.pointer(), message.len()) }, length);
        let key = if self.number == 0 { CLIENT_KEY } else { SERVER_KEY };
        let count = message.len();
        let signature = sign(key, message.written(count));
        unsafe { tls_answer_sign(self.conn, signature.as_ptr().cast(), signature.len()) }
    }

    /// Answers something that does not fit. Nothing comes of most of it; some of it ends the handshake.
    pub fn answer_wrongly(&mut self, peer: &mut Side, setup: &Setup, script: &mut Script<'_>) {
        let open = self.question();
        let if_open = |question, status| if open == Some(question) { status } else { TLS_ERR_STATE };
        match script.below(10) {
            0 => {
                let status = tls_answer_context(self.conn, setup.client.handle());
                assert!(status == TLS_ERR_ARGUMENT || status == TLS_ERR_STATE, "{status}");
                assert_eq!(status == TLS_ERR_ARGUMENT, open == Some(TLS_ASK_CONTEXT));
            }
            1 => assert_eq!(tls_answer_verify(self.conn, 999), if_open(TLS_ASK_VERIFY, TLS_ERR_ARGUMENT)),
            2 => {
                let status = tls_answer_refuse(self.conn, 0);
                assert_eq!(status, if open.is_some() { TLS_ERR_ARGUMENT } else { TLS_ERR_STATE });
            }
            3 => assert_eq!(tls_answer_context(self.conn, null()), TLS_ERR_ARGUMENT),
            4 if open != Some(TLS_ASK_VERIFY) => {
                assert_eq!(tls_answer_verify(self.conn, -1), TLS_ERR_STATE);
            }
            5 if open != Some(TLS_ASK_SIGN) => {
                assert_eq!(unsafe { tls_answer_sign(self.conn, b"x".as_ptr().cast(), 1) }, TLS_ERR_STATE);
            }
            6 if script.below(4) == 0 && open == Some(TLS_ASK_SIGN) => {
                let wrong = vec![script.byte(); script.below(100)];
                let status = unsafe { tls_answer_sign(self.conn, wrong.as_ptr().cast(), wrong.len()) };
                assert_eq!(status, TLS_OK);
                self.signed_wrongly = true;
                self.refused(peer);
            }
            7 if script.below(4) == 0 && open.is_some() => {
                let alert =
                    if [Some(TLS_ASK_CONTEXT), Some(TLS_ASK_SESSION)].contains(&open) { 112 } else { 42 };
                assert_eq!(tls_answer_refuse(self.conn, alert), TLS_OK);
                self.refused(peer);
            }
            8 if script.below(4) == 0 && open == Some(TLS_ASK_VERIFY) => {
                assert_eq!(tls_answer_verify(self.conn, 46), TLS_OK);
                self.refused(peer);
            }
            _ => {
                // Nobody asked for it now, whatever it is.
                let before = tls_state(self.conn);
                assert_eq!(tls_answer_verify(self.conn, i32::MIN), if_open(TLS_ASK_VERIFY, TLS_ERR_ARGUMENT));
                assert_eq!(tls_state(self.conn), before);
            }
        }
    }

    fn refused(&mut self, peer: &mut Side) {
        self.asked = None;
        self.spoilt = true;
        peer.spoilt = true;
        assert_eq!(tls_state(self.conn) & (TLS_FAILED | TLS_ASKING), TLS_FAILED);
        assert!(tls_advance(self.conn) <= TLS_ERR_PEER);
    }

    pub fn control(&mut self, script: &mut Script<'_>) {
        let out = self.out();
        match script.below(12) {
            0 | 1 if self.key_updates < MOST_KEY_UPDATES => {
                let status = tls_key_update(out);
                self.key_updates += usize::from(status == TLS_OK);
                self.expect(status, &[TLS_OK, TLS_WANT_DRAIN, TLS_ERR_STATE]);
            }
            2 | 3 => {
                let status = tls_cork(out);
                assert!(status != TLS_ERR_STATE || self.we_closed);
                self.expect(status, &[TLS_OK, TLS_ERR_STATE]);
            }
            4 | 5 => self.uncork(),
            6 => {
                let size = script.pick(&[0, 64, 1400, 16_384, 1, usize::MAX]);
                let status = tls_conn_record_size(out, size);
                self.expect(status, &[TLS_OK, TLS_ERR_ARGUMENT]);
            }
            7 => {
                let status = tls_conn_record_restart(out);
                self.expect(status, &[TLS_OK]);
            }
            8 => {
                let status = tls_close_notify(out);
                self.we_closed |= status == TLS_OK;
                self.expect(status, &[TLS_OK, TLS_ERR_STATE]);
            }
            9 if self.sending.is_none() => {
                let mut error = self.error(self.conn);
                let sending = unsafe { tls_split(self.conn, &mut error) };
                if sending.is_null() {
                    self.expect(error.status, &[TLS_ERR_STATE]);
                } else {
                    self.sending = Some(sending);
                }
            }
            10 if script.below(4) == 0 => {
                assert_eq!(tls_feed_eof(self.conn), TLS_OK);
                self.eof = true;
            }
            _ => {
                let now = self.clock.wrapping_add_signed(i64::from(script.byte() as i8));
                let status = tls_time(self.conn, now);
                match status {
                    TLS_OK => self.clock = now,
                    TLS_ERR_ARGUMENT => assert!(now < self.clock),
                    _ => self.expect_standing(status, &[TLS_ERR_STATE]),
                }
            }
        }
    }

    pub fn uncork(&mut self) {
        let status = tls_uncork(self.out());
        self.expect(status, &[TLS_OK]);
    }

    /// Copies a fact out: the full size whatever the room, and nothing behind what fits.
    pub fn fact(&mut self, script: &mut Script<'_>) {
        let conn = self.conn;
        let facts: [&dyn Fn(*mut c_void, usize) -> isize; 14] = [
            &|to, room| unsafe { tls_alpn(conn, to, room) },
            &|to, room| unsafe { tls_peer_certificate(conn, 0, to, room) },
            &|to, room| unsafe { tls_peer_certificate(conn, usize::MAX, to, room) },
            &|to, room| unsafe { tls_hello_suites(conn, to, room) },
            &|to, room| unsafe { tls_hello_groups(conn, to, room) },
            &|to, room| unsafe { tls_hello_schemes(conn, to, room) },
            &|to, room| unsafe { tls_hello_raw(conn, to, room) },
            &|to, room| unsafe { tls_sign_message(conn, to, room) },
            &|to, room| unsafe { tls_sign_certificate(conn, to, room) },
            &|to, room| unsafe { tls_ocsp_response(conn, to, room) },
            &|to, room| unsafe { tls_resumption_data(conn, to, room) },
            &|to, room| unsafe { tls_surplus(conn, to, room) },
            &|to, room| unsafe { tls_channel_binding(conn, TLS_BINDING_EXPORTER, to, room) },
            &|to, room| unsafe { tls_export(conn, b"l".as_ptr().cast(), 1, null(), 0, 0, to, room) },
        ];
        let number = script.below(facts.len());
        let room = script.length(1500);
        let mut memory = Guarded::new(room);
        let size = facts[number](memory.pointer(), room);
        match usize::try_from(size) {
            Ok(size) => drop(memory.written(size.min(room))),
            Err(_) => {
                memory.written(0);
                self.expect(size as Status, &[TLS_ERR_STATE, TLS_ERR_ARGUMENT]);
            }
        }
    }

    pub fn text(&mut self, script: &mut Script<'_>) {
        let room = script.length(40);
        let mut memory = Guarded::new(room);
        let (conn, to) = (self.conn, memory.pointer().cast());
        let size = match script.below(3) {
            0 => unsafe { tls_sni(conn, to, room) },
            1 => unsafe { tls_verify_name(conn, to, room) },
            _ => unsafe { tls_peer_name(conn, TLS_NAME_DNS, 0, to, room) },
        };
        let size = usize::try_from(size).expect("a text has a size");
        let written = if size == 0 { room.min(1) } else { room.min(size + 1) };
        let text = memory.written(written);
        assert!(size == 0 || text.last().is_none_or(|&byte| byte == 0));
    }

    /// Calls that no right host makes: each is told what is wrong, and harms nothing.
    pub fn misuse(&mut self, setup: &Setup, stale: *mut tls_conn_t, script: &mut Script<'_>) {
        let before = tls_state(self.conn);
        let mut size = 0usize;
        let context = setup.client.handle().cast_mut().cast::<tls_conn_t>();
        let (wrong, expected) = script.pick(&[
            (null_mut(), TLS_ERR_ARGUMENT),
            (stale, TLS_ERR_HANDLE),
            (context, TLS_ERR_HANDLE),
        ]);
        let mut byte = Guarded::new(1);
        let to = byte.pointer();
        let (conn, out) = (self.conn, self.out());
        let answer = match script.below(14) {
            0 => unsafe { tls_feed(wrong, to, 1) },
            1 => unsafe { tls_read_into(wrong, to, 1) },
            2 => unsafe { tls_write_from(wrong, to, 1) },
            3 => tls_advance(wrong) as isize,
            4 => tls_answer_verify(wrong, 0) as isize,
            5 => unsafe { tls_drain_into(wrong, to, 1) },
            6 => tls_close_notify(wrong) as isize,
            7 => unsafe { tls_sni(wrong, to.cast(), 1) },
            8 => unsafe { tls_feed(conn, null(), 1) },
            9 => unsafe { tls_read_into(conn, null_mut(), 1) },
            10 => unsafe { tls_write_from(out, null(), 1) },
            11 => unsafe { tls_drain_into(out, null_mut(), 1) },
            12 => unsafe { tls_read_in_place(conn, to, 1, null_mut(), 1, &mut size) },
            _ => {
                tls_free(null_mut());
                tls_free(wrong);
                tls_state(wrong) as isize
            }
        };
        byte.written(0);
        match (answer, self.sending) {
            (0, _) => {}
            (status, _) if status == expected as isize || status == TLS_ERR_ARGUMENT as isize => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(tls_state(self.conn), before);
        if let Some(sending) = self.sending {
            // The wrong half for it.
            let state = TLS_ERR_STATE as isize;
            assert_eq!(unsafe { tls_feed(sending, to, 1) }, state);
            assert_eq!(unsafe { tls_read_into(sending, to, 1) }, state);
            assert_eq!(unsafe { tls_write_from(self.conn, to, 1) }, state);
            assert_eq!(unsafe { tls_drain_into(self.conn, to, 1) }, state);
            byte.written(0);
        }
    }
}
