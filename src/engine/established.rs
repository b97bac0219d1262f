//! What carries the traffic when a handshake is done.

use rustls::split::SplitConnection;
use rustls::{Connection, Tcp};

use super::facts::SideFacts;
use super::halves::Halves;
use super::receiving::Rest;
use super::whole::Whole;
use crate::record::traffic::EngineTraffic;

/// Whether records are sealed and opened by this library, as soon as nothing is half done. What it does that with is
/// not for validated cryptography.
pub(crate) const fn own_records() -> bool {
    !cfg!(feature = "fips")
}

/// After a handshake that did not stop.
pub(super) fn whole<Side: SideFacts>(connection: Connection<Side, Tcp>, rest: Rest) -> Box<dyn EngineTraffic>
where
    Whole<Side>: EngineTraffic,
    Halves<Side>: EngineTraffic,
{
    Box::new(Whole::new(connection, rest))
}

/// After one that did: it leaves the two halves, which cost a little more per record.
pub(super) fn halves<Side: SideFacts>(split: SplitConnection<Side>) -> Box<dyn EngineTraffic>
where
    Halves<Side>: EngineTraffic,
{
    Box::new(Halves::new(split, Rest::default()))
}
