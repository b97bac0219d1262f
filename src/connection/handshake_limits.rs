//! What a handshake may take: wire bytes of the peer, and time. Whoever exceeds that is told by an alert.

use super::run::Run;
use super::{Answer, Connection, USUAL_FLIGHT};
use crate::failure::Failure;
use crate::status::*;

impl Connection {
    /// How many wire bytes the handshake may still take when the peer has sent `before`.
    pub(super) fn within_budget(&self, before: u64) -> usize {
        usize::try_from(self.shared.handshake.budget.saturating_sub(before)).unwrap_or(usize::MAX)
    }

    /// Whether more wire bytes were fed than the handshake may take. It is not done as long as the engine has
    /// not seen those that it may.
    pub(super) fn handshake_exceeds_budget(&self) -> bool {
        self.counters.wire_in > self.shared.handshake.budget && self.phase.is_handshaking()
    }

    /// Runs the engine over as many bytes as the handshake may still take, of more that there are: if it is done
    /// with them, over the rest as well. So it makes no difference how the bytes were cut into calls.
    pub(super) fn run_to_budget(&mut self, run: &mut Run<'_, '_>, most: usize) -> Answer<()> {
        self.run(run, most)?;
        if !self.phase.is_handshaking() {
            let end = run.length();
            return self.run(run, end);
        }
        if self.phase.question().is_some() || self.phase.held_up().is_some() {
            return Ok(());
        }
        let budget = self.shared.handshake.budget;
        let what = format!(
            "the handshake is not done with the {budget} bytes that a peer may send for it \
             (tls_builder_handshake_budget)"
        );
        Err(self.fail_own(Failure::peer(TLS_REASON_HANDSHAKE_BUDGET, what), most - run.used()))
    }

    /// Fails if the handshake has had all the time that it may take.
    pub(super) fn check_deadline(&mut self) -> Answer<()> {
        let Some(deadline) = self.shared.handshake.deadline else { return Ok(()) };
        if !self.phase.is_handshaking()
            || self.phase.peer_closed()
            || self.clock().is_none_or(|clock| clock.elapsed() < deadline)
        {
            return Ok(());
        }
        let held = self.release_held();
        let what = format!(
            "the handshake was not done within the {deadline} nanoseconds that it may take \
             (tls_builder_handshake_deadline)"
        );
        Err(self.fail_own(Failure::peer(TLS_REASON_HANDSHAKE_DEADLINE, what), held))
    }

    /// Lets go of the wire bytes that wait for a handshake which is about to fail, and says how many the engine
    /// has not used.
    pub(super) fn release_held(&mut self) -> usize {
        let held = self.inbound.len().max(self.left_in_place as usize);
        self.inbound.release(&self.shared.pool);
        held
    }

    /// Fails a handshake for a reason that the engine knows nothing of, with an alert for the peer. Of the wire
    /// bytes that the engine was given it has not used the last `held`.
    pub(super) fn fail_own(&mut self, failure: Failure, held: usize) -> Status {
        let out = self.outbound.appender(USUAL_FLIGHT, &self.shared.pool);
        let alert = self.phase.abort(held, out);
        self.outbound.release_if_empty(&self.shared.pool);
        self.fail(Failure { alert_sent: alert, ..failure })
    }
}
