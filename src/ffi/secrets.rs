//! Header section "Traffic secrets for the kernel".

use std::ffi::c_void;

use zeroize::Zeroize;

use super::boundary::{checked, make_from_connection, with_builder};
use super::errors::report_result;
use super::memory::{bytes, size_of_struct, store_struct};
use super::types::{tls_builder_t, tls_conn_t, tls_error_t, tls_status_t, tls_traffic_secret_t};
use crate::failure::Failure;
use crate::record::secrets::TrafficSecret;
use crate::status::{Status, TLS_ERR_ARGUMENT};

/// ---- 20. Traffic secrets for the kernel -----------------------------------------------------
///
/// After the handshake somebody else can go on with the records: Linux's kernel (kTLS), a network card, a
/// program of the host's. docs/kernel-tls.md shows how.
///
/// tls_builder_secret_extraction() sets whether connections of contexts made from now on give their traffic
/// secrets away: 1, or 0, the default. Whoever has them can read and forge the traffic.
/// Errors: TLS_ERR_ARGUMENT (also if `mode` is neither 0 nor 1), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_secret_extraction(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.secret_extraction(mode))
}

/// Takes the traffic secrets out of a connection: fills in `*receive`, for records of the peer, and `*send`, for
/// records of this side. The connection carries no more data from then on: TLS_HANDED_OVER is set, and
/// calls that feed, drain, read, write, close or advance answer TLS_ERR_STATE. Facts, events, counters (as they
/// were), keying material and sessions can still be had, until tls_free().
///
/// Both streams must stand between two records. So it is answered TLS_ERR_STATE, and the connection is unharmed,
/// while wire bytes are queued (drain them), plain bytes or early data wait (read them), or the beginning of a
/// record is here (feed the rest): what was taken from the transport cannot be put back. The message of
/// `error` says which, and how many bytes. Records that were fed whole are processed first; wire bytes that were
/// not fed yet are whoever's goes on. If the answer to a KeyUpdate of the peer is still owed, it is queued now.
///
/// With AES-GCM in TLS 1.2 the explicit nonce in `send->iv` is one that no record of this side has used, nor have
/// those that follow when it counts up by one a record, as the kernel does. It must not be used in another way.
///
/// `receive` and `send` belong to the caller, who has set their sizes, and who wipes the structs after use; the
/// library wipes its own copies. `error` may be NULL; otherwise the caller has set `error->size`. Errors:
/// TLS_ERR_ARGUMENT (NULL, or a size smaller than the tls_traffic_secret_t of version 0.1), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY, TLS_ERR_STATE (as above; also: the context does not allow it, the handshake is not done, a
/// direction is over, this is a half of a connection, or the secrets were taken), and the fatal ones. Since 0.1.
///
/// # Safety
/// `receive` and `send` must be NULL or valid for their sizes, and not overlap; `error` NULL or valid for its.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_secrets_take(
    conn: *mut tls_conn_t,
    receive: *mut tls_traffic_secret_t,
    send: *mut tls_traffic_secret_t,
    error: *mut tls_error_t,
) -> tls_status_t {
    let result = make_from_connection(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let receive_size = unsafe { usable_size(receive) }.map_err(unusable)?;
        // SAFETY: as above.
        let send_size = unsafe { usable_size(send) }.map_err(unusable)?;
        let secrets = connection.take_secrets()?;
        // SAFETY: as above.
        unsafe { give(receive, receive_size, &secrets.receive) };
        // SAFETY: as above.
        unsafe { give(send, send_size, &secrets.send) };
        Ok(())
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_result(result, error) }
}

/// Fills in the secret of one direction that follows a KeyUpdate (RFC 8446, 7.2), after tls_secrets_take(). With
/// TLS_KEYS_IN when a KeyUpdate of the peer was received: records behind it are under the new secret. With
/// TLS_KEYS_OUT when this side sends one, which the host makes and sends under the old secret: before
/// `most_records` of it are used up, or because the peer's one asked for it. Each call goes one secret on, so make
/// it once for each KeyUpdate. `sequence` is 0.
///
/// `secret` belongs to the caller, who has set its size, and who wipes it after use.
/// Errors: TLS_ERR_ARGUMENT (also for another direction, or a size that is too small), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY, TLS_ERR_STATE (the secrets were not taken, or TLS 1.2), and the fatal ones. Since 0.1.
///
/// # Safety
/// `secret` must be NULL or valid for its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_secrets_next(
    conn: *mut tls_conn_t,
    direction: u32,
    secret: *mut tls_traffic_secret_t,
) -> tls_status_t {
    checked(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let size = unsafe { usable_size(secret) }?;
        let next = connection.next_secret(direction)?;
        // SAFETY: as above.
        unsafe { give(secret, size, &next) };
        Ok(())
    })
}

/// Keeps the tickets of TLS 1.3 that came after tls_secrets_take(), so that sessions can be resumed. `message`
/// is what was in one or more records of type handshake (22): whole messages with their headers, all of type
/// new_session_ticket (4); they are read during the call. Errors: TLS_ERR_ARGUMENT (NULL, another message, or one
/// that is cut off; none is taken then), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the secrets were not taken, a
/// server, or TLS 1.2), and the fatal ones if the peer sent a malformed ticket: the host may then send the alert
/// decode_error (50). Since 0.1.
///
/// # Safety
/// `len` bytes at `message` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_secrets_ticket(
    conn: *mut tls_conn_t,
    message: *const c_void,
    len: usize,
) -> tls_status_t {
    checked(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let message = unsafe { bytes(message, len) }?;
        if message.is_empty() {
            return Err(TLS_ERR_ARGUMENT);
        }
        connection.keep_tickets(message)
    })
}

fn unusable(status: Status) -> Failure {
    Failure::new(status, 0, "the struct for a secret is NULL, or smaller than that of version 0.1")
}

/// # Safety
/// `secret` must be NULL or valid for a read of a size.
unsafe fn usable_size(secret: *const tls_traffic_secret_t) -> Result<usize, Status> {
    // SAFETY: valid as the caller promises.
    match unsafe { size_of_struct(secret) }? {
        size if size < size_of::<tls_traffic_secret_t>() => Err(TLS_ERR_ARGUMENT),
        size => Ok(size),
    }
}

/// Fills in `place`, and wipes what was between here and there.
///
/// # Safety
/// `place` must be valid for writes of `size` bytes.
unsafe fn give(place: *mut tls_traffic_secret_t, size: usize, secret: &TrafficSecret) {
    let mut report = tls_traffic_secret_t {
        size,
        sequence: secret.sequence,
        most_records: secret.most_records,
        version: secret.version,
        suite: secret.suite,
        key_len: secret.key.len() as u16,
        iv_len: secret.iv.len() as u16,
        key: [0; 32],
        iv: [0; 16],
    };
    report.key[..secret.key.len()].copy_from_slice(&secret.key);
    report.iv[..secret.iv.len()].copy_from_slice(secret.iv.as_slice());
    // SAFETY: valid as the caller promises; the struct begins with its size.
    unsafe { store_struct(place, &report, size) };
    report.key.zeroize();
    report.iv.zeroize();
}
