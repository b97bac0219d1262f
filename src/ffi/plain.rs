//! Header section "Plain bytes".

use std::ffi::c_void;

use super::boundary::{checked, counted, inbound, outbound};
use super::memory::{HostBuffer, bytes};
use super::types::{tls_conn_t, tls_status_t};
use crate::connection::Connection;

/// ---- 6. Plain bytes: read and write ---------------------------------------------------------
///
/// tls_read_into() decrypts into `plain`, which the host owns: it fills the buffer from as many records as
/// were fed, and answers the number of bytes (> 0). The rest of a record that does not fit stays readable. It
/// answers 0 only for `len` 0. Without a byte to give it answers what tls_advance() would, and TLS_WANT_FEED
/// if more must be fed; so before the handshake is done it drives it.
///
/// What the peer wrote comes whole and in order, whatever was called before, in whatever way it was read
/// so far, and however its wire bytes were cut: also what came in one piece with the end of the handshake.
///
/// A record is decrypted straight into `plain` where all of it fits, in TLS 1.3 with one byte more: 16385 bytes take
/// any record that is not padded. Of such a record no plain byte is in memory of the library, ever. Others are
/// decrypted where their wire bytes lie, copied, and wiped when nothing more waits there: records that may be none of
/// data, which are those of fewer than 7 plain bytes (6 in TLS 1.3), and the first that a TLS 1.3 client reads after
/// the handshake, a move, a ticket or a KeyUpdate; one that tls_advance() or tls_state() came to before; what is read
/// by the same call behind any record that is not decrypted straight; what came in one piece with the end of the
/// handshake; all, in builds for validated cryptography (docs/fips.md).
///
/// The buffer may be uninitialised, unaligned and of any length; nothing behind it is touched. In it, bytes behind
/// those that were given are not touched either: only where the peer pads its records, sends a ticket
/// among its data, or a record that is bad, they are unspecified, and no plain bytes of a bad one.
/// A record costs no heap allocation.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Plain bytes before a bad record
/// are given first, the error by the next call. Since 0.1.
///
/// # Safety
/// `len` bytes at `plain` must be valid for writes; they may be uninitialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_read_into(conn: *mut tls_conn_t, plain: *mut c_void, len: usize) -> isize {
    counted(inbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let mut buffer = unsafe { HostBuffer::new(plain, len) }?;
        connection.read_into(&mut buffer)
    })
}

/// Encrypts up to `len` bytes at `plain` into records in the outbound queue, as many as the outbound limit
/// allows, and answers how many (> 0; 0 only for `len` 0). Corked (section 15), it keeps them until they fill a
/// record. What was not taken can be offered again, from any
/// address. TLS_WANT_DRAIN if there is no room: drain first. Before the handshake is done it drives it, and
/// answers what tls_advance() would.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_close_notify()), and the
/// fatal ones. Since 0.1.
///
/// # Safety
/// `len` bytes at `plain` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_write_from(conn: *mut tls_conn_t, plain: *const c_void, len: usize) -> isize {
    counted(outbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let plain = unsafe { bytes(plain, len) }?;
        connection.write_from(plain)
    })
}

/// How many plain bytes are decrypted and not read: at most one record's. More may follow once they are read.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_plain_pending(conn: *mut tls_conn_t) -> isize {
    counted(inbound(conn), |connection| Ok(connection.pending_plain()))
}

/// Queues a close_notify (RFC 8446, 6.1): nothing can be written any more, but what the peer still sends can
/// be read (half close). Saying it twice is TLS_OK. Drain afterwards.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done: free the
/// connection instead), and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_close_notify(conn: *mut tls_conn_t) -> tls_status_t {
    checked(outbound(conn), Connection::close_notify)
}
