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
use super::established;
use super::explain::{closes, explain};
use super::facts::{SideFacts, chain_of, hello_name};
use super::halves::Halves;
use super::handshake::{Chosen, Decision, Handshake, Presented, Question, Settled, Verdict};
use super::hello_scan::HelloParts;
use super::input::WireInput;
use super::names::Names;
use super::plaintext::{PlaintextRecords, Run, Standing, as_sent, hides_names};
use super::resuming;
use crate::facts::{EchStatus, Facts, PeerChain};
use crate::failure::Failure;
use crate::parse::client_hello::ClientHello;
use crate::record::traffic::{EngineTraffic, Outcome, PlainSink};

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
    plaintext: Option<Box<PlaintextRecords>>,
}

pub(super) enum Step<Side: SideFacts> {
    NeedsInput(NeedsInput<Side>),
    Accepted(Accepted<Tcp>),
    Verify(VerifyPeerIdentity<Side, Tcp>),
    /// Until [`Handshake::settle`] is called.
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
            plaintext: Some(Box::new(PlaintextRecords::client())),
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
            plaintext: Some(Box::new(PlaintextRecords::server(true))),
        }
    }

    /// A server whose context is known, but whose client's identity is asked about.
    pub(super) fn server_with(config: Arc<ServerConfig>) -> Self {
        let plaintext = Some(Box::new(PlaintextRecords::server(hides_names(&config))));
        Self { preset: Some(config), ask_verify: true, plaintext, ..Self::server() }
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

impl<Side: PullSide> Pull<Side> {
    fn answer_context(&mut self, chosen_context: Chosen, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Step::Accepted(accepted) = mem::replace(&mut self.step, Step::Over) else {
            return Err(Failure::unexpected("no question about a context is open"));
        };
        let Chosen { config, asks_verify } = chosen_context;
        self.hello = None;
        if self.plaintext.as_ref().is_some_and(|plaintext| plaintext.hid_name()) && !hides_names(&config) {
            out.extend_from_slice(&alert::plain_record(alert::DECODE_ERROR));
            return Err(alert::name_refused());
        }
        self.ask_verify = asks_verify;
        self.step = chosen(resuming::step(|| accepted.choose_config(config, out)))?;
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
}

impl<Side: PullSide> Handshake for Pull<Side>
where
    Self: Send,
    Halves<Side>: EngineTraffic,
{
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let Some(mut plaintext) = self.plaintext.take() else {
            return Outcome { used: 0, result: Err(Failure::unexpected("a step was made within a step")) };
        };
        let outcome = plaintext.receive(wire, out, sink, &mut |wire, out, _| self.run(wire, out));
        self.plaintext = Some(plaintext);
        outcome
    }

    fn settle(mut self: Box<Self>, _: &[u8], _: &mut Vec<u8>) -> Settled {
        match mem::replace(&mut self.step, Step::Over) {
            Step::Complete(split) => Settled::Done(established::halves(split), None),
            step => {
                self.step = step;
                Settled::Same(self)
            }
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.step, Step::Complete(_))
    }

    fn peer_closed(&self) -> bool {
        self.plaintext.as_ref().is_some_and(|plaintext| plaintext.is_closed())
    }

    fn hello_parts(&self) -> Option<HelloParts> {
        self.plaintext.as_ref()?.hello_parts()
    }

    fn least(&self) -> usize {
        match self.step {
            Step::NeedsInput(_) => self.plaintext.as_ref().map_or(0, |plaintext| plaintext.least()),
            _ => 0,
        }
    }

    fn question(&self) -> Option<Question<'_>> {
        match &self.step {
            Step::Accepted(_) => {
                Some(Question::Context(self.hello.as_deref().map(ClientHello::new).unwrap_or_default()))
            }
            Step::Verify(verify) => {
                let name = self.names.as_ref().and_then(|names| names.to_verify(Side::name_of(verify)?));
                Some(Question::Verify(Presented { name, ocsp_response: Side::stapled(verify) }))
            }
            _ => None,
        }
    }

    fn answer(&mut self, decision: Decision<'_>, out: &mut Vec<u8>) -> Result<bool, Failure> {
        match decision {
            Decision::Context(chosen) => self.answer_context(chosen, out)?,
            Decision::Verify(verdict) => self.answer_verify(verdict, out)?,
            Decision::Sign(_) | Decision::Identity(_) | Decision::Session(_) => {
                return Err(Failure::unexpected("no question of this kind is open"));
            }
        }
        Ok(true)
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

    /// At the question about its identity it shows whether the server rejected ECH: the engine then verifies
    /// another name.
    fn facts(&self) -> Facts<'_> {
        let mut facts = Facts { server_name: self.hello_name.as_deref(), ech: self.ech, ..Facts::default() };
        if let Step::Verify(verify) = &self.step {
            facts.chain = Side::presented(verify).map_or(PeerChain::None, chain_of);
            if let Some(names) = &self.names {
                if Side::name_of(verify).is_some_and(|name| *name != names.engine) {
                    facts.ech = EchStatus::Rejected;
                }
            }
        }
        facts
    }
}
