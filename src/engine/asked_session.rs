//! Sessions of a server that are in the store of its host: a question looks them up, an event tells of new ones.
//!
//! What the host stores is `libtlsbio session 1, version of the library | 0 | rules:32 | end:8, big-endian | session | SHA-256:32`.
//! The hash is over the key under which it is stored and all that stands in front of it. It tells what was cut off,
//! altered by accident or filed under another key from a session; it is no secret's, and does not tell who wrote it:
//! who can write to the store has the secrets that are in it anyway. What is no session of these rules, this version
//! and this key counts as none, and is never given to the engine.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use rustls::server::{ServerSessionKey, StoresServerSessions};
use rustls::time_provider::TimeProvider;
use zeroize::Zeroizing;

use super::ask::ask;
use super::clock::HostClock;
use super::collected;
use super::lasting::{DAY, Standing};
use super::question::{Reply, Request};
use super::retold;
use super::rules::RULES;
use super::wanted::{SESSION_KEY as KEY, SessionWanted};

/// The most bytes of sessions that one handshake stores.
pub(crate) const MOST_STORED: usize = 64 * 1024;

const MARK: &[u8] = concat!("libtlsbio session 1, ", env!("CARGO_PKG_VERSION"), "\0").as_bytes();

type Key = [u8; KEY];

/// The store of a context that asks.
pub(super) struct AskedSessions {
    pub rules: [u8; RULES],
    pub standing: Standing,
    pub clock: Arc<HostClock>,
}

impl AskedSessions {
    fn look_up(&self, key: &ServerSessionKey<'_>, once: bool) -> Option<Vec<u8>> {
        let key = Key::try_from(key.as_ref()).ok().filter(|key| key != retold::NAME)?;
        match ask(Request::Session(SessionWanted { key, once })) {
            Ok(Reply::Session(stored)) => self.usable(&key, &stored),
            _ => None,
        }
    }

    /// The session in what was stored, if it may be resumed here and now. It may run on another thread than what
    /// was in front of the question: nothing of it belongs into one function with that.
    #[inline(never)]
    fn usable(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>> {
        let now = self.now()?;
        let (end, session) = read(key, &self.rules, stored)?;
        (end >= now && self.standing.holds(session, now)).then(|| session.to_vec())
    }

    fn now(&self) -> Option<u64> {
        self.clock.current_time().map(|time| time.as_secs())
    }
}

impl StoresServerSessions for AskedSessions {
    fn put(&self, key: ServerSessionKey<'_>, session: Vec<u8>) -> bool {
        let session = Zeroizing::new(session);
        let (Ok(key), Some(now)) = (Key::try_from(key.as_ref()), self.now()) else { return false };
        let end = self.standing.own_until(now).min(now.saturating_add(DAY));
        let lasts = end.saturating_sub(now) as u32;
        store(StoredSession { key, data: written(&key, &self.rules, end, &session), lasts })
    }

    fn get(&self, key: ServerSessionKey<'_>) -> Option<Vec<u8>> {
        self.look_up(&key, false)
    }

    fn take(&self, key: ServerSessionKey<'_>) -> Option<Vec<u8>> {
        self.look_up(&key, true)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for AskedSessions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AskedSessions").finish_non_exhaustive()
    }
}

fn written(key: &Key, rules: &[u8; RULES], end: u64, session: &[u8]) -> Zeroizing<Vec<u8>> {
    let end = end.to_be_bytes();
    let parts = [MARK, rules, &end, session];
    // As large as it gets, so that no copy of the secrets is left behind in smaller memory.
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + SHA256_OUTPUT_LEN;
    let mut stored = Zeroizing::new(Vec::with_capacity(length));
    parts.iter().for_each(|part| stored.extend_from_slice(part));
    let hash = hash(key, &stored);
    stored.extend_from_slice(hash.as_ref());
    stored
}

/// The end and the session in what was stored.
fn read<'a>(key: &Key, rules: &[u8; RULES], stored: &'a [u8]) -> Option<(u64, &'a [u8])> {
    let (rest, expected) = stored.split_last_chunk::<SHA256_OUTPUT_LEN>()?;
    if hash(key, rest).as_ref() != expected {
        return None;
    }
    let rest = rest.strip_prefix(MARK)?.strip_prefix(rules)?;
    let (end, session) = rest.split_first_chunk()?;
    Some((u64::from_be_bytes(*end), session))
}

fn hash(key: &Key, stored: &[u8]) -> aws_lc_rs::digest::Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(key);
    hash.update(stored);
    hash.finish()
}

/// A session that the host is to store. Its secrets are wiped when it is dropped.
pub(crate) struct StoredSession {
    pub key: Key,
    pub data: Zeroizing<Vec<u8>>,
    /// For how many seconds it is good.
    pub lasts: u32,
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StoredSession").finish_non_exhaustive()
    }
}

thread_local! {
    /// The sessions of the run of the engine that is going on, if it stores any.
    static STORED: RefCell<Option<Vec<StoredSession>>> = const { RefCell::new(None) };
}

/// Runs the engine, and collects the sessions that it stores if that is `wanted`.
pub(super) fn collect<R>(wanted: bool, run: impl FnOnce() -> R) -> (R, Vec<StoredSession>) {
    collected::collect(&STORED, wanted, run)
}

/// Whether there is a place for it: without one the client is not told of the session.
fn store(session: StoredSession) -> bool {
    STORED.with_borrow_mut(|stored| {
        let Some(stored) = stored else { return false };
        let before: usize = stored.iter().map(|other| other.data.len()).sum();
        let fits = session.lasts > 0 && before + session.data.len() <= MOST_STORED;
        if fits {
            stored.push(session);
        }
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES_HERE: [u8; RULES] = [7; RULES];

    //
    #[test]
    fn only_what_was_stored_under_the_key_and_the_rules_is_read() {
        let key = [1; KEY];
        let stored = written(&key, &RULES_HERE, 0x0102, b"session");
        assert_eq!(read(&key, &RULES_HERE, &stored), Some((0x0102, &b"session"[..])));
        assert_eq!(read(&[2; KEY], &RULES_HERE, &stored), None);
        assert_eq!(read(&key, &[8; RULES], &stored), None);
        for length in 0..stored.len() {
            assert_eq!(read(&key, &RULES_HERE, &stored[..length]), None, "{length}");
        }
        for index in 0..stored.len() {
            let mut altered = stored.to_vec();
            altered[index] ^= 0x10;
            assert_eq!(read(&key, &RULES_HERE, &altered), None, "{index}");
        }
        let longer = [&stored[..], &[0]].concat();
        assert_eq!(read(&key, &RULES_HERE, &longer), None);
    }

    #[test]
    fn the_mark_of_another_version_is_none_of_ours() {
        let key = [1; KEY];
        let mut other = written(&key, &RULES_HERE, 9, b"session").to_vec();
        let hash_at = other.len() - SHA256_OUTPUT_LEN;
        other[MARK.len() - 2] ^= 1;
        let sum = hash(&key, &other[..hash_at]);
        other[hash_at..].copy_from_slice(sum.as_ref());
        assert_eq!(read(&key, &RULES_HERE, &other), None);
    }

    #[test]
    fn what_one_handshake_stores_is_bounded_and_kept_by_who_wants_it() {
        let session = |length: usize, lasts: u32| StoredSession {
            key: [0; KEY],
            data: Zeroizing::new(vec![0; length]),
            lasts,
        };
        assert!(!store(session(1, 1)));
        let (taken, stored) = collect(true, || {
            [(MOST_STORED - 1, 1), (2, 1), (1, 0), (1, 1), (1, 1)]
                .map(|(length, lasts)| store(session(length, lasts)))
        });
        assert_eq!(taken, [true, false, false, true, false]);
        assert_eq!(stored.len(), 2);
        let (taken, stored) = collect(false, || store(session(1, 1)));
        assert!(!taken && stored.is_empty());
        assert!(!format!("{:?}", session(3, 1)).contains('['));
    }
}
