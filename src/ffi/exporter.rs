//! Header section "Keying material and bindings".

use std::ffi::c_void;

use super::boundary::{counted, knowing, with_connection};
use super::memory::{HostBuffer, bytes, copy_out};
use super::types::tls_conn_t;
use crate::connection::PlainTarget;
use crate::status::TLS_ERR_ARGUMENT;

/// ---- 13. Keying material and bindings -------------------------------------------------------
///
/// Both ends of a connection can derive the same secrets from it, and nobody else can: for keys of another
/// protocol (SRTP, EAP, tokens), or to prove that a login inside the connection goes to the same server
/// as the connection itself.
///
/// tls_export() derives `out_len` bytes of keying material (RFC 5705; RFC 8446, 7.5) into `out` and answers
/// how many: all of them. `label` is a name of the host's protocol, without a terminator, such as
/// "EXPERIMENTAL-my-protocol"; it may be empty, though RFC 8446 means every use to have one of its own.
/// `context` distinguishes uses of the same label. With `has_context` 0 there is no context and the pointer is ignored;
/// with 1 there is one, which may be empty. TLS 1.2 tells no context from an empty one, TLS 1.3 does not. Both ends get
/// the same bytes for the same label, context and length; any number of times, until tls_free().
///
/// The bytes are a secret: they belong to the host, who wipes them after use. The library keeps no copy.
/// Errors: TLS_ERR_ARGUMENT (NULL; a label of more than TLS_MAX_EXPORT_LABEL bytes; a context of more
/// than 65535 bytes; `has_context` neither 0 nor 1; `out_len` 0 or above TLS_MAX_EXPORT), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done), and the fatal ones; `out` is left alone. Since
/// 0.1.
///
/// # Safety
/// The buffers must be valid for their lengths, `out` for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_export(
    conn: *mut tls_conn_t,
    label: *const c_void,
    label_len: usize,
    context: *const c_void,
    context_len: usize,
    has_context: i32,
    out: *mut c_void,
    out_len: usize,
) -> isize {
    counted(knowing(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let label = unsafe { bytes(label, label_len) }?;
        let context = match has_context {
            0 => None,
            // SAFETY: as above.
            1 => Some(unsafe { bytes(context, context_len) }?),
            _ => return Err(TLS_ERR_ARGUMENT),
        };
        // SAFETY: as above.
        let mut out = unsafe { HostBuffer::new(out, out_len) }?;
        Ok(out.put(&connection.export(label, context, out_len)?))
    })
}

/// The channel binding (RFC 5056) of `kind`, for SCRAM, GSS-API and the like; both ends get the same bytes
/// . Copied out like a fact (section 8): the answer is the full size.
///
/// TLS_BINDING_EXPORTER is "tls-exporter" (RFC 9266), 32 bytes that no other connection has. TLS 1.2 has it
/// only with the extended main secret (RFC 7627), which every current peer negotiates.
/// TLS_BINDING_SERVER_END_POINT is "tls-server-end-point" (RFC 5929): the hash of the server's certificate,
/// by the hash function of that certificate's signature (SHA-256 in place of MD5 and SHA-1).
///
/// On a server with several identities that is the certificate of the one that it presented; after
/// resumption, the one that it would present to this client.
///
/// 0 means that this connection has no such binding: TLS 1.2 without extended main secret; a certificate
/// whose signature has no hash function of its own (Ed25519), for which RFC 5929 defines none; a server's raw
/// public key. Do not go on without one where it was to protect something. Errors: TLS_ERR_ARGUMENT (also for another
/// kind), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done), and the fatal ones. Since 0.1.
///
/// # Safety
/// `out` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_channel_binding(
    conn: *mut tls_conn_t,
    kind: i32,
    out: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(knowing(conn), |connection| match connection.channel_binding(kind) {
        // SAFETY: valid as the caller promises.
        Ok(binding) => unsafe { copy_out(binding.as_deref().map_or(&[], |bytes| bytes), out, capacity) },
        Err(status) => status as isize,
    })
}
