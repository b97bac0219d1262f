//! Header section "Errors".

use std::ffi::c_char;

use super::boundary::{enter_builder, with_connection};
use super::memory::{size_of_struct, store_struct};
use super::types::{tls_builder_t, tls_conn_t, tls_error_t, tls_status_t};
use crate::failure::Failure;
use crate::status::{TLS_ERR_ARGUMENT, TLS_OK};

/// ---- 1. Errors ------------------------------------------------------------------------------
///
/// Errors belong to the object that they happened to, or to the tls_error_t that the caller hands
/// in; never to a thread. Reading one changes nothing.
///
/// tls_conn_error() tells what ended a connection: its status, a reason, the alerts, and a sentence.
/// An end of the transport without a close_notify is told as well, as TLS_TRUNCATED once tls_advance() answers that:
/// in the handshake it is what is left of a peer that gave up. Otherwise it fills in TLS_OK and an empty
/// message. A connection that failed holds no buffer any more, but for what waits to be drained: it may be kept.
///
/// A message is for people, and fit for a log: one line, without control characters. What comes from the peer, such
/// as the names in its certificate, is cut to a bounded length and stands there as RFC 4514 writes it: bytes other
/// than visible ASCII are \\XX. Programs branch on the status; a reason tells violations of the protocol
/// apart, and may be joined by finer ones in later versions.
///
/// `error` belongs to the caller, who has set `error->size`: TLS_ERROR_INIT does. Every call that fills in a tls_error_t
/// takes a size of 0, which is that of a variable that was only zeroed, for the size of the struct in the first version of
/// this header, than which none is smaller: what went wrong is told there too. This one and tls_builder_error()
/// name the mistake by their answer besides.
/// Errors: TLS_ERR_ARGUMENT (NULL; a size of 0; or one smaller than its first two members, where nothing is filled
/// in), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes, and for those of the first version if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_conn_error(conn: *mut tls_conn_t, error: *mut tls_error_t) -> tls_status_t {
    with_connection(conn, |connection| {
        // SAFETY: valid as the caller promises.
        unsafe { report(connection.explanation().as_deref(), error) }
    })
}

/// Tells what the first call that failed on a builder had to say: TLS_OK and an empty message if none failed,
/// or none since tls_builder_clear_error(). It only shows: as long as there is something to show, no context is
/// made of the builder (section 2).
///
/// `error` belongs to the caller, who has set `error->size`.
/// Errors: TLS_ERR_ARGUMENT (NULL, or a size as for tls_conn_error()), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes, and for those of the first version if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_error(
    builder: *const tls_builder_t,
    error: *mut tls_error_t,
) -> tls_status_t {
    match enter_builder(builder) {
        // SAFETY: valid as the caller promises.
        Ok(entry) => unsafe { report(entry.failure(), error) },
        Err(failure) => failure.status,
    }
}

/// Says that the host has seen what went wrong on a builder, and goes on without it: everything that failed
/// until now is forgotten, and contexts can be made again. What failed is not set; the rest is. Call it where
/// a failure was expected and handled, after a look at tls_builder_error(), which shows whether it is that one.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY (nothing is forgotten), TLS_ERR_INTERNAL (a defect of
/// the library left the builder in an unknown state; free it). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_clear_error(builder: *mut tls_builder_t) -> tls_status_t {
    enter_builder(builder)
        .and_then(|mut entry| entry.forget())
        .map_or_else(|failure| failure.status, |()| TLS_OK)
}

/// The name of a status as in this header ("TLS_WANT_FEED"), "TLS_UNKNOWN" for other numbers.
/// Never NULL; the text is static and always valid. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_status_name(status: tls_status_t) -> *const c_char {
    super::constants::name_of(status).as_ptr()
}

/// The name of a reason as in this header ("TLS_REASON_CERTIFICATE_EXPIRED"), for logs: "TLS_REASON_NONE" for 0, and
/// "TLS_UNKNOWN" for numbers that are none, such as those of a newer library. Every reason has a name, and no two
/// have the same. Never NULL; the text is static and always valid. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_reason_name(reason: i32) -> *const c_char {
    super::constants::name_of_reason(reason).as_ptr()
}

/// The size of tls_error_t in the first version of the header. Every variable of that type has it, whatever version it was
/// compiled with: a caller who left the size at 0 would otherwise read that nothing went wrong.
const FIRST_SIZE: usize = 280;
const _: () = assert!(size_of::<tls_error_t>() >= FIRST_SIZE);

/// Fills in `error`, as much of it as its size says.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes, and for [`FIRST_SIZE`] if that is 0.
unsafe fn report(failure: Option<&Failure>, error: *mut tls_error_t) -> tls_status_t {
    // The size and the status must have room: otherwise there is nothing to tell.
    const LEAST: usize = size_of::<usize>() + size_of::<tls_status_t>();
    // SAFETY: valid as the caller promises.
    let (size, status) = match unsafe { size_of_struct(error) } {
        Ok(0) => (FIRST_SIZE, TLS_ERR_ARGUMENT),
        Ok(size) if size >= LEAST => (size, TLS_OK),
        _ => return TLS_ERR_ARGUMENT,
    };
    // SAFETY: valid as the caller promises; the struct begins with its size.
    unsafe { store_struct(error, &tls_error_t::of(failure, size), size) };
    status
}

/// Fills in the error of a constructor, which may be NULL.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes.
pub(super) unsafe fn report_construction<H>(
    result: Result<*mut H, Failure>,
    error: *mut tls_error_t,
) -> *mut H {
    let (handle, failure) = match result {
        Ok(handle) => (handle, None),
        Err(failure) => (std::ptr::null_mut(), Some(failure)),
    };
    // SAFETY: valid as the caller promises. An error that is NULL or too small is not filled in.
    let _ = unsafe { report(failure.as_ref(), error) };
    handle
}

/// Fills in the error of a call on an object that keeps none, which may be NULL.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes.
pub(super) unsafe fn report_result(result: Result<(), Failure>, error: *mut tls_error_t) -> tls_status_t {
    let failure = result.err();
    // SAFETY: valid as the caller promises. An error that is NULL or too small is not filled in.
    let _ = unsafe { report(failure.as_ref(), error) };
    failure.map_or(TLS_OK, |failure| failure.status)
}
