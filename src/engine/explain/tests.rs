//! Every error of the engine's that can be made: it has a reason of its own, and words that a person understands.

use std::collections::BTreeMap;
use std::time::Duration;

use pki_types::{ServerName, UnixTime};
use rustls::crypto::InconsistentKeys;
use rustls::crypto::kx::KeyExchangeAlgorithm;
use rustls::enums::{ContentType, HandshakeType};
use rustls::error::{
    AlertDescription, ApiMisuse, CertRevocationListError, CertificateError, EncryptedClientHelloError, Error,
    ExtendedKeyPurpose, InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved,
};

use super::explain;
use crate::failure::Failure;
use crate::status::*;

/// Names that RFC 8446, RFC 5280 and RFC 8449 write in this way themselves.
const WORDS_OF_RFCS: [&str; 20] = [
    "ClientHello",
    "ServerHello",
    "HelloRetryRequest",
    "EncryptedExtensions",
    "CertificateRequest",
    "CertificateVerify",
    "ServerKeyExchange",
    "NewSessionTicket",
    "KeyUpdate",
    "EndOfEarlyData",
    "ECHConfig",
    "ECHConfigs",
    "ECHConfigList",
    "PSKs",
    "CAs",
    "CRLs",
    "subjectAltName",
    "basicConstraints",
    "keyUsage",
    "cRLSign",
];

fn is_camel_case(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    letters.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase())
        || letters
            .windows(3)
            .any(|three| three[0].is_uppercase() && three[1].is_uppercase() && three[2].is_lowercase())
}

fn check_words(failure: &Failure) {
    let message = &failure.message;
    assert!(message.len() > 10 && message.len() < 256, "{message}");
    assert!(describe_reason(failure.reason).is_some(), "{} has no name: {message}", failure.reason);
    for word in message.split(|letter: char| !letter.is_alphanumeric()) {
        assert!(!is_camel_case(word) || WORDS_OF_RFCS.contains(&word), "{word} in: {message}");
    }
    for remnant in ["{", "}", "::", "Some(", "None", "\"", "[", "]", "0x"] {
        assert!(!message.contains(remnant), "{remnant} in: {message}");
    }
    assert_eq!(crate::foreign::printable(message), **message);
}

fn explained(error: impl Into<Error>) -> Failure {
    let failure = explain(&error.into());
    check_words(&failure);
    failure
}

fn every_misbehaviour() -> Vec<PeerMisbehaved> {
    use PeerMisbehaved::*;
    vec![
        AttemptedDowngradeToTls12WhenTls13IsSupported,
        BadCertChainExtensions,
        CipherSuiteDifferedOnRetry,
        DisallowedEncryptedExtension,
        DuplicateClientHelloExtensions,
        DuplicateEncryptedExtensions,
        DuplicateHelloRetryRequestExtensions,
        DuplicateNewSessionTicketExtensions,
        DuplicateServerHelloExtensions,
        DuplicateServerNameTypes,
        EarlyDataAttemptedInSecondClientHello,
        EarlyDataExtensionWithoutResumption,
        EarlyDataOfferedWithVariedCipherSuite,
        EchAcceptanceVariedAfterRetry,
        EmptyFragment,
        HandshakeHashVariedAfterRetry,
        IllegalAlertLevel(7, AlertDescription(80)),
        IllegalHelloRetryRequestWithEmptyCookie,
        IllegalHelloRetryRequestWithNoChanges,
        IllegalHelloRetryRequestWithOfferedGroup,
        IllegalHelloRetryRequestWithUnofferedCipherSuite,
        IllegalHelloRetryRequestWithUnofferedNamedGroup,
        IllegalHelloRetryRequestWithUnsupportedVersion,
        IllegalHelloRetryRequestWithWrongSessionId,
        IllegalHelloRetryRequestWithInvalidEch,
        IllegalMiddleboxChangeCipherSpec,
        IllegalTlsInnerPlaintext,
        IllegalWarningAlert(AlertDescription(112)),
        IncorrectBinder,
        IncorrectFinished,
        InvalidCertCompression,
        InvalidMaxEarlyDataSize,
        InvalidKeyShare,
        KeyEpochWithPendingFragment,
        KeyUpdateReceivedInQuicConnection,
        MessageInterleavedWithHandshakeMessage,
        MissingBinderInPskExtension,
        MissingKeyShare,
        MissingPskExtensionInSecondClientHello,
        MissingPskModesExtension,
        MissingQuicTransportParameters,
        NoCertificatesPresented,
        NonEmptyRenegotiationInfo,
        OfferedDuplicateCertificateCompressions,
        OfferedDuplicateKeyShares,
        OfferedEarlyDataWithOldProtocolVersion,
        OfferedEmptyApplicationProtocol,
        OfferedIncorrectCompressions,
        PskExtensionMustBeLast,
        PskExtensionWithMismatchedIdsAndBinders,
        RefusedToFollowHelloRetryRequest,
        RejectedEarlyDataInterleavedWithHandshakeMessage,
        ResumptionAttemptedWithVariedEms,
        ResumptionOfferedWithVariedCipherSuite,
        ResumptionOfferedWithVariedEms,
        ResumptionOfferedWithIncompatibleCipherSuite,
        SelectedDifferentCipherSuiteAfterRetry,
        SelectedDifferentProtocolVersionAfterRetry,
        SelectedInvalidPsk,
        SelectedTls12UsingTls13VersionExtension,
        SelectedUnofferedApplicationProtocol,
        SelectedUnofferedCertCompression,
        SelectedUnofferedCipherSuite,
        SelectedUnofferedCompression,
        SelectedUnofferedKxGroup,
        SelectedUnofferedPsk,
        ServerEchoedCompatibilitySessionId,
        ServerHelloMustOfferUncompressedEcPoints,
        ServerNameDifferedOnRetry,
        ServerNameMustContainOneHostName,
        SignedKxWithWrongAlgorithm,
        SignedHandshakeWithUnadvertisedSigScheme,
        TooManyEmptyFragments,
        TooManyConsecutiveHandshakeMessagesAfterHandshake,
        TooManyRenegotiationRequests,
        TooManyWarningAlertsReceived,
        TooMuchEarlyDataReceived,
        UnexpectedCleartextExtension,
        UnmatchedSessionId,
        UnsolicitedCertExtension,
        UnsolicitedEncryptedExtension,
        UnsolicitedSctList,
        UnsolicitedServerHelloExtension,
        WrongGroupForKeyShare,
        UnsolicitedEchExtension,
        IllegalTls13ContentType,
    ]
}

fn every_malformation() -> Vec<InvalidMessage> {
    use InvalidMessage::*;
    vec![
        CertificatePayloadTooLarge,
        HandshakePayloadTooLarge,
        InvalidCcs,
        InvalidContentType,
        InvalidCertificateStatusType,
        InvalidCertRequest,
        InvalidDhParams,
        InvalidEmptyPayload,
        InvalidKeyUpdate,
        InvalidServerName,
        MessageTooLarge,
        MessageTooShort,
        MisplacedExtension(51),
        MissingData("NamedGroup"),
        MissingData("u16"),
        MissingKeyExchange,
        NoSignatureSchemes,
        TrailingData("ClientHelloPayload"),
        TrailingData("SessionID"),
        UnexpectedMessage("MessageHash"),
        UnknownProtocolVersion,
        UnsupportedCompression,
        UnsupportedCurveType,
        UnsupportedKeyExchangeAlgorithm(KeyExchangeAlgorithm::DHE),
        EmptyTicketValue,
        IllegalEmptyList("ECPointFormats"),
        DuplicateExtension(0xffff),
        PreSharedKeyIsNotFinalExtension,
        UnknownHelloRetryRequestExtension,
        UnknownCertificateExtension,
        IllegalEmptyCertificateAuthoritiesExtension,
    ]
}

fn every_incompatibility() -> Vec<PeerIncompatible> {
    use PeerIncompatible::*;
    vec![
        EcPointsExtensionRequired,
        ExtendedMainSecretExtensionRequired,
        IncorrectCertificateTypeExtension,
        KeyShareExtensionRequired,
        MultipleRawKeys,
        NamedGroupsExtensionRequired,
        NoCertificateRequestSignatureSchemesInCommon,
        NoCipherSuitesInCommon,
        NoEcPointFormatsInCommon,
        NoKxGroupsInCommon,
        NoSignatureSchemesInCommon,
        NoServerNameProvided,
        NullCompressionRequired,
        ServerDoesNotSupportTls12Or13,
        ServerSentHelloRetryRequestWithUnknownExtension,
        ServerTlsVersionIsDisabledByOurConfig,
        SignatureAlgorithmsExtensionRequired,
        SupportedVersionsExtensionRequired,
        Tls12NotOffered,
        Tls12NotOfferedOrEnabled,
        Tls13RequiredForQuic,
        UncompressedEcPointsRequired,
        UnknownCertificateType(9),
        UnsolicitedCertificateTypeExtension,
    ]
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn name(text: &str) -> ServerName<'static> {
    ServerName::try_from(text).unwrap().to_owned()
}

fn every_certificate_error() -> Vec<(CertificateError, i32)> {
    use CertificateError::*;
    vec![
        (BadEncoding, TLS_REASON_CERTIFICATE_MALFORMED),
        (Expired, TLS_REASON_CERTIFICATE_EXPIRED),
        (ExpiredContext { time: at(2_000_000), not_after: at(1) }, TLS_REASON_CERTIFICATE_EXPIRED),
        (NotValidYet, TLS_REASON_CERTIFICATE_NOT_YET_VALID),
        (NotValidYetContext { time: at(1), not_before: at(9) }, TLS_REASON_CERTIFICATE_NOT_YET_VALID),
        (Revoked, TLS_REASON_CERTIFICATE_REVOKED),
        (UnhandledCriticalExtension, TLS_REASON_CERTIFICATE_UNSUPPORTED),
        (UnknownIssuer, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER),
        (UnknownRevocationStatus, TLS_REASON_CERTIFICATE_STATUS_UNKNOWN),
        (ExpiredRevocationList, TLS_REASON_CRL_EXPIRED),
        (ExpiredRevocationListContext { time: at(9), next_update: at(1) }, TLS_REASON_CRL_EXPIRED),
        (BadSignature, TLS_REASON_CERTIFICATE_BAD_SIGNATURE),
        (
            UnsupportedSignatureAlgorithm { signature_algorithm_id: vec![1], supported_algorithms: vec![] },
            TLS_REASON_CERTIFICATE_UNSUPPORTED,
        ),
        (
            UnsupportedSignatureAlgorithmForPublicKey {
                signature_algorithm_id: vec![1],
                public_key_algorithm_id: vec![2],
            },
            TLS_REASON_CERTIFICATE_UNSUPPORTED,
        ),
        (NotValidForName, TLS_REASON_CERTIFICATE_WRONG_NAME),
        (
            NotValidForNameContext { expected: name("a.test"), presented: vec![] },
            TLS_REASON_CERTIFICATE_WRONG_NAME,
        ),
        (
            NotValidForNameContext { expected: name("192.0.2.1"), presented: vec!["\n".repeat(300); 300] },
            TLS_REASON_CERTIFICATE_WRONG_NAME,
        ),
        (InvalidPurpose, TLS_REASON_CERTIFICATE_WRONG_USAGE),
        (
            InvalidPurposeContext {
                required: ExtendedKeyPurpose::ServerAuth,
                presented: vec![
                    ExtendedKeyPurpose::ClientAuth,
                    ExtendedKeyPurpose::Other(vec![1, 3, 6]),
                    ExtendedKeyPurpose::Other(vec![usize::MAX; 5000]),
                ],
            },
            TLS_REASON_CERTIFICATE_WRONG_USAGE,
        ),
        (InvalidOcspResponse, TLS_REASON_CERTIFICATE_OCSP),
        (ApplicationVerificationFailure, TLS_REASON_CERTIFICATE_REFUSED),
        (
            Other(OtherError::new(webpki::Error::UnsupportedCriticalExtension)),
            TLS_REASON_CERTIFICATE_UNSUPPORTED,
        ),
        (Other(OtherError::new(std::fmt::Error)), TLS_REASON_CERTIFICATE_OTHER),
    ]
}

fn every_other_verdict() -> Vec<(webpki::Error, i32)> {
    use webpki::Error::*;
    vec![
        (BadDer, TLS_REASON_CERTIFICATE_MALFORMED),
        (BadDerTime, TLS_REASON_CERTIFICATE_MALFORMED),
        (CaUsedAsEndEntity, TLS_REASON_CERTIFICATE_IS_CA),
        (EmptyEkuExtension, TLS_REASON_CERTIFICATE_MALFORMED),
        (EndEntityUsedAsCa, TLS_REASON_CERTIFICATE_ISSUER_NOT_CA),
        (ExtensionValueInvalid, TLS_REASON_CERTIFICATE_MALFORMED),
        (InvalidCertValidity, TLS_REASON_CERTIFICATE_MALFORMED),
        (InvalidCrlNumber, TLS_REASON_CRL_UNSUPPORTED),
        (InvalidNetworkMaskConstraint, TLS_REASON_CERTIFICATE_MALFORMED),
        (InvalidSerialNumber, TLS_REASON_CERTIFICATE_MALFORMED),
        (InvalidCrlSignatureForPublicKey, TLS_REASON_CRL_BAD_SIGNATURE),
        (IssuerNotCrlSigner, TLS_REASON_CRL_ISSUER_UNFIT),
        (MalformedDnsIdentifier, TLS_REASON_CERTIFICATE_MALFORMED),
        (MalformedExtensions, TLS_REASON_CERTIFICATE_MALFORMED),
        (MalformedNameConstraint, TLS_REASON_CERTIFICATE_MALFORMED),
        (MaximumNameConstraintComparisonsExceeded, TLS_REASON_CERTIFICATE_TOO_COMPLEX),
        (MaximumPathBuildCallsExceeded, TLS_REASON_CERTIFICATE_TOO_COMPLEX),
        (MaximumPathDepthExceeded, TLS_REASON_CERTIFICATE_TOO_COMPLEX),
        (MaximumSignatureChecksExceeded, TLS_REASON_CERTIFICATE_TOO_COMPLEX),
        (NameConstraintViolation, TLS_REASON_CERTIFICATE_NAME_CONSTRAINT),
        (PathLenConstraintViolated, TLS_REASON_CERTIFICATE_PATH_LENGTH),
        (SignatureAlgorithmMismatch, TLS_REASON_CERTIFICATE_ALGORITHMS_DIFFER),
        (UnsupportedCertVersion, TLS_REASON_CERTIFICATE_VERSION),
        (UnsupportedCriticalExtension, TLS_REASON_CERTIFICATE_UNSUPPORTED),
        (UnsupportedCrlIssuingDistributionPoint, TLS_REASON_CRL_UNSUPPORTED),
        (UnsupportedCrlVersion, TLS_REASON_CRL_UNSUPPORTED),
        (UnsupportedDeltaCrl, TLS_REASON_CRL_UNSUPPORTED),
        (UnsupportedIndirectCrl, TLS_REASON_CRL_UNSUPPORTED),
        (UnsupportedNameType, TLS_REASON_CERTIFICATE_WRONG_NAME),
        (UnsupportedRevocationReason, TLS_REASON_CRL_UNSUPPORTED),
        (UnsupportedRevocationReasonsPartitioning, TLS_REASON_CRL_UNSUPPORTED),
        (TrailingData(webpki::DerTypeId::SignedData), TLS_REASON_CERTIFICATE_MALFORMED),
    ]
}

/// How many of these errors share a reason, where more than one does.
fn shared(failures: impl Iterator<Item = Failure>) -> BTreeMap<i32, usize> {
    let mut counts = BTreeMap::new();
    failures.for_each(|failure| *counts.entry(failure.reason).or_default() += 1);
    counts.retain(|_, count| *count > 1);
    counts
}

#[test]
fn every_violation_has_a_reason_of_its_own() {
    let failures = || every_misbehaviour().into_iter().map(explained);
    assert!(failures().all(|failure| failure.reason != TLS_REASON_VIOLATION));
    // Those that break one rule in several messages.
    let expected = [
        (TLS_REASON_CERTIFICATE_EXTENSION, 2),
        (TLS_REASON_RETRY_SUITE_CHANGED, 2),
        (TLS_REASON_EXTENSION_DUPLICATE, 5),
        (TLS_REASON_SERVER_NAME_MALFORMED, 2),
        (TLS_REASON_MESSAGE_INTERLEAVED, 2),
        (TLS_REASON_RESUMPTION_EXTENDED_SECRET, 2),
        (TLS_REASON_EXTENSION_NOT_OFFERED, 2),
        (TLS_REASON_QUIC, 2),
    ];
    assert_eq!(shared(failures()), expected.into());
}

#[test]
fn every_malformed_message_has_a_reason_of_its_own() {
    let failures = || every_malformation().into_iter().map(explained);
    assert!(failures().all(|failure| failure.reason != TLS_REASON_MALFORMED));
    let expected = [
        (TLS_REASON_NOT_TLS, 2),
        (TLS_REASON_HANDSHAKE_TOO_LARGE, 2),
        (TLS_REASON_FIELD_CUT_OFF, 2),
        (TLS_REASON_FIELD_TRAILING, 2),
        (TLS_REASON_LIST_EMPTY, 3),
    ];
    assert_eq!(shared(failures()), expected.into());
    let message = explained(InvalidMessage::MissingData("NamedGroup")).message;
    assert_eq!(&*message, "the peer sent a malformed message: a message ends inside a field (named group)");
}

#[test]
fn everything_that_is_not_in_common_has_a_reason_of_its_own() {
    let failures = || every_incompatibility().into_iter().map(explained);
    assert!(failures().all(|failure| failure.reason != TLS_REASON_NO_COMMON_FEATURE));
    let expected = [
        (TLS_REASON_NO_COMMON_VERSION, 6),
        (TLS_REASON_NO_COMMON_SIGNATURE, 2),
        (TLS_REASON_NO_COMMON_POINT_FORMAT, 3),
        (TLS_REASON_NO_COMMON_CERTIFICATE_TYPE, 2),
    ];
    assert_eq!(shared(failures()), expected.into());
}

#[test]
fn every_certificate_error_has_its_reason() {
    for (error, reason) in every_certificate_error() {
        let failure = explained(error);
        assert_eq!((failure.status, failure.reason), (TLS_ERR_CERTIFICATE, reason), "{}", failure.message);
    }
    for (verdict, reason) in every_other_verdict() {
        let failure = explained(CertificateError::Other(OtherError::new(verdict)));
        assert_eq!((failure.status, failure.reason), (TLS_ERR_CERTIFICATE, reason), "{}", failure.message);
    }
    let own = explained(CertificateError::Other(OtherError::new(webpki::Error::CaUsedAsEndEntity)));
    assert!(own.message.contains("openssl req -x509"), "{}", own.message);
}

#[test]
fn what_the_peer_presented_is_escaped_and_short() {
    let presented =
        vec!["a\r\nb".into(), "\u{1b}c".into(), "\u{ff}".into(), "\u{20ac}".into(), "c, d".into()];
    let failure = explained(CertificateError::NotValidForNameContext { expected: name("x.test"), presented });
    assert_eq!(
        &*failure.message,
        r"the peer's certificate is not for x.test, but for a\0D\0Ab, \1Bc, \FF, \E2\82\AC, c\2C d"
    );
}

#[test]
fn the_remaining_errors_have_words_too() {
    let context = ApiMisuse::NonceArraySizeMismatch { expected: 1, actual: 2 };
    for error in [
        Error::DecryptError,
        Error::EncryptError,
        Error::UnsupportedNameType,
        Error::General("InnerThing { secret: 1 }".into()),
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::PeerSentOversizedRecord,
        Error::NoApplicationProtocol,
        Error::NoSuitableCertificate,
        Error::BadMaxFragmentSize,
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
        Error::Unreachable("ThisAndThat"),
        Error::ApiMisuse(context),
        Error::ApiMisuse(ApiMisuse::ExporterNotAvailable),
        Error::ApiMisuse(ApiMisuse::WriteAfterSendPathClosed),
        Error::Other(OtherError::new(std::fmt::Error)),
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::SniRequired),
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::InvalidConfigList),
        Error::InvalidCertRevocationList(CertRevocationListError::IssuerInvalidForCrl),
    ] {
        explained(error);
    }
    for number in 0..=255 {
        let got = ContentType(number);
        explained(Error::InappropriateMessage { expect_types: vec![got, ContentType::Alert], got_type: got });
        let got = HandshakeType(number);
        explained(Error::InappropriateHandshakeMessage { expect_types: vec![], got_type: got });
        let expect_types = vec![got, HandshakeType::Finished];
        explained(Error::InappropriateHandshakeMessage { expect_types, got_type: got });
    }
}

#[test]
fn every_alert_has_words() {
    for number in 0..=255 {
        let failure = explain(&Error::AlertReceived(AlertDescription(number)));
        assert_eq!(failure.alert_received, Some(number));
        assert!(
            failure.message.starts_with(&format!("fatal alert {number}: the peer ")),
            "{}",
            failure.message
        );
        if !failure.message.contains("unknown alert") {
            check_words(&failure);
        }
    }
}
