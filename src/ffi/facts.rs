//! Header section "Facts".

use std::ffi::{c_char, c_void};

use super::boundary::{checked, knowing, with_connection};
use super::memory::{copy_out, copy_text_out, size_of_struct, store_struct};
use super::types::{tls_conn_t, tls_counters_t, tls_status_t};
use crate::status::TLS_ERR_ARGUMENT;

/// ---- 8. Facts -------------------------------------------------------------------------------
///
/// Texts and blobs are copied out: the answer is the full size (of a text without its terminator), whatever
/// fits into `capacity` is copied, a text is always terminated; NULL only asks the size. 0 means that there is
/// none, or that it is not known yet. Numbers are IANA's, 0 if not known yet.
///
/// All facts are settled when the handshake is done and stay until tls_free(). While a question is open
/// (section 9) those that it is about can be had: the name, for a context what section 10 gives, and for an
/// identity the peer's certificates.
///
/// tls_sni() gives the server name: on a client the DNS name that it sends, on a server the one that the client
/// asked for (SNI, RFC 6066, 3). With ECH that is the hidden name on a client, whatever comes of it; a server,
/// which does not decrypt it, has the public name.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `text` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_sni(conn: *mut tls_conn_t, text: *mut c_char, capacity: usize) -> isize {
    with_connection(knowing(conn), |connection| {
        let name = connection.facts().server_name.unwrap_or_default();
        // SAFETY: valid as the caller promises.
        unsafe { copy_text_out(name, text, capacity) }
    })
}

/// The application protocol that was agreed on (ALPN, RFC 7301), as bytes without a terminator.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `protocol` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_alpn(conn: *mut tls_conn_t, protocol: *mut c_void, capacity: usize) -> isize {
    with_connection(knowing(conn), |connection| {
        let name = connection.facts().alpn.unwrap_or_default();
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(name, protocol, capacity) }
    })
}

/// A certificate of the peer, in DER: index 0 is its own, the others are the chain in the order in which it
/// sent them. 0 behind the last. Known after resumption as well.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `der` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_peer_certificate(
    conn: *mut tls_conn_t,
    index: usize,
    der: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(knowing(conn), |connection| {
        let certificate = connection.peer_certificate(index).unwrap_or_default();
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(certificate, der, capacity) }
    })
}

/// A name that the peer's own certificate is for (subjectAltName, RFC 5280, 4.2.1.6): of those of `kind`, a
/// TLS_NAME_* number, the one at `index`. 0 behind the last. What a server may ask to know which client
/// came, without a parser of certificates; the common name of the subject is none of them (RFC 9525, 2).
/// Names with other bytes than visible ASCII are passed over.
///
/// It is what the certificate says: only one that was accepted makes it true. Known as long as
/// tls_peer_certificate() is.
/// Errors: TLS_ERR_ARGUMENT (also for another kind), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `text` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_peer_name(
    conn: *mut tls_conn_t,
    kind: i32,
    index: usize,
    text: *mut c_char,
    capacity: usize,
) -> isize {
    with_connection(knowing(conn), |connection| match connection.peer_name(kind, index) {
        // SAFETY: valid as the caller promises.
        Ok(name) => unsafe { copy_text_out(&name.unwrap_or_default(), text, capacity) },
        Err(status) => status as isize,
    })
}

/// The protocol version: TLS_VERSION_1_3 (0x0304) or TLS_VERSION_1_2 (0x0303).
/// Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_protocol_version(conn: *mut tls_conn_t) -> u16 {
    with_connection(knowing(conn), |connection| connection.facts().version)
}

/// The cipher suite (IANA TLS Cipher Suites), such as 0x1301, TLS_AES_128_GCM_SHA256.
/// Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_cipher_suite(conn: *mut tls_conn_t) -> u16 {
    with_connection(knowing(conn), |connection| connection.facts().suite)
}

/// The key exchange group (IANA TLS Supported Groups), such as 0x11ec, X25519MLKEM768. 0 after TLS 1.2
/// resumption, which exchanges no keys.
/// Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_group(conn: *mut tls_conn_t) -> u16 {
    with_connection(knowing(conn), |connection| connection.facts().group)
}

/// Whether the handshake resumed an earlier session: 1, or 0 (also while it is not known).
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_resumed(conn: *mut tls_conn_t) -> i32 {
    with_connection(knowing(conn), |connection| i32::from(connection.facts().resumed))
}

/// The kind of the handshake: TLS_HANDSHAKE_FULL, TLS_HANDSHAKE_RESUMED, or one of these after a
/// HelloRetryRequest (TLS_HANDSHAKE_FULL_RETRIED, TLS_HANDSHAKE_RESUMED_RETRIED), which cost a round trip
/// more: the client offered no key share that the server takes. TLS_HANDSHAKE_UNKNOWN (0) while it is not
/// known. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_handshake_kind(conn: *mut tls_conn_t) -> i32 {
    with_connection(knowing(conn), |connection| connection.facts().kind)
}

/// Fills in how many bytes went through the connection so far. They are counted where the host hands
/// them over or takes them: bytes that still wait in a queue are not in `wire_out` and `plain_in`. Records are
/// counted where they are decrypted and encrypted, and only those that carry plain bytes: no handshake
/// messages, alerts and KeyUpdates. Early data is plain bytes as well. Tickets are counted whether the context
/// records an event for each or not.
///
/// `counters` belongs to the caller, who has set `counters->size`.
/// Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than its first two members), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `counters` must be NULL or valid for `counters->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_counters(conn: *mut tls_conn_t, counters: *mut tls_counters_t) -> tls_status_t {
    const LEAST: usize = size_of::<usize>() + size_of::<u64>();
    checked(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let size = unsafe { size_of_struct(counters) }?;
        if size < LEAST {
            return Err(TLS_ERR_ARGUMENT);
        }
        let so_far = connection.counters();
        let report = tls_counters_t {
            size,
            wire_in: so_far.wire_in,
            wire_out: so_far.wire_out,
            plain_in: so_far.plain_in,
            plain_out: so_far.plain_out,
            records_in: so_far.records_in,
            records_out: so_far.records_out,
            tickets_in: u64::from(connection.tickets()),
        };
        // SAFETY: valid for `size` bytes as the caller promises; the struct begins with its size.
        unsafe { store_struct(counters, &report, size) };
        Ok(())
    })
}
