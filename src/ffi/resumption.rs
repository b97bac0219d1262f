//! Header section "Resumption".

use std::ffi::{c_char, c_void};
use std::mem::offset_of;

use super::boundary::{
    checked, contained, counted, end_session, enter_session, inbound, knowing, make_from_connection,
    outbound, publish_connection, publish_session, share_context, with_builder, with_connection,
};
use super::errors::{report_construction, report_result};
use super::memory::{HostBuffer, bytes, copy_out, store, text};
use super::types::{
    tls_builder_t, tls_conn_t, tls_context_t, tls_error_t, tls_session_t, tls_status_t, tls_ticket_key_t,
};
use crate::engine::{GivenKey, SessionFacts, TICKET_KEY_NAME};
use crate::failure::Failure;
use crate::setup::context::ClientOptions;
use crate::status::{TLS_ERR_STATE, TLS_OK};

/// ---- 12. Resumption -------------------------------------------------------------------------
///
/// A session is what two peers remember of a handshake, to spare the next one certificates and signatures. A
/// client keeps it; a server gives it away, encrypted, as a ticket (RFC 8446, 4.6.1; RFC 5077), and remembers
/// nothing. tls_resumed() says whether a handshake resumed one. A resumed session is not verified again: the
/// peer's certificates and the agreed facts are those of the first handshake. Early data (0-RTT) is off, see
/// tls_builder_early_data().
///
/// No session outlives the certificates that it stands for. What is offered later is not offered, or not taken,
/// and the handshake is a full one. Both sides look, by the clock of their context: at the certificates that the peer
/// showed, and, where the rules of the context decide about them, at trust anchors, intermediates and CRLs of
/// these names too; what has ended there makes the chain be judged once more, without its name, and the session goes
/// on if it would be accepted now. Under TLS_VERIFY_ASK and TLS_VERIFY_DANGEROUS_NONE the end of any certificate
/// that the peer showed is enough. A server also lets no session outlive its own certificates, and says so in the
/// lifetime of tickets; under shared keys this holds on whatever server the ticket is offered. With
/// tls_builder_verify_time() time changes nothing about the peer's.
///
/// On a client, sessions are where the host wants them. Connections made by tls_client_new() share the store of
/// their context. Connections made by tls_client_new_resuming() have sessions of their own: tls_session_take()
/// hands one out, and the host hands it to the next connection. On servers, tls_context_ticket_keys() lets any
/// number of processes and machines resume each other's sessions.
///
/// A server that answers with a HelloRetryRequest for a suite of another hash gets a second ClientHello without the session:
/// the handshake is a full one.
///
/// A client sends its ticket back in the ClientHello. One of more than 25600 bytes, or for which a smaller outbound limit
/// leaves no room beside 8 KiB, is not kept: nothing can be resumed with it. TLS_EVENT_TICKET tells of
/// it all the same.
///
/// tls_builder_sessions() sets the most sessions that a context remembers; the default is 256
/// (TLS_DEFAULT_SESSIONS), 0 is none, TLS_MAX_SESSIONS the most. A client context counts in servers: it
/// keeps up to eight sessions for each of `most` / 8 servers, rounded up, and forgets the server that it
/// has known longest; one that is known with ECH and without counts twice. A connection resumes the newest of those that
/// came to connections on its thread, or the newest of another thread's if there is none. A server context counts single
/// sessions: those of TLS 1.2, for clients that take no tickets, and all if it takes early data. They last a day.
/// Errors: TLS_ERR_ARGUMENT (above TLS_MAX_SESSIONS). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_sessions(builder: *mut tls_builder_t, most: usize) -> tls_status_t {
    with_builder(builder, |builder| builder.sessions(most))
}

/// Sets how many tickets a server sends after a TLS 1.3 handshake to clients that do not say how many they want,
/// and the most that it sends to clients that do (RFC 9149). The default is 2 (TLS_DEFAULT_TICKETS), the most 8
/// (TLS_MAX_TICKETS). Clients use a ticket once: those that open several connections at a time can use more than
/// one. TLS 1.2 has one ticket, whatever is set but 0. With 0 there are no tickets at all, in either version:
/// none is sent, and none is taken. No TLS 1.3 handshake is resumed then, and of TLS 1.2 only what the context itself
/// remembers (tls_builder_sessions(), 0 for nothing).
/// Each of more than two takes 4160 bytes of what tls_builder_limits() allows outbound.
///
/// A ticket of a server that asks for client certificates has the client's chain in it, and so may take its share of
/// what the outbound limit leaves, up to 25600 bytes: by default chains of 25 KB with one or two tickets, of 15 KB
/// with four, of 7 KB with eight. A longer one is not sent, and that client's handshakes stay full ones.
/// Errors: TLS_ERR_ARGUMENT (above TLS_MAX_TICKETS), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_tickets(builder: *mut tls_builder_t, count: u32) -> tls_status_t {
    with_builder(builder, |builder| builder.tickets(count))
}

/// Lets a client say how many tickets it wants (RFC 9149): `full` after a full handshake, `resumed` after a
/// resumed one, each up to 8 (TLS_MAX_TICKETS). By default it says nothing. A client that makes one connection
/// after the other wants one of each: every ticket more is a derivation, an encryption and some 200 bytes for the
/// server. It is a wish: servers may send fewer, and those that do not know of it send what they please.
/// Errors: TLS_ERR_ARGUMENT (above TLS_MAX_TICKETS), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_ticket_request(
    builder: *mut tls_builder_t,
    full: u32,
    resumed: u32,
) -> tls_status_t {
    with_builder(builder, |builder| builder.ticket_request(full, resumed))
}

/// Sets the keys for the tickets of a live server context, `count` of them at `keys`, in place of the keys it
/// had: at once for all its connections, and atomically, so that every ticket is made and read with the former
/// keys or the new ones, and no handshake fails because of it. New tickets are encrypted by the key that
/// has the latest `encrypt_from` not in the future, and their lifetime hint is what this key has left, a week
/// at most. Every key decrypts before its `decrypt_until`, also before its `encrypt_from`, for clocks differ.
/// Without a key whose time it is no ticket is issued. `count` 0 returns to keys of the context's own. As long
/// as it has the host's keys, the context remembers no sessions itself: TLS 1.2 clients that take no tickets
/// make full handshakes.
///
/// All contexts with the same keys resume each other's sessions, in whatever process and on whatever machine
/// if they ask for client certificates alike: tls_builder_client_auth(), and where that is not NONE
/// also tls_builder_verify(), the trust anchors and what section 11 adds to the rules. A ticket that is
/// expired, of an unknown key, of other such rules, or altered makes a full handshake, never an error.
/// The client's certificates are in the ticket: tls_peer_certificate() has them after resumption.
///
/// Rotate often: who learns a key can read the tickets under it, and with them what their TLS 1.2 sessions
/// carried. Hand out a new key with an `encrypt_from` so far ahead that all processes have it by then. Times
/// are compared with the clock of the context, that of the system unless tls_context_time() says otherwise.
///
/// A ticket is sealed by AES-256-GCM under a key of its own, derived from the secret and a random salt of 256
/// bits by HKDF-SHA-256, so that the number of tickets under one secret has no bound that matters.
///
/// Ownership: keys are copied; a copy is wiped when the keys were replaced, or the context has ended, and no
/// handshake uses it. Wipe yours. `error` may be NULL; otherwise the caller has set `error->size`.
/// Errors: TLS_ERR_ARGUMENT (NULL; a client context; a `size` that is too small, or not the same in all keys),
/// TLS_ERR_HANDLE, TLS_ERR_STATE (a context that takes early data), TLS_ERR_INTERNAL, TLS_ERR_CONFIG
/// (TLS_REASON_TICKET_KEY_UNUSABLE: a secret of a wrong length or of zeros only, an end that is not after the
/// beginning, a name that another key has; the message has the key's place in the array). After an error the
/// context has the keys that it had. Since 0.1.
///
/// # Safety `keys` must be valid for `count` structs of `keys->size` bytes, `error` NULL or valid for
/// `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_context_ticket_keys(
    context: *const tls_context_t,
    keys: *const tls_ticket_key_t,
    count: usize,
    error: *mut tls_error_t,
) -> tls_status_t {
    let result = contained(|| {
        let context = share_context(context)?;
        // SAFETY: valid as the caller promises.
        let keys = unsafe { given_keys(keys, count) }?;
        context.ticket_keys(&keys)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_result(result, error) }
}

/// Puts `len` bytes of the host's into the tickets that this server connection will send, at most
/// TLS_MAX_RESUMPTION_DATA (1024): what it wants to find again when the client resumes, on whatever server that has
/// the ticket keys, such as settings of the application's protocol. Tickets are encrypted, so nobody reads
/// or alters it on the way; but a client can use a ticket for as long as it lives. An empty buffer takes it back.
///
/// To be called before the ClientHello is processed, best right after tls_server_new(). `data` is copied. Servers
/// that may ask for a context or for a verdict cannot have it: the engine takes it too early for that.
/// Errors: TLS_ERR_ARGUMENT (also if it is too long), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a client, a
/// server that may ask, or too late), and the fatal ones. Since 0.1.
///
/// # Safety
/// `data` must be NULL or valid for reads of `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_resumption_data_set(
    conn: *mut tls_conn_t,
    data: *const c_void,
    len: usize,
) -> tls_status_t {
    checked(knowing(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let data = unsafe { bytes(data, len) }?;
        connection.set_resumption_data(data)
    })
}

/// Copies out what was in the ticket by which the client of this server connection resumed
/// (tls_resumption_data_set()): the answer is its full size in bytes, whatever fits is copied, NULL only asks the
/// size. 0 if it did not resume, or nothing was in there, and on clients.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a sending half). Since 0.1.
///
/// # Safety
/// `data` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_resumption_data(
    conn: *mut tls_conn_t,
    data: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(knowing(conn), |connection| {
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(connection.resumption_data(), data, capacity) }
    })
}

/// Starts a client connection as tls_client_new() does, but with sessions of its own: it resumes `session`,
/// or none if that is NULL, and keeps the sessions that the server gives, the newest eight, until they are
/// taken by tls_session_take(). The store of the context has no part in it. If the server does not resume
/// the session, or it has expired, the handshake is a full one.
///
/// A TLS 1.3 session is used once, so that nobody can tell by it that two connections are of the same client
/// (RFC 8446, C.4); it is used up even if this call fails with TLS_ERR_LIMIT. A TLS 1.2 session can be used
/// any number of times. The session remains the caller's, to be freed by tls_session_free().
///
/// `error` may be NULL; otherwise the caller has set `error->size`.
/// Errors: NULL, with `error->status` as of tls_client_new(), TLS_ERR_ARGUMENT (a session that was made under
/// another context, or with another server name: it says nothing about what this one would accept; one of a
/// connection that offered ECH for one that does not, or the other way round ),
/// TLS_ERR_STATE (a TLS 1.3 session that was used), TLS_ERR_BUSY (another thread uses this session). Since 0.1.
///
/// # Safety
/// `server_name` must be NULL or NUL-terminated, `error` NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_client_new_resuming(
    context: *const tls_context_t,
    server_name: *const c_char,
    session: *mut tls_session_t,
    error: *mut tls_error_t,
) -> *mut tls_conn_t {
    let result = contained(|| {
        let context = share_context(context)?;
        // SAFETY: terminated as the caller promises.
        let name = unsafe { text(server_name) }.ok();
        let mut session = if session.is_null() { None } else { Some(enter_session(session)?) };
        let session = session.as_mut().map(|session| &mut ***session);
        let options = ClientOptions { sessions: Some(session), ..ClientOptions::new(name) };
        publish_connection(context.connect_with(options)?)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Takes the newest session out of a connection that was made by tls_client_new_resuming(), or with
/// TLS_CLIENT_OWN_SESSIONS, while it lives,
/// also after it has failed or was closed; called again, the one before it. TLS 1.3 servers send theirs
/// after the handshake, most of them two: they are there once tls_advance() or a read has processed them.
/// The caller owns the session, until tls_session_free(); context and connection may be freed before it.
///
/// `error` may be NULL; otherwise the caller has set `error->size`.
/// Errors: NULL, with `error->status` TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_MEMORY,
/// TLS_ERR_STATE (there is none, or the connection has no sessions of its own). Since 0.1.
///
/// # Safety
/// `error` must be NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_session_take(
    conn: *mut tls_conn_t,
    error: *mut tls_error_t,
) -> *mut tls_session_t {
    let result = contained(|| {
        let session = make_from_connection(conn, |connection| connection.take_session())?;
        publish_session(session)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// The protocol version of a session: TLS_VERSION_1_2 or TLS_VERSION_1_3, 0 for one that was used up, and for
/// arguments that are none. Errors: 0. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_session_version(session: *mut tls_session_t) -> u16 {
    session_facts(session).map_or(0, |facts| facts.version)
}

/// How many bytes of early data the server takes with a session (RFC 8446, 4.6.1): 0 for none. Whether a connection
/// may send them is the context's decision (tls_builder_early_data()).
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (it was used up). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_session_early_data(session: *mut tls_session_t) -> isize {
    session_facts(session).map_or_else(|status| status as isize, |facts| facts.early_data as isize)
}

/// Until when a session is good: `*unix_seconds` is set to the second from which on it is not offered any more. It is
/// what the server said, a week at most, counted by the clock of the context (tls_context_time()). Where it says
/// nothing, as about session ids of TLS 1.2, that is a day after the full handshake; what is to be used never (a lifetime
/// of 0 in TLS 1.3) is not kept. A server may refuse it earlier: then the handshake is a full one.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (it was used up). Since 0.1.
///
/// # Safety
/// `unix_seconds` must be NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_session_expires(
    session: *mut tls_session_t,
    unix_seconds: *mut i64,
) -> tls_status_t {
    let facts = match session_facts(session) {
        Ok(facts) => facts,
        Err(status) => return status,
    };
    let expires = i64::try_from(facts.expires).unwrap_or(i64::MAX);
    // SAFETY: valid as the caller promises.
    unsafe { store(unix_seconds, expires) }.err().unwrap_or(TLS_OK)
}

fn session_facts(session: *mut tls_session_t) -> Result<SessionFacts, tls_status_t> {
    contained(|| {
        if session.is_null() {
            return Err(Failure::argument("the session is NULL"));
        }
        let session = enter_session(session)?;
        session.facts().ok_or_else(|| Failure::new(TLS_ERR_STATE, 0, "this TLS 1.3 session was used already"))
    })
    .map_err(|failure| failure.status)
}

/// Ends a session, and wipes its secrets. Connections that resumed it live on. NULL, and a handle that is no
/// session, do nothing. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_session_free(session: *mut tls_session_t) {
    end_session(session);
}

/// Turns early data on (0-RTT, RFC 8446, 2.3), off by default: a client that resumes a TLS 1.3 session may
/// send plain bytes with its first flight. A server takes up to `most` bytes of them from each connection,
/// at most 65536 (TLS_MAX_EARLY_DATA); for a client every number but 0 is the same. 0 turns it off.
///
/// WHO CAN SEE THE BYTES CAN SEND THEM AGAIN. Early data is encrypted, but not fresh: an attacker who
/// recorded it can offer it to a server once more, and it may come twice, before or after the rest of its
/// connection. Use it for requests that change nothing and whose repetition reveals nothing, and only with
/// a protocol that says which these are (RFC 8470 for HTTP). It also lacks forward secrecy against who
/// learns the session's secret.
///
/// So that one context takes a session, and with it early data, only once, such a server context keeps its
/// sessions itself (as many as tls_builder_sessions() says) and issues no tickets: sessions are neither resumed
/// by other contexts, nor have they keys (tls_context_ticket_keys() answers TLS_ERR_STATE). Connections that may be
/// asked for a verdict or a context (section 9) have none, on either side: servers refuse it, and the client sends it
/// again; clients with TLS_VERIFY_ASK cannot send any (tls_early_write_from() answers TLS_ERR_STATE).
///
/// Early data is for the application protocol of the session that it comes with (RFC 8446, 4.2.10): a connection that
/// offers other protocols (ALPN) than the one that the session is from resumes it, and can send no early
/// data.
///
/// A server that refuses early data, because it has restarted or has not met the client yet, passes over it, and the
/// handshake goes on, if its records leave some room: with 17 bytes each beside the plain ones they may be no
/// more than `most` together (16384 where its context takes no early data), and, where the server feeds them, no more
/// than its inbound limit with all that the client sends before its Finished. With more of them its handshake fails,
/// with TLS_ERR_DECRYPT or TLS_REASON_HANDSHAKE_TOO_LARGE. So a client that sends all that a server takes has to be
/// ready to connect again.
/// Errors: TLS_ERR_ARGUMENT (above TLS_MAX_EARLY_DATA). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_early_data(builder: *mut tls_builder_t, most: u32) -> tls_status_t {
    with_builder(builder, |builder| builder.early_data(most))
}

/// Encrypts up to `len` bytes at `plain` as early data into the outbound queue, as many as the outbound
/// limit and the server allow, and answers how many (> 0; 0 only for `len` 0). For a client, from
/// tls_client_new() until its handshake is done. Whether the server took them is known then: see
/// tls_early_status(). TLS_WANT_DRAIN if there is no room: drain first. Errors: TLS_ERR_ARGUMENT,
/// TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_LIMIT (the server takes no more), TLS_ERR_STATE (early data is not
/// on, no session is resumed or it allows none, or the time for it is over), and the fatal ones. Since 0.1.
///
/// # Safety
/// `len` bytes at `plain` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_early_write_from(
    conn: *mut tls_conn_t,
    plain: *const c_void,
    len: usize,
) -> isize {
    counted(outbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let plain = unsafe { bytes(plain, len) }?;
        connection.write_early(plain)
    })
}

/// Copies early data of the client to `plain`, up to `len` bytes, and answers how many (> 0; 0 for `len`
/// 0). For a server; tls_read_into() never gives early data. Without a byte to give it answers what
/// tls_advance() would: 0 (TLS_OK) once the handshake is done, after which none comes. Take it while the
/// handshake runs, or after it: until then it is kept.
///
/// What it gives may be a repetition: see tls_builder_early_data().
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
///
/// # Safety
/// `len` bytes at `plain` must be valid for writes; they may be uninitialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_early_read_into(conn: *mut tls_conn_t, plain: *mut c_void, len: usize) -> isize {
    counted(inbound(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let mut buffer = unsafe { HostBuffer::new(plain, len) }?;
        connection.read_early(&mut buffer)
    })
}

/// What became of early data: TLS_EARLY_NONE, TLS_EARLY_PENDING, TLS_EARLY_ACCEPTED or TLS_EARLY_REJECTED.
/// After a rejection the client sends the bytes again, by tls_write_from(). On a server it is
/// TLS_EARLY_ACCEPTED once some have come. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since
/// 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_early_status(conn: *mut tls_conn_t) -> i32 {
    with_connection(knowing(conn), |connection| connection.early_status())
}

/// Lets a server write before the client's Finished has come (0.5-RTT data, RFC 8446, 4.4.4): 1, or 0, the default. Once
/// its own Finished is queued, the state word has TLS_CAN_WRITE beside TLS_HANDSHAKING, and tls_write_from() and the
/// other ways out take plain bytes: a protocol in which the server speaks first saves a round trip.
///
/// WHOEVER SENT THE ClientHello HAS PROVED NOTHING YET: not that it is there (it may be a repetition of one that
/// was recorded, and early data with it), not who it is, and not that it saw the same handshake. It cannot read what
/// is written without the keys; but do not write what is for one client only, or what follows from its early
/// data, and count the bytes that are written for clients that never come back.
///
/// With TLS 1.2 clients nothing can be written before the handshake is done. A context that asks for client
/// certificates, that has no TLS 1.3, or that asks for another context is not made (TLS_ERR_CONFIG,
/// TLS_REASON_HALF_RTT_IMPOSSIBLE); tls_answer_context() takes no such context, for the same reason. Clients ignore it.
/// Errors: TLS_ERR_ARGUMENT (another mode), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_half_rtt(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.half_rtt(mode))
}

/// Larger than any future form of the struct: a size that was not set is likely to be.
const MOST_KEY_SIZE: usize = 4096;

/// The keys of an array whose elements may be larger than this library knows.
///
/// # Safety
/// `keys` must be NULL or valid for `count` structs of `keys->size` bytes, unchanged for `'a`.
unsafe fn given_keys<'a>(keys: *const tls_ticket_key_t, count: usize) -> Result<Vec<GivenKey<'a>>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the size is the first member of the first element.
    let first = unsafe { bytes(keys.cast(), size_of::<usize>()) };
    let first = first.map_err(|_| Failure::argument("the keys are NULL"))?;
    let size = number(first, 0);
    if !(size_of::<tls_ticket_key_t>()..=MOST_KEY_SIZE).contains(&size) {
        return Err(Failure::argument(format!("{size} is not the size of a tls_ticket_key_t")));
    }
    let whole = count.checked_mul(size).ok_or_else(|| Failure::argument("more keys than memory can hold"))?;
    // SAFETY: valid as the caller promises.
    let array = unsafe { bytes(keys.cast::<c_void>(), whole) };
    let array = array.map_err(|_| Failure::argument("more keys than memory can hold"))?;
    array.chunks_exact(size).enumerate().map(|(index, key)| given_key(index, key)).collect()
}

/// The secret stays where it is: a copy would have to be wiped.
fn given_key(index: usize, key: &[u8]) -> Result<GivenKey<'_>, Failure> {
    const SECRET: usize = offset_of!(tls_ticket_key_t, secret);
    if number(key, offset_of!(tls_ticket_key_t, size)) != key.len() {
        return Err(Failure::argument(format!("ticket key {index}: its size is not that of the first key")));
    }
    let length = number(key, offset_of!(tls_ticket_key_t, secret_len));
    let room = &key[SECRET..offset_of!(tls_ticket_key_t, secret_len)];
    let secret = room.get(..length).ok_or_else(|| {
        Failure::config(
            crate::status::TLS_REASON_TICKET_KEY_UNUSABLE,
            format!("ticket key {index}: a secret has at most {} bytes, not {length}", room.len()),
        )
    })?;
    Ok(GivenKey {
        name: array::<TICKET_KEY_NAME>(key, offset_of!(tls_ticket_key_t, name)),
        secret,
        encrypt_from: u64::from_ne_bytes(array(key, offset_of!(tls_ticket_key_t, encrypt_from))),
        decrypt_until: u64::from_ne_bytes(array(key, offset_of!(tls_ticket_key_t, decrypt_until))),
    })
}

fn number(key: &[u8], offset: usize) -> usize {
    usize::from_ne_bytes(array(key, offset))
}

fn array<const N: usize>(key: &[u8], offset: usize) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&key[offset..offset + N]);
    value
}
