//! Certificates and keys out of PEM text (RFC 7468), with errors that name what is wrong and where, and show
//! nothing of the text.

mod label;
mod sections;

use pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, SubjectPublicKeyInfoDer};

use zeroize::Zeroizing;

use self::label::Kind;
use self::sections::{Section, holds_boundary, sections};
use crate::failure::Failure;
use crate::parse::der::{Elements, SEQUENCE};
use crate::status::{
    TLS_REASON_CRL_UNUSABLE, TLS_REASON_KEY_ENCRYPTED, TLS_REASON_KEY_UNUSABLE, TLS_REASON_NO_CERTIFICATE,
    TLS_REASON_NO_KEY, TLS_REASON_PEM_MISPLACED, TLS_REASON_SEVERAL_KEYS,
};

/// All certificates in `text`, at least one. Keys, parameters and requests are passed over, as files may hold
/// them together.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let mut found = Vec::new();
    for section in sections(text)? {
        match section.label.kind {
            Kind::Certificate => found.push(section.decode()?.into()),
            Kind::TrustedCertificate => found.push(trusted_certificate(&section)?),
            Kind::Crl => return Err(misplaced(&section, "CRLs are given to tls_builder_crl()")),
            Kind::Container => return Err(container(&section)),
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(Failure::config(
            TLS_REASON_NO_CERTIFICATE,
            "no certificate found: a line -----BEGIN CERTIFICATE----- is expected",
        ));
    }
    Ok(found)
}

/// The certificates in `text` that can be read, and how many sections were not, of those that are or hold certificates
/// and those that take trust away.
/// What follows a section without an end cannot be told apart from it, and is an error.
pub(crate) fn usable_certificates(text: &[u8]) -> Result<(Vec<CertificateDer<'static>>, usize), Failure> {
    let mut found = Vec::new();
    let mut passed_over = 0;
    for section in sections(text)? {
        let certificate = match section.label.kind {
            Kind::Certificate => section.decode().map(CertificateDer::from).ok(),
            Kind::TrustedCertificate => trusted_certificate(&section).ok(),
            Kind::Container | Kind::Crl => None,
            _ => continue,
        };
        passed_over += usize::from(certificate.is_none());
        found.extend(certificate);
    }
    Ok((found, passed_over))
}

/// OpenSSL's form of a certificate with what it may be trusted for. That can be nothing at all: where it says
/// something, it is not left out.
fn trusted_certificate(section: &Section<'_>) -> Result<CertificateDer<'static>, Failure> {
    let der = section.decode()?;
    let mut elements = Elements::new(&der);
    let certificate = elements.expect(SEQUENCE);
    match (certificate, elements.end()) {
        (Ok(_), Err(_)) => Err(misplaced(
            section,
            "it says what OpenSSL is to trust the certificate for, which is not known here: write the certificate \
             alone (openssl x509)",
        )),
        // What is no certificate is found out where it is used.
        _ => Ok(der.into()),
    }
}

/// The private key in `text`: PKCS#8, PKCS#1 or SEC1. It may stand there twice, in the same form; two others are
/// refused, as nothing says which is meant.
pub(crate) fn private_key(text: &[u8]) -> Result<Zeroizing<PrivateKeyDer<'static>>, Failure> {
    let mut found: Option<Zeroizing<PrivateKeyDer<'static>>> = None;
    for section in sections(text)? {
        match section.label.kind {
            Kind::Key if !section.is_encrypted => {}
            Kind::Key | Kind::EncryptedKey => return Err(encrypted(&section)),
            Kind::ForeignKey => return Err(foreign_key(&section)),
            Kind::Container => return Err(container(&section)),
            _ => continue,
        }
        let der = section.decode()?;
        let key = Zeroizing::new(match section.label.text {
            "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(der.into()),
            "EC PRIVATE KEY" => PrivateKeyDer::Sec1(der.into()),
            _ => PrivateKeyDer::Pkcs8(der.into()),
        });
        if found.as_ref().is_some_and(|found| **found != *key) {
            return Err(Failure::config(
                TLS_REASON_SEVERAL_KEYS,
                format!(
                    "PEM text, line {}: a second private key, or the same one in another form, and one is expected",
                    section.line
                ),
            ));
        }
        found = Some(key);
    }
    found.ok_or_else(|| {
        Failure::config(
            TLS_REASON_NO_KEY,
            "no private key found: a line -----BEGIN PRIVATE KEY-----, -----BEGIN RSA PRIVATE KEY----- \
             or -----BEGIN EC PRIVATE KEY----- is expected",
        )
    })
}

/// All CRLs in `data`, at least one: a PEM text, or a single one in DER.
pub(crate) fn revocation_lists(data: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let is_binary = data.first() == Some(&SEQUENCE) && !holds_boundary(data);
    let found_sections = if is_binary { Vec::new() } else { sections(data)? };
    // Nothing in it is like PEM: what it is, the reader of DER says.
    if found_sections.is_empty() && !data.is_empty() {
        return Ok(vec![data.to_vec().into()]);
    }
    let mut found = Vec::new();
    for section in found_sections {
        match section.label.kind {
            Kind::Crl => found.push(section.decode()?.into()),
            Kind::Container => return Err(container(&section)),
            _ => {}
        }
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
    for section in sections(text)? {
        match section.label.kind {
            Kind::PublicKey => found.push(section.decode()?.into()),
            Kind::ForeignPublicKey => {
                let why =
                    "it is no subject public key info (openssl rsa -RSAPublicKey_in -pubout writes one)";
                return Err(misplaced(&section, why));
            }
            Kind::Container => return Err(container(&section)),
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(Failure::config(
            TLS_REASON_NO_KEY,
            "no public key found: a line -----BEGIN PUBLIC KEY----- is expected",
        ));
    }
    Ok(found)
}

fn encrypted(section: &Section<'_>) -> Failure {
    Failure::config(
        TLS_REASON_KEY_ENCRYPTED,
        format!(
            "PEM text, line {}: the private key is encrypted: decrypt it first (for example: openssl pkey -in key.pem)",
            section.line
        ),
    )
}

fn foreign_key(section: &Section<'_>) -> Failure {
    Failure::config(
        TLS_REASON_KEY_UNUSABLE,
        format!(
            "PEM text, line {}: keys of the kind {} are not supported: PKCS#8 (PRIVATE KEY), RSA PRIVATE KEY and EC \
             PRIVATE KEY are",
            section.line, section.label.text
        ),
    )
}

fn container(section: &Section<'_>) -> Failure {
    misplaced(section, "what is inside is not looked for: write what is in it as sections of their own")
}

fn misplaced(section: &Section<'_>, why: &str) -> Failure {
    Failure::config(
        TLS_REASON_PEM_MISPLACED,
        format!("PEM text, line {}: a section {}: {why}", section.line, section.label.text),
    )
}

#[cfg(test)]
mod tests;
