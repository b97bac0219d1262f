//! The handshake without questions: rustls's `Connection`, which goes on to the traffic by itself.

use rustls::client::ClientConnectionBuilder;
use rustls::crypto::cipher::OutboundPlain;
use rustls::enums::ProtocolVersion;
use rustls::{ClientSide, Connection, ServerConfig, ServerSide, SideData, Tcp};
use std::sync::Arc;

use super::alert;
use super::early::{Early, EarlySide, EarlyTraffic};
use super::established;
use super::explain::{closes, explain};
use super::facts::{SideFacts, facts_of};
use super::halves::Halves;
use super::handshake::{Decision, Handshake, Settled};
use super::hello_scan::HelloParts;
use super::input::WireInput;
use super::padding::pad;
use super::plaintext::{PlaintextRecords, Run, Standing, hides_names};
use super::receiving::Rest;
use super::resuming;
use super::whole::{Whole, deliver};
use crate::facts::{EarlyStatus, Facts};
use crate::failure::Failure;
use crate::record::traffic::{EngineTraffic, Flow, Outcome, PlainSink};

pub(super) struct Direct<Side: SideData> {
    connection: Connection<Side, Tcp>,
    /// None while it runs.
    plaintext: Option<PlaintextRecords>,
    peer_closed: bool,
    /// Of a server that takes early data, or a client that sent some.
    early: Option<Box<Early>>,
    /// Whether the context allows to write before the client's Finished, and whether the time for it has come.
    half_rtt: bool,
    may_write: bool,
}

impl Direct<ClientSide> {
    /// Starts the handshake: the ClientHello is appended to `out`.
    pub(super) fn client(builder: ClientConnectionBuilder, out: &mut Vec<u8>) -> Result<Self, Failure> {
        let connection = resuming::step(|| builder.build(out)).map_err(|error| explain(&error))?;
        Ok(Self::new(connection, PlaintextRecords::client(), None, false))
    }
}

impl Direct<ServerSide> {
    pub(super) fn server(config: Arc<ServerConfig>) -> Result<Self, Failure> {
        let most = config.max_early_data_size;
        let plaintext = PlaintextRecords::server(hides_names(&config));
        let half_rtt = config.send_half_rtt_data;
        let connection = resuming::step(|| Connection::<ServerSide, Tcp>::new(config));
        let connection = connection.map_err(|error| explain(&error))?;
        let early = (most > 0).then(|| Box::new(Early::server(most)));
        Ok(Self::new(connection, plaintext, early, half_rtt))
    }
}

impl<Side: SideData> Direct<Side> {
    fn new(
        connection: Connection<Side, Tcp>,
        plaintext: PlaintextRecords,
        early: Option<Box<Early>>,
        half_rtt: bool,
    ) -> Self {
        Self { connection, plaintext: Some(plaintext), peer_closed: false, early, half_rtt, may_write: false }
    }
}

impl<Side: SideFacts + EarlySide> Direct<Side> {
    /// Runs the engine until no record is whole, or the sink stops.
    fn run(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Run {
        if self.connection.is_handshaking() {
            resuming::step(|| self.run_engine(wire, out, sink, true))
        } else {
            self.run_engine(wire, out, sink, false)
        }
    }

    fn run_engine(
        &mut self,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
        handshaking: bool,
    ) -> Run {
        let base = wire.as_ptr().addr();
        let before = out.len();
        let mut input = WireInput::new(wire);
        let mut handler = self.connection.read_tls(&mut input, out);
        if let (true, Some(early)) = (handshaking, &mut self.early) {
            Side::receive_early(&mut handler, early);
        }
        let result = deliver(&mut handler, base, sink);
        let closed = handler.state().peer_has_closed();
        let result = match result {
            Err(error) if handshaking && closes(&error) => {
                alert::take_back(out, before);
                Ok(Standing::Closed)
            }
            Err(error) => Err(explain(&error)),
            Ok(_) if closed => Ok(Standing::Closed),
            Ok(Flow::Stop) => Ok(Standing::Stopped),
            Ok(Flow::More) if !self.connection.is_handshaking() => Ok(Standing::Traffic),
            Ok(Flow::More) => Ok(Standing::Handshaking),
        };
        self.peer_closed |= matches!(result, Ok(Standing::Closed));
        Run { used: input.used(), result }
    }

    fn early_status(&self) -> EarlyStatus {
        match &self.early {
            Some(early) if early.seen => {
                Side::early_status(self.connection.side(), self.connection.is_handshaking())
            }
            _ => EarlyStatus::None,
        }
    }
}

impl<Side: SideFacts + EarlySide> Handshake for Direct<Side>
where
    Connection<Side, Tcp>: Send,
    Whole<Side>: EngineTraffic,
    Halves<Side>: EngineTraffic,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let Some(mut plaintext) = self.plaintext.take() else {
            return Outcome { used: 0, result: Err(Failure::unexpected("a step was made within a step")) };
        };
        let outcome = plaintext.receive(wire, out, sink, &mut |wire, out, sink| self.run(wire, out, sink));
        self.peer_closed |= plaintext.is_closed();
        self.plaintext = Some(plaintext);
        // Both are settled with the ServerHello, and the step that sends it goes on to the Finished.
        self.may_write = self.half_rtt
            && outcome.result.is_ok()
            && self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3)
            && self.connection.handshake_kind().is_some();
        outcome
    }

    fn settle(self: Box<Self>, _: &[u8], _: &mut Vec<u8>) -> Settled {
        if self.connection.is_handshaking() {
            return Settled::Same(self);
        }
        let status = self.early_status();
        let Self { connection, peer_closed, early, .. } = *self;
        let early = early.filter(|early| early.is_needed());
        let rest = Rest { early: status, peer_closed, ..Rest::default() };
        Settled::Done(established::whole(connection, rest), early)
    }

    fn is_done(&self) -> bool {
        !self.connection.is_handshaking()
    }

    fn facts(&self) -> Facts<'_> {
        facts_of(&self.connection, self.connection.side(), self.early_status())
    }

    fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    fn may_write(&self) -> bool {
        self.may_write
    }

    fn hello_parts(&self) -> Option<HelloParts> {
        self.plaintext.as_ref()?.hello_parts()
    }

    fn answer(&mut self, _: Decision<'_>, _: &mut Vec<u8>) -> Result<bool, Failure> {
        Err(Failure::unexpected("this form of the engine asks nothing between its steps"))
    }

    fn refuse(&mut self, _: u8, _: &mut Vec<u8>) -> Failure {
        Failure::unexpected("this form of the engine asks nothing between its steps")
    }

    fn early_traffic(&mut self) -> Option<&mut dyn EarlyTraffic> {
        Some(self)
    }
}

impl<Side: SideFacts + EarlySide> EarlyTraffic for Direct<Side> {
    fn early(&mut self) -> Option<&mut Early> {
        self.early.as_deref_mut()
    }

    fn write_early(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, Failure> {
        let Some(result) = Side::write_early(&mut self.connection, plain, out) else { return Ok(None) };
        let sealed = result.map_err(|error| explain(&error))?;
        self.early.get_or_insert_default().seen |= sealed > 0;
        Ok(Some(sealed))
    }

    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        pad(block, || self.connection.write(OutboundPlain::new(plain), out)).map_err(|error| explain(&error))
    }

    fn set_resumption_data(&mut self, data: &[u8]) -> Result<bool, Failure> {
        Side::set_resumption_data(&mut self.connection, data).map_err(|error| explain(&error))
    }
}
