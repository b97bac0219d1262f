//! Peers whose own certificate the host has: it needs no chain, but is judged by everything else.

use pki_types::{CertificateDer, UnixTime};
use rustls_aws_lc_rs::ALL_VERIFICATION_ALGS;
use webpki::{EndEntityCert, Error, ExtendedKeyUsage, KeyPurposeId, RequiredEkuNotFoundContext};

use crate::parse::x509::{CLIENT_AUTH, Certificate, SERVER_AUTH};

/// Which role a certificate must be allowed for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Usage {
    Server,
    Client,
}

impl Usage {
    pub(super) fn required(self) -> ExtendedKeyUsage {
        match self {
            Self::Server => ExtendedKeyUsage::server_auth(),
            Self::Client => ExtendedKeyUsage::client_auth(),
        }
    }

    /// id-kp-serverAuth, id-kp-clientAuth (RFC 5280, 4.2.1.12).
    fn oid(self) -> &'static [u8] {
        match self {
            Self::Server => SERVER_AUTH,
            Self::Client => CLIENT_AUTH,
        }
    }
}

/// Whether a certificate, which is not that of a CA, is valid at this time and for this usage, whoever issued it.
pub(super) fn judge_leaf(own: &EndEntityCert<'_>, usage: Usage, now: UnixTime) -> Result<(), Error> {
    // Without a trust anchor no path is found: that is said after everything else was found to be right.
    match own.verify_for_usage(ALL_VERIFICATION_ALGS, &[], &[], now, &usage.required(), None, None) {
        Ok(_) | Err(Error::UnknownIssuer) => Ok(()),
        Err(other) => Err(other),
    }
}

/// The same of one that may be that of a CA.
pub(super) fn judge_alone(
    own: &EndEntityCert<'_>,
    certificate: &CertificateDer<'_>,
    usage: Usage,
    now: UnixTime,
) -> Result<(), Error> {
    match judge_leaf(own, usage, now) {
        // Most tools mark self-signed certificates as those of a CA. The time was found right before that was
        // seen, the usage was not looked at yet.
        Err(Error::CaUsedAsEndEntity) => {
            match Certificate::read(certificate).and_then(|read| read.purposes()) {
                Ok(None) => Ok(()),
                // As the verifier has it of all others: any purpose is not this one.
                Ok(Some(purposes)) if purposes.contains(&usage.oid()) => Ok(()),
                Ok(Some(purposes)) => Err(Error::RequiredEkuNotFound(RequiredEkuNotFoundContext {
                    required: usage.required(),
                    present: purposes.iter().map(|oid| KeyPurposeId::new(oid).to_decoded_oid()).collect(),
                })),
                Err(_) => Err(Error::BadDer),
            }
        }
        other => other,
    }
}
