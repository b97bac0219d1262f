//! The handshake that asks: rustls's pull form, which stops at each question. What it ends in is in
//! [`super::halves`].

use std::mem;
use std::sync::Arc;

use pki_types::ServerName;
use rustls::client::{ClientConnectionBuilder, ClientHandshake};
use rustls::crypto::{Identity, VerifiedIdentity};
use rustls::error::Error;
use rustls::server::{Accepted, ServerHandshake};
use rustls::split::SplitConnection;
use rustls::{ClientSide, NeedsInput, ServerConfig, ServerSide, Tcp, VerifyPeerIdentity};

use super::alert;
use super::config::{ServerSetup, hides_names};
use super::early::EarlyStatus;
use super::ech::EchStatus;
use super::explain::{closes, explain};
use super::facts::{Facts, PeerChain, SideFacts, hello_name};
use super::halves::Halves;
use super::hello_scan::HelloParts;
use super::input::WireInput;
use super::opening::Names;
use super::prelude::{Prelude, Run, Standing, as_sent};
use super::resuming;
use super::session::{Outcome, PlainSink, Question, Session, Verdict};
use crate::failure::Failure;
use crate::parse::client_hello::ClientHello;

pub(super) struct Pull<Side: SideFacts> {
    step: Step<Side>,
    /// The context, where only the question about an identity can open.
    preset: Option<Arc<ServerConfig>>,
    /// The name that the client asked for, until the engine's own record of it can be had.
    hello_name: Option<Box<str>>,
    /// The ClientHello, while a context is asked for.
    hello: Option<Box<[u8]>>,
    /// The host verifies the peer's identity; otherwise the context's rules do, unasked.
    ask_verify: bool,
    /// Of a client.
    names: Option<Box<Names>>,
    /// What a client offered; what came of it is known when the handshake is done.
    ech: EchStatus,
    /// None while it runs.
    prelude: Option<Box<Prelude>>,
}

pub(super) enum Step<Side: SideFacts> {
    NeedsInput(NeedsInput<Side>),
    Accepted(Accepted<Tcp>),
    Verify(VerifyPeerIdentity<Side, Tcp>),
    /// Until [`Session::settle`] is called.
    Complete(SplitConnection<Side>),
    /// After a failure: nothing of the engine is left.
    Over,
}

/// The sides of a pull handshake, which rustls keeps in two enums of the same shape.
pub(super) trait PullSide: SideFacts {
    fn step(handshake: Self::Handshake) -> Result<Step<Self>, Error>;

    /// The step after a context was chosen.
    fn chosen(handshake: ServerHandshake) -> Result<Step<Self>, Error>;

    fn presented(verify: &VerifyPeerIdentity<Self, Tcp>) -> Result<&Identity<'static>, Error>;

    /// The name that the engine would verify it for; only servers have one.
    fn name_of(_verify: &VerifyPeerIdentity<Self, Tcp>) -> Option<&ServerName<'static>> {
        None
    }

    /// The OCSP response with it; only servers send one.
    fn stapled(_verify: &VerifyPeerIdentity<Self, Tcp>) -> &[u8] {
        &[]
    }
}

impl PullSide for ClientSide {
    fn step(handshake: ClientHandshake) -> Result<Step<Self>, Error> {
        Ok(match handshake {
            ClientHandshake::NeedsInput(step) => Step::NeedsInput(step),
            ClientHandshake::VerifyServerIdentity(step) => Step::Verify(step),
            ClientHandshake::Complete(split) => Step::Complete(split),
            _ => return Err(Error::Unreachable("unknown client handshake step")),
        })
    }

    fn chosen(_: ServerHandshake) -> Result<Step<Self>, Error> {
        Err(Error::Unreachable("a client chooses no context"))
    }

    fn presented(verify: &VerifyPeerIdentity<Self, Tcp>) -> Result<&Identity<'static>, Error> {
        Ok(verify.presented_identity()?.identity)
    }

    fn name_of(verify: &VerifyPeerIdentity<Self, Tcp>) -> Option<&ServerName<'static>> {
        Some(verify.presented_identity().ok()?.server_name)
    }

    fn stapled(verify: &VerifyPeerIdentity<Self, Tcp>) -> &[u8] {
        verify.presented_identity().map_or(&[], |presented| presented.ocsp_response)
    }
}

impl PullSide for ServerSide {
    fn step(handshake: ServerHandshake) -> Result<Step<Self>, Error> {
        Ok(match handshake {
            ServerHandshake::NeedsInput(step) => Step::NeedsInput(step),
            ServerHandshake::Accepted(step) => Step::Accepted(step),
            ServerHandshake::VerifyClientIdentity(step) => Step::Verify(step),
            ServerHandshake::Complete(split) => Step::Complete(split),
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
    pub(super) fn client(
        builder: ClientConnectionBuilder,
        names: Names,
        ech: EchStatus,
        out: &mut Vec<u8>,
    ) -> Result<Self, Failure> {
        let step = resuming::step(|| builder.start_handshake(out)).map_err(|error| explain(&error))?;
        Ok(Self {
            step: Step::NeedsInput(step),
            preset: None,
            hello_name: None,
            hello: None,
            ask_verify: true,
            names: Some(Box::new(names)),
            ech,
            prelude: Some(Box::new(Prelude::client())),
        })
    }
}

impl Pull<ServerSide> {
    /// Whether identities will be asked about is the chosen context's decision.
    pub(super) fn server() -> Self {
        let step = Step::NeedsInput(ServerHandshake::start());
        Self {
            step,
            preset: None,
            hello_name: None,
            hello: None,
            ask_verify: false,
            names: None,
            ech: EchStatus::None,
            prelude: Some(Box::new(Prelude::server(true))),
        }
    }

    /// A server whose context is known, but whose client's identity is asked about.
    pub(super) fn server_with(config: Arc<ServerConfig>) -> Self {
        let prelude = Some(Box::new(Prelude::server(hides_names(&config))));
        Self { preset: Some(config), ask_verify: true, prelude, ..Self::server() }
    }
}

impl<Side: PullSide> Pull<Side> {
    /// Goes from step to step until input is missing, a question opens, or traffic can flow.
    fn handshake(&mut self, input: &mut WireInput<'_>, out: &mut Vec<u8>) -> Result<Standing, Failure> {
        let before = out.len();
        loop {
            match mem::replace(&mut self.step, Step::Over) {
                Step::NeedsInput(step) => {
                    let processed = step.process(input, out);
                    if processed.as_ref().err().is_some_and(closes) {
                        alert::take_back(out, before);
                        return Ok(Standing::Closed);
                    }
                    self.step = next(processed)?;
                    match &self.step {
                        Step::NeedsInput(_) => return Ok(Standing::Handshaking),
                        Step::Accepted(accepted) => {
                            self.hello_name = hello_name(accepted);
                            if self.preset.is_none() {
                                let hello = ClientHello::found_in(input.used_bytes());
                                let lost = || Failure::unexpected("a ClientHello is not where it was read");
                                self.hello = Some(as_sent(hello.ok_or_else(lost)?));
                            }
                        }
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
                    self.step = step;
                    return Ok(Standing::Stopped);
                }
            }
        }
    }

    fn run(&mut self, wire: &mut [u8], out: &mut Vec<u8>) -> Run {
        let mut input = WireInput::new(wire);
        let result = resuming::step(|| self.handshake(&mut input, out));
        Run { used: input.used(), result }
    }
}

fn next<Side: PullSide>(handshake: Result<Side::Handshake, Error>) -> Result<Step<Side>, Failure> {
    handshake.and_then(Side::step).map_err(|error| explain(&error))
}

fn chosen<Side: PullSide>(handshake: Result<ServerHandshake, Error>) -> Result<Step<Side>, Failure> {
    handshake.and_then(Side::chosen).map_err(|error| explain(&error))
}

fn reject<Side: PullSide>(verify: VerifyPeerIdentity<Side, Tcp>, alert: u8, out: &mut Vec<u8>) -> Failure {
    // The error that comes back is the one that goes in.
    let _ = verify.continue_with(Err(alert::error_for(alert)), out);
    alert::identity_refused(alert)
}

impl<Side: PullSide> Session for Pull<Side>
where
    Self: Send,
    Halves<Side>: Session + 'static,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let Some(mut prelude) = self.prelude.take() else {
            return Outcome { used: 0, result: Err(Failure::unexpected("a step was made within a step")) };
        };
        let outcome = prelude.receive(wire, out, sink, &mut |wire, out, _| self.run(wire, out));
        self.prelude = Some(prelude);
        outcome
    }

    fn settle(&mut self) -> Option<Box<dyn Session>> {
        match mem::replace(&mut self.step, Step::Over) {
            Step::Complete(split) => Some(Box::new(Halves::new(split, false, EarlyStatus::None))),
            step => {
                self.step = step;
                None
            }
        }
    }

    fn write(&mut self, _: &[&[u8]], _: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("nothing can be written during the handshake"))
    }

    fn close_notify(&mut self, _: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("nothing can be closed during the handshake"))
    }

    fn is_handshaking(&self) -> bool {
        true
    }

    fn peer_closed(&self) -> bool {
        self.prelude.as_ref().is_some_and(|prelude| prelude.is_closed())
    }

    fn hello_parts(&self) -> Option<HelloParts> {
        self.prelude.as_ref()?.hello_parts()
    }

    fn least(&self) -> usize {
        match self.step {
            Step::NeedsInput(_) => self.prelude.as_ref().map_or(0, |prelude| prelude.least()),
            _ => 0,
        }
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
        self.hello = None;
        if self.prelude.as_ref().is_some_and(|prelude| prelude.hid_name()) && !setup.hides_names() {
            out.extend_from_slice(&alert::plain_record(alert::DECODE_ERROR));
            return Err(alert::name_refused());
        }
        self.ask_verify = setup.asks_verify();
        self.step = chosen(resuming::step(|| accepted.choose_config(setup.config(), out)))?;
        Ok(())
    }

    fn answer_verify(&mut self, verdict: Verdict, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Step::Verify(verify) = mem::replace(&mut self.step, Step::Over) else {
            return Err(Failure::unexpected("no question about an identity is open"));
        };
        let handshake = match verdict {
            Verdict::ByRules => resuming::step(|| verify.with_config(out)),
            Verdict::Accept => {
                let identity = Side::presented(&verify).cloned();
                resuming::step(|| verify.continue_with(identity.map(VerifiedIdentity::assertion), out))
            }
            Verdict::Reject(alert) => return Err(reject(verify, alert, out)),
        };
        self.step = next(handshake)?;
        Ok(())
    }

    fn refuse(&mut self, alert: u8, out: &mut Vec<u8>) -> Failure {
        match mem::replace(&mut self.step, Step::Over) {
            Step::Verify(verify) => reject(verify, alert, out),
            Step::Accepted(_) => {
                self.hello = None;
                out.extend_from_slice(&alert::plain_record(alert));
                alert::hello_refused(alert)
            }
            _ => Failure::unexpected("no question of this kind is open"),
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts::of_client_hello(self.hello_name.as_deref())
    }

    fn client_hello(&self) -> ClientHello<'_> {
        self.hello.as_deref().map(ClientHello::new).unwrap_or_default()
    }

    fn peer_chain(&self) -> PeerChain<'_> {
        match &self.step {
            Step::Verify(verify) => Side::presented(verify).map_or(PeerChain::None, PeerChain::of),
            _ => PeerChain::None,
        }
    }

    /// At the question about its identity it shows whether the server rejected ECH: the engine then verifies
    /// another name.
    fn ech_status(&self) -> EchStatus {
        match (&self.step, &self.names) {
            (Step::Verify(verify), Some(names))
                if Side::name_of(verify).is_some_and(|name| *name != names.engine) =>
            {
                EchStatus::Rejected
            }
            _ => self.ech,
        }
    }

    fn name_to_verify(&self) -> Option<&ServerName<'static>> {
        match (&self.step, &self.names) {
            (Step::Verify(verify), Some(names)) => names.to_verify(Side::name_of(verify)?),
            _ => None,
        }
    }

    fn ocsp_response(&self) -> &[u8] {
        match &self.step {
            Step::Verify(verify) => Side::stapled(verify),
            _ => &[],
        }
    }
}
