//! Early data: plain bytes from before the end of the handshake.

use super::phase::Phase;
use super::write::reserve;
use super::{Answer, Connection, PlainTarget};
use crate::engine::{Early, EarlyTraffic};
use crate::facts::EarlyStatus;
use crate::failure::Failure;
use crate::record::layout::full_records;
use crate::record::sizing::Sizing;
use crate::status::*;

impl Connection {
    /// Fills `target` with early data of the client.
    pub(crate) fn read_early(&mut self, target: &mut impl PlainTarget) -> Answer<usize> {
        self.check_alive()?;
        if target.room() == 0 {
            return Ok(0);
        }
        let processed = self.process_fed();
        let (moved, records) = self.early().map_or((0, 0), |early| {
            let moved = target.put(early.waiting());
            early.consume(moved);
            (moved, early.records())
        });
        self.counters.plain_in += moved as u64;
        self.counters.records_in += records;
        self.drop_early();
        if moved > 0 { Ok(moved) } else { processed.and(Err(self.standing())) }
    }

    /// Seals early data, as much as the outbound limit and the server allow.
    pub(crate) fn write_early(&mut self, plain: &[u8]) -> Answer<usize> {
        self.check_alive()?;
        if plain.is_empty() {
            return Ok(0);
        }
        if !self.phase.is_handshaking() {
            return Err(TLS_ERR_STATE);
        }
        let most = plain.len().min(self.writable());
        if most == 0 {
            return Err(TLS_WANT_DRAIN);
        }
        let sizing = self.sizing();
        self.outbound.may_move();
        let out = self.outbound.appender(reserve(sizing, most), &self.shared.pool);
        let early = self.phase.handshake().map(|handshake| handshake.early_traffic());
        let result = match early {
            Ok(Some(early)) => seal_early(early, sizing, &plain[..most], out),
            _ => Ok(None),
        };
        self.outbound.release_if_empty(&self.shared.pool);
        match result {
            Ok(None) => Err(TLS_ERR_STATE),
            Ok(Some((0, _))) => Err(TLS_ERR_LIMIT),
            Ok(Some((sealed, records))) => {
                self.advance_ramp(&sizing, sealed);
                self.counters.plain_out += sealed as u64;
                self.counters.records_out += records;
                Ok(sealed)
            }
            Err(failure) => Err(self.fail(failure)),
        }
    }

    /// The early data that came, and was not read.
    pub(super) fn early(&mut self) -> Option<&mut Early> {
        match &mut self.phase {
            Phase::Handshake(handshake) => handshake.early_traffic()?.early(),
            _ => self.cold.as_mut()?.early.as_deref_mut(),
        }
    }

    /// Nothing follows what came before the handshake was done.
    fn drop_early(&mut self) {
        if let Some(cold) = &mut self.cold {
            cold.early.take_if(|early| !early.is_needed());
        }
    }

    pub(crate) fn early_status(&self) -> i32 {
        match self.phase.facts().early {
            EarlyStatus::None => TLS_EARLY_NONE,
            EarlyStatus::Pending => TLS_EARLY_PENDING,
            EarlyStatus::Accepted => TLS_EARLY_ACCEPTED,
            EarlyStatus::Rejected => TLS_EARLY_REJECTED,
        }
    }
}

/// Seals early data until the engine takes no more: how many bytes and records, or None if it took none at all because this
/// connection can send none.
fn seal_early(
    early: &mut dyn EarlyTraffic,
    sizing: Sizing,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<Option<(usize, u64)>, Failure> {
    if sizing.is_engines_own() {
        let sealed = early.write_early(plain, out)?;
        return Ok(sealed.map(|sealed| (sealed, full_records(sealed))));
    }
    let (mut sealed, mut records) = (0, 0);
    while sealed < plain.len() {
        let size = sizing.after(sealed).next().min(plain.len() - sealed);
        match early.write_early(&plain[sealed..sealed + size], out)? {
            None => return Ok(None),
            Some(taken) => {
                sealed += taken;
                records += u64::from(taken > 0);
                if taken < size {
                    break;
                }
            }
        }
    }
    Ok(Some((sealed, records)))
}
