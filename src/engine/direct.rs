//! The form without questions: rustls's `Connection`, handshake and traffic in one.

use rustls::client::ClientConnectionBuilder;
use rustls::crypto::cipher::OutboundPlain;
use rustls::enums::ProtocolVersion;
use rustls::{ClientSide, Connection, ServerConfig, ServerSide, SideData, Tcp};
use std::sync::Arc;

use super::alert;
use super::config::hides_names;
use super::early::{Early, EarlySide, EarlyStatus};
use super::ech::EchStatus;
use super::explain::{closes, explain, updated};
use super::exporter::Exporter;
use super::facts::{Facts, PeerChain, SideFacts};
use super::halves::Halves;
use super::hello_scan::HelloParts;
use super::input::WireInput;
use super::prelude::{Prelude, Run, Standing};
use super::resuming;
use super::session::{Flow, Outcome, PlainSink, Session, SessionHalves};
use crate::failure::Failure;

pub(super) struct Direct<Side: SideData> {
    connection: Connection<Side, Tcp>,
    aside: Option<Box<Aside>>,
}

/// What an idle connection does not have.
#[derive(Default)]
struct Aside {
    peer_closed: bool,
    /// Of a server that takes early data, or a client that sent some.
    early: Option<Early>,
    /// Until the handshake is done.
    prelude: Option<Prelude>,
    /// Whether the context allows to write before the client's Finished, and whether the time for it has come.
    half_rtt: bool,
    may_write: bool,
}

impl Aside {
    fn handshaking(prelude: Prelude, early: Option<Early>, half_rtt: bool) -> Option<Box<Self>> {
        Some(Box::new(Self { early, prelude: Some(prelude), half_rtt, ..Self::default() }))
    }

    fn is_needed(&self) -> bool {
        self.peer_closed || self.early.is_some() || self.prelude.is_some()
    }
}

impl Direct<ClientSide> {
    /// Starts the handshake: the ClientHello is appended to `out`.
    pub(super) fn client(builder: ClientConnectionBuilder, out: &mut Vec<u8>) -> Result<Self, Failure> {
        let connection = resuming::step(|| builder.build(out)).map_err(|error| explain(&error))?;
        Ok(Self { connection, aside: Aside::handshaking(Prelude::client(), None, false) })
    }
}

impl Direct<ServerSide> {
    pub(super) fn server(config: Arc<ServerConfig>) -> Result<Self, Failure> {
        let most = config.max_early_data_size;
        let prelude = Prelude::server(hides_names(&config));
        let half_rtt = config.send_half_rtt_data;
        let connection = resuming::step(|| Connection::<ServerSide, Tcp>::new(config));
        let connection = connection.map_err(|error| explain(&error))?;
        let early = (most > 0).then(|| Early::server(most));
        Ok(Self { connection, aside: Aside::handshaking(prelude, early, half_rtt) })
    }
}

impl<Side: SideFacts + EarlySide> Direct<Side>
where
    Self: Session,
{
    fn into_halves(self) -> Result<Box<Halves<Side>>, Failure> {
        let (early, peer_closed) = (self.early_status(), self.peer_closed());
        let split = self.connection.split().map_err(|error| explain(&error))?;
        Ok(Box::new(Halves::new(split, peer_closed, early)))
    }

    /// Runs the engine until no record is whole, or the sink stops.
    fn run(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Run {
        if self.aside.is_some() && self.connection.is_handshaking() {
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
        let early = self.aside.as_mut().and_then(|aside| aside.early.as_mut());
        if let (true, Some(early)) = (handshaking, early) {
            Side::receive_early(&mut handler, early);
        }
        let result = loop {
            match handler.next_payload() {
                None => break Ok(Standing::Handshaking),
                Some(Err(error)) => break Err(error),
                Some(Ok(payload)) => {
                    let plain = payload.bytes();
                    let start = plain.as_ptr().addr().wrapping_sub(base);
                    if !plain.is_empty() && sink(start..start + plain.len(), plain) == Flow::Stop {
                        break Ok(Standing::Stopped);
                    }
                }
            }
        };
        let closed = handler.state().peer_has_closed();
        let result = match result {
            Err(error) if handshaking && closes(&error) => {
                alert::take_back(out, before);
                Ok(Standing::Closed)
            }
            Err(error) => Err(explain(&error)),
            Ok(_) if closed => Ok(Standing::Closed),
            Ok(Standing::Handshaking) if !self.connection.is_handshaking() => Ok(Standing::Traffic),
            Ok(standing) => Ok(standing),
        };
        if matches!(result, Ok(Standing::Closed)) {
            self.aside.get_or_insert_default().peer_closed = true;
        }
        Run { used: input.used(), result }
    }

    /// The same while the peer's records may not be protected yet.
    fn run_prelude(
        &mut self,
        mut prelude: Prelude,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> Outcome {
        let outcome = prelude.receive(wire, out, sink, &mut |wire, out, sink| self.run(wire, out, sink));
        let aside = self.aside.get_or_insert_default();
        aside.peer_closed |= prelude.is_closed();
        if self.connection.is_handshaking() {
            aside.prelude = Some(prelude);
            // Both are settled with the ServerHello, and the step that sends it goes on to the Finished.
            aside.may_write = aside.half_rtt
                && outcome.result.is_ok()
                && self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3)
                && self.connection.handshake_kind().is_some();
        } else if !aside.is_needed() {
            self.aside = None;
        }
        outcome
    }
}

impl<Side: SideFacts + EarlySide> Session for Direct<Side>
where
    Connection<Side, Tcp>: Send,
    Halves<Side>: Session + 'static,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        match self.aside.as_mut().and_then(|aside| aside.prelude.take()) {
            Some(prelude) => self.run_prelude(prelude, wire, out, sink),
            None => {
                let Run { used, result } = self.run(wire, out, sink);
                Outcome { used, result: result.map(|_| ()) }
            }
        }
    }

    fn split(self: Box<Self>) -> Result<SessionHalves, Failure> {
        (*self).into_halves()?.split()
    }

    fn prepare_hand_over(self: Box<Self>, out: &mut Vec<u8>) -> Result<Box<dyn Session>, Failure> {
        (*self).into_halves()?.prepare_hand_over(out)
    }

    fn write(&mut self, plain: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Failure> {
        self.connection.write(OutboundPlain::new(plain), out).map_err(|error| explain(&error))
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        updated(self.connection.refresh_traffic_keys(out))
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.connection.send_close_notify(out).map_err(|error| explain(&error))
    }

    fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    fn may_write(&self) -> bool {
        !self.is_handshaking() || self.aside.as_ref().is_some_and(|aside| aside.may_write)
    }

    fn peer_closed(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.peer_closed)
    }

    fn hello_parts(&self) -> Option<HelloParts> {
        self.aside.as_ref()?.prelude.as_ref()?.hello_parts()
    }

    fn early(&mut self) -> Option<&mut Early> {
        self.aside.as_mut()?.early.as_mut()
    }

    fn write_early(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, Failure> {
        let Some(result) = Side::write_early(&mut self.connection, plain, out) else { return Ok(None) };
        let sealed = result.map_err(|error| explain(&error))?;
        let aside = self.aside.get_or_insert_default();
        aside.early.get_or_insert_default().seen |= sealed > 0;
        Ok(Some(sealed))
    }

    fn early_status(&self) -> EarlyStatus {
        match self.aside.as_ref().and_then(|aside| aside.early.as_ref()) {
            Some(early) if early.seen => {
                Side::early_status(self.connection.side(), self.connection.is_handshaking())
            }
            _ => EarlyStatus::None,
        }
    }

    fn ech_status(&self) -> EchStatus {
        self.connection.side().ech_status()
    }

    fn resumption_data(&self) -> Option<&[u8]> {
        self.connection.side().resumption_data()
    }

    fn set_resumption_data(&mut self, data: &[u8]) -> Result<bool, Failure> {
        Side::set_resumption_data(&mut self.connection, data).map_err(|error| explain(&error))
    }

    fn tickets(&self) -> u32 {
        Side::tickets(&self.connection)
    }

    fn exporter(&mut self) -> Option<Exporter> {
        self.connection.exporter().ok().map(Exporter::from)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::of(&self.connection, self.connection.side().server_name())
    }

    fn peer_chain(&self) -> PeerChain<'_> {
        self.connection.peer_identity().map_or(PeerChain::None, |identity| PeerChain::of(identity))
    }
}
