//! Header section "Questions and answers".

use std::ffi::c_void;

use super::boundary::{checked, counted, outbound, share_context, with_connection};
use super::memory::{bytes, copy_out};
use super::types::{tls_conn_t, tls_context_t, tls_status_t};
use crate::status::*;

/// ---- 9. Questions and answers ---------------------------------------------------------------
///
/// Where other libraries call back, this one stops and asks. tls_advance() answers a TLS_ASK_* status, the
/// state word has TLS_ASKING; the host looks at the facts, takes its time, on any thread, and answers with
/// one of the calls below; then it goes on advancing. Until then no plain byte can be read or written. An
/// answer to a question that is not open is TLS_ERR_STATE and harms nothing. An answer is TLS_OK
/// when it was taken: what came of it is what tls_advance() says next. So with bytes that are fed behind an
/// answer: the next call that looks processes both, unless another question opens before them.
///
/// | question        | asked on                                   | facts                | answers          |
/// |-----------------|--------------------------------------------|----------------------|------------------|
/// | TLS_ASK_CONTEXT | servers made with a NULL context, or with  | tls_sni, section 10  | context, refuse  |
/// |                 | one that asks (tls_builder_ask_context)    |                      |                  |
/// | TLS_ASK_VERIFY  | contexts with TLS_VERIFY_ASK, if the peer  | tls_peer_certificate | verify, refuse   |
/// |                 | shows a certificate                        | tls_ocsp_response,   |                  |
/// |                 |                                            | tls_verify_name      |                  |
/// | TLS_ASK_SIGN    | identities whose key is elsewhere          | tls_sign_scheme,     | sign, refuse     |
/// |                 | (tls_builder_identity_external)            | tls_sign_message,    |                  |
/// |                 |                                            | tls_sign_certificate |                  |
/// | TLS_ASK_IDENTITY| clients of contexts that ask for it        | tls_identity_type,   | identity, refuse |
/// |                 | (tls_builder_ask_identity), if the server  | tls_identity_schemes,|                  |
/// |                 | wants a certificate                        | tls_identity_        |                  |
/// |                 |                                            | authority            |                  |
/// | TLS_ASK_SESSION | servers of contexts whose sessions are in  | tls_lookup_key,      | session, refuse  |
/// |                 | the host's store (tls_builder_ask_session),| tls_lookup_once      |                  |
/// |                 | if the client offers one                   |                      |                  |
///
/// tls_answer_context() continues a server with a server context, which may be freed afterwards; its limits and
/// its pool become the connection's. It may be the one that asked.
/// Errors: TLS_ERR_ARGUMENT (NULL, a client context, or one without an identity), TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_STATE, TLS_ERR_CONFIG (a context with tls_builder_half_rtt(); the question is still open). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_answer_context(conn: *mut tls_conn_t, context: *const tls_context_t) -> tls_status_t {
    checked(conn, |connection| {
        let context = share_context(context).map_err(|failure| failure.status)?;
        // That nothing is asked is said before what is wrong with the answer.
        if !connection.asks_context() {
            return Err(TLS_ERR_STATE);
        }
        context.answer(connection, None).map_err(|failure| failure.status)
    })
}

/// Decides about the peer's identity: 0 accepts it, -1 lets the context's own rules decide (trust anchors,
/// name, time, usage), n > 0 rejects it with alert n, one of 40, 42 to 46, 48, 49, 51, 113 and 116 (RFC
/// 8446, 6.2). Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_STATE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_answer_verify(conn: *mut tls_conn_t, verdict: i32) -> tls_status_t {
    checked(conn, |connection| connection.answer_verify(verdict))
}

/// The signature scheme of an open TLS_ASK_SIGN (IANA TLS SignatureScheme), such as 0x0804,
/// rsa_pss_rsae_sha256. 0 if that question is not open.
/// Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_sign_scheme(conn: *mut tls_conn_t) -> u16 {
    with_connection(conn, |connection| connection.sign_request().map_or(0, |request| request.scheme))
}

/// Copies out the bytes to sign at an open TLS_ASK_SIGN: some 100 to 300, but for a client in TLS 1.2 the
/// whole handshake so far, some thousands (RFC 5246, 7.4.8). They are not hashed: the signer does that as
/// the scheme says. Answers their full number, and copies as many as fit into `capacity`; a NULL `message`
/// only asks. 0 if that question is not open. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since
/// 0.1.
///
/// # Safety
/// `message` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_sign_message(
    conn: *mut tls_conn_t,
    message: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(conn, |connection| {
        let bytes = connection.sign_request().map_or(&[][..], |request| request.message);
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(bytes, message, capacity) }
    })
}

/// The certificate whose key is to sign at an open TLS_ASK_SIGN, in DER: with several identities it says which
/// one was chosen. Copied out like a fact (section 8); 0 if that question is not open.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `der` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_sign_certificate(
    conn: *mut tls_conn_t,
    der: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(conn, |connection| {
        let certificate = connection.sign_request().map_or(&[][..], |request| request.certificate);
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(certificate, der, capacity) }
    })
}

/// Hands in the signature of `len` bytes, in the form that TLS sends: for ECDSA the DER of r and s, for
/// RSA-PSS with a salt as long as the hash (RFC 8446, 4.2.3). It is checked with the certificate before it
/// is sent, since a wrong one, from a faulty signer, could betray the key. With a wrong one, which is not sent,
/// the handshake fails: tls_advance() says TLS_ERR_INTERNAL, tls_conn_error() TLS_REASON_SIGNATURE_WRONG, and
/// the alert handshake_failure (40) is queued for the peer.
///
/// While the question is open, the step of the engine that needs the signature is stopped, on a stack of its own:
/// no thread waits. tls_builder_open_questions() says what that takes, and bounds it. The answer may come
/// from any thread, or in a forked child to which the connection belongs; tls_free() ends the step.
/// What was fed meanwhile is processed by the next call that processes. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE,
/// TLS_ERR_BUSY, TLS_ERR_STATE. Since 0.1.
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

/// The type of certificate that an open TLS_ASK_IDENTITY is about, an IANA number (RFC 7250): 0 for X.509.
/// Errors, all negative: TLS_ERR_STATE if that question is not open, TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_identity_type(conn: *mut tls_conn_t) -> i32 {
    with_connection(conn, |connection| {
        connection.identity_request().map_or(TLS_ERR_STATE, |request| i32::from(request.certificate_type))
    })
}

/// Copies out the signature schemes that the server accepts at an open TLS_ASK_IDENTITY (signature_algorithms,
/// RFC 8446, 4.2.3; CertificateRequest, RFC 5246, 7.4.4), in its order: IANA's numbers, two bytes each, the more
/// significant first. Copied out like a fact (section 8); 0 if that question is not open.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `schemes` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_identity_schemes(
    conn: *mut tls_conn_t,
    schemes: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(conn, |connection| {
        let list = connection.identity_request().map_or(&[][..], |request| request.schemes);
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(list, schemes, capacity) }
    })
}

/// The distinguished name of the certificate authority at `index` of those that the server names at an open
/// TLS_ASK_IDENTITY, in DER, as it came: this library has not parsed it. A server that names none leaves the
/// choice open (RFC 8446, 4.2.4). Copied out like a fact (section 8); 0 behind the last one, and if that question
/// is not open.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `der` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_identity_authority(
    conn: *mut tls_conn_t,
    index: usize,
    der: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(conn, |connection| {
        let name = connection.identity_request().and_then(|request| request.wanted.authority(index));
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(name.unwrap_or_default(), der, capacity) }
    })
}

/// Answers TLS_ASK_IDENTITY: shows the server an identity of `context`, a client context with at least one, or
/// none if it is NULL. Of several identities it is the first that one of the named authorities issued and
/// whose key can sign in a scheme that the server accepts, or else the first whose key can. Nothing else of the
/// context counts, and it may be freed afterwards. If the key is elsewhere, TLS_ASK_SIGN follows. An
/// answer that is not TLS_OK leaves the question open.
/// Errors: TLS_ERR_CONFIG (no identity of `context` fits what the server accepts), TLS_ERR_LIMIT (its chain does
/// not fit the outbound limit of this connection), TLS_WANT_DRAIN (it does once the queue is drained),
/// TLS_ERR_ARGUMENT (NULL for `conn`, a server context, or one without an identity), TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_STATE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_answer_identity(conn: *mut tls_conn_t, context: *const tls_context_t) -> tls_status_t {
    checked(conn, |connection| {
        let context = match context.is_null() {
            true => None,
            false => Some(share_context(context).map_err(|failure| failure.status)?),
        };
        connection.check_asks_identity()?;
        let setup = match &context {
            None => None,
            Some(context) => Some(context.identity().ok_or(TLS_ERR_ARGUMENT)?),
        };
        connection.answer_identity(setup)
    })
}

/// Copies out the key under which the host looks for a session at an open TLS_ASK_SESSION: the 32 bytes of a session id
/// (TLS 1.2) or of what stands in the place of a ticket (TLS 1.3), as the client sent them. They are public. Copied out like a
/// fact (section 8); 0 if that question is not open. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `key` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_lookup_key(conn: *mut tls_conn_t, key: *mut c_void, capacity: usize) -> isize {
    with_connection(conn, |connection| {
        let bytes = connection.look_up().map_or(&[][..], |look_up| look_up.key);
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(bytes, key, capacity) }
    })
}

/// Whether the session that an open TLS_ASK_SESSION looks for may be used only once: 1 (TLS 1.3) or 0 (TLS 1.2). IF IT IS
/// 1, THE HOST TAKES THE SESSION OUT OF ITS STORE BEFORE IT ANSWERS, in one step in which nobody else finds it: that is
/// what keeps early data from being taken twice (RFC 8446, 8.1). Errors: TLS_ERR_STATE if that question is not open,
/// TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_lookup_once(conn: *mut tls_conn_t) -> i32 {
    with_connection(conn, |connection| {
        connection.look_up().map_or(TLS_ERR_STATE, |look_up| i32::from(look_up.once))
    })
}

/// Answers TLS_ASK_SESSION with the `len` bytes that tls_stored_data() gave for this key, or, with `len` 0, that there
/// are none. They are copied. What is not a session of this key, of the same rules about client certificates and of
/// this version of the library, and what is cut off, altered, or over (24 hours, or the end of a certificate), counts
/// as none: the handshake is a full one. It does not fail; TLS_OK says that the answer was taken.
/// tls_handshake_kind() says what came of it. To end the handshake instead, answer by tls_answer_refuse(). Errors:
/// TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE. Since 0.1.
///
/// # Safety
/// `len` bytes at `data` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_answer_session(
    conn: *mut tls_conn_t,
    data: *const c_void,
    len: usize,
) -> tls_status_t {
    checked(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let data = unsafe { bytes(data, len) }?;
        connection.answer_session(data)
    })
}

/// Ends the handshake at an open question, whichever it is, with a fatal alert for the peer: at TLS_ASK_CONTEXT
/// and TLS_ASK_SESSION any but 0, 90 and 100 (such as 112, unrecognized_name), at the others those of
/// tls_answer_verify(). At TLS_ASK_IDENTITY the alert is decode_error (50) where the server's own certificate is not in
/// yet. Drain the alert, then free the connection.
/// Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_answer_refuse(conn: *mut tls_conn_t, alert: u8) -> tls_status_t {
    checked(conn, |connection| connection.answer_refuse(alert))
}

/// Ends a connection whose handshake is done, for what the host finds against the peer then, with a fatal alert: any but 0, 90
/// and 100 (RFC 8446, 6), such as 42, bad_certificate, or 49, access_denied. From then on every call answers
/// TLS_ERR_CERTIFICATE, with TLS_REASON_CERTIFICATE_REFUSED. What was decrypted and not read is lost. Drain the alert,
/// then free the connection.
///
/// Answers how many wire bytes are queued in front of the alert, which have to leave before it. The session tickets of a
/// TLS 1.3 server are not among them: what it has queued when the handshake ends is dropped, so that a peer that was refused
/// gets none. Nor is the last flight of a TLS 1.3 client, with its certificate: the alert takes its place under
/// its keys, and the server's handshake fails with it. Both can be done as long as the host has drained nothing
/// of them, was shown nothing (tls_drain_peek()) and has written nothing, early data included, the connection has not
/// moved (section 21), and the peer has not asked for other keys. Where the answer is not 0 they are there: who wants
/// nobody to have them drains nothing, and frees the connection. In builds for validated cryptography (docs/fips.md)
/// they always are, and the alert is decode_error (50).
///
/// Where this side has the last word of the handshake otherwise (a client in a resumed handshake of TLS 1.2, a server
/// in a full one of TLS 1.2), and that was not drained, it is in front of the alert: the peer takes the handshake for
/// done.
/// Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done:
/// see tls_answer_refuse(); after tls_close_notify(); one half of a connection), and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_refuse(conn: *mut tls_conn_t, alert: u8) -> isize {
    counted(outbound(conn), |connection| connection.refuse(alert))
}
