//! How much went through a connection.

/// In bytes, counted where the host hands them over or takes them; and records of plain bytes, counted where
/// the engine opens or seals them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub wire_in: u64,
    pub wire_out: u64,
    pub plain_in: u64,
    pub plain_out: u64,
    pub records_in: u64,
    pub records_out: u64,
}

impl Counters {
    /// In either direction.
    pub(crate) fn records(&self) -> u64 {
        self.records_in + self.records_out
    }
}
