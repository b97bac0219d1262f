//! The peer's proof that it has the key of the certificate it shows: the signature of its handshake.
//!
//! The key is read out of the certificate here, and nothing else of it is looked at: the engine's own way takes a
//! certificate apart as if it were to be judged, and so refuses those that a host accepts all the same.

use pki_types::{AlgorithmIdentifier, SubjectPublicKeyInfoDer, alg_id};
use rustls::SignerPublicKey;
use rustls::client::danger::{HandshakeSignatureValid, SignatureVerificationInput};
use rustls::crypto::SignatureScheme;
use rustls::error::{ApiMisuse, CertificateError, Error, PeerMisbehaved};
use rustls_aws_lc_rs::ALL_VERIFICATION_ALGS;
use webpki::RawPublicKeyEntity;

use super::chain::error;
use super::keys::is_weak;
use super::refusal::Refusal;
use crate::parse::x509::Certificate;

/// What a signature scheme stands for.
struct Scheme {
    signature: AlgorithmIdentifier,
    key: AlgorithmIdentifier,
    tls12: bool,
    tls13: bool,
}

impl Scheme {
    fn of(scheme: SignatureScheme) -> Option<Self> {
        let of = |signature, key, tls12, tls13| Some(Self { signature, key, tls12, tls13 });
        match scheme {
            SignatureScheme::ECDSA_NISTP256_SHA256 => {
                of(alg_id::ECDSA_SHA256, alg_id::ECDSA_P256, true, true)
            }
            SignatureScheme::ECDSA_NISTP384_SHA384 => {
                of(alg_id::ECDSA_SHA384, alg_id::ECDSA_P384, true, true)
            }
            SignatureScheme::ECDSA_NISTP521_SHA512 => {
                of(alg_id::ECDSA_SHA512, alg_id::ECDSA_P521, true, true)
            }
            SignatureScheme::ED25519 => of(alg_id::ED25519, alg_id::ED25519, true, true),
            SignatureScheme::RSA_PSS_SHA256 => of(alg_id::RSA_PSS_SHA256, alg_id::RSA_ENCRYPTION, true, true),
            SignatureScheme::RSA_PSS_SHA384 => of(alg_id::RSA_PSS_SHA384, alg_id::RSA_ENCRYPTION, true, true),
            SignatureScheme::RSA_PSS_SHA512 => of(alg_id::RSA_PSS_SHA512, alg_id::RSA_ENCRYPTION, true, true),
            SignatureScheme::RSA_PKCS1_SHA256 => {
                of(alg_id::RSA_PKCS1_SHA256, alg_id::RSA_ENCRYPTION, true, false)
            }
            SignatureScheme::RSA_PKCS1_SHA384 => {
                of(alg_id::RSA_PKCS1_SHA384, alg_id::RSA_ENCRYPTION, true, false)
            }
            SignatureScheme::RSA_PKCS1_SHA512 => {
                of(alg_id::RSA_PKCS1_SHA512, alg_id::RSA_ENCRYPTION, true, false)
            }
            SignatureScheme::ML_DSA_44 => of(alg_id::ML_DSA_44, alg_id::ML_DSA_44, false, true),
            SignatureScheme::ML_DSA_65 => of(alg_id::ML_DSA_65, alg_id::ML_DSA_65, false, true),
            SignatureScheme::ML_DSA_87 => of(alg_id::ML_DSA_87, alg_id::ML_DSA_87, false, true),
            _ => None,
        }
    }
}

/// In TLS 1.2 a scheme does not name the curve: any key that fits will do. `message` is what was signed.
pub(super) fn verify_tls12(
    input: &SignatureVerificationInput<'_>,
    message: &[u8],
    offered: &[SignatureScheme],
) -> Result<HandshakeSignatureValid, Error> {
    let scheme = scheme(input, offered)?;
    if !scheme.tls12 {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    if matches!(input.signer, SignerPublicKey::RawPublicKey(_)) {
        return Err(ApiMisuse::InvalidSignerForProtocolVersion.into());
    }
    verify(input, message, scheme.signature, None)
}

pub(super) fn verify_tls13(
    input: &SignatureVerificationInput<'_>,
    offered: &[SignatureScheme],
) -> Result<HandshakeSignatureValid, Error> {
    let scheme = scheme(input, offered)?;
    if !scheme.tls13 {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    verify(input, input.message, scheme.signature, Some(scheme.key))
}

/// The peer may use what it was told.
fn scheme(input: &SignatureVerificationInput<'_>, offered: &[SignatureScheme]) -> Result<Scheme, Error> {
    let used = input.signature.scheme;
    Some(used)
        .filter(|used| offered.contains(used))
        .and_then(Scheme::of)
        .ok_or_else(|| PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
}

fn verify(
    input: &SignatureVerificationInput<'_>,
    message: &[u8],
    signature: AlgorithmIdentifier,
    key: Option<AlgorithmIdentifier>,
) -> Result<HandshakeSignatureValid, Error> {
    let info = match input.signer {
        SignerPublicKey::X509(certificate) => {
            let key = Certificate::key_alone(certificate).map_err(|_| CertificateError::BadEncoding)?;
            SubjectPublicKeyInfoDer::from(key)
        }
        SignerPublicKey::RawPublicKey(key) => SubjectPublicKeyInfoDer::from(key.as_ref()),
        _ => return Err(ApiMisuse::UnverifiableCertificateType.into()),
    };
    if is_weak(&info) {
        return Err(Refusal::WeakKey.into());
    }
    let public_key = RawPublicKeyEntity::try_from(&info).map_err(error)?;
    let algorithms = ALL_VERIFICATION_ALGS.iter().filter(|algorithm| {
        algorithm.signature_alg_id() == signature
            && key.is_none_or(|key| algorithm.public_key_alg_id() == key)
    });
    let mut why = Error::ApiMisuse(ApiMisuse::NoSignatureVerificationAlgorithms);
    for algorithm in algorithms {
        match public_key.verify_signature(*algorithm, message, input.signature.signature()) {
            Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
            Err(other @ webpki::Error::UnsupportedSignatureAlgorithmForPublicKey(_)) => why = error(other),
            Err(other) => return Err(error(other)),
        }
    }
    Err(why)
}
