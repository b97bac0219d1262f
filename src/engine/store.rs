//! Certificates and keys in the engine's form.

use std::sync::Arc;

use pki_types::{CertificateDer, PrivateKeyDer};
use rustls::crypto::{Credentials, Identity, KeyProvider, SigningKey};
use rustls::error::Error;
use zeroize::Zeroizing;

use super::deep::DeepKey;
use super::external_key::ExternalKey;
use super::fault;
use super::schemes::restricted;
use crate::failure::Failure;
use crate::status::{TLS_REASON_CERTIFICATE_UNUSABLE, TLS_REASON_KEY_MISMATCH, TLS_REASON_KEY_UNUSABLE};

/// A certificate chain and its private key.
pub(crate) struct Credential {
    chain: Vec<CertificateDer<'static>>,
    /// None where the host signs.
    key: Option<Zeroizing<PrivateKeyDer<'static>>>,
    /// The subject public key info that belongs to `key`.
    public_key: Option<Vec<u8>>,
    /// What a server staples to the certificate (RFC 6066, 8).
    ocsp: Option<Arc<[u8]>>,
}

impl Credential {
    /// Parses the key; whether it belongs to the chain is found out by [`Self::load`].
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: Zeroizing<PrivateKeyDer<'static>>,
    ) -> Result<Self, Failure> {
        let public_key = parse_key(&key)?.public_key().map(|spki| spki.as_ref().to_vec());
        Ok(Self { chain, key: Some(key), public_key, ocsp: None })
    }

    /// A chain, its own certificate first, whose key is elsewhere.
    pub(crate) fn external(chain: Vec<CertificateDer<'static>>) -> Result<Self, Failure> {
        let credential = Self { chain, key: None, public_key: None, ocsp: None };
        credential.signing_key()?;
        Ok(credential)
    }

    /// Whether the key is elsewhere.
    pub(crate) fn is_external(&self) -> bool {
        self.key.is_none()
    }

    fn signing_key(&self) -> Result<Box<dyn SigningKey>, Failure> {
        match (&self.key, self.chain.first()) {
            (Some(key), _) => parse_key(key),
            (None, Some(certificate)) => Ok(Box::new(ExternalKey::of(certificate)?)),
            (None, None) => Err(Failure::unexpected("a chain without a certificate")),
        }
    }

    /// Whether the key is shown without a certificate (RFC 7250).
    pub(crate) fn is_raw(&self) -> bool {
        self.chain.is_empty()
    }

    /// The chain, as configured.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Sets what a server staples, or removes it.
    pub(crate) fn staple(&mut self, response: Option<Arc<[u8]>>) {
        self.ocsp = response;
    }

    /// How much of a handshake flight the chain and what is stapled to it take.
    pub(super) fn wire_bytes(&self) -> usize {
        let certificates = self.chain.iter().map(|certificate| certificate.len());
        certificates.chain(self.ocsp.as_ref().map(|response| response.len())).map(|length| length + 16).sum()
    }

    /// Puts the chain into another order.
    pub(crate) fn reorder(&mut self, order: impl FnOnce(&mut Vec<CertificateDer<'static>>)) {
        order(&mut self.chain);
    }

    /// Whether `certificate` certifies this key.
    pub(crate) fn certified_by(&self, certificate: &CertificateDer<'_>) -> bool {
        let parsed = webpki::EndEntityCert::try_from(certificate);
        match (parsed, &self.public_key) {
            (Ok(parsed), Some(own)) => parsed.subject_public_key_info().as_ref() == own,
            _ => false,
        }
    }

    /// The engine's form, if key and certificate belong together; `shallow` if its key signs where the stack is not
    /// deep.
    pub(super) fn load(&self, schemes: &[u16], shallow: bool) -> Result<Credentials, Failure> {
        let identity = match &self.public_key {
            Some(public) if self.is_raw() => Identity::RawPublicKey(public.clone().into()),
            _ => Identity::from_cert_chain(self.chain.clone())
                .map_err(|_| Failure::unexpected("a chain without a certificate"))?,
        };
        let mut key = self.signing_key()?;
        if shallow && !self.is_external() {
            key = Box::new(DeepKey(key));
        }
        let loaded = Credentials::new(Arc::new(identity), restricted(key, schemes)?);
        let mut credentials = loaded.map_err(|error| match error {
            Error::InconsistentKeys(_) => Failure::config(
                TLS_REASON_KEY_MISMATCH,
                "the private key does not belong to the certificate (or to any certificate of the chain)",
            ),
            other => Failure::config(
                TLS_REASON_CERTIFICATE_UNUSABLE,
                format!("the configured certificate cannot be used: {}", fault::of_presenting(&other)),
            ),
        })?;
        credentials.ocsp = self.ocsp.clone();
        Ok(credentials)
    }
}

fn parse_key(key: &PrivateKeyDer<'static>) -> Result<Box<dyn SigningKey>, Failure> {
    provider().load_private_key(key.clone_key()).map_err(|_| {
        let why = if is_for_pss_alone(key.secret_der()) {
            FOR_PSS_ALONE
        } else {
            "the private key is damaged, or not RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521), Ed25519 or ML-DSA"
        };
        Failure::config(TLS_REASON_KEY_UNUSABLE, why)
    })
}

/// What is wrong with such a key, and what to do.
pub(super) const FOR_PSS_ALONE: &str = "the key is an RSA key for RSASSA-PSS alone (id-RSASSA-PSS), which is not supported: \
     the same key as rsaEncryption signs by RSASSA-PSS in TLS 1.3 too";

/// Whether a private key (PKCS #8) or a public one (SubjectPublicKeyInfo) has the algorithm identifier id-RSASSA-PSS, which
/// stands near its beginning.
pub(super) fn is_for_pss_alone(der: &[u8]) -> bool {
    const ID_RSASSA_PSS: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    const BEGINNING: usize = 32;
    der[..der.len().min(BEGINNING)].windows(ID_RSASSA_PSS.len()).any(|part| part == ID_RSASSA_PSS)
}

fn provider() -> &'static dyn KeyProvider {
    rustls_aws_lc_rs::DEFAULT_KEY_PROVIDER
}

/// The raw subject and issuer names of a certificate, if it can be parsed.
pub(crate) fn subject_and_issuer(certificate: &CertificateDer<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    Some((parsed.subject().to_vec(), parsed.issuer().to_vec()))
}

/// Whether a certificate can be parsed, which is all that can be asked of one before a chain is built.
pub(crate) fn can_be_parsed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok()
}

#[cfg(test)]
mod tests {
    use pki_types::PrivatePkcs8KeyDer;

    use super::*;

    #[test]
    fn a_key_for_pss_alone_is_called_so() {
        let key = |last: u8| {
            let identifier = [0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last];
            let der = [&[0x30, 18, 2, 1, 0][..], &identifier, &[4, 0]].concat();
            Zeroizing::new(PrivateKeyDer::from(PrivatePkcs8KeyDer::from(der)))
        };
        let message = |last| Credential::new(Vec::new(), key(last)).err().unwrap().message;
        assert_eq!(&*message(10), FOR_PSS_ALONE);
        assert!(message(1).contains("damaged"));
    }
}
