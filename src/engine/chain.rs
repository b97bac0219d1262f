//! Whether an identity is right.

use std::cell::Cell;
use std::error::Error as _;
use std::hash::Hasher;
use std::sync::Arc;

use pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::RootCertStore;
use rustls::crypto::{CertificateIdentity, Identity};
use rustls::enums::CertificateType;
use rustls::error::{ApiMisuse, CertificateError, Error, ExtendedKeyPurpose, InvalidMessage, OtherError};
use rustls_aws_lc_rs::ALL_VERIFICATION_ALGS;
use webpki::{EndEntityCert, RevocationOptionsBuilder, VerifiedPath, spki_for_anchor};

use super::checks::{Checks, digest_of, pinned};
use super::config::Verify;
use super::known::{Usage, judge_alone};
use super::store::TrustStore;
use crate::certificate::server_names;
use crate::failure::Failure;
use crate::status::TLS_REASON_NO_CRL;

/// How an identity is judged. The peer's proof that it has the key is always checked.
#[derive(Debug)]
pub(super) struct Chain {
    roots: Arc<RootCertStore>,
    checks: Checks,
    /// Any chain is right, as long as its own key is pinned if there are pins. Other keys of the
    /// chain count for nothing: nobody has verified that they belong to it.
    anything: bool,
    /// A server may have any name.
    any_name: bool,
    /// Of all the above: sessions are resumed only under the rules that they were made under.
    digest: [u8; 32],
}

/// Whose identity is judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer<'a> {
    Server(&'a ServerName<'a>),
    Client,
}

impl Peer<'_> {
    fn usage(self) -> Usage {
        match self {
            Peer::Server(_) => Usage::Server,
            Peer::Client => Usage::Client,
        }
    }
}

impl Chain {
    pub(super) fn new(trust: &TrustStore, verify: Verify, checks: &Checks) -> Result<Self, Failure> {
        let anything = verify == Verify::DangerousNone;
        let any_name = verify == Verify::AnyName;
        if !anything
            && checks.crls.is_empty()
            && checks.revocation.is_some_and(|policy| !policy.allow_unknown)
        {
            return Err(Failure::config(
                TLS_REASON_NO_CRL,
                "a revocation policy that refuses unknown status was set, but no CRL: every certificate would be \
                 refused (tls_builder_crl, TLS_REVOCATION_ALLOW_UNKNOWN)",
            ));
        }
        let roots = trust.roots();
        let digest = digest_of((&*roots, checks, anything, any_name));
        Ok(Self { roots, checks: checks.clone(), anything, any_name, digest })
    }

    /// What peers may show.
    pub(super) fn types(&self) -> &'static [CertificateType] {
        match self.checks.raw_keys.is_empty() {
            true => &[CertificateType::X509],
            false => &[CertificateType::RawPublicKey],
        }
    }

    pub(super) fn judge(&self, identity: &Identity<'_>, peer: Peer<'_>, now: UnixTime) -> Result<(), Error> {
        match identity {
            Identity::X509(certificates) if self.anything => self.judge_own_key(&certificates.end_entity),
            Identity::X509(_) if !self.checks.raw_keys.is_empty() => {
                Err(CertificateError::UnknownIssuer.into())
            }
            Identity::X509(certificates) if self.checks.peers.contains(&certificates.end_entity) => {
                self.judge_known(&certificates.end_entity, peer, now)
            }
            Identity::X509(_) if self.roots.is_empty() => Err(CertificateError::UnknownIssuer.into()),
            Identity::X509(certificates) => self.judge_chain(certificates, peer, now),
            Identity::RawPublicKey(key) => {
                check_raw_key(key)?;
                self.judge_raw_key(key.as_ref())
            }
            _ => Err(ApiMisuse::UnverifiableCertificateType.into()),
        }
    }

    pub(super) fn hash_config(&self, hasher: &mut dyn Hasher) {
        hasher.write(&self.digest);
    }

    fn judge_own_key(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        if self.checks.pins.is_empty() {
            return Ok(());
        }
        let own = EndEntityCert::try_from(certificate).map_err(error)?;
        self.check_pins(own.subject_public_key_info().as_ref())
    }

    /// Of a peer whose certificate the host has, no chain is asked.
    fn judge_known(
        &self,
        certificate: &CertificateDer<'_>,
        peer: Peer<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let own = EndEntityCert::try_from(certificate).map_err(error)?;
        judge_alone(&own, certificate, peer.usage(), self.checks.time.unwrap_or(now)).map_err(error)?;
        self.check_pins(own.subject_public_key_info().as_ref())?;
        self.judge_name(&own, certificate, peer)
    }

    fn judge_name(
        &self,
        own: &EndEntityCert<'_>,
        certificate: &CertificateDer<'_>,
        peer: Peer<'_>,
    ) -> Result<(), Error> {
        match peer {
            Peer::Server(name) if !self.any_name => {
                own.verify_is_valid_for_subject_name(name).map_err(|why| match why {
                    // The verifier's own list is in its own words, and has lost bytes that are not UTF-8.
                    webpki::Error::CertNotValidForName(_) => CertificateError::NotValidForNameContext {
                        expected: name.to_owned(),
                        presented: server_names(certificate),
                    }
                    .into(),
                    other => error(other),
                })
            }
            Peer::Server(_) | Peer::Client => Ok(()),
        }
    }

    fn judge_raw_key(&self, key: &[u8]) -> Result<(), Error> {
        if !self.anything && !self.checks.raw_keys.iter().any(|known| known.as_ref() == key) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        self.check_pins(key)
    }

    fn check_pins(&self, key: &[u8]) -> Result<(), Error> {
        let pins = &self.checks.pins;
        if pins.is_empty() || pinned(pins, key) { Ok(()) } else { Err(not_pinned()) }
    }

    fn judge_chain(
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
        own.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.roots.roots,
            intermediates.as_deref().unwrap_or(&certificates.intermediates),
            self.checks.time.unwrap_or(now),
            &peer.usage().required(),
            revocation,
            if self.checks.pins.is_empty() { None } else { Some(&has_pin) },
        )
        .map_err(|why| match why {
            webpki::Error::UnknownIssuer if unpinned_path.get() => not_pinned(),
            other => error(other),
        })?;
        self.judge_name(&own, &certificates.end_entity, peer)
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
        UnsupportedCriticalExtension => CertificateError::UnhandledCriticalExtension,
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
/// A raw key that is none is a message that cannot be read, and not a bad certificate.
pub(super) fn check_raw_key(key: &SubjectPublicKeyInfoDer<'_>) -> Result<(), Error> {
    match webpki::RawPublicKeyEntity::try_from(key) {
        Ok(_) => Ok(()),
        Err(_) => Err(InvalidMessage::MissingData("SubjectPublicKeyInfo").into()),
    }
}
