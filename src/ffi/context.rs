//! Header section "Contexts".

use super::boundary::{contained, end_context, make_from_builder, publish_context, share_context};
use super::errors::report_construction;
use super::types::{tls_builder_t, tls_context_t, tls_error_t};
use crate::setup::context::Context;

/// ---- 3. Contexts ----------------------------------------------------------------------------
///
/// A context is what many connections share: keys, trust anchors, sessions for resumption, and the pool
/// of buffers. It never changes, its ticket keys apart, and any number of threads may use it at once.
///
/// Client contexts remember sessions and resume them; server contexts issue tickets (RFC 8446, 4.6.1) under
/// keys of their own, which rotate every six hours and are known to no other context; section 12 has more.
///
/// tls_context_client() makes a context for clients, tls_context_server() one for servers. The caller owns
/// it, until tls_context_free(). The builder can be changed, used again and freed afterwards.
///
/// `error` may be NULL; otherwise the caller has set `error->size`.
/// Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (NULL builder), TLS_ERR_HANDLE, TLS_ERR_BUSY,
/// TLS_ERR_MEMORY, TLS_ERR_INTERNAL, or TLS_ERR_CONFIG: no trust anchor under TLS_VERIFY_PEER, a private
/// key that does not belong to its certificate, limits that a handshake flight cannot keep. If a call on the builder
/// failed, and tls_builder_clear_error() was not called since: that call's failure, whatever it was. What
/// fails here is not remembered by the builder, which can be mended and used again. Since 0.1.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_context_client(
    builder: *const tls_builder_t,
    error: *mut tls_error_t,
) -> *mut tls_context_t {
    let result = contained(|| publish_context(make_from_builder(builder, Context::client)?));
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Makes a context for servers; see tls_context_client().
/// Errors: also TLS_ERR_CONFIG without an identity, or without a trust anchor if client certificates are
/// asked for under TLS_VERIFY_PEER. Since 0.1.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_context_server(
    builder: *const tls_builder_t,
    error: *mut tls_error_t,
) -> *mut tls_context_t {
    let result = contained(|| publish_context(make_from_builder(builder, Context::server)?));
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Whether all cryptography of a context's handshakes and records is that of a module validated by FIPS 140-3,
/// and its settings are those that NIST asks for: 1, or 0. It is 0 in every library that was not built
/// with the Cargo feature `fips`; in one that was, also with groups of the host's that are not approved.
/// docs/fips.md says what it covers, and what not.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_context_fips(context: *const tls_context_t) -> i32 {
    contained(|| Ok(i32::from(share_context(context)?.is_fips()))).unwrap_or_else(|failure| failure.status)
}

/// Ends the caller's hold on a context. Connections keep what they need of it, so this may be called while
/// some are alive. With the last of both its keys and sessions are wiped from the heap. NULL, and a handle that
/// is no context, do nothing. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_context_free(context: *mut tls_context_t) {
    end_context(context);
}
