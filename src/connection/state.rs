//! What a connection consists of, from its beginning to its failure.

use std::sync::Arc;

use super::cold::Cold;
use super::counters::Counters;
use super::events;
use super::flights::in_records;
use super::phase::Phase;
use crate::buffer::{Inbound, Outbound};
use crate::engine::{ClientParameters, ClientSetup, Handshake, Question, observe};
use crate::failure::Failure;
use crate::setup::shared::Shared;
use crate::status::*;

/// What a call achieved, or the status that says why it achieved nothing.
pub(crate) type Answer<T> = Result<T, Status>;

/// What `tls_conn_t` stands for.
pub(crate) struct Connection {
    pub(super) phase: Phase,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
    pub(super) shared: Arc<Shared>,
    /// The name that a client sends by SNI.
    pub(super) sent_name: Option<Arc<Box<str>>>,
    /// What few connections ever have.
    pub(super) cold: Option<Box<Cold>>,
    /// Bytes that the last in-place call left with the host, who must give them again; in four bytes,
    /// because there are many connections and no message is as long.
    pub(super) left_in_place: u32,
    /// How many of them the engine was shown: see [`Inbound::shown`].
    pub(super) shown_in_place: u32,
    /// Which of its context's identities a server presents, from 1; 0 while that is not known.
    pub(super) identity: u16,
    pub(super) counters: Counters,
    /// When the keys of the connection were let go; None while somebody looks after them.
    rested: Option<u32>,
    pub(super) eof: bool,
    pub(super) we_closed: bool,
}

/// First guess at the size of a handshake flight; a longer one makes the queue grow.
pub(super) const USUAL_FLIGHT: usize = 6 * 1024;

impl Connection {
    /// Starts a client's handshake: its ClientHello is queued.
    pub(crate) fn client(
        shared: Arc<Shared>,
        setup: &ClientSetup,
        mut parameters: ClientParameters,
    ) -> Result<Self, Failure> {
        let sent_name = parameters.sent_name.take();
        let own_sessions = parameters.own_sessions.take();
        let mut outbound = Outbound::default();
        let out = outbound.appender(USUAL_FLIGHT, &shared.pool);
        let (handshake, observed) = in_records(shared.sizing.most, out, |out| {
            observe(events::wants(shared.events), || setup.open(parameters, out))
        });
        let handshake = handshake?;
        let limit = shared.limits.outbound;
        if outbound.len() > limit {
            return Err(Failure::limit(format!(
                "the ClientHello of {} bytes (with the ticket of an earlier session) exceeds the outbound \
                 limit of {limit} bytes",
                outbound.len()
            )));
        }
        let mut connection = Self::server(shared, handshake);
        connection.outbound = outbound;
        connection.sent_name = sent_name.map(|name| connection.shared.last_name.share(&name));
        if own_sessions.is_some() {
            connection.cold.get_or_insert_default().own_sessions = own_sessions;
        }
        connection.note_observed(observed);
        Ok(connection)
    }

    /// A server waits for its client's first bytes.
    pub(crate) fn server(shared: Arc<Shared>, handshake: Box<dyn Handshake>) -> Self {
        Self::new(shared, Phase::Handshake(handshake))
    }

    pub(super) fn new(shared: Arc<Shared>, phase: Phase) -> Self {
        Self {
            phase,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            shared,
            sent_name: None,
            cold: None,
            left_in_place: 0,
            shown_in_place: 0,
            identity: 0,
            counters: Counters::default(),
            rested: Some(0),
            eof: false,
            we_closed: false,
        }
    }

    /// Lets go what the next record brings back: the expanded keys. For a connection that is not used; `now` is not
    /// looked at here.
    pub(crate) fn rest(&mut self, now: u32) {
        self.phase.rest();
        self.rested = Some(now);
    }

    /// A key was expanded: what [`Self::rest`] was told, 0 if it never rested; None if that was asked since.
    pub(crate) fn wake(&mut self) -> Option<u32> {
        self.rested.take()
    }

    /// Processes what was fed, and says where the connection stands.
    pub(crate) fn advance(&mut self) -> Status {
        match self.process_fed() {
            Ok(()) => self.standing(),
            Err(status) => status,
        }
    }

    /// The fatal error, if one happened.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.cold.as_ref()?.failure.as_ref()
    }

    /// Makes this connection unusable after a panic inside it was contained. The engine may be in
    /// any state: it is not entered again.
    pub(crate) fn poison(&mut self) {
        let mut failure = Failure::panic();
        if let Some(half) = self.half() {
            half.publish(&mut failure);
        }
        self.cold.get_or_insert_default().failure = Some(failure);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure().is_some()
    }

    pub(super) fn check_alive(&self) -> Answer<()> {
        match self.failure() {
            Some(failure) => Err(failure.status),
            None => Ok(()),
        }
    }

    /// Where the connection stands when all that was fed and can be processed has been.
    pub(super) fn standing(&self) -> Status {
        if let Some(status) = self.phase.held_up() {
            return status;
        }
        match self.phase.question() {
            Some(Question::Context(_)) => return TLS_ASK_CONTEXT,
            Some(Question::Verify(_)) => return TLS_ASK_VERIFY,
            Some(Question::Sign(_)) => return TLS_ASK_SIGN,
            Some(Question::Identity(_)) => return TLS_ASK_IDENTITY,
            Some(Question::Session(_)) => return TLS_ASK_SESSION,
            None => {}
        }
        if self.inbound.has_plain() {
            TLS_OK
        } else if self.phase.peer_closed() {
            TLS_CLOSED
        } else if self.eof {
            TLS_TRUNCATED
        } else if self.phase.is_handshaking() {
            TLS_WANT_FEED
        } else {
            TLS_OK
        }
    }

    /// What a call that needs plain bytes answers when there are none.
    pub(super) fn standing_without_plain(&self) -> Status {
        match self.standing() {
            TLS_OK => TLS_WANT_FEED,
            other => other,
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) -> Status {
        let (mut failure, told_before) = self.first_failure(failure);
        let status = failure.status;
        if let Some(half) = self.half() {
            half.publish(&mut failure);
        }
        if !told_before {
            self.note_failure(&failure);
        }
        self.drop_held();
        self.cold.get_or_insert_default().failure = Some(failure);
        status
    }
}
