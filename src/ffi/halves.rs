//! Header section "Two halves for two threads".

use super::boundary::{make_from_connection, publish_part};
use super::errors::report_construction;
use super::types::{tls_conn_t, tls_error_t};
use crate::connection::Connection;

/// ---- 19. Two halves for two threads ---------------------------------------------------------
///
/// A connection is used by one thread at a time. tls_split() makes two connections of it, each with a handle,
/// a check for a second thread and a tls_free() of its own: one thread receives while another one sends, and
/// neither waits for the other.
///
/// `conn` is the receiving half from now on; the answer is the sending half. Nothing is lost: wire bytes
/// that were fed, plain bytes that were not read and an open window stay with the receiving half, queued wire
/// bytes go to the sending half, and pointers into both stay valid. The receiving half keeps the role of
/// `conn` because all that a host may have stored under that handle (facts, sessions, events, keying material) is
/// still there; the sending half only sends. There is no way back.
///
/// | half      | functions                                                                                  |
/// |-----------|--------------------------------------------------------------------------------------------|
/// | receiving | feeding (also by window and in place), tls_surplus(), reading, facts (sections 8, 13)      |
/// | sending   | writing, tls_key_update(), tls_close_notify(), draining                                    |
/// | both      | tls_advance(), tls_state(), tls_conn_error(), tls_counters(), tls_next_event(), tls_free() |
///
/// A call that belongs to the other half is answered TLS_ERR_STATE (0 by those that answer numbers without a
/// sign), and changes nothing.
///
/// The state word of a half has the bits of its direction: TLS_CAN_FEED, TLS_CAN_READ, TLS_PEER_CLOSED and
/// TLS_EOF are the receiving half's, TLS_CAN_DRAIN, TLS_CAN_WRITE and TLS_WE_CLOSED the sending half's;
/// TLS_FAILED and TLS_HAS_EVENT are of either. Queues of events and counters are each half's own: the sending half
/// takes over what was counted on the way out, so that the two add up to what the connection did.
///
/// What the receiving half owes the peer (the answer to a KeyUpdate; an alert after a bad record) it leaves
/// with the sending half, and says so by TLS_WAKE_SENDER in its own state word. Then the host lets the thread
/// of the sending half call tls_state(), tls_advance(), or a function that writes, closes or drains (all but
/// tls_drain_consume()): that call takes over what was left, TLS_CAN_DRAIN says that it waits there, and
/// TLS_WAKE_SENDER goes out; while the queue is almost full it stays until there is room. If the other
/// thread writes at that very moment, it has taken it over already, and the call only clears the bit. While the
/// sending half is busy anyway nothing has to be done: whatever it does next takes over what was left. Once
/// the sending half was closed or freed, nothing can be sent, and the bit stays out.
///
/// A fatal error of the receiving half ends both: the sending half is told by its next call, which answers the
/// same status once and for all, with the alert for the peer in its queue. What fails the sending half alone
/// (TLS_REASON_KEYS_EXHAUSTED) leaves the receiving half whole. tls_free() of one half leaves the other one whole
/// too, even if another thread is inside it.
///
/// The caller owns the new handle, until tls_free(). `error` may be NULL; otherwise the caller has set
/// `error->size`. Errors: NULL, with `error->status` TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_STATE (the handshake is not done; `conn` is a half already; early data waits to be read), TLS_ERR_MEMORY,
/// or the fatal one; the connection is unharmed. Since 0.1.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_split(conn: *mut tls_conn_t, error: *mut tls_error_t) -> *mut tls_conn_t {
    let result = make_from_connection(conn, |connection| {
        connection.check_splittable()?;
        publish_part(connection, Connection::split)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}
