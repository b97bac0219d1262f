//! What fork() finds: no thread of this process inside the library.
//!
//! A child has one thread, and memory as it was at the moment of the fork. What another thread was doing then stays half done
//! for ever: locks of ours, of the standard library and of the cryptographic library stay taken, and a connection is
//! between two states. The last two cannot be mended from outside. So a fork waits until the other threads have left
//! the library, and threads that come meanwhile wait until it is over.
//!
//! On the way of a record that costs a look at [`FORKS`], which has a line of the cache to itself. The state word of a handle
//! says whether a thread is inside: its exchange and that look, both sequentially consistent, are one half, and the two
//! looks in [`prepare`] the other, so that at least one side sees the other one. Calls that enter no handle of the
//! host's are counted in [`CALLS`] instead.
//!
//! A thread that is inside already goes on: the fork waits for it, so it must not wait for the fork.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::boundary;
use crate::buffer;
use crate::line::Line;
use crate::quiet;

// Declared here because the bindings that all platforms share have not got it. The crates are named for the linker.
#[cfg(feature = "fips")]
use aws_lc_fips_sys as _;
#[cfg(feature = "aws-lc")]
use aws_lc_sys as _;

#[allow(unused_doc_comments, reason = "it is for the generator of the header")]
/// cbindgen:ignore
unsafe extern "C" {
    /// Ends what the cryptographic library has of this thread (openssl/thread.h).
    #[link_name = concat!(env!("TLSBIO_CRYPTO_PREFIX"), "AWSLC_thread_local_clear")]
    fn clear_thread() -> i32;
}

/// How many threads are about to fork, or are doing it.
static FORKS: Line<AtomicU32> = Line(AtomicU32::new(0));
/// How many threads are in a call that makes or ends something, or looks at what is made once.
static CALLS: Line<AtomicUsize> = Line(AtomicUsize::new(0));
/// How many threads wait until no fork is near.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// A thread that is inside for so long is no longer waited for: it may wait for the thread that forks.
const LONGEST_CALL: Duration = Duration::from_secs(10);
/// A fork that takes so long is no longer waited for: another handler of it may wait for the thread that waits here.
const LONGEST_FORK: Duration = Duration::from_secs(20);
/// How long a fork lets threads go first that the last one has kept waiting.
const TURN: Duration = Duration::from_millis(100);

thread_local! {
    /// How many of the handlers run on this thread: they may be registered more than once.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Whether every other thread was seen to have left.
    static ALONE: Cell<bool> = const { Cell::new(false) };
    static LEAVING: Leaving = const { Leaving };
}

/// Whether a thread is about to fork.
#[inline]
pub(super) fn is_near() -> bool {
    FORKS.load(Ordering::SeqCst) != 0
}

/// A call that enters no handle of the host's.
pub(super) struct Call(());

impl Call {
    pub(super) fn begin() -> Self {
        register_once();
        loop {
            CALLS.fetch_add(1, Ordering::SeqCst);
            let call = Self(());
            if !is_near() || may_pass() {
                return call;
            }
            drop(call);
            if !wait_until_over() {
                CALLS.fetch_add(1, Ordering::SeqCst);
                return Self(());
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::Release);
    }
}

/// Whether this thread goes on although a fork is near.
pub(super) fn may_pass() -> bool {
    quiet::is_inside()
}

/// Waits until no fork is near. False if it was given up.
#[cold]
pub(super) fn wait_until_over() -> bool {
    WAITING.fetch_add(1, Ordering::Relaxed);
    let over = wait(LONGEST_FORK, || !is_near());
    WAITING.fetch_sub(1, Ordering::Relaxed);
    over
}

/// Waits for what another thread does; false if that took too long. There is no lock here that a child could inherit.
pub(super) fn wait(longest: Duration, mut is_done: impl FnMut() -> bool) -> bool {
    const YIELDS: u32 = 100;
    const PAUSE: Duration = Duration::from_micros(50);
    for _ in 0..YIELDS {
        if is_done() {
            return true;
        }
        std::thread::yield_now();
    }
    let begun = Instant::now();
    while !is_done() {
        if begun.elapsed() > longest {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
    true
}

extern "C" fn prepare() {
    if DEPTH.replace(DEPTH.get() + 1) > 0 {
        return;
    }
    // Forks that follow each other closely do not keep the other threads out for ever.
    wait(TURN, || WAITING.load(Ordering::Relaxed) == 0);
    FORKS.fetch_add(1, Ordering::SeqCst);
    // In a handler of a signal that interrupted a call, nothing that this call holds can be waited for.
    let alone = !quiet::is_inside()
        && wait(LONGEST_CALL, || CALLS.load(Ordering::SeqCst) == 0)
        && boundary::wait_for_handles(LONGEST_CALL);
    ALONE.set(alone);
}

extern "C" fn in_parent() {
    if leave_handler() {
        FORKS.fetch_sub(1, Ordering::SeqCst);
    }
}

extern "C" fn in_child() {
    if !leave_handler() {
        return;
    }
    WAITING.store(0, Ordering::Relaxed);
    // Who is counted or marked as inside had only come to wait.
    if ALONE.get() {
        CALLS.store(0, Ordering::SeqCst);
    }
    boundary::forget_other_threads(ALONE.get());
    buffer::forget_other_threads();
    FORKS.store(0, Ordering::SeqCst);
}

/// Whether this was the last of the handlers.
fn leave_handler() -> bool {
    let depth = DEPTH.get().saturating_sub(1);
    DEPTH.set(depth);
    depth == 0
}

/// Has the handlers called. Threads that do this at the same time do it twice, so that none waits for another one.
fn register_once() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if REGISTERED.load(Ordering::Acquire) {
        return;
    }
    // Without memory for it, the next call tries again.
    REGISTERED.store(register(), Ordering::Release);
}

#[cfg(unix)]
fn register() -> bool {
    // SAFETY: the handlers never unwind, and stay mapped as long as the process lives (build.rs).
    let answer = unsafe { libc::pthread_atfork(Some(prepare), Some(in_parent), Some(in_child)) };
    answer == 0
}

/// Where nothing forks, nobody is to be told of it.
#[cfg(not(unix))]
fn register() -> bool {
    let _handlers: [extern "C" fn(); 3] = [prepare, in_parent, in_child];
    true
}

/// Registers as early as can be: handlers that others register later run before ours, while threads that these wait for
/// can still use the library. A linker that takes single objects out of the static library may leave this out, so
/// calls look, too.
#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds pointers to functions of this type, which the loader calls once.
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = {
    extern "C" fn at_load() {
        // An allocator registers its handlers with its first use, and ours wait for threads that allocate.
        drop(std::hint::black_box(Box::new(0_u8)));
        register_once();
    }
    at_load
};

/// Ends what the cryptographic library has of a thread, before that thread's own destructors do, which take a lock at a
/// moment that no fork waits for.
struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        let _call = Call::begin();
        // SAFETY: this thread is outside of the library, and what it has there is made anew if it comes back.
        unsafe { clear_thread() };
    }
}

/// Called with the first call of each thread. False on a thread that has ended as far as this library knows.
pub(crate) fn first_call_of_thread() -> bool {
    LEAVING.try_with(|_| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::ffi::boundary::{afterwards, enter_builder, with_connection};
    use crate::ffi::*;
    use crate::status::*;

    /// Waits for a moment at which no other thread is inside, as a fork does, and keeps them out.
    fn prepare_alone() {
        prepare();
        while !ALONE.get() {
            in_parent();
            prepare();
        }
    }

    /// What `check` says in a child of this process. Whoever calls this has called [`prepare_alone`].
    fn in_a_child(check: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child does what atomic operations do, and no more.
        let child = unsafe { libc::fork() };
        if child == 0 {
            in_child();
            let status = i32::from(!check());
            // SAFETY: nothing of this process is run on the way.
            unsafe { libc::_exit(status) };
        }
        let mut status = -1;
        // SAFETY: valid for writes.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        status == 0
    }

    // Between the look of a fork at a thread and the fork itself, threads come that see the fork and are about to wait.

    #[test]
    fn who_was_about_to_wait_is_not_counted_in_a_child() {
        prepare_alone();
        CALLS.fetch_add(1, Ordering::SeqCst);
        WAITING.fetch_add(1, Ordering::SeqCst);
        let none_is_left = in_a_child(|| {
            CALLS.load(Ordering::SeqCst) == 0 && WAITING.load(Ordering::SeqCst) == 0 && !is_near()
        });
        WAITING.fetch_sub(1, Ordering::SeqCst);
        CALLS.fetch_sub(1, Ordering::SeqCst);
        in_parent();
        assert!(none_is_left);
    }

    #[test]
    fn handles_that_were_about_to_be_waited_with_are_free_in_a_child() {
        let builder = tls_builder_new();
        assert_eq!(tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE), TLS_OK);
        // SAFETY: NULL is allowed where an error is.
        let context = unsafe { tls_context_client(builder, null_mut()) };
        // SAFETY: NULL is allowed where an error or a name is.
        let conn = unsafe { tls_client_new(context, null(), null_mut()) };
        tls_context_free(context);
        assert_ne!(tls_state(conn), 0);
        prepare_alone();
        let mut are_free = false;
        // Inside of a call this thread does not wait for the fork that it makes.
        afterwards(|| {
            let entry = enter_builder(builder);
            assert!(entry.is_ok());
            let status = with_connection(conn, |_| {
                assert_eq!(tls_state(conn), 0, "it is entered");
                are_free = in_a_child(|| tls_state(conn) != 0 && enter_builder(builder).is_ok());
                0
            });
            assert_eq!(status, 0);
        });
        in_parent();
        assert!(are_free);
        tls_free(conn);
        tls_builder_free(builder);
    }
}
