//! What the engine knows of a connection and its peer.

use rustls::crypto::Identity;
use rustls::enums::ProtocolVersion;
use rustls::error::{ApiMisuse, Error};
use rustls::server::Accepted;
use rustls::split::ReceiveTraffic;
use rustls::{
    ClientSide, Connection, ConnectionOutputs, HandshakeKind, KeyingMaterialExporter, ServerSide, SideData,
    Tcp,
};
use zeroize::Zeroizing;

use crate::facts::{EarlyStatus, EchStatus, Facts, PeerChain};
use crate::status::*;

/// What stands in the outputs of a handshake, which need not be done.
pub(super) fn facts_of<'a>(
    outputs: &'a ConnectionOutputs,
    side: &'a impl SideFacts,
    early: EarlyStatus,
) -> Facts<'a> {
    Facts {
        version: outputs.protocol_version().map_or(0, |version| version.0),
        suite: outputs.negotiated_cipher_suite().map_or(0, |suite| suite.suite().0),
        group: outputs.negotiated_key_exchange_group().map_or(0, |group| group.name().0),
        alpn: outputs.alpn_protocol().map(AsRef::as_ref),
        server_name: side.server_name(),
        resumed: matches!(
            outputs.handshake_kind(),
            Some(HandshakeKind::Resumed | HandshakeKind::ResumedWithHelloRetryRequest)
        ),
        kind: outputs.handshake_kind().map_or(TLS_HANDSHAKE_UNKNOWN, kind_number),
        bound_secrets: outputs.protocol_version() == Some(ProtocolVersion::TLSv1_3)
            || outputs.extended_main_secret() == Some(true),
        chain: outputs.peer_identity().map_or(PeerChain::None, |identity| chain_of(identity)),
        ech: side.ech_status(),
        early,
        resumption_data: side.resumption_data(),
    }
}

pub(super) fn chain_of<'a>(identity: &'a Identity<'static>) -> PeerChain<'a> {
    match identity {
        Identity::X509(chain) => PeerChain::X509(&chain.end_entity, &chain.intermediates),
        Identity::RawPublicKey(key) => PeerChain::Raw(key.as_ref()),
        _ => PeerChain::None,
    }
}

/// Derives secrets that both ends of a connection share, and nobody else. The engine gives it away once; it is kept here
/// from the first use on.
#[derive(Default)]
pub(super) struct Exporter(Option<KeyingMaterialExporter>);

impl Exporter {
    /// `take` takes it out of the engine.
    pub(super) fn derive(
        &mut self,
        take: impl FnOnce() -> Result<KeyingMaterialExporter, Error>,
        label: &[u8],
        context: Option<&[u8]>,
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        if self.0.is_none() {
            self.0 = take().ok();
        }
        let mut output = Zeroizing::new(vec![0; length]);
        self.0.as_ref()?.derive(label, context, output.as_mut_slice()).ok()?;
        Some(output)
    }

    /// Takes it out of the engine, whose part of the connection is about to go.
    pub(super) fn keep(&mut self, outputs: &mut ConnectionOutputs) {
        if self.0.is_none() {
            self.0 = outputs.exporter().ok();
        }
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
