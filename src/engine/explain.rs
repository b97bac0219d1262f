//! The engine's errors in this library's words: a status to branch on, a reason for logs, the alert
//! that was sent, and a sentence that a person can act on.
//!
//! The engine's own texts are for who writes in Rust, and some of them have what a peer sent in them: none of them
//! goes further than this.

mod certificate;
mod incompatible;
mod malformed;
mod misbehaved;
mod records;
mod spelled;
#[cfg(test)]
mod tests;
mod unexpected;

use rustls::error::{
    AlertDescription, ApiMisuse, CertRevocationListError, EncryptedClientHelloError, Error, PeerMisbehaved,
    RejectedEch,
};

use self::certificate::certificate;
use self::incompatible::incompatible;
use self::malformed::malformed;
use self::misbehaved::misbehaved;
pub(super) use self::records::explain_fault;
use self::spelled::spelled;
use self::unexpected::{unexpected_handshake, unexpected_record};
use crate::failure::Failure;
use crate::status::*;

/// Status, reason and message.
type Words = (Status, i32, String);

pub(super) fn explain(error: &Error) -> Failure {
    let failure = match error {
        Error::RejectedEch(why) => rejected(why),
        other => {
            let (status, reason, message) = classify(other);
            Failure::new(status, reason, message)
        }
    };
    Failure {
        alert_sent: AlertDescription::try_from(error).ok().map(|alert| alert.0),
        alert_received: match error {
            Error::AlertReceived(alert) => Some(alert.0),
            _ => None,
        },
        ..failure
    }
}

/// The server did not decrypt what was for it; that it speaks for the public name was verified.
fn rejected(why: &RejectedEch) -> Failure {
    let retry = why.retry_configs().map(|list| Box::from(&*list));
    let message = if retry.is_some() {
        "the server rejected ECH and gave other configurations: try once more with those \
         (tls_ech_retry_configs)"
    } else {
        "the server rejected ECH and gave no other configurations: it has turned ECH off"
    };
    Failure { ech_retry: retry, ..Failure::new(TLS_ERR_NO_COMMON, TLS_REASON_ECH_REJECTED, message) }
}

/// Whether an error in the handshake is the peer's close_notify, which the engine takes for nothing better than an
/// alert out of place.
pub(super) fn closes(error: &Error) -> bool {
    matches!(
        error,
        Error::AlertReceived(AlertDescription::CloseNotify)
            | Error::PeerMisbehaved(PeerMisbehaved::IllegalWarningAlert(AlertDescription::CloseNotify))
    )
}

/// What a request for new keys came to: rustls answers the one for TLS 1.2, which has no KeyUpdate, as if
/// the handshake were not done.
pub(super) fn updated(result: Result<(), Error>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::HandshakeNotComplete) => Ok(false),
        Err(error) => Err(explain(&error)),
    }
}

/// A rule of the protocol that the peer broke, with what `details` add to the text of the reason.
fn broken(reason: i32, details: &str) -> Words {
    (TLS_ERR_PEER, reason, format!("the peer broke the protocol: {}{details}", text(reason)))
}

/// What a reason says, which is written down once.
fn text(reason: i32) -> &'static str {
    describe_reason(reason).map_or("", |constant| constant.text)
}

fn classify(error: &Error) -> Words {
    match error {
        Error::DecryptError => (
            TLS_ERR_DECRYPT,
            TLS_REASON_NONE,
            "a record failed authentication: it was altered on the way, or the keys differ".into(),
        ),
        Error::AlertReceived(alert) => {
            (TLS_ERR_ALERT, TLS_REASON_NONE, format!("fatal alert {}: the peer {alert}", alert.0))
        }
        Error::InvalidCertificate(why) => {
            let (reason, message) = certificate(why);
            (TLS_ERR_CERTIFICATE, reason, message)
        }
        Error::PeerMisbehaved(why) => misbehaved(*why),
        Error::PeerIncompatible(why) => incompatible(*why),
        Error::InvalidMessage(why) => malformed(*why),
        Error::NoApplicationProtocol => (
            TLS_ERR_NO_COMMON,
            TLS_REASON_NO_COMMON_ALPN,
            "no application protocol (ALPN) in common with the peer".into(),
        ),
        Error::NoSuitableCertificate => (
            TLS_ERR_NO_COMMON,
            TLS_REASON_NO_COMMON_SIGNATURE,
            "the peer accepts no signature scheme that the configured key can use".into(),
        ),
        Error::PeerSentOversizedRecord => (
            TLS_ERR_PEER,
            TLS_REASON_RECORD_OVERFLOW,
            "the peer sent a record of more than 16384 plain bytes".into(),
        ),
        Error::InappropriateMessage { expect_types, got_type } => {
            (TLS_ERR_PEER, TLS_REASON_UNEXPECTED_MESSAGE, unexpected_record(*got_type, expect_types))
        }
        Error::InappropriateHandshakeMessage { expect_types, got_type } => {
            (TLS_ERR_PEER, TLS_REASON_UNEXPECTED_MESSAGE, unexpected_handshake(*got_type, expect_types))
        }
        Error::UnsupportedNameType => (
            TLS_ERR_CERTIFICATE,
            TLS_REASON_CERTIFICATE_WRONG_NAME,
            "the name that was asked for is of a kind that no certificate can have".into(),
        ),
        own => (TLS_ERR_INTERNAL, own_reason(own), own_words(own)),
    }
}

fn own_reason(error: &Error) -> i32 {
    match error {
        Error::FailedToGetRandomBytes => TLS_REASON_RANDOM,
        Error::FailedToGetCurrentTime => TLS_REASON_CLOCK,
        Error::EncryptError => TLS_REASON_KEYS_EXHAUSTED,
        _ => TLS_REASON_ENGINE,
    }
}

/// What should not happen, for who has to find out why it did.
fn own_words(error: &Error) -> String {
    match error {
        Error::FailedToGetRandomBytes => "the system gave no random bytes".into(),
        Error::FailedToGetCurrentTime => "the system gave no time of day".into(),
        Error::EncryptError => {
            "the traffic keys have sealed as many records as they may: open a new connection".into()
        }
        Error::ApiMisuse(ApiMisuse::WriteAfterSendPathClosed) => "the sending side is closed".into(),
        Error::ApiMisuse(why) => defect(&format!("it is used wrongly, {}", first_word(why))),
        Error::HandshakeNotComplete => defect("the handshake is not done"),
        Error::BadMaxFragmentSize => defect("the size of records is out of range"),
        Error::InconsistentKeys(_) => defect("a key does not belong to its certificate"),
        Error::InvalidEncryptedClientHello(why) => ech_words(why).into(),
        Error::InvalidCertRevocationList(why) => defect(&format!("a CRL is refused, {}", list_words(why))),
        // These have texts of their own, which could say anything.
        Error::General(_) => defect("an error without a name"),
        Error::Unreachable(_) => defect("it is where it should never be"),
        Error::Other(_) => defect("an error of the cryptography"),
        other => defect(&first_word(other)),
    }
}

fn defect(what: &str) -> String {
    format!("the engine reported an error that it should not: {what}")
}

/// The name of a variant, spelled out, without what is in it.
fn first_word(error: &impl std::fmt::Debug) -> String {
    let all = format!("{error:?}");
    spelled(all.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default())
}

/// What is wrong with an ECHConfigList.
fn ech_words(why: &EncryptedClientHelloError) -> &'static str {
    match why {
        EncryptedClientHelloError::InvalidConfigList => "it is not a list of ECHConfigs",
        EncryptedClientHelloError::NoCompatibleConfig => "none of its configurations can be used",
        EncryptedClientHelloError::SniRequired => "ECH needs a server name that is sent",
        _ => "it cannot be used",
    }
}

fn list_words(why: &CertRevocationListError) -> String {
    first_word(why)
}
