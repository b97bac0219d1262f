//! What both sides do not have in common.

use rustls::error::PeerIncompatible;

use super::Words;
use super::spelled::spelled;
use crate::status::*;

pub(super) fn incompatible(why: PeerIncompatible) -> Words {
    let (reason, message) = words(why);
    (TLS_ERR_NO_COMMON, reason, message.into())
}

fn words(why: PeerIncompatible) -> (i32, std::borrow::Cow<'static, str>) {
    use PeerIncompatible::*;
    let (reason, message) = match why {
        ServerDoesNotSupportTls12Or13 => (
            TLS_REASON_NO_COMMON_VERSION,
            "no protocol version in common with the server: it has neither TLS 1.2 nor TLS 1.3",
        ),
        ServerTlsVersionIsDisabledByOurConfig => (
            TLS_REASON_NO_COMMON_VERSION,
            "no protocol version in common with the server: it chose one that this side does not allow \
             (tls_builder_versions)",
        ),
        SupportedVersionsExtensionRequired => (
            TLS_REASON_NO_COMMON_VERSION,
            "no protocol version in common with the client: it does not offer TLS 1.3, and this side allows nothing \
             else (tls_builder_versions)",
        ),
        Tls12NotOffered => (
            TLS_REASON_NO_COMMON_VERSION,
            "no protocol version in common with the client: it does not offer TLS 1.2",
        ),
        Tls12NotOfferedOrEnabled => (
            TLS_REASON_NO_COMMON_VERSION,
            "no protocol version in common with the client: neither TLS 1.2 nor TLS 1.3 is offered by it and allowed \
             by this side",
        ),
        Tls13RequiredForQuic => (
            TLS_REASON_NO_COMMON_VERSION,
            "no protocol version in common with the client: QUIC needs TLS 1.3",
        ),
        NoCipherSuitesInCommon => (
            TLS_REASON_NO_COMMON_SUITE,
            "no cipher suite in common with the peer (tls_builder_suites), or none that fits to a key that is \
             configured",
        ),
        NoKxGroupsInCommon => {
            (TLS_REASON_NO_COMMON_GROUP, "no key exchange group in common with the peer (tls_builder_groups)")
        }
        NoSignatureSchemesInCommon => (
            TLS_REASON_NO_COMMON_SIGNATURE,
            "the peer accepts no signature scheme that the configured key can use",
        ),
        NoCertificateRequestSignatureSchemesInCommon => (
            TLS_REASON_NO_COMMON_SIGNATURE,
            "the server asks for a certificate, and accepts no signature scheme that is known here",
        ),
        other => features(other),
    };
    match reason {
        TLS_REASON_NO_COMMON_FEATURE => (
            reason,
            format!("no required feature in common with the peer: {}", spelled(&format!("{why:?}"))).into(),
        ),
        TLS_REASON_NO_COMMON_CERTIFICATE_TYPE => {
            let number = match why {
                UnknownCertificateType(number) => format!(" (number {number})"),
                _ => String::new(),
            };
            (reason, format!("{message}{number}").into())
        }
        _ => (reason, message.into()),
    }
}

fn features(why: PeerIncompatible) -> (i32, &'static str) {
    use PeerIncompatible::*;
    match why {
        EcPointsExtensionRequired | NoEcPointFormatsInCommon | UncompressedEcPointsRequired => (
            TLS_REASON_NO_COMMON_POINT_FORMAT,
            "the peer does not take uncompressed points of elliptic curves, the only format there is here",
        ),
        ExtendedMainSecretExtensionRequired => (
            TLS_REASON_NO_EXTENDED_MASTER_SECRET,
            "the peer does not know extended_master_secret (RFC 7627), which is required",
        ),
        IncorrectCertificateTypeExtension | UnknownCertificateType(_) => (
            TLS_REASON_NO_COMMON_CERTIFICATE_TYPE,
            "no certificate type in common with the peer: one side wants X.509 certificates, the other has raw public \
             keys (RFC 7250)",
        ),
        UnsolicitedCertificateTypeExtension => (
            TLS_REASON_CERTIFICATE_TYPE_NOT_OFFERED,
            "the server selected a certificate type (RFC 7250) that was not offered",
        ),
        KeyShareExtensionRequired => {
            (TLS_REASON_NO_KEY_SHARE_EXTENSION, "the TLS 1.3 ClientHello has no key_share extension")
        }
        NamedGroupsExtensionRequired => {
            (TLS_REASON_NO_GROUPS_EXTENSION, "the ClientHello has no supported_groups extension")
        }
        SignatureAlgorithmsExtensionRequired => {
            (TLS_REASON_NO_SIGNATURES_EXTENSION, "the ClientHello has no signature_algorithms extension")
        }
        MultipleRawKeys => (
            TLS_REASON_TOO_MANY_RAW_KEYS,
            "the peer showed several raw public keys, where one stands alone (RFC 7250)",
        ),
        NoServerNameProvided => {
            (TLS_REASON_NO_SERVER_NAME, "the client sent no server name, and one is required")
        }
        NullCompressionRequired => {
            (TLS_REASON_NO_NULL_COMPRESSION, "the client does not offer the compression method null")
        }
        ServerSentHelloRetryRequestWithUnknownExtension => {
            (TLS_REASON_RETRY_EXTENSION, "the server's HelloRetryRequest has an extension that is not known")
        }
        // One of a newer engine.
        _ => (TLS_REASON_NO_COMMON_FEATURE, ""),
    }
}
