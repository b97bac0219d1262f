//! What a connection asks of the engine until the handshake is done, whatever its form.

use std::sync::Arc;

use pki_types::ServerName;
use rustls::ServerConfig;

use super::early::{Early, EarlyTraffic};
use super::hello_scan::HelloParts;
use super::identities::Identities;
use super::wanted::{IdentityRequest, LookUp, SignRequest};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::parse::client_hello::ClientHello;
use crate::record::traffic::{EngineTraffic, Outcome, PlainSink};
use crate::status::Status;

/// What the engine waits for the host to decide.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question<'a> {
    /// A ClientHello is in: which context?
    Context(ClientHello<'a>),
    /// The peer's identity is in: accept it?
    Verify(Presented<'a>),
    /// A signature is needed by a key that is elsewhere.
    Sign(SignRequest<'a>),
    /// A client is asked for an identity: which?
    Identity(IdentityRequest<'a>),
    /// A client offers a session that the host may have stored.
    Session(LookUp<'a>),
}

/// What [`Question::Verify`] is about, beside the peer's chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// The name that a server has to prove.
    pub name: Option<&'a ServerName<'static>>,
    /// The OCSP response that came with the identity.
    pub ocsp_response: &'a [u8],
}

/// The host's answer to a question.
pub(crate) enum Decision<'a> {
    Context(Chosen),
    Verify(Verdict),
    /// A signature, in the form that TLS gives it (RFC 8446, 4.2.3).
    Sign(&'a [u8]),
    /// What fits best of these is shown, or nothing.
    Identity(Option<&'a Identities>),
    /// What the host had stored; empty for nothing. What is no session that can be used is nothing.
    Session(&'a [u8]),
}

/// What the engine needs of a context that was chosen.
pub(crate) struct Chosen {
    pub(super) config: Arc<ServerConfig>,
    /// Whether the question about an identity can open.
    pub(super) asks_verify: bool,
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

/// What goes on.
pub(crate) enum Settled {
    /// What was asked.
    Same(Box<dyn Handshake>),
    /// Another form of the handshake.
    Other(Box<dyn Handshake>),
    /// The handshake is done. Early data that was not read is the connection's from now on.
    Done(Box<dyn EngineTraffic>, Option<Box<Early>>),
}

/// The handshake of one connection inside the engine.
///
/// Bytes for the peer are appended to `out`, also by calls that fail: then the last of them is the
/// alert.
pub(crate) trait Handshake: Send {
    /// As [`EngineTraffic::receive`]; a question that opens stops it too. Records behind the handshake may be among those that it
    /// processes.
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome;

    /// What goes on. To be asked after each call that may end the handshake, failed ones included; `rest` is what was not
    /// used of the wire bytes.
    fn settle(self: Box<Self>, rest: &[u8], out: &mut Vec<u8>) -> Settled;

    /// Whether the handshake is done; [`Self::settle`] then says what goes on.
    fn is_done(&self) -> bool;

    fn facts(&self) -> Facts<'_>;

    /// Whether the peer's close_notify was processed.
    fn peer_closed(&self) -> bool;

    /// Whether plain bytes can be written, because the context allows it as soon as the own Finished was sent.
    fn may_write(&self) -> bool {
        false
    }

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
    fn question(&self) -> Option<Question<'_>> {
        None
    }

    /// Answers the open question; `false` if the answer cannot be used, and the question is still open: a signature that is
    /// wrong, identities of which none fits.
    fn answer(&mut self, decision: Decision<'_>, out: &mut Vec<u8>) -> Result<bool, Failure>;

    /// Ends the handshake with a fatal alert at an open question. What it answers is why it has ended: that it has is
    /// left to nobody else's error.
    fn refuse(&mut self, alert: u8, out: &mut Vec<u8>) -> Failure;

    /// What can be done with data and tickets before the handshake is done, in the form of the engine that can.
    fn early_traffic(&mut self) -> Option<&mut dyn EarlyTraffic> {
        None
    }
}
