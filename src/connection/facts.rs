//! What the host may know of a connection.

use std::borrow::Cow;

use super::{Answer, Connection, Counters};
use crate::engine::{IdentityRequest, LookUp, Question, SignRequest};
use crate::facts::{EchStatus, Facts};
use crate::failure::Failure;
use crate::parse::certificate;
use crate::parse::client_hello::ClientHello;
use crate::record::layout;
use crate::status::*;

/// A host that wants one of the peer's many names is one of few: the others need no memory for where it stands.
const NAMES_WITHOUT_BOOKMARKS: usize = 16;

impl Connection {
    pub(crate) fn facts(&self) -> Facts<'_> {
        let facts = self.phase.facts();
        Facts { server_name: facts.server_name.or(self.sent_name.as_ref().map(|name| &***name)), ..facts }
    }

    /// What ended the connection, for a person: a fatal error, or an end of the transport that came too early.
    pub(crate) fn explanation(&self) -> Option<Cow<'_, Failure>> {
        if let Some(failure) = self.failure() {
            return Some(Cow::Borrowed(failure));
        }
        // A close_notify may be among bytes that nobody has looked at.
        let is_cut_off = self.standing() == TLS_TRUNCATED && !layout::worth_processing(self.inbound.wire());
        is_cut_off.then(|| Cow::Owned(self.cut_off()))
    }

    fn cut_off(&self) -> Failure {
        let received = self.counters.wire_in;
        let (reason, message) = if !self.phase.is_handshaking() {
            let what = "the transport ended without close_notify: the end of the peer's data may be missing";
            (TLS_REASON_DATA_CUT_OFF, what.into())
        } else if received == 0 {
            let what = "the transport ended before the peer sent anything: it may have refused the connection, or not \
                        speak TLS";
            (TLS_REASON_HANDSHAKE_CUT_OFF, what.into())
        } else {
            let what = format!(
                "the transport ended during the handshake, after {received} bytes from the peer: it gave up without \
                 saying why, or the network failed"
            );
            (TLS_REASON_HANDSHAKE_CUT_OFF, what)
        };
        Failure::new(TLS_TRUNCATED, reason, message)
    }

    /// The ClientHello that waits for a context.
    pub(crate) fn client_hello(&self) -> ClientHello<'_> {
        match self.phase.question() {
            Some(Question::Context(hello)) => hello,
            _ => ClientHello::default(),
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// The DER bytes of the certificate at `index` of the chain that the peer presented.
    pub(crate) fn peer_certificate(&self, index: usize) -> Option<&[u8]> {
        self.phase.facts().chain.get(index)
    }

    /// What the peer's own certificate is for: a name of this kind, a `TLS_NAME_*` number.
    pub(crate) fn peer_name(&mut self, kind: i32, index: usize) -> Answer<Option<Cow<'_, str>>> {
        if !certificate::is_name_kind(kind) {
            return Err(TLS_ERR_ARGUMENT);
        }
        let Some(own) = self.phase.facts().chain.get(0) else { return Ok(None) };
        if index < NAMES_WITHOUT_BOOKMARKS {
            return Ok(certificate::name(own, kind, index));
        }
        let bookmarks = self.cold.get_or_insert_default().bookmarks.get_or_insert_default();
        Ok(bookmarks.name(own, kind, index))
    }

    /// What has to be signed, while that question is open.
    pub(crate) fn identity_request(&self) -> Option<IdentityRequest<'_>> {
        match self.open_question()? {
            Question::Identity(request) => Some(request),
            _ => None,
        }
    }

    pub(crate) fn sign_request(&self) -> Option<SignRequest<'_>> {
        match self.open_question()? {
            Question::Sign(request) => Some(request),
            _ => None,
        }
    }

    /// The session that is looked for, while that question is open.
    pub(crate) fn look_up(&self) -> Option<LookUp<'_>> {
        match self.open_question()? {
            Question::Session(request) => Some(request),
            _ => None,
        }
    }

    /// The subject public key info of a peer that showed no certificate.
    pub(crate) fn peer_raw_key(&self) -> Option<&[u8]> {
        self.phase.facts().chain.raw_key()
    }

    /// One of the `TLS_ECH_*` numbers.
    pub(crate) fn ech_status(&self) -> i32 {
        if self.failure().is_some_and(|failure| failure.reason == TLS_REASON_ECH_REJECTED) {
            return TLS_ECH_REJECTED;
        }
        match self.phase.facts().ech {
            EchStatus::None => TLS_ECH_NONE,
            EchStatus::Grease => TLS_ECH_GREASE,
            EchStatus::Offered => TLS_ECH_OFFERED,
            EchStatus::Accepted => TLS_ECH_ACCEPTED,
            EchStatus::Rejected => TLS_ECH_REJECTED,
        }
    }

    /// The ECHConfigList that the server gave when it rejected ECH.
    pub(crate) fn ech_retry_configs(&self) -> &[u8] {
        self.failure().and_then(|failure| failure.ech_retry.as_deref()).unwrap_or_default()
    }

    /// The name that the server has to prove, while its identity is asked about.
    pub(crate) fn name_to_verify(&self) -> Option<Cow<'_, str>> {
        match self.open_question()? {
            Question::Verify(presented) => Some(presented.name?.to_str()),
            _ => None,
        }
    }

    /// What the peer stapled to the identity that is asked about.
    pub(crate) fn ocsp_response(&self) -> &[u8] {
        match self.phase.question() {
            Some(Question::Verify(presented)) => presented.ocsp_response,
            _ => &[],
        }
    }
}
