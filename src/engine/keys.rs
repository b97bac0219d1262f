//! Which public keys are accepted: of peers, of CAs, in a chain and in a handshake.

use pki_types::alg_id;
use rustls_aws_lc_rs::ALL_VERIFICATION_ALGS;

use super::refusal::Refusal;
use crate::parse::der::{BIT_STRING, Elements, INTEGER, Offset, SEQUENCE};

/// Of the modulus of an RSA key, in bits.
const LEAST: usize = 2048;

/// Whether the key in this subject public key info is of a kind that is accepted, and strong enough.
pub(super) fn check(info: &[u8]) -> Result<(), Refusal> {
    let (algorithm, _) = parts(info).map_err(|_| Refusal::UnsupportedKey)?;
    let mut known = ALL_VERIFICATION_ALGS.iter().map(|known| known.public_key_alg_id());
    if !known.any(|known| known.as_ref() == algorithm) {
        return Err(Refusal::UnsupportedKey);
    }
    if is_weak(info) { Err(Refusal::WeakKey) } else { Ok(()) }
}

/// Whether it is one for RSA that is too short. Where nothing is seen, whoever verifies by the key says what is wrong.
pub(super) fn is_weak(info: &[u8]) -> bool {
    match parts(info) {
        Ok((algorithm, key)) if algorithm == alg_id::RSA_ENCRYPTION.as_ref() => {
            modulus_bits(key).is_ok_and(|bits| bits < LEAST)
        }
        _ => false,
    }
}

/// The algorithm, which is what is in its sequence, and the key.
fn parts(info: &[u8]) -> Result<(&[u8], &[u8]), Offset> {
    let mut parts = Elements::new(info).expect(SEQUENCE)?.elements();
    let algorithm = parts.expect(SEQUENCE)?.content;
    let key = parts.expect(BIT_STRING)?;
    // The first byte says how many bits of the last one are none.
    Ok((algorithm, key.content.get(1..).ok_or(key.at)?))
}

/// RFC 8017, A.1.1.
fn modulus_bits(key: &[u8]) -> Result<usize, Offset> {
    let modulus = Elements::new(key).expect(SEQUENCE)?.elements().expect(INTEGER)?.content;
    let zeros: usize = modulus.iter().take_while(|&&byte| byte == 0).count();
    let rest = &modulus[zeros..];
    Ok(rest.first().map_or(0, |first| rest.len() * 8 - first.leading_zeros() as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::made;

    fn rsa(modulus: &[u8]) -> Vec<u8> {
        let key = made::element(
            SEQUENCE,
            &[&made::element(INTEGER, &[modulus]), &made::element(INTEGER, &[&[1, 0, 1]])],
        );
        let algorithm = made::element(SEQUENCE, &[alg_id::RSA_ENCRYPTION.as_ref()]);
        made::element(SEQUENCE, &[&algorithm, &made::element(BIT_STRING, &[&[0], &key])])
    }

    #[test]
    fn rsa_keys_are_as_long_as_their_modulus() {
        let modulus = |first: u8, bytes: usize| [&[0, first][..], &vec![1; bytes - 1]].concat();
        for (modulus, expected) in [
            (modulus(0x80, 256), Ok(())),
            (modulus(0xff, 512), Ok(())),
            (modulus(0x7f, 256), Err(Refusal::WeakKey)),
            (modulus(0xff, 128), Err(Refusal::WeakKey)),
            // Zeros in front make nothing longer.
            ([vec![0; 200], modulus(0xff, 128)].concat(), Err(Refusal::WeakKey)),
            (vec![], Err(Refusal::WeakKey)),
        ] {
            assert_eq!(check(&rsa(&modulus)), expected, "{modulus:?}");
        }
    }

    #[test]
    fn other_kinds_are_accepted_by_their_algorithm() {
        assert_eq!(check(&made::key()), Ok(()));
        let p224 = made::key_on(&[0x2b, 0x81, 4, 0, 0x21]);
        let secp256k1 = made::key_on(&[0x2b, 0x81, 4, 0, 0x0a]);
        for other in [&p224[..], &secp256k1, &[], &[0x30, 0]] {
            assert_eq!(check(other), Err(Refusal::UnsupportedKey));
            assert!(!is_weak(other));
        }
    }
}
