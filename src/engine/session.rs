//! What a connection asks of the engine, whatever its form.

use std::ops::Range;

use pki_types::ServerName;

use super::asked_identity::IdentityWanted;
use super::config::{ClientSetup, ServerSetup};
use super::early::{Early, EarlyStatus};
use super::ech::EchStatus;
use super::exporter::Exporter;
use super::facts::{Facts, PeerChain};
use super::hello_scan::HelloParts;
use super::kernel::{TrafficSecret, TrafficSecrets};
use crate::failure::Failure;
use crate::parse::client_hello::ClientHello;
use crate::status::Status;

/// Whether a sink wants more plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Stop,
}

/// Receives the plain bytes of one record, which lie at `Range` of the wire bytes that the engine
/// was given. Called at most once per record, in order.
pub(crate) type PlainSink<'a> = dyn FnMut(Range<usize>, &[u8]) -> Flow + 'a;

/// What became of the wire bytes given to [`Session::receive`].
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many of them, from the front, are done with.
    pub used: usize,
    /// The error that ended the connection, if one did; records before it count.
    pub result: Result<(), Failure>,
}

/// What the engine waits for the host to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// A ClientHello is in: which context?
    Context,
    /// The peer's identity is in: accept it?
    Verify,
    /// A signature is needed by a key that is elsewhere.
    Sign,
    /// A client is asked for an identity: which?
    Identity,
    /// A client offers a session that the host may have stored.
    Session,
}

/// What [`Question::Sign`] is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignRequest<'a> {
    /// SignatureScheme, an IANA number.
    pub scheme: u16,
    /// The bytes to sign, not hashed.
    pub message: &'a [u8],
    /// The certificate whose key is to sign, in DER.
    pub certificate: &'a [u8],
}

/// What [`Question::Identity`] is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdentityRequest<'a> {
    /// An IANA number (RFC 7250).
    pub certificate_type: u8,
    /// SignatureSchemes in the server's order, two bytes each.
    pub schemes: &'a [u8],
    pub wanted: &'a IdentityWanted,
}

/// What [`Question::Session`] is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookUp<'a> {
    pub key: &'a [u8],
    /// Whether it must not be found again.
    pub once: bool,
}

/// The answer to [`Question::Verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    /// Decide by the rules of the context.
    ByRules,
    /// Reject with this alert.
    Reject(u8),
}

/// A session in two, for two threads.
pub(crate) struct SessionHalves {
    /// Knows the facts as well.
    pub receive: Box<dyn Session>,
    pub send: Box<dyn Session>,
}

/// One TLS connection inside the engine.
///
/// Bytes for the peer are appended to `out`, also by calls that fail: then the last of them is the
/// alert.
pub(crate) trait Session: Send {
    /// Processes the records at the front of `wire` until one is not whole, the sink stops, a
    /// question opens, or the peer closes. Decrypts in place.
    ///
    /// Bytes that were not used must be at the front of the next call's `wire`, unaltered: messages
    /// that span records are put together there.
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome;

    /// The session to go on with, where the handshake is done and another form carries the traffic.
    /// To be asked after each call that may end the handshake.
    fn settle(&mut self) -> Option<Box<dyn Session>> {
        None
    }

    /// The receiving and the sending half, for two threads. Only after the handshake.
    fn split(self: Box<Self>) -> Result<SessionHalves, Failure> {
        Err(Failure::unexpected("the handshake is not done"))
    }

    /// The same session in the form that [`Self::hand_over`] takes, with nothing left to say to the peer but what
    /// is appended to `out`. Only after the handshake.
    fn prepare_hand_over(self: Box<Self>, _out: &mut Vec<u8>) -> Result<Box<dyn Session>, Failure> {
        Err(Failure::unexpected("the handshake is not done"))
    }

    /// Takes the traffic secrets out; what is left protects no records any more.
    fn hand_over(self: Box<Self>) -> Result<(TrafficSecrets, Box<dyn Session>), Failure> {
        Err(Failure::unexpected("the session was not prepared for this"))
    }

    /// After [`Self::hand_over`]: the secret that follows a KeyUpdate; None where the version has none.
    fn next_secret(&mut self, _inbound: bool) -> Result<Option<TrafficSecret>, Failure> {
        Err(Failure::unexpected("the secrets were not taken"))
    }

    /// After [`Self::hand_over`]: keeps a ticket (RFC 8446, 4.6.1, without its header); `false` where no ticket
    /// can come.
    fn keep_ticket(&mut self, _payload: &[u8]) -> Result<bool, Failure> {
        Err(Failure::unexpected("the secrets were not taken"))
    }

    /// Of a receiving half: whether it has left something for the peer with the sending half, since this was
    /// last asked.
    fn take_owed(&mut self) -> bool {
        false
    }

    /// Of a sending half: moves what the receiving half left for the peer to `out`.
    fn flush(&mut self, _out: &mut Vec<u8>) {}

    /// Of a sending half: whether nothing can follow, because this side was closed, or because the receiving half
    /// has sent a fatal alert, which was found when something was to follow.
    fn is_over(&self) -> bool {
        false
    }

    /// Seals the chunks of `plain`, as if they were one, into records. Only after the handshake.
    fn write(&mut self, plain: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Failure>;

    /// Seals a KeyUpdate, after which both directions get new keys; `false` where the version has none. Only
    /// after the handshake.
    fn update_keys(&mut self, _out: &mut Vec<u8>) -> Result<bool, Failure> {
        Err(Failure::unexpected("the handshake is not done"))
    }

    /// Seals a close_notify. Only after the handshake.
    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure>;

    fn is_handshaking(&self) -> bool;

    /// Whether plain bytes can be written: after the handshake, and where the context allows it, as soon as the own
    /// Finished was sent.
    fn may_write(&self) -> bool {
        !self.is_handshaking()
    }

    /// Whether the peer's close_notify was processed.
    fn peer_closed(&self) -> bool;

    /// Why the engine cannot go on, although it has what it needs: `TLS_ERR_LIMIT` while the context has its
    /// most questions open, `TLS_ERR_MEMORY` while there is no memory for one. Each call tries again.
    fn held_up(&self) -> Option<Status> {
        None
    }

    /// Of a server that waits for the rest of a ClientHello: what has come of it. None where that is not known.
    fn hello_parts(&self) -> Option<HelloParts> {
        None
    }

    /// Over fewer wire bytes than these no message of the handshake is whole; 0 where that is not known.
    fn least(&self) -> usize {
        0
    }

    /// The open question, if there is one.
    fn question(&self) -> Option<Question> {
        None
    }

    /// Answers [`Question::Context`]; called only while it is open.
    fn answer_context(&mut self, _setup: &ServerSetup, _out: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("no question about a context is open"))
    }

    /// Answers [`Question::Verify`]; called only while it is open.
    fn answer_verify(&mut self, _verdict: Verdict, _out: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("no question about an identity is open"))
    }

    /// What [`Question::Sign`] is about, while it is open.
    fn sign_request(&self) -> Option<SignRequest<'_>> {
        None
    }

    /// Answers [`Question::Sign`]; `false` if the signature is wrong: it was not used, and the question is still open.
    fn answer_sign(&mut self, _signature: &[u8], _out: &mut Vec<u8>) -> Result<bool, Failure> {
        Err(Failure::unexpected("no question about a signature is open"))
    }

    /// What [`Question::Identity`] is about, while it is open.
    fn identity_request(&self) -> Option<IdentityRequest<'_>> {
        None
    }

    /// Answers [`Question::Identity`] with what fits best of this setup's identities, or with none; `false` if none
    /// fits: the question is still open.
    fn answer_identity(&mut self, _of: Option<&ClientSetup>, _out: &mut Vec<u8>) -> Result<bool, Failure> {
        Err(Failure::unexpected("no question about an own identity is open"))
    }

    /// What [`Question::Session`] is about, while it is open.
    fn look_up(&self) -> Option<LookUp<'_>> {
        None
    }

    /// Answers [`Question::Session`] with what the host had stored; empty for nothing. What is no session that can be
    /// used is nothing.
    fn answer_session(&mut self, _stored: &[u8], _out: &mut Vec<u8>) -> Result<(), Failure> {
        Err(Failure::unexpected("no question about a stored session is open"))
    }

    /// Ends the handshake with a fatal alert at an open question. What it answers is why it has ended: that it has is
    /// left to nobody else's error.
    fn refuse(&mut self, _alert: u8, _out: &mut Vec<u8>) -> Failure {
        Failure::unexpected("no question is open")
    }

    /// The early data that came, for a server that takes it.
    fn early(&mut self) -> Option<&mut Early> {
        None
    }

    /// Seals early data: how many bytes of it, or None if this connection can send none (any more). Only
    /// during the handshake.
    fn write_early(&mut self, _plain: &[u8], _out: &mut Vec<u8>) -> Result<Option<usize>, Failure> {
        Ok(None)
    }

    /// What the host put into the ticket by which a client resumed.
    fn resumption_data(&self) -> Option<&[u8]> {
        None
    }

    /// Puts data into the tickets to come; `false` if it is too late for that, or none can be sent with it.
    fn set_resumption_data(&mut self, _data: &[u8]) -> Result<bool, Failure> {
        Ok(false)
    }

    fn early_status(&self) -> EarlyStatus {
        EarlyStatus::None
    }

    /// What became of ECH.
    fn ech_status(&self) -> EchStatus {
        EchStatus::None
    }

    /// How many TLS 1.3 tickets a client has received.
    fn tickets(&self) -> u32 {
        0
    }

    /// What derives keying material. Only after the handshake, and once: the engine gives it away.
    fn exporter(&mut self) -> Option<Exporter> {
        None
    }

    fn facts(&self) -> Facts<'_>;

    /// The ClientHello that [`Question::Context`] is about, while it is open.
    fn client_hello(&self) -> ClientHello<'_> {
        ClientHello::default()
    }

    /// The certificates that the peer presented.
    fn peer_chain(&self) -> PeerChain<'_>;

    /// The name that the server has to prove, while a client's [`Question::Verify`] is open.
    fn name_to_verify(&self) -> Option<&ServerName<'static>> {
        None
    }

    /// The OCSP response that came with the peer's identity, while [`Question::Verify`] is open.
    fn ocsp_response(&self) -> &[u8] {
        &[]
    }
}
