//! A connection of another process goes on here.

use std::sync::Arc;

use super::Connection;
use super::clock::Clock;
use super::counters::Counters;
use super::phase::Phase;
use crate::buffer::Inbound;
use crate::engine::{arrived, open, own_records};
use crate::failure::Failure;
use crate::numbers::MOVE_KEY;
use crate::parse::moved::{self, Moved, NEVER, UNSET};
use crate::record::layout::KEY_UPDATES;
use crate::record::own::Own;
use crate::setup::shared::{EndPoint, Shared};
use crate::status::*;

impl Connection {
    /// What `blob` is, which was sealed under `key`.
    pub(crate) fn import_sealed(
        shared: Arc<Shared>,
        key: &[u8; MOVE_KEY],
        blob: &[u8],
    ) -> Result<Self, Failure> {
        if !own_records() {
            let why = "in builds for validated cryptography (FIPS) connections cannot move";
            return Err(Failure::new(TLS_ERR_STATE, 0, why));
        }
        let opened = open(key, blob)?;
        let moved = moved::read(&opened).ok_or_else(unknown)?;
        check_role(&shared, &moved)?;
        let (secrets, schedule, remembered) = arrived(&moved).ok_or_else(unknown)?;
        let own = Own::from_moved(&moved, &secrets, schedule, remembered).ok_or_else(unknown)?;

        let mut connection = Self::new(shared, Phase::Own(Box::new(own)));
        // How it cuts records says what they take.
        connection.take_over_habits(&moved);
        connection.check_limits(&moved)?;
        let pool = &connection.shared.pool;
        connection.inbound = Inbound::with(moved.plain, moved.wire, pool);
        if !moved.outbound.is_empty() {
            connection.outbound.appender(moved.outbound.len(), pool).extend_from_slice(moved.outbound);
        }
        connection.left_in_place = moved.left_in_place;
        connection.eof = moved.flags.eof;
        connection.we_closed = moved.flags.we_closed;
        let [wire_in, wire_out, plain_in, plain_out, records_in, records_out] = moved.counters;
        connection.counters = Counters { wire_in, wire_out, plain_in, plain_out, records_in, records_out };
        connection.take_over_names(&moved);
        Ok(connection)
    }

    fn take_over_names(&mut self, moved: &Moved<'_>) {
        let name = std::str::from_utf8(moved.facts.name).unwrap_or_default();
        if moved.flags.is_client && !name.is_empty() {
            self.sent_name = Some(self.shared.last_name.share(name));
        }
        if moved.flags.clocked {
            let noted = |time: u64| (time != NEVER).then_some(time);
            let [heard, done, asking] = moved.times;
            let clock = Clock::of_another((noted(heard), noted(done), asking));
            self.cold.get_or_insert_default().clock = Some(clock);
        }
    }

    fn check_limits(&self, moved: &Moved<'_>) -> Result<(), Failure> {
        let inbound = moved.plain.len() + moved.wire.len();
        let held = self.wire_bound(moved.held.len());
        let outbound = moved.outbound.len() + moved.sender.queued.len() + held;
        let limits = [
            ("inbound", inbound, self.shared.limits.inbound),
            ("outbound", outbound, self.shared.limits.outbound),
        ];
        for (which, bytes, limit) in limits {
            if bytes > limit {
                return Err(Failure::limit(format!(
                    "the sealed connection has {bytes} {which} bytes, which is above the limit of {limit} bytes of this \
                     context (tls_builder_limits)"
                )));
            }
        }
        // An alert cannot wait for a drain, nor can the answer to a KeyUpdate that leaves in front of it. The whole reserve is not
        // asked for: the other process, under the same limit, may have used some of it.
        let (room, limit) = (if moved.sender.closed { 0 } else { KEY_UPDATES }, self.shared.limits.outbound);
        if outbound + room > limit {
            return Err(Failure::limit(format!(
                "the sealed connection has {outbound} outbound bytes, which leaves no room to answer its peer ({room} bytes) under \
                 the limit of {limit} bytes of this context (tls_builder_limits)"
            )));
        }
        Ok(())
    }

    /// How it cuts what it sends.
    fn take_over_habits(&mut self, moved: &Moved<'_>) {
        let set = |value: u32| (value != UNSET).then_some(value as usize);
        let (most, ramp) = (set(moved.record_size), set(moved.ramp));
        if most.is_some() || ramp.is_some() || moved.flags.corked {
            self.take_over_sending(most, ramp, moved.flags.corked, moved.held);
        }
    }
}

fn check_role(shared: &Shared, moved: &Moved<'_>) -> Result<(), Failure> {
    let why = match (matches!(shared.end_point, EndPoint::Peer), moved.flags.is_client) {
        (true, false) => "the sealed connection is a server's: that needs a server context",
        (false, true) => "the sealed connection is a client's: that needs a client context",
        _ => return Ok(()),
    };
    Err(Failure::argument(why))
}

fn unknown() -> Failure {
    let why = "the sealed connection has what this build does not know";
    Failure::new(TLS_ERR_CONFIG, TLS_REASON_BLOB_UNKNOWN, why)
}
