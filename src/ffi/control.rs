//! Header section "Control".

use super::boundary::{checked, counted, inbound, outbound, with_builder};
use super::memory::{HostBuffers, array, bytes, check_pieces};
use super::types::{tls_builder_t, tls_conn_t, tls_iovec_t, tls_status_t};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::status::Status;

/// Pieces that one vectored call works on; it says how far it came.
const MOST_PIECES: usize = 64;

/// ---- 15. Control ----------------------------------------------------------------------------
///
/// tls_builder_suites() sets the cipher suites that may be negotiated, in order of preference, by their IANA
/// numbers (such as 0x1302, TLS_AES_256_GCM_SHA384); a `count` of 0 goes back to the default, which is all of
/// them. Suites of both protocol versions stand in one list. A server with a list goes by its own order, one
/// without by the client's.
///
/// `suites` is read during the call. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG
/// (a suite that does not exist here, or stands twice; the message has its place). That none is left for a
/// configured version is found when a context is made. Since 0.1.
///
/// # Safety
/// `count` numbers at `suites` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_suites(
    builder: *mut tls_builder_t,
    suites: *const u16,
    count: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let suites = unsafe { array(suites, count) }.map_err(refused)?;
        builder.suites(suites)
    })
}

/// Sets the key exchange groups, in order of preference, by their IANA numbers (such as 0x001d, x25519); a
/// `count` of 0 goes back to the default, X25519MLKEM768 (0x11ec) first. A client sends a key share for the
/// first, or for that of tls_builder_key_share(). A server with a list goes by its own order, even where that costs a
/// HelloRetryRequest; one without by the client's.
///
/// `groups` is read during the call.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (a group that does not exist here, or
/// stands twice; the message has its place). Since 0.1.
///
/// # Safety
/// `count` numbers at `groups` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_groups(
    builder: *mut tls_builder_t,
    groups: *const u16,
    count: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let groups = unsafe { array(groups, count) }.map_err(refused)?;
        builder.groups(groups)
    })
}

/// Sets the signature schemes (RFC 8446, 4.2.3) by their IANA numbers (such as 0x0403, ecdsa_secp256r1_sha256), in
/// order of preference; a `count` of 0 goes back to the default, which is all that exist here. They are for both
/// directions: this side offers them to its peer, in this order, and accepts no other in the peer's proof that it has
/// its key; and its own keys, those elsewhere included, sign in the first one that the peer takes. Signatures
/// inside certificates are another matter: those are judged as section 11 says.
///
/// `schemes` is read during the call.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (TLS_REASON_SCHEME_UNSUPPORTED: a scheme
/// that does not exist here, or stands twice; the message has its place). tls_context_client() and
/// tls_context_server() refuse identities whose key can sign in none of them, for the same reason. Since 0.1.
///
/// # Safety
/// `count` numbers at `schemes` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_signature_schemes(
    builder: *mut tls_builder_t,
    schemes: *const u16,
    count: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let schemes = unsafe { array(schemes, count) }.map_err(refused)?;
        builder.signature_schemes(schemes)
    })
}

/// Sets the group whose key share a client sends with its first ClientHello (RFC 8446, 4.2.8), by its IANA number; 0,
/// the default, is the first of its groups. A server that takes another group asks for its share by a
/// HelloRetryRequest, which costs a round trip: who offers a group that few servers have, but prefers it, sends the
/// share of one that most have. To a server that chose a group before, the client sends a share of that one,
/// as long as the context remembers it (tls_builder_sessions()). With X25519MLKEM768 goes a share of x25519, if that
/// is offered too; there are no other pairs. Servers pay no attention.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (a group that does not exist here). One that
/// is not among those of tls_builder_groups() is refused by tls_context_client(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_key_share(builder: *mut tls_builder_t, group: u16) -> tls_status_t {
    with_builder(builder, |builder| builder.key_share(group))
}

/// Sets the algorithms for the compression of certificates (RFC 8879, TLS 1.3), in order of preference:
/// TLS_COMPRESSION_ZLIB (1), TLS_COMPRESSION_BROTLI (2). Off by default, and with a `count` of 0. They are for
/// both directions: the peer is told that its chain may be compressed so, and the own chain is, by the first
/// one that the peer takes. It saves some hundred bytes of a usual chain, which can spare a round trip.
///
/// The own chain is compressed once, at the first handshake that needs it, and kept; that takes some
/// milliseconds, and no more than 2 MiB of memory meanwhile. A chain of the peer that would be longer than
/// 65536 bytes is refused before anything is decompressed, and never more than that is; meanwhile Brotli can
/// take up to 16 MiB for its window, if the peer says so, zlib 64 KiB. Whether a chain came compressed cannot be told.
///
/// A library that was built without the Cargo feature `brotli`, which saves 1.1 MB, has zlib only.
///
/// `algorithms` is read during the call.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (an algorithm that does not exist
/// here, or stands twice; the message has its place). Since 0.1.
///
/// # Safety
/// `count` numbers at `algorithms` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_certificate_compression(
    builder: *mut tls_builder_t,
    algorithms: *const u16,
    count: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let algorithms = unsafe { array(algorithms, count) }.map_err(refused)?;
        builder.certificate_compression(algorithms)
    })
}

/// Like tls_write_from(), from up to 64 pieces of memory, which are sealed as if they were one: many small
/// pieces become one record. Answers how many bytes were taken in all; with more pieces than 64 it takes
/// the first ones. Errors: TLS_ERR_ARGUMENT (NULL, here or in a piece, or pieces that are not aligned),
/// TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_close_notify()), and the fatal ones. Since 0.1.
///
/// # Safety
/// `count` pieces at `pieces` must be valid, and each of them for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_write_vectored(
    conn: *mut tls_conn_t,
    pieces: *const tls_iovec_t,
    count: usize,
) -> isize {
    counted(outbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let pieces = unsafe { array(pieces, count) }?;
        let mut chunks = [&[][..]; MOST_PIECES];
        let used = pieces.len().min(MOST_PIECES);
        check_pieces(&pieces[..used])?;
        for (chunk, piece) in chunks.iter_mut().zip(pieces) {
            // SAFETY: as above.
            *chunk = unsafe { bytes(piece.base, piece.len) }?;
        }
        connection.write_vectored(&mut chunks[..used])
    })
}

/// Like tls_read_into(), into several pieces of memory, one after the other. Answers how many bytes were
/// given in all. Errors: TLS_ERR_ARGUMENT (NULL, here or in a piece, or pieces that are not aligned),
/// TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
///
/// # Safety
/// `count` pieces at `pieces` must be valid, and each of them for writes of its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_read_vectored(
    conn: *mut tls_conn_t,
    pieces: *const tls_iovec_t,
    count: usize,
) -> isize {
    counted(inbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let pieces = unsafe { array(pieces, count) }?;
        // SAFETY: as above.
        let mut buffers = unsafe { HostBuffers::new(pieces) }?;
        connection.read_into(&mut buffers)
    })
}

/// Queues a KeyUpdate (RFC 8446, 4.6.3) that asks the peer for one too: both directions go on under new
/// keys, which is of use before a long idle time. While the peer has not answered the last one, no other is queued,
/// and the call answers TLS_OK as well. The library does it by itself before a key has sealed as much as it may.
///
/// A peer's answers never count against it, however many it gives without a byte of data; the 33rd KeyUpdate in
/// a row that nobody asked for ends the connection. There is none that asks for nothing back (update_not_requested):
/// docs/not-there.md says why. Errors: TLS_WANT_DRAIN, TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE
/// (the handshake is not done, TLS 1.2, or after tls_close_notify()), and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_key_update(conn: *mut tls_conn_t) -> tls_status_t {
    checked(outbound(conn), Connection::update_keys)
}

fn refused(status: Status) -> Failure {
    Failure::new(status, 0, "the list is NULL, not aligned, or longer than memory can be")
}
