//! A handshake in which the engine may ask the host in the middle of a step.
//!
//! [`Asking`] is put around either form of the engine until the handshake is done. It runs the steps that may ask
//! as coroutines ([`crate::coroutine`]), and all others where it was called, on the wire bytes themselves. Which are
//! which is the [`AskingSteps`]'s knowledge. Where a step stops, the question is the connection's; its answer goes on with it.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::alert;
use super::asking_steps::{AskingSteps, Next, Pending};
use super::early::EarlyTraffic;
use super::external_key::note_choice;
use super::handshake::{Decision, Handshake, Question, Settled, Verdict};
use super::question::{Permit, Questions, Reply, Request};
use crate::coroutine::{self, Progress, Stack, Suspended};
use crate::facts::{EchStatus, Facts};
use crate::failure::Failure;
use crate::record::layout;
use crate::record::traffic::{Flow, Outcome, PlainSink};
use crate::status::{Status, TLS_ERR_LIMIT, TLS_ERR_MEMORY};

/// A step that has ended, with all that it owned.
struct Ended {
    session: Box<dyn Handshake>,
    /// The bytes that it worked on, as it left them. Handshake messages are decrypted in them.
    wire: Zeroizing<Vec<u8>>,
    out: Vec<u8>,
    outcome: Outcome,
}

enum Stage {
    Idle(Box<dyn Handshake>),
    /// A step waits for an answer.
    Open(Suspended<Ended>, Request, Permit),
    /// A step over wire bytes has ended after an answer: what it made of them is delivered when they are given again.
    Ended(Box<Ended>),
    /// Nothing is left of the engine, after a defect.
    Over,
}

/// See the module.
pub(super) struct Asking {
    stage: Stage,
    steps: AskingSteps,
    pending: Option<Pending>,
    /// Why a step that may ask could not begin. It is tried again with each call.
    held_up: Option<Status>,
    /// The stack of the last step, for the next one within the same call: a peer can cut its flight into a thousand
    /// records, and a new stack takes longer than the step.
    spare: Option<Stack>,
    /// Over fewer wire bytes than these no step can ask, or end the handshake; 0 where that is not known. Until
    /// then the engine is given what comes, and nobody has to look at it.
    quiet_below: usize,
    questions: Arc<Questions>,
    /// What a client offers.
    ech: EchStatus,
    /// How many stored sessions were looked for.
    look_ups: u8,
}

/// How many sessions of one client the host is asked about: a ClientHello has room for more than a thousand.
const MOST_LOOK_UPS: u8 = 4;

impl Asking {
    /// Puts itself around `inner`.
    pub(super) fn around(
        inner: Box<dyn Handshake>,
        steps: AskingSteps,
        questions: &Arc<Questions>,
    ) -> Box<dyn Handshake> {
        let ech = inner.facts().ech;
        let questions = Arc::clone(questions);
        Box::new(Self {
            stage: Stage::Idle(inner),
            steps,
            pending: None,
            held_up: None,
            spare: None,
            quiet_below: 0,
            questions,
            ech,
            look_ups: 0,
        })
    }

    /// A step over bytes that somebody has to look at first.
    #[inline(never)]
    fn receive_watched(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        self.quiet_below = 0;
        if let Self { stage: Stage::Idle(session), steps, pending: None, held_up: None, .. } = self {
            if !steps.may_choose() && steps.cannot_ask(&**session, wire) {
                let outcome = session.receive(wire, out, sink);
                steps.used(outcome.used);
                if outcome.result.is_ok() {
                    self.quiet_below = steps.quiet_below();
                }
                return outcome;
            }
        }
        self.receive_choosing(wire, out, sink).unwrap_or_else(|| self.run(wire, out, sink))
    }

    /// A step of a client that cannot ask, but may choose a key. None for all others.
    fn receive_choosing(
        &mut self,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> Option<Outcome> {
        let Self { stage: Stage::Idle(session), steps, pending: None, held_up: None, .. } = self else {
            return None;
        };
        if !steps.may_choose() || !steps.cannot_ask(&**session, wire) {
            return None;
        }
        let (outcome, chosen) = note_choice(|| session.receive(wire, out, sink));
        steps.used(outcome.used);
        if chosen {
            steps.chose();
        }
        if outcome.result.is_err() || !steps.answers_itself(&**session) {
            if outcome.result.is_ok() && !steps.is_past() {
                self.quiet_below = session.least();
            }
            return Some(outcome);
        }
        let used = outcome.used;
        let mut sink = |at: Range<usize>, plain: &[u8]| sink(at.start + used..at.end + used, plain);
        let more = self.run(&mut wire[used..], out, &mut sink);
        Some(Outcome { used: used + more.used, ..more })
    }

    /// Goes on until input or an answer is missing.
    fn run(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let outcome = self.run_steps(wire, out, sink);
        self.spare = None;
        outcome
    }

    fn run_steps(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        // What waits for its bytes to be given again waits on.
        if self.held_up.is_some() && self.pending.is_none() && wire.is_empty() {
            return Outcome { used: 0, result: Ok(()) };
        }
        self.held_up = None;
        self.quiet_below = 0;
        let mut used = 0;
        loop {
            let mut sink = |at: Range<usize>, plain: &[u8]| sink(at.start + used..at.end + used, plain);
            let (more, result) = self.turn(&mut wire[used..], out, &mut sink);
            used += more;
            match result {
                Ok(true) => {}
                Ok(false) => return Outcome { used, result: Ok(()) },
                Err(failure) => return Outcome { used, result: Err(failure) },
            }
        }
    }

    /// One step, if one can be made: how many bytes it has used, and whether another one may follow.
    fn turn(
        &mut self,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> (usize, Result<bool, Failure>) {
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ended(ended) => self.deliver(ended, wire),
            Stage::Idle(session) => {
                if self.pending.is_none() && self.steps.answers_itself(&*session) {
                    self.pending = Some(Pending::Verify(Verdict::ByRules));
                }
                let seen = self.steps.seen();
                match self.steps.next(&*session, self.pending.as_ref(), wire) {
                    Next::Apart(length) => {
                        let result = self.apart(session, &wire[..length], out);
                        if self.held_up.is_some() {
                            self.steps.put_off(seen);
                        }
                        (0, result)
                    }
                    Next::Here => self.here(session, wire, out, sink),
                }
            }
            stage => {
                self.stage = stage;
                (0, Ok(false))
            }
        }
    }

    /// A step that cannot ask: on the host's stack and bytes.
    fn here(
        &mut self,
        mut session: Box<dyn Handshake>,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> (usize, Result<bool, Failure>) {
        let pending = self.pending.take();
        let answers = pending.is_some();
        let (outcome, chosen) = note_choice(|| match pending {
            Some(pending) => Outcome { used: 0, result: pending.give(&mut *session, out) },
            None if layout::worth_processing(wire) => session.receive(wire, out, sink),
            None => Outcome { used: 0, result: Ok(()) },
        });
        let Outcome { used, result } = outcome;
        self.steps.used(used);
        if answers {
            self.steps.answered();
        }
        if chosen {
            self.steps.chose();
        }
        let again = answers || self.steps.answers_itself(&*session) || used > 0 && !session.is_done();
        self.stage = Stage::Idle(session);
        (used, result.map(|()| again))
    }

    /// A step that may ask: on a stack of its own, and on a copy of the bytes, which may move while it waits.
    fn apart(
        &mut self,
        session: Box<dyn Handshake>,
        wire: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        let held_up = match (self.questions.permit(), self.spare.take().or_else(Stack::new)) {
            (Some(permit), Some(stack)) => {
                let pending = self.pending.take();
                if pending.is_some() {
                    self.steps.answered();
                }
                let wire = Zeroizing::new(wire.to_vec());
                let (progress, chosen) =
                    note_choice(|| coroutine::start(stack, move || step(session, pending, wire)));
                return self.follow(progress, permit, chosen, out);
            }
            (None, _) => TLS_ERR_LIMIT,
            (Some(_), None) => TLS_ERR_MEMORY,
        };
        self.stage = Stage::Idle(session);
        self.held_up = Some(held_up);
        Ok(false)
    }

    /// Takes up what a step has come to.
    fn follow(
        &mut self,
        progress: Progress<Ended>,
        permit: Permit,
        chosen: bool,
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        if chosen {
            self.steps.chose();
        }
        let mut ended = match self.bounded(progress)? {
            Progress::Asked(request, suspended) => {
                match request {
                    Request::Sign(_) => self.steps.signs_now(),
                    Request::Session(_) => self.look_ups += 1,
                    Request::Identity(_) => {}
                }
                self.stage = Stage::Open(suspended, request, permit);
                return Ok(false);
            }
            Progress::Done(Ok(ended), stack) => {
                self.spare = Some(stack);
                ended
            }
            Progress::Done(Err(_), _) => return Err(Failure::panic()),
        };
        self.steps.ended_apart(&ended.out);
        out.extend_from_slice(&ended.out);
        ended.out = Vec::new();
        let result = mem::replace(&mut ended.outcome.result, Ok(()));
        if result.is_err() || ended.wire.is_empty() {
            self.stage = Stage::Idle(ended.session);
        } else {
            self.stage = Stage::Ended(Box::new(ended));
        }
        result.map(|()| true)
    }

    /// The same, without questions about more sessions than a client may have looked for: none of them is found.
    fn bounded(&self, mut progress: Progress<Ended>) -> Result<Progress<Ended>, Failure> {
        if self.look_ups < MOST_LOOK_UPS {
            return Ok(progress);
        }
        loop {
            match progress {
                Progress::Asked(Request::Session(_), suspended) => {
                    progress =
                        suspended.answer(Reply::Session(Zeroizing::default())).ok_or_else(answered_twice)?;
                }
                other => return Ok(other),
            }
        }
    }

    /// Gives out what a step made of `wire`, to which bytes may have been added since.
    fn deliver(&mut self, ended: Box<Ended>, wire: &mut [u8]) -> (usize, Result<bool, Failure>) {
        let Some(processed) = wire.get_mut(..ended.wire.len()) else {
            self.stage = Stage::Ended(ended);
            return (0, Ok(false));
        };
        processed.copy_from_slice(&ended.wire);
        let used = ended.outcome.used;
        self.steps.used(used);
        self.stage = Stage::Idle(ended.session);
        (used, Ok(true))
    }

    /// Goes on without wire bytes.
    fn go_on(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.run(&mut [], out, &mut |_, _| Flow::Stop).result
    }

    /// Hands the host's answer to the step that waits.
    pub(super) fn reply(&mut self, reply: Reply, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Stage::Open(suspended, _, permit) = mem::replace(&mut self.stage, Stage::Over) else {
            return Err(no_question());
        };
        let (progress, chosen) = note_choice(|| suspended.answer(reply));
        let progress = progress.ok_or_else(answered_twice)?;
        let followed = self.follow(progress, permit, chosen, out);
        let gone_on = followed.and_then(|_| self.go_on(out));
        self.spare = None;
        gone_on
    }

    /// Shows nothing, and ends the handshake. The engine cannot be refused an identity, but a verdict about the
    /// server's: that question comes next. Where the server's certificate is not in yet, the alert is decode_error.
    fn refuse_identity(&mut self, alert: u8, out: &mut Vec<u8>) -> Failure {
        let Stage::Open(suspended, ..) = mem::replace(&mut self.stage, Stage::Over) else {
            return no_question();
        };
        let Some(Progress::Done(Ok(ended), _)) = suspended.answer(Reply::Identity(None)) else {
            return Failure::panic();
        };
        let mut said = ended.out;
        let mut session = ended.session;
        let alert_sent = match ended.outcome.result {
            Err(failure) => failure.alert_sent,
            Ok(()) if session.question().is_some() => session.refuse(alert, &mut said).alert_sent,
            Ok(()) => {
                let held = ended.wire.len() - ended.outcome.used;
                end_with_no_record(&mut *session, held, &mut said).alert_sent
            }
        };
        if alert_sent.is_some() {
            out.extend_from_slice(&said);
        }
        self.stage = Stage::Idle(session);
        alert::own_identity_refused(alert_sent)
    }

    /// Has the step fail that wants a signature.
    fn refuse_signature(&mut self, alert: u8, out: &mut Vec<u8>) -> Failure {
        let before = out.len();
        match self.reply(Reply::Refuse(alert), out) {
            Err(failure) => failure,
            Ok(()) => {
                self.stage = Stage::Over;
                out.truncate(before);
                went_on()
            }
        }
    }

    /// Ends the handshake with this alert. The engine cannot be refused a session: it would go on without one. So
    /// nothing is left of it, and nothing of what the step still says. Nothing was encrypted yet.
    fn refuse_session(&mut self, alert: u8, out: &mut Vec<u8>) -> Failure {
        self.stage = Stage::Over;
        out.extend_from_slice(&alert::plain_record(alert));
        alert::session_refused(alert)
    }

    /// What the step that waits has asked.
    fn request(&self) -> Option<&Request> {
        match &self.stage {
            Stage::Open(_, request, _) => Some(request),
            _ => None,
        }
    }

    fn inner(&self) -> Option<&dyn Handshake> {
        match &self.stage {
            Stage::Idle(session) => Some(&**session),
            _ => None,
        }
    }

    fn inner_mut(&mut self) -> Option<&mut Box<dyn Handshake>> {
        match &mut self.stage {
            Stage::Idle(session) => Some(session),
            _ => None,
        }
    }
}

fn answered_twice() -> Failure {
    Failure::unexpected("a step was answered twice")
}

fn no_question() -> Failure {
    Failure::unexpected("no question of a step is open")
}

/// That a handshake which was refused has ended is not left to the engine.
fn went_on() -> Failure {
    Failure::unexpected("the engine went on with a handshake that was refused")
}

fn handshaking() -> Failure {
    Failure::unexpected("the handshake is not done")
}

/// What is no record, in place of `held` bytes that the engine was given and behind them, ends a handshake with an alert
/// of the engine's choice.
fn end_with_no_record(session: &mut dyn Handshake, held: usize, out: &mut Vec<u8>) -> Failure {
    let before = out.len();
    session.receive(&mut layout::no_record(held), out, &mut |_, _| Flow::Stop).result.err().unwrap_or_else(
        || {
            out.truncate(before);
            went_on()
        },
    )
}

/// The question that the host is asked.
fn shown(request: &Request) -> Question<'_> {
    match request {
        Request::Sign(wanted) => Question::Sign(wanted.shown()),
        Request::Identity(wanted) => Question::Identity(wanted.shown()),
        Request::Session(wanted) => Question::Session(wanted.shown()),
    }
}

/// What runs on a stack of its own. No plain bytes come out of it: it ends with the handshake.
fn step(mut session: Box<dyn Handshake>, pending: Option<Pending>, mut wire: Zeroizing<Vec<u8>>) -> Ended {
    let mut out = Vec::new();
    let outcome = match pending {
        Some(pending) => Outcome { used: 0, result: pending.give(&mut *session, &mut out) },
        None => session.receive(&mut wire, &mut out, &mut |_, _| Flow::Stop),
    };
    Ended { session, wire, out, outcome }
}

impl Handshake for Asking {
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let quiet = wire.len() < self.quiet_below;
        let session = match &mut self.stage {
            Stage::Idle(session) if quiet => session,
            _ => return self.receive_watched(wire, out, sink),
        };
        // The step that most are: it costs what it costs without this room.
        let outcome = session.receive(wire, out, sink);
        if outcome.used > 0 || outcome.result.is_err() {
            self.steps.used(outcome.used);
            self.quiet_below = 0;
        }
        outcome
    }

    /// It goes as soon as nothing can be asked any more.
    fn settle(mut self: Box<Self>, rest: &[u8], out: &mut Vec<u8>) -> Settled {
        if self.quiet_below > 0 {
            return Settled::Same(self);
        }
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Idle(session) if session.is_done() => session.settle(rest, out),
            Stage::Idle(session) if self.pending.is_none() && self.steps.is_past() => Settled::Other(session),
            stage => {
                self.stage = stage;
                Settled::Same(self)
            }
        }
    }

    fn is_done(&self) -> bool {
        self.quiet_below == 0 && self.inner().is_some_and(Handshake::is_done)
    }

    /// Nothing is signed for a server that rejected ECH: while a step asks, what came of it is not known.
    fn facts(&self) -> Facts<'_> {
        self.inner().map_or(Facts { ech: self.ech, ..Facts::default() }, Handshake::facts)
    }

    fn peer_closed(&self) -> bool {
        self.inner().is_some_and(Handshake::peer_closed)
    }

    fn may_write(&self) -> bool {
        self.inner().is_some_and(Handshake::may_write)
    }

    fn held_up(&self) -> Option<Status> {
        self.held_up
    }

    fn question(&self) -> Option<Question<'_>> {
        if self.quiet_below > 0 {
            return None;
        }
        match &self.stage {
            Stage::Idle(session) => {
                let hidden = self.pending.is_some() || self.steps.answers_itself(&**session);
                if hidden { None } else { session.question() }
            }
            Stage::Open(_, request, _) => Some(shown(request)),
            Stage::Ended(_) | Stage::Over => None,
        }
    }

    fn answer(&mut self, decision: Decision<'_>, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let reply = match (decision, self.request()) {
            (Decision::Context(chosen), _) => {
                self.pending = Some(Pending::Context(chosen));
                return self.go_on(out).map(|()| true);
            }
            (Decision::Verify(Verdict::Reject(alert)), _) => return Err(self.refuse(alert, out)),
            (Decision::Verify(verdict), _) => {
                self.pending = Some(Pending::Verify(verdict));
                return self.go_on(out).map(|()| true);
            }
            (Decision::Sign(signature), Some(Request::Sign(wanted))) if wanted.is_signed_by(signature) => {
                Reply::Signature(signature.to_vec())
            }
            (Decision::Identity(None), Some(Request::Identity(_))) => Reply::Identity(None),
            (Decision::Identity(Some(identities)), Some(Request::Identity(wanted))) => {
                let Some((selected, elsewhere)) = wanted.choose(identities) else { return Ok(false) };
                if elsewhere {
                    self.steps.chose();
                }
                Reply::Identity(Some(selected))
            }
            (Decision::Session(stored), Some(Request::Session(_))) => {
                Reply::Session(Zeroizing::new(stored.to_vec()))
            }
            _ => return Ok(false),
        };
        self.reply(reply, out)?;
        Ok(true)
    }

    fn refuse(&mut self, alert: u8, out: &mut Vec<u8>) -> Failure {
        match self.request() {
            Some(Request::Session(_)) => return self.refuse_session(alert, out),
            Some(Request::Identity(_)) => return self.refuse_identity(alert, out),
            Some(Request::Sign(_)) => return self.refuse_signature(alert, out),
            None => {}
        }
        self.pending = None;
        self.held_up = None;
        self.quiet_below = 0;
        let seen = self.steps.seen();
        let Some(session) = self.inner_mut() else { return handshaking() };
        if session.question().is_some() {
            return session.refuse(alert, out);
        }
        // It stands in front of a step that could not begin.
        end_with_no_record(&mut **session, seen, out)
    }

    fn early_traffic(&mut self) -> Option<&mut dyn EarlyTraffic> {
        self.inner_mut()?.early_traffic()
    }
}

#[cfg(test)]
mod tests;
