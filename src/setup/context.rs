//! What connections share: the engine's configuration, the limits, and the pool of buffers.

use std::sync::{Arc, LazyLock};

use pki_types::{DnsName, ServerName};

use super::builder::{Builder, check_groups};
use super::footprint::Footprint;
use super::limits::{HandshakeLimits, Limits};
use super::sent_name::LastName;
use super::shared::{EndPoint, Shared};
use super::verification::unix_time;
use crate::buffer::{Accounts, DEFAULT_ROOM, Owned, Pool};
use crate::connection::Connection;
use crate::engine::{
    Case, ClientSession, ClientSetup, ClientWish, GivenKey, KeySet, ServerSetup, Usage, half_rtt_impossible,
};
use crate::failure::Failure;
use crate::numbers::{DEFAULT_POOL, MIN_WRITE, MOVE_KEY, OUTBOUND_RESERVE};
use crate::parse::alpn;
use crate::parse::ech::EchRef;
use crate::record::layout::MAX_PLAIN;
use crate::record::sizing::ENGINES_OWN;
use crate::status::{
    TLS_ERR_ARGUMENT, TLS_ERR_STATE, TLS_EVENT_SESSION, TLS_REASON_LIMIT_TOO_SMALL,
    TLS_REASON_SERVER_NAME_INVALID, TLS_ROLE_CLIENT, TLS_ROLE_SERVER,
};

/// What `tls_context_t` stands for: immutable, and kept alive by the connections made from it.
pub(crate) struct Context {
    pub(crate) role: Role,
    shared: Arc<Shared>,
    /// Whether its servers ask for the context that goes on with them.
    asks_context: bool,
    worst_case: usize,
}

pub(crate) enum Role {
    Client(ClientSetup),
    Server(ServerSetup),
}

/// What one client connection has of its own. Names are in text form, lists as in their RFCs.
pub(crate) struct ClientOptions<'a> {
    /// None where no name is asked of the server.
    pub(crate) server_name: Option<&'a [u8]>,
    pub(crate) sent: Sent<'a>,
    pub(crate) alpn: Option<&'a [u8]>,
    /// Key exchange groups, IANA numbers.
    pub(crate) groups: Option<&'a [u16]>,
    pub(crate) ech: EchOption<'a>,
    /// Whether its sessions are kept apart, with the one to resume.
    pub(crate) sessions: Option<Option<&'a mut ClientSession>>,
}

/// The name that a client sends.
pub(crate) enum Sent<'a> {
    Verified,
    Other(&'a [u8]),
    None,
}

/// What a connection does about ECH.
pub(crate) enum EchOption<'a> {
    OfContext,
    Off,
    Grease,
    Offer(&'a [u8]),
}

impl<'a> ClientOptions<'a> {
    /// None of its own.
    pub(crate) fn new(server_name: Option<&'a [u8]>) -> Self {
        Self {
            server_name,
            sent: Sent::Verified,
            alpn: None,
            groups: None,
            ech: EchOption::OfContext,
            sessions: None,
        }
    }
}

/// What servers use that have no context yet.
static UNASSIGNED: LazyLock<Arc<Shared>> = LazyLock::new(|| {
    Arc::new(Shared {
        pool: Pool::new(DEFAULT_POOL),
        accounts: Accounts::default(),
        limits: Limits::default(),
        handshake: HandshakeLimits::default(),
        flight_bound: 0,
        end_point: EndPoint::Own(Vec::new()),
        events: 0,
        gives_secrets: false,
        sizing: ENGINES_OWN,
        last_name: LastName::default(),
    })
});

impl Context {
    pub(crate) fn client(builder: &Builder) -> Result<Self, Failure> {
        let setup = ClientSetup::new(&builder.recipe, builder.limits.outbound)?;
        let flight_bound = setup.flight_bound(builder.sizing.most);
        let shared = shared(builder, flight_bound, builder.recorded_events(), EndPoint::Peer)?;
        let worst_case = worst_case(builder, flight_bound, true);
        Ok(Self { role: Role::Client(setup), shared, asks_context: false, worst_case })
    }

    pub(crate) fn server(builder: &Builder) -> Result<Self, Failure> {
        let setup = ServerSetup::new(&builder.recipe, builder.asks_context, builder.limits.outbound)?;
        let own = builder.recipe.credentials.iter().map(|identity| identity.chain().first().cloned());
        let flight_bound = setup.flight_bound(builder.sizing.most);
        let shared = shared(builder, flight_bound, builder.server_events(), EndPoint::Own(own.collect()))?;
        let worst_case = worst_case(builder, flight_bound, false);
        Ok(Self { role: Role::Server(setup), shared, asks_context: builder.asks_context, worst_case })
    }

    /// Whether only validated cryptography can be negotiated.
    pub(crate) fn is_fips(&self) -> bool {
        match &self.role {
            Role::Client(setup) => setup.is_fips(),
            Role::Server(setup) => setup.is_fips(),
        }
    }

    /// Starts a client connection. `server_name` is a DNS name or an IP address in text form.
    pub(crate) fn connect(&self, server_name: Option<&[u8]>) -> Result<Connection, Failure> {
        self.connect_with(ClientOptions::new(server_name))
    }

    /// Starts a client connection that differs from others of its context.
    pub(crate) fn connect_with(&self, options: ClientOptions<'_>) -> Result<Connection, Failure> {
        let Role::Client(setup) = &self.role else {
            return Err(Failure::argument("a client connection needs a client context"));
        };
        let verified = options.server_name.map(parse_name).transpose()?;
        let protocols = alpn::parse(options.alpn.unwrap_or_default())?;
        check_groups(options.groups.unwrap_or_default())?;
        let ech = match options.ech {
            EchOption::OfContext => None,
            EchOption::Off => Some(EchRef::Off),
            EchOption::Grease => Some(EchRef::Grease),
            EchOption::Offer(list) => Some(EchRef::offer(list)?),
        };
        let parameters = setup.parameters(ClientWish {
            sent: sent_name(&options.sent, verified.as_ref())?,
            verified,
            alpn: options.alpn.is_some().then_some(&protocols[..]),
            groups: options.groups,
            ech,
            sessions: options.sessions,
        })?;
        Connection::client(self.shared.clone(), setup, parameters)
    }

    /// Judges a chain by the rules of this context; `seconds` is a Unix time, or 0 for that of a handshake.
    pub(crate) fn verify_chain(
        &self,
        chain: &[&[u8]],
        name: Option<&[u8]>,
        seconds: i64,
        role: i32,
    ) -> Result<(), Failure> {
        let usage = match role {
            TLS_ROLE_SERVER => Usage::Server,
            TLS_ROLE_CLIENT => Usage::Client,
            _ => return Err(Failure::argument(format!("{role} is no role"))),
        };
        let case = Case {
            chain: chain.iter().map(|&der| der.into()).collect(),
            usage,
            name: name.map(parse_name).transpose()?,
            time: unix_time(seconds)?,
        };
        match &self.role {
            Role::Client(setup) => setup.judge(case),
            Role::Server(setup) => setup.judge(case),
        }
    }

    /// Takes these keys for the tickets from now on; none of them for keys of the context's own.
    pub(crate) fn ticket_keys(&self, keys: &[GivenKey<'_>]) -> Result<(), Failure> {
        let Role::Server(setup) = &self.role else {
            return Err(Failure::argument("only server contexts have ticket keys"));
        };
        setup.ticket_keys(if keys.is_empty() { None } else { Some(KeySet::new(keys)?) })
    }

    /// Takes this time, in Unix seconds, for the system's from now on; 0 goes back to the system's.
    pub(crate) fn set_time(&self, seconds: i64) -> Result<(), Failure> {
        let seconds = u64::try_from(seconds)
            .map_err(|_| Failure::argument(format!("{seconds} is a time before 1970")))?;
        match &self.role {
            Role::Client(setup) => setup.clock().set(seconds),
            Role::Server(setup) => setup.clock().set(seconds),
        }
        Ok(())
    }

    /// Heap bytes that none of its connections exceeds.
    pub(crate) fn worst_case(&self) -> usize {
        self.worst_case
    }

    /// A buffer for the host to receive into, of `want` bytes, or as many as the library chooses. None for more than can be fed.
    pub(crate) fn make_buffer(&self, want: usize) -> Option<Owned> {
        let most = self.shared.limits.inbound;
        let room = if want == 0 { DEFAULT_ROOM.min(most) } else { want };
        (room <= most).then(|| self.shared.accounts.make(room, &self.shared.pool))
    }

    /// How many buffers the host has, and their bytes.
    pub(crate) fn buffers_in_flight(&self) -> (usize, usize) {
        self.shared.accounts.in_flight()
    }

    /// How many bytes of unused buffers wait in the pool.
    pub(crate) fn unused_bytes(&self) -> usize {
        self.shared.pool.unused()
    }

    /// Goes on with a server's connection that asks for a context, with a list of application protocols as in RFC 7301 in
    /// place of this context's, if there is one.
    pub(crate) fn answer(&self, connection: &mut Connection, alpn: Option<&[u8]>) -> Result<(), Failure> {
        let setup = match &self.role {
            Role::Server(setup) if setup.is_half_rtt() => return Err(half_rtt_impossible()),
            Role::Server(setup) if setup.has_identity() => setup,
            Role::Server(_) => {
                return Err(Failure::argument("a context without an identity can only ask for another one"));
            }
            Role::Client(_) => return Err(Failure::argument("a server connection needs a server context")),
        };
        if !connection.asks_context() {
            return Err(Failure::new(TLS_ERR_STATE, 0, "no question about a context is open"));
        }
        let own = alpn.map(|wire| Ok(setup.with_alpn(&alpn::parse(wire)?))).transpose()?;
        connection.answer_context(&self.shared, own.as_ref().unwrap_or(setup));
        Ok(())
    }

    /// What this context can answer a server with that asks for an identity.
    pub(crate) fn identity(&self) -> Option<&ClientSetup> {
        match &self.role {
            Role::Client(setup) if setup.has_identity() => Some(setup),
            _ => None,
        }
    }

    /// Goes on with a connection that was exported, here or elsewhere.
    pub(crate) fn import(&self, key: &[u8; MOVE_KEY], blob: &[u8]) -> Result<Connection, Failure> {
        Connection::import_sealed(self.shared.clone(), key, blob)
    }

    /// Starts a server connection.
    pub(crate) fn accept(&self) -> Result<Connection, Failure> {
        let Role::Server(setup) = &self.role else {
            return Err(Failure::argument("a server connection needs a server context"));
        };
        let session = if self.asks_context { ServerSetup::open_asking() } else { setup.open()? };
        Ok(Connection::server(self.shared.clone(), session))
    }
}

/// Starts a server connection that will ask for its context.
pub(crate) fn accept_asking() -> Connection {
    Connection::server(UNASSIGNED.clone(), ServerSetup::open_asking())
}

/// A handshake flight is not cut by the engine: it must fit the outbound limit.
fn shared(
    builder: &Builder,
    flight_bound: usize,
    events: u32,
    end_point: EndPoint,
) -> Result<Arc<Shared>, Failure> {
    let limits = builder.limits;
    let needed = flight_bound + OUTBOUND_RESERVE;
    if limits.outbound < needed {
        return Err(Failure::config(
            TLS_REASON_LIMIT_TOO_SMALL,
            format!(
                "the outbound limit of {} bytes is below the {needed} bytes that a handshake flight with this \
                 certificate chain and these trust anchors can take (tls_builder_limits)",
                limits.outbound
            ),
        ));
    }
    // Beside the most that a cork holds there is room for a write: something can always go on.
    let padded = ENGINES_OWN.padded(builder.sizing.block);
    let needed = padded.wire(MAX_PLAIN + MIN_WRITE) + OUTBOUND_RESERVE;
    if limits.outbound < needed {
        return Err(Failure::config(
            TLS_REASON_LIMIT_TOO_SMALL,
            format!(
                "the outbound limit of {} bytes is below the {needed} bytes that records padded to multiples of \
                 {} bytes need (tls_builder_limits)",
                limits.outbound, padded.block
            ),
        ));
    }
    Ok(Arc::new(Shared {
        pool: Pool::new(builder.pool),
        accounts: Accounts::default(),
        limits,
        handshake: builder.handshake,
        flight_bound,
        end_point,
        events,
        gives_secrets: builder.recipe.secret_extraction,
        sizing: builder.sizing.padded(builder.sizing.block),
        last_name: LastName::default(),
    }))
}

fn worst_case(builder: &Builder, flight: usize, is_client: bool) -> usize {
    let (asks_within_steps, events) = match is_client {
        true => (builder.recipe.client_asks_within_steps(), builder.recorded_events()),
        false => (builder.recipe.server_asks_within_steps(), builder.server_events()),
    };
    let footprint = Footprint {
        limits: builder.limits,
        handshake: builder.handshake,
        early_data: if is_client { 0 } else { builder.recipe.early_data as usize },
        flight,
        is_client,
        asks_within_steps,
        stores_sessions: events & TLS_EVENT_SESSION != 0,
        has_events: events != 0,
    };
    footprint.worst_case()
}

/// The name that is sent: an address cannot be (RFC 6066, 3).
fn sent_name(
    sent: &Sent<'_>,
    verified: Option<&ServerName<'static>>,
) -> Result<Option<DnsName<'static>>, Failure> {
    match (sent, verified) {
        (Sent::Verified, Some(ServerName::DnsName(name))) => Ok(Some(name.clone())),
        (Sent::Verified | Sent::None, _) => Ok(None),
        (Sent::Other(name), _) => match parse_name(name)? {
            ServerName::DnsName(name) => Ok(Some(name)),
            _ => {
                let why = "the name to send is an IP address: only DNS names can be sent (RFC 6066, 3)";
                Err(Failure::new(TLS_ERR_ARGUMENT, TLS_REASON_SERVER_NAME_INVALID, why))
            }
        },
    }
}

fn parse_name(name: &[u8]) -> Result<ServerName<'static>, Failure> {
    let invalid = |why: &str| {
        Failure::new(
            TLS_ERR_ARGUMENT,
            TLS_REASON_SERVER_NAME_INVALID,
            format!("the server name is neither a DNS name nor an IP address: {why}"),
        )
    };
    let text = std::str::from_utf8(name)
        .map_err(|_| invalid("it is not ASCII (international names go in their xn-- form)"))?;
    if text.is_empty() {
        return Err(invalid("it is empty"));
    }
    if text.len() > 253 {
        return Err(invalid("it is longer than 253 characters"));
    }
    ServerName::try_from(text).map(|name| name.to_owned()).map_err(|_| invalid(&wrong_in(text)))
}

/// What keeps a text from being a name, without showing it: it may be anything that got here by mistake.
fn wrong_in(text: &str) -> String {
    match text.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter)) {
        Some(at) => format!("its character {} cannot be in one", at + 1),
        None => "a label of it is empty, longer than 63 characters, begins or ends with a hyphen, or is a number at \
                 the end"
            .into(),
    }
}
