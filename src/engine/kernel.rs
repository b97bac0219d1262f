//! Traffic secrets, for somebody else who goes on with the records: mostly the system's kernel.
//!
//! What stays here is what that one cannot do: the keys that follow a KeyUpdate, and tickets.

use rustls::crypto::Identity;
use rustls::crypto::cipher::{AeadKey, Iv};
use rustls::error::{ApiMisuse, Error};
use rustls::kernel::KernelConnection;
use rustls::split::SplitConnection;
use rustls::{ClientSide, ConnectionTrafficSecrets, ExtractedSecrets, ServerSide, SupportedCipherSuite};
use zeroize::Zeroizing;

use super::explain::{explain, explain_fault};
use super::facts::{Exporter, SideFacts, chain_of, facts_of};
use super::key_watch;
use crate::facts::{EarlyStatus, Facts, PeerChain};
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
pub(super) struct Schedule<Side> {
    kernel: KernelConnection<Side>,
    suite: SupportedCipherSuite,
}

/// What is known of a connection that rustls does not keep any more.
struct Kept {
    /// Without what stands beside it.
    facts: Facts<'static>,
    alpn: Option<Box<[u8]>>,
    server_name: Option<Box<str>>,
    identity: Option<Identity<'static>>,
    resumption_data: Option<Box<[u8]>>,
    exporter: Exporter,
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
    let alpn = facts.alpn.map(Into::into);
    let server_name = facts.server_name.map(Into::into);
    let resumption_data = facts.resumption_data.map(Into::into);
    let facts =
        Facts { alpn: None, server_name: None, resumption_data: None, chain: PeerChain::None, ..facts };
    let identity = split.outputs.peer_identity().map(|identity| Identity::clone(identity));

    let (secrets, kernel) = split.dangerous_into_kernel_connection().map_err(|error| explain(&error))?;
    let ExtractedSecrets { tx, rx } = secrets;
    let secrets = TrafficSecrets { receive: secret(suite, rx.0, rx.1)?, send: secret(suite, tx.0, tx.1)? };
    let kept = Kept { facts, alpn, server_name, identity, resumption_data, exporter };
    Ok(HandedOver {
        secrets,
        schedule: Box::new(Schedule { kernel, suite }),
        remembered: Remembered { handshake: Box::new(kept), tickets },
    })
}

impl<Side: KernelSide> KeySchedule for Schedule<Side>
where
    Self: Send,
{
    fn next_secret(&mut self, inbound: bool) -> Result<Option<TrafficSecret>, Failure> {
        let result = if inbound { self.kernel.update_rx_secret() } else { self.kernel.update_tx_secret() };
        match result {
            Ok((sequence, secrets)) => {
                key_watch::note(inbound);
                secret(self.suite, sequence, secrets).map(Some)
            }
            Err(Error::ApiMisuse(ApiMisuse::KeyUpdateNotAvailableForTls12)) => Ok(None),
            Err(error) => Err(explain(&error)),
        }
    }

    fn keep_ticket(&mut self, payload: &[u8]) -> Result<bool, Failure> {
        if is_tls12(self.suite) {
            return Ok(false);
        }
        Side::ticket(&mut self.kernel, payload).map_err(|error| explain(&error))
    }

    fn explain(&self, fault: Fault) -> Failure {
        explain_fault(fault)
    }
}

impl HandshakeFacts for Kept {
    fn facts(&self) -> Facts<'_> {
        Facts {
            alpn: self.alpn.as_deref(),
            server_name: self.server_name.as_deref(),
            resumption_data: self.resumption_data.as_deref(),
            chain: self.identity.as_ref().map_or(PeerChain::None, chain_of),
            ..self.facts
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
}
