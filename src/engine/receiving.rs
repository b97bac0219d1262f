//! The receiving half of an established connection, which knows its facts.

use std::mem;
use std::sync::atomic::Ordering;

use rustls::ConnectionOutputs;
use rustls::split::{ReceiveTraffic, ReceiveTrafficState, SendTraffic, SplitConnection};
use zeroize::Zeroizing;

use super::answered_updates::Answered;
use super::explain::explain;
use super::facts::{Exporter, SideFacts, facts_of};
use super::input::WireInput;
use super::message_count::{empty_record, with_decrypters};
use super::sending::Requests;
use crate::facts::{EarlyStatus, Facts};
use crate::failure::Failure;
use crate::record::traffic::{Flow, HandshakeFacts, Outcome, PlainSink, Receiving};

/// What is known of a connection beside what rustls keeps of it.
#[derive(Default)]
pub(super) struct Rest {
    pub exporter: Exporter,
    pub early: EarlyStatus,
    pub peer_closed: bool,
    pub answered: Answered,
}

/// Opens. rustls's part of it is gone once the peer has closed, or after an error.
pub(super) struct ReceiveHalf<Side: SideFacts> {
    traffic: Option<ReceiveTraffic<Side>>,
    outputs: ConnectionOutputs,
    side: Side,
    exporter: Exporter,
    tickets: u32,
    early: EarlyStatus,
    /// The sending half was left something for the peer.
    owed: bool,
    peer_closed: bool,
    answered: Answered,
    requests: Requests,
}

impl<Side: SideFacts> ReceiveHalf<Side> {
    pub(super) fn new(
        traffic: ReceiveTraffic<Side>,
        outputs: ConnectionOutputs,
        side: Side,
        rest: Rest,
        requests: Requests,
    ) -> Self {
        let Rest { exporter, early, peer_closed, answered } = rest;
        let tickets = Side::tickets_of_half(&traffic);
        let traffic = (!peer_closed).then_some(traffic);
        let owed = false;
        Self { traffic, outputs, side, exporter, tickets, early, owed, peer_closed, answered, requests }
    }

    /// What goes on elsewhere; nothing where the peer has closed.
    pub(super) fn hand_over(self, send: SendTraffic) -> Option<(SplitConnection<Side>, u32, Rest)> {
        let Self { traffic, outputs, side, exporter, tickets, early, peer_closed, answered, .. } = self;
        let split = SplitConnection { send, receive: traffic?, outputs, side_outputs: side };
        Some((split, tickets, Rest { exporter, early, peer_closed, answered }))
    }

    /// See [`Answered::outstanding`].
    pub(super) fn outstanding(&mut self) -> u8 {
        self.answered.note_requests(self.requests.swap(0, Ordering::Relaxed));
        self.answered.outstanding()
    }

    /// Opens records, or a record of ours in their place.
    fn open(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Outcome {
        let base = wire.as_ptr().addr();
        let mut input = WireInput::new(wire);
        let result = self.open_all(base, &mut input, sink);
        Outcome { used: input.used(), result }
    }

    /// Opens records until the sink stops or none is whole. `base` is where the wire bytes begin.
    fn open_all(
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
            self.tickets = Side::tickets_of_half(&receive);
            if flow == Flow::Stop || !delivered {
                self.traffic = Some(receive);
                return Ok(());
            }
        }
    }
}

impl<Side: SideFacts> Receiving for ReceiveHalf<Side>
where
    Self: Send,
{
    fn receive(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Outcome {
        if self.requests.load(Ordering::Relaxed) > 0 {
            self.answered.note_requests(self.requests.swap(0, Ordering::Relaxed));
        }
        let wish = self.answered.wish();
        let (mut outcome, made) = with_decrypters(wish, || self.open(wire, sink));
        let aligned = outcome.result.is_ok() && outcome.used == wire.len();
        if !self.peer_closed && self.answered.counts_back(wish, made, aligned) {
            outcome.result = self.open(&mut empty_record(), &mut |_, _| Flow::More).result;
        }
        outcome
    }

    fn take_owed(&mut self) -> bool {
        mem::take(&mut self.owed)
    }

    fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    fn handshake_facts(&self) -> &dyn HandshakeFacts {
        self
    }

    fn handshake_facts_mut(&mut self) -> &mut dyn HandshakeFacts {
        self
    }
}

impl<Side: SideFacts> HandshakeFacts for ReceiveHalf<Side>
where
    Self: Send,
{
    fn facts(&self) -> Facts<'_> {
        facts_of(&self.outputs, &self.side, self.early)
    }

    fn tickets(&self) -> u32 {
        self.tickets
    }

    fn export(&mut self, label: &[u8], context: Option<&[u8]>, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        self.exporter.derive(|| self.outputs.exporter(), label, context, length)
    }
}
