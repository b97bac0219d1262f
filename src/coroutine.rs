//! Steps of the engine that can stop in the middle and ask: each on a stack of its own.
//!
//! Unsafe code is here because a switch of stacks is nothing that the compiler can follow: what a step has on
//! its stack while it waits may be gone on with by another thread.
//!
//! The rules that make it sound, and keep it so:
//! - a step is given nothing but what it owns, all of it `Send` ([`start`]);
//! - no unwinding goes through a switch: a panic is caught at the bottom of the stack, and a step that is
//!   dropped is resumed with [`Reply::Gone`], which ends it by an ordinary error;
//! - [`ask`] is never inlined and touches no thread-local variable after the switch: it may return on another
//!   thread. What observes the engine by thread-local variables stands around each resumption, on the host's stack;
//! - a stack is unmapped at the end of the host's call at the latest, unless a step waits on it: steps of one connection
//!   can follow each other on it, and what they held is found by nobody else.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::thread;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::engine::{Reply, Request};

/// How large a stack is. Steps take up to 36 KB of it, a signal handler of the host's 12 KB more; what takes
/// more is done by [`on_host_stack`]. Code that is not optimised, or watched, needs more.
pub(crate) const STACK: usize =
    if cfg!(any(debug_assertions, feature = "sanitizer")) { 1024 * 1024 } else { 64 * 1024 };

/// The page below it that nobody can use.
pub(crate) const GUARD: usize = 4096;

type Asker = Yielder<Reply, Request>;

thread_local! {
    /// What suspends the step that runs on this thread; null if none does, or if nobody answers any more.
    static ASKER: Cell<*const Asker> = const { Cell::new(ptr::null()) };
}

/// Stops the step that runs on this thread until the host has answered.
#[inline(never)]
pub(crate) fn ask(request: Request) -> Reply {
    let asker = ASKER.get();
    // SAFETY: not null only while the coroutine that owns the yielder runs on this thread, on its own stack.
    match unsafe { asker.as_ref() } {
        Some(asker) => asker.suspend(request),
        None => Reply::Gone,
    }
}

/// Runs what needs a deep stack where there is one: on that of the host, who has called. It cannot ask.
#[inline(never)]
pub(crate) fn on_host_stack<R: Send>(run: impl FnOnce() -> R + Send) -> R {
    let asker = ASKER.get();
    // SAFETY: not null only while the coroutine that owns the yielder runs on this thread, on its own stack.
    let Some(yielder) = (unsafe { asker.as_ref() }) else { return run() };
    ASKER.set(ptr::null());
    let result = yielder.on_parent_stack(|| catch_unwind(AssertUnwindSafe(run)));
    // The same thread: nothing was suspended.
    ASKER.set(asker);
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
thread_local! {
    /// How many stacks were made on this thread.
    pub(crate) static MADE: Cell<usize> = const { Cell::new(0) };
}

/// Memory for the stack of one step.
pub(crate) struct Stack(DefaultStack);

impl Stack {
    /// None where the process has no memory for it, or no mapping.
    pub(crate) fn new() -> Option<Self> {
        #[cfg(test)]
        MADE.with(|made| made.set(made.get() + 1));
        DefaultStack::new(STACK).ok().map(Self)
    }
}

/// What a step has come to.
pub(crate) enum Progress<R> {
    Asked(Request, Suspended<R>),
    /// `Err`: it panicked. The stack is free again.
    Done(thread::Result<R>, Stack),
}

/// A step that waits for an answer. When it is dropped it goes on to its end without one.
pub(crate) struct Suspended<R>(Option<Running<R>>);

struct Running<R> {
    coroutine: Coroutine<Reply, Request, thread::Result<R>, DefaultStack>,
    asker: *const Asker,
}

// SAFETY: a step owns what it works on, and all of that is `Send` (bounds of `start`). What it has on its stack
// besides, while it waits, are the frames between `start` and `ask`: ours and rustls's, which has no unsafe code, and
// holds no lock, no `Rc` and nothing of a thread's where it calls a signer, a resolver or a store.
unsafe impl<R: Send> Send for Running<R> {}

/// Runs `step` until it asks or ends.
pub(crate) fn start<R: Send + 'static>(
    stack: Stack,
    step: impl FnOnce() -> R + Send + 'static,
) -> Progress<R> {
    let coroutine = Coroutine::with_stack(stack.0, move |asker: &Asker, _| {
        ASKER.set(asker);
        catch_unwind(AssertUnwindSafe(step))
    });
    Running { coroutine, asker: ptr::null() }.resume(Reply::Gone)
}

impl<R> Running<R> {
    fn resume(mut self, reply: Reply) -> Progress<R> {
        let outer = ASKER.replace(self.asker);
        let result = self.coroutine.resume(reply);
        self.asker = ASKER.replace(outer);
        match result {
            CoroutineResult::Yield(request) => Progress::Asked(request, Suspended(Some(self))),
            CoroutineResult::Return(result) => Progress::Done(result, Stack(self.coroutine.into_stack())),
        }
    }
}

impl<R> Suspended<R> {
    pub(crate) fn answer(mut self, reply: Reply) -> Option<Progress<R>> {
        self.0.take().map(|running| running.resume(reply))
    }
}

impl<R> Drop for Suspended<R> {
    fn drop(&mut self) {
        if let Some(mut running) = self.0.take() {
            // Whatever else it asks, nobody answers: it cannot stop again.
            running.asker = ptr::null();
            drop(running.resume(Reply::Gone));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    fn asked<R: Send + 'static>(step: impl FnOnce() -> R + Send + 'static) -> Suspended<R> {
        match start(Stack::new().unwrap(), step) {
            Progress::Asked(_, suspended) => suspended,
            Progress::Done(..) => panic!("it should have asked"),
        }
    }

    fn done<R>(progress: Option<Progress<R>>) -> thread::Result<R> {
        match progress {
            Some(Progress::Done(result, _)) => result,
            _ => panic!("it should have ended"),
        }
    }

    fn is_gone() -> bool {
        matches!(ask(Request::example()), Reply::Gone)
    }

    #[test]
    fn an_answer_reaches_the_step_from_any_thread() {
        let step = || (is_gone(), matches!(ask(Request::example()), Reply::Refuse(7)));
        let suspended = asked(step);
        let suspended = thread::spawn(move || match suspended.answer(Reply::Refuse(1)) {
            Some(Progress::Asked(_, suspended)) => suspended,
            _ => panic!("it should have asked again"),
        });
        let suspended = suspended.join().unwrap();
        // Meanwhile this thread has a step of its own, and no step of others.
        assert!(is_gone());
        let other = asked(is_gone);
        assert_eq!(done(suspended.answer(Reply::Refuse(7))).unwrap(), (false, true));
        assert!(!done(other.answer(Reply::Refuse(1))).unwrap());
        assert!(is_gone());
    }

    #[test]
    fn who_waits_ends_without_an_answer_when_dropped() {
        let ended = Arc::new(AtomicUsize::new(0));
        let waiting = || {
            let ended = Arc::clone(&ended);
            // Whatever else it asks: nobody is there.
            asked(move || {
                assert!(is_gone() && is_gone());
                ended.fetch_add(1, Ordering::Relaxed);
            })
        };
        drop(waiting());
        let suspended = waiting();
        thread::spawn(move || drop(suspended)).join().unwrap();
        // Also while the thread of the host unwinds.
        let suspended = waiting();
        let unwound = catch_unwind(AssertUnwindSafe(move || {
            let _suspended = suspended;
            panic_any("on purpose");
        }));
        assert!(unwound.is_err() && !thread::panicking());
        assert_eq!(ended.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_panic_in_a_step_goes_no_further() {
        let suspended = asked(|| {
            is_gone();
            panic_any("on purpose");
        });
        let quiet = thread::spawn(move || {
            let caught: thread::Result<()> = done(suspended.answer(Reply::Refuse(1)));
            caught.is_err() && !thread::panicking()
        });
        assert!(quiet.join().unwrap() && !thread::panicking());
        assert!(matches!(start(Stack::new().unwrap(), || 5), Progress::Done(Ok(5), _)));
        // On the host's stack as well.
        let suspended = asked(|| {
            is_gone();
            let caught = catch_unwind(|| on_host_stack(|| panic_any("on purpose")));
            caught.is_err() && !is_gone()
        });
        let Some(Progress::Asked(_, suspended)) = suspended.answer(Reply::Refuse(1)) else {
            panic!("no question")
        };
        assert!(done(suspended.answer(Reply::Refuse(1))).unwrap());
    }

    fn deep(bytes: &[u8; 4 * STACK]) -> usize {
        std::hint::black_box(bytes).iter().map(|&byte| usize::from(byte)).sum()
    }

    #[test]
    fn what_needs_a_deep_stack_is_done_on_the_hosts() {
        let host = thread::Builder::new().stack_size(16 * STACK).spawn(|| {
            let suspended = asked(|| {
                let before = is_gone();
                let sum = on_host_stack(|| {
                    assert!(is_gone(), "nothing is asked from there");
                    deep(&[1; 4 * STACK])
                });
                (before, sum, is_gone())
            });
            let Some(Progress::Asked(_, suspended)) = suspended.answer(Reply::Refuse(1)) else {
                panic!("no question")
            };
            done(suspended.answer(Reply::Refuse(1))).unwrap()
        });
        assert_eq!(host.unwrap().join().unwrap(), (false, 4 * STACK, false));
        assert_eq!(on_host_stack(|| 3), 3, "where there is no step");
    }
}
