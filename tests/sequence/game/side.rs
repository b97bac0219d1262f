//! One side of a game: its connection, and what its host knows of it.

use std::ptr::null_mut;

use tlsbio::ffi::*;
use tlsbio::status::*;

pub use crate::support::random::stream;

/// The stream of early data.
pub const EARLY: usize = 2;

pub struct Side {
    /// 0 for the client, 1 for the server.
    pub number: usize,
    /// The whole connection, or its receiving half.
    pub conn: *mut tls_conn_t,
    pub sending: Option<*mut tls_conn_t>,
    /// Wire bytes from the peer that were not given to the library.
    pub waiting: Vec<u8>,
    /// How many of them in-place reading has left, which must be given again.
    pub left: usize,
    /// Whether the library counts exactly as many.
    pub left_is_exact: bool,
    pub written: usize,
    pub read: usize,
    pub early_written: usize,
    pub early_read: usize,
    /// The question that a call has told of.
    pub asked: Option<Status>,
    pub key_updates: usize,
    pub clock: u64,
    pub we_closed: bool,
    pub eof: bool,
    pub freed: bool,
    /// Bytes were damaged, the transport was cut, or an answer refused: an end is expected.
    pub spoilt: bool,
    pub signed_wrongly: bool,
}

impl Side {
    pub fn new(number: usize, conn: *mut tls_conn_t) -> Self {
        assert!(!conn.is_null());
        Self {
            number,
            conn,
            sending: None,
            waiting: Vec::new(),
            left: 0,
            left_is_exact: false,
            written: 0,
            read: 0,
            early_written: 0,
            early_read: 0,
            asked: None,
            key_updates: 0,
            clock: 0,
            we_closed: false,
            eof: false,
            freed: false,
            spoilt: false,
            signed_wrongly: false,
        }
    }

    /// The handle of what sends.
    pub fn out(&self) -> *mut tls_conn_t {
        self.sending.unwrap_or(self.conn)
    }

    /// `status` is one that a call is documented to answer: one of `allowed`, or a fatal one that has a cause.
    pub fn expect(&mut self, status: Status, allowed: &[Status]) {
        if !allowed.contains(&status) {
            assert!(status <= TLS_ERR_PEER, "{status} is not documented there, {allowed:?} are");
            assert!(self.spoilt, "{status} without a cause: {}", self.message());
            assert!(status != TLS_ERR_INTERNAL || self.signed_wrongly, "{}", self.message());
        }
        match status {
            TLS_ASK_CONTEXT | TLS_ASK_VERIFY | TLS_ASK_SIGN | TLS_ASK_IDENTITY | TLS_ASK_SESSION => {
                self.asked = Some(status);
            }
            TLS_TRUNCATED => assert!(self.eof, "truncated without an end"),
            _ => {}
        }
    }

    /// What every call answers that drives the connection, with `more` of its own.
    pub fn expect_standing(&mut self, status: Status, more: &[Status]) {
        let standing = [
            TLS_WANT_FEED,
            TLS_WANT_DRAIN,
            TLS_ASK_CONTEXT,
            TLS_ASK_VERIFY,
            TLS_ASK_SIGN,
            TLS_ASK_IDENTITY,
            TLS_ASK_SESSION,
            TLS_CLOSED,
            TLS_TRUNCATED,
        ];
        self.expect(status, &[&standing, more].concat());
    }

    pub fn took(&mut self, plain: &[u8]) {
        for &byte in plain {
            assert_eq!(byte, stream(1 - self.number, self.read), "byte {} of the peer's", self.read);
            self.read += 1;
        }
    }

    pub fn took_early(&mut self, plain: &[u8]) {
        for &byte in plain {
            assert_eq!(byte, stream(EARLY, self.early_read), "byte {} of early data", self.early_read);
            self.early_read += 1;
        }
    }

    /// The next `length` bytes to write.
    pub fn next(&self, length: usize) -> Vec<u8> {
        (0..length).map(|index| stream(self.number, self.written + index)).collect()
    }

    pub fn error(&self, conn: *mut tls_conn_t) -> tls_error_t {
        let mut error = tls_error_t {
            size: size_of::<tls_error_t>(),
            status: 0,
            reason: 0,
            alert_sent: 0,
            alert_received: 0,
            message: [0; 256],
        };
        assert_eq!(unsafe { tls_conn_error(conn, &mut error) }, TLS_OK);
        error
    }

    fn message(&self) -> String {
        let error = self.error(self.conn);
        let bytes = error.message.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
        format!(
            "side {}: {}, {}: {}",
            self.number,
            error.status,
            error.reason,
            String::from_utf8(bytes).unwrap()
        )
    }

    pub fn free(&mut self) {
        if !self.freed {
            tls_free(self.conn);
            tls_free(self.sending.unwrap_or(null_mut()));
            self.freed = true;
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.free();
    }
}
