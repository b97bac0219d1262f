//! Header section "A connection moves".

use std::ffi::c_void;

use super::boundary::{
    contained, knowing, make_from_connection, publish_connection, share_context, with_connection,
};
use super::errors::{report_construction, report_result};
use super::memory::{copy_out, named_bytes, room};
use super::types::{tls_conn_t, tls_context_t, tls_error_t};
use crate::connection::PlainTarget;
use crate::failure::Failure;
use crate::numbers::MOVE_KEY;

/// ---- 21. A connection moves -----------------------------------------------------------------
///
/// An established connection can go on in another process, on the same machine or another one: a server restarts, or
/// hands connections over, and no peer notices. docs/moving.md says how hosts do it, and examples/hot_restart does it.
///
/// tls_conn_export() writes all that the connection is as one blob, and ends it here: version, suite and
/// secrets, with what KeyUpdates go on from; facts, the peer's chain and keying material; plain bytes that were not
/// read, wire bytes that were not processed, also half of a record, and wire bytes that were not drained; what was
/// closed; counters; what the connection was told about corks and sizes of records. The blob is sealed under a key
/// (AES-256-GCM, a random nonce). WHO HAS BLOB AND KEY HAS THE CONNECTION: can read and forge its traffic, past records
/// excepted in TLS 1.3 where a KeyUpdate lies between, and derive its keying material.
///
/// `key` is TLS_MOVE_KEY_LENGTH (32) random bytes, the host's secret; one key seals up to 2^32 connections.
/// The blob is copied out to `blob`: the answer is its full size, as with facts (section 8). But a blob is written
/// whole or not at all: with NULL, or a `capacity` below the answer, nothing is written and nothing changes, the connection
/// lives on, and the next call may need another size if it was used meanwhile. Only a call whose `capacity` is at
/// least its answer has ended it. From then on the handle is good for tls_free() only; everything else answers TLS_ERR_STATE,
/// or 0 where numbers have no sign. What tls_drain_peek() showed is gone: consume what was sent before. What
/// tls_drain_take() took is the host's to send, in front of what moved.
///
/// It is answered TLS_ERR_STATE, and the connection is unharmed, where something cannot move: before the handshake
/// is done (which includes open questions); halves (section 19); where the secrets were taken (section 20); while early data,
/// events or an open window wait (read, take, commit first); where this side was closed before the handshake was done;
/// where bytes that tls_read_in_place() left were given again in part (give all of them), or are more than 16 MiB (read
/// on); in builds for validated cryptography (docs/fips.md). The message of `error` says which. What stays behind:
/// sessions, so that tickets which come to a client afterwards are dropped (take those that it has before, section 12);
/// bytes that tls_read_in_place() has left with the host, who moves them and gives them again to the same call; the
/// pool, limits and events, which are the new context's.
///
/// `error` may be NULL; otherwise the caller has set `error->size`. Errors, all negative: TLS_ERR_ARGUMENT (NULL for
/// `conn` or `key`), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (as above), TLS_ERR_LIMIT (more than 4 GiB),
/// TLS_ERR_INTERNAL, and the fatal ones of a connection that failed. Since 0.1.
///
/// # Safety
/// `key` must be NULL or valid for 32 bytes, `blob` NULL or valid for writes of `capacity` bytes, `error` NULL or valid for
/// `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_conn_export(
    conn: *mut tls_conn_t,
    key: *const c_void,
    blob: *mut c_void,
    capacity: usize,
    error: *mut tls_error_t,
) -> isize {
    let mut size = 0;
    let result = make_from_connection(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let key = unsafe { key_at(key) }?;
        // SAFETY: as above.
        let place = unsafe { room(blob, capacity) };
        let mut place =
            place.map_err(|status| Failure::new(status, 0, "the capacity is longer than memory can be"))?;
        let exported = connection.export_sealed(key, place.room())?;
        if let Some(blob) = &exported.blob {
            place.put(blob);
        }
        size = exported.length as isize;
        Ok(())
    });
    // SAFETY: valid as the caller promises.
    match unsafe { report_result(result, error) } {
        0 => size,
        status => status as isize,
    }
}

/// Makes a connection of a blob that tls_conn_export() wrote: in another process, by another build of this version or a later
/// one, or here. It goes on where it stood, with pool, limits, events and padding of `context`, which is of the
/// same role; what the handshake was judged by is not judged again. A server's context needs no identity of its own. The
/// bytes at `blob` are read during the call; the caller wipes them.
///
/// A BLOB MUST BE IMPORTED ONCE. Two connections of one blob would seal different records with the same nonce, which
/// gives the plain bytes and the key away; so do an import and an exporting process that was brought back from a
/// snapshot. The library of one process does not know of the others: keeping count is the host's. tls_move_id() and
/// tls_move_count() are for that: an import sends nothing by itself, so the host looks them up in what all importers
/// share, notes them, and frees the connection if they were there. Where blobs go through a pipe or a socket to one
/// process, and are wiped where they were, nothing has to be noted.
///
/// The caller owns the connection, until tls_free(); the context may be freed before it. `error` may be NULL;
/// otherwise the caller has set `error->size`. Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (NULL; a context of the
/// other role), TLS_ERR_HANDLE, TLS_ERR_LIMIT (more bytes wait in it than the limits of `context`
/// allow, or so many to be sent that fewer than 64 bytes are left for answers to the peer), TLS_ERR_MEMORY,
/// TLS_ERR_STATE (builds for validated cryptography), TLS_ERR_INTERNAL, or TLS_ERR_CONFIG, with a reason:
/// TLS_REASON_BLOB_FOREIGN (it is none), TLS_REASON_BLOB_CUT_OFF, TLS_REASON_BLOB_NEWER (a later version wrote it),
/// TLS_REASON_BLOB_OTHER_KEY, TLS_REASON_BLOB_ALTERED, TLS_REASON_BLOB_UNKNOWN (whoever has the key wrote what this
/// build does not know). A blob that is refused can be imported elsewhere. Since 0.1.
///
/// # Safety
/// `len` bytes at `blob` must be valid, `key` NULL or valid for 32 bytes, `error` NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_conn_import(
    context: *const tls_context_t,
    blob: *const c_void,
    len: usize,
    key: *const c_void,
    error: *mut tls_error_t,
) -> *mut tls_conn_t {
    let result = contained(|| {
        let context = share_context(context)?;
        // SAFETY: valid as the caller promises.
        let blob = unsafe { named_bytes(blob, len, "the sealed connection") }?;
        // SAFETY: as above.
        let key = unsafe { key_at(key) }?;
        publish_connection(context.import(key, blob)?)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Copies out what tells a connection from all others: TLS_MOVE_ID_LENGTH (16) random bytes, which it gets when it
/// first moves, and which stay the same over all further moves. They are no secret. Copied out like a fact
/// (section 8); 0 for a connection that has not moved. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_STATE (the sending half). Since 0.1.
///
/// # Safety
/// `id` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_move_id(conn: *mut tls_conn_t, id: *mut c_void, capacity: usize) -> isize {
    with_connection(knowing(conn), |connection| {
        let bytes = connection.move_id().map_or(&[][..], |id| id);
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(bytes, id, capacity) }
    })
}

/// How often a connection has moved: 0 for one that was made here, and one more with each tls_conn_export(). Who has seen an
/// id (tls_move_id()) with this number or a higher one has seen this blob, or a later one of the same connection: it must not
/// live again. Errors: 0 for NULL, a bad handle, the sending half, or another thread inside. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_move_count(conn: *mut tls_conn_t) -> u32 {
    with_connection(knowing(conn), |connection| u32::try_from(connection.moves()).unwrap_or(u32::MAX))
}

/// The key of a move.
///
/// # Safety
/// `key` must be NULL, or its bytes be initialised and stay unchanged for `'a`.
unsafe fn key_at<'a>(key: *const c_void) -> Result<&'a [u8; MOVE_KEY], Failure> {
    if key.is_null() {
        return Err(Failure::argument("the key of the move is NULL"));
    }
    // SAFETY: valid as the caller promises.
    let bytes = unsafe { named_bytes(key, MOVE_KEY, "the key of the move") }?;
    bytes.try_into().map_err(|_| Failure::unexpected("a key has another length than it has"))
}
