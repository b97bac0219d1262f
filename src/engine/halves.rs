//! Traffic after a handshake that asked: the two halves that rustls leaves, put together again.

use rustls::ConnectionOutputs;
use rustls::crypto::cipher::OutboundPlain;
use rustls::split::{ReceiveTraffic, ReceiveTrafficState, SendTraffic, SplitConnection};

use super::ech::EchStatus;
use super::explain::{explain, updated};
use super::exporter::Exporter;
use super::facts::{Facts, PeerChain, SideFacts};
use super::input::WireInput;
use super::session::{Flow, Outcome, PlainSink, Session};
use crate::failure::Failure;

/// An established connection. A half is gone once its direction has ended.
pub(super) struct Halves<Side: SideFacts> {
    send: Option<SendTraffic>,
    receive: Option<ReceiveTraffic<Side>>,
    outputs: ConnectionOutputs,
    side: Side,
    peer_closed: bool,
}

impl<Side: SideFacts> Halves<Side> {
    pub(super) fn new(split: SplitConnection<Side>) -> Self {
        Self {
            send: Some(split.send),
            receive: Some(split.receive),
            outputs: split.outputs,
            side: split.side_outputs,
            peer_closed: false,
        }
    }

    /// Opens records until the sink stops or none is whole. `base` is where the wire bytes begin.
    fn open(
        &mut self,
        base: usize,
        input: &mut WireInput<'_>,
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> Result<(), Failure> {
        let Some(mut receive) = self.receive.take() else {
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
                    self.flush(out);
                    return Err(explain(&error));
                }
            };
            let state = match state {
                ReceiveTrafficState::FlushSender(step) => {
                    self.flush(out);
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
                self.receive = Some(receive);
                return Ok(());
            }
        }
    }

    /// Moves what the receiving half left for the peer to `out`. After a fatal alert that is all
    /// the sending half can do, and it says so with an error that tells nothing new.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(send) = &mut self.send {
            let _ = send.write(OutboundPlain::new_empty(), out);
        }
    }
}

impl<Side: SideFacts> Session for Halves<Side>
where
    Self: Send,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let base = wire.as_ptr().addr();
        let mut input = WireInput::new(wire);
        let result = self.open(base, &mut input, out, sink);
        Outcome { used: input.used(), result }
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        match &mut self.send {
            Some(send) => updated(send.refresh_traffic_keys(out)),
            None => Err(Failure::unexpected("the sending half was closed")),
        }
    }

    fn write(&mut self, plain: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Failure> {
        match &mut self.send {
            Some(send) => send.write(OutboundPlain::new(plain), out).map_err(|error| explain(&error)),
            None => Err(Failure::unexpected("the sending half was closed")),
        }
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self.send.take() {
            Some(send) => send.close(out).map_err(|error| explain(&error)),
            None => Ok(()),
        }
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

    fn tickets(&self) -> u32 {
        self.receive.as_ref().map_or(0, Side::tickets_of_half)
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
