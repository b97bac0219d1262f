//! Whether the chain of an identity is right.

use std::cell::Cell;
use std::error::Error as _;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::RootCertStore;
use rustls::crypto::{CertificateIdentity, Identity};
use rustls::error::{ApiMisuse, CertificateError, Error, ExtendedKeyPurpose, OtherError};
use rustls_aws_lc_rs::ALL_VERIFICATION_ALGS;
use webpki::{EndEntityCert, ExtendedKeyUsage, RevocationOptionsBuilder, VerifiedPath, spki_for_anchor};

use super::checks::{Checks, pinned};
use super::store::TrustStore;
use crate::failure::Failure;
use crate::status::TLS_REASON_NO_CRL;

/// How the chain of an identity is judged. The peer's proof that it has the key is always checked.
#[derive(Debug)]
pub(super) enum Chain {
    /// By chain, time, usage and (for servers) name.
    Anchored(Rules),
    /// There are no trust anchors: no chain can be right.
    Unanchored,
    /// Any chain is right, as long as its own key is pinned if there are pins. Other keys of the
    /// chain count for nothing: nobody has verified that they belong to it.
    Anything(Checks),
}

/// What a right chain is.
#[derive(Debug)]
pub(super) struct Rules {
    roots: Arc<RootCertStore>,
    checks: Checks,
}

/// Whose identity is judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer<'a> {
    Server(&'a ServerName<'a>),
    Client,
}

impl Chain {
    pub(super) fn new(trust: &TrustStore, anything: bool, checks: &Checks) -> Result<Self, Failure> {
        if anything {
            return Ok(Self::Anything(checks.clone()));
        }
        if checks.crls.is_empty() && checks.revocation.is_some_and(|policy| !policy.allow_unknown) {
            return Err(Failure::config(
                TLS_REASON_NO_CRL,
                "a revocation policy that refuses unknown status was set, but no CRL: every certificate would be \
                 refused (tls_builder_crl, TLS_REVOCATION_ALLOW_UNKNOWN)",
            ));
        }
        if trust.is_empty() {
            return Ok(Self::Unanchored);
        }
        Ok(Self::Anchored(Rules { roots: trust.roots(), checks: checks.clone() }))
    }

    pub(super) fn judge(&self, identity: &Identity<'_>, peer: Peer<'_>, now: UnixTime) -> Result<(), Error> {
        let Identity::X509(certificates) = identity else {
            return Err(ApiMisuse::UnverifiableCertificateType.into());
        };
        match self {
            Self::Anchored(rules) => rules.judge(certificates, peer, now),
            Self::Unanchored => Err(CertificateError::UnknownIssuer.into()),
            Self::Anything(checks) if checks.pins.is_empty() => Ok(()),
            Self::Anything(checks) => {
                let own = EndEntityCert::try_from(&certificates.end_entity).map_err(error)?;
                match pinned(&checks.pins, own.subject_public_key_info().as_ref()) {
                    true => Ok(()),
                    false => Err(not_pinned()),
                }
            }
        }
    }

    /// Sessions are resumed only under the rules that they were made under.
    pub(super) fn hash_config(&self, mut hasher: &mut dyn Hasher) {
        match self {
            Self::Anchored(rules) => {
                rules.roots.hash(&mut hasher);
                rules.checks.hash(&mut hasher);
            }
            Self::Unanchored => 1u8.hash(&mut hasher),
            Self::Anything(checks) => {
                2u8.hash(&mut hasher);
                checks.hash(&mut hasher);
            }
        }
    }
}

impl Rules {
    fn judge(
        &self,
        certificates: &CertificateIdentity<'_>,
        peer: Peer<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let own = EndEntityCert::try_from(&certificates.end_entity).map_err(error)?;
        let intermediates = self.intermediates(certificates);
        let crls: Vec<_> = self.checks.crls.iter().map(|crl| crl.list()).collect();
        let policy = self.checks.revocation.unwrap_or_default();
        let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|options| {
            options
                .with_depth(policy.depth())
                .with_status_policy(policy.unknown())
                .with_expiration_policy(policy.expiration())
                .build()
        });
        // A path without a pinned key is no reason to stop: another path may have one.
        let unpinned_path = Cell::new(false);
        let has_pin = |path: &VerifiedPath<'_>| {
            if self.has_pin(path) {
                return Ok(());
            }
            unpinned_path.set(true);
            Err(webpki::Error::UnknownIssuer)
        };
        let usage = match peer {
            Peer::Server(_) => ExtendedKeyUsage::server_auth(),
            Peer::Client => ExtendedKeyUsage::client_auth(),
        };
        own.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.roots.roots,
            intermediates.as_deref().unwrap_or(&certificates.intermediates),
            self.checks.time.unwrap_or(now),
            &usage,
            revocation,
            if self.checks.pins.is_empty() { None } else { Some(&has_pin) },
        )
        .map_err(|why| match why {
            webpki::Error::UnknownIssuer if unpinned_path.get() => not_pinned(),
            other => error(other),
        })?;
        match peer {
            Peer::Server(name) => own.verify_is_valid_for_subject_name(name).map_err(error),
            Peer::Client => Ok(()),
        }
    }

    /// Those of the peer and ours, where there are some of ours.
    fn intermediates<'a>(
        &'a self,
        certificates: &'a CertificateIdentity<'_>,
    ) -> Option<Vec<CertificateDer<'a>>> {
        let ours = &self.checks.intermediates;
        let all = || certificates.intermediates.iter().chain(ours);
        (!ours.is_empty())
            .then(|| all().map(|certificate| CertificateDer::from(certificate.as_ref())).collect())
    }

    /// Whether a key of the verified path is pinned, that of the trust anchor included.
    fn has_pin(&self, path: &VerifiedPath<'_>) -> bool {
        let pins = &self.checks.pins;
        pinned(pins, path.end_entity().subject_public_key_info().as_ref())
            || path
                .intermediate_certificates()
                .any(|certificate| pinned(pins, certificate.subject_public_key_info().as_ref()))
            || pinned(pins, spki_for_anchor(path.anchor()).as_ref())
    }
}

/// The engine's words for what the verifier found, which choose the alert.
fn error(why: webpki::Error) -> Error {
    use webpki::Error::*;
    match why {
        BadDer | BadDerTime | TrailingData(_) => CertificateError::BadEncoding,
        CertNotValidYet { time, not_before } => CertificateError::NotValidYetContext { time, not_before },
        CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        InvalidCertValidity => CertificateError::Expired,
        UnknownIssuer => CertificateError::UnknownIssuer,
        CertNotValidForName(names) => {
            CertificateError::NotValidForNameContext { expected: names.expected, presented: names.presented }
        }
        CertRevoked => CertificateError::Revoked,
        UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        CrlExpired { time, next_update } => {
            CertificateError::ExpiredRevocationListContext { time, next_update }
        }
        InvalidSignatureForPublicKey => CertificateError::BadSignature,
        UnsupportedSignatureAlgorithm(what) => CertificateError::UnsupportedSignatureAlgorithm {
            signature_algorithm_id: what.signature_algorithm_id,
            supported_algorithms: what.supported_algorithms,
        },
        UnsupportedSignatureAlgorithmForPublicKey(what) => {
            CertificateError::UnsupportedSignatureAlgorithmForPublicKey {
                signature_algorithm_id: what.signature_algorithm_id,
                public_key_algorithm_id: what.public_key_algorithm_id,
            }
        }
        RequiredEkuNotFound(what) => CertificateError::InvalidPurposeContext {
            required: purpose(what.required.oid_values().collect()),
            presented: what.present.into_iter().map(purpose).collect(),
        },
        other => CertificateError::Other(OtherError::new(other)),
    }
    .into()
}

fn purpose(oid: Vec<usize>) -> ExtendedKeyPurpose {
    match oid.as_slice() {
        [1, 3, 6, 1, 5, 5, 7, 3, 1] => ExtendedKeyPurpose::ServerAuth,
        [1, 3, 6, 1, 5, 5, 7, 3, 2] => ExtendedKeyPurpose::ClientAuth,
        _ => ExtendedKeyPurpose::Other(oid),
    }
}

/// Whether `why` is that no key is pinned.
pub(super) fn is_not_pinned(why: &CertificateError) -> bool {
    match why {
        CertificateError::Other(inner) => inner.source().is_some_and(|inner| inner.is::<NotPinned>()),
        _ => false,
    }
}

fn not_pinned() -> Error {
    CertificateError::Other(OtherError::new(NotPinned)).into()
}

/// No key of the chain is one of the pinned ones.
#[derive(Debug)]
struct NotPinned;

impl std::fmt::Display for NotPinned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no key of the chain is pinned")
    }
}

impl std::error::Error for NotPinned {}
