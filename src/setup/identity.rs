//! A certificate chain and the key that belongs to it.

use pki_types::CertificateDer;

use crate::engine::{Credential, subject_and_issuer};
use crate::failure::Failure;
use crate::parse::pem;

/// Parses chain and key, and puts the chain into the order that TLS asks for (RFC 8446, 4.4.2): the
/// certificate of the key first, then each issuer in turn.
pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Credential, Failure> {
    let mut credential = Credential::new(pem::certificates(chain)?, pem::private_key(key)?)?;
    let own = credential.chain().iter().position(|certificate| credential.certified_by(certificate));
    // Without a match the order stays as it is, and making a context reports the mismatch.
    if let Some(own) = own {
        credential.reorder(|chain| *chain = in_order(std::mem::take(chain), own));
    }
    Ok(credential)
}

/// Parses a chain whose key is elsewhere. With no key to tell which certificate is the own one, that one
/// comes first; the rest may be in any order.
pub(crate) fn external_from_pem(chain: &[u8]) -> Result<Credential, Failure> {
    Credential::external(in_order(pem::certificates(chain)?, 0))
}

/// `chain` with the certificate at `own` first, each followed by its issuer as long as one is
/// there; the rest follows in its old order.
fn in_order(mut chain: Vec<CertificateDer<'static>>, own: usize) -> Vec<CertificateDer<'static>> {
    let mut ordered = vec![chain.remove(own)];
    while let Some(position) = issuer_position(&ordered[ordered.len() - 1], &chain) {
        ordered.push(chain.remove(position));
    }
    ordered.append(&mut chain);
    ordered
}

fn issuer_position(certificate: &CertificateDer<'_>, candidates: &[CertificateDer<'_>]) -> Option<usize> {
    let (subject, issuer) = subject_and_issuer(certificate)?;
    if subject == issuer {
        return None;
    }
    candidates.iter().position(|candidate| {
        subject_and_issuer(candidate).is_some_and(|(candidate_subject, _)| candidate_subject == issuer)
    })
}
