//! The form without questions: rustls's `Connection`, handshake and traffic in one.

use rustls::client::ClientConnectionBuilder;
use rustls::crypto::cipher::OutboundPlain;
use rustls::{ClientSide, Connection, ServerConfig, ServerSide, SideData, Tcp};
use std::sync::Arc;

use super::early::{Early, EarlySide, EarlyStatus};
use super::ech::EchStatus;
use super::explain::{explain, updated};
use super::exporter::Exporter;
use super::facts::{Facts, PeerChain, SideFacts};
use super::halves::Halves;
use super::input::WireInput;
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
}

impl Direct<ClientSide> {
    /// Starts the handshake: the ClientHello is appended to `out`.
    pub(super) fn client(builder: ClientConnectionBuilder, out: &mut Vec<u8>) -> Result<Self, Failure> {
        let connection = builder.build(out).map_err(|error| explain(&error))?;
        Ok(Self { connection, aside: None })
    }
}

impl Direct<ServerSide> {
    pub(super) fn server(config: Arc<ServerConfig>) -> Result<Self, Failure> {
        let most = config.max_early_data_size;
        let connection = Connection::<ServerSide, Tcp>::new(config).map_err(|error| explain(&error))?;
        let aside =
            (most > 0).then(|| Box::new(Aside { early: Some(Early::server(most)), ..Aside::default() }));
        Ok(Self { connection, aside })
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
}

impl<Side: SideFacts + EarlySide> Session for Direct<Side>
where
    Connection<Side, Tcp>: Send,
    Halves<Side>: Session + 'static,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let base = wire.as_ptr().addr();
        let handshaking = self.aside.is_some() && self.connection.is_handshaking();
        let mut input = WireInput::new(wire);
        let mut handler = self.connection.read_tls(&mut input, out);
        let early = self.aside.as_mut().and_then(|aside| aside.early.as_mut());
        if let (true, Some(early)) = (handshaking, early) {
            Side::receive_early(&mut handler, early);
        }
        let result = loop {
            match handler.next_payload() {
                None => break Ok(()),
                Some(Err(error)) => break Err(explain(&error)),
                Some(Ok(payload)) => {
                    let plain = payload.bytes();
                    let start = plain.as_ptr().addr().wrapping_sub(base);
                    if !plain.is_empty() && sink(start..start + plain.len(), plain) == Flow::Stop {
                        break Ok(());
                    }
                }
            }
        };
        if handler.state().peer_has_closed() {
            self.aside.get_or_insert_default().peer_closed = true;
        }
        Outcome { used: input.used(), result }
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

    fn peer_closed(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.peer_closed)
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
