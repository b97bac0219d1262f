//! Traffic after a handshake that asked: the two halves that rustls leaves, put together again.

use rustls::split::SplitConnection;

use super::early::EarlyStatus;
use super::ech::EchStatus;
use super::exporter::Exporter;
use super::facts::{Facts, PeerChain, SideFacts};
use super::kernel::{HandedOver, KernelSide, TrafficSecrets};
use super::receiving::ReceiveHalf;
use super::sending::SendHalf;
use super::session::{Outcome, PlainSink, Session, SessionHalves};
use crate::failure::Failure;

/// An established connection.
pub(super) struct Halves<Side: SideFacts> {
    send: SendHalf,
    receive: ReceiveHalf<Side>,
}

impl<Side: SideFacts> Halves<Side> {
    pub(super) fn new(split: SplitConnection<Side>, peer_closed: bool, early: EarlyStatus) -> Self {
        let SplitConnection { send, receive, outputs, side_outputs } = split;
        Self {
            send: SendHalf::new(send),
            receive: ReceiveHalf::new(receive, outputs, side_outputs, peer_closed, early),
        }
    }
}

impl<Side: KernelSide> Session for Halves<Side>
where
    Self: Send,
    ReceiveHalf<Side>: Send,
    HandedOver<Side>: Session + 'static,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let mut outcome = self.receive.receive(wire, out, sink);
        if self.receive.take_owed() {
            self.send.flush(out);
        }
        if let (Err(failure), true) = (&mut outcome.result, self.send.is_over()) {
            // Nothing follows our close_notify.
            failure.alert_sent = None;
        }
        outcome
    }

    fn split(self: Box<Self>) -> Result<SessionHalves, Failure> {
        Ok(SessionHalves { receive: Box::new(self.receive), send: Box::new(self.send) })
    }

    fn prepare_hand_over(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<Box<dyn Session>, Failure> {
        self.send.flush(out);
        Ok(self)
    }

    fn hand_over(self: Box<Self>) -> Result<(TrafficSecrets, Box<dyn Session>), Failure> {
        let over = || Failure::unexpected("a direction of this connection is over");
        let (early, tickets) = (self.early_status(), self.tickets());
        let (receive, outputs, side_outputs) = self.receive.into_parts();
        let receive = receive.ok_or_else(over)?;
        let send = self.send.into_traffic().ok_or_else(over)?;
        let split = SplitConnection { send, receive, outputs, side_outputs };
        let (secrets, rest) = HandedOver::new(split, early, tickets)?;
        Ok((secrets, Box::new(rest)))
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        self.send.update_keys(out)
    }

    fn write(&mut self, plain: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Failure> {
        self.send.write(plain, out)
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.send.close_notify(out)
    }

    fn is_handshaking(&self) -> bool {
        false
    }

    fn peer_closed(&self) -> bool {
        self.receive.peer_closed()
    }

    fn early_status(&self) -> EarlyStatus {
        self.receive.early_status()
    }

    fn ech_status(&self) -> EchStatus {
        self.receive.ech_status()
    }

    fn resumption_data(&self) -> Option<&[u8]> {
        self.receive.resumption_data()
    }

    fn tickets(&self) -> u32 {
        self.receive.tickets()
    }

    fn exporter(&mut self) -> Option<Exporter> {
        self.receive.exporter()
    }

    fn facts(&self) -> Facts<'_> {
        self.receive.facts()
    }

    fn peer_chain(&self) -> PeerChain<'_> {
        self.receive.peer_chain()
    }
}
