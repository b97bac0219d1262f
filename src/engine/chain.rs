//! Whether an identity is right.

use std::cell::Cell;
use std::hash::Hasher;
use std::sync::Arc;

use pki_types::{
    CertificateDer, ServerName, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, TrustAnchor,
    UnixTime,
};
use rustls::crypto::{CertificateIdentity, Identity};
use rustls::enums::CertificateType;
use rustls::error::{ApiMisuse, CertificateError, Error, ExtendedKeyPurpose, InvalidMessage, OtherError};
use webpki::{
    CertRevocationList, EndEntityCert, RevocationOptions, RevocationOptionsBuilder, VerifiedPath,
    spki_for_anchor,
};

use super::anchors::{Anchor, TrustStore};
use super::chain_checks::{ChainChecks, Crl, Pin, pinned};
use super::digest::digest_of;
use super::keys;
use super::paths::{Found, Link, Paths};
use super::price::price_of;
use super::recipe::Verify;
use super::refusal::Refusal;
use super::signatures::{Meter, Metered};
use super::trusted_peers::{Usage, judge_alone, judge_leaf};
use crate::failure::Failure;
use crate::parse::certificate::server_names;
use crate::parse::x509::Certificate;
use crate::status::TLS_REASON_NO_CRL;

/// How an identity is judged. The peer's proof that it has the key is always checked.
#[derive(Debug)]
pub(super) struct Chain {
    anchors: Arc<[Anchor]>,
    checks: ChainChecks,
    /// Any chain is right, as long as its own key is pinned if there are pins. Other keys of the
    /// chain count for nothing: nobody has verified that they belong to it.
    anything: bool,
    /// The host decides, and these rules only where it says so.
    asks: bool,
    /// A server may have any name.
    any_name: bool,
    /// Of all the above: sessions are resumed only under the rules that they were made under.
    digest: [u8; 32],
}

/// Whose identity is judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer<'a> {
    /// None if no name is asked of it.
    Server(Option<&'a ServerName<'a>>),
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
    pub(super) fn new(trust: &TrustStore, verify: Verify, checks: &ChainChecks) -> Result<Self, Failure> {
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
        let anchors = trust.anchors();
        let digest = digest_of((&*anchors, checks, anything, any_name));
        Ok(Self { anchors, checks: checks.clone(), anything, asks: verify == Verify::Ask, any_name, digest })
    }

    /// What peers may show.
    pub(super) fn types(&self) -> &'static [CertificateType] {
        match self.checks.raw_keys.is_empty() {
            true => &[CertificateType::X509],
            false => &[CertificateType::RawPublicKey],
        }
    }

    /// Whether a server has to prove a name.
    pub(super) fn asks_name(&self) -> bool {
        !self.anything && !self.asks && !self.any_name && self.checks.raw_keys.is_empty()
    }

    /// As of the time of these rules, or else of this one.
    pub(super) fn judge(&self, identity: &Identity<'_>, peer: Peer<'_>, now: UnixTime) -> Result<(), Error> {
        self.judge_at(identity, peer, self.checks.time.unwrap_or(now))
    }

    /// As of this time.
    pub(super) fn judge_at(
        &self,
        identity: &Identity<'_>,
        peer: Peer<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        match identity {
            Identity::X509(certificates) if self.anything => self.judge_own_key(&certificates.end_entity),
            Identity::X509(_) if !self.checks.raw_keys.is_empty() => {
                Err(CertificateError::UnknownIssuer.into())
            }
            Identity::X509(certificates) if self.checks.peers.contains(&certificates.end_entity) => {
                self.judge_known(&certificates.end_entity, peer, now)
            }
            Identity::X509(_) if self.anchors.is_empty() => Err(CertificateError::UnknownIssuer.into()),
            Identity::X509(certificates) => self.judge_chain(certificates, peer, now),
            Identity::RawPublicKey(key) => {
                check_raw_key(key)?;
                self.judge_raw_key(key.as_ref())
            }
            _ => Err(ApiMisuse::UnverifiableCertificateType.into()),
        }
    }

    /// Whether a session that was `made` then goes on with a peer that showed these certificates, its own first, when it
    /// was accepted. What time has changed is looked at again, and nothing else.
    pub(super) fn holds(&self, certificates: &[&[u8]], usage: Usage, made: u64, now: UnixTime) -> bool {
        let Some((own, others)) = certificates.split_first() else { return true };
        let by_rules = !self.anything && !self.asks;
        let then = if by_rules { self.checks.time.unwrap_or(now) } else { now };
        let has_new_crl = by_rules
            && self.checks.time.is_none()
            && self.checks.crls.iter().any(|crl| !crl.is_issued(made) && crl.is_issued(now.as_secs()));
        if !has_new_crl && self.are_valid(certificates, by_rules, then.as_secs()) {
            return true;
        }
        let certificate = |der: &[u8]| CertificateDer::from(der.to_vec());
        let others = others.iter().map(|der| certificate(der)).collect();
        let identity = Identity::X509(CertificateIdentity::new(certificate(own), others));
        let peer = match usage {
            Usage::Server => Peer::Server(None),
            Usage::Client => Peer::Client,
        };
        by_rules && self.judge(&identity, peer, now).is_ok()
    }

    /// Whether all is valid at this time that can be a part of a path from such certificates.
    fn are_valid(&self, certificates: &[&[u8]], by_rules: bool, now: u64) -> bool {
        let ours = self.checks.intermediates.iter().map(|certificate| certificate.as_ref());
        let all = certificates.iter().copied().chain(ours.filter(|_| by_rules));
        let allows_expired = self.checks.revocation.unwrap_or_default().allow_expired;
        let is_valid = |der: &[u8]| {
            Certificate::read(der).is_ok_and(|read| {
                let anchors =
                    self.anchors.iter().filter(|anchor| by_rules && anchor.subject() == read.issuer);
                read.validity.contains(now)
                    && anchors.map(Anchor::validity).all(|anchor| anchor.contains(now))
            })
        };
        all.into_iter().all(is_valid)
            && (!by_rules || allows_expired || self.checks.crls.iter().all(|crl| crl.is_current(now)))
    }

    pub(super) fn hash_config(&self, hasher: &mut dyn Hasher) {
        hasher.write(&self.digest);
    }

    fn judge_own_key(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        if self.checks.pins.is_empty() {
            return Ok(());
        }
        let key =
            Certificate::key_alone(certificate).map_err(|_| Error::from(CertificateError::BadEncoding))?;
        self.check_pins(key)
    }

    /// Of a peer whose certificate the host has, no chain is asked.
    fn judge_known(
        &self,
        certificate: &CertificateDer<'_>,
        peer: Peer<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let own = EndEntityCert::try_from(certificate).map_err(error)?;
        judge_alone(&own, certificate, peer.usage(), now).map_err(error)?;
        let key = own.subject_public_key_info();
        keys::check(key.as_ref())?;
        self.check_pins(key.as_ref())?;
        self.judge_name(&own, certificate, peer)
    }

    fn judge_name(
        &self,
        own: &EndEntityCert<'_>,
        certificate: &CertificateDer<'_>,
        peer: Peer<'_>,
    ) -> Result<(), Error> {
        match peer {
            Peer::Server(Some(name)) if !self.any_name => {
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
        if pins.is_empty() || pinned(pins, key) { Ok(()) } else { Err(Refusal::NotPinned.into()) }
    }

    fn judge_chain(
        &self,
        certificates: &CertificateIdentity<'_>,
        peer: Peer<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let own = EndEntityCert::try_from(&certificates.end_entity).map_err(error)?;
        let read = Certificate::read(&certificates.end_entity)
            .map_err(|_| Error::from(CertificateError::BadEncoding))?;
        judge_leaf(&own, peer.usage(), now).map_err(error)?;
        keys::check(read.key)?;
        // A key usage that cannot be read allows nothing.
        if !read.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.shakes_hands)) {
            return Err(Refusal::OwnUsage.into());
        }
        let meter = Meter::new();
        let algorithms = meter.algorithms();
        let trial = Trial { chain: self, own: &own, usage: peer.usage(), now, algorithms: &algorithms };
        let links = certificates.intermediates.iter().chain(&self.checks.intermediates);
        let names = read.names();
        let mut why = Error::from(CertificateError::UnknownIssuer);
        let mut passed_over = false;
        let mut paths = Paths::new(&read, links, &self.anchors);
        let found = paths.find(&mut |way| {
            if !meter.pay(price_of(names, way, &self.anchors)) {
                passed_over = true;
                return false;
            }
            match trial.judge(&way.links) {
                Ok(()) => true,
                Err(error) => {
                    if tells(&error) > tells(&why) {
                        why = error;
                    }
                    false
                }
            }
        });
        match found {
            Found::Right => self.judge_name(&own, &certificates.end_entity, peer),
            Found::TooMany => Err(Refusal::TooCostly.into()),
            Found::None if passed_over || meter.is_exhausted() => Err(Refusal::TooCostly.into()),
            Found::None if paths.is_cut() && tells(&why) < VERIFIED => Err(Refusal::TooLong.into()),
            Found::None => Err(why),
        }
    }
}

/// How much the failure of one path tells about that of the chain: a path whose signatures are right was meant.
fn tells(error: &Error) -> u8 {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => 0,
        Error::InvalidCertificate(CertificateError::BadSignature) => 1,
        _ => VERIFIED,
    }
}

/// Of a failure behind signatures that are right.
const VERIFIED: u8 = 2;

/// What the paths of one chain have in common.
struct Trial<'a> {
    chain: &'a Chain,
    own: &'a EndEntityCert<'a>,
    usage: Usage,
    now: UnixTime,
    algorithms: &'a [Metered<'a>],
}

impl Trial<'_> {
    /// Whether these certificates, from the peer's on, lead to an anchor.
    fn judge(&self, path: &[&Link<'_>]) -> Result<(), Error> {
        let issuer = path.last().map_or(self.own.issuer(), |last| last.read.issuer);
        if path.iter().any(|link| link.has_weak_key) {
            return Err(Refusal::WeakKey.into());
        }
        let anchors = self.anchors(path, issuer)?;
        let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
            self.algorithms.iter().map(|algorithm| algorithm as _).collect();
        let intermediates: Vec<_> = path.iter().map(|link| CertificateDer::from(link.der.as_ref())).collect();
        let crls: Vec<_> = self.chain.checks.crls_at(self.now).map(Crl::list).collect();
        let pins = &self.chain.checks.pins;
        // Of several anchors of one name, another one may have a pinned key.
        let unpinned_path = Cell::new(false);
        let has_pin = |path: &VerifiedPath<'_>| {
            if has_pin(pins, path) {
                return Ok(());
            }
            unpinned_path.set(true);
            Err(webpki::Error::UnknownIssuer)
        };
        self.own
            .verify_for_usage(
                &algorithms,
                &anchors,
                &intermediates,
                self.now,
                &self.usage.required(),
                self.revocation(&crls),
                if pins.is_empty() { None } else { Some(&has_pin) },
            )
            .map_err(|why| match why {
                webpki::Error::UnknownIssuer if unpinned_path.get() => Refusal::NotPinned.into(),
                other => error(other),
            })?;
        if !path.iter().all(|link| link.may_sign) {
            return Err(Refusal::IssuerUsage.into());
        }
        // The verifier is not asked where no list counts: it takes one at least.
        if crls.is_empty() && self.chain.checks.asks_for_crls() {
            return Err(CertificateError::UnknownRevocationStatus.into());
        }
        Ok(())
    }

    /// The anchors of this name that may end the path. If none of them may: what is wrong with the first.
    fn anchors(&self, path: &[&Link<'_>], name: &[u8]) -> Result<Vec<TrustAnchor<'_>>, Error> {
        let intermediates = path.iter().filter(|link| !link.read.is_self_issued()).count();
        let is_asked = path.is_empty() || !self.chain.checks.revocation.unwrap_or_default().end_entity_only;
        let signs_crls =
            is_asked && self.chain.checks.crls_at(self.now).any(|crl| crl.list().issuer() == name);
        let mut why = Error::from(CertificateError::UnknownIssuer);
        let mut fit = Vec::new();
        for anchor in self.chain.anchors.iter().filter(|anchor| anchor.subject() == name) {
            match anchor.check(intermediates, self.usage, self.now) {
                Ok(()) if signs_crls && !anchor.signs_crls() => why = Refusal::CrlIssuerUsage.into(),
                Ok(()) => fit.push(anchor.trust()),
                Err(refusal) => why = refusal.into(),
            }
        }
        if fit.is_empty() { Err(why) } else { Ok(fit) }
    }

    fn revocation<'c>(&self, crls: &'c [&'c CertRevocationList<'c>]) -> Option<RevocationOptions<'c>> {
        let policy = self.chain.checks.revocation.unwrap_or_default();
        let options = RevocationOptionsBuilder::new(crls).ok()?;
        Some(
            options
                .with_depth(policy.depth())
                .with_status_policy(policy.unknown())
                .with_expiration_policy(policy.expiration())
                .build(),
        )
    }
}

/// Whether a key of the verified path is pinned, that of the trust anchor included.
fn has_pin(pins: &[Pin], path: &VerifiedPath<'_>) -> bool {
    pinned(pins, path.end_entity().subject_public_key_info().as_ref())
        || path
            .intermediate_certificates()
            .any(|certificate| pinned(pins, certificate.subject_public_key_info().as_ref()))
        || pinned(pins, spki_for_anchor(path.anchor()).as_ref())
}

/// The engine's words for what the verifier found, which choose the alert.
pub(super) fn error(why: webpki::Error) -> Error {
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

/// A raw key that is none is a message that cannot be read, and not a bad certificate.
pub(super) fn check_raw_key(key: &SubjectPublicKeyInfoDer<'_>) -> Result<(), Error> {
    match webpki::RawPublicKeyEntity::try_from(key) {
        Ok(_) => Ok(()),
        Err(_) => Err(InvalidMessage::MissingData("SubjectPublicKeyInfo").into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::error::AlertDescription;

    use super::*;

    #[test]
    fn a_raw_key_that_is_none_cannot_be_read_whoever_is_trusted() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let known = SubjectPublicKeyInfoDer::from(vec![1; 44]);
        for verify in [Verify::Peer, Verify::DangerousNone] {
            let checks = ChainChecks { raw_keys: vec![known.clone()], ..ChainChecks::default() };
            let chain = Chain::new(&TrustStore::default(), verify, &checks).unwrap();
            for key in [vec![], vec![1; 44], vec![0x30, 0]] {
                let error = chain.judge(&Identity::RawPublicKey(key.into()), Peer::Client, now).unwrap_err();
                assert_eq!(AlertDescription::try_from(&error), Ok(AlertDescription::DecodeError));
            }
        }
    }
}
