//! Traffic over the two halves that rustls leaves of a handshake, put together again.

use rustls::split::SplitConnection;

use super::established::own_records;
use super::facts::SideFacts;
use super::kernel::{self, KernelSide, Schedule};
use super::receiving::{ReceiveHalf, Rest};
use super::sending::{Requests, SendHalf};
use crate::failure::Failure;
use crate::record::layout::worth_processing;
use crate::record::traffic::{
    EngineTraffic, HandedOver, HandshakeFacts, KeySchedule, Outcome, OwnStart, PlainSink, Receiving, Sending,
    Traffic, TrafficHalves,
};

/// An established connection.
pub(super) struct Halves<Side: SideFacts> {
    send: SendHalf,
    receive: ReceiveHalf<Side>,
}

impl<Side: SideFacts> Halves<Side> {
    pub(super) fn new(split: SplitConnection<Side>, rest: Rest) -> Self {
        let SplitConnection { send, receive, outputs, side_outputs } = split;
        let requests = Requests::default();
        Self {
            send: SendHalf::new(send, Requests::clone(&requests)),
            receive: ReceiveHalf::new(receive, outputs, side_outputs, rest, requests),
        }
    }

    /// With nothing left to say to the peer but what is appended to `out`.
    pub(super) fn start_own(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<OwnStart, Failure>
    where
        Self: Traffic,
        Side: KernelSide,
    {
        self.send.flush(out);
        let outstanding = self.receive.outstanding();
        Ok(OwnStart { handed_over: self.hand_over()?, is_client: Side::IS_CLIENT, outstanding })
    }
}

impl<Side: KernelSide> Traffic for Halves<Side>
where
    ReceiveHalf<Side>: Receiving,
    Schedule<Side>: KeySchedule + 'static,
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

    fn handshake_facts(&self) -> &dyn HandshakeFacts {
        self.receive.handshake_facts()
    }

    fn handshake_facts_mut(&mut self) -> &mut dyn HandshakeFacts {
        self.receive.handshake_facts_mut()
    }

    fn split(self: Box<Self>) -> Result<TrafficHalves, Failure> {
        Ok(TrafficHalves { receiving: Box::new(self.receive), sending: Box::new(self.send) })
    }

    fn hand_over(self: Box<Self>) -> Result<HandedOver, Failure> {
        let over = || Failure::unexpected("a direction of this connection is over");
        let send = self.send.into_traffic().ok_or_else(over)?;
        let (split, tickets, rest) = self.receive.hand_over(send).ok_or_else(over)?;
        let mut handed_over = kernel::take(split, rest.early, tickets, rest.exporter)?;
        handed_over.secrets.receive.sequence -= rest.answered.records_of_ours();
        Ok(handed_over)
    }
}

impl<Side: KernelSide> EngineTraffic for Halves<Side>
where
    ReceiveHalf<Side>: Receiving,
    Schedule<Side>: KeySchedule + 'static,
{
    fn into_traffic(self: Box<Self>) -> Box<dyn Traffic> {
        self
    }

    /// Of a message that is not whole rustls has opened records already, which would be opened again.
    fn can_settle(&self, rest: &[u8]) -> bool {
        own_records() && !worth_processing(rest) && !self.peer_closed() && !self.send.is_over()
    }

    fn settle(self: Box<Self>, out: &mut Vec<u8>) -> Result<OwnStart, Failure> {
        self.start_own(out)
    }

    fn prepare_hand_over(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<Box<dyn EngineTraffic>, Failure> {
        self.send.flush(out);
        Ok(self)
    }
}
