//! Compression of certificates (RFC 8879), by algorithm number.

use std::sync::Arc;

#[cfg(feature = "brotli")]
use rustls::compress::{BROTLI_DECOMPRESSOR, CompressionFailed, CompressionLevel};
use rustls::compress::{
    CertCompressor, CertDecompressor, CompressionCache, ZLIB_COMPRESSOR, ZLIB_DECOMPRESSOR,
};
#[cfg(feature = "brotli")]
use rustls::enums::CertificateCompressionAlgorithm;
use rustls::{ClientConfig, ServerConfig};

use super::deep::DeepCompressor;
#[cfg(feature = "brotli")]
use crate::status::TLS_COMPRESSION_BROTLI;
use crate::status::TLS_COMPRESSION_ZLIB;

/// As steps that may ask call them.
static DEEP_ZLIB: DeepCompressor = DeepCompressor(ZLIB_COMPRESSOR);
#[cfg(feature = "brotli")]
static DEEP_BROTLI: DeepCompressor = DeepCompressor(&Brotli);

/// An algorithm in both directions.
type Algorithm = (u16, &'static dyn CertCompressor, &'static dyn CertDecompressor);

static ALGORITHMS: &[Algorithm] = &[
    (TLS_COMPRESSION_ZLIB, &DEEP_ZLIB, ZLIB_DECOMPRESSOR),
    #[cfg(feature = "brotli")]
    (TLS_COMPRESSION_BROTLI, &DEEP_BROTLI, BROTLI_DECOMPRESSOR),
];

/// Brotli at its best, with a window of 64 KiB: no chain is longer. rustls's own has the usual one of 4 MiB, for which
/// it takes 34 MB of memory.
#[cfg(feature = "brotli")]
#[derive(Debug)]
struct Brotli;

#[cfg(feature = "brotli")]
impl CertCompressor for Brotli {
    fn compress(&self, input: Vec<u8>, _: CompressionLevel) -> Result<Vec<u8>, CompressionFailed> {
        const BUFFER: usize = 4096;
        const QUALITY: u32 = 11;
        const LOG_WINDOW: u32 = 16;
        let output = Vec::with_capacity(input.len() / 2);
        let mut compressor = brotli::CompressorWriter::new(output, BUFFER, QUALITY, LOG_WINDOW);
        std::io::Write::write_all(&mut compressor, &input).map_err(|_| CompressionFailed)?;
        Ok(compressor.into_inner())
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        CertificateCompressionAlgorithm::Brotli
    }
}

/// Whether an algorithm with this IANA number exists here.
pub(crate) fn has_compression(number: u16) -> bool {
    ALGORITHMS.iter().any(|algorithm| algorithm.0 == number)
}

/// What a configuration compresses and decompresses.
pub(super) struct Compression {
    compressors: Vec<&'static dyn CertCompressor>,
    decompressors: Vec<&'static dyn CertDecompressor>,
    cache: Arc<CompressionCache>,
}

impl Compression {
    /// The algorithms with these numbers, the first one preferred, for `identities` certificate chains.
    pub(super) fn new(numbers: &[u16], identities: usize) -> Self {
        let chosen = || numbers.iter().filter_map(|number| ALGORITHMS.iter().find(|one| one.0 == *number));
        // Compressing takes longer than all the rest of a handshake: each chain is compressed once, with its
        // OCSP response and without.
        let cache = CompressionCache::new(numbers.len() * identities * 2);
        Self {
            compressors: chosen().map(|one| one.1).collect(),
            decompressors: chosen().map(|one| one.2).collect(),
            cache: Arc::new(cache),
        }
    }

    pub(super) fn set_client(self, config: &mut ClientConfig) {
        config.cert_compressors = self.compressors;
        config.cert_decompressors = self.decompressors;
        config.cert_compression_cache = self.cache;
    }

    pub(super) fn set_server(self, config: &mut ServerConfig) {
        config.cert_compressors = self.compressors;
        config.cert_decompressors = self.decompressors;
        config.cert_compression_cache = self.cache;
    }
}
