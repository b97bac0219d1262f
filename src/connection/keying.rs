//! Secrets and names that bind something else to this connection.

use zeroize::Zeroizing;

use super::{Answer, Connection};
use crate::engine::digest;
use crate::numbers::{MAX_EXPORT, MAX_EXPORT_LABEL};
use crate::parse::signature_hash::binding_hash;
use crate::setup::shared::EndPoint;
use crate::status::*;

/// Of RFC 9266, section 4.2.
const BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";
const BINDING_LENGTH: usize = 32;

/// What TLS 1.2 puts into two bytes (RFC 5705, 4); the same holds for TLS 1.3 here.
const MAX_CONTEXT: usize = 0xffff;

impl Connection {
    /// `length` bytes of keying material. No context and an empty one differ in TLS 1.2.
    pub(crate) fn export(
        &mut self,
        label: &[u8],
        context: Option<&[u8]>,
        length: usize,
    ) -> Answer<Zeroizing<Vec<u8>>> {
        self.check_established()?;
        let fits = label.len() <= MAX_EXPORT_LABEL
            && (1..=MAX_EXPORT).contains(&length)
            && context.is_none_or(|context| context.len() <= MAX_CONTEXT);
        if !fits {
            return Err(TLS_ERR_ARGUMENT);
        }
        let facts = self.phase.handshake_facts_mut().ok_or(TLS_ERR_STATE)?;
        facts.export(label, context, length).ok_or(TLS_ERR_ARGUMENT)
    }

    /// The channel binding of `kind`, where this connection has one.
    pub(crate) fn channel_binding(&mut self, kind: i32) -> Answer<Option<Zeroizing<Vec<u8>>>> {
        match kind {
            TLS_BINDING_EXPORTER => {
                self.check_established()?;
                if !self.facts().bound_secrets {
                    return Ok(None);
                }
                self.export(BINDING_LABEL, Some(&[]), BINDING_LENGTH).map(Some)
            }
            TLS_BINDING_SERVER_END_POINT => {
                self.check_established()?;
                if let Some(move_facts) = self.phase.move_facts().filter(|_| !self.is_client()) {
                    let binding = move_facts.end_point.to_vec();
                    return Ok((!binding.is_empty()).then(|| Zeroizing::new(binding)));
                }
                let certificate = match &self.shared.end_point {
                    EndPoint::Peer => self.peer_certificate(0),
                    EndPoint::Own(identities) => usize::from(self.identity)
                        .checked_sub(1)
                        .and_then(|index| identities.get(index)?.as_deref()),
                };
                Ok(certificate.and_then(|certificate| {
                    let hash = binding_hash(certificate)?;
                    Some(Zeroizing::new(digest(hash, certificate)))
                }))
            }
            _ => Err(TLS_ERR_ARGUMENT),
        }
    }

    pub(super) fn is_client(&self) -> bool {
        matches!(self.shared.end_point, EndPoint::Peer)
    }

    /// Remembers which of its identities this side presents, if the engine chose one.
    pub(super) fn note_presented(&mut self, number: u16) {
        if number != 0 {
            self.identity = number;
        }
    }

    fn check_established(&self) -> Answer<()> {
        self.check_alive()?;
        if self.phase.is_handshaking() { Err(TLS_ERR_STATE) } else { Ok(()) }
    }
}
