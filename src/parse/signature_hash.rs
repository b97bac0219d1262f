//! The hash with which a certificate was signed, which names its hash for channel bindings
//! (RFC 5929, section 4.1).

/// The hash functions that a binding can be made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// sha1WithRSAEncryption and its siblings: 1.2.840.113549.1.1, RFC 8017.
const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
/// ecdsa-with-SHA1: 1.2.840.10045.4.1, RFC 3279.
const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
/// ecdsa-with-SHA2: 1.2.840.10045.4.3, RFC 5758.
const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
/// id-sha1: 1.3.14.3.2.26, RFC 8017.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// id-sha256 and its siblings: 2.16.840.1.101.3.4.2, RFC 8017.
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// The explicit tag of `hashAlgorithm` in RSASSA-PSS-params (RFC 4055, 3.1).
const PSS_HASH: u8 = 0xa0;

/// The hash to bind a certificate with: the one of its signature, SHA-256 in place of MD5 and SHA-1.
/// None where the signature has no single hash (such as Ed25519): the binding is not defined then.
pub(crate) fn binding_hash(certificate: &[u8]) -> Option<Hash> {
    let (whole, _) = take(certificate, SEQUENCE)?;
    let (_, rest) = take(whole, SEQUENCE)?;
    let (algorithm, _) = take(rest, SEQUENCE)?;
    let (identifier, parameters) = take(algorithm, OBJECT_IDENTIFIER)?;
    if identifier == ECDSA_SHA1 {
        return Some(Hash::Sha256);
    }
    match identifier.split_last()? {
        (4 | 5 | 11, PKCS1) => Some(Hash::Sha256),
        (12, PKCS1) => Some(Hash::Sha384),
        (13, PKCS1) => Some(Hash::Sha512),
        (14, PKCS1) => Some(Hash::Sha224),
        (10, PKCS1) => pss_hash(parameters),
        (1, ECDSA_SHA2) => Some(Hash::Sha224),
        (2, ECDSA_SHA2) => Some(Hash::Sha256),
        (3, ECDSA_SHA2) => Some(Hash::Sha384),
        (4, ECDSA_SHA2) => Some(Hash::Sha512),
        _ => None,
    }
}

/// The hash among the parameters of RSASSA-PSS; the default is SHA-1.
fn pss_hash(parameters: &[u8]) -> Option<Hash> {
    let (members, _) = take(parameters, SEQUENCE)?;
    let Some((hash, _)) = take(members, PSS_HASH) else {
        return Some(Hash::Sha256);
    };
    let (algorithm, _) = take(hash, SEQUENCE)?;
    let (identifier, _) = take(algorithm, OBJECT_IDENTIFIER)?;
    if identifier == SHA1 {
        return Some(Hash::Sha256);
    }
    match identifier.split_last()? {
        (1, SHA2) => Some(Hash::Sha256),
        (2, SHA2) => Some(Hash::Sha384),
        (3, SHA2) => Some(Hash::Sha512),
        (4, SHA2) => Some(Hash::Sha224),
        _ => None,
    }
}

/// The content of the DER value with `tag` at the front of `input`, and what follows it.
fn take(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = input.split_first_chunk()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x82, 0, content.len() as u8], content].concat()
    }

    fn certificate(identifier: &[u8], parameters: &[u8]) -> Vec<u8> {
        let algorithm = [&value(OBJECT_IDENTIFIER, identifier), parameters].concat();
        value(SEQUENCE, &[value(SEQUENCE, &[0; 9]), value(SEQUENCE, &algorithm), vec![3, 1, 0]].concat())
    }

    fn member(of: &[u8], last: u8) -> Vec<u8> {
        [of, &[last]].concat()
    }

    #[test]
    fn each_signature_names_its_hash() {
        let cases = [
            (member(PKCS1, 4), Some(Hash::Sha256)),
            (member(PKCS1, 5), Some(Hash::Sha256)),
            (member(PKCS1, 11), Some(Hash::Sha256)),
            (member(PKCS1, 12), Some(Hash::Sha384)),
            (member(PKCS1, 13), Some(Hash::Sha512)),
            (member(PKCS1, 14), Some(Hash::Sha224)),
            (ECDSA_SHA1.to_vec(), Some(Hash::Sha256)),
            (member(ECDSA_SHA2, 1), Some(Hash::Sha224)),
            (member(ECDSA_SHA2, 2), Some(Hash::Sha256)),
            (member(ECDSA_SHA2, 3), Some(Hash::Sha384)),
            (member(ECDSA_SHA2, 4), Some(Hash::Sha512)),
            (vec![0x2b, 0x65, 0x70], None),
        ];
        for (identifier, hash) in cases {
            assert_eq!(binding_hash(&certificate(&identifier, &[5, 0])), hash, "{identifier:x?}");
        }
    }

    #[test]
    fn pss_names_its_hash_in_the_parameters() {
        let pss = member(PKCS1, 10);
        assert_eq!(binding_hash(&certificate(&pss, &value(SEQUENCE, &[]))), Some(Hash::Sha256));
        let cases = [
            (SHA1.to_vec(), Some(Hash::Sha256)),
            (member(SHA2, 1), Some(Hash::Sha256)),
            (member(SHA2, 2), Some(Hash::Sha384)),
            (member(SHA2, 3), Some(Hash::Sha512)),
            (member(SHA2, 4), Some(Hash::Sha224)),
            (member(SHA2, 9), None),
        ];
        for (identifier, hash) in cases {
            let algorithm = value(SEQUENCE, &value(OBJECT_IDENTIFIER, &identifier));
            let parameters = value(SEQUENCE, &value(PSS_HASH, &algorithm));
            assert_eq!(binding_hash(&certificate(&pss, &parameters)), hash, "{identifier:x?}");
        }
    }

    #[test]
    fn what_is_cut_off_has_no_hash() {
        let whole = certificate(&member(PKCS1, 11), &[5, 0]);
        for length in 0..whole.len() {
            assert_eq!(binding_hash(&whole[..length]), None);
        }
    }
}
