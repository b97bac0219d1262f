//! Which sessions a client keeps, of those that servers give, and what it offers with them.
//!
//! A ticket is sent back whole in a ClientHello, which must fit the outbound limit and its own length fields: one
//! that is too long for that is not kept. And early data goes with the application protocol of its session
//! (RFC 8446, 4.2.10), of which rustls keeps nothing: where early data can be sent, sessions are filed by the protocols
//! that were offered when they came, and those of other protocols are resumed without it.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::{
    ClientSessionKey, ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12Resumption,
    Tls12Session, Tls13Session,
};
use rustls::crypto::kx::NamedGroup;
use zeroize::Zeroizing;

use super::digest::digest;
use super::hidden_sessions::HiddenSessions;
use super::lasting::DAY;
use super::stored::Life;
use crate::parse::signature_hash::Hash;

/// The longest ticket that is ever kept: half of what a flight may have by default goes to no one's ticket.
const MOST_TICKET: usize = 25 * 1024;

/// How many lists of protocols are told apart; sessions of the oldest one are forgotten for another.
const MOST_LISTS: usize = 16;

/// Stands for a list of protocols.
pub(super) type Mark = [u8; 32];

pub(super) fn mark(protocols: &[Vec<u8>]) -> Mark {
    let mut bytes = Vec::new();
    for name in protocols {
        bytes.push(name.len() as u8);
        bytes.extend_from_slice(name);
    }
    let mut mark = Mark::default();
    mark.copy_from_slice(&digest(Hash::Sha256, &bytes));
    mark
}

/// The longest ticket of which there is a place in a flight of `room` bytes.
pub(super) fn most_ticket(room: usize) -> usize {
    room.min(MOST_TICKET)
}

#[derive(Debug, Clone)]
pub(super) struct KeptSessions {
    store: Arc<dyn ClientSessionStore>,
    most_ticket: usize,
    /// Where early data can be sent.
    protocols: Option<(Mark, Arc<Lists>)>,
    /// The group of the key share for servers of which nothing is known.
    share: Option<NamedGroup>,
}

impl KeptSessions {
    pub(super) fn new(
        store: Arc<dyn ClientSessionStore>,
        most_ticket: usize,
        share: Option<NamedGroup>,
    ) -> Self {
        Self { store, most_ticket, protocols: None, share }
    }

    /// No sessions, but a group for key shares.
    pub(super) fn nothing_but(share: Option<NamedGroup>) -> Resumption {
        let kept = Self::new(Arc::new(ClientSessionMemoryCache::new(1)), 0, share);
        Resumption::store(Arc::new(kept)).tls12_resumption(Tls12Resumption::Disabled)
    }

    /// The same sessions, for connections that offer the protocols of this mark.
    pub(super) fn offering(&self, mark: Mark) -> Self {
        let lists = self.protocols.as_ref().map(|(_, lists)| Arc::clone(lists)).unwrap_or_default();
        Self {
            store: Arc::clone(&self.store),
            most_ticket: self.most_ticket,
            protocols: Some((mark, lists)),
            share: self.share,
        }
    }

    /// These sessions for a configuration, which offers ECH or does not: the two kinds do not meet.
    pub(super) fn resumption(&self, is_hidden: bool) -> Resumption {
        let mut kept = self.clone();
        if is_hidden {
            kept.store = Arc::new(HiddenSessions(kept.store));
        }
        Resumption::store(Arc::new(kept))
    }

    /// What is filed under `key` belongs to these protocols.
    fn own(&self, key: &ClientSessionKey<'_>) -> ClientSessionKey<'static> {
        match &self.protocols {
            Some((mark, _)) => filed(key, mark),
            None => key.to_owned(),
        }
    }

    /// Where sessions of other protocols are.
    fn others(&self, key: &ClientSessionKey<'_>) -> Vec<ClientSessionKey<'static>> {
        match &self.protocols {
            Some((own, lists)) => lists.all_but(own).iter().map(|mark| filed(key, mark)).collect(),
            None => Vec::new(),
        }
    }

    fn note(&self) {
        if let Some((mark, lists)) = &self.protocols {
            lists.note(mark);
        }
    }
}

impl ClientSessionStore for KeptSessions {
    fn set_kx_hint(&self, key: ClientSessionKey<'static>, group: NamedGroup) {
        self.note();
        self.store.set_kx_hint(self.own(&key), group);
    }

    fn kx_hint(&self, key: &ClientSessionKey<'_>) -> Option<NamedGroup> {
        let hint = self.store.kx_hint(&self.own(key));
        hint.or_else(|| self.others(key).iter().find_map(|other| self.store.kx_hint(other))).or(self.share)
    }

    fn set_tls12_session(&self, key: ClientSessionKey<'static>, session: Tls12Session) {
        if tls12_ticket(&session) <= self.most_ticket {
            self.note();
            self.store.set_tls12_session(self.own(&key), session);
        }
    }

    fn tls12_session(&self, key: &ClientSessionKey<'_>) -> Option<Tls12Session> {
        let session = self.store.tls12_session(&self.own(key));
        session.or_else(|| self.others(key).iter().find_map(|other| self.store.tls12_session(other)))
    }

    fn remove_tls12_session(&self, key: &ClientSessionKey<'static>) {
        self.store.remove_tls12_session(&self.own(key));
        self.others(key).iter().for_each(|other| self.store.remove_tls12_session(other));
    }

    fn insert_tls13_ticket(&self, key: ClientSessionKey<'static>, session: Tls13Session) {
        let numbers = tls13_numbers(&session);
        if numbers.is_some_and(|numbers| numbers.lasts && numbers.ticket <= self.most_ticket) {
            self.note();
            self.store.insert_tls13_ticket(self.own(&key), session);
        }
    }

    fn take_tls13_ticket(&self, key: &ClientSessionKey<'static>) -> Option<Tls13Session> {
        let session = self.store.take_tls13_ticket(&self.own(key));
        session.or_else(|| {
            let others = self.others(key);
            let other = others.iter().find_map(|other| self.store.take_tls13_ticket(other));
            other.map(without_early_data)
        })
    }
}

fn filed(key: &ClientSessionKey<'_>, mark: &Mark) -> ClientSessionKey<'static> {
    let mut key = key.to_owned();
    key.config_hash.iter_mut().zip(mark).for_each(|(byte, other)| *byte ^= other);
    key
}

/// The lists of protocols under which sessions were filed, the newest last.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<Vec<Mark>>);

impl Lists {
    fn note(&self, mark: &Mark) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !marks.contains(mark) {
            if marks.len() == MOST_LISTS {
                marks.remove(0);
            }
            marks.push(*mark);
        }
    }

    fn all_but(&self, own: &Mark) -> Vec<Mark> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.iter().filter(|mark| *mark != own).copied().collect()
    }
}

/// What rustls shows of a session only in its encoding.
pub(super) struct Numbers {
    pub early_data: u32,
    ticket: usize,
    /// In Unix seconds: the first one in which the session is not offered.
    pub expires: u64,
    /// Whether the server gave it to be used at all (RFC 8446, 4.6.1).
    lasts: bool,
}

pub(super) fn tls13_numbers(session: &Tls13Session) -> Option<Numbers> {
    let mut encoded = Zeroizing::new(Vec::new());
    session.encode(&mut encoded);
    // Suite, secret, age_add.
    let at = 2 + 1 + usize::from(*encoded.get(2)?) + 4;
    let early_data = u32::from_be_bytes(*encoded.get(at..)?.first_chunk()?);
    let ticket = usize::from(u16::from_be_bytes(*encoded.get(at + 4..)?.first_chunk()?));
    let life = Life::read(encoded.get(at + 4 + 2 + ticket..)?.first_chunk()?);
    Some(Numbers { early_data, ticket, expires: life.end(0), lasts: life.lasts > 0 })
}

fn tls12_ticket(session: &Tls12Session) -> usize {
    tls12_numbers(session).map_or(0, |numbers| numbers.ticket)
}

pub(super) fn tls12_numbers(session: &Tls12Session) -> Option<Numbers> {
    let mut encoded = Zeroizing::new(Vec::new());
    session.encode(&mut encoded);
    // Suite, session id, main secret, extended main secret.
    let at = 2 + 1 + usize::from(*encoded.get(2)?) + 48 + 1;
    let ticket = usize::from(u16::from_be_bytes(*encoded.get(at..)?.first_chunk()?));
    let life = Life::read(encoded.get(at + 2 + ticket..)?.first_chunk()?);
    Some(Numbers { early_data: 0, ticket, expires: life.end(DAY), lasts: true })
}

/// The session, which allows no early data any more.
pub(super) fn without_early_data(mut session: Tls13Session) -> Tls13Session {
    if let Some(Numbers { early_data, .. }) = tls13_numbers(&session) {
        // "Test only" it is called, and the only way: the field is rustls's own.
        session._reset_max_early_data_size(early_data, 0);
    }
    session
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_lc_rs::signature::Ed25519KeyPair;
    use pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
    use rustls::crypto::TicketProducer;

    use super::super::client_parameters::ClientWish;
    use super::super::client_setup::ClientSetup;
    use super::super::handshake::Handshake;
    use super::super::recipe::{Recipe, Verify};
    use super::super::server_setup::ServerSetup;
    use super::super::store::Credential;
    use super::*;
    use crate::numbers::DEFAULT_WIRE;
    use crate::record::layout::MAX_PLAIN;
    use crate::record::traffic::Flow;

    /// Tickets of a length that no server of ours sends.
    #[derive(Debug)]
    struct Long(Arc<dyn TicketProducer>, usize, Duration);

    impl TicketProducer for Long {
        fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
            let mut ticket = self.0.encrypt(plain)?;
            let short = ticket.len() as u32;
            ticket.resize(self.1 - 4, 0);
            ticket.extend_from_slice(&short.to_be_bytes());
            Some(ticket)
        }

        fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
            let short = u32::from_be_bytes(*ticket.last_chunk()?) as usize;
            self.0.decrypt(&ticket[..short])
        }

        fn lifetime(&self) -> Duration {
            self.2
        }
    }

    fn recipe() -> Recipe {
        let key = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.as_ref().to_vec()));
        let credential = Credential::new(Vec::new(), Zeroizing::new(key)).unwrap();
        Recipe {
            credentials: vec![credential],
            tls13: true,
            verify: Verify::DangerousNone,
            ..Recipe::default()
        }
    }

    fn client_setup(outbound: usize) -> ClientSetup {
        let mut recipe = Recipe { tls13: true, verify: Verify::DangerousNone, ..Recipe::default() };
        recipe.checks.raw_keys = vec![vec![0; 44].into()];
        ClientSetup::new(&recipe, outbound).unwrap()
    }

    fn server_setup(ticket: usize) -> ServerSetup {
        server_setup_for(ticket, Duration::from_secs(3600))
    }

    fn server_setup_for(ticket: usize, lifetime: Duration) -> ServerSetup {
        let mut setup = ServerSetup::new(&recipe(), false, DEFAULT_WIRE).unwrap();
        let config = Arc::make_mut(&mut setup.config);
        config.ticketer = Some(Arc::new(Long(config.ticketer.clone().unwrap(), ticket, lifetime)));
        setup
    }

    /// How long the ClientHello was, and whether a session was resumed.
    fn meet(client: &ClientSetup, server: &ServerSetup) -> (usize, bool) {
        let wish = ClientWish {
            verified: Some(ServerName::try_from("a.test").unwrap()),
            sent: None,
            alpn: None,
            groups: None,
            ech: None,
            sessions: None,
        };
        let mut up = Vec::new();
        let mut client = client.open(client.parameters(wish).unwrap(), &mut up).unwrap();
        let mut server = server.open().unwrap();
        let (hello, mut down) = (up.len(), Vec::new());
        while !up.is_empty() || !down.is_empty() {
            give(&mut *server, &mut up, &mut down);
            give(&mut *client, &mut down, &mut up);
        }
        assert!(client.is_done() && server.is_done());
        (hello, client.facts().resumed)
    }

    fn give(to: &mut dyn Handshake, wire: &mut Vec<u8>, out: &mut Vec<u8>) {
        let outcome = to.receive(wire, out, &mut |_, _| Flow::More);
        outcome.result.unwrap();
        assert_eq!(outcome.used, wire.len());
        wire.clear();
    }

    //
    #[test]
    fn tickets_are_kept_only_where_they_can_be_sent_back() {
        for (ticket, outbound, kept) in [
            (1000, DEFAULT_WIRE, true),
            (MOST_TICKET, DEFAULT_WIRE, true),
            (MOST_TICKET + 1, DEFAULT_WIRE, false),
            (30_000, DEFAULT_WIRE, false),
            (64_500, 1 << 20, false),
            (11_900, 20_480, true),
            (12_000, 20_480, false),
        ] {
            let (client, server) = (client_setup(outbound), server_setup(ticket));
            let (first, _) = meet(&client, &server);
            let (second, resumed) = meet(&client, &server);
            assert_eq!(resumed, kept, "{ticket}");
            assert_eq!(second > first, kept, "{ticket}");
            assert!(second <= client.flight_bound(MAX_PLAIN), "{ticket}");
        }
    }

    //
    #[test]
    fn a_ticket_that_is_to_be_discarded_at_once_is() {
        for (seconds, kept) in [(0, false), (60, true)] {
            let client = client_setup(DEFAULT_WIRE);
            let server = server_setup_for(1000, Duration::from_secs(seconds));
            let (first, _) = meet(&client, &server);
            let (second, resumed) = meet(&client, &server);
            assert_eq!((second > first, resumed), (kept, kept), "{seconds}");
        }
    }

    //
    #[test]
    fn so_are_those_of_tls_12() {
        let provider = super::super::full_records::provider();
        let suite = provider.tls12_cipher_suites[0].common.suite.0;
        let store = KeptSessions::new(Arc::new(ClientSessionMemoryCache::new(8)), 1000, None);
        let client = client_setup(DEFAULT_WIRE);
        for (ticket, kept) in [(1001, false), (1000, true)] {
            let mut bytes = suite.to_be_bytes().to_vec();
            bytes.extend_from_slice(&[2, 7, 7]);
            bytes.extend_from_slice(&[9; 48]);
            bytes.push(1);
            bytes.extend_from_slice(&(ticket as u16).to_be_bytes());
            bytes.extend(std::iter::repeat_n(5, ticket));
            bytes.extend_from_slice(&[0; 16]);
            // A peer with a raw key of one byte.
            bytes.extend_from_slice(&[1, 0, 0, 1, 1]);
            let session = Tls12Session::from_slice(&bytes, &provider);
            let Ok(session) = session else { panic!("{ticket}: {session:?}") };
            assert_eq!(tls12_ticket(&session), ticket);
            let key = key_of(&client);
            store.set_tls12_session(key.clone(), session);
            assert_eq!(store.tls12_session(&key).is_some(), kept, "{ticket}");
        }
    }

    //
    #[test]
    fn sessions_under_ech_are_filed_apart() {
        let store: Arc<dyn ClientSessionStore> = Arc::new(ClientSessionMemoryCache::new(64));
        let (open, hidden) = (store.clone(), HiddenSessions(store));
        let key = key_of(&client_setup(DEFAULT_WIRE));
        hidden.set_kx_hint(key.clone(), NamedGroup::secp256r1);
        assert_eq!(open.kx_hint(&key), None);
        open.set_kx_hint(key.clone(), NamedGroup::X25519);
        assert_eq!(hidden.kx_hint(&key), Some(NamedGroup::secp256r1));

        let (client, server) = (client_setup(DEFAULT_WIRE), server_setup(1000));
        let taken = |setup: &ClientSetup| {
            let kept = setup.kept.as_ref().unwrap();
            HiddenSessions(kept.store.clone()).take_tls13_ticket(&key_of(setup))
        };
        meet(&client, &server);
        assert!(taken(&client).is_none());
        let ticket = client.kept.as_ref().unwrap().store.take_tls13_ticket(&key_of(&client)).unwrap();
        HiddenSessions(client.kept.as_ref().unwrap().store.clone())
            .insert_tls13_ticket(key_of(&client), ticket);
        assert!(taken(&client).is_some());
        assert!(taken(&client).is_none());
    }

    /// A key as the engine makes them: it alone can.
    fn key_of(client: &ClientSetup) -> ClientSessionKey<'static> {
        #[derive(Debug, Default)]
        struct Keys(Mutex<Vec<ClientSessionKey<'static>>>);
        impl ClientSessionStore for Keys {
            fn set_kx_hint(&self, _: ClientSessionKey<'static>, _: NamedGroup) {}

            fn kx_hint(&self, key: &ClientSessionKey<'_>) -> Option<NamedGroup> {
                self.0.lock().unwrap().push(key.to_owned());
                None
            }

            fn set_tls12_session(&self, _: ClientSessionKey<'static>, _: Tls12Session) {}

            fn tls12_session(&self, _: &ClientSessionKey<'_>) -> Option<Tls12Session> {
                None
            }

            fn remove_tls12_session(&self, _: &ClientSessionKey<'static>) {}

            fn insert_tls13_ticket(&self, _: ClientSessionKey<'static>, _: Tls13Session) {}

            fn take_tls13_ticket(&self, _: &ClientSessionKey<'static>) -> Option<Tls13Session> {
                None
            }
        }
        let keys = Arc::new(Keys::default());
        let mut config = rustls::ClientConfig::clone(&client.config);
        config.resumption = rustls::client::Resumption::store(Arc::clone(&keys) as _);
        let builder = Arc::new(config).connect(ServerName::try_from("a.test").unwrap());
        builder.build(&mut Vec::new()).unwrap();
        let mut keys = keys.0.lock().unwrap();
        keys.pop().unwrap()
    }
}
