//! What the two sides of a game are made of.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use tlsbio::status::*;

use super::script::Script;
use crate::support::{Context, Recipe};

pub const SERVER_KEY: &str = "ecdsa/server.key";
pub const CLIENT_KEY: &str = "ecdsa/client.key";

/// How much early data a server takes.
const MOST_EARLY: u32 = 3000;

/// All but the key log, which fills the queue.
const ALL_EVENTS: u32 = TLS_EVENT_HANDSHAKE_DONE
    | TLS_EVENT_TICKET
    | TLS_EVENT_ALERT_RECEIVED
    | TLS_EVENT_ALERT_SENT
    | TLS_EVENT_KEY_UPDATE;

pub struct Setup {
    pub client: Context,
    pub server: Context,
    /// The one that a server begins with.
    pub asking: Context,
    /// Whether there was a connection before, whose session can be resumed.
    pub resumes: bool,
    /// What a client shows that is asked.
    pub shown: Option<Context>,
    /// Whether there is a store.
    pub stores: bool,
    /// The questions that were answered as they should be, a bit for each.
    pub answered: Cell<u32>,
    /// The host's store of a server's sessions.
    pub store: RefCell<HashMap<Vec<u8>, Vec<u8>>>,
}

impl Setup {
    /// `choices` are those of the appendix.
    pub fn new(script: &mut Script<'_>, choices: u8) -> Self {
        let bits = script.byte();
        let more = script.byte();
        let bit = |number: u8| bits & 1 << number != 0;
        let version = if bit(0) { TLS_VERSION_1_2 } else { TLS_VERSION_1_3 };
        let early = bit(5) && version == TLS_VERSION_1_3 && !bit(2) && !bit(3);
        let resumes = early || bit(4);
        let events = if bit(7) { ALL_EVENTS } else { 0 };
        let limits = [None, None, Some((20 * 1024, 40 * 1024)), Some((68 * 1024, 20 * 1024))]
            [usize::from(more >> 2) % 4];
        let common = Recipe {
            version: Some(version as u16),
            verify: if bit(3) { TLS_VERIFY_ASK } else { TLS_VERIFY_PEER },
            events,
            limits,
            ..Recipe::default()
        };
        let ask_identity = choices & 1 != 0;
        let ask_session = choices & 2 != 0 && resumes;
        let client_key = usize::from(more) % 4;
        let asks_client = client_key != 0 || ask_identity;
        // What a server cannot have beside it: TLS_REASON_HALF_RTT_IMPOSSIBLE.
        let half_rtt = choices & 4 != 0 && version == TLS_VERSION_1_3 && !bit(2) && !bit(3) && !asks_client;
        let shown = Recipe {
            chain: (client_key != 0).then_some(("ecdsa/client-chain.pem", CLIENT_KEY)),
            external: client_key == 2,
            ..common
        };
        let client = Recipe {
            chain: if ask_identity { None } else { shown.chain },
            external: shown.external && !ask_identity,
            ask_identity,
            early: u32::from(early),
            sessions: if resumes { None } else { Some(0) },
            ..common
        };
        let server = Recipe {
            chain: Some(("ecdsa/server-chain.pem", SERVER_KEY)),
            external: bit(1),
            client_auth: if asks_client { TLS_CLIENT_AUTH_OPTIONAL } else { TLS_CLIENT_AUTH_NONE },
            early: if early { MOST_EARLY } else { 0 },
            ask_session,
            half_rtt,
            ..common
        };
        Self {
            client: Context::client(&client),
            server: Context::server(&server),
            asking: Context::server(&Recipe { ask_context: bit(2), ..server }),
            resumes,
            shown: (ask_identity && client_key != 0).then(|| Context::client(&shown)),
            stores: ask_session,
            answered: Cell::new(0),
            store: RefCell::default(),
        }
    }
}
