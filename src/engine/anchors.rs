//! Trust anchors: certificates of CAs that the host trusts.
//!
//! The verifier takes a name, a key and constraints on names for an anchor. What else stands in its certificate is
//! kept beside them here, and asked when a chain has led to it.

use std::sync::Arc;

use pki_types::{CertificateDer, Der, TrustAnchor, UnixTime};
use rustls::DistinguishedName;
use webpki::anchor_from_trusted_cert;

use super::fault;
use super::keys::is_weak;
use super::refusal::Refusal;
use super::signatures::is_signed_by;
use super::trusted_peers::Usage;
use crate::failure::Failure;
use crate::parse::x509::{
    Amount, BasicConstraints, CLIENT_AUTH, Certificate, KeyUsage, SERVER_AUTH, Validity,
};
use crate::status::{TLS_REASON_ANCHOR_NOT_CA, TLS_REASON_CERTIFICATE_UNUSABLE};

/// One of them.
#[derive(Debug, Clone, Hash)]
pub(super) struct Anchor {
    trust: TrustAnchor<'static>,
    validity: Validity,
    /// The most intermediate CAs below it that are not issued by themselves.
    path_length: Option<usize>,
    for_servers: bool,
    for_clients: bool,
    signs_crls: bool,
    has_weak_key: bool,
    /// On names.
    constraints: Amount,
}

/// What a certificate must have to be an anchor: the number of the reason, and the rest of a sentence.
type Unfit = (i32, String);

/// Critical extensions of an anchor that are honoured, or that are about what is not asked of it: the names of its
/// subject, and policies (RFC 5280, 6.1.1 begins with those that the host sets, and it sets none).
const UNDERSTOOD: [&[u8]; 12] = [
    &[0x55, 0x1d, 0x0e], // subjectKeyIdentifier
    &[0x55, 0x1d, 0x0f], // keyUsage
    &[0x55, 0x1d, 0x11], // subjectAltName
    &[0x55, 0x1d, 0x12], // issuerAltName
    &[0x55, 0x1d, 0x13], // basicConstraints
    &[0x55, 0x1d, 0x1e], // nameConstraints
    &[0x55, 0x1d, 0x20], // certificatePolicies
    &[0x55, 0x1d, 0x21], // policyMappings
    &[0x55, 0x1d, 0x23], // authorityKeyIdentifier
    &[0x55, 0x1d, 0x24], // policyConstraints
    &[0x55, 0x1d, 0x25], // extendedKeyUsage
    &[0x55, 0x1d, 0x36], // inhibitAnyPolicy
];

impl Anchor {
    fn new(certificate: &CertificateDer<'_>) -> Result<Self, Unfit> {
        let unusable = |why: &str| (TLS_REASON_CERTIFICATE_UNUSABLE, why.to_owned());
        let malformed = |_| unusable("it cannot be parsed");
        let trust = anchor_from_trusted_cert(certificate)
            .map_err(|why| unusable(fault::of_parsing(&why)))?
            .to_owned();
        let read = Certificate::read(certificate).map_err(malformed)?;
        let constraints = read.basic_constraints().map_err(malformed)?;
        let key_usage = read.key_usage().map_err(malformed)?;
        check_is_ca(&read, constraints, key_usage)?;
        for extension in read.extensions() {
            let extension = extension.map_err(malformed)?;
            if extension.critical && !UNDERSTOOD.contains(&extension.oid) {
                return Err(unusable("it has a critical extension that is not known here"));
            }
        }
        Ok(Self {
            trust,
            validity: read.validity,
            path_length: constraints.and_then(|constraints| constraints.path_length),
            for_servers: read.allows(SERVER_AUTH).map_err(malformed)?,
            for_clients: read.allows(CLIENT_AUTH).map_err(malformed)?,
            signs_crls: key_usage.is_none_or(|usage| usage.signs_crls),
            has_weak_key: is_weak(read.key),
            constraints: read.constraints(),
        })
    }

    pub(super) fn subject(&self) -> &[u8] {
        &self.trust.subject
    }

    pub(super) fn validity(&self) -> Validity {
        self.validity
    }

    pub(super) fn signs_crls(&self) -> bool {
        self.signs_crls
    }

    pub(super) fn constraints(&self) -> Amount {
        self.constraints
    }

    /// What of the subject public key info is in its sequence.
    pub(super) fn key(&self) -> &[u8] {
        &self.trust.subject_public_key_info
    }

    /// As the verifier wants it.
    pub(super) fn trust(&self) -> TrustAnchor<'_> {
        TrustAnchor {
            subject: Der::from_slice(&self.trust.subject),
            subject_public_key_info: Der::from_slice(&self.trust.subject_public_key_info),
            name_constraints: self.trust.name_constraints.as_deref().map(Der::from_slice),
        }
    }

    /// Whether a chain with so many intermediate CAs, not issued by themselves, may end here.
    pub(super) fn check(&self, intermediates: usize, usage: Usage, now: UnixTime) -> Result<(), Refusal> {
        if now.as_secs() < self.validity.from {
            return Err(Refusal::AnchorNotYetValid);
        }
        if now.as_secs() > self.validity.until {
            return Err(Refusal::AnchorExpired);
        }
        if self.path_length.is_some_and(|most| intermediates > most) {
            return Err(Refusal::AnchorPathLength);
        }
        let allowed = match usage {
            Usage::Server => self.for_servers,
            Usage::Client => self.for_clients,
        };
        match allowed {
            false => Err(Refusal::AnchorWrongUsage),
            true if self.has_weak_key => Err(Refusal::WeakKey),
            true => Ok(()),
        }
    }

    /// All that decides: name, key, constraints on names, and the rest in 27 bytes.
    fn part(&self) -> [Vec<u8>; 4] {
        let most = self.path_length.map_or(u64::MAX, |most| most as u64);
        let mut rest = [self.validity.from, self.validity.until, most].map(u64::to_be_bytes).concat();
        rest.extend([self.for_servers, self.for_clients, self.signs_crls].map(u8::from));
        [
            self.trust.subject.to_vec(),
            self.trust.subject_public_key_info.to_vec(),
            self.trust.name_constraints.as_deref().unwrap_or_default().to_vec(),
            rest,
        ]
    }
}

fn check_is_ca(
    read: &Certificate<'_>,
    constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
) -> Result<(), Unfit> {
    let no_ca = |why: &str| {
        let way = "to trust a peer by its own certificate: tls_builder_trust_peer_pem";
        Err((TLS_REASON_ANCHOR_NOT_CA, format!("{why} ({way})")))
    };
    match constraints {
        Some(BasicConstraints { is_ca: true, .. }) => {}
        Some(_) => return no_ca("it is not that of a CA: its basicConstraints say so"),
        // Before version 3 there were no extensions: what issued itself is taken for a root by everybody.
        None if read.version < 3 && read.is_self_issued() && is_signed_by(read, read.key) => {}
        None => return no_ca("it is not that of a CA: it has no basicConstraints"),
    }
    match key_usage {
        Some(KeyUsage { signs_certificates: false, .. }) => {
            no_ca("its keyUsage does not let it sign certificates (keyCertSign)")
        }
        _ => Ok(()),
    }
}

/// Trust anchors, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustStore(Vec<Anchor>);

impl TrustStore {
    /// Adds one certificate as a trust anchor. The failure says why it is none, and how it is called in the text.
    pub(crate) fn add(&mut self, certificate: &CertificateDer<'_>, called: &str) -> Result<(), Failure> {
        let anchor = Anchor::new(certificate).map_err(|(reason, why)| {
            Failure::config(reason, format!("{called} cannot be a trust anchor: {why}"))
        })?;
        self.0.push(anchor);
        Ok(())
    }

    /// Adds those certificates that can be trust anchors, and says how many they were.
    pub(crate) fn add_usable(&mut self, certificates: &[CertificateDer<'_>]) -> usize {
        let before = self.0.len();
        self.0.extend(certificates.iter().filter_map(|certificate| Anchor::new(certificate).ok()));
        self.0.len() - before
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The subject names that a server sends as hints when it asks for a certificate.
    pub(super) fn hints(&self) -> Arc<[DistinguishedName]> {
        self.0.iter().map(|anchor| DistinguishedName::in_sequence(anchor.subject())).collect()
    }

    /// Bytes of these.
    pub(super) fn hint_bytes(&self) -> usize {
        self.hints().iter().map(|name| name.as_ref().len() + 2).sum()
    }

    pub(super) fn anchors(&self) -> Arc<[Anchor]> {
        self.0.as_slice().into()
    }

    /// What the anchors consist of.
    pub(super) fn parts(&self) -> Vec<[Vec<u8>; 4]> {
        self.0.iter().map(Anchor::part).collect()
    }
}
