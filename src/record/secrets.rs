//! What protects records.

use zeroize::Zeroizing;

/// What protects the records of one direction. Wiped when dropped.
pub(crate) struct TrafficSecret {
    /// IANA numbers.
    pub version: u16,
    pub suite: u16,
    pub key: Zeroizing<Vec<u8>>,
    pub iv: Zeroizing<[u8; Self::IV]>,
    /// Of the next record.
    pub sequence: u64,
    /// How many records may be sealed under this key.
    pub most_records: u64,
}

impl TrafficSecret {
    pub(crate) const IV: usize = 12;
}

/// Those of both directions.
pub(crate) struct TrafficSecrets {
    pub receive: TrafficSecret,
    pub send: TrafficSecret,
}
