//! Trust anchors from PEM text and from the system.

use std::{env, fs};

use pki_types::CertificateDer;
use rustls_native_certs::ErrorKind;

use crate::engine::TrustStore;
use crate::failure::Failure;
use crate::parse::pem;
use crate::status::{TLS_ERR_IO, TLS_REASON_SYSTEM_TRUST_UNAVAILABLE};

/// Adds every certificate of `text`. All or nothing: after an error the store is as it was.
pub(crate) fn add_pem(store: &mut TrustStore, text: &[u8]) -> Result<(), Failure> {
    let mut extended = store.clone();
    for (index, certificate) in pem::certificates(text)?.iter().enumerate() {
        extended.add(certificate, &format!("certificate {} of the PEM text", index + 1))?;
    }
    *store = extended;
    Ok(())
}

/// Adds every certificate of `text` that can be an anchor, and says how many were passed over; none at all is an
/// error, that of the first one.
pub(crate) fn add_bundle(store: &mut TrustStore, text: &[u8]) -> (usize, Result<(), Failure>) {
    let (certificates, unreadable) = match pem::usable_certificates(text) {
        Ok(found) => found,
        Err(failure) => return (0, Err(failure)),
    };
    let added = store.add_usable(&certificates);
    let passed_over = unreadable + certificates.len() - added;
    let result = if added > 0 { Ok(()) } else { Err(why_none(text)) };
    (passed_over, result)
}

/// What keeps a bundle without a single anchor from being added whole.
fn why_none(text: &[u8]) -> Failure {
    let whole = add_pem(&mut TrustStore::default(), text);
    whole.err().unwrap_or_else(|| Failure::unexpected("a bundle has anchors, and none was added"))
}

/// Adds the system's trust anchors. Single ones that cannot be anchors are passed over, as every
/// system store holds some; none at all is an error.
pub(crate) fn add_system(store: &mut TrustStore) -> Result<(), Failure> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut certificates = loaded.certs;
    certificates.extend(in_named_file());
    certificates.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
    certificates.dedup();
    if store.add_usable(&certificates) > 0 {
        return Ok(());
    }
    let why = match loaded.errors.first().map(|error| &error.kind) {
        None => "it is empty (on Debian: apt-get install ca-certificates)".into(),
        Some(ErrorKind::Io { inner, .. }) => inner.kind().to_string(),
        // SSL_CERT_FILE can name any file, a key too: nothing of it is shown.
        Some(ErrorKind::Pem(_)) => "a file in it is no PEM text of certificates".into(),
        Some(_) => "the system does not give it out".into(),
    };
    Err(Failure::new(
        TLS_ERR_IO,
        TLS_REASON_SYSTEM_TRUST_UNAVAILABLE,
        format!("no certificate could be loaded from the system's trust store: {why}"),
    ))
}

/// The certificates in the file that takes the place of the system's store. Whoever reads that store drops what
/// follows a byte-order mark, or stands behind another certificate without a line end, and does not say so.
fn in_named_file() -> Vec<CertificateDer<'static>> {
    let text = env::var_os("SSL_CERT_FILE").and_then(|path| fs::read(path).ok());
    let found = text.and_then(|text| pem::usable_certificates(&text).ok());
    found.map_or_else(Vec::new, |(certificates, _)| certificates)
}
