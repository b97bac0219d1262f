//! What a connection knows of itself and its peer.

use pki_types::CertificateDer;
use rustls::crypto::{CertificateIdentity, Identity};
use rustls::enums::ProtocolVersion;
use rustls::error::{ApiMisuse, Error};
use rustls::server::Accepted;
use rustls::split::ReceiveTraffic;
use rustls::{ClientSide, Connection, ConnectionOutputs, HandshakeKind, ServerSide, SideData, Tcp};

use super::ech::EchStatus;
use crate::status::*;

/// Negotiated facts; IANA numbers are 0 until known.
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
}

impl<'a> Facts<'a> {
    pub(super) fn of(outputs: &'a ConnectionOutputs, server_name: Option<&'a str>) -> Self {
        Self {
            version: outputs.protocol_version().map_or(0, |version| version.0),
            suite: outputs.negotiated_cipher_suite().map_or(0, |suite| suite.suite().0),
            group: outputs.negotiated_key_exchange_group().map_or(0, |group| group.name().0),
            alpn: outputs.alpn_protocol().map(AsRef::as_ref),
            server_name,
            resumed: matches!(
                outputs.handshake_kind(),
                Some(HandshakeKind::Resumed | HandshakeKind::ResumedWithHelloRetryRequest)
            ),
            kind: outputs.handshake_kind().map_or(TLS_HANDSHAKE_UNKNOWN, kind_number),
            bound_secrets: outputs.protocol_version() == Some(ProtocolVersion::TLSv1_3)
                || outputs.extended_main_secret() == Some(true),
        }
    }

    pub(super) fn of_client_hello(server_name: Option<&'a str>) -> Self {
        Self { server_name, ..Self::default() }
    }
}

fn kind_number(kind: HandshakeKind) -> i32 {
    match kind {
        HandshakeKind::Full => TLS_HANDSHAKE_FULL,
        HandshakeKind::FullWithHelloRetryRequest => TLS_HANDSHAKE_FULL_RETRIED,
        HandshakeKind::Resumed => TLS_HANDSHAKE_RESUMED,
        HandshakeKind::ResumedWithHelloRetryRequest => TLS_HANDSHAKE_RESUMED_RETRIED,
        _ => TLS_HANDSHAKE_UNKNOWN,
    }
}

/// The name in a ClientHello that waits for a context.
pub(super) fn hello_name(accepted: &Accepted<Tcp>) -> Option<Box<str>> {
    accepted.client_hello().server_name().map(|name| name.as_ref().into())
}

/// The certificates that a peer presented, its own first.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PeerChain<'a> {
    None,
    X509(&'a CertificateIdentity<'static>),
    /// A subject public key info (RFC 7250).
    Raw(&'a [u8]),
}

impl<'a> PeerChain<'a> {
    pub(super) fn of(identity: &'a Identity<'static>) -> Self {
        match identity {
            Identity::X509(chain) => Self::X509(chain),
            Identity::RawPublicKey(key) => Self::Raw(key.as_ref()),
            _ => Self::None,
        }
    }

    /// The subject public key info of a peer that showed no certificate.
    pub(crate) fn raw_key(self) -> Option<&'a [u8]> {
        if let Self::Raw(key) = self { Some(key) } else { None }
    }

    /// The DER bytes of the certificate at `index`.
    pub(crate) fn get(self, index: usize) -> Option<&'a [u8]> {
        let Self::X509(chain) = self else { return None };
        let certificate: &CertificateDer<'_> = match index.checked_sub(1) {
            None => &chain.end_entity,
            Some(rest) => chain.intermediates.get(rest)?,
        };
        Some(certificate.as_ref())
    }
}

/// The facts that are kept differently on each side.
pub(super) trait SideFacts: SideData {
    fn server_name(&self) -> Option<&str>;

    /// What became of ECH, which is a client's.
    fn ech_status(&self) -> EchStatus {
        EchStatus::None
    }

    /// What the host put into the ticket by which a client resumed.
    fn resumption_data(&self) -> Option<&[u8]> {
        None
    }

    /// Puts data into the tickets to come; `false` if it is too late for that, or this side sends none.
    fn set_resumption_data(_connection: &mut Connection<Self, Tcp>, _data: &[u8]) -> Result<bool, Error>
    where
        Self: Sized,
    {
        Ok(false)
    }

    /// How many TLS 1.3 tickets were received.
    fn tickets(_connection: &Connection<Self, Tcp>) -> u32
    where
        Self: Sized,
    {
        0
    }

    /// The same after a handshake that asked.
    fn tickets_of_half(_receive: &ReceiveTraffic<Self>) -> u32
    where
        Self: Sized,
    {
        0
    }
}

impl SideFacts for ClientSide {
    fn server_name(&self) -> Option<&str> {
        None
    }

    fn ech_status(&self) -> EchStatus {
        Self::ech_status(self).into()
    }

    fn tickets(connection: &Connection<Self, Tcp>) -> u32 {
        connection.tls13_tickets_received()
    }

    fn tickets_of_half(receive: &ReceiveTraffic<Self>) -> u32 {
        receive.tls13_tickets_received()
    }
}

impl SideFacts for ServerSide {
    fn server_name(&self) -> Option<&str> {
        Self::server_name(self).map(AsRef::as_ref)
    }

    fn resumption_data(&self) -> Option<&[u8]> {
        self.received_resumption_data()
    }

    fn set_resumption_data(connection: &mut Connection<Self, Tcp>, data: &[u8]) -> Result<bool, Error> {
        match connection.set_resumption_data(data) {
            Err(Error::ApiMisuse(ApiMisuse::ResumptionDataProvidedTooLate)) => Ok(false),
            result => result.map(|()| true),
        }
    }
}
