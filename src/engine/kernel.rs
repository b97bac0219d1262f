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

use super::explain::explain;
use super::facts::{Exporter, SideFacts, chain_of, facts_of};
use crate::facts::{EarlyStatus, Facts, PeerChain};
use crate::failure::Failure;
use crate::record::secrets::{TrafficSecret, TrafficSecrets};
use crate::record::traffic::{KeySchedule, Known};

/// The first half of an AES-GCM nonce of TLS 1.2; the other half stands in the record (RFC 5288, 3).
const SALT: usize = 4;

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

/// Moves the explicit nonces of AES-GCM in TLS 1.2 to where none was used.
///
/// rustls made those of its records from a starting point and the sequence number, by exclusive or. A kernel
/// counts upwards from what it is given: from the same starting point it would soon use a nonce for the second
/// time, which gives the key away. With the top bit changed it counts through the other half of all numbers.
fn leave_used_nonces(secret: &mut TrafficSecret) {
    secret.iv[SALT] ^= 0x80;
}

/// What rustls does on one side only.
pub(super) trait KernelSide: SideFacts {
    /// Keeps a ticket; `false` on a server.
    fn ticket(kernel: &mut KernelConnection<Self>, payload: &[u8]) -> Result<bool, Error>;
}

impl KernelSide for ClientSide {
    fn ticket(kernel: &mut KernelConnection<Self>, payload: &[u8]) -> Result<bool, Error> {
        kernel.handle_new_session_ticket(payload).map(|()| true)
    }
}

impl KernelSide for ServerSide {
    fn ticket(_: &mut KernelConnection<Self>, _: &[u8]) -> Result<bool, Error> {
        Ok(false)
    }
}

/// A connection whose records are somebody else's: its facts, and what comes after a KeyUpdate.
pub(super) struct HandedOver<Side> {
    kernel: KernelConnection<Side>,
    suite: SupportedCipherSuite,
    /// Without the texts, which stand beside it.
    facts: Facts<'static>,
    alpn: Option<Box<[u8]>>,
    server_name: Option<Box<str>>,
    identity: Option<Identity<'static>>,
    resumption_data: Option<Box<[u8]>>,
    tickets: u32,
    exporter: Exporter,
}

impl<Side: KernelSide> HandedOver<Side> {
    /// Takes the secrets out of a connection that has nothing left to send.
    pub(super) fn new(
        mut split: SplitConnection<Side>,
        early: EarlyStatus,
        tickets: u32,
        mut exporter: Exporter,
    ) -> Result<(TrafficSecrets, Self), Failure> {
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
        let is_explicit =
            is_tls12(suite) && !matches!(tx.1, ConnectionTrafficSecrets::Chacha20Poly1305 { .. });
        let receive = secret(suite, rx.0, rx.1)?;
        let mut send = secret(suite, tx.0, tx.1)?;
        if is_explicit {
            leave_used_nonces(&mut send);
        }
        let rest =
            Self { kernel, suite, facts, alpn, server_name, identity, resumption_data, tickets, exporter };
        Ok((TrafficSecrets { receive, send }, rest))
    }
}

impl<Side: KernelSide> KeySchedule for HandedOver<Side>
where
    Self: Known,
{
    fn next_secret(&mut self, inbound: bool) -> Result<Option<TrafficSecret>, Failure> {
        let result = if inbound { self.kernel.update_rx_secret() } else { self.kernel.update_tx_secret() };
        match result {
            Ok((sequence, secrets)) => secret(self.suite, sequence, secrets).map(Some),
            Err(Error::ApiMisuse(ApiMisuse::KeyUpdateNotAvailableForTls12)) => Ok(None),
            Err(error) => Err(explain(&error)),
        }
    }

    fn keep_ticket(&mut self, payload: &[u8]) -> Result<bool, Failure> {
        if is_tls12(self.suite) {
            return Ok(false);
        }
        let kept = Side::ticket(&mut self.kernel, payload).map_err(|error| explain(&error))?;
        self.tickets += u32::from(kept);
        Ok(kept)
    }

    fn known(&self) -> &dyn Known {
        self
    }

    fn known_mut(&mut self) -> &mut dyn Known {
        self
    }
}

impl<Side> Known for HandedOver<Side>
where
    Self: Send,
{
    fn facts(&self) -> Facts<'_> {
        Facts {
            alpn: self.alpn.as_deref(),
            server_name: self.server_name.as_deref(),
            resumption_data: self.resumption_data.as_deref(),
            chain: self.identity.as_ref().map_or(PeerChain::None, chain_of),
            ..self.facts
        }
    }

    fn tickets(&self) -> u32 {
        self.tickets
    }

    fn export(&mut self, label: &[u8], context: Option<&[u8]>, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let gone = || Err(Error::HandshakeNotComplete);
        self.exporter.derive(gone, label, context, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //
    #[test]
    fn counting_from_the_new_start_meets_no_nonce_that_was_used() {
        for start in [0_u64, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 0x0123_4567_89ab_cdef] {
            let mut iv = Zeroizing::new([7; TrafficSecret::IV]);
            iv[SALT..].copy_from_slice(&start.to_be_bytes());
            let mut secret = TrafficSecret {
                version: 0x0303,
                suite: 0xc02f,
                key: Zeroizing::default(),
                iv,
                sequence: 0,
                most_records: 1 << 24,
            };
            leave_used_nonces(&mut secret);
            assert_eq!(secret.iv[..SALT], [7; SALT]);
            let first = u64::from_be_bytes(secret.iv[SALT..].try_into().unwrap());
            // Used ones agree with the start but for the low 32 bits; 2^40 records are far from them.
            for counted in [0, 1, 0xffff_ffff, 1 << 32, 1 << 40] {
                assert_ne!(first.wrapping_add(counted) >> 32, start >> 32);
            }
        }
    }
}
