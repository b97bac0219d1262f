//! An established connection is made a blob, with which another process goes on.

use zeroize::Zeroizing;

use super::Connection;
use super::phase::Phase;
use crate::engine::{early_number, ech_number, fresh_id, own_records, seal, sealed_length, secret_length};
use crate::failure::Failure;
use crate::numbers::{MOVE_ID, MOVE_KEY};
use crate::parse::moved::{
    self, Flags, MOST_LEFT_IN_PLACE, Moved, MovedFacts, NEVER, TLS12_EXPORTER, UNSET, append_certificate,
};
use crate::record::traffic::{Revealed, Standing};
use crate::status::*;

/// What comes of an export.
pub(crate) struct Exported {
    pub length: usize,
    /// None if it was longer than it may be: then the connection is as it was.
    pub blob: Option<Zeroizing<Vec<u8>>>,
}

/// What is made for a blob and lies nowhere in this form.
struct Made {
    chain: Vec<u8>,
    end_point: Zeroizing<Vec<u8>>,
    outbound: Vec<u8>,
}

impl Connection {
    /// Seals the blob of this connection under `key`, if it is not longer than `most`. Then this connection is over.
    pub(crate) fn export_sealed(&mut self, key: &[u8; MOVE_KEY], most: usize) -> Result<Exported, Failure> {
        self.check_movable()?;
        self.settle_to_move()?;
        // What was noted goes along, so it is noted now.
        self.observe_handshake();
        let made = self.make()?;
        let length = self.length_to_move(&made)?;
        let whole = sealed_length(length);
        if whole > most {
            return Ok(Exported { length: whole, blob: None });
        }
        let id = match self.phase.move_facts() {
            Some(move_facts) => move_facts.id,
            None => fresh_id()?,
        };
        let Phase::Own(own) = &mut self.phase else { return Err(no_traffic()) };
        let result = own.reveal().and_then(|revealed| {
            let moved = self.moved(&revealed, &made, id)?;
            seal(key, length, |out| moved::write(&moved, out))
        });
        let blob = result.inspect_err(|failure| {
            // The key schedule may have gone on without us.
            self.fail(Failure { alert_sent: None, ..failure.clone() });
        })?;
        self.leave();
        Ok(Exported { length: whole, blob: Some(blob) })
    }

    /// What tells this connection from all others, if it has moved here.
    pub(crate) fn move_id(&self) -> Option<&[u8; MOVE_ID]> {
        Some(&self.phase.move_facts()?.id)
    }

    /// How often this connection has moved.
    pub(crate) fn moves(&self) -> u64 {
        self.phase.move_facts().map_or(0, |move_facts| move_facts.moves)
    }

    fn check_movable(&mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure.clone());
        }
        if self.is_handed_over() {
            return not_now("the traffic secrets were taken: the records are somebody else's");
        }
        if self.half().is_some() {
            return not_now("this is a half of a connection: only a whole one can move");
        }
        if self.phase.is_handshaking() {
            return not_now("the handshake is not done");
        }
        if !own_records() {
            return not_now("in builds for validated cryptography (FIPS) connections cannot move");
        }
        if self.early().is_some_and(|early| !early.waiting().is_empty()) {
            return not_now("early data waits: read it first (tls_early_read_into)");
        }
        if self.has_event() {
            return not_now("events wait: take them first (tls_next_event)");
        }
        if self.inbound.window() > 0 {
            return not_now("a window is open: commit what was received into it first (tls_feed_commit)");
        }
        if self.left_in_place > MOST_LEFT_IN_PLACE {
            return not_now("tls_read_in_place left more than 16 MiB with the host: read on first");
        }
        Ok(())
    }

    /// Takes the records over from the engine, if it still has them.
    fn settle_to_move(&mut self) -> Result<(), Failure> {
        // Behind plain bytes that wait the engine has opened nothing. To it what follows is what it does not know.
        let rest = if self.inbound.has_plain() { &[][..] } else { self.inbound.wire() };
        let can_settle = match &self.phase {
            Phase::Own(own) if own.standing().is_some() => return Ok(()),
            Phase::Own(_) => false,
            Phase::Traffic(traffic) => traffic.can_settle(rest),
            _ => return Err(no_traffic()),
        };
        if self.we_closed || !can_settle {
            return not_now(
                "the engine of the handshake still has the records: read what is here (tls_read_into), or, where this \
                 side was closed before the handshake was done, let the connection end here",
            );
        }
        let settled = self.settle(&[]);
        match settled {
            Ok(_) => Ok(()),
            Err(_) => Err(self.failure().cloned().unwrap_or_else(Failure::panic)),
        }
    }

    fn make(&mut self) -> Result<Made, Failure> {
        let mut chain = Vec::new();
        let mut index = 0;
        while let Some(certificate) = self.peer_certificate(index) {
            if !append_certificate(&mut chain, certificate) {
                return not_now("a certificate of the peer is empty, or too long to move");
            }
            index += 1;
        }
        let end_point = match self.is_client() {
            true => None,
            false => self.channel_binding(TLS_BINDING_SERVER_END_POINT).map_err(status_only)?,
        };
        Ok(Made { chain, end_point: end_point.unwrap_or_default(), outbound: self.outbound.copied() })
    }

    /// How long the inside of the blob is. The secrets are as long as the suite says.
    fn length_to_move(&self, made: &Made) -> Result<usize, Failure> {
        let facts = self.phase.facts();
        let zeros = |length: usize| Zeroizing::new(vec![0; length]);
        let revealed = match secret_length(facts.suite) {
            Some(length) => Revealed { receive: zeros(length), send: zeros(length), exporter: zeros(length) },
            None => Revealed { exporter: zeros(TLS12_EXPORTER), ..Revealed::default() },
        };
        let moved = self.moved(&revealed, made, [0; MOVE_ID])?;
        if !moved.is_consistent() {
            return not_now(
                "wire bytes that tls_read_in_place left are not here any more: give all of them again, and read, first",
            );
        }
        moved::length(&moved)
            .ok_or_else(|| Failure::limit("the connection holds more than can move: read and drain first"))
    }

    fn moved<'a>(
        &'a self,
        revealed: &'a Revealed,
        made: &'a Made,
        id: [u8; MOVE_ID],
    ) -> Result<Moved<'a>, Failure> {
        let Phase::Own(own) = &self.phase else { return Err(no_traffic()) };
        let Standing { receive, send, sender, receiver } = own.standing().ok_or_else(no_traffic)?;
        let facts = self.facts();
        let counters = self.counters;
        let sending = self.sending();
        let clock = self.clock().map(|clock| clock.noted());
        let (heard, done, asking) = clock.unwrap_or_default();
        let set = |value: Option<usize>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or(UNSET);
        Ok(Moved {
            id,
            moves: self.moves().saturating_add(1),
            flags: Flags {
                is_client: self.is_client(),
                resumed: facts.resumed,
                bound_secrets: facts.bound_secrets,
                we_closed: self.we_closed,
                eof: self.eof,
                corked: self.is_corked(),
                clocked: clock.is_some(),
            },
            facts: MovedFacts {
                version: facts.version,
                suite: facts.suite,
                group: facts.group,
                kind: u8::try_from(facts.kind).unwrap_or_default(),
                ech: ech_number(facts.ech),
                early: early_number(facts.early),
                alpn: facts.alpn.unwrap_or_default(),
                name: facts.server_name.unwrap_or_default().as_bytes(),
                resumption_data: facts.resumption_data.unwrap_or_default(),
                chain: &made.chain,
                raw_key: facts.chain.raw_key().unwrap_or_default(),
                end_point: &made.end_point,
            },
            receive: moved::Direction { secret: &revealed.receive, ..receive },
            send: moved::Direction { secret: &revealed.send, ..send },
            exporter: &revealed.exporter,
            sender,
            receiver,
            counters: [
                counters.wire_in,
                counters.wire_out,
                counters.plain_in,
                counters.plain_out,
                counters.records_in,
                counters.records_out,
            ],
            left_in_place: self.left_in_place,
            times: [heard.unwrap_or(NEVER), done.unwrap_or(NEVER), asking],
            record_size: set(sending.and_then(|sending| sending.most)),
            ramp: set(sending.and_then(|sending| sending.ramp)),
            plain: self.inbound.plain(),
            wire: self.inbound.wire(),
            outbound: &made.outbound,
            held: self.held(),
        })
    }

    /// Nothing of it stays here.
    fn leave(&mut self) {
        self.phase = Phase::Exported;
        let pool = &self.shared.pool;
        self.inbound.release(pool);
        self.outbound.may_move();
        self.outbound.consume(self.outbound.len(), pool);
        self.drop_held();
        self.cold = None;
        self.sent_name = None;
    }
}

fn not_now<T>(why: impl Into<Box<str>>) -> Result<T, Failure> {
    Err(Failure::new(TLS_ERR_STATE, 0, why))
}

fn no_traffic() -> Failure {
    Failure::unexpected("an established connection carries no records")
}

fn status_only(status: Status) -> Failure {
    Failure::new(status, 0, "the server's end of the connection has no name")
}
