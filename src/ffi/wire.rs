//! Header section "Wire bytes".

use std::ffi::c_void;

use super::boundary::{checked, counted, inbound, outbound, with_connection};
use super::memory::{HostBuffer, bytes, copy_out, store};
use super::types::{tls_conn_t, tls_status_t};
use crate::connection::{Connection, PlainTarget};
use crate::status::TLS_ERR_ARGUMENT;

/// ---- 5. Wire bytes: feed and drain ----------------------------------------------------------
///
/// tls_feed() stores up to `len` bytes that came from the peer, as many as the inbound limit allows, and
/// answers how many: 0 means that plain bytes must be read first. Those that it did not take stay the host's, which feeds
/// them again. It looks at none of them: what they mean is found out by tls_advance(), tls_state(), tls_read_into() and
/// tls_write_from(). Bytes that come after the peer's close_notify are stored as well, for tls_surplus().
///
/// Ownership: the bytes are copied. Section 7 has ways without that copy.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_feed_eof(), or after a
/// fatal error). Since 0.1.
///
/// # Safety
/// `len` bytes at `wire` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_feed(conn: *mut tls_conn_t, wire: *const c_void, len: usize) -> isize {
    counted(inbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let wire = unsafe { bytes(wire, len) }?;
        connection.feed(wire)
    })
}

/// Says that the transport has ended: recv() answered 0, or failed. Without a close_notify among the bytes
/// that were fed, the connection's end is TLS_TRUNCATED, at whatever byte it happened: an attacker
/// can end a transport, but cannot forge a close_notify. Saying it twice is TLS_OK. What the peer sent
/// before can still be read; this side can still write. An open window is closed.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_feed_eof(conn: *mut tls_conn_t) -> tls_status_t {
    checked(inbound(conn), Connection::feed_eof)
}

/// Moves up to `len` queued wire bytes to `wire` and answers how many: 0 when nothing is queued (or `len` is
/// 0). The host sends them; bytes that a transport does not take at once stay the host's to keep, which
/// tls_drain_peek() spares it.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `len` bytes at `wire` must be valid for writes; they may be uninitialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_drain_into(conn: *mut tls_conn_t, wire: *mut c_void, len: usize) -> isize {
    counted(outbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let mut buffer = unsafe { HostBuffer::new(wire, len) }?;
        connection.drain(|wire| buffer.put(wire))
    })
}

/// Shows the queued wire bytes where they are: `*wire` and `*len` are set, to NULL and 0 when nothing is
/// queued. Send what the transport takes, then say how much by tls_drain_consume(). They are all that are queued,
/// but for those that were queued while others were shown: these are shown when those are consumed.
///
/// Lifetime: the bytes are valid until the next call on this connection that consumes (tls_drain_consume(),
/// tls_drain_into()), writes, closes, updates keys or frees. They stay where they are while it is fed, read,
/// advanced or answered, even if it fails: a send() can be under way meanwhile.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `wire` and `len` must be NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_drain_peek(
    conn: *mut tls_conn_t,
    wire: *mut *const c_void,
    len: *mut usize,
) -> tls_status_t {
    checked(outbound(conn), |connection| {
        if wire.is_null() || len.is_null() {
            return Err(TLS_ERR_ARGUMENT);
        }
        let pending = connection.show_wire();
        let start = if pending.is_empty() { std::ptr::null() } else { pending.as_ptr().cast() };
        // SAFETY: valid as the caller promises.
        unsafe { store(wire, start) }?;
        // SAFETY: as above.
        unsafe { store(len, pending.len()) }
    })
}

/// Removes the first `len` queued wire bytes: they were sent.
/// Errors: TLS_ERR_ARGUMENT (also if fewer are queued; none is removed then), TLS_ERR_HANDLE, TLS_ERR_BUSY.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_drain_consume(conn: *mut tls_conn_t, len: usize) -> tls_status_t {
    checked(outbound(conn), |connection| connection.drained(len))
}

/// How many wire bytes are queued.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_drain_pending(conn: *mut tls_conn_t) -> isize {
    counted(outbound(conn), |connection| Ok(connection.pending_wire()))
}

/// Copies out wire bytes that came behind the peer's close_notify: they are not TLS any more, and not
/// swallowed. A host that goes on in plain text on the same transport needs them. Answers their full
/// number, and copies as many as fit into `capacity`; a NULL `wire` only asks. They stay where they are. In
/// the in-place way (section 7) such bytes simply stay in the host's buffer, unconsumed.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `wire` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_surplus(conn: *mut tls_conn_t, wire: *mut c_void, capacity: usize) -> isize {
    with_connection(inbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(connection.surplus(), wire, capacity) }
    })
}
