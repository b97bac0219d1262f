//! Header section "Control": the records that leave.

use super::boundary::{checked, counted, outbound, with_builder};
use super::types::{tls_builder_t, tls_conn_t, tls_status_t};
use crate::connection::Connection;

/// Corks a connection: from now on, what tls_write_from() and tls_write_vectored() take is kept until it fills
/// a record, so that many small writes become one record. A full record leaves at once, for the
/// outbound queue. Saying it twice is TLS_OK; it can be said before the handshake is done.
///
/// What was taken is never lost, and counts against the outbound limit as the records that it will be, so
/// tls_uncork() always has room. It is kept in a buffer of the pool, which is wiped when it returns.
/// The calls that make records of their own seal what is kept first, so that all leaves in order:
/// tls_close_notify(), tls_key_update(), tls_write_into() (which is not corked; it answers TLS_WANT_DRAIN if
/// there was something), tls_conn_record_size() and tls_conn_record_restart(). Only a fatal
/// error and tls_free() lose it. Early data is not corked.
///
/// A connection that was once corked, or given a record size, costs some 100 bytes more until it is freed; a
/// record allocates nothing in any of these ways.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_close_notify()), and the
/// fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_cork(conn: *mut tls_conn_t) -> tls_status_t {
    checked(outbound(conn), Connection::cork)
}

/// Ends tls_cork(): what is kept becomes one record in the outbound queue, and writes become records at once
/// again. TLS_OK if the connection is not corked. To send what is kept and go on, cork again.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_uncork(conn: *mut tls_conn_t) -> tls_status_t {
    checked(outbound(conn), Connection::uncork)
}

/// Sets the most plain bytes that a record carries which connections send: from TLS_MIN_RECORD_SIZE (64)
/// to TLS_MAX_PLAIN_PER_RECORD (16384); 0, the default, is the same as the latter. Contexts that pad put a byte
/// less into a full record. A record can be used by the peer when its last byte
/// has come: smaller ones come to use earlier, and cost 21 to 29 wire bytes each. AES-GCM keys seal 2^24
/// records; TLS 1.3 then goes on under new ones, TLS 1.2 ends (TLS_REASON_KEYS_EXHAUSTED).
///
/// It is about all records: a handshake message that is longer goes into several, the ClientHello too.
/// tls_conn_record_size() is about application data alone. Peers do not learn of it, and can not ask for it: neither
/// record_size_limit (RFC 8449) nor max_fragment_length (RFC 6066) exists here.
/// Errors: TLS_ERR_ARGUMENT (another size). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_record_size(builder: *mut tls_builder_t, most: usize) -> tls_status_t {
    with_builder(builder, |builder| builder.record_size(most))
}

/// Sets dynamic record sizing: the first `bytes` plain bytes of a connection go into records of at most
/// `small` (a size as of tls_builder_record_size()), what follows into larger ones. So the first bytes
/// are not kept waiting for the end of a large record while TCP's window is small, and bulk has full records.
/// `bytes` are at most 2^30; 0, the default, is no small records.
///
/// A useful `small` fills a TCP segment: 1369 makes at most 1398 wire bytes in any version and suite, without
/// padding, and most paths take segments of 1400 or more. `bytes` of 16 to 64 KiB are what a fresh TCP
/// connection sends in its first round trips. The library has no clock: after a time in which nothing was
/// written, when TCP begins with a small window again (RFC 5681, 4.1; one second is a usual choice), the host
/// says tls_conn_record_restart().
/// Errors: TLS_ERR_ARGUMENT (another size, or more bytes). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_record_ramp(
    builder: *mut tls_builder_t,
    small: usize,
    bytes: usize,
) -> tls_status_t {
    with_builder(builder, |builder| builder.record_ramp(small, bytes))
}

/// Pads the application data of TLS 1.3 (RFC 8446, 5.4), so that the length of a record tells less of what is
/// in it: plain bytes, content type and zeros together are a multiple of `block` bytes, a power of two from 2 to
/// TLS_MAX_PADDING (16384). 0, the default, does not pad. With 16384 all records have the same length.
/// Any peer of TLS 1.3 takes padded records; the plain bytes are the same.
///
/// What it does not hide: how many records there are and when they leave (tls_cork() helps), and the
/// lengths of handshake messages, alerts, key updates, and early data, which are not padded: servers that
/// refuse early data count its wire bytes. TLS 1.2 has no padding at all: where lengths must be hidden, set
/// TLS 1.3 as the least version. The outbound limit must hold two padded records, or no context is made
/// (TLS_REASON_LIMIT_TOO_SMALL). Errors: TLS_ERR_ARGUMENT (another block). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_padding(builder: *mut tls_builder_t, block: usize) -> tls_status_t {
    with_builder(builder, |builder| builder.padding(block))
}

/// Sets the record size of one connection, in place of its context's, from the next record on; sizes as of
/// tls_builder_record_size().
/// Errors: TLS_ERR_ARGUMENT (also another size), TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_conn_record_size(conn: *mut tls_conn_t, most: usize) -> tls_status_t {
    checked(outbound(conn), |connection| connection.limit_records(most))
}

/// Begins with small records again, as on a new connection (tls_builder_record_ramp()): to be said before the
/// first write after a time without any. Without dynamic record sizing it does nothing.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_conn_record_restart(conn: *mut tls_conn_t) -> tls_status_t {
    checked(outbound(conn), Connection::restart_ramp)
}

/// What tls_wire_bound() is for a connection whose records have a size, a ramp or padding: a size in bytes that
/// always suffices for the wire form of the next `plain_len` plain bytes. It holds until the next
/// call that seals, sets a size, or ends the handshake. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE,
/// TLS_ERR_BUSY; 0 for 0. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_conn_wire_bound(conn: *mut tls_conn_t, plain_len: usize) -> isize {
    // No buffer is longer than `isize::MAX`.
    counted(outbound(conn), |connection| Ok(connection.wire_bound(plain_len).min(isize::MAX as usize)))
}
