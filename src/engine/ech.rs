//! Encrypted Client Hello (RFC 9849), of clients.
//!
//! rustls sets it for a configuration, and its keys are of one server: so a connection with a list of its own
//! gets a configuration of its own. rustls allows neither it nor what only looks like it (GREASE) beside TLS 1.2.

use std::borrow::Cow;
use std::sync::Arc;

use pki_types::EchConfigListBytes;
use rustls::ClientConfig;
use rustls::client::{EchConfig, EchGreaseConfig, EchMode};
use rustls::crypto::CryptoProvider;
use rustls::crypto::hpke::Hpke;
use rustls::error::{EncryptedClientHelloError, Error};
use rustls_aws_lc_rs::hpke::{ALL_SUPPORTED_SUITES, DH_KEM_X25519_HKDF_SHA256_AES_128};

use super::clock::HostClock;
use super::explain::explain;
use super::recipe::selected_groups;
use crate::facts::EchStatus;
use crate::failure::Failure;
use crate::parse::ech::EchRef;
use crate::status::*;

impl From<rustls::client::EchStatus> for EchStatus {
    fn from(status: rustls::client::EchStatus) -> Self {
        use rustls::client::EchStatus as Engine;
        match status {
            Engine::Grease => Self::Grease,
            Engine::Offered => Self::Offered,
            Engine::Accepted => Self::Accepted,
            Engine::Rejected => Self::Rejected,
            _ => Self::None,
        }
    }
}

impl From<EchRef<'_>> for EchStatus {
    fn from(ech: EchRef<'_>) -> Self {
        match ech {
            EchRef::Off => Self::None,
            EchRef::Grease => Self::Grease,
            EchRef::Offer(_) => Self::Offered,
        }
    }
}

/// The suite that GREASE looks like: what browsers use.
const GREASE_SUITE: &dyn Hpke = DH_KEM_X25519_HKDF_SHA256_AES_128;

/// `config` with `ech` in place of what it had.
pub(super) fn with_ech(
    config: &ClientConfig,
    clock: &Arc<HostClock>,
    ech: EchRef<'_>,
) -> Result<ClientConfig, Failure> {
    let mut provider = Arc::clone(config.provider());
    if provider.tls13_cipher_suites.is_empty() {
        return Err(Failure::config(
            TLS_REASON_VERSION_UNSUPPORTED,
            "ECH needs TLS 1.3, which is not among the configured versions (tls_builder_versions)",
        ));
    }
    let mode = mode(ech)?;
    if !provider.tls12_cipher_suites.is_empty() {
        match ech {
            EchRef::Off => {}
            EchRef::Grease => {
                return Err(Failure::config(
                    TLS_REASON_VERSION_UNSUPPORTED,
                    "GREASE ECH needs TLS 1.3: set it as the least version (tls_builder_versions)",
                ));
            }
            // Who accepts ECH has TLS 1.3, and without it the server is not the right one.
            EchRef::Offer(_) => Arc::make_mut(&mut provider).tls12_cipher_suites = Cow::Borrowed(&[]),
        }
    }
    rebuilt(config, clock, provider, mode)
}

/// `config` with these groups in place of those that it had, and without ECH.
pub(super) fn with_groups(
    config: &ClientConfig,
    clock: &Arc<HostClock>,
    groups: &[u16],
) -> Result<ClientConfig, Failure> {
    let mut provider = CryptoProvider::clone(config.provider());
    provider.kx_groups = selected_groups(groups);
    rebuilt(config, clock, Arc::new(provider), None)
}

/// A copy of `config` with another provider and another mode: they cannot be changed in one that was made.
fn rebuilt(
    config: &ClientConfig,
    clock: &Arc<HostClock>,
    provider: Arc<CryptoProvider>,
    mode: Option<EchMode>,
) -> Result<ClientConfig, Failure> {
    let mut builder = ClientConfig::builder_with_details(provider, clock.clone());
    if let Some(mode) = mode {
        builder = builder.with_ech(mode);
    }
    let mut made = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(config.verifier()))
        .with_client_credential_resolver(Arc::clone(config.resolver()))
        .map_err(|error| explain(&error))?;
    // Everything else that a configuration has.
    made.alpn_protocols.clone_from(&config.alpn_protocols);
    made.check_selected_alpn = config.check_selected_alpn;
    made.resumption = config.resumption.clone();
    made.max_fragment_size = config.max_fragment_size;
    made.enable_sni = config.enable_sni;
    made.key_log = Arc::clone(&config.key_log);
    made.enable_secret_extraction = config.enable_secret_extraction;
    made.enable_early_data = config.enable_early_data;
    made.require_ems = config.require_ems;
    made.send_ticket_request.clone_from(&config.send_ticket_request);
    made.cert_decompressors.clone_from(&config.cert_decompressors);
    made.cert_compressors.clone_from(&config.cert_compressors);
    made.cert_compression_cache = Arc::clone(&config.cert_compression_cache);
    Ok(made)
}

fn mode(ech: EchRef<'_>) -> Result<Option<EchMode>, Failure> {
    Ok(Some(match ech {
        EchRef::Off => return Ok(None),
        EchRef::Grease => {
            // Nobody has the private key, as nobody is to read what is sealed for it.
            let (key, _) = GREASE_SUITE.generate_key_pair().map_err(|error| explain(&error))?;
            EchGreaseConfig::new(GREASE_SUITE, key).into()
        }
        EchRef::Offer(list) => EchConfig::new(EchConfigListBytes::from(list), ALL_SUPPORTED_SUITES)
            .map_err(|error| unusable(&error))?
            .into(),
    }))
}

fn unusable(error: &Error) -> Failure {
    match error {
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::NoCompatibleConfig) => Failure::config(
            TLS_REASON_ECH_UNUSABLE,
            "none of the configurations of the ECHConfigList can be used: all are of another version than \
                 0xfe0d, of HPKE suites that do not exist here, or demand extensions that are not known here",
        ),
        _ => Failure::config(TLS_REASON_ECH_MALFORMED, "the engine cannot read the ECHConfigList"),
    }
}
