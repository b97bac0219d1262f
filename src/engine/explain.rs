//! The engine's errors in this library's words: a status to branch on, a reason for logs, the alert
//! that was sent, and a sentence that a person can act on.

use rustls::error::{
    AlertDescription, ApiMisuse, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved,
};

use super::chain::is_not_pinned;
use super::ech;
use crate::failure::Failure;
use crate::status::*;

pub(super) fn explain(error: &Error) -> Failure {
    let failure = match error {
        Error::RejectedEch(why) => ech::rejected(why),
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

fn classify(error: &Error) -> (Status, i32, String) {
    match error {
        Error::DecryptError => (
            TLS_ERR_DECRYPT,
            0,
            "a record failed authentication: it was altered on the way, or the keys differ".into(),
        ),
        Error::AlertReceived(alert) => {
            (TLS_ERR_ALERT, 0, format!("fatal alert {}: the peer {alert}", alert.0))
        }
        Error::InvalidCertificate(why) => {
            (TLS_ERR_CERTIFICATE, certificate_reason(why), certificate_message(why))
        }
        Error::PeerMisbehaved(PeerMisbehaved::NoCertificatesPresented) => (
            TLS_ERR_CERTIFICATE,
            TLS_REASON_CERTIFICATE_MISSING,
            "the peer presented no certificate, and one is required".into(),
        ),
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => (
            TLS_ERR_NO_COMMON,
            TLS_REASON_NO_COMMON_ALPN,
            "the peer selected an application protocol (ALPN) that was not offered".into(),
        ),
        Error::PeerMisbehaved(why) => {
            (TLS_ERR_PEER, TLS_REASON_VIOLATION, format!("the peer broke the protocol: {why:?}"))
        }
        Error::PeerIncompatible(why) => {
            let (reason, what) = incompatibility(*why);
            (TLS_ERR_NO_COMMON, reason, format!("no {what} in common with the peer: {why:?}"))
        }
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
        Error::InvalidMessage(why) => message_error(*why),
        Error::PeerSentOversizedRecord => (
            TLS_ERR_PEER,
            TLS_REASON_RECORD_OVERFLOW,
            "the peer sent a record of more than 16384 plain bytes".into(),
        ),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            (TLS_ERR_PEER, TLS_REASON_UNEXPECTED_MESSAGE, error.to_string())
        }
        Error::FailedToGetRandomBytes => {
            (TLS_ERR_INTERNAL, TLS_REASON_RANDOM, "the system gave no random bytes".into())
        }
        Error::FailedToGetCurrentTime => {
            (TLS_ERR_INTERNAL, TLS_REASON_CLOCK, "the system gave no time of day".into())
        }
        Error::EncryptError => (
            TLS_ERR_INTERNAL,
            TLS_REASON_KEYS_EXHAUSTED,
            "the traffic keys have sealed as many records as they may: open a new connection".into(),
        ),
        Error::ApiMisuse(ApiMisuse::WriteAfterSendPathClosed) => {
            (TLS_ERR_INTERNAL, TLS_REASON_ENGINE, "the sending side is closed".into())
        }
        other => (TLS_ERR_INTERNAL, TLS_REASON_ENGINE, other.to_string()),
    }
}

fn message_error(why: InvalidMessage) -> (Status, i32, String) {
    match why {
        InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion => (
            TLS_ERR_PEER,
            TLS_REASON_NOT_TLS,
            "the bytes are not TLS records: the peer speaks another protocol, or bytes were lost".into(),
        ),
        InvalidMessage::MessageTooLarge => (
            TLS_ERR_PEER,
            TLS_REASON_RECORD_OVERFLOW,
            "the peer sent a record that is larger than the protocol allows".into(),
        ),
        InvalidMessage::CertificatePayloadTooLarge => (
            TLS_ERR_PEER,
            TLS_REASON_HANDSHAKE_TOO_LARGE,
            "the certificates of the peer are longer than 65536 bytes".into(),
        ),
        InvalidMessage::HandshakePayloadTooLarge => (
            TLS_ERR_PEER,
            TLS_REASON_HANDSHAKE_TOO_LARGE,
            "the peer sent a handshake message of more than 65535 bytes".into(),
        ),
        other => {
            (TLS_ERR_PEER, TLS_REASON_MALFORMED, format!("the peer sent a malformed message: {other:?}"))
        }
    }
}

fn incompatibility(why: PeerIncompatible) -> (i32, &'static str) {
    match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => (TLS_REASON_NO_COMMON_VERSION, "protocol version"),
        PeerIncompatible::NoCipherSuitesInCommon => (TLS_REASON_NO_COMMON_SUITE, "cipher suite"),
        PeerIncompatible::NoKxGroupsInCommon | PeerIncompatible::NamedGroupsExtensionRequired => {
            (TLS_REASON_NO_COMMON_GROUP, "key exchange group")
        }
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
            (TLS_REASON_NO_COMMON_SIGNATURE, "signature scheme")
        }
        _ => (TLS_REASON_NO_COMMON_FEATURE, "required feature"),
    }
}

fn certificate_reason(why: &CertificateError) -> i32 {
    use CertificateError::*;
    match why {
        Expired | ExpiredContext { .. } => TLS_REASON_CERTIFICATE_EXPIRED,
        NotValidYet | NotValidYetContext { .. } => TLS_REASON_CERTIFICATE_NOT_YET_VALID,
        NotValidForName | NotValidForNameContext { .. } => TLS_REASON_CERTIFICATE_WRONG_NAME,
        UnknownIssuer => TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER,
        Revoked => TLS_REASON_CERTIFICATE_REVOKED,
        InvalidPurpose | InvalidPurposeContext { .. } => TLS_REASON_CERTIFICATE_WRONG_USAGE,
        BadSignature => TLS_REASON_CERTIFICATE_BAD_SIGNATURE,
        BadEncoding => TLS_REASON_CERTIFICATE_MALFORMED,
        UnhandledCriticalExtension
        | UnsupportedSignatureAlgorithm { .. }
        | UnsupportedSignatureAlgorithmForPublicKey { .. } => TLS_REASON_CERTIFICATE_UNSUPPORTED,
        UnknownRevocationStatus => TLS_REASON_CERTIFICATE_STATUS_UNKNOWN,
        ExpiredRevocationList | ExpiredRevocationListContext { .. } => TLS_REASON_CRL_EXPIRED,
        other if is_not_pinned(other) => TLS_REASON_CERTIFICATE_NOT_PINNED,
        _ => TLS_REASON_CERTIFICATE_OTHER,
    }
}

fn certificate_message(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "no chain leads from the peer's certificate to a trust anchor: add the issuing CA \
             (tls_builder_trust_pem), or have the peer send its intermediate certificates"
                .into()
        }
        CertificateError::BadEncoding => "the peer's certificate cannot be parsed".into(),
        CertificateError::BadSignature => {
            "a signature in the peer's certificate chain or handshake does not verify, or is by an RSA key of less \
             than 2048 bits"
                .into()
        }
        CertificateError::UnsupportedSignatureAlgorithm { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKey { .. } => {
            "a certificate of the peer's chain has a key, or is signed with an algorithm, that is not accepted (such \
             as SHA-1)"
                .into()
        }
        CertificateError::Revoked => "the peer's certificate, or one of its chain, was revoked".into(),
        CertificateError::UnknownRevocationStatus => {
            "no CRL says whether a certificate of the peer's chain was revoked: add that of its issuer \
             (tls_builder_crl), or allow unknown status (tls_builder_revocation)"
                .into()
        }
        other if is_not_pinned(other) => "no key of the peer's chain is one of the pinned ones".into(),
        other => format!("the peer's {other}"),
    }
}
