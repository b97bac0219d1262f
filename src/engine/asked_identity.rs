//! The question about a client's identity: the host chooses it when the server asks for one.

use std::hash::Hasher;

use rustls::client::{ClientCredentialResolver, CredentialRequest};
use rustls::crypto::SelectedCredential;
use rustls::enums::CertificateType;

use super::ask::ask;
use super::deep::DeepSigner;
use super::external_key::note_choice;
use super::identities::Identities;
use super::question::{Reply, Request};
use super::wanted::IdentityWanted;

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

impl IdentityWanted {
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
