//! The receiving half of an established connection, which knows its facts.

use std::mem;

use rustls::ConnectionOutputs;
use rustls::split::{ReceiveTraffic, ReceiveTrafficState};

use super::early::EarlyStatus;
use super::ech::EchStatus;
use super::explain::explain;
use super::exporter::Exporter;
use super::facts::{Facts, PeerChain, SideFacts};
use super::input::WireInput;
use super::session::{Flow, Outcome, PlainSink, Session};
use crate::failure::Failure;

/// Opens. rustls's part of it is gone once the peer has closed, or after an error.
pub(super) struct ReceiveHalf<Side: SideFacts> {
    traffic: Option<ReceiveTraffic<Side>>,
    outputs: ConnectionOutputs,
    side: Side,
    early: EarlyStatus,
    /// The sending half was left something for the peer.
    owed: bool,
    peer_closed: bool,
}

impl<Side: SideFacts> ReceiveHalf<Side> {
    pub(super) fn new(
        traffic: ReceiveTraffic<Side>,
        outputs: ConnectionOutputs,
        side: Side,
        peer_closed: bool,
        early: EarlyStatus,
    ) -> Self {
        let traffic = (!peer_closed).then_some(traffic);
        Self { traffic, outputs, side, early, owed: false, peer_closed }
    }

    pub(super) fn into_parts(self) -> (Option<ReceiveTraffic<Side>>, ConnectionOutputs, Side) {
        (self.traffic, self.outputs, self.side)
    }

    /// Opens records until the sink stops or none is whole. `base` is where the wire bytes begin.
    fn open(
        &mut self,
        base: usize,
        input: &mut WireInput<'_>,
        sink: &mut PlainSink<'_>,
    ) -> Result<(), Failure> {
        let Some(mut receive) = self.traffic.take() else {
            return Ok(());
        };
        loop {
            let mut flow = Flow::More;
            let mut delivered = false;
            // Each state borrows the input until it is exchanged for the next one, which does not.
            let state: ReceiveTrafficState<'static, Side> = match receive.read(input) {
                Ok(ReceiveTrafficState::Available(mut data)) => {
                    delivered = true;
                    let plain = data.data();
                    let start = plain.as_ptr().addr().wrapping_sub(base);
                    if !plain.is_empty() {
                        flow = sink(start..start + plain.len(), plain);
                    }
                    data.into_next()
                }
                Ok(ReceiveTrafficState::FlushSender(step)) => ReceiveTrafficState::FlushSender(step),
                Ok(ReceiveTrafficState::ReadMore(next)) => ReceiveTrafficState::ReadMore(next),
                Ok(ReceiveTrafficState::CloseNotify) => ReceiveTrafficState::CloseNotify,
                Err(error) => {
                    // The alert waits in the sending half.
                    self.owed = true;
                    return Err(explain(&error));
                }
            };
            let state = match state {
                ReceiveTrafficState::FlushSender(step) => {
                    self.owed = true;
                    step.into_next()
                }
                other => other,
            };
            let ReceiveTrafficState::ReadMore(next) = state else {
                self.peer_closed = true;
                return Ok(());
            };
            receive = next;
            if flow == Flow::Stop || !delivered {
                self.traffic = Some(receive);
                return Ok(());
            }
        }
    }
}

impl<Side: SideFacts> Session for ReceiveHalf<Side>
where
    Self: Send,
{
    fn receive(&mut self, wire: &mut [u8], _: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let base = wire.as_ptr().addr();
        let mut input = WireInput::new(wire);
        let result = self.open(base, &mut input, sink);
        Outcome { used: input.used(), result }
    }

    fn take_owed(&mut self) -> bool {
        mem::take(&mut self.owed)
    }

    fn write(&mut self, _: &[&[u8]], _: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("the receiving half was asked to write"))
    }

    fn close_notify(&mut self, _: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("the receiving half was asked to close"))
    }

    fn is_handshaking(&self) -> bool {
        false
    }

    fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    fn ech_status(&self) -> EchStatus {
        self.side.ech_status()
    }

    fn resumption_data(&self) -> Option<&[u8]> {
        self.side.resumption_data()
    }

    fn early_status(&self) -> EarlyStatus {
        self.early
    }

    fn tickets(&self) -> u32 {
        self.traffic.as_ref().map_or(0, Side::tickets_of_half)
    }

    fn exporter(&mut self) -> Option<Exporter> {
        self.outputs.exporter().ok().map(Exporter::from)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::of(&self.outputs, self.side.server_name())
    }

    fn peer_chain(&self) -> PeerChain<'_> {
        self.outputs.peer_identity().map_or(PeerChain::None, |identity| PeerChain::of(identity))
    }
}
