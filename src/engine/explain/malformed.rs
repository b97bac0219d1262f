//! Messages that cannot be parsed.

use rustls::error::InvalidMessage;

use super::spelled::{part, spelled};
use super::{Words, broken};
use crate::status::*;

pub(super) fn malformed(why: InvalidMessage) -> Words {
    use InvalidMessage::*;
    match why {
        InvalidContentType | UnknownProtocolVersion => (
            TLS_ERR_PEER,
            TLS_REASON_NOT_TLS,
            "the bytes are not TLS records: the peer speaks another protocol, or bytes were lost".into(),
        ),
        MessageTooLarge => (
            TLS_ERR_PEER,
            TLS_REASON_RECORD_OVERFLOW,
            "the peer sent a record that is larger than the protocol allows".into(),
        ),
        CertificatePayloadTooLarge => (
            TLS_ERR_PEER,
            TLS_REASON_HANDSHAKE_TOO_LARGE,
            "the certificates of the peer are longer than 65536 bytes".into(),
        ),
        HandshakePayloadTooLarge => (
            TLS_ERR_PEER,
            TLS_REASON_HANDSHAKE_TOO_LARGE,
            "the peer sent a handshake message of more than 65535 bytes".into(),
        ),
        UnexpectedMessage(message) => (
            TLS_ERR_PEER,
            TLS_REASON_UNEXPECTED_MESSAGE,
            format!("the peer sent a message that never travels: {}", spelled(message)),
        ),
        MisplacedExtension(number) => broken(TLS_REASON_EXTENSION_MISPLACED, &extension(number)),
        DuplicateExtension(number) => broken(TLS_REASON_EXTENSION_DUPLICATE, &extension(number)),
        PreSharedKeyIsNotFinalExtension => broken(TLS_REASON_PSK_NOT_LAST, ""),
        UnknownCertificateExtension => broken(TLS_REASON_CERTIFICATE_EXTENSION, ""),
        InvalidEmptyPayload => broken(TLS_REASON_EMPTY_RECORD, ""),
        other => syntax(other),
    }
}

fn extension(number: u16) -> String {
    format!(" (extension {number})")
}

fn syntax(why: InvalidMessage) -> Words {
    use InvalidMessage::*;
    let (reason, details) = match why {
        MessageTooShort => (TLS_REASON_FIELD_TOO_LONG, String::new()),
        MissingData(name) => (TLS_REASON_FIELD_CUT_OFF, details(name)),
        TrailingData(name) => (TLS_REASON_FIELD_TRAILING, details(name)),
        IllegalEmptyList(name) => (TLS_REASON_LIST_EMPTY, details(name)),
        NoSignatureSchemes => (TLS_REASON_LIST_EMPTY, " (signature schemes)".into()),
        IllegalEmptyCertificateAuthoritiesExtension => {
            (TLS_REASON_LIST_EMPTY, " (certificate authorities)".into())
        }
        InvalidCcs => (TLS_REASON_CHANGE_CIPHER_SPEC_MALFORMED, String::new()),
        InvalidCertificateStatusType => (TLS_REASON_CERTIFICATE_STATUS_TYPE, String::new()),
        InvalidCertRequest => (TLS_REASON_REQUEST_CONTEXT, String::new()),
        InvalidDhParams => (TLS_REASON_DH_PARAMETERS, String::new()),
        InvalidKeyUpdate => (TLS_REASON_KEY_UPDATE_MALFORMED, String::new()),
        InvalidServerName => (TLS_REASON_SERVER_NAME_MALFORMED, String::new()),
        MissingKeyExchange => (TLS_REASON_KEY_EXCHANGE_MISSING, String::new()),
        UnsupportedCompression => (TLS_REASON_COMPRESSION_SELECTED, String::new()),
        UnsupportedCurveType => (TLS_REASON_CURVE_TYPE, String::new()),
        UnsupportedKeyExchangeAlgorithm(which) => {
            (TLS_REASON_KEY_EXCHANGE_UNSUPPORTED, format!(" ({})", spelled(&format!("{which:?}"))))
        }
        EmptyTicketValue => (TLS_REASON_TICKET_EMPTY, String::new()),
        UnknownHelloRetryRequestExtension => (TLS_REASON_RETRY_EXTENSION, String::new()),
        // One of a newer engine.
        other => (TLS_REASON_MALFORMED, format!(": {}", spelled(&format!("{other:?}")))),
    };
    let text = super::text(reason);
    (TLS_ERR_PEER, reason, format!("the peer sent a malformed message: {text}{details}"))
}

fn details(name: &str) -> String {
    format!(" ({})", part(name))
}
