//! Which of a context's identities is presented to a peer.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use pki_types::CertificateDer;
use rustls::DistinguishedName;
use rustls::client::{ClientCredentialResolver, CredentialRequest};
use rustls::crypto::{Credentials, SelectedCredential, SignatureScheme};
use rustls::enums::CertificateType;
use rustls::error::{Error, PeerIncompatible};
use rustls::server::{ClientHello, ServerCredentialResolver};

use super::store::{Credential, subject_and_issuer};
use crate::failure::Failure;

thread_local! {
    /// Which identity was presented by the run of the engine that is going on, from 1; 0 for none, or for one
    /// whose number is too large. None, if nobody wants to know.
    static PRESENTED: Cell<Option<u16>> = const { Cell::new(None) };
}

/// Runs the engine, and says which identity was presented meanwhile, if that is `wanted`. rustls tells nobody.
pub(super) fn note<R>(wanted: bool, run: impl FnOnce() -> R) -> (R, u16) {
    PRESENTED.set(wanted.then_some(0));
    let result = run();
    (result, PRESENTED.take().unwrap_or(0))
}

/// Whether the run of the engine that is going on, on this thread, wants to know.
fn is_noting() -> bool {
    PRESENTED.get().is_some()
}

/// The identities of a context, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    all: Vec<Loaded>,
    /// Whole names, to the indices of the identities that are for them.
    exact: HashMap<String, Vec<usize>>,
    /// Whether they are certificates or a raw public key.
    types: &'static [CertificateType],
    /// What follows the asterisk and the dot of names like `*.example.com`, to the same.
    wildcard: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Loaded {
    credentials: Credentials,
    /// Who issued the certificates of the chain.
    issuers: Vec<DistinguishedName>,
}

impl Identities {
    /// `schemes` are those that the keys sign in, in order of preference; none for all. `shallow` if they sign where
    /// the stack is not deep.
    pub(super) fn load(recipe: &[Credential], schemes: &[u16], shallow: bool) -> Result<Self, Failure> {
        let mut identities = Self { types: &[CertificateType::X509], ..Self::default() };
        if recipe.iter().any(Credential::is_raw) {
            identities.types = &[CertificateType::RawPublicKey];
        }
        for (index, credential) in recipe.iter().enumerate() {
            let credentials = credential.load(schemes, shallow).map_err(|failure| match recipe.len() {
                1 => failure,
                _ => Failure {
                    message: format!("identity {}: {}", index + 1, failure.message).into(),
                    ..failure
                },
            })?;
            let chain = credential.chain();
            if let Some(own) = chain.first() {
                identities.learn_names(own, index);
            }
            let issuers = chain.iter().filter_map(subject_and_issuer);
            let issuers = issuers.map(|(_, issuer)| DistinguishedName::in_sequence(&issuer)).collect();
            identities.all.push(Loaded { credentials, issuers });
        }
        Ok(identities)
    }

    fn learn_names(&mut self, certificate: &CertificateDer<'_>, index: usize) {
        let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return };
        for name in parsed.valid_dns_names() {
            let name = name.to_ascii_lowercase();
            let (table, key) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.wildcard, parent.to_owned()),
                None => (&mut self.exact, name),
            };
            let indices = table.entry(key).or_default();
            if indices.last() != Some(&index) {
                indices.push(index);
            }
        }
    }

    /// The identities that are for `name`: those that name it first, then those with an asterisk in place
    /// of its first label (RFC 9525, 6.3).
    fn named(&self, name: &str) -> impl Iterator<Item = usize> {
        let exact = self.exact.get(name);
        let wildcard = name.split_once('.').and_then(|(_, parent)| self.wildcard.get(parent));
        exact.into_iter().chain(wildcard).flatten().copied()
    }

    /// The first that was issued by one of `authorities` and whose key can sign in one of `schemes`, or else the
    /// first whose key can; None if no such is of the type, since a server that takes no raw keys gets none.
    pub(super) fn for_server(
        &self,
        certificate_type: CertificateType,
        authorities: &[DistinguishedName],
        schemes: &[SignatureScheme],
    ) -> Option<SelectedCredential> {
        if !self.types.contains(&certificate_type) {
            return None;
        }
        let wanted = |&index: &usize| self.all[index].issuers.iter().any(|name| authorities.contains(name));
        let any = 0..self.all.len();
        self.first_usable(any.clone().filter(wanted).chain(any), schemes)
    }

    /// The first of `candidates` whose key can sign in one of `schemes`.
    fn first_usable(
        &self,
        mut candidates: impl Iterator<Item = usize>,
        schemes: &[SignatureScheme],
    ) -> Option<SelectedCredential> {
        candidates.find_map(|index| {
            let selected = self.all[index].credentials.signer(schemes)?;
            if is_noting() {
                PRESENTED.set(Some(u16::try_from(index + 1).unwrap_or(0)));
            }
            Some(selected)
        })
    }
}

impl ServerCredentialResolver for Identities {
    fn resolve(&self, hello: &ClientHello<'_>) -> Result<SelectedCredential, Error> {
        let schemes = hello.signature_schemes();
        let name = hello.server_name().map(|name| name.as_ref().to_ascii_lowercase());
        let mut named = name.iter().flat_map(|name| self.named(name)).peekable();
        // A certificate for another name would be refused: then it is better to say what is missing.
        let selected = if named.peek().is_some() {
            self.first_usable(named, schemes)
        } else {
            self.first_usable(0..self.all.len(), schemes)
        };
        selected.ok_or(PeerIncompatible::NoSignatureSchemesInCommon.into())
    }

    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        self.types
    }
}

impl ClientCredentialResolver for Identities {
    fn resolve(&self, request: &CredentialRequest<'_>) -> Option<SelectedCredential> {
        self.for_server(request.negotiated_type(), request.root_hint_subjects(), request.signature_schemes())
    }

    /// Certificates too, after raw keys: a server that asks for nothing says nothing, and means them.
    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        if self.types == [CertificateType::RawPublicKey] {
            &[CertificateType::RawPublicKey, CertificateType::X509]
        } else {
            self.types
        }
    }

    fn hash_config(&self, hasher: &mut dyn Hasher) {
        let mut bytes = HashedBytes(hasher);
        self.all.iter().for_each(|loaded| loaded.credentials.hash(&mut bytes));
    }
}

/// `Hash` wants a hasher of known size.
struct HashedBytes<'a>(&'a mut dyn Hasher);

impl Hasher for HashedBytes<'_> {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}
