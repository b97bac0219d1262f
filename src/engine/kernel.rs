//! Traffic secrets, for somebody else who goes on with the records: mostly the system's kernel.
//!
//! What stays here is what that one cannot do: the keys that follow a KeyUpdate, and tickets.

use std::sync::Arc;

use rustls::crypto::Identity;
use rustls::crypto::cipher::{AeadKey, Iv};
use rustls::error::{ApiMisuse, Error};
use rustls::kernel::KernelConnection;
use rustls::split::SplitConnection;
use rustls::{
    ClientSide, ConnectionOutputs, ConnectionTrafficSecrets, ExtractedSecrets, ServerSide,
    SupportedCipherSuite,
};
use zeroize::Zeroizing;

use super::explain::{explain, explain_fault};
use super::facts::{Exporter, SideFacts, chain_of, facts_of};
use super::key_watch;
use super::reveal::shown;
use super::shared_identity::shared_identity;
use crate::facts::{EarlyStatus, EchStatus, Facts, PeerChain};
use crate::failure::Failure;
use crate::record::fault::Fault;
use crate::record::secrets::{TrafficSecret, TrafficSecrets};
use crate::record::traffic::{HandedOver, HandshakeFacts, KeySchedule, Remembered};

fn is_tls12(suite: SupportedCipherSuite) -> bool {
    matches!(suite, SupportedCipherSuite::Tls12(_))
}

fn secret(
    suite: SupportedCipherSuite,
    sequence: u64,
    secrets: ConnectionTrafficSecrets,
) -> Result<TrafficSecret, Failure> {
    let (key, iv): (AeadKey, Iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => return Err(Failure::unexpected("the secrets are of an unknown cipher")),
    };
    let mut copied = Zeroizing::new([0; TrafficSecret::IV]);
    if iv.as_ref().len() != copied.len() {
        return Err(Failure::unexpected("the IV is not 12 bytes long"));
    }
    copied.copy_from_slice(iv.as_ref());
    let (version, most_records) = match suite {
        SupportedCipherSuite::Tls12(suite) => (0x0303, suite.common.confidentiality_limit),
        SupportedCipherSuite::Tls13(suite) => (0x0304, suite.common.confidentiality_limit),
        _ => return Err(Failure::unexpected("the cipher suite belongs to no known version")),
    };
    Ok(TrafficSecret {
        version,
        suite: suite.suite().0,
        key: Zeroizing::new(key.as_ref().to_vec()),
        iv: copied,
        sequence,
        most_records,
    })
}

/// What rustls does on one side only.
pub(super) trait KernelSide: SideFacts {
    const IS_CLIENT: bool;

    /// Keeps a ticket; `false` on a server.
    fn ticket(kernel: &mut KernelConnection<Self>, payload: &[u8]) -> Result<bool, Error>;
}

impl KernelSide for ClientSide {
    const IS_CLIENT: bool = true;

    fn ticket(kernel: &mut KernelConnection<Self>, payload: &[u8]) -> Result<bool, Error> {
        kernel.handle_new_session_ticket(payload).map(|()| true)
    }
}

impl KernelSide for ServerSide {
    const IS_CLIENT: bool = false;

    fn ticket(_: &mut KernelConnection<Self>, _: &[u8]) -> Result<bool, Error> {
        Ok(false)
    }
}

/// What follows the first keys.
pub(super) struct Schedule<Side>(KernelConnection<Side>);

/// What is known of a connection that rustls does not keep any more: [`Facts`], in as few bytes as they take, for there are
/// many connections.
struct Kept {
    version: u16,
    suite: u16,
    group: u16,
    resumed: bool,
    bound_secrets: bool,
    kind: i32,
    ech: EchStatus,
    early: EarlyStatus,
    alpn: Option<Box<[u8]>>,
    server_name: Option<Box<str>>,
    identity: Option<Arc<Identity<'static>>>,
    resumption_data: Option<Box<[u8]>>,
    exporter: Exporter,
}

impl Kept {
    fn new(outputs: &ConnectionOutputs, facts: Facts<'_>, exporter: Exporter) -> Self {
        let Facts {
            version,
            suite,
            group,
            alpn,
            server_name,
            resumed,
            kind,
            bound_secrets,
            chain: _,
            ech,
            early,
            resumption_data,
        } = facts;
        Self {
            version,
            suite,
            group,
            resumed,
            bound_secrets,
            kind,
            ech,
            early,
            alpn: alpn.map(Into::into),
            server_name: server_name.map(Into::into),
            identity: outputs.peer_identity().map(|identity| shared_identity(identity)),
            resumption_data: resumption_data.map(Into::into),
            exporter,
        }
    }
}

/// Takes the secrets out of a connection that has nothing left to send.
pub(super) fn take<Side: KernelSide>(
    mut split: SplitConnection<Side>,
    early: EarlyStatus,
    tickets: u32,
    mut exporter: Exporter,
) -> Result<HandedOver, Failure>
where
    Schedule<Side>: KeySchedule + 'static,
{
    let missing = || Failure::unexpected("an established connection has no cipher suite");
    let suite = split.outputs.negotiated_cipher_suite().ok_or_else(missing)?;
    exporter.keep(&mut split.outputs);
    let facts = facts_of(&split.outputs, &split.side_outputs, early);
    let kept = Kept::new(&split.outputs, facts, exporter);

    let (secrets, kernel) = split.dangerous_into_kernel_connection().map_err(|error| explain(&error))?;
    let ExtractedSecrets { tx, rx } = secrets;
    let secrets = TrafficSecrets { receive: secret(suite, rx.0, rx.1)?, send: secret(suite, tx.0, tx.1)? };
    Ok(HandedOver {
        secrets,
        schedule: Box::new(Schedule(kernel)),
        remembered: Remembered { handshake: Box::new(kept), tickets },
    })
}

impl<Side: KernelSide> KeySchedule for Schedule<Side>
where
    Self: Send,
{
    fn next_secret(&mut self, inbound: bool) -> Result<Option<TrafficSecret>, Failure> {
        let Self(kernel) = self;
        let result = if inbound { kernel.update_rx_secret() } else { kernel.update_tx_secret() };
        match result {
            Ok((sequence, secrets)) => {
                key_watch::note(inbound);
                secret(kernel.negotiated_cipher_suite(), sequence, secrets).map(Some)
            }
            Err(Error::ApiMisuse(ApiMisuse::KeyUpdateNotAvailableForTls12)) => Ok(None),
            Err(error) => Err(explain(&error)),
        }
    }

    /// The next keys are derived for nothing but to see what they come from.
    fn reveal(&mut self) -> Result<Option<[Zeroizing<Vec<u8>>; 2]>, Failure> {
        let (received, receive) = shown(|| self.0.update_rx_secret());
        let (sent, send) = shown(|| self.0.update_tx_secret());
        received.and(sent).map_err(|error| explain(&error))?;
        Ok(receive.zip(send).map(|(receive, send)| [receive, send]))
    }

    fn keep_ticket(&mut self, payload: &[u8]) -> Result<bool, Failure> {
        if is_tls12(self.0.negotiated_cipher_suite()) {
            return Ok(false);
        }
        Side::ticket(&mut self.0, payload).map_err(|error| explain(&error))
    }

    fn explain(&self, fault: Fault) -> Failure {
        explain_fault(fault)
    }
}

impl HandshakeFacts for Kept {
    fn facts(&self) -> Facts<'_> {
        Facts {
            version: self.version,
            suite: self.suite,
            group: self.group,
            alpn: self.alpn.as_deref(),
            server_name: self.server_name.as_deref(),
            resumed: self.resumed,
            kind: self.kind,
            bound_secrets: self.bound_secrets,
            chain: self.identity.as_deref().map_or(PeerChain::None, chain_of),
            ech: self.ech,
            early: self.early,
            resumption_data: self.resumption_data.as_deref(),
        }
    }

    /// They are counted by whoever has the records.
    fn tickets(&self) -> u32 {
        0
    }

    fn export(&mut self, label: &[u8], context: Option<&[u8]>, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let gone = || Err(Error::HandshakeNotComplete);
        self.exporter.derive(gone, label, context, length)
    }

    fn reveal(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let (derived, shown) = shown(|| self.export(b"move", None, 1));
        derived.and(shown)
    }
}
