//! The engine's view of wire bytes that lie in a slice of ours or of the host's.

use rustls::TlsInputBuffer;

/// Counts what the engine has used, and nothing that it merely throws away.
///
/// After a close_notify rustls discards all the rest of its input. Those bytes are not TLS's any
/// more, they are the host's: they stay where they are and are not counted.
pub(super) struct WireInput<'a> {
    wire: &'a mut [u8],
    used: usize,
    closed: bool,
}

impl<'a> WireInput<'a> {
    pub(super) fn new(wire: &'a mut [u8]) -> Self {
        Self { wire, used: 0, closed: false }
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// What the engine has used, as it left it.
    pub(super) fn used_bytes(&self) -> &[u8] {
        &self.wire[..self.used]
    }
}

impl TlsInputBuffer for WireInput<'_> {
    fn slice_mut(&mut self) -> &mut [u8] {
        &mut self.wire[self.used..]
    }

    fn discard(&mut self, length: usize) {
        if !self.closed {
            self.used += length;
        }
    }

    fn received_close_notify(&mut self) {
        self.closed = true;
    }

    /// The end of the transport is the connection's business, not the engine's.
    fn has_seen_eof(&self) -> bool {
        false
    }
}
