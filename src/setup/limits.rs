//! What a host may set, and the defaults.

use crate::failure::Failure;
use crate::record::layout;
use crate::status::TLS_REASON_LIMIT_TOO_SMALL;

/// Default of both limits: a handshake message or an application message of 64 KiB, in records.
pub(crate) const DEFAULT_WIRE: usize = 68 * 1024;

/// Any record fits, so that a full buffer always holds something that can be processed.
pub(crate) const MIN_INBOUND: usize = 20 * 1024;

/// A record of application data fits beside a handshake flight of ordinary size.
pub(crate) const MIN_OUTBOUND: usize = 20 * 1024;

/// Default of the handshake budget: hellos, a chain of 64 KiB, early data of 64 KiB, and all of it twice.
pub(crate) const DEFAULT_BUDGET: u64 = 256 * 1024;

/// Two ClientHellos with post-quantum key shares, and a Finished: nobody connects with less.
pub(crate) const MIN_BUDGET: u64 = 4 * 1024;

/// Default bound on the unused buffers that a context keeps.
pub(crate) const DEFAULT_POOL: usize = 4 * 1024 * 1024;

/// Default bound on the sessions that a context remembers.
pub(crate) const DEFAULT_SESSIONS: usize = 256;

/// The room for sessions is reserved at once: a number beyond this is a mistake.
pub(crate) const MOST_SESSIONS: usize = 1 << 20;

/// Tickets that a TLS 1.3 server sends to clients that do not say how many they want.
pub(crate) const DEFAULT_TICKETS: u32 = 2;

/// The most of them: clients of this library keep no more, and each has its place in a flight.
pub(crate) const MOST_TICKETS: u32 = 8;

/// Default bound on the questions that the connections of a context have open in the middle of a step: each keeps
/// some 48 KB, and two of the mappings of which a process has 65530.
pub(crate) const DEFAULT_OPEN_QUESTIONS: u32 = 1024;

/// The most of them: there are mappings left for everything else.
pub(crate) const MOST_OPEN_QUESTIONS: u32 = 16 * 1024;

/// The most early data that a server may be told to take of one connection: it is kept until it is read.
pub(crate) const MOST_EARLY_DATA: u32 = 64 * 1024;

/// The most that a host may put into tickets: with it, and with a client's chain of usual length, they are still
/// of a size that is issued.
pub(crate) const MOST_RESUMPTION_DATA: usize = 1024;

/// Part of the outbound limit that application data may not use, so that an alert or a
/// close_notify always fits.
pub(crate) const OUTBOUND_RESERVE: usize = 256;

/// The most plain bytes that a host can have put into small records: beyond this, small is what it wants.
pub(crate) const MOST_RAMP: usize = 1 << 30;

/// A record smaller than this is not worth its overhead: with less room than for that, a write
/// waits for a drain.
pub(crate) const MIN_WRITE: usize = 512;

const _: () = assert!(MIN_INBOUND >= layout::MAX_WIRE);
const _: () = assert!(DEFAULT_WIRE >= layout::wire_bound(64 * 1024) + OUTBOUND_RESERVE);

/// The limits of one connection, in wire bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub inbound: usize,
    pub outbound: usize,
}

/// What a handshake may take of this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HandshakeLimits {
    /// Wire bytes of the peer.
    pub budget: u64,
    /// Nanoseconds of the host's clock; None for any time.
    pub deadline: Option<u64>,
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self { budget: DEFAULT_BUDGET, deadline: None }
    }
}

impl HandshakeLimits {
    /// 0 goes back to the default.
    pub(crate) fn set_budget(&mut self, bytes: u64) -> Result<(), Failure> {
        if (1..MIN_BUDGET).contains(&bytes) {
            return Err(Failure::config(
                TLS_REASON_LIMIT_TOO_SMALL,
                format!("the handshake budget of {bytes} bytes is below the least one of {MIN_BUDGET} bytes"),
            ));
        }
        self.budget = if bytes == 0 { DEFAULT_BUDGET } else { bytes };
        Ok(())
    }

    /// 0 for any time.
    pub(crate) fn set_deadline(&mut self, nanoseconds: u64) {
        self.deadline = (nanoseconds != 0).then_some(nanoseconds);
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { inbound: DEFAULT_WIRE, outbound: DEFAULT_WIRE }
    }
}

impl Limits {
    /// 0 keeps the default of that limit.
    pub(crate) fn new(inbound: usize, outbound: usize) -> Result<Self, Failure> {
        let default = Self::default();
        let chosen = Self {
            inbound: if inbound == 0 { default.inbound } else { inbound },
            outbound: if outbound == 0 { default.outbound } else { outbound },
        };
        for (name, value, least) in
            [("inbound", chosen.inbound, MIN_INBOUND), ("outbound", chosen.outbound, MIN_OUTBOUND)]
        {
            if value < least {
                return Err(Failure::config(
                    TLS_REASON_LIMIT_TOO_SMALL,
                    format!("the {name} limit of {value} bytes is below the least one of {least} bytes"),
                ));
            }
            if value > isize::MAX as usize {
                return Err(Failure::config(
                    TLS_REASON_LIMIT_TOO_SMALL,
                    format!("the {name} limit of {value} bytes is above what a buffer can hold"),
                ));
            }
        }
        Ok(chosen)
    }
}
