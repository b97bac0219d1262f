//! Header section "Events".

use std::ffi::{c_char, c_void};

use zeroize::Zeroize;

use super::boundary::{with_builder, with_connection};
use super::memory::{copy_out, size_of_struct, store_struct};
use super::types::{tls_builder_t, tls_conn_t, tls_event_t, tls_status_t};
use crate::connection::Event;
use crate::status::TLS_ERR_ARGUMENT;

/// ---- 14. Events -----------------------------------------------------------------------------
///
/// What merely happens, and needs no answer, waits in a queue of the connection until the host takes it. Only
/// the kinds that the context asked for are recorded; without any, connections have no queue and pay nothing.
/// At most TLS_MAX_EVENTS wait: then the oldest gives way, and the next one that is taken says how many did.
///
/// tls_builder_events() sets the kinds that contexts made from now on record: bits of
/// TLS_EVENT_HANDSHAKE_DONE, TLS_EVENT_TICKET, TLS_EVENT_ALERT_RECEIVED, TLS_EVENT_ALERT_SENT and
/// TLS_EVENT_KEY_UPDATE; 0, the default, none. A server that was made without a context records from the
/// answer to TLS_ASK_CONTEXT on. Errors: TLS_ERR_ARGUMENT (also for other bits), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_events(builder: *mut tls_builder_t, mask: u32) -> tls_status_t {
    with_builder(builder, |builder| builder.events(mask))
}

/// Sets whether connections record TLS_EVENT_KEY_LOG: with 1 every secret of a handshake becomes an event
/// whose text is a line of a key-log file (NSS's format, RFC 9850), for tools such as Wireshark.
/// Whoever has those lines can read the traffic: for debugging only. The library wipes its copy when an
/// event is taken, gives way, or is freed with its connection. 0, the default, records none. Errors:
/// TLS_ERR_ARGUMENT (also if `mode` is neither 0 nor 1), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_key_log(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.key_log(mode))
}

/// Takes the oldest event of a connection: fills in `*event` and answers 1, or answers 0 if none waits
/// (`kind` and the rest are 0 then). TLS_HAS_EVENT in the state word says that one waits, also after an end
/// or a fatal error. Events come in the order in which things happened; each is given once.
///
/// | kind                     | recorded                                           | number                 |
/// |--------------------------|----------------------------------------------------|------------------------|
/// | TLS_EVENT_HANDSHAKE_DONE | the handshake is done on this side                 | protocol version       |
/// | TLS_EVENT_TICKET         | a client got a ticket (TLS 1.3)                    | how many it has got    |
/// | TLS_EVENT_ALERT_RECEIVED | a fatal alert, or close_notify (0), of the peer    | the alert              |
/// | TLS_EVENT_ALERT_SENT     | a fatal alert, or close_notify (0), was queued     | the alert              |
/// | TLS_EVENT_KEY_UPDATE     | traffic keys changed by a KeyUpdate (TLS 1.3)      | TLS_KEYS_IN (the       |
/// |                          |                                                    | peer's), TLS_KEYS_OUT  |
/// | TLS_EVENT_KEY_LOG        | a secret was derived                               | 0                      |
/// | TLS_EVENT_SESSION        | a session is to be stored                          | seconds until it ends  |
///
/// `event` belongs to the caller, who has set `event->size`; of a key-log line the caller wipes its copy.
/// Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than the tls_event_t of version 0.1; no event is taken
/// then), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `event` must be NULL or valid for `event->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_next_event(conn: *mut tls_conn_t, event: *mut tls_event_t) -> i32 {
    with_connection(conn, |connection| {
        // SAFETY: valid as the caller promises.
        let size = match unsafe { size_of_struct(event) } {
            Ok(size) if size >= size_of::<tls_event_t>() => size,
            _ => return TLS_ERR_ARGUMENT,
        };
        let mut report = tls_event_t { size, kind: 0, number: 0, lost: 0, text: [0; TEXT] };
        let taken = connection.next_event();
        let found = i32::from(taken.is_some());
        if let Some((event, lost)) = taken {
            fill_in(&mut report, &event, lost);
        }
        // SAFETY: valid for `size` bytes as the caller promises; the struct begins with its size.
        unsafe { store_struct(event, &report, size) };
        report.text.zeroize();
        found
    })
}

/// Copies out the key under which the host stores the session that TLS_EVENT_SESSION has told of: 32 bytes. Of the
/// event that was taken last, until the next call of tls_next_event(), whatever that answers, or until tls_free(): then
/// the library wipes its copy. Copied out like a fact (section 8); 0 if the last event was another one.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `key` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_stored_key(conn: *mut tls_conn_t, key: *mut c_void, capacity: usize) -> isize {
    with_connection(conn, |connection| {
        let bytes = connection.stored_session().map_or(&[][..], |session| &session.key);
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(bytes, key, capacity) }
    })
}

/// Copies out the session itself, which is what tls_answer_session() takes: some hundred bytes, and the client's
/// certificates. THEY ARE SECRETS: see tls_builder_ask_session(). It can be had as long as tls_stored_key().
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `data` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_stored_data(conn: *mut tls_conn_t, data: *mut c_void, capacity: usize) -> isize {
    with_connection(conn, |connection| {
        let bytes = connection.stored_session().map_or(&[][..], |session| &session.data);
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(bytes, data, capacity) }
    })
}

/// Room for a text with its terminator. The longest key-log line has 193 bytes: a label of 31, a
/// client random of 32, a secret of 48.
const TEXT: usize = 232;

fn fill_in(report: &mut tls_event_t, event: &Event, lost: u64) {
    report.kind = event.kind;
    report.number = event.number;
    report.lost = lost;
    let line = event.text.as_ref().map_or("", |line| line.as_str());
    for (place, byte) in report.text[..TEXT - 1].iter_mut().zip(line.bytes()) {
        *place = byte as c_char;
    }
}
