//! The receiving half of an established connection, which knows its facts.

use std::mem;

use rustls::split::{ReceiveTraffic, ReceiveTrafficState};

use super::explain::explain;
use super::facts::{Outputs, SideFacts};
use super::input::WireInput;
use crate::failure::Failure;
use crate::record::traffic::{Flow, Known, Outcome, PlainSink, Receiving};

/// Opens. rustls's part of it is gone once the peer has closed, or after an error.
pub(super) struct ReceiveHalf<Side: SideFacts> {
    traffic: Option<ReceiveTraffic<Side>>,
    outputs: Outputs<Side>,
    /// The sending half was left something for the peer.
    owed: bool,
    peer_closed: bool,
}

impl<Side: SideFacts> ReceiveHalf<Side> {
    pub(super) fn new(traffic: ReceiveTraffic<Side>, outputs: Outputs<Side>, peer_closed: bool) -> Self {
        let traffic = (!peer_closed).then_some(traffic);
        Self { traffic, outputs, owed: false, peer_closed }
    }

    pub(super) fn into_parts(self) -> (Option<ReceiveTraffic<Side>>, Outputs<Side>) {
        (self.traffic, self.outputs)
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
            self.outputs.tickets = Side::tickets_of_half(&receive);
            if flow == Flow::Stop || !delivered {
                self.traffic = Some(receive);
                return Ok(());
            }
        }
    }
}

impl<Side: SideFacts> Receiving for ReceiveHalf<Side>
where
    ReceiveTraffic<Side>: Send,
    Outputs<Side>: Known,
{
    fn receive(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Outcome {
        let base = wire.as_ptr().addr();
        let mut input = WireInput::new(wire);
        let result = self.open(base, &mut input, sink);
        Outcome { used: input.used(), result }
    }

    fn take_owed(&mut self) -> bool {
        mem::take(&mut self.owed)
    }

    fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    fn known(&self) -> &dyn Known {
        &self.outputs
    }

    fn known_mut(&mut self) -> &mut dyn Known {
        &mut self.outputs
    }
}
