//! The sessions of a client context, which all its connections share.
//!
//! The engine has such a store, which gives out what came last, whoever it came to. Where several threads connect to one
//! server, sessions then wander from core to core, and with them all that is made of them: memory that is taken on one
//! thread and given back on another, among that of others. Here a thread gets the newest session of those that came to it,
//! and another thread's if it has none. How many are kept is the same.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::{ClientSessionKey, ClientSessionStore, Tls12Session, Tls13Session};
use rustls::crypto::kx::NamedGroup;

use crate::line::Line;

/// The most sessions of either version that one server's place holds.
const MOST_OF_SERVER: usize = 8;

pub(super) struct ClientCache {
    servers: Line<Mutex<Servers>>,
}

struct Servers {
    by_key: HashMap<ClientSessionKey<'static>, Server>,
    /// The one that is known longest first.
    known: VecDeque<ClientSessionKey<'static>>,
    most: usize,
}

/// What is known of one server.
#[derive(Default)]
struct Server {
    group: Option<NamedGroup>,
    /// Used again and again: one of each thread. It is copied where no other thread waits.
    tls12: ByThread<Arc<Tls12Session>>,
    /// Used once each.
    tls13: ByThread<Tls13Session>,
}

/// Sessions, the oldest first, with the threads that they came to.
struct ByThread<S>(VecDeque<(Thread, S)>);

type Thread = usize;

/// A number that no other thread has while this one lives.
fn this_thread() -> Thread {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

impl ClientCache {
    /// For as many servers as hold `most` sessions.
    pub(super) fn new(most: usize) -> Self {
        let servers =
            Servers { by_key: HashMap::new(), known: VecDeque::new(), most: most.div_ceil(MOST_OF_SERVER) };
        Self { servers: Line(Mutex::new(servers)) }
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of a server. What that leaves over is the caller's to drop, where no thread waits for it.
    fn edit<R>(&self, key: ClientSessionKey<'static>, edit: impl FnOnce(&mut Server) -> R) -> R {
        let mut guard = self.servers();
        let servers = &mut *guard;
        let (result, forgotten) = match servers.by_key.get_mut(&key) {
            Some(server) => (edit(server), None),
            None => {
                let forgotten = servers.make_room();
                servers.known.push_back(key.clone());
                (edit(servers.by_key.entry(key).or_default()), forgotten)
            }
        };
        drop(guard);
        drop(forgotten);
        result
    }
}

impl Servers {
    /// Forgets a server, if there is no room for another one.
    fn make_room(&mut self) -> Option<Server> {
        if self.known.len() < self.most {
            return None;
        }
        self.known.pop_front().and_then(|oldest| self.by_key.remove(&oldest))
    }
}

impl<S> ByThread<S> {
    /// Which one a thread is to use: the newest that came to it, or else the newest.
    fn chosen(&self, here: Thread) -> Option<usize> {
        self.0.iter().rposition(|&(thread, _)| thread == here).or_else(|| self.0.len().checked_sub(1))
    }

    /// Takes a session that came to a thread. What there is no room for comes back: the oldest that came to this thread,
    /// if it keeps another one, or the oldest of all.
    fn insert(&mut self, here: Thread, session: S) -> Option<S> {
        let mut own = self.0.iter().enumerate().filter(|(_, (thread, _))| *thread == here);
        let oldest = own.next().filter(|_| own.next().is_some()).map_or(0, |(index, _)| index);
        let former = if self.0.len() < MOST_OF_SERVER { None } else { self.0.remove(oldest) };
        self.0.push_back((here, session));
        former.map(|(_, session)| session)
    }

    /// Takes a session in place of all that came to this thread before.
    fn replace(&mut self, here: Thread, session: S) -> Option<S> {
        let former = self.0.iter().position(|&(thread, _)| thread == here);
        let former = former.and_then(|index| self.0.remove(index)).map(|(_, session)| session);
        former.or(self.insert(here, session))
    }
}

impl<S> Default for ByThread<S> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl ClientSessionStore for ClientCache {
    fn set_kx_hint(&self, key: ClientSessionKey<'static>, group: NamedGroup) {
        self.edit(key, |server| server.group = Some(group));
    }

    fn kx_hint(&self, key: &ClientSessionKey<'_>) -> Option<NamedGroup> {
        self.servers().by_key.get(key).and_then(|server| server.group)
    }

    fn set_tls12_session(&self, key: ClientSessionKey<'static>, session: Tls12Session) {
        let session = Arc::new(session);
        drop(self.edit(key, |server| server.tls12.replace(this_thread(), session)));
    }

    fn tls12_session(&self, key: &ClientSessionKey<'_>) -> Option<Tls12Session> {
        let session = {
            let servers = self.servers();
            let sessions = &servers.by_key.get(key)?.tls12;
            Arc::clone(&sessions.0.get(sessions.chosen(this_thread())?)?.1)
        };
        Some(Tls12Session::clone(&session))
    }

    fn remove_tls12_session(&self, key: &ClientSessionKey<'static>) {
        let removed = self.servers().by_key.get_mut(key).map(|server| std::mem::take(&mut server.tls12));
        drop(removed);
    }

    fn insert_tls13_ticket(&self, key: ClientSessionKey<'static>, session: Tls13Session) {
        drop(self.edit(key, |server| server.tls13.insert(this_thread(), session)));
    }

    fn take_tls13_ticket(&self, key: &ClientSessionKey<'static>) -> Option<Tls13Session> {
        let mut servers = self.servers();
        let sessions = &mut servers.by_key.get_mut(key)?.tls13;
        let (_, session) = sessions.0.remove(sessions.chosen(this_thread())?)?;
        Some(session)
    }
}

impl std::fmt::Debug for ClientCache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ClientCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Thread = 1;
    const THERE: Thread = 2;

    fn used(sessions: &mut ByThread<u32>, thread: Thread) -> Option<u32> {
        let chosen = sessions.chosen(thread)?;
        sessions.0.remove(chosen).map(|(_, session)| session)
    }

    #[test]
    fn a_thread_uses_what_came_to_it_and_then_what_there_is() {
        let mut sessions = ByThread::default();
        for (thread, session) in [(HERE, 1), (HERE, 2), (THERE, 3), (THERE, 4)] {
            assert_eq!(sessions.insert(thread, session), None);
        }
        assert_eq!(used(&mut sessions, HERE), Some(2));
        assert_eq!(used(&mut sessions, THERE), Some(4));
        assert_eq!([(); 3].map(|()| used(&mut sessions, HERE)), [Some(1), Some(3), None]);
    }

    #[test]
    fn the_oldest_goes_of_a_thread_that_has_more_and_else_of_all() {
        let mut sessions = ByThread::default();
        for session in 0..MOST_OF_SERVER as u32 {
            assert_eq!(sessions.insert(if session < 6 { THERE } else { HERE }, session), None);
        }
        assert_eq!(sessions.insert(HERE, 100), Some(6));
        assert_eq!(sessions.insert(THERE, 101), Some(0));
        assert_eq!(used(&mut sessions, HERE), Some(100));
        assert_eq!(sessions.insert(THERE, 102), None);
        assert_eq!(sessions.insert(HERE, 103), Some(1), "one of eight came here");
        assert_eq!(sessions.0.len(), MOST_OF_SERVER);
    }

    #[test]
    fn one_stays_of_each_thread_where_they_are_used_again() {
        let mut sessions = ByThread::default();
        assert_eq!(sessions.replace(HERE, 1), None);
        assert_eq!(sessions.replace(THERE, 2), None);
        assert_eq!(sessions.replace(HERE, 3), Some(1));
        let chosen = |thread| sessions.chosen(thread).map(|index| sessions.0[index].1);
        assert_eq!([HERE, THERE, 3].map(chosen), [Some(3), Some(2), Some(3)]);
    }

    #[test]
    fn threads_that_live_at_once_have_numbers_of_their_own() {
        let here = this_thread();
        assert_eq!(here, this_thread());
        std::thread::scope(|scope| {
            scope.spawn(move || assert_ne!(here, this_thread()));
        });
    }
}
