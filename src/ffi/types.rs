//! The types of the C interface.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;

use crate::failure::Failure;
use crate::foreign::printable;

/// What most calls answer: TLS_OK, or one of the negative numbers above. Classes to branch on are
/// few on purpose; what exactly happened is in tls_error_t.
pub type tls_status_t = i32;

/// A recipe: certificates, keys, trust anchors and options, from which contexts are made.
/// Used by one thread at a time.
pub struct tls_builder_t {
    _opaque: [u8; 0],
}

/// What connections share: immutable, used from any number of threads at once.
pub struct tls_context_t {
    _opaque: [u8; 0],
}

/// One TLS connection, of a client or of a server. Used by one thread at a time.
pub struct tls_conn_t {
    _opaque: [u8; 0],
}

/// A session of a client, apart from any connection (section 12). Used by one thread at a time.
pub struct tls_session_t {
    _opaque: [u8; 0],
}

/// Memory for wire bytes that the host owns while they are in flight (section 22). Used by one thread at a time.
pub struct tls_buffer_t {
    _opaque: [u8; 0],
}

/// A key for the tickets of servers (tls_context_ticket_keys). The caller sets `size` to
/// sizeof(tls_ticket_key_t), the same in all elements of an array. Since 0.1.
#[repr(C)]
pub struct tls_ticket_key_t {
    /// sizeof(tls_ticket_key_t), set by the caller.
    pub size: usize,
    /// By which a ticket tells its key. Not secret; each key has another one.
    pub name: [u8; 16],
    /// The secret, random bytes.
    pub secret: [u8; 64],
    /// How many bytes of `secret` there are: 32 to 64.
    pub secret_len: usize,
    /// The key encrypts from this time on, in Unix seconds, if no newer key does.
    pub encrypt_from: u64,
    /// The key decrypts before this time, in Unix seconds; from it on, tickets under it are not accepted.
    pub decrypt_until: u64,
}

/// What one client connection has of its own (tls_client_new_with). The caller sets all members to zero,
/// `size` to sizeof(tls_client_options_t), and what is wanted. Everything is read during the call. Since 0.1.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tls_client_options_t {
    /// sizeof(tls_client_options_t), set by the caller.
    pub size: usize,
    /// What the server's certificate must be valid for: a DNS name or an IP address, NUL-terminated.
    pub server_name: *const c_char,
    /// The DNS name to send, NUL-terminated; NULL for `server_name`.
    pub sni: *const c_char,
    /// A list of protocols as for tls_builder_alpn(); of length 0 for that of the context.
    pub alpn: *const c_void,
    /// In bytes.
    pub alpn_len: usize,
    /// A session to resume, as with tls_client_new_resuming(); NULL for none.
    pub session: *mut tls_session_t,
    /// An ECHConfigList as for tls_builder_ech(); of length 0 for what the context does.
    pub ech: *const c_void,
    /// In bytes.
    pub ech_len: usize,
    /// Bits TLS_CLIENT_*.
    pub flags: u32,
    /// Key exchange groups as for tls_builder_groups(); NULL, with a `groups_count` of 0, for those of the context.
    pub groups: *const u16,
    /// How many.
    pub groups_count: usize,
}

/// What one server connection has of its own (tls_answer_context_with). The caller sets all members to
/// zero, `size` to sizeof(tls_server_options_t), and what is wanted. Since 0.1.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tls_server_options_t {
    /// sizeof(tls_server_options_t), set by the caller.
    pub size: usize,
    /// A list of protocols as for tls_builder_alpn(); of length 0 for that of the context.
    pub alpn: *const c_void,
    /// In bytes.
    pub alpn_len: usize,
    /// Bits TLS_SERVER_*.
    pub flags: u32,
}

/// Everything that is known about an error. The caller sets `size` to sizeof(tls_error_t) before the
/// call, as TLS_ERROR_INIT does, so that programs built against an older or newer header agree with the library on how much
/// of the struct exists; no byte behind `size` is written.
///
/// A message says what is wrong and where: the line of a PEM text, the offset in a list, the index of a key. It shows
/// no bytes of the texts, keys, names and lists that the host gave, as they may hold secrets, or stand
/// in the place of others by mistake, but for one: TLS_REASON_CERTIFICATE_WRONG_NAME tells the name that was asked of the server.
/// Since 0.1.
#[repr(C)]
pub struct tls_error_t {
    /// sizeof(tls_error_t), set by the caller.
    pub size: usize,
    /// The class: what to branch on.
    pub status: tls_status_t,
    /// A TLS_REASON_* number for logs, 0 if none fits.
    pub reason: i32,
    /// The alert that was queued for the peer (RFC 8446, 6), -1 if none.
    pub alert_sent: i16,
    /// The alert that the peer sent, -1 if none.
    pub alert_received: i16,
    /// A sentence for people, NUL-terminated, cut to fit into what exists of this member.
    pub message: [c_char; 256],
}

/// Where in a buffer of the host some plain bytes are (tls_read_in_place). Since 0.1.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct tls_span_t {
    /// Of the first byte, from the start of the buffer.
    pub offset: usize,
    /// In bytes, at least 1.
    pub len: usize,
}

/// A piece of the host's memory (tls_write_vectored, tls_read_vectored). Laid out like POSIX's struct
/// iovec. Since 0.1.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tls_iovec_t {
    /// Where it begins; NULL if `len` is 0. Not written to by tls_write_vectored.
    pub base: *mut c_void,
    /// In bytes.
    pub len: usize,
}

/// How much went through a connection (tls_counters), in bytes and in records of plain bytes. Since 0.1.
#[repr(C)]
pub struct tls_counters_t {
    /// sizeof(tls_counters_t), set by the caller.
    pub size: usize,
    /// Wire bytes from the peer: fed, committed, or consumed in place.
    pub wire_in: u64,
    /// Wire bytes for the peer: drained, or written straight into memory of the host.
    pub wire_out: u64,
    /// Plain bytes that the host was given.
    pub plain_in: u64,
    /// Plain bytes that the host wrote.
    pub plain_out: u64,
    /// Records of the peer's plain bytes that were decrypted; those without a byte do not count.
    pub records_in: u64,
    /// Records into which the host's plain bytes were encrypted.
    pub records_out: u64,
    /// Tickets that a client was given after its handshake (TLS 1.3).
    pub tickets_in: u64,
}

/// What the host has of a context's buffers, and what waits in its pool (tls_context_buffers). Since 0.1.
#[repr(C)]
pub struct tls_buffers_t {
    /// sizeof(tls_buffers_t), set by the caller.
    pub size: usize,
    /// Buffers of the host: taken or made, and not freed or fed yet.
    pub in_flight: u64,
    /// What they take, in bytes.
    pub in_flight_bytes: u64,
    /// Unused buffers in the pool of the context, in bytes; not those that stay with threads.
    pub unused_bytes: u64,
}

/// How long a handshake took by the host's clock (tls_handshake_timings), in nanoseconds. Since 0.1.
#[repr(C)]
pub struct tls_timings_t {
    /// sizeof(tls_timings_t), set by the caller.
    pub size: usize,
    /// From the first tls_time() until the first message of the peer was processed: its ClientHello on a
    /// server, its answer to ours on a client. 0 until then.
    pub heard_ns: u64,
    /// From the first tls_time() until the handshake was done. 0 until then.
    pub done_ns: u64,
    /// Of that, for how long a question was open (section 9).
    pub asking_ns: u64,
}

/// Something that happened (tls_next_event). Since 0.1.
#[repr(C)]
pub struct tls_event_t {
    /// sizeof(tls_event_t), set by the caller.
    pub size: usize,
    /// A TLS_EVENT_* number; 0 if no event waits.
    pub kind: u32,
    /// What the kind says: an alert (RFC 8446, 6), a version, a count.
    pub number: u32,
    /// How many events were lost just before this one, because too many waited.
    pub lost: u64,
    /// For TLS_EVENT_KEY_LOG the line, NUL-terminated, without a line end; otherwise empty.
    pub text: [c_char; 232],
}

/// What protects the records of one direction (tls_secrets_take, tls_secrets_next). Since 0.1.
#[repr(C)]
pub struct tls_traffic_secret_t {
    /// sizeof(tls_traffic_secret_t), set by the caller.
    pub size: usize,
    /// The sequence number of the next record.
    pub sequence: u64,
    /// How many records may be sealed under this key, counted from its first one; UINT64_MAX if that is no limit.
    pub most_records: u64,
    /// TLS_VERSION_1_2 or TLS_VERSION_1_3.
    pub version: u16,
    /// The cipher suite (IANA), which says the cipher: AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305.
    pub suite: u16,
    /// 16 or 32 bytes of `key` are used.
    pub key_len: u16,
    /// 12 bytes of `iv` are used.
    pub iv_len: u16,
    /// The secret key.
    pub key: [u8; 32],
    /// With AES-GCM in TLS 1.2: 4 bytes of salt, and 8 bytes for the explicit nonce of the next record that is
    /// sent, which counts up from there. Otherwise the IV that each record's sequence number is combined with.
    pub iv: [u8; 16],
}

impl tls_error_t {
    /// `failure` in C, or "no error", for a caller whose struct has `size` bytes.
    pub(super) fn of(failure: Option<&Failure>, size: usize) -> Self {
        let mut error = Self {
            size: size_of::<Self>(),
            status: 0,
            reason: 0,
            alert_sent: -1,
            alert_received: -1,
            message: [0; 256],
        };
        let Some(failure) = failure else { return error };
        error.status = failure.status;
        error.reason = failure.reason;
        error.alert_sent = failure.alert_sent.map_or(-1, i16::from);
        error.alert_received = failure.alert_received.map_or(-1, i16::from);
        let room = size.saturating_sub(offset_of!(Self, message)).min(error.message.len());
        let most = room.saturating_sub(1);
        let message = printable(&failure.message);
        for (place, &byte) in error.message.iter_mut().zip(message.floor_boundary(most).as_bytes()) {
            *place = byte as c_char;
        }
        error
    }
}

/// Cuts a text without splitting a character.
trait FloorBoundary {
    fn floor_boundary(&self, most: usize) -> &str;
}

impl FloorBoundary for str {
    fn floor_boundary(&self, most: usize) -> &str {
        let mut end = most.min(self.len());
        while !self.is_char_boundary(end) {
            end -= 1;
        }
        &self[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::TLS_ERR_PEER;

    #[test]
    fn long_messages_are_cut_between_characters_and_terminated() {
        let failure = Failure::new(TLS_ERR_PEER, 1, "é".repeat(200));
        let error = tls_error_t::of(Some(&failure), size_of::<tls_error_t>());
        assert_eq!(error.message[254], 0);
        assert_eq!(error.message[253] as u8, "é".as_bytes()[1]);

        let older = tls_error_t::of(Some(&failure), offset_of!(tls_error_t, message) + 4);
        assert_eq!(older.message[..3].iter().map(|&c| c as u8).collect::<Vec<_>>(), [0xc3, 0xa9, 0]);
    }
}
