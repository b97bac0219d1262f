//! Header section "Connections".

use std::ffi::c_char;

use super::boundary::{
    contained, end_connection, publish_connection, share_context, traffic, with_connection,
};
use super::errors::report_construction;
use super::memory::text;
use super::types::{tls_conn_t, tls_context_t, tls_error_t, tls_status_t};
use crate::connection::Connection;
use crate::setup::context::accept_asking;

/// ---- 4. Connections -------------------------------------------------------------------------
///
/// A connection is made, driven through its state word, and freed. It knows nothing of sockets, and
/// nothing of its host: freeing it ends it, whatever else is alive.
///
/// tls_client_new() starts a client connection; its ClientHello is queued at once. `server_name` is the
/// DNS name or the IP address (in text form) that the server's certificate must be valid for; a DNS name is
/// also sent to the server (SNI, RFC 6066, 3). Names are ASCII, international ones in their xn-- form. The
/// caller owns the connection, until tls_free(); the context may be freed before it.
///
/// `server_name` may be NULL where no name is verified: under TLS_VERIFY_ANY_NAME, TLS_VERIFY_ASK and
/// TLS_VERIFY_DANGEROUS_NONE, and where servers show raw public keys. Nothing is sent then, tls_verify_name() tells
/// none, and the rules ask for none if the answer is -1. As no name tells which server it is, such a connection
/// resumes no session of the context's; it can resume one that the host carries (section 12).
///
/// `error` may be NULL; otherwise the caller has set `error->size`.
/// Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (NULL where a name is needed; a server context; a name that is neither a
/// DNS name nor an IP address), TLS_ERR_HANDLE, TLS_ERR_LIMIT (the ClientHello exceeds the outbound limit),
/// TLS_ERR_MEMORY, TLS_ERR_INTERNAL (no random bytes, or a defect). Since 0.1.
///
/// # Safety
/// `server_name` must be NULL or NUL-terminated, `error` NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_client_new(
    context: *const tls_context_t,
    server_name: *const c_char,
    error: *mut tls_error_t,
) -> *mut tls_conn_t {
    let result = contained(|| {
        let context = share_context(context)?;
        // SAFETY: terminated as the caller promises; NULL is no name.
        let name = unsafe { text(server_name) }.ok();
        publish_connection(context.connect(name)?)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Starts a server connection, which waits for the client's first bytes. With a NULL context it will ask
/// for one when the ClientHello is in (TLS_ASK_CONTEXT, section 9), and uses default limits until then; a context
/// that asks (tls_builder_ask_context()) has its own.
/// The caller owns the connection, until tls_free(); the context may be freed before it.
///
/// `error` may be NULL; otherwise the caller has set `error->size`.
/// Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (a client context), TLS_ERR_HANDLE, TLS_ERR_MEMORY,
/// TLS_ERR_INTERNAL. Since 0.1.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_server_new(
    context: *const tls_context_t,
    error: *mut tls_error_t,
) -> *mut tls_conn_t {
    let result = contained(|| {
        let connection =
            if context.is_null() { accept_asking() } else { share_context(context)?.accept()? };
        publish_connection(connection)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Ends a connection now: its memory is returned, and pointers that it handed out are invalid. Its secrets and
/// plain bytes are wiped from the heap: keys, traffic secrets, exporter secret, lines of the key log that were
/// not fetched, and every copy that was made of them on the way. What its context shares with other connections
/// is not its own: sessions to be resumed (in TLS 1.2 its main secret), ticket keys and the private key stay until
/// the context has ended. This holds in optimised builds, the shared and the static library's; SECURITY.md says
/// what it does not cover. Sends nothing: for a proper end call tls_close_notify() and drain before. If
/// another thread is inside the connection, it ends as soon as that call returns. The handle is invalid from
/// here on; using it, or freeing it again, is answered TLS_ERR_HANDLE and harms nothing. NULL, and a
/// handle that is no connection, do nothing. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_free(conn: *mut tls_conn_t) {
    end_connection(conn);
}

/// Processes what was fed (handshake and control messages, records up to the first plain byte) and says
/// where the connection stands:
///
/// TLS_WANT_FEED while the handshake needs bytes from the peer; TLS_WANT_DRAIN if a handshake flight has to
/// be drained before the next one; TLS_ASK_CONTEXT, TLS_ASK_VERIFY, TLS_ASK_SIGN,
/// TLS_ASK_IDENTITY or TLS_ASK_SESSION if a question is open (section 9);
/// TLS_OK once the handshake is done; TLS_CLOSED or TLS_TRUNCATED once that end is reached with no plain byte
/// unread; a fatal error, again and again, after one happened.
///
/// How the bytes were cut into calls makes no difference to any answer.
/// A peer that closes before the handshake is done, by a close_notify in any of its stages, has closed: that is
/// TLS_CLOSED too, with TLS_HANDSHAKING still set.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_advance(conn: *mut tls_conn_t) -> tls_status_t {
    with_connection(traffic(conn), Connection::advance)
}

/// Processes what was fed, as tls_advance() does, and answers the state word: TLS_CAN_FEED, TLS_CAN_DRAIN, ….
/// If a bit says that a call can do something, that call does something. After a fatal error
/// TLS_FAILED is set, and TLS_CAN_DRAIN as long as the alert for the peer is queued.
/// Errors: 0, which no live connection answers, for NULL, a handle that is no connection, and a connection
/// that another thread is inside. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_state(conn: *mut tls_conn_t) -> u32 {
    with_connection(conn, Connection::state_word)
}
