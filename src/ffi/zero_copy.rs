//! Header section "Ways with fewer copies".

use std::ffi::c_void;

use super::boundary::{checked, counted, inbound, outbound};
use super::memory::{HostSpans, bytes, bytes_mut, store, unfilled};
use super::types::{tls_conn_t, tls_span_t, tls_status_t};
use crate::record::sizing;
use crate::status::TLS_ERR_ARGUMENT;
use crate::uninitialised::Unfilled;

/// ---- 7. Ways with fewer copies --------------------------------------------------------------
///
/// In, from simple to fastest: tls_feed() and tls_read_into() copy once; a window and tls_read_into() copy nothing, where
/// whole records fit into what is read into, or once more; tls_read_in_place() copies nothing. Out: tls_drain_into() copies
/// once, tls_drain_peek() and tls_write_into() copy nothing. All run over the same engine and can be mixed between records,
/// in and out independently.
///
/// tls_feed_window() opens a window: memory of the library behind the bytes that were fed, for the host to
/// receive into. `*wire` and `*len` are set; `*len` is at least `want`, unless the inbound limit leaves less,
/// and often more. With `want` 0 the library chooses (room for any record).
///
/// Lifetime: the window is valid until the next call on this connection that feeds (tls_feed(), tls_feed_window(),
/// tls_feed_commit(), tls_feed_eof()) or frees, whatever else happens meanwhile: a recv() that is under way stays
/// in memory of this connection even if it fails, runs out of time or gives its secrets away. It holds a
/// buffer of the pool (some 20 KB) until then, on an idle connection too, where TLS_WINDOW_OPEN shows it: open
/// it when there is something to receive, and close it by tls_feed_commit(conn, 0) where nothing came. Errors:
/// TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (as for tls_feed()), TLS_ERR_LIMIT (the inbound limit
/// is reached: read first). Since 0.1.
///
/// # Safety
/// `wire` and `len` must be NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_feed_window(
    conn: *mut tls_conn_t,
    want: usize,
    wire: *mut *mut c_void,
    len: *mut usize,
) -> tls_status_t {
    checked(inbound(conn), |connection| {
        if wire.is_null() || len.is_null() {
            return Err(TLS_ERR_ARGUMENT);
        }
        let window = connection.feed_window(want)?;
        // SAFETY: valid as the caller promises.
        unsafe { store(wire, window.as_mut_ptr().cast()) }?;
        // SAFETY: as above.
        unsafe { store(len, window.len()) }
    })
}

/// Says that the first `len` bytes of the window now hold bytes from the peer, as if they had been fed, and
/// closes the window. With `len` 0 it only closes it, if it is open.
/// Errors: TLS_ERR_ARGUMENT (also if the window is smaller; it stays open), TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_STATE (`len` is not 0, and no window is open, or the connection takes no bytes any more, as for
/// tls_feed(): then nothing is taken, and the window is closed). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_feed_commit(conn: *mut tls_conn_t, len: usize) -> tls_status_t {
    checked(inbound(conn), |connection| connection.feed_commit(len))
}

/// Decrypts the whole records at the front of the host's own buffer where they lie. Answers how many spans of
/// plain bytes it wrote to `spans` (> 0, at most `max_spans`, at most one a record): each tells where in `wire`
/// plain bytes now are. `*consumed` says how many bytes at the front are done with. The host uses the plain
/// bytes, moves the bytes behind `*consumed` to the front, receives more behind them, and calls again; with
/// all spans used up, at once.
///
/// Without a plain byte to show it answers what tls_advance() would, and TLS_WANT_FEED if the buffer holds no
/// whole record; handshake and control messages are processed on the way, so look at `*consumed` in any case.
/// `*consumed` is 0 after an error, whatever it is.
///
/// Ownership: the buffer stays the host's, nothing of it is referenced after the call. Bytes behind
/// `*consumed` must come again, unaltered, at the front of the next call's buffer: a message that spans
/// records is put together there. Errors: TLS_ERR_ARGUMENT (NULL, no room for a span, or fewer bytes than
/// were left), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (bytes given by tls_feed() or a window are
/// waiting), and the fatal ones. Since 0.1.
///
/// # Safety
/// `len` bytes at `wire` must be valid, `max_spans` spans at `spans` and one size at `consumed` for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_read_in_place(
    conn: *mut tls_conn_t,
    wire: *mut c_void,
    len: usize,
    spans: *mut tls_span_t,
    max_spans: usize,
    consumed: *mut usize,
) -> isize {
    // Whoever is refused in front of the connection has used nothing up either.
    // SAFETY: valid as the caller promises.
    let is_there = unsafe { store(consumed, 0) };
    counted(inbound(conn), |connection| {
        is_there?;
        // SAFETY: valid as the caller promises.
        let wire = unsafe { bytes_mut(wire, len) }?;
        // SAFETY: as above.
        let mut spans = unsafe { HostSpans::new(spans, max_spans) }?;
        let mut used = 0;
        let answer = connection.read_in_place(wire, &mut spans, &mut used);
        // SAFETY: as above.
        unsafe { store(consumed, used) }?;
        answer
    })
}

/// Encrypts up to `len` bytes at `plain` straight into `capacity` bytes at `wire`. Answers how many wire bytes
/// are there (> 0; 0 only for `len` 0); `*consumed` says how many plain bytes went into them. With
/// tls_wire_bound(len) bytes of capacity and `len` within the outbound limit all of them do. The two buffers
/// must not overlap.
///
/// Records leave in order: while bytes are queued it answers TLS_WANT_DRAIN. Before the handshake is done it
/// drives it, and answers what tls_advance() would.
/// Errors: TLS_ERR_ARGUMENT (NULL, or no room for one byte's record, padded where the context pads), TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_STATE (after tls_close_notify()), and the fatal ones; `*consumed` is 0 then. Since 0.1.
///
/// # Safety
/// `len` bytes at `plain` must be valid, `capacity` bytes at `wire` and one size at `consumed` for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_write_into(
    conn: *mut tls_conn_t,
    plain: *const c_void,
    len: usize,
    wire: *mut c_void,
    capacity: usize,
    consumed: *mut usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    let is_there = unsafe { store(consumed, 0) };
    counted(outbound(conn), |connection| {
        is_there?;
        // SAFETY: valid as the caller promises.
        let plain = unsafe { bytes(plain, len) }?;
        // SAFETY: as above.
        let mut wire = Unfilled::new(unsafe { unfilled(wire, capacity) }?);
        let taken = connection.write_into(plain, &mut wire)?;
        // SAFETY: as above.
        unsafe { store(consumed, taken) }?;
        Ok(wire.filled())
    })
}

/// A size in bytes that always suffices for the wire form of `plain_len` plain bytes, whatever was negotiated:
/// 29 bytes a record of up to 16384 bytes, and room for a key update. Where the host asked for smaller or
/// padded records (section 15), tls_conn_wire_bound() says it. Errors: none; 0 for 0. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_wire_bound(plain_len: usize) -> usize {
    sizing::wire_bound(plain_len)
}
