//! The end of a handshake for a reason that is not the engine's.

use super::session::{Flow, Session};

/// What ends an open question.
const HANDSHAKE_FAILURE: u8 = 40;

/// No record begins so, whatever is in front of it.
const NO_RECORD: u8 = 0xff;

/// Long enough for the header of a record.
const HEADER: usize = 5;

/// Ends the handshake of `session` and appends an alert for the peer to `out`, under the right keys; answers
/// which one. The session is of no further use.
///
/// rustls sends alerts for its own errors only. So an open question is refused; and without one the engine is
/// given bytes that are no record, in place of the `held` ones that it has not used and behind them:
/// wherever it goes on, it finds them, and answers decode_error.
pub(crate) fn abort(session: &mut dyn Session, held: usize, out: &mut Vec<u8>) -> Option<u8> {
    // A step that has ended after an answer is delivered first.
    for _ in 0..2 {
        let failure = if session.question().is_some() || session.held_up().is_some() {
            Some(session.refuse(HANDSHAKE_FAILURE, out))
        } else {
            let mut wire = vec![NO_RECORD; held + HEADER];
            session.receive(&mut wire, out, &mut |_, _| Flow::Stop).result.err()
        };
        if let Some(failure) = failure {
            return failure.alert_sent;
        }
    }
    None
}
