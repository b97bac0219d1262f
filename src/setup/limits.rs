//! What a host may set, and the defaults.

use crate::failure::Failure;
use crate::numbers::{
    DEFAULT_BUDGET, DEFAULT_WIRE, MAX_WIRE, MIN_BUDGET, MIN_INBOUND, MIN_OUTBOUND, OUTBOUND_RESERVE,
};
use crate::record::sizing::wire_bound;
use crate::status::TLS_REASON_LIMIT_TOO_SMALL;

const _: () = assert!(MIN_INBOUND >= MAX_WIRE);
const _: () = assert!(DEFAULT_WIRE >= wire_bound(64 * 1024) + OUTBOUND_RESERVE);

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
