//! Traffic over the two halves that rustls leaves of a handshake, put together again.

use rustls::split::SplitConnection;

use super::facts::SideFacts;
use super::kernel::{HandedOver, KernelSide};
use super::receiving::{ReceiveHalf, Rest};
use super::sending::SendHalf;
use crate::failure::Failure;
use crate::record::secrets::TrafficSecrets;
use crate::record::traffic::{
    KeySchedule, Known, Outcome, PlainSink, Receiving, Sending, Traffic, TrafficHalves,
};

/// An established connection.
pub(super) struct Halves<Side: SideFacts> {
    send: SendHalf,
    receive: ReceiveHalf<Side>,
}

impl<Side: SideFacts> Halves<Side> {
    pub(super) fn new(split: SplitConnection<Side>, rest: Rest) -> Self {
        let SplitConnection { send, receive, outputs, side_outputs } = split;
        Self { send: SendHalf::new(send), receive: ReceiveHalf::new(receive, outputs, side_outputs, rest) }
    }
}

impl<Side: KernelSide> Traffic for Halves<Side>
where
    ReceiveHalf<Side>: Receiving,
    HandedOver<Side>: KeySchedule,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let mut outcome = self.receive.receive(wire, sink);
        if self.receive.take_owed() {
            self.send.flush(out);
        }
        if let (Err(failure), true) = (&mut outcome.result, self.send.is_over()) {
            // Nothing follows our close_notify.
            failure.alert_sent = None;
        }
        outcome
    }

    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.send.write(plain, block, out)
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        self.send.update_keys(out)
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.send.close_notify(out)
    }

    fn peer_closed(&self) -> bool {
        self.receive.peer_closed()
    }

    fn known(&self) -> &dyn Known {
        self.receive.known()
    }

    fn known_mut(&mut self) -> &mut dyn Known {
        self.receive.known_mut()
    }

    fn split(self: Box<Self>) -> Result<TrafficHalves, Failure> {
        Ok(TrafficHalves { receiving: Box::new(self.receive), sending: Box::new(self.send) })
    }

    fn prepare_hand_over(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<Box<dyn Traffic>, Failure> {
        self.send.flush(out);
        Ok(self)
    }

    fn hand_over(self: Box<Self>) -> Result<(TrafficSecrets, Box<dyn KeySchedule>), Failure> {
        let over = || Failure::unexpected("a direction of this connection is over");
        let send = self.send.into_traffic().ok_or_else(over)?;
        let (split, tickets, rest) = self.receive.hand_over(send).ok_or_else(over)?;
        let (secrets, rest) = HandedOver::new(split, rest.early, tickets, rest.exporter)?;
        Ok((secrets, Box::new(rest)))
    }
}
