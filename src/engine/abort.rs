//! The end of a handshake for a reason that is not the engine's.

use super::handshake::Handshake;
use crate::record::layout::no_record;
use crate::record::traffic::Flow;

/// What ends an open question.
const HANDSHAKE_FAILURE: u8 = 40;

/// Ends the handshake and appends an alert for the peer to `out`, under the right keys; answers which one. The handshake
/// is of no further use.
///
/// rustls sends alerts for its own errors only. So an open question is refused; and without one the engine is
/// given bytes that are no record, in place of the `held` ones that it has not used and behind them:
/// wherever it goes on, it finds them, and answers decode_error.
pub(crate) fn abort(handshake: &mut dyn Handshake, held: usize, out: &mut Vec<u8>) -> Option<u8> {
    // A step that has ended after an answer is delivered first.
    for _ in 0..2 {
        let failure = if handshake.question().is_some() || handshake.held_up().is_some() {
            Some(handshake.refuse(HANDSHAKE_FAILURE, out))
        } else {
            handshake.receive(&mut no_record(held), out, &mut |_, _| Flow::Stop).result.err()
        };
        if let Some(failure) = failure {
            return failure.alert_sent;
        }
    }
    None
}
