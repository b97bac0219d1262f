//! Certificates made for tests, with signatures that are none.

use super::der::{BIT_STRING, BOOLEAN, CONTEXT_0, CONTEXT_3, INTEGER, OCTET_STRING, OID, SEQUENCE};

/// ecdsa-with-SHA256, id-ecPublicKey, secp256r1.
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header: &[u8] = match length {
        [0, short @ 0..0x80] => &[tag, short],
        [0, one] => &[tag, 0x81, one],
        [high, low] => &[tag, 0x82, high, low],
    };
    [header, &content].concat()
}

/// One that is not critical.
pub(crate) fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&element(OID, &[oid]), &element(OCTET_STRING, &[value])])
}

/// basicConstraints of a CA.
pub(crate) fn ca() -> Vec<u8> {
    extension(BASIC_CONSTRAINTS, &element(SEQUENCE, &[&element(BOOLEAN, &[&[0xff]])]))
}

/// A certificate of version 3 with these members, which are DER.
pub(crate) struct Wish<'a> {
    pub subject: &'a str,
    pub issuer: &'a str,
    pub serial: u8,
    pub version: u8,
    pub validity: [&'a [u8]; 2],
    pub signature: &'a [u8],
    pub extensions: &'a [u8],
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self {
            subject: "own",
            issuer: "root",
            serial: 1,
            version: 3,
            validity: [b"\x17\x0d250101000000Z", b"\x17\x0d491231235959Z"],
            signature: &[0, 1],
            extensions: &[],
        }
    }
}

/// What stands for a key in all of these.
pub(crate) fn key() -> Vec<u8> {
    key_on(P256)
}

/// The same on a curve of this name.
pub(crate) fn key_on(curve: &[u8]) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[&element(OID, &[EC_KEY]), &element(OID, &[curve])]);
    element(SEQUENCE, &[&algorithm, &element(BIT_STRING, &[&[0, 4], &[1; 64]])])
}

pub(crate) fn certificate(wish: &Wish<'_>) -> Vec<u8> {
    let name = |text: &str| {
        let member =
            element(SEQUENCE, &[&element(OID, &[&[0x55, 4, 3]]), &element(0x0c, &[text.as_bytes()])]);
        element(SEQUENCE, &[&element(0x31, &[&member])])
    };
    let algorithm = element(SEQUENCE, &[&element(OID, &[ECDSA_SHA256])]);
    let signed = element(
        SEQUENCE,
        &[
            &element(CONTEXT_0, &[&element(INTEGER, &[&[wish.version - 1]])]),
            &element(INTEGER, &[&[wish.serial]]),
            &algorithm,
            &name(wish.issuer),
            &element(SEQUENCE, &wish.validity),
            &name(wish.subject),
            &key(),
            &element(CONTEXT_3, &[&element(SEQUENCE, &[wish.extensions])]),
        ],
    );
    element(SEQUENCE, &[&signed, &algorithm, &element(BIT_STRING, &[wish.signature])])
}
