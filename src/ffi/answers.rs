//! Header section "Questions and answers".

use std::ffi::c_void;

use super::boundary::{checked, share_context};
use super::memory::bytes;
use super::types::{tls_conn_t, tls_context_t, tls_status_t};

/// ---- 9. Questions and answers ---------------------------------------------------------------
///
/// Where other libraries call back, this one stops and asks. tls_advance() answers a TLS_ASK_* status, the state
/// word has TLS_ASKING; the host looks at the facts, takes its time, on any thread, and answers with one of the
/// calls below; then it goes on advancing. Until then no plain byte can be read or written. An answer to a
/// question that is not open is TLS_ERR_STATE and harms nothing. An answer is TLS_OK when it was taken:
/// what came of it is what tls_advance() says next.
///
/// | question        | asked on                                   | facts                | answers          |
/// |-----------------|--------------------------------------------|----------------------|------------------|
/// | TLS_ASK_CONTEXT | servers made with a NULL context           | tls_sni              | context, refuse  |
/// | TLS_ASK_VERIFY  | contexts with TLS_VERIFY_ASK, if the peer  | tls_peer_certificate | verify, refuse   |
/// |                 | shows a certificate                        | tls_ocsp_response    |                  |
///
/// tls_answer_context() continues a server with a server context, which may be freed afterwards; its limits and
/// its pool become the connection's.
/// Errors: TLS_ERR_ARGUMENT (NULL, or a client context), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_answer_context(conn: *mut tls_conn_t, context: *const tls_context_t) -> tls_status_t {
    checked(conn, |connection| {
        let context = share_context(context).map_err(|failure| failure.status)?;
        connection.answer_context(&context)
    })
}

/// Decides about the peer's identity: 0 accepts it, -1 lets the context's own rules decide (trust anchors, name,
/// time, usage), n > 0 rejects it with alert n, one of 40, 42 to 46, 48, 49, 51, 113 and 116 (RFC 8446, 6.2).
/// Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_answer_verify(conn: *mut tls_conn_t, verdict: i32) -> tls_status_t {
    checked(conn, |connection| connection.answer_verify(verdict))
}

/// Hands in a signature. No context of this version asks for one (TLS_ASK_SIGN), so the answer is TLS_ERR_STATE
/// for every live connection.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE. Since 0.1.
///
/// # Safety
/// `len` bytes at `signature` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_answer_sign(
    conn: *mut tls_conn_t,
    signature: *const c_void,
    len: usize,
) -> tls_status_t {
    checked(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let signature = unsafe { bytes(signature, len) }?;
        connection.answer_sign(signature)
    })
}

/// Ends the handshake at an open question, whichever it is, with a fatal alert for the peer: at TLS_ASK_CONTEXT
/// any but 0, 90 and 100 (such as 112, unrecognized_name), at TLS_ASK_VERIFY those of tls_answer_verify().
/// Drain the alert, then free the connection.
/// Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_answer_refuse(conn: *mut tls_conn_t, alert: u8) -> tls_status_t {
    checked(conn, |connection| connection.answer_refuse(alert))
}
