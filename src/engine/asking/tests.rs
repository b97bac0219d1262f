//! That a refusal ends the handshake does not depend on what the engine makes of it.

use super::*;
use crate::engine::ask::ask;
use crate::engine::wanted::{IdentityWanted, SessionWanted, SignatureWanted};
use crate::status::TLS_REASON_ENGINE;

/// Asks once, and goes on whatever it is told and given.
struct Credulous(Option<Request>);

impl Handshake for Credulous {
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, _: &mut PlainSink<'_>) -> Outcome {
        if let Some(request) = self.0.take() {
            let _ = ask(request);
            out.extend_from_slice(&SAID);
        }
        Outcome { used: wire.len(), result: Ok(()) }
    }

    fn settle(self: Box<Self>, _: &[u8], _: &mut Vec<u8>) -> Settled {
        Settled::Same(self)
    }

    fn is_done(&self) -> bool {
        false
    }

    fn facts(&self) -> Facts<'_> {
        Facts::default()
    }

    fn peer_closed(&self) -> bool {
        false
    }

    fn answer(&mut self, _: Decision<'_>, _: &mut Vec<u8>) -> Result<bool, Failure> {
        Ok(true)
    }

    fn refuse(&mut self, _: u8, _: &mut Vec<u8>) -> Failure {
        Failure::unexpected("nothing was asked")
    }
}

/// What it says behind an answer.
const SAID: [u8; 6] = [22, 3, 3, 0, 1, 7];

const RECORD: [u8; 6] = [22, 3, 3, 0, 1, 9];

/// A step that asks over a record, as far as `places` lets it.
fn asking(request: Request, places: usize) -> Box<dyn Handshake> {
    let inner = Box::new(Credulous(Some(request)));
    let mut session = Asking::around(inner, AskingSteps::records(), &Questions::new(places));
    let outcome = session.receive(&mut { RECORD }, &mut Vec::new(), &mut |_, _| Flow::More);
    assert!(outcome.result.is_ok());
    session
}

#[test]
fn a_refused_question_ends_the_handshake_although_the_engine_would_go_on() {
    let requests = [
        Request::Sign(SignatureWanted::example()),
        Request::Identity(IdentityWanted::example()),
        Request::Session(SessionWanted::example()),
    ];
    for request in requests {
        let (told, mut out) = (format!("{request:?}"), Vec::new());
        let mut session = asking(request, 1);
        assert!(session.question().is_some(), "{told}");
        session.refuse(46, &mut out);
        assert!(session.question().is_none(), "{told}");
        assert!(!out.ends_with(&SAID), "{told}");
    }
}

#[test]
fn so_does_the_refusal_of_a_step_that_has_no_place() {
    let mut session = asking(Request::example(), 0);
    assert_eq!(session.held_up(), Some(TLS_ERR_LIMIT));
    assert_eq!(session.refuse(46, &mut Vec::new()).reason, TLS_REASON_ENGINE);
}

#[test]
fn a_flight_in_a_thousand_records_takes_one_stack_and_leaves_none() {
    let made = || coroutine::MADE.with(std::cell::Cell::get);
    let mut session = Asking {
        stage: Stage::Idle(Box::new(Credulous(None))),
        steps: AskingSteps::records(),
        pending: None,
        held_up: None,
        spare: None,
        quiet_below: 0,
        questions: Questions::new(1),
        ech: EchStatus::default(),
        look_ups: 0,
    };
    let mut flight = RECORD.repeat(1000);
    let before = made();
    let outcome = session.receive(&mut flight, &mut Vec::new(), &mut |_, _| Flow::More);
    assert!(outcome.used == flight.len() && outcome.result.is_ok());
    assert_eq!(made() - before, 1);
    assert!(session.spare.is_none());
}
