//! What the records of an established connection ended with, in the words that the engine has for it.

use rustls::enums::{ContentType, HandshakeType};
use rustls::error::{AlertDescription, ApiMisuse, Error, InvalidMessage, PeerMisbehaved};

use super::explain;
use crate::failure::Failure;
use crate::record::fault::{Fault, Malformed};

pub(in crate::engine) fn explain_fault(fault: Fault) -> Failure {
    let failure = explain(&error(fault));
    match fault {
        // RFC 8446, 5.4: not what the engine names for it.
        Fault::NoContent => Failure { alert_sent: Some(UNEXPECTED_MESSAGE), ..failure },
        _ => failure,
    }
}

/// RFC 8446, 6.2.
const UNEXPECTED_MESSAGE: u8 = 10;

/// The error that the engine would have for it.
pub(in crate::engine) fn error(fault: Fault) -> Error {
    match fault {
        Fault::Decrypt => Error::DecryptError,
        Fault::Oversized => Error::PeerSentOversizedRecord,
        Fault::TooLong => InvalidMessage::MessageTooLarge.into(),
        Fault::ContentType => InvalidMessage::InvalidContentType.into(),
        Fault::Version => InvalidMessage::UnknownProtocolVersion.into(),
        Fault::NoPayload => InvalidMessage::InvalidEmptyPayload.into(),
        Fault::NoContent => PeerMisbehaved::EmptyFragment.into(),
        Fault::TooManyEmpty => PeerMisbehaved::TooManyEmptyFragments.into(),
        Fault::NotEncrypted => PeerMisbehaved::IllegalTls13ContentType.into(),
        Fault::OnlyPadding => PeerMisbehaved::IllegalTlsInnerPlaintext.into(),
        Fault::ProtectedChangeCipherSpec => PeerMisbehaved::IllegalMiddleboxChangeCipherSpec.into(),
        Fault::MalformedChangeCipherSpec(how) => {
            malformed(how, "u8", "ChangeCipherSpecPayload", InvalidMessage::InvalidCcs)
        }
        Fault::MalformedAlert(how) => {
            malformed(how, "AlertDescription", "AlertMessagePayload", InvalidMessage::MessageTooShort)
        }
        Fault::MalformedKeyUpdate(how) => {
            malformed(how, "KeyUpdateRequest", "HandshakeMessagePayload", InvalidMessage::InvalidKeyUpdate)
        }
        Fault::MalformedHello => InvalidMessage::MissingData("ClientHello").into(),
        Fault::MessageTooLong => InvalidMessage::HandshakePayloadTooLarge.into(),
        Fault::Interleaved => PeerMisbehaved::MessageInterleavedWithHandshakeMessage.into(),
        Fault::KeyChangeInsideMessage => PeerMisbehaved::KeyEpochWithPendingFragment.into(),
        Fault::TooManyMessages => PeerMisbehaved::TooManyConsecutiveHandshakeMessagesAfterHandshake.into(),
        Fault::TooManyWarnings => PeerMisbehaved::TooManyWarningAlertsReceived.into(),
        Fault::TooManyRenegotiations => PeerMisbehaved::TooManyRenegotiationRequests.into(),
        Fault::AlertLevel(level, alert) => {
            PeerMisbehaved::IllegalAlertLevel(level, AlertDescription(alert)).into()
        }
        Fault::Warning(alert) => PeerMisbehaved::IllegalWarningAlert(AlertDescription(alert)).into(),
        Fault::Alert(alert) => Error::AlertReceived(AlertDescription(alert)),
        Fault::UnexpectedRecord(kind, expected) => Error::InappropriateMessage {
            expect_types: expected.iter().map(|&kind| ContentType(kind)).collect(),
            got_type: ContentType(kind),
        },
        Fault::UnexpectedMessage(kind, expected) => Error::InappropriateHandshakeMessage {
            expect_types: expected.iter().map(|&kind| HandshakeType(kind)).collect(),
            got_type: HandshakeType(kind),
        },
        Fault::Exhausted => Error::EncryptError,
        Fault::SendingClosed => ApiMisuse::WriteAfterSendPathClosed.into(),
        Fault::NoKey => Error::Unreachable("a traffic key is not as long as its cipher's"),
    }
}

fn malformed(how: Malformed, short: &'static str, long: &'static str, value: InvalidMessage) -> Error {
    match how {
        Malformed::TooShort => InvalidMessage::MissingData(short).into(),
        Malformed::TooLong => InvalidMessage::TrailingData(long).into(),
        Malformed::Value => value.into(),
    }
}
