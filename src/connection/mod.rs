//! One TLS connection: what the calls of the contract mean.
//!
//! The engine, the inbound queue and the outbound queue meet here. Each file holds one kind of call;
//! all of them move the connection on through [`Connection::drive`].

mod answer;
mod answered_updates;
mod chunks;
mod clock;
mod cork;
mod counters;
mod early;
mod events;
mod facts;
mod halves;
mod handshake_limits;
mod in_place;
mod keying;
mod parts;
mod phase;
mod rare;
mod read;
mod record_sizes;
mod run;
mod secrets;
mod sessions;
mod wire_in;
mod wire_out;
mod word;
mod write;

use std::sync::Arc;

use self::record_sizes::in_records;
use crate::buffer::{Inbound, Outbound};
use crate::engine::{ClientSetup, Handshake, Opening, Question, Wish, forbear, observe};
use crate::failure::Failure;
use crate::record::layout;
use crate::record::traffic::{Flow, PlainSink};
use crate::setup::context::Shared;
use crate::status::*;

pub(crate) use counters::Counters;
pub(crate) use events::{Event, MAX_EVENTS};
use phase::Phase;
use rare::Rare;
use run::Run;

pub(crate) use in_place::SpanSink;
pub(crate) use keying::{MAX_EXPORT, MAX_EXPORT_LABEL};
pub(crate) use parts::Part;
pub(crate) use read::PlainTarget;

/// What a call achieved, or the status that says why it achieved nothing.
pub(crate) type Answer<T> = Result<T, Status>;

/// What `tls_conn_t` stands for.
pub(crate) struct Connection {
    phase: Phase,
    inbound: Inbound,
    outbound: Outbound,
    shared: Arc<Shared>,
    /// The name that a client sends by SNI.
    sent_name: Option<Arc<Box<str>>>,
    /// What few connections ever have.
    rare: Option<Box<Rare>>,
    /// Bytes that the last in-place call left with the host, who must give them again; in four bytes,
    /// because there are many connections and no message is as long.
    left_in_place: u32,
    /// Which of its context's identities a server presents, from 1; 0 while that is not known.
    identity: u16,
    counters: Counters,
    eof: bool,
    we_closed: bool,
}

/// First guess at the size of a handshake flight; a longer one makes the queue grow.
const USUAL_FLIGHT: usize = 6 * 1024;

impl Connection {
    /// Starts a client's handshake: its ClientHello is queued.
    pub(crate) fn client(
        shared: Arc<Shared>,
        setup: &ClientSetup,
        mut opening: Opening,
    ) -> Result<Self, Failure> {
        let sent_name = opening.sent_name.take();
        let own_sessions = opening.own_sessions.take();
        let mut outbound = Outbound::default();
        let out = outbound.appender(USUAL_FLIGHT, &shared.pool);
        let (handshake, observed) = in_records(shared.sizing.most, out, |out| {
            observe(events::wants(shared.events), || setup.open(opening, out))
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
            connection.rare.get_or_insert_default().own_sessions = own_sessions;
        }
        connection.note_observed(observed);
        Ok(connection)
    }

    /// A server waits for its client's first bytes.
    pub(crate) fn server(shared: Arc<Shared>, handshake: Box<dyn Handshake>) -> Self {
        Self::new(shared, Phase::Handshake(handshake))
    }

    fn new(shared: Arc<Shared>, phase: Phase) -> Self {
        Self {
            phase,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            shared,
            sent_name: None,
            rare: None,
            left_in_place: 0,
            identity: 0,
            counters: Counters::default(),
            eof: false,
            we_closed: false,
        }
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
        self.rare.as_ref()?.failure.as_ref()
    }

    /// Makes this connection unusable after a panic inside it was contained. The engine may be in
    /// any state: it is not entered again.
    pub(crate) fn poison(&mut self) {
        let mut failure = Failure::panic();
        if let Some(half) = self.half() {
            half.publish(&mut failure);
        }
        self.rare.get_or_insert_default().failure = Some(failure);
    }

    fn has_failed(&self) -> bool {
        self.failure().is_some()
    }

    fn check_alive(&self) -> Answer<()> {
        match self.failure() {
            Some(failure) => Err(failure.status),
            None => Ok(()),
        }
    }

    /// Runs the engine over the wire bytes that were fed, up to the first plain bytes, which stay
    /// in the inbound buffer for the host.
    fn process_fed(&mut self) -> Answer<()> {
        self.begin()?;
        if self.inbound.has_plain() {
            return Ok(());
        }
        let mut waiting = None;
        let used = self.drive_fed(&mut |at, _| {
            waiting = Some(at);
            Flow::Stop
        })?;
        self.counters.records_in += u64::from(waiting.is_some());
        self.inbound.processed(used, waiting);
        self.inbound.release_if_idle(&self.shared.pool);
        Ok(())
    }

    /// Runs the engine over the wire bytes that were fed, and says how many of them are done with.
    fn drive_fed(&mut self, sink: &mut PlainSink<'_>) -> Answer<usize> {
        if !layout::worth_processing(self.inbound.wire())
            && !self.handshake_exceeds_budget()
            && self.phase.held_up().is_none()
        {
            return Ok(0);
        }
        let before = self.counters.wire_in - self.inbound.held() as u64;
        let mut inbound = std::mem::take(&mut self.inbound);
        let result = self.drive(inbound.wire_mut(), before, sink);
        self.inbound = inbound;
        // Even of what the engine did not use up: messages that are not whole are decrypted where they lie.
        self.inbound.touched_all();
        let used = match result {
            Ok(used) => used,
            Err(status) => {
                if self.has_failed() {
                    self.inbound.release(&self.shared.pool);
                }
                return Err(status);
            }
        };
        if used == 0 && self.inbound.held() >= self.shared.limits.inbound && self.expects_wire() {
            let held = self.inbound.held();
            self.inbound.release(&self.shared.pool);
            let what = format!(
                "a handshake message of the peer does not fit into the inbound limit of {} bytes",
                self.shared.limits.inbound
            );
            return Err(self.fail_own(Failure::peer(TLS_REASON_HANDSHAKE_TOO_LARGE, what), held));
        }
        Ok(used)
    }

    /// Runs the engine over `wire`, in front of which the peer has sent `before` bytes.
    fn drive(&mut self, wire: &mut [u8], before: u64, sink: &mut PlainSink<'_>) -> Answer<usize> {
        let mut run = Run::new(wire, sink);
        let (budget, end) = (self.within_budget(before), run.length());
        if self.phase.is_handshaking() && budget < end {
            self.run_to_budget(&mut run, budget)?;
        } else {
            self.run(&mut run, end)?;
        }
        Ok(run.used())
    }

    /// One call of the engine, over the wire bytes of the run up to `end`; whether another form of it goes on.
    fn receive(&mut self, run: &mut Run<'_, '_>, end: usize) -> Answer<bool> {
        let wish = if self.phase.is_handshaking() { Wish::Nothing } else { self.forbearance() };
        let pool = &self.shared.pool;
        let limit = self.shared.limits.outbound;
        let before = self.observe();
        let wants = self.wants();
        let first = run.used();
        let ((result, made), observed) = if self.phase.is_handshaking() {
            if self.outbound.len() + self.shared.flight_bound > limit {
                return Err(TLS_WANT_DRAIN);
            }
            let out = self.outbound.appender(USUAL_FLIGHT, pool);
            in_records(self.shared.sizing.most, out, |out| {
                observe(wants, || (run.step(end, |wire, sink| self.phase.receive(wire, out, sink)), false))
            })
        } else {
            let phase = &mut self.phase;
            self.outbound.with_rare_appender(pool, |out| {
                let step = || run.step(end, |wire, sink| phase.receive(wire, out, sink));
                observe(wants, || forbear(wish, step))
            })
        };
        self.outbound.release_if_empty(pool);
        if let (Phase::Receiving(receiving), Some(rare)) = (&mut self.phase, &self.rare) {
            if let (true, Some(half)) = (receiving.take_owed(), &rare.half) {
                half.note_owed();
            }
        }
        // What a handshake has come to is told, also where it failed.
        let settled = self.settle_handshake(run.rest(end));
        self.note_observed(observed);
        self.note_since(before);
        if let Err(failure) = result {
            return Err(self.fail(explain_foreign_protocol(failure, run.between(first, end))));
        }
        self.note_decrypter(wish, made, run.used() == end)?;
        if self.outbound.len() > limit {
            return Err(self.fail(Failure::peer(
                TLS_REASON_OWES_TOO_MUCH,
                format!("the peer made this side owe it more than the outbound limit of {limit} bytes"),
            )));
        }
        Ok(settled || self.settle(run.rest(end))?)
    }

    /// Whether wire bytes can move the connection on.
    fn expects_wire(&self) -> bool {
        self.phase.question().is_none() && !self.phase.peer_closed()
    }

    /// Where the connection stands when all that was fed and can be processed has been.
    fn standing(&self) -> Status {
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
    fn standing_without_plain(&self) -> Status {
        match self.standing() {
            TLS_OK => TLS_WANT_FEED,
            other => other,
        }
    }

    fn fail(&mut self, failure: Failure) -> Status {
        let (mut failure, told_before) = self.first_failure(failure);
        let status = failure.status;
        if let Some(half) = self.half() {
            half.publish(&mut failure);
        }
        if !told_before {
            self.note_failure(&failure);
        }
        self.drop_held();
        self.rare.get_or_insert_default().failure = Some(failure);
        status
    }
}

/// Bytes that are not TLS are most often HTTP sent to the wrong port, or an answer in HTTP: the
/// person who reads the message is helped by that.
fn explain_foreign_protocol(failure: Failure, wire: &[u8]) -> Failure {
    const HTTP: [&[u8]; 8] =
        [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"HTTP/"];
    if failure.reason == TLS_REASON_NOT_TLS && HTTP.iter().any(|start| wire.starts_with(start)) {
        Failure { message: "the peer speaks HTTP without TLS on this connection".into(), ..failure }
    } else {
        failure
    }
}
