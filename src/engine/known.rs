//! Peers whose own certificate the host has: it needs no chain, but is judged by everything else.

use pki_types::{CertificateDer, UnixTime};
use rustls_aws_lc_rs::ALL_VERIFICATION_ALGS;
use webpki::{EndEntityCert, Error, ExtendedKeyUsage, RequiredEkuNotFoundContext};

use crate::certificate::extension;
use crate::der::{OBJECT_EXTENDED_KEY_USAGE, OID, Offset, SEQUENCE};

/// Which role a certificate must be allowed for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Usage {
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
            Self::Server => &[0x2b, 6, 1, 5, 5, 7, 3, 1],
            Self::Client => &[0x2b, 6, 1, 5, 5, 7, 3, 2],
        }
    }
}

/// Whether a certificate is valid at this time and for this usage, whoever issued it.
pub(super) fn judge_alone(
    own: &EndEntityCert<'_>,
    certificate: &CertificateDer<'_>,
    usage: Usage,
    now: UnixTime,
) -> Result<(), Error> {
    // Without a trust anchor no path is found: that is said after everything else was found to be right.
    let alone =
        own.verify_for_usage(ALL_VERIFICATION_ALGS, &[], &[], now, &usage.required(), None, None).map(drop);
    match alone {
        Err(Error::UnknownIssuer) => Ok(()),
        // Most tools mark self-signed certificates as those of a CA. The time was found right before that was
        // seen, the usage was not looked at yet.
        Err(Error::CaUsedAsEndEntity) => match allows(certificate, usage) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::RequiredEkuNotFound(RequiredEkuNotFoundContext {
                required: usage.required(),
                present: Vec::new(),
            })),
            Err(_) => Err(Error::BadDer),
        },
        other => other,
    }
}

/// Whether an extended key usage, if there is one, names this one.
fn allows(certificate: &[u8], usage: Usage) -> Result<bool, Offset> {
    let Some(value) = extension(certificate, OBJECT_EXTENDED_KEY_USAGE)? else { return Ok(true) };
    let mut purposes = value.elements().expect(SEQUENCE)?.elements();
    Ok(std::iter::from_fn(|| purposes.expect(OID).ok()).any(|purpose| purpose.content == usage.oid()))
}
