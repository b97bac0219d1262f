//! What a section of PEM text is, by its label (RFC 7468, and what OpenSSL writes).

/// The kinds of sections that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Certificate,
    /// OpenSSL's: a certificate, and behind it what it is trusted for.
    TrustedCertificate,
    /// A private key in a form that can be used.
    Key,
    EncryptedKey,
    /// A private key in another form.
    ForeignKey,
    PublicKey,
    /// A public key in another form than RFC 7250 shows.
    ForeignPublicKey,
    Crl,
    /// What may hold certificates and CRLs inside.
    Container,
    /// What may stand beside the others and is none of them.
    Beside,
}

impl Kind {
    /// What a person calls it, who counts them.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Certificate | Self::TrustedCertificate => "certificate",
            Self::Key | Self::EncryptedKey | Self::ForeignKey => "private key",
            Self::PublicKey | Self::ForeignPublicKey => "public key",
            Self::Crl => "CRL",
            Self::Container | Self::Beside => "other section",
        }
    }
}

/// A label that is known, which is all that a message may show of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) text: &'static str,
    pub(super) kind: Kind,
}

const fn label(text: &'static str, kind: Kind) -> Label {
    Label { text, kind }
}

const LABELS: &[Label] = &[
    label("CERTIFICATE", Kind::Certificate),
    label("X509 CERTIFICATE", Kind::Certificate),
    label("TRUSTED CERTIFICATE", Kind::TrustedCertificate),
    label("PRIVATE KEY", Kind::Key),
    label("RSA PRIVATE KEY", Kind::Key),
    label("EC PRIVATE KEY", Kind::Key),
    label("ENCRYPTED PRIVATE KEY", Kind::EncryptedKey),
    label("ANY PRIVATE KEY", Kind::ForeignKey),
    label("DSA PRIVATE KEY", Kind::ForeignKey),
    label("DH PRIVATE KEY", Kind::ForeignKey),
    label("SM2 PRIVATE KEY", Kind::ForeignKey),
    label("OPENSSH PRIVATE KEY", Kind::ForeignKey),
    label("TSS2 PRIVATE KEY", Kind::ForeignKey),
    label("PUBLIC KEY", Kind::PublicKey),
    label("RSA PUBLIC KEY", Kind::ForeignPublicKey),
    label("X509 CRL", Kind::Crl),
    label("CRL", Kind::Crl),
    label("PKCS7", Kind::Container),
    label("PKCS #7 SIGNED DATA", Kind::Container),
    label("CMS", Kind::Container),
    label("PKCS12", Kind::Container),
    label("EC PARAMETERS", Kind::Beside),
    label("DH PARAMETERS", Kind::Beside),
    label("X9.42 DH PARAMETERS", Kind::Beside),
    label("DSA PARAMETERS", Kind::Beside),
    label("SM2 PARAMETERS", Kind::Beside),
    label("CERTIFICATE REQUEST", Kind::Beside),
    label("NEW CERTIFICATE REQUEST", Kind::Beside),
    label("ATTRIBUTE CERTIFICATE", Kind::Beside),
    label("ECHCONFIG", Kind::Beside),
    label("OCSP REQUEST", Kind::Beside),
    label("OCSP RESPONSE", Kind::Beside),
    label("SSL SESSION PARAMETERS", Kind::Beside),
];

/// The label that these bytes are, if it is known.
pub(super) fn known(bytes: &[u8]) -> Option<&'static Label> {
    LABELS.iter().find(|label| label.text.as_bytes() == bytes)
}

/// Whether these bytes begin with a label that is known, as a word of its own.
pub(super) fn begins_with_label(bytes: &[u8]) -> bool {
    let is_followed = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_alphanumeric);
    LABELS
        .iter()
        .any(|label| bytes.strip_prefix(label.text.as_bytes()).is_some_and(|rest| !is_followed(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_stands_once() {
        for label in LABELS {
            assert_eq!(known(label.text.as_bytes()), Some(label));
        }
        assert_eq!(known(b"certificate"), None);
        assert_eq!(known(b""), None);
    }

    #[test]
    fn a_label_is_a_word_of_its_own() {
        for text in [&b"CERTIFICATE"[..], b"CERTIFICATE-", b"CERTIFICATE REQUEST=2D", b"CMS"] {
            assert!(begins_with_label(text));
        }
        for text in [&b""[..], b"CERTIFICATES", b" CMS", b"certificate", b"CERT"] {
            assert!(!begins_with_label(text));
        }
    }
}
