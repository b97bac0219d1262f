//! Keying material for the host (RFC 5705; RFC 8446, section 7.5).

use rustls::KeyingMaterialExporter;
use zeroize::Zeroizing;

/// Derives secrets that both ends of a connection share, and nobody else.
pub(crate) struct Exporter(KeyingMaterialExporter);

impl From<KeyingMaterialExporter> for Exporter {
    fn from(exporter: KeyingMaterialExporter) -> Self {
        Self(exporter)
    }
}

impl Exporter {
    /// `length` bytes, or nothing where the protocol cannot give as many, or cannot take the context.
    pub(crate) fn derive(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut output = Zeroizing::new(vec![0; length]);
        self.0.derive(label, context, output.as_mut_slice()).ok()?;
        Some(output)
    }
}
