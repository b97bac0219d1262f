//! Certificates and keys out of PEM text (RFC 7468), with errors that name what is wrong.

use pki_types::pem::{Error, PemObject};
use pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, SubjectPublicKeyInfoDer};

use crate::failure::Failure;
use crate::status::{
    TLS_REASON_CRL_UNUSABLE, TLS_REASON_KEY_ENCRYPTED, TLS_REASON_NO_CERTIFICATE, TLS_REASON_NO_KEY,
    TLS_REASON_PEM_MALFORMED,
};

/// All certificates in `text`, at least one. Sections of other kinds are passed over.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let mut found = Vec::new();
    for section in CertificateDer::pem_slice_iter(text) {
        let certificate = section.map_err(|error| malformed("certificate", found.len() + 1, &error))?;
        found.push(certificate);
    }
    if found.is_empty() {
        return Err(Failure::config(
            TLS_REASON_NO_CERTIFICATE,
            "no certificate found: a line -----BEGIN CERTIFICATE----- is expected",
        ));
    }
    Ok(found)
}

/// The first private key in `text`: PKCS#8, PKCS#1 or SEC1.
pub(crate) fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, Failure> {
    if contains(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || contains(text, b"Proc-Type: 4,ENCRYPTED") {
        return Err(Failure::config(
            TLS_REASON_KEY_ENCRYPTED,
            "the private key is encrypted: decrypt it first (for example: openssl pkey -in key.pem)",
        ));
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        Error::NoItemsFound => Failure::config(
            TLS_REASON_NO_KEY,
            "no private key found: a line -----BEGIN PRIVATE KEY-----, -----BEGIN RSA PRIVATE KEY----- \
             or -----BEGIN EC PRIVATE KEY----- is expected",
        ),
        other => malformed("private key", 1, &other),
    })
}

/// All CRLs in `data`, at least one: a PEM text, or a single one in DER.
pub(crate) fn revocation_lists(data: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    if !contains(data, b"-----BEGIN ") && !data.is_empty() {
        return Ok(vec![data.to_vec().into()]);
    }
    let mut found = Vec::new();
    for section in CertificateRevocationListDer::pem_slice_iter(data) {
        found.push(section.map_err(|error| malformed("CRL", found.len() + 1, &error))?);
    }
    if found.is_empty() {
        return Err(Failure::config(
            TLS_REASON_CRL_UNUSABLE,
            "no CRL found: DER, or a line -----BEGIN X509 CRL----- is expected",
        ));
    }
    Ok(found)
}

/// All public keys in `text`, at least one.
pub(crate) fn public_keys(text: &[u8]) -> Result<Vec<SubjectPublicKeyInfoDer<'static>>, Failure> {
    let mut found = Vec::new();
    for section in SubjectPublicKeyInfoDer::pem_slice_iter(text) {
        found.push(section.map_err(|error| malformed("public key", found.len() + 1, &error))?);
    }
    if found.is_empty() {
        return Err(Failure::config(
            TLS_REASON_NO_KEY,
            "no public key found: a line -----BEGIN PUBLIC KEY----- is expected",
        ));
    }
    Ok(found)
}

fn malformed(what: &str, number: usize, error: &Error) -> Failure {
    let why = match error {
        Error::MissingSectionEnd { end_marker } => {
            format!("it is cut off before its line {}", String::from_utf8_lossy(end_marker))
        }
        other => other.to_string(),
    };
    Failure::config(TLS_REASON_PEM_MALFORMED, format!("{what} {number} of the PEM text is malformed: {why}"))
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}
