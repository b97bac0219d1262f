//! Traffic over rustls's `Connection`, as the handshake that did not stop has left it.

use rustls::crypto::cipher::OutboundPlain;
use rustls::error::Error;
use rustls::{Connection, MessageHandler, SideData, Tcp};
use zeroize::Zeroizing;

use super::answered_updates::Answered;
use super::established::own_records;
use super::explain::{explain, updated};
use super::facts::{SideFacts, facts_of};
use super::halves::Halves;
use super::input::WireInput;
use super::kernel::KernelSide;
use super::message_count::{count_requests, empty_record, with_decrypters};
use super::padding::pad;
use super::receiving::Rest;
use crate::facts::{EarlyStatus, Facts};
use crate::failure::Failure;
use crate::record::layout::worth_processing;
use crate::record::traffic::{
    EngineTraffic, Flow, HandedOver, HandshakeFacts, Outcome, OwnStart, PlainSink, Traffic, TrafficHalves,
};

/// Both directions in one, without a lock.
pub(super) struct Whole<Side: SideData> {
    connection: Connection<Side, Tcp>,
    /// What an idle connection does not have.
    rest: Option<Box<Rest>>,
}

impl<Side: SideFacts> Whole<Side>
where
    Halves<Side>: EngineTraffic,
{
    pub(super) fn new(connection: Connection<Side, Tcp>, rest: Rest) -> Self {
        let is_needed = rest.peer_closed || rest.early != EarlyStatus::None;
        Self { connection, rest: is_needed.then(|| Box::new(rest)) }
    }

    /// Opens records, or a record of ours in their place.
    fn open(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let base = wire.as_ptr().addr();
        let mut input = WireInput::new(wire);
        let mut handler = self.connection.read_tls(&mut input, out);
        let result = deliver(&mut handler, base, sink);
        let closed = handler.state().peer_has_closed();
        if closed && result.is_ok() {
            self.rest.get_or_insert_default().peer_closed = true;
        }
        Outcome { used: input.used(), result: result.map(|_| ()).map_err(|error| explain(&error)) }
    }

    /// Lets the connection write, and counts the KeyUpdates that it asks for.
    fn counting<R>(&mut self, write: impl FnOnce(&mut Connection<Side, Tcp>) -> R) -> R {
        let (result, requests) = count_requests(|| write(&mut self.connection));
        if requests > 0 {
            self.rest.get_or_insert_default().answered.note_requests(requests);
        }
        result
    }

    fn into_halves(self) -> Result<Box<Halves<Side>>, Failure> {
        let split = self.connection.split().map_err(|error| explain(&error))?;
        Ok(Box::new(Halves::new(split, self.rest.map(|rest| *rest).unwrap_or_default())))
    }
}

/// Gives the plain bytes of one record after the other to the sink; whether it has stopped. `base` is where the wire
/// bytes begin.
pub(super) fn deliver<Side: SideData>(
    handler: &mut MessageHandler<'_, '_, Side>,
    base: usize,
    sink: &mut PlainSink<'_>,
) -> Result<Flow, Error> {
    while let Some(payload) = handler.next_payload() {
        let payload = payload?;
        let plain = payload.bytes();
        let start = plain.as_ptr().addr().wrapping_sub(base);
        if !plain.is_empty() && sink(start..start + plain.len(), plain) == Flow::Stop {
            return Ok(Flow::Stop);
        }
    }
    Ok(Flow::More)
}

impl<Side: KernelSide> Traffic for Whole<Side>
where
    Connection<Side, Tcp>: Send,
    Halves<Side>: EngineTraffic,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let wish = self.rest.as_ref().map_or_else(Answered::default, |rest| rest.answered).wish();
        let (mut outcome, made) = with_decrypters(wish, || self.open(wire, out, sink));
        let aligned = outcome.result.is_ok() && outcome.used == wire.len();
        if let Some(rest) = self.rest.as_mut().filter(|rest| !rest.peer_closed) {
            if rest.answered.counts_back(wish, made, aligned) {
                outcome.result = self.open(&mut empty_record(), out, &mut |_, _| Flow::More).result;
            }
        }
        outcome
    }

    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        let result =
            self.counting(|connection| pad(block, || connection.write(OutboundPlain::new(plain), out)));
        result.map_err(|error| explain(&error))
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        updated(self.counting(|connection| connection.refresh_traffic_keys(out)))
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.connection.send_close_notify(out).map_err(|error| explain(&error))
    }

    fn peer_closed(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.peer_closed)
    }

    fn handshake_facts(&self) -> &dyn HandshakeFacts {
        self
    }

    fn handshake_facts_mut(&mut self) -> &mut dyn HandshakeFacts {
        self
    }

    fn split(self: Box<Self>) -> Result<TrafficHalves, Failure> {
        (*self).into_halves()?.split()
    }

    fn hand_over(self: Box<Self>) -> Result<HandedOver, Failure> {
        (*self).into_halves()?.hand_over()
    }
}

impl<Side: KernelSide> EngineTraffic for Whole<Side>
where
    Connection<Side, Tcp>: Send,
    Halves<Side>: EngineTraffic,
{
    fn into_traffic(self: Box<Self>) -> Box<dyn Traffic> {
        self
    }

    /// Of a message that is not whole rustls has opened records already, which would be opened again.
    fn can_settle(&self, rest: &[u8]) -> bool {
        own_records() && !worth_processing(rest) && !self.peer_closed()
    }

    fn settle(self: Box<Self>, out: &mut Vec<u8>) -> Result<OwnStart, Failure> {
        (*self).into_halves()?.start_own(out)
    }

    fn prepare_hand_over(self: Box<Self>, out: &mut Vec<u8>) -> Result<Box<dyn EngineTraffic>, Failure> {
        (*self).into_halves()?.prepare_hand_over(out)
    }
}

impl<Side: SideFacts> HandshakeFacts for Whole<Side>
where
    Connection<Side, Tcp>: Send,
{
    fn facts(&self) -> Facts<'_> {
        let early = self.rest.as_ref().map_or(EarlyStatus::None, |rest| rest.early);
        facts_of(&self.connection, self.connection.side(), early)
    }

    fn tickets(&self) -> u32 {
        Side::tickets(&self.connection)
    }

    fn export(&mut self, label: &[u8], context: Option<&[u8]>, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let exporter = &mut self.rest.get_or_insert_default().exporter;
        exporter.derive(|| self.connection.exporter(), label, context, length)
    }
}
