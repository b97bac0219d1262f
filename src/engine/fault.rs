//! What is wrong with a certificate or a CRL that the host gave, in words of ours: the parsers' own errors may
//! carry bytes of their input along.

use rustls::error::{CertificateError, Error};

/// What a parser of certificates and CRLs found.
pub(super) fn of_parsing(error: &webpki::Error) -> &'static str {
    use webpki::Error::*;
    match error {
        BadDer | MalformedExtensions => "it is not DER, or not of this kind",
        BadDerTime | InvalidCertValidity => "a time in it is malformed",
        TrailingData(_) => "bytes follow its end, or the end of a part of it",
        UnsupportedCertVersion => "it is a certificate of another version than 3",
        UnsupportedCriticalExtension => "it has a critical extension that is not supported",
        ExtensionValueInvalid => "an extension in it is malformed, or stands twice",
        InvalidSerialNumber => "a serial number in it is malformed",
        UnsupportedCrlVersion => "it is not of version 2",
        UnsupportedDeltaCrl => "it is a delta CRL, which is not supported",
        UnsupportedIndirectCrl => "it is an indirect CRL, which is not supported",
        UnsupportedCrlIssuingDistributionPoint => "its issuing distribution point is not supported",
        UnsupportedRevocationReason | UnsupportedRevocationReasonsPartitioning => {
            "a reason of revocation in it is not supported"
        }
        InvalidCrlNumber => "its CRL number is malformed",
        _ => "it cannot be used",
    }
}

/// The same, of a CRL.
pub(super) fn of_crl(error: &webpki::Error) -> &'static str {
    match error {
        webpki::Error::BadDer | webpki::Error::BadDerTime => {
            "it is not the DER of a CRL with a nextUpdate time and extensions"
        }
        other => of_parsing(other),
    }
}

/// What the engine has against a chain that is to be presented.
pub(super) fn of_presenting(error: &Error) -> &'static str {
    match error {
        Error::InvalidCertificate(CertificateError::BadEncoding) => "it is not the DER of a certificate",
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            let source = std::error::Error::source(other);
            source.and_then(|source| source.downcast_ref()).map_or("it cannot be used", of_parsing)
        }
        _ => "it cannot be used",
    }
}
