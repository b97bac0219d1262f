//! How one thread waits for what another one says.
//!
//! `std`'s channels would leave their bookkeeping with the thread that waited, which is the host's: valgrind
//! shows it there as memory that is lost. This one leaves nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

struct Mailbox<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    letters: VecDeque<T>,
    /// Cleared when the sender is gone.
    open: bool,
}

impl<T> Mailbox<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says things; the receiver notices when it is dropped.
pub(super) struct Sender<T>(Arc<Mailbox<T>>);

/// Hears them.
pub(super) struct Receiver<T>(Arc<Mailbox<T>>);

pub(super) fn mailbox<T>() -> (Sender<T>, Receiver<T>) {
    let state = Mutex::new(State { letters: VecDeque::new(), open: true });
    let mailbox = Arc::new(Mailbox { state, changed: Condvar::new() });
    (Sender(Arc::clone(&mailbox)), Receiver(mailbox))
}

impl<T> Sender<T> {
    pub fn send(&self, letter: T) {
        self.0.state().letters.push_back(letter);
        self.0.changed.notify_one();
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state().open = false;
        self.0.changed.notify_one();
    }
}

impl<T> Receiver<T> {
    /// Waits for the next letter; `None` when the sender is gone and has left nothing.
    pub fn receive(&self) -> Option<T> {
        let waits = |state: &mut State<T>| state.letters.is_empty() && state.open;
        self.0
            .changed
            .wait_while(self.0.state(), waits)
            .unwrap_or_else(PoisonError::into_inner)
            .letters
            .pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::mailbox;

    #[test]
    fn letters_arrive_in_order_and_the_end_is_noticed() {
        let (sender, receiver) = mailbox();
        let thread = std::thread::spawn(move || (0..100).for_each(|letter| sender.send(letter)));
        assert_eq!(
            (0..101).map_while(|_| receiver.receive()).collect::<Vec<_>>(),
            (0..100).collect::<Vec<_>>()
        );
        assert!(thread.join().is_ok());
    }
}
