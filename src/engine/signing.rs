//! The question about a signature.
//!
//! rustls signs in the middle of a step and cannot stop there. So a step that may sign runs on a thread of
//! its own, which waits where the signature is needed; the host's thread goes on with the question. The thread
//! exists from the beginning of such a step to its end, and ends when the connection is freed.

use std::cell::RefCell;
use std::mem;
use std::ops::Range;
use std::thread::{self, JoinHandle};

use pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm};
use rustls::error::Error;

use super::alert;
use super::config::ServerSetup;
use super::early::{Early, EarlyStatus};
use super::ech::EchStatus;
use super::facts::{Facts, PeerChain};
use super::mailbox::{Receiver, Sender, mailbox};
use super::observe::{self, Observed, observe};
use super::session::{Flow, Outcome, PlainSink, Question, Session, SignRequest, Verdict};
use crate::client_hello::ClientHello;
use crate::failure::Failure;
use crate::status::TLS_ERR_MEMORY;
use crate::{quiet, record};

/// What the engine wants signed.
#[derive(Debug)]
pub(super) struct Request {
    pub scheme: u16,
    pub message: Vec<u8>,
    pub check: Check,
}

/// Tells a right signature from a wrong one before it is sent: a wrong one, made by a faulty signer, could
/// betray the key.
#[derive(Debug)]
pub(super) struct Check {
    pub algorithm: &'static dyn SignatureVerificationAlgorithm,
    pub certificate: CertificateDer<'static>,
}

impl Request {
    fn is_signed_by(&self, signature: &[u8]) -> bool {
        webpki::EndEntityCert::try_from(&self.check.certificate).is_ok_and(|certificate| {
            certificate.verify_signature(self.check.algorithm, &self.message, signature).is_ok()
        })
    }
}

/// What the host answered.
enum Reply {
    Signature(Vec<u8>),
    Refuse(u8),
}

/// What a step says to the host's thread.
enum News {
    Asked(Request),
    Done(Box<Finished>),
}

/// A step that has ended, with all that it touched.
struct Finished {
    session: Box<dyn Session>,
    wire: Vec<u8>,
    out: Vec<u8>,
    plain: Option<Range<usize>>,
    outcome: Outcome,
    /// Belongs to the thread that the host calls on.
    observed: Observed,
}

/// Where a step asks: known to the thread that runs it.
struct Desk {
    news: Sender<News>,
    replies: Receiver<Reply>,
}

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Waits for the host's signature. Called by the engine on the thread of a step.
pub(super) fn ask(request: Request) -> Result<Vec<u8>, Error> {
    let abandoned = || Error::General("nobody is there to sign".into());
    DESK.with_borrow(|desk| {
        let desk = desk.as_ref().ok_or_else(abandoned)?;
        desk.news.send(News::Asked(request));
        match desk.replies.receive() {
            Some(Reply::Signature(signature)) => Ok(signature),
            Some(Reply::Refuse(alert)) => Err(alert::error_for(alert)),
            None => Err(abandoned()),
        }
    })
}

/// The thread of a step, seen from the host's.
struct Worker {
    news: Receiver<News>,
    /// Dropped to end a step that waits for an answer.
    replies: Option<Sender<Reply>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Runs `step` on `session` and a copy of `wire`.
    fn start(
        session: Box<dyn Session>,
        wire: Vec<u8>,
        step: impl FnOnce(&mut dyn Session, &mut [u8], &mut Vec<u8>, &mut PlainSink<'_>) -> Outcome
        + Send
        + 'static,
    ) -> Result<Self, Failure> {
        let (to_host, news) = mailbox();
        let (replies, from_host) = mailbox();
        let wants = observe::wanted();
        let thread = thread::Builder::new()
            .name("tlsbio-sign".into())
            .spawn(move || {
                quiet::this_thread_is_ours();
                DESK.set(Some(Desk { news: to_host, replies: from_host }));
                let (mut session, mut wire, mut out, mut plain) = (session, wire, Vec::new(), None);
                let (outcome, observed) = observe(wants, || {
                    step(&mut *session, &mut wire, &mut out, &mut |at, _| {
                        plain = Some(at);
                        Flow::Stop
                    })
                });
                let finished = Finished { session, wire, out, plain, outcome, observed };
                if let Some(desk) = DESK.take() {
                    desk.news.send(News::Done(Box::new(finished)));
                }
            })
            .map_err(|error| {
                Failure::new(TLS_ERR_MEMORY, 0, format!("no thread for a signature: {error}"))
            })?;
        Ok(Self { news, replies: Some(replies), thread: Some(thread) })
    }

    /// Waits until the step asks or ends. It does one of the two after a bounded computation.
    fn next(&self) -> Result<News, Failure> {
        self.news.receive().ok_or_else(Failure::panic)
    }

    fn reply(&self, reply: Reply) {
        if let Some(replies) = &self.replies {
            replies.send(reply);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.replies = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A handshake in which a signature may be asked for, and what it offered of ECH. Ends with the handshake
/// ([`Session::settle`]).
pub(super) struct Signing(Stage, EchStatus);

enum Stage {
    /// Nothing is going on.
    Idle(Box<dyn Session>),
    /// A step waits for a signature.
    Asking(Worker, Request),
    /// A step over wire bytes has ended; what came of it is delivered with those bytes.
    Done(Box<Finished>),
    Over,
}

impl Signing {
    /// Puts itself around `session`.
    pub(super) fn wrap(session: &mut Box<dyn Session>) {
        let ech = session.ech_status();
        let inner = mem::replace(session, Box::new(Self(Stage::Over, ech)));
        *session = Box::new(Self(Stage::Idle(inner), ech));
    }

    /// Goes on until the step asks or ends.
    fn follow(&mut self, worker: Worker) -> Result<Option<Box<Finished>>, Failure> {
        match worker.next()? {
            News::Asked(request) => {
                self.0 = Stage::Asking(worker, request);
                Ok(None)
            }
            News::Done(finished) => Ok(Some(finished)),
        }
    }

    /// Gives out what a step made of `wire`, to which bytes may have been added since.
    fn deliver(
        &mut self,
        finished: Finished,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> Outcome {
        self.0 = Stage::Idle(finished.session);
        out.extend_from_slice(&finished.out);
        observe::take_over(finished.observed);
        let Some(processed) = wire.get_mut(..finished.wire.len()) else {
            return Outcome { used: 0, result: Err(Failure::unexpected("bytes of a step are missing")) };
        };
        processed.copy_from_slice(&finished.wire);
        if let Some(plain) = finished.plain {
            sink(plain.clone(), &processed[plain]);
        }
        finished.outcome
    }

    /// Runs an answer to another question, which may lead to this one.
    fn answer(
        &mut self,
        out: &mut Vec<u8>,
        answer: impl FnOnce(&mut dyn Session, &mut Vec<u8>) -> Result<(), Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        let Stage::Idle(session) = mem::replace(&mut self.0, Stage::Over) else {
            return Err(Failure::unexpected("no other question is open"));
        };
        let worker = Worker::start(session, Vec::new(), |session, _, out, _| Outcome {
            used: 0,
            result: answer(session, out),
        })?;
        match self.follow(worker)? {
            Some(finished) => self.deliver(*finished, &mut [], out, &mut |_, _| Flow::Stop).result,
            None => Ok(()),
        }
    }

    /// Hands the host's answer to the step that waits.
    fn reply(&mut self, reply: Reply, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Stage::Asking(worker, _) = mem::replace(&mut self.0, Stage::Over) else {
            return Err(Failure::unexpected("no question about a signature is open"));
        };
        worker.reply(reply);
        match self.follow(worker)? {
            Some(finished) if finished.wire.is_empty() => {
                self.deliver(*finished, &mut [], out, &mut |_, _| Flow::Stop).result
            }
            Some(finished) => {
                self.0 = Stage::Done(finished);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn inner(&self) -> Option<&dyn Session> {
        match &self.0 {
            Stage::Idle(session) => Some(&**session),
            _ => None,
        }
    }
}

impl Session for Signing {
    fn early(&mut self) -> Option<&mut Early> {
        match &mut self.0 {
            Stage::Idle(session) => session.early(),
            _ => None,
        }
    }

    fn write_early(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, Failure> {
        match &mut self.0 {
            Stage::Idle(session) => session.write_early(plain, out),
            _ => Ok(None),
        }
    }

    fn resumption_data(&self) -> Option<&[u8]> {
        self.inner()?.resumption_data()
    }

    fn set_resumption_data(&mut self, data: &[u8]) -> Result<bool, Failure> {
        match &mut self.0 {
            Stage::Idle(session) => session.set_resumption_data(data),
            _ => Ok(false),
        }
    }

    fn early_status(&self) -> EarlyStatus {
        self.inner().map_or(EarlyStatus::None, Session::early_status)
    }

    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let finished = match mem::replace(&mut self.0, Stage::Over) {
            Stage::Idle(session) if record::worth_processing(wire) => {
                let step =
                    |session: &mut dyn Session,
                     wire: &mut [u8],
                     out: &mut Vec<u8>,
                     sink: &mut PlainSink<'_>| { session.receive(wire, out, sink) };
                match Worker::start(session, wire.to_vec(), step).and_then(|worker| self.follow(worker)) {
                    Ok(Some(finished)) => finished,
                    Ok(None) => return Outcome { used: 0, result: Ok(()) },
                    Err(failure) => return Outcome { used: 0, result: Err(failure) },
                }
            }
            Stage::Done(finished) => finished,
            stage => {
                self.0 = stage;
                return Outcome { used: 0, result: Ok(()) };
            }
        };
        self.deliver(*finished, wire, out, sink)
    }

    fn settle(&mut self) -> Option<Box<dyn Session>> {
        match mem::replace(&mut self.0, Stage::Over) {
            Stage::Idle(mut session) => {
                let settled = session.settle();
                if settled.is_none() && session.is_handshaking() {
                    self.0 = Stage::Idle(session);
                    return None;
                }
                Some(settled.unwrap_or(session))
            }
            stage => {
                self.0 = stage;
                None
            }
        }
    }

    fn may_write(&self) -> bool {
        self.inner().is_some_and(Session::may_write)
    }

    fn write(&mut self, plain: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Failure> {
        match &mut self.0 {
            Stage::Idle(session) => session.write(plain, out),
            _ => Err(Failure::unexpected("nothing can be written while a signature is missing")),
        }
    }

    fn close_notify(&mut self, _: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("nothing can be closed during the handshake"))
    }

    fn is_handshaking(&self) -> bool {
        true
    }

    fn peer_closed(&self) -> bool {
        self.inner().is_some_and(Session::peer_closed)
    }

    fn question(&self) -> Option<Question> {
        match &self.0 {
            Stage::Asking(..) => Some(Question::Sign),
            _ => self.inner()?.question(),
        }
    }

    fn sign_request(&self) -> Option<SignRequest<'_>> {
        match &self.0 {
            Stage::Asking(_, request) => Some(SignRequest {
                scheme: request.scheme,
                message: &request.message,
                certificate: &request.check.certificate,
            }),
            _ => None,
        }
    }

    fn answer_context(&mut self, setup: &ServerSetup, out: &mut Vec<u8>) -> Result<(), Failure> {
        let setup = setup.clone();
        self.answer(out, move |session, out| session.answer_context(&setup, out))
    }

    fn answer_verify(&mut self, verdict: Verdict, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.answer(out, move |session, out| session.answer_verify(verdict, out))
    }

    fn answer_sign(&mut self, signature: &[u8], out: &mut Vec<u8>) -> Result<bool, Failure> {
        if !matches!(&self.0, Stage::Asking(_, request) if request.is_signed_by(signature)) {
            return Ok(false);
        }
        self.reply(Reply::Signature(signature.to_vec()), out)?;
        Ok(true)
    }

    fn refuse(&mut self, alert: u8, out: &mut Vec<u8>) -> Result<(), Failure> {
        match &self.0 {
            Stage::Asking(..) => self.reply(Reply::Refuse(alert), out),
            _ => self.answer(out, move |session, out| session.refuse(alert, out)),
        }
    }

    fn facts(&self) -> Facts<'_> {
        self.inner().map(Session::facts).unwrap_or_default()
    }

    fn client_hello(&self) -> ClientHello<'_> {
        self.inner().map(Session::client_hello).unwrap_or_default()
    }

    /// Nothing is signed for a server that rejected ECH: while a step asks, what came of it is not known.
    fn ech_status(&self) -> EchStatus {
        self.inner().map_or(self.1, Session::ech_status)
    }

    fn name_to_verify(&self) -> Option<&ServerName<'static>> {
        self.inner()?.name_to_verify()
    }

    fn ocsp_response(&self) -> &[u8] {
        self.inner().map_or(&[], Session::ocsp_response)
    }

    fn peer_chain(&self) -> PeerChain<'_> {
        self.inner().map_or(PeerChain::None, Session::peer_chain)
    }
}
