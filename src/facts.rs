//! What is known of a connection and its peer, whoever knows it.

use pki_types::CertificateDer;

/// What a connection negotiated; IANA numbers are 0 until known.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub version: u16,
    pub suite: u16,
    pub group: u16,
    pub alpn: Option<&'a [u8]>,
    /// The name that a client asked for by SNI; on a server only.
    pub server_name: Option<&'a str>,
    pub resumed: bool,
    /// One of the `TLS_HANDSHAKE_*` numbers.
    pub kind: i32,
    /// Whether the secrets are bound to the whole handshake: TLS 1.3, or TLS 1.2 with the extended
    /// main secret (RFC 7627).
    pub bound_secrets: bool,
    pub chain: PeerChain<'a>,
    pub ech: EchStatus,
    pub early: EarlyStatus,
    /// What the host put into the ticket by which a client resumed.
    pub resumption_data: Option<&'a [u8]>,
}

/// The certificates that a peer presented, its own first.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum PeerChain<'a> {
    #[default]
    None,
    X509(&'a CertificateDer<'static>, &'a [CertificateDer<'static>]),
    /// A subject public key info (RFC 7250).
    Raw(&'a [u8]),
}

impl<'a> PeerChain<'a> {
    /// The subject public key info of a peer that showed no certificate.
    pub(crate) fn raw_key(self) -> Option<&'a [u8]> {
        if let Self::Raw(key) = self { Some(key) } else { None }
    }

    /// The DER bytes of the certificate at `index`.
    pub(crate) fn get(self, index: usize) -> Option<&'a [u8]> {
        let Self::X509(own, intermediates) = self else { return None };
        let certificate = match index.checked_sub(1) {
            None => own,
            Some(rest) => intermediates.get(rest)?,
        };
        Some(certificate.as_ref())
    }
}

/// What became of a client's Encrypted Client Hello (RFC 9849).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum EchStatus {
    #[default]
    None,
    /// Something that only looks like it was sent.
    Grease,
    /// Sent, and the server has not answered.
    Offered,
    Accepted,
    Rejected,
}

/// What became of early data (0-RTT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum EarlyStatus {
    #[default]
    None,
    /// Sent, and the server has not answered.
    Pending,
    Accepted,
    Rejected,
}
