//! What stands in a session's place while the session is turned into something else.

use super::facts::{Facts, PeerChain};
use super::session::{Outcome, PlainSink, Session};
use crate::failure::Failure;

/// Does nothing. It is seen only if turning the session failed, which ends the connection.
pub(crate) struct Vacant;

fn vacant() -> Failure {
    Failure::unexpected("the session of this connection is gone")
}

impl Session for Vacant {
    fn receive(&mut self, _: &mut [u8], _: &mut Vec<u8>, _: &mut PlainSink<'_>) -> Outcome {
        Outcome { used: 0, result: Err(vacant()) }
    }

    fn write(&mut self, _: &[&[u8]], _: &mut Vec<u8>) -> Result<(), Failure> {
        Err(vacant())
    }

    fn close_notify(&mut self, _: &mut Vec<u8>) -> Result<(), Failure> {
        Err(vacant())
    }

    fn is_handshaking(&self) -> bool {
        false
    }

    fn peer_closed(&self) -> bool {
        false
    }

    fn facts(&self) -> Facts<'_> {
        Facts::default()
    }

    fn peer_chain(&self) -> PeerChain<'_> {
        PeerChain::None
    }
}
