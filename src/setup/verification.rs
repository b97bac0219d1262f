//! Verification as data: what the host can add to the rules by which a peer is judged.

use std::time::Duration;

use pki_types::{CertificateDer, UnixTime};

use super::builder::Builder;
use crate::engine::{Credential, Crl, Pin, Revocation, can_be_parsed};
use crate::failure::Failure;
use crate::parse::der::{BIT_STRING, CONTEXT_0, ENUMERATED, Elements, OCTET_STRING, OID, Offset, SEQUENCE};
use crate::parse::pem;
use crate::status::*;

impl Builder {
    /// Adds one CRL in DER, or all those of a PEM text.
    pub(crate) fn crl(&mut self, data: &[u8]) -> Result<(), Failure> {
        let mut added = Vec::new();
        for (index, der) in pem::revocation_lists(data)?.iter().enumerate() {
            added.push(Crl::from_der(der).map_err(|why| {
                let what = format!("CRL {} cannot be used: {why}", index + 1);
                Failure::config(TLS_REASON_CRL_UNUSABLE, what)
            })?);
        }
        let crls = &mut self.recipe.checks.crls;
        crls.append(&mut added);
        // The first one that speaks for a certificate is asked: that must be the newest.
        crls.sort_by_key(|crl| std::cmp::Reverse(crl.issued()));
        Ok(())
    }

    pub(crate) fn revocation(&mut self, policy: i32) -> Result<(), Failure> {
        const ALL: i32 =
            TLS_REVOCATION_ALLOW_UNKNOWN | TLS_REVOCATION_END_ENTITY_ONLY | TLS_REVOCATION_ALLOW_EXPIRED;
        if policy & !ALL != 0 {
            return Err(Failure::argument(format!("{policy} has bits that are no revocation policy")));
        }
        self.recipe.checks.revocation = Some(Revocation {
            allow_unknown: policy & TLS_REVOCATION_ALLOW_UNKNOWN != 0,
            end_entity_only: policy & TLS_REVOCATION_END_ENTITY_ONLY != 0,
            allow_expired: policy & TLS_REVOCATION_ALLOW_EXPIRED != 0,
        });
        Ok(())
    }

    pub(crate) fn verify_time(&mut self, seconds: i64) -> Result<(), Failure> {
        self.recipe.checks.time = unix_time(seconds)?;
        Ok(())
    }

    pub(crate) fn pin_sha256(&mut self, digest: &[u8]) -> Result<(), Failure> {
        let digest = digest.try_into().map_err(|_| {
            let what = format!("a pin is a SHA-256 digest of 32 bytes, not of {}", digest.len());
            Failure::config(TLS_REASON_PIN_MALFORMED, what)
        })?;
        self.recipe.checks.pins.push(Pin(digest));
        Ok(())
    }

    /// Adds all certificates of a PEM text, or none.
    pub(crate) fn intermediates_pem(&mut self, text: &[u8]) -> Result<(), Failure> {
        let mut added = parsable(text)?;
        self.recipe.checks.intermediates.append(&mut added);
        Ok(())
    }

    /// Adds all certificates of a PEM text, or none, to those of peers themselves.
    pub(crate) fn trust_peer_pem(&mut self, text: &[u8]) -> Result<(), Failure> {
        let mut added = parsable(text)?;
        self.recipe.checks.peers.append(&mut added);
        Ok(())
    }

    /// Sets an identity that is a key without a certificate.
    pub(crate) fn raw_identity_pem(&mut self, key: &[u8]) -> Result<(), Failure> {
        if !self.recipe.credentials.is_empty() {
            return Err(Failure::new(TLS_ERR_STATE, 0, "this builder has an identity already"));
        }
        self.recipe.credentials.push(Credential::new(Vec::new(), pem::private_key(key)?)?);
        Ok(())
    }

    /// Adds all public keys of a PEM text, or none, to those that peers may show.
    pub(crate) fn raw_trust_pem(&mut self, text: &[u8]) -> Result<(), Failure> {
        let mut added = pem::public_keys(text)?;
        if let Some(bad) = added.iter().position(|key| check_public_key(key).is_err()) {
            return Err(Failure::config(
                TLS_REASON_KEY_UNUSABLE,
                format!("public key {} of the PEM text is no subject public key info", bad + 1),
            ));
        }
        self.recipe.checks.raw_keys.append(&mut added);
        Ok(())
    }

    /// Sets the OCSP response that a server staples to the identity that was added last, or removes it.
    pub(crate) fn ocsp(&mut self, der: &[u8]) -> Result<(), Failure> {
        let Some(credential) = self.recipe.credentials.last_mut() else {
            return Err(Failure::new(
                TLS_ERR_STATE,
                0,
                "the identity that the response is about comes first",
            ));
        };
        if !der.is_empty() {
            check_ocsp(der).map_err(|(offset, why)| {
                Failure::config(
                    TLS_REASON_OCSP_UNUSABLE,
                    format!("the OCSP response cannot be used: offset {offset}: {why}"),
                )
            })?;
        }
        credential.staple((!der.is_empty()).then(|| der.into()));
        Ok(())
    }
}

/// The time that a host gives; None where it gives TLS_VERIFY_TIME_NOW.
pub(crate) fn unix_time(seconds: i64) -> Result<Option<UnixTime>, Failure> {
    let after_1970 =
        u64::try_from(seconds).map_err(|_| Failure::argument(format!("{seconds} is a time before 1970")))?;
    let time = || UnixTime::since_unix_epoch(Duration::from_secs(after_1970));
    Ok((seconds != TLS_VERIFY_TIME_NOW).then(time))
}

/// The certificates of a PEM text, all of which can be parsed.
fn parsable(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let found = pem::certificates(text)?;
    if let Some(bad) = found.iter().position(|certificate| !can_be_parsed(certificate)) {
        return Err(Failure::config(
            TLS_REASON_CERTIFICATE_UNUSABLE,
            format!("certificate {} of the PEM text cannot be parsed", bad + 1),
        ));
    }
    Ok(found)
}

/// A SubjectPublicKeyInfo (RFC 5280, 4.1), from the outside.
fn check_public_key(der: &[u8]) -> Result<(), Offset> {
    let mut all = Elements::new(der);
    let mut info = all.expect(SEQUENCE)?.elements();
    all.end()?;
    info.expect(SEQUENCE)?;
    info.expect(BIT_STRING)?;
    info.end()
}

/// An OCSPResponse (RFC 6960, 4.2.1) of status successful and of the basic type. Whom it is about is
/// the client's to check.
fn check_ocsp(der: &[u8]) -> Result<(), (Offset, &'static str)> {
    const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
    let malformed = |offset| (offset, "this is not the DER of an OCSPResponse (PEM is not taken)");
    let mut all = Elements::new(der);
    let mut response = all.expect(SEQUENCE).map_err(malformed)?.elements();
    all.end().map_err(|offset| (offset, "bytes follow the end of the response"))?;
    let status = response.expect(ENUMERATED).map_err(malformed)?;
    if status.content != [0] {
        return Err((status.at, "its status is not successful"));
    }
    let mut wrapped = response.expect(CONTEXT_0).map_err(malformed)?.elements();
    response.end().map_err(malformed)?;
    let mut body = wrapped.expect(SEQUENCE).map_err(malformed)?.elements();
    wrapped.end().map_err(malformed)?;
    let kind = body.expect(OID).map_err(malformed)?;
    if kind.content != BASIC {
        return Err((kind.at, "it is not of the type id-pkix-ocsp-basic"));
    }
    let basic = body.expect(OCTET_STRING).map_err(malformed)?;
    body.end().map_err(malformed)?;
    let mut inner = basic.elements();
    inner.expect(SEQUENCE).map_err(malformed)?;
    inner.end().map_err(malformed)
}
