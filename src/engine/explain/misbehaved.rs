//! Rules of the protocol that a peer broke.

use rustls::error::PeerMisbehaved;

use super::spelled::spelled;
use super::{Words, broken};
use crate::status::*;

pub(super) fn misbehaved(why: PeerMisbehaved) -> Words {
    use PeerMisbehaved::*;
    match why {
        NoCertificatesPresented => (
            TLS_ERR_CERTIFICATE,
            TLS_REASON_CERTIFICATE_MISSING,
            "the peer presented no certificate, and one is required".into(),
        ),
        SelectedUnofferedApplicationProtocol => (
            TLS_ERR_NO_COMMON,
            TLS_REASON_NO_COMMON_ALPN,
            "the peer selected an application protocol (ALPN) that was not offered".into(),
        ),
        IllegalAlertLevel(level, alert) => {
            broken(TLS_REASON_ALERT_LEVEL, &format!(" (level {level}, alert {})", alert.0))
        }
        IllegalWarningAlert(alert) => broken(TLS_REASON_WARNING_ALERT, &format!(" (alert {})", alert.0)),
        other => match reason(other) {
            // One of a newer engine.
            TLS_REASON_VIOLATION => {
                broken(TLS_REASON_VIOLATION, &format!(": {}", spelled(&format!("{other:?}"))))
            }
            known => broken(known, ""),
        },
    }
}

fn reason(why: PeerMisbehaved) -> i32 {
    use PeerMisbehaved::*;
    match why {
        BadCertChainExtensions | UnsolicitedCertExtension => TLS_REASON_CERTIFICATE_EXTENSION,
        DisallowedEncryptedExtension => TLS_REASON_EXTENSION_MISPLACED,
        DuplicateClientHelloExtensions
        | DuplicateEncryptedExtensions
        | DuplicateHelloRetryRequestExtensions
        | DuplicateNewSessionTicketExtensions
        | DuplicateServerHelloExtensions => TLS_REASON_EXTENSION_DUPLICATE,
        DuplicateServerNameTypes | ServerNameMustContainOneHostName => TLS_REASON_SERVER_NAME_MALFORMED,
        EchAcceptanceVariedAfterRetry => TLS_REASON_RETRY_ECH_CHANGED,
        UnexpectedCleartextExtension => TLS_REASON_EXTENSION_NOT_ENCRYPTED,
        UnsolicitedEchExtension => TLS_REASON_ECH_NOT_OFFERED,
        UnsolicitedEncryptedExtension | UnsolicitedServerHelloExtension => TLS_REASON_EXTENSION_NOT_OFFERED,
        UnsolicitedSctList => TLS_REASON_SCT_NOT_OFFERED,
        KeyUpdateReceivedInQuicConnection | MissingQuicTransportParameters => TLS_REASON_QUIC,
        OfferedEmptyApplicationProtocol => TLS_REASON_ALPN_EMPTY_NAME,
        OfferedDuplicateCertificateCompressions => TLS_REASON_COMPRESSION_DUPLICATE,
        OfferedIncorrectCompressions => TLS_REASON_COMPRESSION_METHOD,
        other => reason_of_retry(other).or_else(|| reason_of_session(other)).unwrap_or_else(|| {
            reason_of_choice(other).or_else(|| reason_of_record(other)).unwrap_or(TLS_REASON_VIOLATION)
        }),
    }
}

/// HelloRetryRequest, and what follows it (RFC 8446, 4.1.4).
fn reason_of_retry(why: PeerMisbehaved) -> Option<i32> {
    use PeerMisbehaved::*;
    Some(match why {
        CipherSuiteDifferedOnRetry | SelectedDifferentCipherSuiteAfterRetry => TLS_REASON_RETRY_SUITE_CHANGED,
        HandshakeHashVariedAfterRetry => TLS_REASON_RETRY_HASH_CHANGED,
        IllegalHelloRetryRequestWithEmptyCookie => TLS_REASON_RETRY_COOKIE_EMPTY,
        IllegalHelloRetryRequestWithNoChanges => TLS_REASON_RETRY_WITHOUT_CHANGE,
        IllegalHelloRetryRequestWithOfferedGroup => TLS_REASON_RETRY_GROUP_SENT,
        IllegalHelloRetryRequestWithUnofferedCipherSuite => TLS_REASON_RETRY_SUITE_NOT_OFFERED,
        IllegalHelloRetryRequestWithUnofferedNamedGroup => TLS_REASON_RETRY_GROUP_NOT_OFFERED,
        IllegalHelloRetryRequestWithUnsupportedVersion => TLS_REASON_RETRY_VERSION,
        IllegalHelloRetryRequestWithWrongSessionId => TLS_REASON_RETRY_SESSION_ID,
        IllegalHelloRetryRequestWithInvalidEch => TLS_REASON_RETRY_ECH,
        EarlyDataAttemptedInSecondClientHello => TLS_REASON_EARLY_DATA_AFTER_RETRY,
        MissingPskExtensionInSecondClientHello => TLS_REASON_RETRY_WITHOUT_PSK,
        RefusedToFollowHelloRetryRequest => TLS_REASON_RETRY_IGNORED,
        SelectedDifferentProtocolVersionAfterRetry => TLS_REASON_RETRY_VERSION_CHANGED,
        ServerNameDifferedOnRetry => TLS_REASON_RETRY_SERVER_NAME_CHANGED,
        _ => return None,
    })
}

/// Sessions, PSKs and early data (RFC 8446, 4.2.9 to 4.2.11).
fn reason_of_session(why: PeerMisbehaved) -> Option<i32> {
    use PeerMisbehaved::*;
    Some(match why {
        EarlyDataExtensionWithoutResumption => TLS_REASON_EARLY_DATA_WITHOUT_PSK,
        EarlyDataOfferedWithVariedCipherSuite => TLS_REASON_EARLY_DATA_SUITE,
        OfferedEarlyDataWithOldProtocolVersion => TLS_REASON_EARLY_DATA_VERSION,
        TooMuchEarlyDataReceived => TLS_REASON_TOO_MUCH_EARLY_DATA,
        InvalidMaxEarlyDataSize => TLS_REASON_MAX_EARLY_DATA,
        IncorrectBinder => TLS_REASON_BINDER_WRONG,
        MissingBinderInPskExtension => TLS_REASON_PSK_WITHOUT_BINDER,
        MissingPskModesExtension => TLS_REASON_PSK_WITHOUT_MODES,
        PskExtensionMustBeLast => TLS_REASON_PSK_NOT_LAST,
        PskExtensionWithMismatchedIdsAndBinders => TLS_REASON_PSK_BINDER_COUNT,
        ResumptionAttemptedWithVariedEms | ResumptionOfferedWithVariedEms => {
            TLS_REASON_RESUMPTION_EXTENDED_SECRET
        }
        ResumptionOfferedWithVariedCipherSuite => TLS_REASON_RESUMPTION_SUITE,
        ResumptionOfferedWithIncompatibleCipherSuite => TLS_REASON_RESUMPTION_HASH,
        SelectedInvalidPsk => TLS_REASON_PSK_INDEX,
        SelectedUnofferedPsk => TLS_REASON_PSK_NOT_OFFERED,
        ServerEchoedCompatibilitySessionId => TLS_REASON_SESSION_ID_ECHOED,
        UnmatchedSessionId => TLS_REASON_SESSION_ID_CHANGED,
        _ => return None,
    })
}

/// What was negotiated, and what proves it.
fn reason_of_choice(why: PeerMisbehaved) -> Option<i32> {
    use PeerMisbehaved::*;
    Some(match why {
        AttemptedDowngradeToTls12WhenTls13IsSupported => TLS_REASON_DOWNGRADE,
        IncorrectFinished => TLS_REASON_FINISHED_WRONG,
        InvalidCertCompression => TLS_REASON_CERTIFICATE_DECOMPRESSION,
        InvalidKeyShare => TLS_REASON_KEY_SHARE_INVALID,
        MissingKeyShare => TLS_REASON_KEY_SHARE_MISSING,
        WrongGroupForKeyShare => TLS_REASON_KEY_SHARE_GROUP,
        OfferedDuplicateKeyShares => TLS_REASON_KEY_SHARE_DUPLICATE,
        NonEmptyRenegotiationInfo => TLS_REASON_RENEGOTIATION_INFO,
        SelectedTls12UsingTls13VersionExtension => TLS_REASON_VERSION_EXTENSION,
        SelectedUnofferedCertCompression => TLS_REASON_CERTIFICATE_COMPRESSION_NOT_OFFERED,
        SelectedUnofferedCipherSuite => TLS_REASON_SUITE_NOT_OFFERED,
        SelectedUnofferedCompression => TLS_REASON_COMPRESSION_NOT_OFFERED,
        SelectedUnofferedKxGroup => TLS_REASON_GROUP_NOT_OFFERED,
        ServerHelloMustOfferUncompressedEcPoints => TLS_REASON_POINT_FORMATS,
        SignedKxWithWrongAlgorithm => TLS_REASON_SIGNATURE_NOT_OF_SUITE,
        SignedHandshakeWithUnadvertisedSigScheme => TLS_REASON_SIGNATURE_SCHEME_NOT_OFFERED,
        _ => return None,
    })
}

/// Records and the order of messages (RFC 8446, 5).
fn reason_of_record(why: PeerMisbehaved) -> Option<i32> {
    use PeerMisbehaved::*;
    Some(match why {
        EmptyFragment => TLS_REASON_EMPTY_RECORD,
        IllegalMiddleboxChangeCipherSpec => TLS_REASON_CHANGE_CIPHER_SPEC,
        IllegalTlsInnerPlaintext => TLS_REASON_INNER_PLAINTEXT,
        IllegalTls13ContentType => TLS_REASON_RECORD_NOT_ENCRYPTED,
        KeyEpochWithPendingFragment => TLS_REASON_KEY_CHANGE_INSIDE_MESSAGE,
        MessageInterleavedWithHandshakeMessage | RejectedEarlyDataInterleavedWithHandshakeMessage => {
            TLS_REASON_MESSAGE_INTERLEAVED
        }
        TooManyEmptyFragments => TLS_REASON_TOO_MANY_EMPTY_RECORDS,
        TooManyConsecutiveHandshakeMessagesAfterHandshake => TLS_REASON_TOO_MANY_MESSAGES,
        TooManyRenegotiationRequests => TLS_REASON_TOO_MANY_RENEGOTIATIONS,
        TooManyWarningAlertsReceived => TLS_REASON_TOO_MANY_WARNINGS,
        _ => return None,
    })
}
