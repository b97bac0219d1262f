//! The traffic secrets, handed over to somebody else who goes on with the records.

use super::phase::{Phase, SecretsTaken};
use super::{Answer, Connection};
use crate::failure::Failure;
use crate::record::secrets::{TrafficSecret, TrafficSecrets};
use crate::record::traffic::{HandedOver, KeySchedule};
use crate::status::*;

/// HandshakeType of a ticket (RFC 8446, 4).
const NEW_SESSION_TICKET: u8 = 4;

impl Connection {
    /// Takes the traffic secrets out. The connection carries no more data; its facts stay.
    pub(crate) fn take_secrets(&mut self) -> Result<TrafficSecrets, Failure> {
        self.check_secrets_free()?;
        if self.process_fed().is_err() {
            return Err(self.failure().cloned().unwrap_or_else(Failure::panic));
        }
        self.check_no_byte_waits()?;

        let Self { phase, outbound, shared, .. } = self;
        let prepared = outbound.with_rare_appender(&shared.pool, |out| phase.prepare_hand_over(out));
        self.or_fail(prepared)?;
        // An answer to a KeyUpdate may have been left for the next write.
        self.check_drained()?;

        let handed_over = self.phase.take_traffic().and_then(|traffic| traffic.hand_over());
        let HandedOver { mut secrets, schedule, remembered } = self.or_fail(handed_over)?;
        secrets.send.leave_used_nonces();
        self.phase = Phase::SecretsTaken(Box::new(SecretsTaken { schedule, remembered }));
        self.inbound.release(&self.shared.pool);
        Ok(secrets)
    }

    /// The secret of one direction that follows a KeyUpdate.
    pub(crate) fn next_secret(&mut self, direction: u32) -> Answer<TrafficSecret> {
        self.check_secrets_taken()?;
        let inbound = match direction {
            TLS_KEYS_IN => true,
            TLS_KEYS_OUT => false,
            _ => return Err(TLS_ERR_ARGUMENT),
        };
        match self.schedule()?.next_secret(inbound) {
            Ok(Some(secret)) => {
                self.note_key_update(direction);
                Ok(secret)
            }
            Ok(None) => Err(TLS_ERR_STATE),
            Err(failure) => Err(self.fail_unsent(failure)),
        }
    }

    /// Keeps the tickets in `messages`, whole handshake messages one after the other.
    pub(crate) fn keep_tickets(&mut self, messages: &[u8]) -> Answer<()> {
        self.check_secrets_taken()?;
        let payloads = payloads(messages).ok_or(TLS_ERR_ARGUMENT)?;
        for payload in payloads {
            let before = self.observe();
            match self.schedule()?.keep_ticket(payload) {
                Ok(true) => {
                    self.count_ticket();
                    self.note_since(before);
                }
                Ok(false) => return Err(TLS_ERR_STATE),
                Err(failure) => return Err(self.fail_unsent(failure)),
            }
        }
        Ok(())
    }

    pub(super) fn is_handed_over(&self) -> bool {
        matches!(self.phase, Phase::SecretsTaken(..))
    }

    fn check_secrets_taken(&mut self) -> Answer<()> {
        self.schedule()?;
        self.check_alive()
    }

    fn count_ticket(&mut self) {
        if let Phase::SecretsTaken(left) = &mut self.phase {
            left.remembered.tickets = left.remembered.tickets.saturating_add(1);
        }
    }

    fn schedule(&mut self) -> Answer<&mut dyn KeySchedule> {
        match &mut self.phase {
            Phase::SecretsTaken(left) => Ok(&mut *left.schedule),
            _ => Err(TLS_ERR_STATE),
        }
    }

    /// Whether this connection may give its secrets away at all.
    fn check_secrets_free(&self) -> Result<(), Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure.clone());
        }
        if self.is_handed_over() {
            return not_now("the traffic secrets were taken already");
        }
        if self.half().is_some() {
            return not_now(
                "this is a half of a connection: only a whole one has the secrets of both directions",
            );
        }
        if self.phase.is_handshaking() {
            return not_now("the handshake is not done");
        }
        if !self.shared.gives_secrets {
            return not_now("the context does not give secrets away (tls_builder_secret_extraction)");
        }
        Ok(())
    }

    /// Whether whoever goes on with the records would begin at the right byte of both streams.
    fn check_no_byte_waits(&mut self) -> Result<(), Failure> {
        let waits = |count: usize, what: &str| not_now(format!("{count} {what}"));
        if self.phase.peer_closed() || self.we_closed || self.eof {
            return not_now("a direction of this connection is over");
        }
        match (self.pending_plain(), self.inbound.wire().len(), self.left_in_place as usize) {
            (0, 0, 0) => {}
            (0, 0, left) => {
                return waits(left, "wire bytes were left by tls_read_in_place: complete their record");
            }
            (0, wire, _) => {
                return waits(wire, "wire bytes are the beginning of a record: feed the rest of it");
            }
            (plain, _, _) => return waits(plain, "plain bytes wait: read them first"),
        }
        if self.early().is_some_and(|early| !early.waiting().is_empty()) {
            return not_now("early data waits: read it first (tls_early_read_into)");
        }
        if self.corked_len() > 0 {
            return waits(self.corked_len(), "plain bytes are corked: uncork and drain first (tls_uncork)");
        }
        self.check_drained()
    }

    fn check_drained(&self) -> Result<(), Failure> {
        match self.outbound.len() {
            0 => Ok(()),
            queued => not_now(format!("{queued} wire bytes are queued: drain and send them first")),
        }
    }

    /// The result; a failure ends the connection, for its session is lost.
    fn or_fail<T>(&mut self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.inspect_err(|failure| {
            self.fail(failure.clone());
        })
    }

    /// Ends a connection that cannot send an alert any more.
    fn fail_unsent(&mut self, failure: Failure) -> Status {
        self.fail(Failure { alert_sent: None, ..failure })
    }
}

fn not_now<T>(why: impl Into<Box<str>>) -> Result<T, Failure> {
    Err(Failure::new(TLS_ERR_STATE, 0, why))
}

/// What is in tickets that follow each other, without their headers; None if there is anything else.
fn payloads(mut messages: &[u8]) -> Option<Vec<&[u8]>> {
    let mut payloads = Vec::new();
    while let [kind, high, middle, low, rest @ ..] = messages {
        let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        if *kind != NEW_SESSION_TICKET {
            return None;
        }
        payloads.push(rest.get(..length)?);
        messages = &rest[length..];
    }
    (messages.is_empty() && !payloads.is_empty()).then_some(payloads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tickets_are_taken() {
        assert_eq!(payloads(&[4, 0, 0, 1, 9, 4, 0, 0, 0]), Some(vec![&[9][..], &[]]));
        for wrong in
            [&[][..], &[4], &[4, 0, 0, 2, 9], &[24, 0, 0, 1, 0], &[4, 0, 0, 0, 4], &[4, 255, 255, 255]]
        {
            assert_eq!(payloads(wrong), None, "{wrong:?}");
        }
    }
}
