//! Header section "What a ClientHello says".

use std::ffi::c_void;

use super::boundary::with_connection;
use super::memory::copy_out;
use super::types::tls_conn_t;
use crate::parse::client_hello::ClientHello;

/// ---- 10. What a ClientHello says ------------------------------------------------------------
///
/// To choose a context, a host may want to know more of the client than the name that it asks for. While
/// TLS_ASK_CONTEXT is open (section 9) these calls give what its ClientHello offers, in the client's order
/// and in the client's own bytes, values included that this library does not know (and those that are there
/// to be ignored, RFC 8701). They say what the client claims to be able to do: nothing of it is
/// negotiated yet.
///
/// All of them copy out like the facts of section 8: the answer is the full size in bytes, whatever fits is
/// copied, NULL only asks the size. 0 means that the client sent no such list, or that the question is not
/// open: the ClientHello is kept only until the answer. Lists are given without a length of their
/// own. Numbers are IANA's, two bytes each, the more significant first. After a HelloRetryRequest the client
/// sends a second ClientHello; it is not asked about.
///
/// tls_hello_suites() gives the cipher suites that the client offers (cipher_suites, RFC 8446, 4.1.2).
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `suites` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_hello_suites(
    conn: *mut tls_conn_t,
    suites: *mut c_void,
    capacity: usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    unsafe { give(conn, suites, capacity, |hello| hello.suites()) }
}

/// The application protocols that the client offers (ALPN, RFC 7301), in the form that tls_builder_alpn()
/// takes: each a byte with its length, then its name. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE,
/// TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `protocols` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_hello_alpn(
    conn: *mut tls_conn_t,
    protocols: *mut c_void,
    capacity: usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    unsafe { give(conn, protocols, capacity, |hello| hello.alpn()) }
}

/// The key exchange groups that the client can use (supported_groups, RFC 8446, 4.2.7).
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `groups` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_hello_groups(
    conn: *mut tls_conn_t,
    groups: *mut c_void,
    capacity: usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    unsafe { give(conn, groups, capacity, |hello| hello.groups()) }
}

/// The protocol versions that the client can use (supported_versions, RFC 8446, 4.2.1). Of a client that sends
/// no such list, the one version that it names, which is its greatest.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `versions` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_hello_versions(
    conn: *mut tls_conn_t,
    versions: *mut c_void,
    capacity: usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    unsafe { give(conn, versions, capacity, |hello| hello.versions()) }
}

/// The signature schemes that the client can verify (signature_algorithms, RFC 8446, 4.2.3).
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `schemes` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_hello_schemes(
    conn: *mut tls_conn_t,
    schemes: *mut c_void,
    capacity: usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    unsafe { give(conn, schemes, capacity, |hello| hello.schemes()) }
}

/// The certificate authorities that the client trusts (certificate_authorities, RFC 8446, 4.2.4): each two
/// bytes with its length, then its name in DER. Few clients send them. Errors: TLS_ERR_ARGUMENT,
/// TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `names` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_hello_authorities(
    conn: *mut tls_conn_t,
    names: *mut c_void,
    capacity: usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    unsafe { give(conn, names, capacity, |hello| hello.authorities()) }
}

/// The ClientHello as the client sent it: the handshake message with its header of four bytes, put together if
/// it came in several records. It is what fingerprints such as JA3 and JA4 are computed from, and where
/// extensions are found that no call here gives.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `message` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_hello_raw(
    conn: *mut tls_conn_t,
    message: *mut c_void,
    capacity: usize,
) -> isize {
    // SAFETY: valid as the caller promises.
    unsafe { give(conn, message, capacity, |hello| hello.raw()) }
}

/// Copies out a part of the open question's ClientHello.
///
/// # Safety
/// `pointer` must be NULL or valid for writes of `capacity` bytes.
unsafe fn give(
    conn: *mut tls_conn_t,
    pointer: *mut c_void,
    capacity: usize,
    part: for<'a> fn(ClientHello<'a>) -> &'a [u8],
) -> isize {
    with_connection(conn, |connection| {
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(part(connection.client_hello()), pointer, capacity) }
    })
}
