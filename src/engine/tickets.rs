//! Tickets of servers: under keys of the context's own, or under keys that the host gives to any number
//! of contexts, processes and machines.
//!
//! A ticket under a host's key is `name:16 | salt:32 | sealed end and session | tag:16`. The end is that of the
//! server's own certificates, 8 bytes: whoever has the key may have others. It is sealed by
//! AES-256-GCM under a key of its own, HKDF-SHA-256 of the host's secret with the salt and the rules of
//! the context in its info, with name and salt as associated data. With 256 random bits in each salt no
//! key seals twice, however many processes share a secret, and so the nonce can be constant.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, rand};
use rustls::crypto::TicketProducer;
use rustls::server::{ServerSessionKey, StoresServerSessions};
use rustls::time_provider::TimeProvider;
use zeroize::Zeroizing;

use super::lasting::Standing;
use super::rules::RULES;
use crate::failure::Failure;
use crate::status::TLS_REASON_TICKET_KEY_UNUSABLE;

pub(crate) const NAME: usize = 16;
pub(crate) const LEAST_SECRET: usize = 32;
pub(crate) const MOST_SECRET: usize = 64;

const SALT: usize = 32;
const TAG: usize = 16;

/// What a ticket key is derived for; another construction gets another text.
const PURPOSE: &[u8] = b"libtlsbio ticket 2";

/// The longest lifetime that a ticket may announce (RFC 8446, 4.6.1).
const LONGEST: u64 = 7 * 24 * 60 * 60;

/// A key as the host gave it. The secret is only looked at.
pub(crate) struct GivenKey<'a> {
    pub name: [u8; NAME],
    pub secret: &'a [u8],
    /// Unix seconds.
    pub encrypt_from: u64,
    pub decrypt_until: u64,
}

struct TicketKey {
    name: [u8; NAME],
    /// Holds the secret on the heap, and wipes it when dropped.
    secret: hkdf::Prk,
    encrypt_from: u64,
    decrypt_until: u64,
}

/// The keys that a host gave together. The last of those who use the set wipes it.
pub(crate) struct KeySet(Vec<TicketKey>);

impl KeySet {
    pub(crate) fn new(given: &[GivenKey<'_>]) -> Result<Self, Failure> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, PURPOSE);
        let mut keys: Vec<TicketKey> = Vec::with_capacity(given.len());
        for (index, key) in given.iter().enumerate() {
            check(key).map_err(|why| unusable(index, &why))?;
            if let Some(other) = keys.iter().position(|other| other.name == key.name) {
                return Err(unusable(index, &format!("it has the name of key {other}")));
            }
            keys.push(TicketKey {
                name: key.name,
                secret: salt.extract(key.secret),
                encrypt_from: key.encrypt_from,
                decrypt_until: key.decrypt_until,
            });
        }
        Ok(Self(keys))
    }

    /// The newest key that may encrypt.
    fn encrypting(&self, now: u64) -> Option<&TicketKey> {
        self.0
            .iter()
            .filter(|key| key.encrypt_from <= now && now < key.decrypt_until)
            .max_by_key(|key| key.encrypt_from)
    }

    /// The key of this name, if it still decrypts. Names are public: they are in every ticket.
    fn decrypting(&self, name: &[u8], now: u64) -> Option<&TicketKey> {
        self.0.iter().find(|key| key.name == name && now < key.decrypt_until)
    }
}

fn check(key: &GivenKey<'_>) -> Result<(), String> {
    if !(LEAST_SECRET..=MOST_SECRET).contains(&key.secret.len()) {
        return Err(format!("a secret has {LEAST_SECRET} to {MOST_SECRET} bytes, not {}", key.secret.len()));
    }
    if key.secret.iter().all(|&byte| byte == 0) {
        return Err("the secret is all zeros: it was never filled in".into());
    }
    if key.decrypt_until <= key.encrypt_from {
        return Err(format!(
            "decrypt_until ({}) is not after encrypt_from ({})",
            key.decrypt_until, key.encrypt_from
        ));
    }
    Ok(())
}

fn unusable(index: usize, why: &str) -> Failure {
    Failure::config(TLS_REASON_TICKET_KEY_UNUSABLE, format!("ticket key {index}: {why}"))
}

impl TicketKey {
    /// The key of one ticket.
    fn derive(&self, salt: &[u8], rules: &[u8; RULES]) -> Option<LessSafeKey> {
        let mut key = Zeroizing::new([0; KEY]);
        self.secret.expand(&[salt, rules], KeyLength).ok()?.fill(&mut *key).ok()?;
        UnboundKey::new(&AES_256_GCM, &*key).ok().map(LessSafeKey::new)
    }

    fn seal(&self, plain: &[u8], rules: &[u8; RULES]) -> Option<Vec<u8>> {
        let mut ticket = Vec::with_capacity(NAME + SALT + plain.len() + TAG);
        ticket.extend_from_slice(&self.name);
        ticket.extend_from_slice(&[0; SALT]);
        rand::fill(&mut ticket[NAME..]).ok()?;
        ticket.extend_from_slice(plain);
        let (head, body) = ticket.split_at_mut(NAME + SALT);
        let key = self.derive(&head[NAME..], rules)?;
        let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&*head), body).ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    fn open(&self, ticket: &[u8], rules: &[u8; RULES]) -> Option<Vec<u8>> {
        let (head, sealed) = ticket.split_at_checked(NAME + SALT)?;
        let key = self.derive(&head[NAME..], rules)?;
        let mut plain = sealed.to_vec();
        let length = key.open_in_place(nonce(), Aad::from(head), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// Each key seals one ticket.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

const KEY: usize = 32;

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY
    }
}

/// What a server context issues and accepts.
pub(super) struct Tickets {
    own: Arc<dyn TicketProducer>,
    /// The host's keys, which take the place of the context's own.
    given: RwLock<Option<Arc<KeySet>>>,
    rules: [u8; RULES],
    standing: Standing,
    clock: Arc<dyn TimeProvider>,
}

/// Of the end in front of a session.
const END: usize = 8;

impl Tickets {
    pub(super) fn new(
        own: Arc<dyn TicketProducer>,
        rules: [u8; RULES],
        standing: Standing,
        clock: Arc<dyn TimeProvider>,
    ) -> Self {
        Self { own, given: RwLock::new(None), rules, standing, clock }
    }

    /// From now on these keys alone are used; None returns to the context's own.
    pub(super) fn swap(&self, keys: Option<KeySet>) {
        let mut keys = keys.map(Arc::new);
        std::mem::swap(&mut *self.given.write().unwrap_or_else(PoisonError::into_inner), &mut keys);
        // The former keys are wiped here, outside the lock, or by the last handshake that uses them.
    }

    fn given(&self) -> Option<Arc<KeySet>> {
        self.given.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> Option<u64> {
        self.clock.current_time().map(|time| time.as_secs())
    }
}

impl TicketProducer for Tickets {
    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        let now = self.now()?;
        let mut plain = Zeroizing::new(Vec::with_capacity(END + session.len()));
        plain.extend_from_slice(&self.standing.own_until(now).to_be_bytes());
        plain.extend_from_slice(session);
        match self.given() {
            None => self.own.encrypt(&plain),
            Some(keys) => keys.encrypting(now)?.seal(&plain, &self.rules),
        }
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let now = self.now()?;
        let plain = Zeroizing::new(match self.given() {
            None => self.own.decrypt(ticket),
            Some(keys) => keys.decrypting(ticket.get(..NAME)?, now)?.open(ticket, &self.rules),
        }?);
        let (end, session) = plain.split_first_chunk::<END>()?;
        let holds = u64::from_be_bytes(*end) >= now && self.standing.holds(session, now);
        holds.then(|| session.to_vec())
    }

    fn lifetime(&self) -> Duration {
        let Some(now) = self.now() else { return Duration::ZERO };
        let of_keys = match self.given() {
            None => self.own.lifetime().as_secs(),
            Some(keys) => keys.encrypting(now).map_or(0, |key| (key.decrypt_until - now).min(LONGEST)),
        };
        Duration::from_secs(of_keys.min(self.standing.own_until(now) - now))
    }
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tickets").finish_non_exhaustive()
    }
}

/// The memory of a server for TLS 1.2 sessions without tickets. While the host gives the keys it is closed:
/// it knows nothing of their ends, and would let a session be resumed beyond them.
#[derive(Debug)]
pub(super) struct SessionIds {
    store: Arc<dyn StoresServerSessions>,
    tickets: Arc<Tickets>,
}

impl SessionIds {
    pub(super) fn new(store: Arc<dyn StoresServerSessions>, tickets: &Arc<Tickets>) -> Arc<Self> {
        Arc::new(Self { store, tickets: tickets.clone() })
    }

    fn open(&self) -> Option<&dyn StoresServerSessions> {
        self.tickets.given().is_none().then_some(&*self.store)
    }
}

impl SessionIds {
    fn holds(&self, session: &[u8]) -> bool {
        self.tickets.now().is_some_and(|now| self.tickets.standing.holds_kept(session, now))
    }
}

impl StoresServerSessions for SessionIds {
    fn put(&self, key: ServerSessionKey<'_>, value: Vec<u8>) -> bool {
        self.open().is_some_and(|store| store.put(key, value))
    }

    fn get(&self, key: ServerSessionKey<'_>) -> Option<Vec<u8>> {
        self.open()?.get(key).filter(|session| self.holds(session))
    }

    fn take(&self, key: ServerSessionKey<'_>) -> Option<Vec<u8>> {
        self.open()?.take(key).filter(|session| self.holds(session))
    }

    fn can_cache(&self) -> bool {
        self.open().is_some_and(|store| store.can_cache())
    }
}

/// Tickets of bounded size: one that would carry a very long client chain is not issued, so that a
/// peer cannot make a flight grow beyond the outbound limit.
#[derive(Debug)]
pub(super) struct BoundedTicketer {
    pub tickets: Arc<dyn TicketProducer>,
    pub most: usize,
}

impl BoundedTicketer {
    /// Whatever the limits are: sessions without a chain, and such with a chain of usual length.
    pub(super) const LEAST_BOUND: usize = 4 * 1024;
    const SEALING: usize = 128;
}

impl TicketProducer for BoundedTicketer {
    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        (plain.len() + Self::SEALING <= self.most).then(|| self.tickets.encrypt(plain)).flatten()
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.tickets.decrypt(cipher)
    }

    fn lifetime(&self) -> Duration {
        self.tickets.lifetime()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use pki_types::UnixTime;

    use super::super::recipe::{ClientAuth, Recipe};
    use super::super::rules::rules;
    use super::*;
    use crate::parse::x509::Validity;

    /// Without the name of a server, and without a certificate.
    const SESSION: &[u8] = b"\x03\x04\0\0\0\0\0\0\0\0\0\x13\x01\0session";
    const OLD: &[u8] = b"\x03\x04\0\0\0\0\0\0\0\0\0\x13\x01\0old";
    const NEW: &[u8] = b"\x03\x04\0\0\0\0\0\0\0\0\0\x13\x01\0new";

    #[derive(Debug, Default)]
    struct Clock(AtomicU64);

    impl TimeProvider for Clock {
        fn current_time(&self) -> Option<UnixTime> {
            Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.load(Ordering::Relaxed))))
        }
    }

    struct Server {
        clock: Arc<Clock>,
        tickets: Tickets,
    }

    impl Server {
        fn new(keys: &[GivenKey<'_>]) -> Self {
            Self::with_rules(keys, [0; RULES])
        }

        fn with_rules(keys: &[GivenKey<'_>], rules: [u8; RULES]) -> Self {
            Self::with(keys, rules, Standing::default())
        }

        fn with(keys: &[GivenKey<'_>], rules: [u8; RULES], standing: Standing) -> Self {
            let clock = Arc::new(Clock::default());
            let own = rustls_aws_lc_rs::DEFAULT_PROVIDER.ticketer_factory.ticketer().unwrap();
            let tickets = Tickets::new(own, rules, standing, clock.clone());
            tickets.swap(Some(KeySet::new(keys).unwrap()));
            Self { clock, tickets }
        }

        fn at(&self, time: u64) -> &Tickets {
            self.clock.0.store(time, Ordering::Relaxed);
            &self.tickets
        }
    }

    fn key(number: u8, encrypt_from: u64, decrypt_until: u64) -> GivenKey<'static> {
        const SECRETS: [[u8; 32]; 4] = [[1; 32], [2; 32], [3; 32], [4; 32]];
        GivenKey { name: [number; NAME], secret: &SECRETS[usize::from(number)], encrypt_from, decrypt_until }
    }

    #[test]
    fn the_newest_key_that_has_begun_encrypts_until_none_is_left() {
        let server = Server::new(&[key(1, 100, 300), key(2, 200, 400), key(0, 0, 150)]);
        for (time, name) in
            [(0, Some(0)), (99, Some(0)), (100, Some(1)), (199, Some(1)), (200, Some(2)), (399, Some(2))]
        {
            let ticket = server.at(time).encrypt(SESSION).unwrap();
            assert_eq!(Some(ticket[0]), name, "at {time}");
        }
        assert_eq!(server.at(400).encrypt(SESSION), None);
        assert_eq!(server.at(400).lifetime(), Duration::ZERO);
    }

    #[test]
    fn every_key_decrypts_until_its_end_on_any_machine_and_not_a_second_longer() {
        let keys = || [key(1, 100, 300), key(2, 200, 400)];
        let (issuer, other) = (Server::new(&keys()), Server::new(&keys()));
        let old = issuer.at(199).encrypt(OLD).unwrap();
        let new = issuer.at(250).encrypt(NEW).unwrap();
        assert_eq!(other.at(299).decrypt(&old).as_deref(), Some(OLD));
        assert_eq!(other.at(300).decrypt(&old), None);
        assert_eq!(other.at(300).decrypt(&new).as_deref(), Some(NEW));
        assert_eq!(other.at(400).decrypt(&new), None);
        // A machine whose clock is behind accepts what another one has begun to issue.
        assert_eq!(other.at(150).decrypt(&new).as_deref(), Some(NEW));
    }

    #[test]
    fn the_hint_is_what_the_key_has_left_and_a_week_at_most() {
        let server = Server::new(&[key(1, 100, 300), key(2, 1_000, 10_000_000)]);
        assert_eq!(server.at(100).lifetime(), Duration::from_secs(200));
        assert_eq!(server.at(299).lifetime(), Duration::from_secs(1));
        assert_eq!(server.at(2_000).lifetime(), Duration::from_secs(604_800));
    }

    #[test]
    fn a_ticket_with_any_bit_changed_or_byte_missing_is_none() {
        let server = Server::new(&[key(1, 0, 100)]);
        let ticket = server.at(1).encrypt(SESSION).unwrap();
        assert_eq!(ticket.len(), NAME + SALT + END + SESSION.len() + TAG);
        for bit in 0..ticket.len() * 8 {
            let mut changed = ticket.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(server.tickets.decrypt(&changed), None, "bit {bit}");
        }
        for length in 0..ticket.len() {
            assert_eq!(server.tickets.decrypt(&ticket[..length]), None, "{length} bytes");
        }
        assert_eq!(server.tickets.decrypt(&[&ticket[..], b"x"].concat()), None);
    }

    #[test]
    fn no_two_tickets_look_alike() {
        let server = Server::new(&[key(1, 0, 100)]);
        let [one, two] = [(); 2].map(|()| server.at(1).encrypt(SESSION).unwrap());
        assert_ne!(one[NAME..NAME + SALT], two[NAME..NAME + SALT]);
        assert_ne!(one[NAME + SALT..], two[NAME + SALT..]);
    }

    #[test]
    fn a_name_with_another_secret_is_no_key() {
        let [one, mut two] = [key(1, 0, 100), key(2, 0, 100)];
        two.name = one.name;
        let ticket = Server::new(&[one]).at(1).encrypt(SESSION).unwrap();
        assert_eq!(Server::new(&[two]).at(1).decrypt(&ticket), None);
    }

    #[test]
    fn other_rules_about_client_certificates_are_another_key() {
        let lax = Recipe::default();
        let strict = Recipe { client_auth: ClientAuth::Required, ..Recipe::default() };
        assert_eq!(rules(&lax), rules(&Recipe::default()));
        let issuer = Server::with_rules(&[key(1, 0, 100)], rules(&lax));
        let ticket = issuer.at(1).encrypt(SESSION).unwrap();
        let server = Server::with_rules(&[key(1, 0, 100)], rules(&strict));
        assert_eq!(server.at(1).decrypt(&ticket), None);
        assert!(issuer.at(1).decrypt(&ticket).is_some());
    }

    #[test]
    fn former_keys_are_gone_after_a_swap_and_the_own_ones_come_back() {
        let server = Server::new(&[key(1, 0, 100)]);
        let given = server.at(1).encrypt(SESSION).unwrap();
        let former = Arc::downgrade(&server.tickets.given().unwrap());
        server.tickets.swap(Some(KeySet::new(&[key(2, 0, 100)]).unwrap()));
        assert!(former.upgrade().is_none());
        assert_eq!(server.tickets.decrypt(&given), None);

        server.tickets.swap(None);
        let own = server.tickets.encrypt(SESSION).unwrap();
        assert_eq!(server.tickets.decrypt(&own).as_deref(), Some(SESSION));
        assert_eq!(server.tickets.decrypt(&given), None);
    }

    #[test]
    fn a_ticket_ends_with_the_certificates_of_who_made_it_wherever_it_is_offered() {
        let own = |until| Standing { chain: None, own: vec![Validity { from: 0, until }] };
        let issuer = Server::with(&[key(1, 0, 1_000)], [0; RULES], own(500));
        let other = Server::with(&[key(1, 0, 1_000)], [0; RULES], own(900));
        assert_eq!(issuer.at(400).lifetime(), Duration::from_secs(100));
        let ticket = issuer.at(400).encrypt(SESSION).unwrap();
        for server in [&issuer, &other] {
            assert_eq!(server.at(500).decrypt(&ticket).as_deref(), Some(SESSION));
            assert_eq!(server.at(501).decrypt(&ticket), None);
        }
        // What has expired already does not count: it is for the host to see to.
        let late = issuer.at(600).encrypt(SESSION).unwrap();
        assert_eq!(issuer.at(700).decrypt(&late).as_deref(), Some(SESSION));
    }

    #[test]
    fn a_set_without_a_key_issues_and_accepts_nothing() {
        let server = Server::new(&[]);
        assert_eq!(server.at(1).encrypt(SESSION), None);
        assert_eq!(server.at(1).decrypt(&[0; 100]), None);
    }

    #[test]
    fn unusable_keys_are_named_by_their_place() {
        let refused = |keys: &[GivenKey<'_>]| KeySet::new(keys).err().unwrap();
        let short = GivenKey { secret: &[1; 31], ..key(1, 0, 1) };
        let long = GivenKey { secret: &[1; 65], ..key(1, 0, 1) };
        let zero = GivenKey { secret: &[0; 48], ..key(1, 0, 1) };
        for (bad, word) in [
            (short, "31"),
            (long, "65"),
            (zero, "zeros"),
            (key(1, 5, 5), "decrypt_until"),
            (key(0, 0, 1), "name of key 0"),
        ] {
            let failure = refused(&[key(0, 0, 10), bad]);
            assert_eq!(failure.reason, TLS_REASON_TICKET_KEY_UNUSABLE);
            assert!(failure.message.contains("ticket key 1: "), "{}", failure.message);
            assert!(failure.message.contains(word), "{}", failure.message);
        }
    }
}
