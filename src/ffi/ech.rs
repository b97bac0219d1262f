//! Header section "Encrypted Client Hello".

use std::ffi::{c_char, c_void};

use super::boundary::{knowing, with_builder, with_connection};
use super::memory::{copy_out, copy_text_out, named_bytes};
use super::types::{tls_builder_t, tls_conn_t, tls_status_t};

/// ---- 18. Encrypted Client Hello -------------------------------------------------------------
///
/// ECH (RFC 9849) hides which name a client asks for: the ClientHello that it means is encrypted to a key of
/// the server's operator, inside one that shows a public name, the same for all servers of that operator. What
/// is hidden are the name and the session that is resumed; protocols (ALPN), suites and groups are the same in
/// both. The key comes out of the DNS, as the parameter "ech" of the HTTPS record of the name (RFC 9848): an
/// ECHConfigList, which the host looks up over a channel that hides the name as well, and gives here as bytes.
/// This library offers ECH as a client; on servers, which ignore it, the engine does not have it.
///
/// Sessions of connections that offer ECH are kept apart from those of connections that do not, GREASE included
/// an observer has seen the latter, and would know by one in the outer ClientHello whom the inner one is for.
/// No session of TLS 1.2 is offered beside ECH. A tls_session_t of either kind is TLS_ERR_ARGUMENT for a connection of
/// the other.
///
/// The server of a list is told by tls_client_new_with(), for each connection. Then tls_sni() is the hidden
/// name. The connection offers TLS 1.3 only, whatever the context says: servers with ECH have it.
///
/// If the server cannot decrypt the hidden ClientHello, it goes on with the outer one. The client then verifies
/// that the server is one for the public name, by the context's rules; it shows no certificate, and the
/// handshake ends with TLS_ERR_NO_COMMON and TLS_REASON_ECH_REJECTED (alert 121). No plain byte was
/// moved. tls_ech_retry_configs() has a newer list if the server gave one: make a new connection, over a new
/// transport, with that list, and do so once. Without one, the operator has turned ECH off, and the name
/// can be sent openly, by TLS_CLIENT_NO_ECH, if the host may. After any other error, TLS_ERR_CERTIFICATE above
/// all, an attacker may be in between: do neither.
///
/// With TLS_VERIFY_ASK the host is asked in both cases, and tls_verify_name() says for which name. A rejection
/// ends the connection whatever is answered, but only one by who has the public name is worth a second try.
///
/// GREASE is something that looks like ECH to who cannot decrypt it, so that servers and middleboxes get used to
/// it, and ECH itself does not stand out. The engine cannot do this beside TLS 1.2: it needs TLS 1.3 as the
/// least version (tls_builder_versions()).
///
/// tls_builder_ech() sets an ECHConfigList for all connections of a client context, which is right only if all go
/// to servers of one operator. The list has its length in front, as it is in the DNS; a length of 0
/// removes it. The first configuration that can be used is: of version 0xfe0d, with HPKE over P-256, P-384,
/// P-521 or X25519, AES-GCM or ChaCha20-Poly1305, and without mandatory extensions.
///
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (TLS_REASON_ECH_MALFORMED: the
/// message has the configuration, counted from 1, and the offset in the list). When the context is made, also
/// TLS_ERR_CONFIG (TLS_REASON_ECH_UNUSABLE: no configuration can be used; TLS_REASON_VERSION_UNSUPPORTED: no TLS 1.3).
/// Server contexts ignore it. Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_ech(
    builder: *mut tls_builder_t,
    list: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let list = unsafe { named_bytes(list, len, "the ECHConfigList") }?;
        builder.ech(list)
    })
}

/// Sets whether the connections of a client context send GREASE ECH: 1 for yes, 0 for no (default). It takes the
/// place of a list, and a list takes its place. Making a context is TLS_ERR_CONFIG
/// (TLS_REASON_VERSION_UNSUPPORTED) unless TLS 1.3 is the least version. Server contexts ignore it.
/// Errors: TLS_ERR_ARGUMENT (another number), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_ech_grease(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.ech_grease(mode))
}

/// What became of ECH: TLS_ECH_NONE (also on servers), TLS_ECH_GREASE, TLS_ECH_OFFERED, TLS_ECH_ACCEPTED or
/// TLS_ECH_REJECTED. It is settled when the handshake is done, or has failed by a rejection; with
/// TLS_VERIFY_ASK, TLS_ECH_OFFERED stays until then, but a rejection shows at TLS_ASK_VERIFY already.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_ech_status(conn: *mut tls_conn_t) -> i32 {
    with_connection(knowing(conn), |connection| connection.ech_status())
}

/// Copies out the ECHConfigList that the server gave when it rejected ECH, for one more try in a new connection.
/// 0 if it gave none, or has not rejected it. It is as trustworthy as the server's certificate for the
/// public name: with TLS_VERIFY_DANGEROUS_NONE it is not.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `list` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_ech_retry_configs(
    conn: *mut tls_conn_t,
    list: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(conn, |connection| {
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(connection.ech_retry_configs(), list, capacity) }
    })
}

/// The name that the server's certificate must be valid for, while a client's TLS_ASK_VERIFY is open, a DNS name
/// or an IP address: the one that the connection was made with, or the public name of an ECHConfigList if the
/// server rejected ECH. 0 if that question is not open, and on servers.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `text` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_verify_name(conn: *mut tls_conn_t, text: *mut c_char, capacity: usize) -> isize {
    with_connection(conn, |connection| {
        let name = connection.name_to_verify().unwrap_or_default();
        // SAFETY: valid as the caller promises.
        unsafe { copy_text_out(&name, text, capacity) }
    })
}
