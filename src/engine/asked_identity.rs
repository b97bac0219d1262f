//! The question about a client's identity: the host chooses it when the server asks for one.

use std::hash::Hasher;

use rustls::DistinguishedName;
use rustls::client::{ClientCredentialResolver, CredentialRequest};
use rustls::crypto::{SelectedCredential, SignatureScheme};
use rustls::enums::CertificateType;

use super::deep::DeepSigner;
use super::external_key::note_choice;
use super::handshake::IdentityRequest;
use super::identities::Identities;
use super::question::{Reply, Request, ask};

/// Stands in for the identities of a context that asks.
#[derive(Debug)]
pub(super) struct AskedIdentity;

impl ClientCredentialResolver for AskedIdentity {
    /// A refusal is no identity here: [`super::asking`] ends the handshake with its alert behind the step.
    fn resolve(&self, request: &CredentialRequest<'_>) -> Option<SelectedCredential> {
        match ask(Request::Identity(IdentityWanted::of(request))) {
            Ok(Reply::Identity(chosen)) => chosen,
            _ => None,
        }
    }

    fn supported_certificate_types(&self) -> &'static [CertificateType] {
        &[CertificateType::X509]
    }

    /// What the host will answer is not known when a session is looked for: the sessions of all answers are one
    /// context's.
    fn hash_config(&self, _: &mut dyn Hasher) {}
}

/// What the server asks for.
#[derive(Debug)]
pub(crate) struct IdentityWanted {
    certificate_type: CertificateType,
    authorities: Vec<DistinguishedName>,
    schemes: Vec<SignatureScheme>,
    /// The same as a list of TLS: two bytes each.
    scheme_list: Vec<u8>,
}

impl IdentityWanted {
    fn of(request: &CredentialRequest<'_>) -> Self {
        let schemes = request.signature_schemes().to_vec();
        Self {
            certificate_type: request.negotiated_type(),
            authorities: request.root_hint_subjects().to_vec(),
            scheme_list: schemes.iter().flat_map(|scheme| scheme.0.to_be_bytes()).collect(),
            schemes,
        }
    }

    pub(super) fn shown(&self) -> IdentityRequest<'_> {
        IdentityRequest {
            certificate_type: self.certificate_type.0,
            schemes: &self.scheme_list,
            wanted: self,
        }
    }

    /// The name of the authority at `index`, in DER.
    pub(crate) fn authority(&self, index: usize) -> Option<&[u8]> {
        self.authorities.get(index).map(|name| name.as_ref())
    }

    /// The one of `identities` that is the best answer, if any can be one, and whether its key is elsewhere.
    pub(super) fn choose(&self, identities: &Identities) -> Option<(SelectedCredential, bool)> {
        let (selected, elsewhere) =
            note_choice(|| identities.for_server(self.certificate_type, &self.authorities, &self.schemes));
        let mut selected = selected?;
        if !elsewhere {
            // Where it signs there may be no deep stack.
            selected.signer = Box::new(DeepSigner(selected.signer));
        }
        Some((selected, elsewhere))
    }
}

#[cfg(test)]
impl IdentityWanted {
    pub(super) fn example() -> Self {
        Self {
            certificate_type: CertificateType::X509,
            authorities: Vec::new(),
            schemes: Vec::new(),
            scheme_list: Vec::new(),
        }
    }
}
