//! What a context checks of a chain besides that it leads to a trust anchor.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use webpki::{CertRevocationList, ExpirationPolicy, OwnedCertRevocationList};
use webpki::{RevocationCheckDepth, UnknownStatusPolicy};

use super::digest::sha256;
use super::fault;
use crate::parse::der::{Element, Elements, SEQUENCE};
use crate::parse::x509::time;

/// Everything that the host can add to the rules of a chain.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChainChecks {
    pub crls: Vec<Crl>,
    /// `None` until the host sets a policy.
    pub revocation: Option<Revocation>,
    /// Certificates are judged as of this time instead of now.
    pub time: Option<UnixTime>,
    /// SHA-256 of subject public key infos, one of which must be in the verified chain.
    pub pins: Vec<Pin>,
    /// Certificates that a chain may use although the peer did not send them.
    pub intermediates: Vec<CertificateDer<'static>>,
    /// Subject public key infos of peers that show no certificate (RFC 7250). With at least one,
    /// all peers show none.
    pub raw_keys: Vec<SubjectPublicKeyInfoDer<'static>>,
    /// Certificates of peers themselves, which need no chain.
    pub peers: Vec<CertificateDer<'static>>,
}

/// What CRLs are asked for.
#[derive(Debug, Clone, Copy, Default, Hash)]
pub(crate) struct Revocation {
    pub allow_unknown: bool,
    pub end_entity_only: bool,
    pub allow_expired: bool,
}

impl ChainChecks {
    /// The CRLs that count at this time, the one that was issued last first.
    pub(super) fn crls_at(&self, now: UnixTime) -> impl Iterator<Item = &Crl> {
        self.crls.iter().filter(move |crl| crl.is_issued(now.as_secs()))
    }

    /// Whether a certificate of which no CRL says anything is refused.
    pub(super) fn asks_for_crls(&self) -> bool {
        !self.crls.is_empty() && !self.revocation.unwrap_or_default().allow_unknown
    }
}

impl Revocation {
    pub(super) fn depth(self) -> RevocationCheckDepth {
        if self.end_entity_only { RevocationCheckDepth::EndEntity } else { RevocationCheckDepth::Chain }
    }

    pub(super) fn unknown(self) -> UnknownStatusPolicy {
        if self.allow_unknown { UnknownStatusPolicy::Allow } else { UnknownStatusPolicy::Deny }
    }

    pub(super) fn expiration(self) -> ExpirationPolicy {
        if self.allow_expired { ExpirationPolicy::Ignore } else { ExpirationPolicy::Enforce }
    }
}

/// A certificate revocation list (RFC 5280, 5) that was parsed.
#[derive(Debug, Clone)]
pub(crate) struct Crl {
    list: Arc<CertRevocationList<'static>>,
    /// The time at which it was issued, in Unix seconds.
    from: u64,
    /// SHA-256 of its DER.
    digest: [u8; 32],
    /// The time of its next update, in Unix seconds.
    until: u64,
}

impl Crl {
    /// What is wrong with it otherwise.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, &'static str> {
        let list = OwnedCertRevocationList::from_der(der).map_err(|error| fault::of_crl(&error))?;
        let [issued, next] = times(der).ok_or("its times are malformed")?;
        let until = time(next).map_err(|_| "its time of next update is malformed")?;
        let from = time(issued).map_err(|_| "its time of issue is malformed")?;
        Ok(Self { list: Arc::new(list.into()), from, digest: sha256(der), until })
    }

    /// When it was issued, in Unix seconds.
    pub(crate) fn issued(&self) -> u64 {
        self.from
    }

    /// Whether it counts: one that is still to be issued says nothing about today.
    pub(super) fn is_issued(&self, now: u64) -> bool {
        self.from <= now
    }

    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether it is not past its next update.
    pub(super) fn is_current(&self, now: u64) -> bool {
        now <= self.until
    }

    pub(super) fn list(&self) -> &CertRevocationList<'static> {
        &self.list
    }
}

/// The thisUpdate and the nextUpdate time of a CRL, which the engine does not give out.
fn times(der: &[u8]) -> Option<[Element<'_>; 2]> {
    let mut list = Elements::new(der).expect(SEQUENCE).ok()?.elements();
    let mut signed = list.expect(SEQUENCE).ok()?.elements();
    for _version_algorithm_and_issuer in 0..3 {
        signed.any().ok()?;
    }
    Some([signed.any().ok()?, signed.any().ok()?])
}

/// SHA-256 of a subject public key info (RFC 7469, 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Pin(pub [u8; 32]);

impl Pin {
    /// Whether this is the pin of the key in `info`, in DER.
    fn is_of(&self, info: &[u8]) -> bool {
        sha256(info) == self.0
    }
}

/// Whether the key in `info` is one of `pins`.
pub(super) fn pinned(pins: &[Pin], info: &[u8]) -> bool {
    pins.iter().any(|pin| pin.is_of(info))
}

/// Sessions are resumed only under the checks that they were made under.
impl Hash for ChainChecks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.crls.iter().for_each(|crl| crl.digest.hash(state));
        self.revocation.hash(state);
        self.time.map(|time| time.as_secs()).hash(state);
        self.pins.hash(state);
        self.intermediates.hash(state);
        self.raw_keys.iter().for_each(|key| key.as_ref().hash(state));
        self.peers.hash(state);
    }
}
