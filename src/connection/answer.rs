//! The host's answers to open questions.

use std::sync::Arc;

use super::flights::in_records;
use super::phase::Phase;
use super::{Answer, Connection, USUAL_FLIGHT};
use crate::engine::{
    ClientSetup, Decision, Question, ServerSetup, Verdict, Wants, observe, refuses_hello, rejects_identity,
};
use crate::failure::Failure;
use crate::numbers::OUTBOUND_RESERVE;
use crate::setup::shared::Shared;
use crate::status::*;

impl Connection {
    /// Whether a server waits for a context.
    pub(crate) fn asks_context(&self) -> bool {
        matches!(self.open_question(), Some(Question::Context(_)))
    }

    /// Continues a server that waits for a context with the one that the host chose. What comes of it is what the next
    /// call says.
    pub(crate) fn answer_context(&mut self, shared: &Arc<Shared>, setup: &ServerSetup) {
        self.shared = Arc::clone(shared);
        if let Phase::Handshake(handshake) = self.phase.take() {
            self.phase = Phase::Handshake(setup.prepare(handshake));
        }
        let result = self.decide(Decision::Context(setup.chosen()));
        let _ = self.answered(result.map(|_| ()));
    }

    /// Hands the host's decision to the handshake; `false` if it cannot be used.
    fn decide(&mut self, decision: Decision<'_>) -> Result<bool, Failure> {
        let wants = self.wants();
        let most = self.shared.sizing.most;
        let out = self.outbound.appender(USUAL_FLIGHT, &self.shared.pool);
        let phase = &mut self.phase;
        let (result, observed) =
            in_records(most, out, |out| observe(wants, || phase.handshake()?.answer(decision, out)));
        self.note_observed(observed);
        result
    }

    /// Accepts the peer's identity (0), lets the context's rules decide (-1), or rejects it with
    /// the alert `verdict`.
    pub(crate) fn answer_verify(&mut self, verdict: i32) -> Answer<()> {
        self.check_asked(|question| matches!(question, Question::Verify(_)))?;
        let verdict = match verdict {
            0 => Verdict::Accept,
            -1 => Verdict::ByRules,
            alert => match u8::try_from(alert) {
                Ok(alert) if rejects_identity(alert) => Verdict::Reject(alert),
                _ => return Err(TLS_ERR_ARGUMENT),
            },
        };
        let result = self.decide(Decision::Verify(verdict));
        self.answered(result.map(|_| ()))
    }

    /// Hands in the signature that was asked for, in the form that TLS gives it (RFC 8446, 4.2.3). A
    /// wrong one is not sent, and ends the handshake.
    pub(crate) fn answer_sign(&mut self, signature: &[u8]) -> Answer<()> {
        self.check_asked(|question| matches!(question, Question::Sign(_)))?;
        match self.decide(Decision::Sign(signature)) {
            Ok(true) => self.answered(Ok(())),
            Ok(false) => {
                self.fail_wrong_signature();
                Ok(())
            }
            Err(failure) => self.answered(Err(failure)),
        }
    }

    /// Whose signer is faulty or has another key learns it from the error; the peer gets an alert.
    fn fail_wrong_signature(&mut self) {
        let asked = match self.phase.question() {
            Some(Question::Sign(request)) => request.scheme,
            _ => 0,
        };
        let held = self.release_held();
        let what = format!(
            "the signature that the host gave is none of scheme 0x{asked:04x} by the key of the certificate that \
             was shown (tls_sign_certificate, tls_answer_sign)"
        );
        self.fail_own(Failure::new(TLS_ERR_INTERNAL, TLS_REASON_SIGNATURE_WRONG, what), held);
    }

    /// Shows the server the identity of `setup` that fits best what it asks for, or none. An identity that does not
    /// fit, or whose flight has no room, leaves the question open.
    pub(crate) fn answer_identity(&mut self, setup: Option<&ClientSetup>) -> Answer<()> {
        self.check_asks_identity()?;
        if let Some(setup) = setup {
            let flight = setup.flight_bound(self.shared.sizing.most).max(self.shared.flight_bound);
            let limit = self.shared.limits.outbound;
            if flight + OUTBOUND_RESERVE > limit {
                return Err(TLS_ERR_LIMIT);
            }
            if self.outbound.len() + flight > limit {
                return Err(TLS_WANT_DRAIN);
            }
        }
        match self.decide(Decision::Identity(setup.map(ClientSetup::identities))) {
            Ok(true) => self.answered(Ok(())),
            Ok(false) => {
                self.outbound.release_if_empty(&self.shared.pool);
                Err(TLS_ERR_CONFIG)
            }
            Err(failure) => self.answered(Err(failure)),
        }
    }

    pub(crate) fn check_asks_identity(&self) -> Answer<()> {
        self.check_asked(|question| matches!(question, Question::Identity(_)))
    }

    /// Hands in what the host had stored; empty for nothing.
    pub(crate) fn answer_session(&mut self, stored: &[u8]) -> Answer<()> {
        self.check_asked(|question| matches!(question, Question::Session(_)))?;
        let result = self.decide(Decision::Session(stored));
        self.answered(result.map(|_| ()))
    }

    /// Ends the handshake with `alert`, whatever the question.
    pub(crate) fn answer_refuse(&mut self, alert: u8) -> Answer<()> {
        let allowed = match self.open_question() {
            None => return Err(TLS_ERR_STATE),
            Some(Question::Context(_) | Question::Session(_)) => refuses_hello(alert),
            Some(Question::Verify(_) | Question::Sign(_) | Question::Identity(_)) => rejects_identity(alert),
        };
        if !allowed {
            return Err(TLS_ERR_ARGUMENT);
        }
        // What a step does to its end, of which nothing is said to the peer, did not happen.
        let is_undone = matches!(self.open_question(), Some(Question::Session(_)));
        let wants = if is_undone { Wants::default() } else { self.wants() };
        let out = self.outbound.appender(USUAL_FLIGHT, &self.shared.pool);
        let phase = &mut self.phase;
        let (failure, observed) = observe(wants, || match phase.handshake() {
            Ok(handshake) => handshake.refuse(alert, out),
            Err(failure) => failure,
        });
        self.note_observed(observed);
        self.answered(Err(failure))
    }

    fn check_asked(&self, is_asked: impl FnOnce(Question<'_>) -> bool) -> Answer<()> {
        if self.open_question().is_some_and(is_asked) { Ok(()) } else { Err(TLS_ERR_STATE) }
    }

    /// A failure closes every question.
    pub(super) fn open_question(&self) -> Option<Question<'_>> {
        if self.has_failed() { None } else { self.phase.question() }
    }

    /// The answer was taken; what came of it is what the next call that processes reports.
    fn answered(&mut self, result: Result<(), Failure>) -> Answer<()> {
        self.outbound.release_if_empty(&self.shared.pool);
        let rest = std::mem::take(&mut self.inbound);
        let settled = self.settle(rest.wire());
        self.inbound = rest;
        let settled = settled?;
        if settled && !self.phase.is_handshaking() {
            self.note_done();
        }
        if let Err(failure) = result {
            self.inbound.release(&self.shared.pool);
            self.fail(failure);
        }
        Ok(())
    }
}
