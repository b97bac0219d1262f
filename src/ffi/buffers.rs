//! Header section "Completion-based hosts".

use std::ffi::c_void;

use super::boundary::{
    adopt_buffer, checked, contained, counted, end_buffer, inbound, outbound, publish_buffer, share_context,
    with_buffer, with_connection,
};
use super::memory::{size_of_struct, store, store_struct};
use super::types::{tls_buffer_t, tls_buffers_t, tls_conn_t, tls_context_t, tls_status_t};
use crate::status::{TLS_ERR_ARGUMENT, TLS_OK};

/// ---- 22. Completion-based hosts --------------------------------------------------------------
///
/// Where a kernel or a loop works on memory after the call that named it (io_uring, IOCP, MSG_ZEROCOPY, uv_write()), that
/// memory must outlive every other call. A window (section 7) or a peek does so for a while; a tls_buffer_t is the host's
/// own until it gives it back, whatever becomes of the connection.
///
/// Out: tls_drain_take() takes the queued wire bytes off the queue, with the buffer that they are in: nothing is copied,
/// whatever their number. They count as drained, so the next ones can be written, taken and submitted while the first are
/// under way: several buffers may be, and they are sent in the order in which they were taken. When the kernel is done with
/// one, tls_buffer_free() gives it back.
///
///     wire = NULL; buffer = tls_drain_take(conn, &wire, &len);    submit send(wire, len), with buffer as its tag
///     on completion, all sent: tls_buffer_free(buffer)            on a short send: submit wire + sent, len - sent
///
/// In: tls_buffer_new() makes memory to receive into, ahead of time if need be (a ring of provided buffers, an alloc_cb), for
/// no connection in particular. tls_feed_buffer() makes what came there the newest wire bytes of one, without a copy,
/// and the buffer the connection's. Or tls_read_in_place() decrypts there, the spans are used, and tls_buffer_free()
/// gives it back: a buffer in which the host decrypted is freed, not fed, because that wipes it whole.
///
///     buffer = tls_buffer_new(context, 0); tls_buffer_memory(buffer, &memory, &room);    submit recv(memory, room)
///     on completion: tls_feed_buffer(conn, buffer, received)      then read; a buffer that was not fed is freed
///
/// What else survives a call: a window, until the next one that feeds or frees (tls_feed_window()), and a peek, until
/// the next one that writes, closes, updates keys, consumes or frees (tls_drain_peek()). Of two halves (section 19)
/// each has its own calls: a peek of the sending half survives all of the receiving half's, and a window of the
/// receiving half all of the sending half's. The two take less than 1024 bytes more than the connection did. So
/// one receive into a window and one send from a peek may be under way on halves without any buffer of this section.
///
/// What it costs, in bytes: a buffer takes 8192, 20480, 86016, 344064 or 1376256, the least that holds its bytes, for as
/// long as the host has it; a taken one is as large as the queue was. Its handle takes 40 in a table that only grows, and
/// nothing else is allocated where buffers of that size return as fast as they leave. An idle connection has none.
/// tls_context_worst_case() counts one taken buffer of each connection; each further one that is in flight adds as
/// much as tls_context_buffers() says it has. A host that stops writing to a connection when so many of its
/// buffers are in flight bounds them: nothing else does.
///
/// Handles of buffers are checked like all others. A buffer is used by one thread at a time, whichever; a connection, a
/// context or a thread that ends takes none with it. A child of fork() has the buffers of its parent.
///
/// tls_drain_take() answers the buffer, and where its wire bytes are: `*wire` and `*len`. NULL, with NULL and 0 there,
/// if nothing is queued. What was queued behind bytes that a peek showed is in a buffer of its own: call until
/// TLS_CAN_DRAIN is out.
///
/// Ownership: the host's, until tls_buffer_free(). Lifetime: the bytes stay where they are until then, after tls_free() and
/// tls_context_free() too; the host does not write to them. What a peek showed of them stays as well.
/// Errors: NULL for a NULL argument, a bad handle, another thread inside (where other calls say TLS_ERR_BUSY), a receiving half, and
/// where all handles are in use; nothing is taken then, and TLS_CAN_DRAIN stays. Since 0.1.
///
/// # Safety
/// `wire` and `len` must be NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_drain_take(
    conn: *mut tls_conn_t,
    wire: *mut *const c_void,
    len: *mut usize,
) -> *mut tls_buffer_t {
    // SAFETY: valid as the caller promises.
    let wire_is_there = unsafe { store(wire, std::ptr::null()) }.is_ok();
    // SAFETY: as above.
    let is_there = unsafe { store(len, 0) }.is_ok() && wire_is_there;
    with_connection(outbound(conn), |connection| {
        if !is_there || connection.pending_wire() == 0 {
            return std::ptr::null_mut();
        }
        let (mut start, mut length) = (std::ptr::null(), 0);
        let handle = connection.take_wire(|take| {
            publish_buffer(|| {
                let taken = take();
                let bytes = taken.as_ref().and_then(|buffer| buffer.taken()).unwrap_or_default();
                (start, length) = (bytes.as_ptr().cast(), bytes.len());
                taken
            })
        });
        // SAFETY: as above; that both are there was seen.
        let _ = unsafe { store(wire, start) };
        // SAFETY: as above.
        let _ = unsafe { store(len, length) };
        handle
    })
}

/// Makes a buffer to receive into, with room for exactly `want` bytes, of those of a context: 65536 for 0, or the inbound limit
/// if that is less. No more than the inbound limit can be wanted, since no more can be fed. The context may be freed
/// before it; it may be fed to connections of any context. Best is a little more than arrives at a time: the whole room
/// is wiped when it is freed unfed.
/// Errors: NULL for NULL, a bad handle (where other calls say TLS_ERR_HANDLE), more than the inbound limit, and where all handles
/// are in use. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_buffer_new(context: *const tls_context_t, want: usize) -> *mut tls_buffer_t {
    contained(|| {
        let context = share_context(context)?;
        Ok(publish_buffer(|| context.make_buffer(want)))
    })
    .unwrap_or(std::ptr::null_mut())
}

/// Says where a buffer's memory is, and how many bytes: the room of one to receive into, the wire bytes of one that was taken,
/// which are not written to. It stays there as long as the buffer is the host's.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `memory` and `len` must be NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_buffer_memory(
    buffer: *mut tls_buffer_t,
    memory: *mut *mut c_void,
    len: *mut usize,
) -> tls_status_t {
    with_buffer(buffer, |buffer| {
        if memory.is_null() || len.is_null() {
            return Err(TLS_ERR_ARGUMENT);
        }
        let (start, length) = match buffer.taken() {
            Some(wire) => (wire.as_ptr().cast_mut(), wire.len()),
            None => buffer.room().map_or((std::ptr::null_mut(), 0), |room| (room.as_mut_ptr(), room.len())),
        };
        // SAFETY: valid as the caller promises.
        unsafe { store(memory, start.cast()) }?;
        // SAFETY: as above.
        unsafe { store(len, length) }
    })
}

/// Feeds the first `len` bytes of a buffer's room, all of them or none, as tls_feed() would. With TLS_OK the buffer is
/// the connection's, and the handle is no longer valid, also for `len` 0. With any other answer it is the host's as
/// before, and nothing was fed. An open window is closed.
///
/// Nothing is copied where no wire byte waits and no plain byte is unread. Otherwise the fewer are: what waits goes in front of
/// the bytes in the new buffer, where it has room there (18432 bytes in a buffer of 65536), or they go behind what waits.
/// Errors: TLS_ERR_ARGUMENT (`len` above its room; a buffer that was taken), TLS_ERR_HANDLE (of either), TLS_ERR_BUSY,
/// TLS_ERR_STATE (as for tls_feed()), TLS_ERR_LIMIT (so many do not fit into the inbound limit: read first). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_feed_buffer(
    conn: *mut tls_conn_t,
    buffer: *mut tls_buffer_t,
    len: usize,
) -> tls_status_t {
    checked(inbound(conn), |connection| {
        let adopted = adopt_buffer(buffer, |buffer| match buffer.room() {
            Some(room) if len <= room.len() => connection.check_feed_all(len),
            _ => Err(TLS_ERR_ARGUMENT),
        })?;
        connection.feed_buffer(adopted, len);
        Ok(())
    })
}

/// Gives a buffer back: from any thread, in any order, after its connection and its context too. Memory in
/// which plain bytes can be is wiped. It goes to the thread, or to the pool of its context within the bound of
/// tls_builder_pool(), or else to malloc. Call it when nobody works on the memory any more. NULL and handles that are
/// none do nothing. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_buffer_free(buffer: *mut tls_buffer_t) {
    end_buffer(buffer);
}

/// How many wire bytes the record that has begun needs to be whole: what a receive should ask for at least. Of a record of which
/// nothing or only a part of the header is there, it is the rest of its header, 5 bytes. 0 where a whole one waits behind
/// plain bytes that are unread, and where no byte is of use any more (no TLS_CAN_FEED).
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a sending half). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_feed_needed(conn: *mut tls_conn_t) -> isize {
    counted(inbound(conn), |connection| Ok(connection.feed_needed()))
}

/// How many plain bytes the next write takes at most: a tls_write_from() of as many or fewer takes them all, one of
/// more takes exactly these. 0 without TLS_CAN_WRITE.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a receiving half). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_writable(conn: *mut tls_conn_t) -> isize {
    counted(outbound(conn), |connection| Ok(connection.plain_room()))
}

/// Fills in how many buffers of a context the host has, and how large they are: a number that grows with the
/// time is that of buffers that are never freed. Numbers that change on other threads meanwhile may be of before or
/// after.
///
/// `buffers` belongs to the caller, who has set `buffers->size`.
/// Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than its first two members), TLS_ERR_HANDLE. Since 0.1.
///
/// # Safety
/// `buffers` must be NULL or valid for `buffers->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_context_buffers(
    context: *const tls_context_t,
    buffers: *mut tls_buffers_t,
) -> tls_status_t {
    const LEAST: usize = size_of::<usize>() + size_of::<u64>();
    let seen = contained(|| {
        let context = share_context(context)?;
        Ok((context.buffers_in_flight(), context.unused_bytes()))
    });
    let ((in_flight, bytes), unused) = match seen {
        Ok(seen) => seen,
        Err(failure) => return failure.status,
    };
    // SAFETY: valid as the caller promises.
    let size = match unsafe { size_of_struct(buffers) } {
        Ok(size) if size >= LEAST => size,
        _ => return TLS_ERR_ARGUMENT,
    };
    let report = tls_buffers_t {
        size,
        in_flight: in_flight as u64,
        in_flight_bytes: bytes as u64,
        unused_bytes: unused as u64,
    };
    // SAFETY: valid for `size` bytes as the caller promises; the struct begins with its size.
    unsafe { store_struct(buffers, &report, size) };
    TLS_OK
}
