//! Alerts that the host asks for (RFC 8446, section 6.2).

use rustls::error::{CertificateError, Error, OtherError, PeerIncompatible, PeerMisbehaved};

use crate::failure::Failure;
use crate::record::layout::{HEADER, MAX_GROWTH};
use crate::status::{
    TLS_ERR_CERTIFICATE, TLS_ERR_NO_COMMON, TLS_REASON_CERTIFICATE_REFUSED, TLS_REASON_REFUSED,
    TLS_REASON_SERVER_NAME_MALFORMED,
};

/// The default for a rejected identity: certificate_unknown.
const CERTIFICATE_UNKNOWN: u8 = 46;

/// For a message that cannot be read.
pub(super) const DECODE_ERROR: u8 = 50;

/// An error that makes the engine send `alert`, where one exists: the engine chooses the alert by
/// the error, and only those that concern an identity can be reached.
fn reachable(alert: u8) -> Option<Error> {
    Some(match alert {
        40 => PeerIncompatible::NoSignatureSchemesInCommon.into(),
        42 => CertificateError::BadEncoding.into(),
        43 => CertificateError::InvalidPurpose.into(),
        44 => CertificateError::Revoked.into(),
        45 => CertificateError::Expired.into(),
        CERTIFICATE_UNKNOWN => CertificateError::Other(OtherError::new(Refused)).into(),
        48 => CertificateError::UnknownIssuer.into(),
        49 => CertificateError::ApplicationVerificationFailure.into(),
        51 => CertificateError::BadSignature.into(),
        113 => CertificateError::InvalidOcspResponse.into(),
        116 => PeerMisbehaved::NoCertificatesPresented.into(),
        _ => return None,
    })
}

/// Whether an identity can be rejected with `alert`.
pub(crate) fn rejects_identity(alert: u8) -> bool {
    reachable(alert).is_some()
}

/// Whether a ClientHello can be refused with `alert`: not with one that ends nothing
/// (close_notify, user_canceled, no_renegotiation).
pub(crate) fn refuses_hello(alert: u8) -> bool {
    !matches!(alert, 0 | 90 | 100)
}

pub(super) fn error_for(alert: u8) -> Error {
    reachable(alert).unwrap_or_else(|| CertificateError::Other(OtherError::new(Refused)).into())
}

/// A fatal alert as a record without protection, which is right as long as no ServerHello was sent.
pub(super) fn plain_record(alert: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, alert]
}

/// Who shows no certificate where one is demanded hears handshake_failure in TLS 1.2 (RFC 5246, 7.4.6), which has no
/// certificate_required. rustls says that in every version; without protection, as here at the end of `out`, it is said in
/// TLS 1.2 only.
pub(super) fn say_in_tls12(failure: &mut Failure, out: &mut [u8]) {
    const HANDSHAKE_FAILURE: u8 = 40;
    const CERTIFICATE_REQUIRED: u8 = 116;
    if failure.alert_sent == Some(CERTIFICATE_REQUIRED) && out.ends_with(&plain_record(CERTIFICATE_REQUIRED))
    {
        failure.alert_sent = Some(HANDSHAKE_FAILURE);
        if let Some(alert) = out.last_mut() {
            *alert = HANDSHAKE_FAILURE;
        }
    }
}

/// Takes the alert back that the engine may have put last behind the first `before` bytes of `out`.
pub(super) fn take_back(out: &mut Vec<u8>, before: usize) {
    const ALERT: u8 = 21;
    const APPLICATION_DATA: u8 = 23;
    /// Two bytes and a content type, protected by any suite.
    const MOST: usize = 2 + 1 + MAX_GROWTH;
    let mut last = before;
    let mut next = before;
    while let Some(header) = out.get(next..).and_then(|rest| rest.first_chunk::<HEADER>()) {
        last = next;
        next += HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
    }
    if next == out.len()
        && next - last <= MOST
        && [ALERT, APPLICATION_DATA].contains(&out.get(last).copied().unwrap_or(0))
    {
        out.truncate(last);
    }
}

pub(super) fn identity_refused(alert: u8) -> Failure {
    Failure {
        alert_sent: Some(alert),
        ..Failure::new(
            TLS_ERR_CERTIFICATE,
            TLS_REASON_CERTIFICATE_REFUSED,
            "the host rejected the peer's identity",
        )
    }
}

pub(super) fn own_identity_refused(alert_sent: Option<u8>) -> Failure {
    let what = "the host refused to go on with a server that asks for an identity (tls_answer_refuse)";
    Failure { alert_sent, ..Failure::new(TLS_ERR_CERTIFICATE, TLS_REASON_CERTIFICATE_REFUSED, what) }
}

pub(super) fn hello_refused(alert: u8) -> Failure {
    Failure {
        alert_sent: Some(alert),
        ..Failure::new(TLS_ERR_NO_COMMON, TLS_REASON_REFUSED, "the host refused the ClientHello")
    }
}

pub(super) fn session_refused(alert: u8) -> Failure {
    let what = "the host refused to go on with a client that offers a stored session (tls_answer_refuse)";
    Failure { alert_sent: Some(alert), ..Failure::new(TLS_ERR_NO_COMMON, TLS_REASON_REFUSED, what) }
}

/// The context that was chosen takes no such names.
pub(super) fn name_refused() -> Failure {
    let what = "the client asks for a server name that is empty, or for two names";
    Failure { alert_sent: Some(DECODE_ERROR), ..Failure::peer(TLS_REASON_SERVER_NAME_MALFORMED, what) }
}

/// The host said no, and why is its own business.
#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the host rejected the certificate")
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use rustls::error::AlertDescription;

    use super::*;

    #[test]
    fn only_an_alert_at_the_end_is_taken_back() {
        let flight = [22, 3, 3, 0, 3, 1, 2, 3];
        let protected: Vec<u8> = [&[23, 3, 3, 0, 19][..], &[9; 19]].concat();
        for alert in [&plain_record(50)[..], &protected] {
            let mut out = [&[7, 7][..], &flight, alert].concat();
            take_back(&mut out, 2);
            assert_eq!(out, [&[7, 7][..], &flight].concat());
            take_back(&mut out, 2);
            assert_eq!(out.len(), 2 + flight.len());
        }
        take_back(&mut Vec::new(), 0);
    }

    #[test]
    fn every_reachable_alert_is_the_one_asked_for() {
        let reached: Vec<u8> = (0..=255).filter(|&alert| rejects_identity(alert)).collect();
        assert_eq!(reached, [40, 42, 43, 44, 45, 46, 48, 49, 51, 113, 116]);
        for alert in reached {
            assert_eq!(AlertDescription::try_from(&error_for(alert)), Ok(AlertDescription(alert)));
        }
    }
}
