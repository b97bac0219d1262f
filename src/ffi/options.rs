//! Header section "Options of one connection".

use std::ffi::c_void;
use std::ptr;

use super::boundary::{contained, enter_session, make_from_connection, publish_connection, share_context};
use super::errors::{report_construction, report_result};
use super::memory::{array, load_struct, named_bytes, not_there, text};
use super::types::{
    tls_client_options_t, tls_conn_t, tls_context_t, tls_error_t, tls_server_options_t, tls_status_t,
};
use crate::failure::Failure;
use crate::setup::context::{ClientOptions, EchOption, Sent};
use crate::status::*;

/// ---- 17. Options of one connection ----------------------------------------------------------
///
/// A context is what connections share. What one of them has of its own is in a struct, whose members are
/// zero for "as the context says", so that a struct with nothing but a name makes what tls_client_new()
/// makes. tls_client_new(), tls_client_new_named() and tls_client_new_resuming() are short forms of this call.
///
/// tls_client_new_with() starts a client connection. Of `options`:
///
/// `sni` is the DNS name to send, if it is another one than `server_name`, which the certificate must be
/// valid for; TLS_CLIENT_NO_SNI sends none. See tls_client_new_named(). `server_name` may be NULL where
/// tls_client_new() takes none.
///
/// `alpn` are the protocols that this connection offers; TLS_CLIENT_NO_ALPN offers none.
///
/// `session` is a session to resume, with TLS_CLIENT_OWN_SESSIONS or without; with that bit alone the
/// connection resumes none, and keeps those that it gets. See tls_client_new_resuming(). A session is one of
/// the same `server_name` and the same name sent.
///
/// `groups` are `groups_count` key exchange groups, in order of preference, that this connection offers in place
/// of the context's. A client that resumes a TLS 1.3 session can so be content with X25519 (0x001d) where
/// the session comes of X25519MLKEM768, which makes such a handshake more than a third cheaper. What it gives up:
/// the keys then come of X25519 and of the session, so that who records the connection, and has both a quantum
/// computer and the keys of the server's tickets one day, can read it. A context's ECH has no such connections:
/// give its list here as well.
///
/// `ech` is an ECHConfigList; TLS_CLIENT_ECH_GREASE and TLS_CLIENT_NO_ECH are the other choices. See
/// tls_builder_ech().
///
/// A name, groups, a session or ECH of its own costs a connection a copy of the context's settings (some 400 bytes, with
/// ECH some 700; not of its trust anchors, keys and lists).
///
/// Ownership: everything is read during the call; the session remains the caller's. `error` may be NULL; otherwise
/// the caller has set `error->size`.
/// Errors: NULL, with `error->status` as of the short forms, TLS_ERR_ARGUMENT (also a size or bits that this
/// version does not know, or two wishes of which one excludes the other), TLS_ERR_CONFIG (a malformed list, the
/// message has the offset; a group that does not exist here, or stands twice; an ECHConfigList without a usable
/// configuration; ECH without TLS 1.3, see there).
/// Since 0.1.
///
/// # Safety
/// `options` must be NULL or valid for `options->size` bytes, its names NULL or NUL-terminated, its lists valid for
/// their lengths, `error` NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_client_new_with(
    context: *const tls_context_t,
    options: *const tls_client_options_t,
    error: *mut tls_error_t,
) -> *mut tls_conn_t {
    const NOTHING: tls_client_options_t = tls_client_options_t {
        size: 0,
        server_name: ptr::null(),
        sni: ptr::null(),
        alpn: ptr::null(),
        alpn_len: 0,
        session: ptr::null_mut(),
        ech: ptr::null(),
        ech_len: 0,
        flags: 0,
        groups: ptr::null(),
        groups_count: 0,
    };
    let result = contained(|| {
        let context = share_context(context)?;
        // SAFETY: valid as the caller promises; any bytes are numbers and pointers.
        let given = unsafe { load_struct(options, NOTHING) }.map_err(|_| unknown_struct())?;
        check_flags(
            given.flags,
            TLS_CLIENT_NO_SNI
                | TLS_CLIENT_NO_ALPN
                | TLS_CLIENT_OWN_SESSIONS
                | TLS_CLIENT_ECH_GREASE
                | TLS_CLIENT_NO_ECH,
        )?;
        let has = |flag: u32| given.flags & flag != 0;
        // SAFETY: terminated as the caller promises; NULL is no name.
        let name = unsafe { text(given.server_name) }.ok();
        // SAFETY: as above; NULL is no name.
        let sent = match (has(TLS_CLIENT_NO_SNI), unsafe { text(given.sni) }) {
            (false, Err(_)) => Sent::Verified,
            (false, Ok(name)) => Sent::Other(name),
            (true, Err(_)) => Sent::None,
            (true, Ok(_)) => return Err(exclusive("a name to send and TLS_CLIENT_NO_SNI")),
        };
        // SAFETY: valid as the caller promises.
        let alpn = unsafe { own_alpn(given.alpn, given.alpn_len, has(TLS_CLIENT_NO_ALPN)) }?;
        // SAFETY: as above.
        let groups = unsafe { array(given.groups, given.groups_count) }
            .map_err(|status| not_there(status, "the list of groups"))?;
        // SAFETY: as above.
        let list = unsafe { named_bytes(given.ech, given.ech_len, "the ECHConfigList") }?;
        let ech = match (list, has(TLS_CLIENT_ECH_GREASE), has(TLS_CLIENT_NO_ECH)) {
            ([], false, false) => EchOption::OfContext,
            ([], true, false) => EchOption::Grease,
            ([], false, true) => EchOption::Off,
            (list, false, false) => EchOption::Offer(list),
            _ => {
                return Err(exclusive(
                    "more than one of an ECHConfigList, TLS_CLIENT_ECH_GREASE and TLS_CLIENT_NO_ECH",
                ));
            }
        };
        let mut session = if given.session.is_null() { None } else { Some(enter_session(given.session)?) };
        let session = session.as_mut().map(|session| &mut ***session);
        let sessions = (session.is_some() || has(TLS_CLIENT_OWN_SESSIONS)).then_some(session);
        let connection = context.connect_with(ClientOptions {
            server_name: name,
            sent,
            alpn,
            groups: (!groups.is_empty()).then_some(groups),
            ech,
            sessions,
        })?;
        publish_connection(connection)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Like tls_answer_context(), with options for this connection alone: `alpn` are the protocols that it agrees
/// to, in order of preference, so that a host can choose by what tls_hello_alpn() says; TLS_SERVER_NO_ALPN
/// agrees to none. A NULL `options` has no wishes. Other wishes of a server are contexts: any number of
/// them can share their ticket keys (tls_context_ticket_keys()). Protocols of its own cost the connection a
/// copy of the context's settings (some 300 bytes).
///
/// `error` may be NULL; otherwise the caller has set `error->size`. After an error the question is still open.
/// Errors: as of tls_answer_context(), TLS_ERR_ARGUMENT (also a size or bits that this version does not know, or a
/// list and TLS_SERVER_NO_ALPN), TLS_ERR_CONFIG (a malformed list; the message has the offset). Since 0.1.
///
/// # Safety
/// `options` must be NULL or valid for `options->size` bytes, its list valid for its length, `error` NULL or valid
/// for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_answer_context_with(
    conn: *mut tls_conn_t,
    context: *const tls_context_t,
    options: *const tls_server_options_t,
    error: *mut tls_error_t,
) -> tls_status_t {
    const NOTHING: tls_server_options_t =
        tls_server_options_t { size: 0, alpn: ptr::null(), alpn_len: 0, flags: 0 };
    let result = contained(|| {
        make_from_connection(conn, |connection| {
            let context = share_context(context)?;
            let given = if options.is_null() {
                NOTHING
            } else {
                // SAFETY: valid as the caller promises; any bytes are numbers and pointers.
                unsafe { load_struct(options, NOTHING) }.map_err(|_| unknown_struct())?
            };
            check_flags(given.flags, TLS_SERVER_NO_ALPN)?;
            let none = given.flags & TLS_SERVER_NO_ALPN != 0;
            // SAFETY: valid as the caller promises.
            let alpn = unsafe { own_alpn(given.alpn, given.alpn_len, none) }?;
            context.answer(connection, alpn)
        })
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_result(result, error) }
}

/// The list of a connection: None for that of its context, an empty one for none.
///
/// # Safety
/// `length` bytes at `wire` must be initialised and stay unchanged for `'a`.
unsafe fn own_alpn<'a>(wire: *const c_void, length: usize, none: bool) -> Result<Option<&'a [u8]>, Failure> {
    // SAFETY: valid as the caller promises.
    let wire = unsafe { named_bytes(wire, length, "the ALPN list") }?;
    match (wire, none) {
        ([], false) => Ok(None),
        ([], true) => Ok(Some(&[])),
        (wire, false) => Ok(Some(wire)),
        (_, true) => Err(exclusive("a list of protocols and the bit for none of them")),
    }
}

fn check_flags(flags: u32, known: u32) -> Result<(), Failure> {
    match flags & !known {
        0 => Ok(()),
        unknown => Err(Failure::argument(format!("0x{unknown:x} is no bit of the options' flags"))),
    }
}

fn unknown_struct() -> Failure {
    Failure::argument(
        "the options are NULL, their size was not set, or they say more than this version knows",
    )
}

fn exclusive(what: &str) -> Failure {
    Failure::argument(format!("the options contradict each other: {what}"))
}
