//! What connections share: the engine's configuration, the limits, and the pool of buffers.

use std::sync::{Arc, LazyLock};

use pki_types::{CertificateDer, ServerName};

use crate::buffer::Pool;
use crate::builder::Builder;
use crate::connection::Connection;
use crate::engine::{ClientSession, ClientSetup, GivenKey, KeySet, OwnSessions, ServerSetup};
use crate::failure::Failure;
use crate::limits::{DEFAULT_POOL, Limits, OUTBOUND_RESERVE};
use crate::status::{TLS_ERR_ARGUMENT, TLS_REASON_LIMIT_TOO_SMALL, TLS_REASON_SERVER_NAME_INVALID};

/// What `tls_context_t` stands for: immutable, and kept alive by the connections made from it.
pub(crate) struct Context {
    pub(crate) role: Role,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) enum Role {
    Client(ClientSetup),
    Server(ServerSetup),
}

/// The part that an established connection still needs.
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) limits: Limits,
    /// The most wire bytes that one handshake flight of this side takes.
    pub(crate) flight_bound: usize,
    pub(crate) end_point: EndPoint,
    /// The kinds of events that are recorded, as bits.
    pub(crate) events: u32,
}

/// Whose certificate names the server's end of a connection (RFC 5929, 4).
pub(crate) enum EndPoint {
    /// The peer's: this is a client.
    Peer,
    /// This server's own.
    Own(CertificateDer<'static>),
    /// It is not known which one a server shows.
    Unknown,
}

/// What servers use that have no context yet.
static UNASSIGNED: LazyLock<Arc<Shared>> = LazyLock::new(|| {
    Arc::new(Shared {
        pool: Pool::new(DEFAULT_POOL),
        limits: Limits::default(),
        flight_bound: 0,
        end_point: EndPoint::Unknown,
        events: 0,
    })
});

impl Context {
    pub(crate) fn client(builder: &Builder) -> Result<Self, Failure> {
        let setup = ClientSetup::new(&builder.recipe)?;
        let shared = shared(builder, setup.flight_bound(), EndPoint::Peer)?;
        Ok(Self { role: Role::Client(setup), shared })
    }

    pub(crate) fn server(builder: &Builder) -> Result<Self, Failure> {
        let setup = ServerSetup::new(&builder.recipe)?;
        // Among several identities the engine chooses, and does not say which.
        let end_point = match builder.recipe.credentials.as_slice() {
            [only] => only.chain().first().map_or(EndPoint::Unknown, |own| EndPoint::Own(own.clone())),
            _ => EndPoint::Unknown,
        };
        let shared = shared(builder, setup.flight_bound(), end_point)?;
        Ok(Self { role: Role::Server(setup), shared })
    }

    /// Whether only validated cryptography can be negotiated.
    pub(crate) fn is_fips(&self) -> bool {
        match &self.role {
            Role::Client(setup) => setup.is_fips(),
            Role::Server(setup) => setup.is_fips(),
        }
    }

    /// Starts a client connection. `server_name` is a DNS name or an IP address in text form.
    pub(crate) fn connect(&self, server_name: &[u8]) -> Result<Connection, Failure> {
        self.start(parse_name(server_name)?, None)
    }

    /// The same, with sessions of its own: the one that it resumes, and those that it will be given.
    pub(crate) fn connect_resuming(
        &self,
        server_name: &[u8],
        session: Option<&mut ClientSession>,
    ) -> Result<Connection, Failure> {
        let name = parse_name(server_name)?;
        let own = self.client_setup()?.own_sessions(&name, session)?;
        self.start(name, Some(own))
    }

    /// Takes these keys for the tickets from now on; none of them for keys of the context's own.
    pub(crate) fn ticket_keys(&self, keys: &[GivenKey<'_>]) -> Result<(), Failure> {
        let Role::Server(setup) = &self.role else {
            return Err(Failure::argument("only server contexts have ticket keys"));
        };
        setup.ticket_keys(if keys.is_empty() { None } else { Some(KeySet::new(keys)?) })
    }

    fn client_setup(&self) -> Result<&ClientSetup, Failure> {
        match &self.role {
            Role::Client(setup) => Ok(setup),
            Role::Server(_) => Err(Failure::argument("a client connection needs a client context")),
        }
    }

    fn start(&self, name: ServerName<'static>, own: Option<Arc<OwnSessions>>) -> Result<Connection, Failure> {
        let setup = self.client_setup()?;
        let sent = match &name {
            ServerName::DnsName(name) => Some(name.as_ref().into()),
            _ => None,
        };
        Connection::client(self.shared.clone(), setup, name, sent, own)
    }

    /// Starts a client connection whose server must prove the name `verified`, and is told the name
    /// `sent`, or none.
    pub(crate) fn connect_named(&self, sent: Option<&[u8]>, verified: &[u8]) -> Result<Connection, Failure> {
        let Role::Client(setup) = &self.role else {
            return Err(Failure::argument("a client connection needs a client context"));
        };
        let verified = parse_name(verified)?;
        let sent = match sent.map(parse_name).transpose()? {
            Some(ServerName::DnsName(name)) => Some(name),
            Some(_) => {
                let why = "the name to send is an IP address: only DNS names can be sent (RFC 6066, 3)";
                return Err(Failure::new(TLS_ERR_ARGUMENT, TLS_REASON_SERVER_NAME_INVALID, why));
            }
            None => None,
        };
        let text = sent.as_ref().map(|name| name.as_ref().into());
        let (setup, name) = setup.named(sent, verified);
        Connection::client(self.shared.clone(), &setup, name, text, None)
    }

    /// Starts a server connection.
    pub(crate) fn accept(&self) -> Result<Connection, Failure> {
        let Role::Server(setup) = &self.role else {
            return Err(Failure::argument("a server connection needs a server context"));
        };
        Ok(Connection::server(self.shared.clone(), setup.open()?))
    }
}

/// Starts a server connection that will ask for its context.
pub(crate) fn accept_asking() -> Connection {
    Connection::server(UNASSIGNED.clone(), ServerSetup::open_asking())
}

/// A handshake flight is not cut by the engine: it must fit the outbound limit.
fn shared(builder: &Builder, flight_bound: usize, end_point: EndPoint) -> Result<Arc<Shared>, Failure> {
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
    Ok(Arc::new(Shared {
        pool: Pool::new(builder.pool),
        limits,
        flight_bound,
        end_point,
        events: builder.recorded_events(),
    }))
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
    ServerName::try_from(text).map(|name| name.to_owned()).map_err(|_| invalid(&format!("{text:?}")))
}
