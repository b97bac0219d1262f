//! Questions in the middle of a step of the engine, and how many of them a context may have open.
//!
//! rustls decides some things by calling a trait: it signs, it chooses. Such a call asks the host by [`super::ask`],
//! which stops the step; [`super::asking`] shows the question to the host and goes on with the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::crypto::SelectedCredential;
use zeroize::Zeroizing;

use super::wanted::{IdentityWanted, SessionWanted, SignatureWanted};

/// What the engine wants to know.
#[derive(Debug)]
pub(crate) enum Request {
    /// A signature by a key that is elsewhere.
    Sign(SignatureWanted),
    /// What a client shows to a server that asks for an identity.
    Identity(IdentityWanted),
    /// A session in the store of a server's host.
    Session(SessionWanted),
}

#[cfg(test)]
impl Request {
    pub(crate) fn example() -> Self {
        Self::Sign(SignatureWanted::example())
    }
}

/// What the host answered.
#[derive(Debug)]
pub(crate) enum Reply {
    Signature(Vec<u8>),
    /// None: no identity is shown.
    Identity(Option<SelectedCredential>),
    /// What the host had stored; empty for nothing.
    Session(Zeroizing<Vec<u8>>),
    /// The handshake ends with this alert.
    Refuse(u8),
    /// Nobody answers any more: the connection was freed.
    Gone,
}

/// How many questions the connections of a context have open, and may have.
#[derive(Debug)]
pub(crate) struct Questions {
    open: AtomicUsize,
    most: usize,
}

impl Questions {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), most })
    }

    /// A permit to keep a question open; None if all are given out.
    pub(super) fn permit(self: &Arc<Self>) -> Option<Permit> {
        let taken = |open: usize| (open < self.most).then(|| open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).ok()?;
        Some(Permit(Arc::clone(self)))
    }
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<Questions>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_bounded_and_come_back() {
        let questions = Questions::new(2);
        let (first, second) = (questions.permit(), questions.permit());
        assert!(first.is_some() && second.is_some() && questions.permit().is_none());
        drop(first);
        let third = questions.permit();
        assert!(third.is_some() && questions.permit().is_none());
        assert!(Questions::new(0).permit().is_none());
    }
}
