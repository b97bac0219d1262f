//! The form that asks: rustls's pull handshake, which stops at each question, and then the two
//! halves of the connection that it ends in.

use std::mem;
use std::sync::Arc;

use rustls::client::{ClientConnectionBuilder, ClientHandshake};
use rustls::crypto::cipher::OutboundPlain;
use rustls::crypto::{Identity, VerifiedIdentity};
use rustls::error::Error;
use rustls::server::{Accepted, ServerHandshake};
use rustls::split::{ReceiveTraffic, ReceiveTrafficState, SendTraffic, SplitConnection};
use rustls::{ClientSide, ConnectionOutputs, NeedsInput, ServerConfig, ServerSide, Tcp, VerifyPeerIdentity};

use super::alert;
use super::config::ServerSetup;
use super::explain::explain;
use super::facts::{Facts, PeerChain, SideFacts, hello_name};
use super::input::WireInput;
use super::session::{Flow, Outcome, PlainSink, Question, Session, Verdict};
use crate::failure::Failure;

pub(super) struct Pull<Side: SideFacts> {
    step: Step<Side>,
    /// The context, where only the question about an identity can open.
    preset: Option<Arc<ServerConfig>>,
    /// The name that the client asked for, until the engine's own record of it can be had.
    hello_name: Option<Box<str>>,
    /// The host verifies the peer's identity; otherwise the context's rules do, unasked.
    ask_verify: bool,
    peer_closed: bool,
}

pub(super) enum Step<Side: SideFacts> {
    NeedsInput(NeedsInput<Side>),
    Accepted(Accepted<Tcp>),
    Verify(VerifyPeerIdentity<Side, Tcp>),
    Traffic(Traffic<Side>),
    /// After a failure: nothing of the engine is left.
    Over,
}

/// An established connection. A half is gone once its direction has ended.
pub(super) struct Traffic<Side: SideFacts> {
    send: Option<SendTraffic>,
    receive: Option<ReceiveTraffic<Side>>,
    outputs: ConnectionOutputs,
    side: Side,
}

/// The sides of a pull handshake, which rustls keeps in two enums of the same shape.
pub(super) trait PullSide: SideFacts {
    fn step(handshake: Self::Handshake) -> Result<Step<Self>, Error>;

    /// The step after a context was chosen.
    fn chosen(handshake: ServerHandshake) -> Result<Step<Self>, Error>;

    fn presented(verify: &VerifyPeerIdentity<Self, Tcp>) -> Result<&Identity<'static>, Error>;
}

impl PullSide for ClientSide {
    fn step(handshake: ClientHandshake) -> Result<Step<Self>, Error> {
        Ok(match handshake {
            ClientHandshake::NeedsInput(step) => Step::NeedsInput(step),
            ClientHandshake::VerifyServerIdentity(step) => Step::Verify(step),
            ClientHandshake::Complete(split) => Step::Traffic(split.into()),
            _ => return Err(Error::Unreachable("unknown client handshake step")),
        })
    }

    fn chosen(_: ServerHandshake) -> Result<Step<Self>, Error> {
        Err(Error::Unreachable("a client chooses no context"))
    }

    fn presented(verify: &VerifyPeerIdentity<Self, Tcp>) -> Result<&Identity<'static>, Error> {
        Ok(verify.presented_identity()?.identity)
    }
}

impl PullSide for ServerSide {
    fn step(handshake: ServerHandshake) -> Result<Step<Self>, Error> {
        Ok(match handshake {
            ServerHandshake::NeedsInput(step) => Step::NeedsInput(step),
            ServerHandshake::Accepted(step) => Step::Accepted(step),
            ServerHandshake::VerifyClientIdentity(step) => Step::Verify(step),
            ServerHandshake::Complete(split) => Step::Traffic(split.into()),
            _ => return Err(Error::Unreachable("unknown server handshake step")),
        })
    }

    fn chosen(handshake: ServerHandshake) -> Result<Step<Self>, Error> {
        Self::step(handshake)
    }

    fn presented(verify: &VerifyPeerIdentity<Self, Tcp>) -> Result<&Identity<'static>, Error> {
        Ok(verify.presented_identity()?.identity)
    }
}

impl Pull<ClientSide> {
    /// Starts the handshake: the ClientHello is appended to `out`.
    pub(super) fn client(builder: ClientConnectionBuilder, out: &mut Vec<u8>) -> Result<Self, Failure> {
        let step = builder.start_handshake(out).map_err(|error| explain(&error))?;
        Ok(Self {
            step: Step::NeedsInput(step),
            preset: None,
            hello_name: None,
            ask_verify: true,
            peer_closed: false,
        })
    }
}

impl Pull<ServerSide> {
    /// Whether identities will be asked about is the chosen context's decision.
    pub(super) fn server() -> Self {
        let step = Step::NeedsInput(ServerHandshake::start());
        Self { step, preset: None, hello_name: None, ask_verify: false, peer_closed: false }
    }

    /// A server whose context is known, but whose client's identity is asked about.
    pub(super) fn server_with(config: Arc<ServerConfig>) -> Self {
        Self { preset: Some(config), ask_verify: true, ..Self::server() }
    }
}

impl<Side: PullSide> Pull<Side> {
    /// Goes from step to step until input is missing, a question opens, or traffic can flow.
    fn handshake(&mut self, input: &mut WireInput<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            match mem::replace(&mut self.step, Step::Over) {
                Step::NeedsInput(step) => {
                    self.step = next(step.process(input, out))?;
                    match &self.step {
                        Step::NeedsInput(_) => return Ok(()),
                        Step::Accepted(accepted) => self.hello_name = hello_name(accepted),
                        _ => {}
                    }
                }
                Step::Accepted(step) if self.preset.is_some() => {
                    if let Some(config) = self.preset.take() {
                        self.step = chosen(step.choose_config(config, out))?;
                    }
                }
                Step::Verify(step) if !self.ask_verify => self.step = next(step.with_config(out))?,
                step => {
                    if let Step::Traffic(_) = step {
                        self.hello_name = None;
                    }
                    self.step = step;
                    return Ok(());
                }
            }
        }
    }

    /// Opens records of application data until the sink stops or none is whole.
    fn traffic(
        &mut self,
        base: usize,
        input: &mut WireInput<'_>,
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> Result<(), Failure> {
        let Step::Traffic(traffic) = &mut self.step else {
            return Ok(());
        };
        let Some(mut receive) = traffic.receive.take() else {
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
                    traffic.flush(out);
                    return Err(explain(&error));
                }
            };
            let state = match state {
                ReceiveTrafficState::FlushSender(step) => {
                    traffic.flush(out);
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
                traffic.receive = Some(receive);
                return Ok(());
            }
        }
    }
}

fn next<Side: PullSide>(handshake: Result<Side::Handshake, Error>) -> Result<Step<Side>, Failure> {
    handshake.and_then(Side::step).map_err(|error| explain(&error))
}

fn chosen<Side: PullSide>(handshake: Result<ServerHandshake, Error>) -> Result<Step<Side>, Failure> {
    handshake.and_then(Side::chosen).map_err(|error| explain(&error))
}

impl<Side: PullSide> Session for Pull<Side>
where
    Self: Send,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let base = wire.as_ptr().addr();
        let mut input = WireInput::new(wire);
        let result = self.handshake(&mut input, out).and_then(|()| self.traffic(base, &mut input, out, sink));
        Outcome { used: input.used(), result }
    }

    fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        match &mut self.step {
            Step::Traffic(Traffic { send: Some(send), .. }) => {
                send.write(OutboundPlain::Single(plain), out).map_err(|error| explain(&error))
            }
            _ => Err(Failure::unexpected("the sending half is not open")),
        }
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        match &mut self.step {
            Step::Traffic(traffic) => match traffic.send.take() {
                Some(send) => send.close(out).map_err(|error| explain(&error)),
                None => Ok(()),
            },
            _ => Err(Failure::unexpected("the sending half is not open")),
        }
    }

    fn is_handshaking(&self) -> bool {
        !matches!(self.step, Step::Traffic(_))
    }

    fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    fn question(&self) -> Option<Question> {
        match self.step {
            Step::Accepted(_) => Some(Question::Context),
            Step::Verify(_) => Some(Question::Verify),
            _ => None,
        }
    }

    fn answer_context(&mut self, setup: &ServerSetup, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Step::Accepted(accepted) = mem::replace(&mut self.step, Step::Over) else {
            return Err(Failure::unexpected("no question about a context is open"));
        };
        self.ask_verify = setup.asks_verify();
        self.step = chosen(accepted.choose_config(setup.config(), out))?;
        Ok(())
    }

    fn answer_verify(&mut self, verdict: Verdict, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Step::Verify(verify) = mem::replace(&mut self.step, Step::Over) else {
            return Err(Failure::unexpected("no question about an identity is open"));
        };
        let handshake = match verdict {
            Verdict::ByRules => verify.with_config(out),
            Verdict::Accept => {
                let identity = Side::presented(&verify).cloned();
                verify.continue_with(identity.map(VerifiedIdentity::assertion), out)
            }
            Verdict::Reject(alert) => {
                // The error that comes back is the one that goes in.
                let _ = verify.continue_with(Err(alert::error_for(alert)), out);
                return Err(alert::identity_refused(alert));
            }
        };
        self.step = next(handshake)?;
        Ok(())
    }

    fn refuse(&mut self, alert: u8, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self.question() {
            Some(Question::Verify) => self.answer_verify(Verdict::Reject(alert), out),
            Some(Question::Context) => {
                self.step = Step::Over;
                out.extend_from_slice(&alert::plain_record(alert));
                Err(alert::hello_refused(alert))
            }
            None => Err(Failure::unexpected("no question is open")),
        }
    }

    fn facts(&self) -> Facts<'_> {
        match &self.step {
            Step::Traffic(traffic) => Facts::of(&traffic.outputs, traffic.side.server_name()),
            _ => Facts::of_client_hello(self.hello_name.as_deref()),
        }
    }

    fn peer_chain(&self) -> PeerChain<'_> {
        match &self.step {
            Step::Traffic(traffic) => {
                traffic.outputs.peer_identity().map_or(PeerChain::None, |identity| PeerChain::of(identity))
            }
            Step::Verify(verify) => Side::presented(verify).map_or(PeerChain::None, PeerChain::of),
            _ => PeerChain::None,
        }
    }
}

impl<Side: SideFacts> From<SplitConnection<Side>> for Traffic<Side> {
    fn from(split: SplitConnection<Side>) -> Self {
        Self {
            send: Some(split.send),
            receive: Some(split.receive),
            outputs: split.outputs,
            side: split.side_outputs,
        }
    }
}

impl<Side: SideFacts> Traffic<Side> {
    /// Moves what the receiving half left for the peer to `out`. After a fatal alert that is all
    /// the sending half can do, and it says so with an error that tells nothing new.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(send) = &mut self.send {
            let _ = send.write(OutboundPlain::new_empty(), out);
        }
    }
}
