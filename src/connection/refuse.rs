//! The end of an established connection that its host does not want.

use super::phase::Phase;
use super::{Answer, Connection};
use crate::engine::refuses_hello;
use crate::failure::Failure;
use crate::numbers::OUTBOUND_RESERVE;
use crate::record::layout::HEADER;
use crate::status::*;

/// As a record (RFC 8446, 5).
const CHANGE_CIPHER_SPEC: &[u8] = &[20, 3, 3, 0, 1, 1];

impl Connection {
    /// Ends the connection with `alert`, and says how many bytes are queued in front of it. Tickets that a server has queued
    /// are not, nor is the last flight of a TLS 1.3 client, if the host has seen nothing of them.
    pub(crate) fn refuse(&mut self, alert: u8) -> Answer<usize> {
        self.begin()?;
        // What ends nothing is no end.
        if !refuses_hello(alert) {
            return Err(TLS_ERR_ARGUMENT);
        }
        if self.we_closed || !matches!(self.phase, Phase::Own(_) | Phase::Traffic(_)) {
            return Err(TLS_ERR_STATE);
        }
        let (in_front, alert_sent) =
            if self.replace_last_flight(alert) { (0, Some(alert)) } else { self.seal_refusal(alert) };
        self.outbound.release_if_empty(&self.shared.pool);
        self.inbound.release(&self.shared.pool);
        let what = "the host ended the connection for what it found against the peer (tls_refuse)";
        self.fail(Failure {
            alert_sent,
            ..Failure::new(TLS_ERR_CERTIFICATE, TLS_REASON_CERTIFICATE_REFUSED, what)
        });
        Ok(in_front)
    }

    /// Seals the alert behind what is queued, and is not dropped.
    fn seal_refusal(&mut self, alert: u8) -> (usize, Option<u8>) {
        self.take_back_tickets();
        let in_front = self.outbound.len();
        let out = self.outbound.appender(OUTBOUND_RESERVE, &self.shared.pool);
        (in_front, self.phase.refuse(alert, out))
    }

    /// Puts the alert in the place of a TLS 1.3 client's last flight, under its keys: with the flight the server would be done, and
    /// have the client's certificate. `false`, and nothing is done, where something of it may have left or other records are
    /// behind it. A change_cipher_spec stays in front (RFC 8446, D.4).
    fn replace_last_flight(&mut self, alert: u8) -> bool {
        let replaced = self.alert_for_last_flight(alert);
        if let Some(wire) = &replaced {
            self.outbound.consume(self.outbound.len(), &self.shared.pool);
            self.outbound.appender(OUTBOUND_RESERVE, &self.shared.pool).extend_from_slice(wire);
        }
        replaced.is_some()
    }

    /// What is queued then.
    fn alert_for_last_flight(&mut self, alert: u8) -> Option<Vec<u8>> {
        if self.moves() != 0 || self.counters.plain_out != 0 {
            return None;
        }
        let keys = self.cold.as_mut()?.last_flight.take()?;
        let suite = self.phase.facts().suite;
        let Phase::Own(own) = &mut self.phase else { return None };
        let queued = self.outbound.unseen()?;
        let (mut wire, flight) = match queued.strip_prefix(CHANGE_CIPHER_SPEC) {
            Some(flight) => (CHANGE_CIPHER_SPEC.to_vec(), flight),
            None => (Vec::new(), queued),
        };
        let is_all = protected_records(flight)? == keys.sealed();
        (is_all && own.abort_before(&keys.into_secret(suite), alert, &mut wire)).then_some(wire)
    }

    /// Drops the tickets of a TLS 1.3 server: who is refused is not to come back with one. They are what it seals first, so that
    /// all its records are tickets until it has written something.
    fn take_back_tickets(&mut self) {
        let is_client = self.is_client();
        // What a former host was shown of them nobody knows here.
        if self.moves() != 0 {
            return;
        }
        let Self { phase: Phase::Own(own), outbound, shared, counters, .. } = self else { return };
        if is_client || counters.plain_out != 0 {
            return;
        }
        let Some(records) = outbound.unseen().and_then(protected_records) else { return };
        if own.take_back(records) {
            outbound.consume(outbound.len(), &shared.pool);
        }
    }
}

/// How many records `wire` is, if it is nothing but whole ones that TLS 1.3 protects (RFC 8446, 5.2).
fn protected_records(mut wire: &[u8]) -> Option<u64> {
    let mut records = 0;
    while let Some((header, rest)) = wire.split_first_chunk::<HEADER>() {
        let [23, 3, 3, length @ ..] = header else { return None };
        wire = rest.get(usize::from(u16::from_be_bytes(*length))..)?;
        records += 1;
    }
    wire.is_empty().then_some(records)
}

#[cfg(test)]
mod tests {
    use super::protected_records;

    #[test]
    fn only_whole_records_that_are_protected_count() {
        let record = [23, 3, 3, 0, 2, 9, 9];
        let two = [record, record].concat();
        assert_eq!(protected_records(&[]), Some(0));
        assert_eq!(protected_records(&two), Some(2));
        for length in (1..two.len()).filter(|length| length % record.len() != 0) {
            assert_eq!(protected_records(&two[..length]), None, "{length}");
            assert_eq!(protected_records(&two[length..]), None, "{length}");
        }
        for kind in [20, 21, 22] {
            assert_eq!(protected_records(&[&[kind], &two[1..]].concat()), None);
        }
    }
}
