//! What every export does before and after its work: the handle check, the check for another thread
//! inside, and the containment of panics.

use std::sync::Arc;
use std::time::Duration;

use super::fork::Call;
use super::handle::{Entry, Table};
use super::resting;
use super::types::{tls_buffer_t, tls_builder_t, tls_conn_t, tls_context_t, tls_session_t};
use crate::buffer::{ACCOUNTS, Owned, account_of_thread};
use crate::connection::{Connection, Part};
use crate::engine::ClientSession;
use crate::failure::Failure;
use crate::quiet;
use crate::record::awake;
use crate::setup::builder::Builder;
use crate::setup::context::{Context, accept_asking};
use crate::status::{
    Status, TLS_ERR_ARGUMENT, TLS_ERR_BUSY, TLS_ERR_HANDLE, TLS_ERR_INTERNAL, TLS_ERR_STATE,
};

static BUILDERS: Table<Box<Builder>> = Table::new(0xb1);
static CONTEXTS: Table<Arc<Context>> = Table::new(0xc2);
static CONNECTIONS: Table<Box<Connection>> = Table::new(0xd3);
static SESSIONS: Table<Box<ClientSession>> = Table::new(0xe4);
/// Several, which keep threads apart that make buffers for each message: each has a kind of its own.
static BUFFERS: [Table<Owned>; ACCOUNTS] = [
    Table::new(KIND_OF_BUFFERS),
    Table::new(KIND_OF_BUFFERS + 1),
    Table::new(KIND_OF_BUFFERS + 2),
    Table::new(KIND_OF_BUFFERS + 3),
    Table::new(KIND_OF_BUFFERS + 4),
    Table::new(KIND_OF_BUFFERS + 5),
    Table::new(KIND_OF_BUFFERS + 6),
    Table::new(KIND_OF_BUFFERS + 7),
];
const KIND_OF_BUFFERS: u8 = 0xf0;

/// A type that exports answer with.
pub(super) trait Reply {
    /// How this type says that a call was refused.
    fn refused(status: Status) -> Self;
}

impl Reply for Status {
    fn refused(status: Status) -> Self {
        status
    }
}

impl Reply for isize {
    fn refused(status: Status) -> Self {
        status as Self
    }
}

/// Bits and IANA numbers have no room for a status.
impl Reply for u32 {
    fn refused(_: Status) -> Self {
        0
    }
}

impl Reply for u16 {
    fn refused(_: Status) -> Self {
        0
    }
}

impl<H> Reply for *mut H {
    fn refused(_: Status) -> Self {
        std::ptr::null_mut()
    }
}

/// A handle of a connection, and the part of a connection that a call is about.
pub(super) struct Target {
    handle: usize,
    part: Part,
}

impl From<*const tls_conn_t> for Target {
    fn from(handle: *const tls_conn_t) -> Self {
        Self { handle: handle.addr(), part: Part::Any }
    }
}

impl From<*mut tls_conn_t> for Target {
    fn from(handle: *mut tls_conn_t) -> Self {
        handle.cast_const().into()
    }
}

/// For a call about records.
pub(super) fn traffic(handle: *const tls_conn_t) -> Target {
    Target { part: Part::Traffic, ..handle.into() }
}

/// For a call about bytes from the peer.
pub(super) fn inbound(handle: *const tls_conn_t) -> Target {
    Target { part: Part::Inbound, ..handle.into() }
}

/// For a call about bytes to the peer.
pub(super) fn outbound(handle: *const tls_conn_t) -> Target {
    Target { part: Part::Outbound, ..handle.into() }
}

/// For a call about what the handshake settled.
pub(super) fn knowing(handle: *const tls_conn_t) -> Target {
    Target { part: Part::Facts, ..handle.into() }
}

/// Runs `body` on a connection that has the part that the call is about.
#[inline]
pub(super) fn with_connection<R: Reply>(
    target: impl Into<Target>,
    body: impl FnOnce(&mut Connection) -> R,
) -> R {
    let Target { handle, part } = target.into();
    if handle == 0 {
        return R::refused(TLS_ERR_ARGUMENT);
    }
    let mut entry = match CONNECTIONS.enter(handle) {
        Ok(entry) => entry,
        Err(status) => return R::refused(status),
    };
    if !entry.has(part) {
        return R::refused(TLS_ERR_STATE);
    }
    let reply = quiet::catch(|| body(&mut entry)).unwrap_or_else(|()| {
        entry.poison();
        R::refused(TLS_ERR_INTERNAL)
    });
    if awake::take_noted() {
        let (records, rested) = (entry.counters().records(), entry.wake());
        // Whoever waits for a fork must not be inside.
        drop(entry);
        if let Some(rested) = rested {
            resting::note_awake(handle, records, rested);
        }
    }
    reply
}

/// Runs `body` on a connection, not for the host.
pub(super) fn visit_connection<T>(
    handle: usize,
    body: impl FnOnce(&mut Connection) -> T,
) -> Result<T, Status> {
    let mut entry = CONNECTIONS.visit(handle)?;
    quiet::catch(|| body(&mut entry)).map_err(|()| {
        entry.poison();
        TLS_ERR_INTERNAL
    })
}

/// Runs `body` when a call's answer is there already: a panic in it goes no further, and changes nothing of that.
pub(super) fn afterwards(body: impl FnOnce()) {
    let _ = quiet::catch(body);
}

/// Runs `body` on a connection; counts and statuses share one answer.
#[inline]
pub(super) fn counted(
    target: impl Into<Target>,
    body: impl FnOnce(&mut Connection) -> Result<usize, Status>,
) -> isize {
    // No buffer is longer than `isize::MAX`.
    with_connection(target, |connection| body(connection).map_or_else(isize::refused, |count| count as isize))
}

/// Runs `body` on a connection.
#[inline]
pub(super) fn checked(
    target: impl Into<Target>,
    body: impl FnOnce(&mut Connection) -> Result<(), Status>,
) -> Status {
    with_connection(target, |connection| body(connection).err().unwrap_or(0))
}

/// Runs `body` on a builder, and lets the builder remember what went wrong: nothing is made of it until the
/// host says that it knows. Every export that sets something goes through here, so that none can forget it.
pub(super) fn with_builder(
    handle: *mut tls_builder_t,
    body: impl FnOnce(&mut Builder) -> Result<(), Failure>,
) -> Status {
    match enter(handle, Table::enter_noting) {
        Ok(mut entry) => {
            let result = quiet::catch(|| entry.set(body)).unwrap_or_else(|()| {
                entry.spoil();
                Err(Failure::panic())
            });
            // Who was refused meanwhile was refused before this call ended.
            hear_of_missed(&mut entry);
            result.map_or_else(|failure| entry.remember(failure), |()| 0)
        }
        Err(failure) => failure.status,
    }
}

/// Makes something of a builder to which nothing went wrong that the host has not seen.
pub(super) fn make_from_builder<T>(
    handle: *const tls_builder_t,
    body: impl FnOnce(&Builder) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let entry = enter_builder(handle)?;
    entry.check()?;
    body(&entry)
}

/// Enters a connection from which something is made; a panic inside poisons it.
pub(super) fn make_from_connection<T>(
    handle: *const tls_conn_t,
    body: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if handle.is_null() {
        return Err(Failure::argument("the connection is NULL"));
    }
    let mut entry = CONNECTIONS.enter(handle.addr()).map_err(|status| refused(status, "connection"))?;
    if !entry.has(Part::Any) {
        return Err(Failure::new(TLS_ERR_STATE, 0, "the connection was exported: it lives on elsewhere"));
    }
    quiet::catch(|| body(&mut entry)).unwrap_or_else(|()| {
        entry.poison();
        Err(Failure::panic())
    })
}

/// Enters a session.
pub(super) fn enter_session(
    handle: *const tls_session_t,
) -> Result<Entry<'static, Box<ClientSession>>, Failure> {
    SESSIONS.enter(handle.addr()).map_err(|status| refused(status, "session"))
}

/// Enters a builder that is not set: what such a call wanted is not lost when it is refused.
pub(super) fn enter_builder(handle: *const tls_builder_t) -> Result<BuilderEntry, Failure> {
    let mut entry = enter(handle, Table::enter_silently)?;
    hear_of_missed(&mut entry);
    Ok(entry)
}

type BuilderEntry = Entry<'static, Box<Builder>>;

/// Enters a builder in one of the two ways.
fn enter(
    handle: *const tls_builder_t,
    way: fn(&'static Table<Box<Builder>>, usize) -> Result<BuilderEntry, Status>,
) -> Result<BuilderEntry, Failure> {
    if handle.is_null() {
        return Err(Failure::argument("the builder is NULL"));
    }
    way(&BUILDERS, handle.addr()).map_err(|status| refused(status, "builder"))
}

/// A thread that was refused may not have looked at the answer.
fn hear_of_missed(entry: &mut BuilderEntry) {
    if entry.take_missed() {
        entry.remember(refused(TLS_ERR_BUSY, "builder"));
    }
}

/// The table that a handle of a buffer is of.
fn buffers(handle: *mut tls_buffer_t) -> Result<&'static Table<Owned>, Status> {
    if handle.is_null() {
        return Err(TLS_ERR_ARGUMENT);
    }
    let kind = handle.addr() >> (usize::BITS - u8::BITS);
    let place = kind.checked_sub(usize::from(KIND_OF_BUFFERS)).ok_or(TLS_ERR_HANDLE)?;
    BUFFERS.get(place).ok_or(TLS_ERR_HANDLE)
}

/// Runs `body` on a buffer.
pub(super) fn with_buffer(
    handle: *mut tls_buffer_t,
    body: impl FnOnce(&mut Owned) -> Result<(), Status>,
) -> Status {
    let entered = buffers(handle).and_then(|table| table.enter(handle.addr()));
    let result =
        entered.and_then(|mut entry| quiet::catch(|| body(&mut entry)).unwrap_or(Err(TLS_ERR_INTERNAL)));
    result.err().unwrap_or(0)
}

/// Takes a buffer from the host, if `check` has nothing against it. For use within a call on a connection, which contains panics.
pub(super) fn adopt_buffer(
    handle: *mut tls_buffer_t,
    check: impl FnOnce(&mut Owned) -> Result<(), Status>,
) -> Result<Owned, Status> {
    let mut entry = buffers(handle)?.enter(handle.addr())?;
    check(&mut entry)?;
    Ok(entry.take())
}

/// Gives what `make` makes a handle of this thread's table; NULL without a handle or a value.
pub(super) fn publish_buffer(make: impl FnOnce() -> Option<Owned>) -> *mut tls_buffer_t {
    BUFFERS[account_of_thread()]
        .insert_made(make)
        .map_or(std::ptr::null_mut(), std::ptr::without_provenance_mut)
}

/// Ends a buffer. It is entered for that, which forks see: they need not be told of it in memory that threads share.
pub(super) fn end_buffer(handle: *mut tls_buffer_t) {
    let Ok(table) = buffers(handle) else { return };
    match table.enter(handle.addr()) {
        // A panic leaves the handle dead and the memory where it is.
        Ok(entry) => drop(quiet::catch(|| entry.end())),
        Err(_) => end(table, handle.addr()),
    }
}

/// The context behind a handle, for any number of threads at once.
pub(super) fn share_context(handle: *const tls_context_t) -> Result<Arc<Context>, Failure> {
    if handle.is_null() {
        return Err(Failure::argument("the context is NULL"));
    }
    loop {
        match CONTEXTS.enter(handle.addr()) {
            Ok(entry) => return Ok(Arc::clone(&entry)),
            // Another thread is taking its share; it is gone after a few instructions.
            Err(TLS_ERR_BUSY) => std::thread::yield_now(),
            Err(status) => return Err(refused(status, "context")),
        }
    }
}

fn refused(status: Status, what: &str) -> Failure {
    let why = if status == TLS_ERR_BUSY {
        format!("another thread is using this {what}")
    } else {
        format!("the {what} was freed, is a handle of another type, or never was one")
    };
    Failure::new(status, 0, why)
}

/// Runs `body` where there is no object that a panic could poison.
pub(super) fn contained<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let _call = Call::begin();
    quiet::install();
    quiet::catch(body).unwrap_or_else(|()| Err(Failure::panic()))
}

/// Runs `body`, which makes nothing that has a handle and does not fail: None if it panics.
pub(super) fn without_handle<T>(body: impl FnOnce() -> T) -> Option<T> {
    let _call = Call::begin();
    quiet::catch(body).ok()
}

/// Waits until no thread is inside any handle. False if that took too long.
pub(super) fn wait_for_handles(longest: Duration) -> bool {
    BUILDERS.wait_until_idle(longest)
        && CONTEXTS.wait_until_idle(longest)
        && CONNECTIONS.wait_until_idle(longest)
        && SESSIONS.wait_until_idle(longest)
        && BUFFERS.iter().all(|table| table.wait_until_idle(longest))
}

/// In a child. Where a thread may have been at work, the value stays shut: it may be half changed, but for a context,
/// of which a thread only takes a share.
pub(super) fn forget_other_threads(none_was_at_work: bool) {
    CONTEXTS.forget_users();
    if none_was_at_work {
        BUILDERS.forget_users();
        CONNECTIONS.forget_users();
        SESSIONS.forget_users();
        BUFFERS.iter().for_each(Table::forget_users);
    }
}

pub(super) fn publish_builder(builder: Builder) -> Result<*mut tls_builder_t, Failure> {
    publish(&BUILDERS, Box::new(builder))
}

pub(super) fn publish_context(context: Context) -> Result<*mut tls_context_t, Failure> {
    publish(&CONTEXTS, Arc::new(context))
}

pub(super) fn publish_connection(connection: Connection) -> Result<*mut tls_conn_t, Failure> {
    publish(&CONNECTIONS, Box::new(connection))
}

/// Gives a connection that `make` makes out of `whole` a handle. Without a handle for it nothing is made.
pub(super) fn publish_part(
    whole: &mut Connection,
    make: impl FnOnce(&mut Connection) -> Result<Connection, Failure>,
) -> Result<*mut tls_conn_t, Failure> {
    let handle: *mut tls_conn_t = publish_connection(accept_asking())?;
    let result = make(whole).and_then(|part| {
        // Nobody else knows this handle yet.
        let mut place = CONNECTIONS.enter(handle.addr()).map_err(|status| refused(status, "connection"))?;
        **place = part;
        Ok(handle)
    });
    if result.is_err() {
        end_connection(handle);
    }
    result
}

pub(super) fn publish_session(session: ClientSession) -> Result<*mut tls_session_t, Failure> {
    publish(&SESSIONS, Box::new(session))
}

fn publish<T, H>(table: &Table<T>, value: T) -> Result<*mut H, Failure> {
    table
        .insert(value)
        .map(std::ptr::without_provenance_mut)
        .map_err(|status| Failure::new(status, 0, "all handles are in use"))
}

pub(super) fn end_builder(handle: *mut tls_builder_t) {
    end(&BUILDERS, handle.addr());
}

pub(super) fn end_context(handle: *mut tls_context_t) {
    end(&CONTEXTS, handle.addr());
}

pub(super) fn end_connection(handle: *mut tls_conn_t) {
    end(&CONNECTIONS, handle.addr());
}

pub(super) fn end_session(handle: *mut tls_session_t) {
    end(&SESSIONS, handle.addr());
}

/// Ends a value. NULL and handles that are none do nothing: a destructor has nobody to tell.
fn end<T>(table: &Table<T>, handle: usize) {
    without_handle(|| table.remove(handle));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::TLS_WANT_FEED;

    #[test]
    fn a_panic_poisons_its_connection_and_no_other() {
        let [broken, whole] = [(); 2].map(|()| contained(|| publish_connection(accept_asking())).unwrap());
        assert_eq!(with_connection(broken, |_| -> Status { panic!("not to be seen") }), TLS_ERR_INTERNAL);
        assert_eq!(with_connection(broken, Connection::advance), TLS_ERR_INTERNAL);
        assert_eq!(
            counted(broken, |connection| connection.feed(b"x")),
            crate::status::TLS_ERR_STATE as isize
        );
        assert_eq!(with_connection(whole, Connection::advance), TLS_WANT_FEED);
        end_connection(broken);
        end_connection(whole);
    }

    #[test]
    fn a_panic_in_a_constructor_or_a_builder_is_an_error() {
        let failure = contained(|| -> Result<(), Failure> { panic!("not to be seen") }).unwrap_err();
        assert_eq!(failure.status, TLS_ERR_INTERNAL);

        let builder = contained(|| publish_builder(Builder::default())).unwrap();
        assert_eq!(with_builder(builder, |_| panic!("not to be seen")), TLS_ERR_INTERNAL);
        assert_eq!(enter_builder(builder).ok().unwrap().failure().unwrap().status, TLS_ERR_INTERNAL);
        // Nobody knows what was set: it cannot be used any more, whatever the host says.
        let mut entry = enter_builder(builder).ok().unwrap();
        assert_eq!(entry.forget().unwrap_err().status, TLS_ERR_INTERNAL);
        drop(entry);
        assert_eq!(with_builder(builder, |_| Ok(())), TLS_ERR_INTERNAL);
        assert_eq!(make_from_builder(builder, |_| Ok(())).unwrap_err().status, TLS_ERR_INTERNAL);
        end_builder(builder);
    }
}
