//! What the two sides of a game are made of.

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
}

impl Setup {
    pub fn new(script: &mut Script<'_>) -> Self {
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
        let client_key = usize::from(more) % 4;
        let client = Recipe {
            chain: (client_key != 0).then_some(("ecdsa/client-chain.pem", CLIENT_KEY)),
            external: client_key == 2,
            early: u32::from(early),
            sessions: if resumes { None } else { Some(0) },
            ..common
        };
        let server = Recipe {
            chain: Some(("ecdsa/server-chain.pem", SERVER_KEY)),
            external: bit(1),
            client_auth: if client_key == 0 { TLS_CLIENT_AUTH_NONE } else { TLS_CLIENT_AUTH_OPTIONAL },
            early: if early { MOST_EARLY } else { 0 },
            ..common
        };
        Self {
            client: Context::client(&client),
            server: Context::server(&server),
            asking: Context::server(&Recipe { ask_context: bit(2), ..server }),
            resumes,
        }
    }
}
