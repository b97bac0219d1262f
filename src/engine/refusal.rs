//! Why a chain is refused by rules that are this library's, and not the verifier's.

use std::error::Error as _;
use std::fmt;

use rustls::error::{CertificateError, Error, OtherError};

use crate::status::*;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NotPinned,
    AnchorExpired,
    AnchorNotYetValid,
    AnchorPathLength,
    AnchorWrongUsage,
    /// keyUsage of an issuer is without keyCertSign.
    IssuerUsage,
    /// keyUsage of a CRL's issuer is without cRLSign.
    CrlIssuerUsage,
    /// Of the peer, of a CA in its chain, or of the anchor.
    WeakKey,
    /// The peer's own.
    UnsupportedKey,
    /// keyUsage of the peer's own certificate is of no use in a handshake.
    OwnUsage,
    TooCostly,
    /// A path went on behind the longest that are tried.
    TooLong,
}

impl Refusal {
    /// That which `why` carries, if it is one of these.
    pub(super) fn of(why: &CertificateError) -> Option<Self> {
        match why {
            CertificateError::Other(inner) => inner.source()?.downcast_ref().copied(),
            _ => None,
        }
    }

    pub(super) fn reason(self) -> i32 {
        match self {
            Self::NotPinned => TLS_REASON_CERTIFICATE_NOT_PINNED,
            Self::AnchorExpired => TLS_REASON_ANCHOR_EXPIRED,
            Self::AnchorNotYetValid => TLS_REASON_ANCHOR_NOT_YET_VALID,
            Self::AnchorPathLength => TLS_REASON_CERTIFICATE_PATH_LENGTH,
            Self::AnchorWrongUsage => TLS_REASON_ANCHOR_WRONG_USAGE,
            Self::IssuerUsage => TLS_REASON_ISSUER_WRONG_USAGE,
            Self::CrlIssuerUsage => TLS_REASON_CRL_ISSUER_UNFIT,
            Self::WeakKey => TLS_REASON_CERTIFICATE_WEAK_KEY,
            Self::UnsupportedKey => TLS_REASON_CERTIFICATE_UNSUPPORTED,
            Self::OwnUsage => TLS_REASON_CERTIFICATE_WRONG_USAGE,
            Self::TooCostly | Self::TooLong => TLS_REASON_CERTIFICATE_TOO_COMPLEX,
        }
    }

    /// A sentence for people.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::NotPinned => "no key of the peer's chain is one of the pinned ones",
            Self::AnchorExpired => {
                "the trust anchor that the peer's chain leads to has expired: give the CA's new certificate \
                 (tls_builder_trust_pem)"
            }
            Self::AnchorNotYetValid => "the trust anchor that the peer's chain leads to is not valid yet",
            Self::AnchorPathLength => {
                "the peer's chain has more intermediate CAs than the trust anchor allows (pathLenConstraint)"
            }
            Self::AnchorWrongUsage => {
                "the trust anchor that the peer's chain leads to is not for this role (extendedKeyUsage)"
            }
            Self::IssuerUsage => {
                "the certificate of an issuer in the peer's chain does not let it sign certificates (keyUsage without \
                 keyCertSign)"
            }
            Self::CrlIssuerUsage => {
                "the certificate of a CRL's issuer does not let it sign CRLs (keyUsage without cRLSign)"
            }
            Self::WeakKey => {
                "a key of the peer, or of a CA of its chain, is too weak: RSA keys have 2048 bits at least"
            }
            Self::UnsupportedKey => {
                "the key in the peer's certificate is of a kind that is not accepted, such as one for RSASSA-PSS alone, or \
                 on another curve than P-256, P-384, P-521 and Ed25519"
            }
            Self::OwnUsage => {
                "the peer's own certificate is not for handshakes: its keyUsage has none of digitalSignature, \
                 keyEncipherment and keyAgreement"
            }
            Self::TooCostly => {
                "the peer's certificates allow so many chains, or have so many names and constraints on names, that \
                 judging them would cost too much: have the peer send those of one chain alone"
            }
            Self::TooLong => {
                "the peer's chain is longer than those that are tried: more than six intermediate CAs, or more than \
                 three of one name"
            }
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        CertificateError::Other(OtherError::new(refusal)).into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.message())
    }
}

impl std::error::Error for Refusal {}
