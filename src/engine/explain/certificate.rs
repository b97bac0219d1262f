//! Certificates that were not accepted, and what a person can do about it.

use std::borrow::Cow;
use std::error::Error as _;

use pki_types::ServerName;
use rustls::error::{CertificateError, ExtendedKeyPurpose};
use webpki::Error as Verdict;

use super::super::refusal::Refusal;
use super::spelled::spelled;
use crate::foreign::listed;
use crate::status::*;

pub(super) fn certificate(why: &CertificateError) -> (i32, String) {
    use CertificateError::*;
    match why {
        NotValidForName => (
            TLS_REASON_CERTIFICATE_WRONG_NAME,
            "the peer's certificate is for other names than the one that was asked for".into(),
        ),
        NotValidForNameContext { expected, presented } => {
            (TLS_REASON_CERTIFICATE_WRONG_NAME, wrong_name(expected, presented))
        }
        InvalidPurposeContext { required, presented } => {
            (TLS_REASON_CERTIFICATE_WRONG_USAGE, wrong_usage(required, presented))
        }
        Other(inner) => match Refusal::of(why) {
            Some(refusal) => (refusal.reason(), refusal.message().into()),
            None => {
                inner.source().and_then(|inner| inner.downcast_ref::<Verdict>()).map_or_else(unknown, verdict)
            }
        },
        other => at_a_time(other).unwrap_or_else(|| {
            let (reason, message) = known(other);
            (reason, message.into())
        }),
    }
}

/// Nothing is said of an error that is not known: it could say anything.
fn unknown() -> (i32, String) {
    (TLS_REASON_CERTIFICATE_OTHER, "the peer's certificate was not accepted".into())
}

/// What has to do with the clock.
fn at_a_time(why: &CertificateError) -> Option<(i32, String)> {
    use CertificateError::*;
    let (reason, what, now, bound) = match why {
        ExpiredContext { time, not_after } => (
            TLS_REASON_CERTIFICATE_EXPIRED,
            "the peer's certificate, or one of its chain, has expired",
            time,
            not_after,
        ),
        NotValidYetContext { time, not_before } => (
            TLS_REASON_CERTIFICATE_NOT_YET_VALID,
            "the peer's certificate, or one of its chain, is not valid yet",
            time,
            not_before,
        ),
        ExpiredRevocationListContext { time, next_update } => (
            TLS_REASON_CRL_EXPIRED,
            "the CRL of an issuer in the peer's chain has expired",
            time,
            next_update,
        ),
        _ => return None,
    };
    let (now, bound) = (now.as_secs(), bound.as_secs());
    let (word, apart) = if now < bound { ("in", bound - now) } else { ("for", now - bound) };
    let remedy = match reason {
        TLS_REASON_CRL_EXPIRED => "get a new one",
        TLS_REASON_CERTIFICATE_EXPIRED => "the peer has to renew it, or the clock here is wrong",
        _ => "the clock here is wrong, or the peer's certificate was made for later",
    };
    Some((
        reason,
        format!("{what} ({word} {}: {bound}, now {now} in Unix seconds): {remedy}", duration(apart)),
    ))
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=180 => format!("{seconds} seconds"),
        181..=10_800 => format!("{} minutes", seconds / 60),
        10_801..=259_200 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Each letter of a presented name is a byte of the certificate.
fn wrong_name(expected: &ServerName<'_>, presented: &[String]) -> String {
    let asked = expected.to_str();
    if presented.is_empty() {
        return format!(
            "the peer's certificate is not for {asked}: it names no server in its subjectAltName (a common name does \
             not count)"
        );
    }
    let names = presented.iter().map(|name| Cow::Owned(bytes(name)));
    format!("the peer's certificate is not for {asked}, but for {}", listed(names))
}

fn bytes(name: &str) -> Vec<u8> {
    name.chars()
        .flat_map(|letter| {
            let mut utf8 = [0; 4];
            match u8::try_from(u32::from(letter)) {
                Ok(byte) => vec![byte],
                Err(_) => letter.encode_utf8(&mut utf8).as_bytes().to_vec(),
            }
        })
        .collect()
}

fn wrong_usage(required: &ExtendedKeyPurpose, presented: &[ExtendedKeyPurpose]) -> String {
    let has = if presented.is_empty() {
        "nothing that is known here".into()
    } else {
        listed(presented.iter().map(|purpose| Cow::Owned(usage(purpose).into_bytes())))
    };
    format!(
        "a certificate of the peer's chain is not for {}, but for {has} (extended key usage): the peer needs another one",
        usage(required)
    )
}

fn usage(purpose: &ExtendedKeyPurpose) -> String {
    match purpose {
        ExtendedKeyPurpose::ServerAuth => "servers".into(),
        ExtendedKeyPurpose::ClientAuth => "clients".into(),
        ExtendedKeyPurpose::Other(oid) => {
            oid.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join(".")
        }
        _ => "another purpose".into(),
    }
}

fn known(why: &CertificateError) -> (i32, &'static str) {
    use CertificateError::*;
    match why {
        BadEncoding => {
            (TLS_REASON_CERTIFICATE_MALFORMED, "a certificate of the peer's chain cannot be parsed")
        }
        Expired => (
            TLS_REASON_CERTIFICATE_EXPIRED,
            "a certificate of the peer's chain has expired, or its validity ends before it begins",
        ),
        NotValidYet => {
            (TLS_REASON_CERTIFICATE_NOT_YET_VALID, "a certificate of the peer's chain is not valid yet")
        }
        Revoked => (
            TLS_REASON_CERTIFICATE_REVOKED,
            "the peer's certificate, or one of its chain, was revoked by its issuer",
        ),
        UnhandledCriticalExtension => (
            TLS_REASON_CERTIFICATE_UNSUPPORTED,
            "a certificate of the peer's chain has a critical extension that is not known here, such as certificate \
             policies: it has to be issued without, or the extension must not be critical",
        ),
        UnknownIssuer => (
            TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER,
            "no chain leads from the peer's certificate to a trust anchor: add the issuing CA \
             (tls_builder_trust_pem), or have the peer send its intermediate certificates",
        ),
        UnknownRevocationStatus => (
            TLS_REASON_CERTIFICATE_STATUS_UNKNOWN,
            "no CRL says whether a certificate of the peer's chain was revoked: add that of its issuer \
             (tls_builder_crl), or allow unknown status (tls_builder_revocation)",
        ),
        ExpiredRevocationList => {
            (TLS_REASON_CRL_EXPIRED, "the CRL of an issuer in the peer's chain has expired: get a new one")
        }
        BadSignature => (
            TLS_REASON_CERTIFICATE_BAD_SIGNATURE,
            "a signature in the peer's certificate chain or handshake does not verify",
        ),
        UnsupportedSignatureAlgorithm { .. } | UnsupportedSignatureAlgorithmForPublicKey { .. } => (
            TLS_REASON_CERTIFICATE_UNSUPPORTED,
            "a certificate of the peer's chain has a key, or is signed with an algorithm, that is not accepted (such \
             as SHA-1)",
        ),
        InvalidPurpose => (
            TLS_REASON_CERTIFICATE_WRONG_USAGE,
            "a certificate of the peer's chain may not be used for this role (extended key usage)",
        ),
        InvalidOcspResponse => (
            TLS_REASON_CERTIFICATE_OCSP,
            "the OCSP response that the peer stapled is not a valid one for its certificate",
        ),
        ApplicationVerificationFailure => {
            (TLS_REASON_CERTIFICATE_REFUSED, "the host rejected the peer's identity")
        }
        // One of a newer engine.
        _ => (TLS_REASON_CERTIFICATE_OTHER, "the peer's certificate was not accepted"),
    }
}

/// What the verifier of chains found and the engine has no word for.
fn verdict(why: &Verdict) -> (i32, String) {
    use Verdict::*;
    let (reason, message) = match why {
        CaUsedAsEndEntity => (
            TLS_REASON_CERTIFICATE_IS_CA,
            "the peer's own certificate is a CA certificate (basicConstraints CA:TRUE, as openssl req -x509 makes \
             them): have it issued with CA:FALSE, or trust it as itself (tls_builder_trust_peer_pem)",
        ),
        EndEntityUsedAsCa => (
            TLS_REASON_CERTIFICATE_ISSUER_NOT_CA,
            "a certificate of the peer's chain was issued by one that is no CA certificate (basicConstraints \
             CA:FALSE, or none)",
        ),
        NameConstraintViolation => (
            TLS_REASON_CERTIFICATE_NAME_CONSTRAINT,
            "a CA of the peer's chain may not issue certificates for the names in the peer's (name constraints)",
        ),
        PathLenConstraintViolated => (
            TLS_REASON_CERTIFICATE_PATH_LENGTH,
            "the peer's chain has more intermediate CAs than one of its CAs allows (path length constraint)",
        ),
        MaximumNameConstraintComparisonsExceeded
        | MaximumPathBuildCallsExceeded
        | MaximumPathDepthExceeded
        | MaximumSignatureChecksExceeded => (
            TLS_REASON_CERTIFICATE_TOO_COMPLEX,
            "the peer's chain is too long or too complex to be judged: it needs fewer certificates",
        ),
        UnsupportedCertVersion => (
            TLS_REASON_CERTIFICATE_VERSION,
            "a certificate of the peer's chain is not of version 3: it has to be issued anew",
        ),
        SignatureAlgorithmMismatch => (
            TLS_REASON_CERTIFICATE_ALGORITHMS_DIFFER,
            "a certificate of the peer's chain names one signature algorithm inside and another one outside",
        ),
        UnsupportedCriticalExtension => return certificate(&CertificateError::UnhandledCriticalExtension),
        UnsupportedNameType => (
            TLS_REASON_CERTIFICATE_WRONG_NAME,
            "the name that was asked for is of a kind that no certificate can have",
        ),
        other => return verdict_on_lists(other).unwrap_or_else(|| verdict_on_form(other)),
    };
    (reason, message.into())
}

fn verdict_on_lists(why: &Verdict) -> Option<(i32, String)> {
    use Verdict::*;
    let (reason, message) = match why {
        InvalidCrlSignatureForPublicKey => (
            TLS_REASON_CRL_BAD_SIGNATURE,
            "the signature of a CRL does not verify by the key of its issuer in the peer's chain: get the CRL anew",
        ),
        IssuerNotCrlSigner => (
            TLS_REASON_CRL_ISSUER_UNFIT,
            "the issuer of a CRL may not sign CRLs (its keyUsage lacks cRLSign)",
        ),
        UnsupportedCrlSignatureAlgorithm(_) | UnsupportedCrlSignatureAlgorithmForPublicKey(_) => (
            TLS_REASON_CRL_UNSUPPORTED,
            "a CRL is signed with an algorithm that is not accepted (such as SHA-1)",
        ),
        UnsupportedCrlVersion
        | UnsupportedDeltaCrl
        | UnsupportedIndirectCrl
        | UnsupportedRevocationReason
        | UnsupportedRevocationReasonsPartitioning
        | UnsupportedCrlIssuingDistributionPoint => (
            TLS_REASON_CRL_UNSUPPORTED,
            "a CRL is of a form that is not supported (delta, indirect, split by reasons, or not of version 2)",
        ),
        InvalidCrlNumber => (TLS_REASON_CRL_UNSUPPORTED, "the number of a CRL is malformed"),
        _ => return None,
    };
    Some((reason, message.into()))
}

fn verdict_on_form(why: &Verdict) -> (i32, String) {
    use Verdict::*;
    let what = match why {
        BadDer => "it is not DER",
        BadDerTime => "a time in it is not valid DER",
        TrailingData(_) => "bytes follow the end of a field",
        EmptyEkuExtension => "its extended key usage is empty",
        ExtensionValueInvalid | MalformedExtensions => "its extensions are malformed",
        InvalidCertValidity => "its validity ends before it begins",
        InvalidNetworkMaskConstraint | MalformedNameConstraint => "its name constraints are malformed",
        InvalidSerialNumber => "its serial number is not a positive number of up to 20 bytes",
        MalformedDnsIdentifier => "a DNS name in it is malformed",
        // One of a newer verifier.
        other => {
            let words = spelled(
                &format!("{other:?}")
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric())
                    .collect::<String>(),
            );
            return (
                TLS_REASON_CERTIFICATE_OTHER,
                format!("the peer's certificate was not accepted: {words}"),
            );
        }
    };
    (
        TLS_REASON_CERTIFICATE_MALFORMED,
        format!("a certificate of the peer's chain is malformed: {what}; it has to be issued anew"),
    )
}
