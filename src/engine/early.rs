//! Early data (0-RTT): what a client sends before the handshake is done. An attacker can send it again.

use rustls::crypto::cipher::OutboundPlain;
use rustls::error::Error;
use rustls::{ClientSide, Connection, MessageHandler, ServerSide, SideData, Tcp};

use crate::facts::EarlyStatus;
use crate::failure::Failure;

/// What can be done with data and tickets before a handshake is done.
pub(crate) trait EarlyTraffic {
    /// The early data that came, for a server that takes it.
    fn early(&mut self) -> Option<&mut Early>;

    /// Seals early data: how many bytes of it, or None if this connection can send none (any more).
    fn write_early(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, Failure>;

    /// Seals the chunks of `plain` before the client's Finished, where the handshake [may](super::Handshake::may_write).
    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure>;

    /// Puts data into the tickets to come; `false` if it is too late for that, or none can be sent with it.
    fn set_resumption_data(&mut self, data: &[u8]) -> Result<bool, Failure>;
}

/// The early data of one connection.
#[derive(Default)]
pub(crate) struct Early {
    /// Of a server: what came, and how much of it was read. The engine bounds it.
    received: Vec<u8>,
    read: usize,
    /// How much can come: room for it is made at once, so that growing leaves no copies behind.
    most: usize,
    /// Whether any was sent, or came.
    pub(super) seen: bool,
    /// Records that came and were not counted yet.
    records: u64,
}

impl Early {
    /// For a server that takes `most` bytes.
    pub(super) fn server(most: u32) -> Self {
        Self { received: Vec::new(), read: 0, most: most as usize, seen: false, records: 0 }
    }

    /// How many records came since this was asked last.
    pub(crate) fn records(&mut self) -> u64 {
        std::mem::take(&mut self.records)
    }

    /// Whether anything is in it that has to stay when the handshake is done.
    pub(crate) fn is_needed(&self) -> bool {
        !self.received.is_empty() || self.records > 0
    }

    /// What waits to be read.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.received[self.read..]
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.read += count;
        if self.read == self.received.len() {
            self.wipe();
        }
    }

    fn wipe(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.received);
        self.received = Vec::new();
        self.read = 0;
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// What each side does with early data.
pub(super) trait EarlySide: SideData {
    /// Takes the early data out of the input, before the engine would drop it.
    fn receive_early(handler: &mut MessageHandler<'_, '_, Self>, early: &mut Early);

    /// How many bytes were sealed; None if none can be sent.
    fn write_early(
        connection: &mut Connection<Self, Tcp>,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Result<usize, Error>>;

    fn early_status(side: &Self, handshaking: bool) -> EarlyStatus;
}

impl EarlySide for ClientSide {
    fn receive_early(_: &mut MessageHandler<'_, '_, Self>, _: &mut Early) {}

    fn write_early(
        connection: &mut Connection<Self, Tcp>,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Result<usize, Error>> {
        Some(connection.early_data()?.write(OutboundPlain::Single(plain), out))
    }

    fn early_status(side: &Self, handshaking: bool) -> EarlyStatus {
        match (side.is_early_data_accepted(), handshaking) {
            (true, _) => EarlyStatus::Accepted,
            (false, true) => EarlyStatus::Pending,
            (false, false) => EarlyStatus::Rejected,
        }
    }
}

impl EarlySide for ServerSide {
    fn receive_early(handler: &mut MessageHandler<'_, '_, Self>, early: &mut Early) {
        // An error comes again with the next payload.
        while let Some(Ok(payload)) = handler.next_early_data() {
            let plain = payload.bytes();
            early.received.reserve_exact(early.most.saturating_sub(early.received.len()).max(plain.len()));
            early.received.extend_from_slice(plain);
            early.seen = true;
            early.records += 1;
        }
    }

    fn write_early(_: &mut Connection<Self, Tcp>, _: &[u8], _: &mut Vec<u8>) -> Option<Result<usize, Error>> {
        None
    }

    fn early_status(_: &Self, _: bool) -> EarlyStatus {
        EarlyStatus::Accepted
    }
}
