//! Header section "Limits and time".

use super::boundary::{checked, contained, knowing, share_context, with_builder};
use super::memory::{size_of_struct, store_struct};
use super::types::{tls_builder_t, tls_conn_t, tls_context_t, tls_status_t, tls_timings_t};
use crate::status::{TLS_ERR_ARGUMENT, TLS_OK};

/// ---- 16. Limits and time --------------------------------------------------------------------
///
/// What a peer can make this side hold is bounded: by tls_builder_limits() and, for the time before anybody
/// is known, by what is here. Contexts have the limits that their builder had when they were made; a server
/// without a context has the defaults until TLS_ASK_CONTEXT is answered, one whose context asks has those of that
/// one. A handshake that exceeds one of them fails, and no other connection notices.
///
/// tls_builder_handshake_budget() sets the most wire bytes that a peer may send until the handshake is done,
/// early data included; the default is 262144 (TLS_DEFAULT_HANDSHAKE_BUDGET), which is more than handshakes
/// with a chain of 64 KiB take. 0 goes back to the default, the least value is 4096
/// (TLS_MIN_HANDSHAKE_BUDGET), SIZE_MAX is no limit. If it is not done with that many bytes and one more was
/// fed, it fails with TLS_ERR_PEER, TLS_REASON_HANDSHAKE_BUDGET, and an alert for the peer is queued, however
/// the bytes were cut into calls. What waits behind an open question counts once it is answered. A
/// small budget also bounds what a hostile ClientHello takes: see tls_context_worst_case().
/// Errors: TLS_ERR_CONFIG (TLS_REASON_LIMIT_TOO_SMALL). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_handshake_budget(builder: *mut tls_builder_t, bytes: usize) -> tls_status_t {
    with_builder(builder, |builder| builder.handshake.set_budget(bytes as u64))
}

/// Sets how many questions the connections of one context may have open at a time in the middle of a step of the
/// engine: TLS_ASK_SIGN. Each of them keeps a stack, of which some 40 KB are resident, and some 8 KB more;
/// tls_context_worst_case() counts them. The default is 1024 (TLS_DEFAULT_OPEN_QUESTIONS), the most 16384
/// (TLS_MAX_OPEN_QUESTIONS, since each takes two of the mappings that a process may have); 0 goes back to the
/// default. TLS_ASK_CONTEXT and TLS_ASK_VERIFY take nothing, and are not bounded.
///
/// A connection whose next step may open one more is held up, before it is known whether it will: a server's with a whole
/// ClientHello, though it may resume and need no signature, or be malformed; a client's with the messages that ask. Calls
/// that process answer TLS_ERR_LIMIT, the state word has TLS_HELD_UP. It is unharmed, and nothing is lost: it goes on
/// with the first call after another question of the context was answered, refused or freed. Nobody tells it,
/// so let a host that answers a question look at the connections that are held up, or let it look again after a while.
/// Where the process has no memory or no mapping left for a stack, the same is so with TLS_ERR_MEMORY. An
/// answer that comes at such a time is taken, and goes on as soon as it can.
/// Errors: TLS_ERR_ARGUMENT (above TLS_MAX_OPEN_QUESTIONS), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_open_questions(builder: *mut tls_builder_t, most: u32) -> tls_status_t {
    with_builder(builder, |builder| builder.open_questions(most))
}

/// Sets for how long a handshake may take, in nanoseconds of the clock that the host passes to tls_time(); 0,
/// the default, is any time. The library reads no clock: without tls_time() nothing happens. Questions to the
/// host count as well.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_handshake_deadline(
    builder: *mut tls_builder_t,
    nanoseconds: u64,
) -> tls_status_t {
    with_builder(builder, |builder| {
        builder.handshake.set_deadline(nanoseconds);
        Ok(())
    })
}

/// Tells a connection the time: nanoseconds of a clock that never goes back, such as CLOCK_MONOTONIC, from
/// whatever beginning. The first call starts the handshake's time: make it next after tls_client_new() or
/// tls_server_new(). Then call it whenever the host wakes up for the connection, before it feeds, and when the
/// deadline is over. A connection that is told the time holds some 150 bytes more; all others nothing.
///
/// While the handshake runs it processes what was fed. If it is not done then, and the time since the first
/// call is the context's deadline or more, the connection fails: TLS_ERR_PEER, TLS_REASON_HANDSHAKE_DEADLINE,
/// and an alert for the peer is queued; an open question is closed. The alert is decode_error (50), the
/// one that can be sent at any time, and handshake_failure (40) at an open question, as it is for
/// TLS_REASON_HANDSHAKE_BUDGET. After the handshake the time changes nothing.
/// Errors: TLS_ERR_ARGUMENT (also if the clock went back: that time is not taken), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY, and the fatal ones. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_time(conn: *mut tls_conn_t, now_ns: u64) -> tls_status_t {
    checked(conn, |connection| connection.time(now_ns))
}

/// Fills in how long the handshake took by the times that the host passed to tls_time(). What happens
/// between two of them counts as happening at the first; the time between them counts as asking if a
/// question is open at the second. What is not in `asking_ns` was spent on waiting for the peer and on
/// work. All is 0 where no time was passed, or nothing has happened. The members stay when the handshake is
/// done, also after a later failure.
///
/// `timings` belongs to the caller, who has set `timings->size`.
/// Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than its first two members), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `timings` must be NULL or valid for `timings->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_handshake_timings(
    conn: *mut tls_conn_t,
    timings: *mut tls_timings_t,
) -> tls_status_t {
    const LEAST: usize = size_of::<usize>() + size_of::<u64>();
    checked(knowing(conn), |connection| {
        // SAFETY: valid as the caller promises.
        let size = unsafe { size_of_struct(timings) }?;
        if size < LEAST {
            return Err(TLS_ERR_ARGUMENT);
        }
        let seen = connection.timings();
        let report = tls_timings_t { size, heard_ns: seen.heard, done_ns: seen.done, asking_ns: seen.asking };
        // SAFETY: valid for `size` bytes as the caller promises; the struct begins with its size.
        unsafe { store_struct(timings, &report, size) };
        Ok(())
    })
}

/// Sets what time it is for a context and all its connections, from now on and for all threads at once:
/// seconds since 1970-01-01 00:00 UTC, or TLS_CONTEXT_TIME_SYSTEM (0) for the clock of the system, the
/// default. For sandboxes, devices without a clock, replays and tests. It stands still until it is set
/// again.
///
/// By it certificates and CRLs are judged, unless tls_builder_verify_time() has fixed a time for these;
/// sessions and tickets expire; and the keys of tls_context_ticket_keys() begin and end. The keys that a
/// server context makes for its tickets by itself rotate by the system's monotonic clock all the same.
/// Errors: TLS_ERR_ARGUMENT (NULL, a negative number), TLS_ERR_HANDLE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_context_time(context: *const tls_context_t, unix_seconds: i64) -> tls_status_t {
    contained(|| share_context(context)?.set_time(unix_seconds))
        .map_or_else(|failure| failure.status, |()| TLS_OK)
}

/// How many bytes one connection of a context holds at most, in whatever state its peer and its host bring it:
/// what malloc is asked for on its behalf and not yet given back. A server that admits no more
/// connections than memory / worst case does not run out of it. It is derived from tls_builder_limits() (both
/// queues, while they grow, and one that was taken by tls_drain_take()), tls_builder_handshake_budget() and the inbound
/// limit (the largest handshake message: what is parsed of a hostile one takes up to 50 times its size), the peer's
/// certificate chain, early data, tls_builder_events(), this side's own flight, and the stack of a step that waits for
/// an answer, where keys are elsewhere.
///
/// Not counted: what is the context's, even if a connection made it so (pool, sessions, tables of handles),
/// sessions that the host has taken, and the allocator's own overhead. With the default limits it is some 2.7 MB
/// for a server, of which an idle connection uses a thousandth, and 1 MB with a budget of 16384 bytes; for a
/// client 5.4 MB, because one that keeps its own sessions may have eight.
/// A server without a context has the defaults until it is given one. Errors: 0 for NULL and a handle that is no
/// context. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_context_worst_case(context: *const tls_context_t) -> usize {
    contained(|| Ok(share_context(context)?.worst_case())).unwrap_or(0)
}
