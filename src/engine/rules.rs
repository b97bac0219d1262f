//! The rules by which a server judges its clients, as bytes that mean the same on every machine and in every
//! build of this library: tickets that pass between processes are bound to them.
//!
//! The bytes are `libtlsbio rules 2` and fields `tag:1 | length:4, big-endian | value`, in the order of their tags.
//! Several fields of one tag are a set: they are sorted by their values, and none stands there twice. A change of
//! what a field means, or a new rule, gets a tag of its own or another number in the first line: then the tickets of
//! older builds make full handshakes.

use super::chain_checks::{ChainChecks, Revocation};
use super::digest::sha256;
use super::recipe::{ClientAuth, Recipe, Verify};
use crate::status::*;

/// SHA-256 of the bytes above.
pub(super) const RULES: usize = 32;

const FORM: &[u8] = b"libtlsbio rules 2";

/// What is said by a field. Numbers are never used again for something else.
#[derive(Clone, Copy)]
enum Tag {
    /// TLS_CLIENT_AUTH_*, one byte.
    ClientAuth = 1,
    /// TLS_VERIFY_*, one byte. ANY_NAME is PEER: clients have no names that count.
    Verify = 2,
    /// A trust anchor, each part after its length in four bytes: name, what is in its subject public key info, name
    /// constraints, and 27 bytes: from when and until when it is valid, in Unix seconds, and its path length (all ones for
    /// none), eight bytes each; whether it is for servers, for clients, and for CRLs, one byte each.
    Anchor = 3,
    /// SHA-256 of a CRL in DER.
    Crl = 4,
    /// TLS_REVOCATION_*, one byte; not there if none was set.
    Revocation = 5,
    /// Unix seconds, eight bytes; not there for the clock.
    Time = 6,
    /// SHA-256 of a subject public key info.
    Pin = 7,
    /// A certificate in DER that chains may use.
    Intermediate = 8,
    /// The subject public key info of a peer without a certificate.
    RawKey = 9,
    /// The certificate of a peer itself, in DER.
    Peer = 10,
}

/// Which rules about client certificates a session is made under. A resumed session is not verified again, and the
/// engine does not look whether it would be: without this, a ticket of a context that asks for no certificate would
/// be good at one that requires them and has the same keys.
pub(super) fn rules(recipe: &Recipe) -> [u8; RULES] {
    sha256(&encoded(recipe))
}

fn encoded(recipe: &Recipe) -> Vec<u8> {
    let mut bytes = FORM.to_vec();
    let auth = match recipe.client_auth {
        ClientAuth::None => TLS_CLIENT_AUTH_NONE,
        ClientAuth::Optional => TLS_CLIENT_AUTH_OPTIONAL,
        ClientAuth::Required => TLS_CLIENT_AUTH_REQUIRED,
    };
    field(&mut bytes, Tag::ClientAuth, &byte(auth));
    if recipe.client_auth == ClientAuth::None {
        return bytes;
    }
    let verify = match recipe.verify {
        Verify::Peer | Verify::AnyName => TLS_VERIFY_PEER,
        Verify::Ask => TLS_VERIFY_ASK,
        Verify::DangerousNone => TLS_VERIFY_DANGEROUS_NONE,
    };
    field(&mut bytes, Tag::Verify, &byte(verify));
    set(&mut bytes, Tag::Anchor, recipe.trust.parts().iter().map(anchor));
    checks(&mut bytes, &recipe.checks);
    bytes
}

/// All of them, by name: who adds one is told here.
fn checks(bytes: &mut Vec<u8>, checks: &ChainChecks) {
    let ChainChecks { crls, revocation, time, pins, intermediates, raw_keys, peers } = checks;
    set(bytes, Tag::Crl, crls.iter().map(|crl| crl.digest().to_vec()));
    if let Some(policy) = revocation {
        field(bytes, Tag::Revocation, &byte(bits(*policy)));
    }
    if let Some(time) = time {
        field(bytes, Tag::Time, &time.as_secs().to_be_bytes());
    }
    set(bytes, Tag::Pin, pins.iter().map(|pin| pin.0.to_vec()));
    set(bytes, Tag::Intermediate, intermediates.iter().map(|certificate| certificate.to_vec()));
    set(bytes, Tag::RawKey, raw_keys.iter().map(|key| key.to_vec()));
    set(bytes, Tag::Peer, peers.iter().map(|certificate| certificate.to_vec()));
}

fn field(bytes: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    bytes.push(tag as u8);
    long(bytes, value);
}

/// A value after its length, which no setting of a host reaches: parts of PEM texts.
fn long(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(value);
}

fn set(bytes: &mut Vec<u8>, tag: Tag, values: impl Iterator<Item = Vec<u8>>) {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.iter().for_each(|value| field(bytes, tag, value));
}

fn anchor(parts: &[Vec<u8>; 4]) -> Vec<u8> {
    let mut value = Vec::new();
    parts.iter().for_each(|part| long(&mut value, part));
    value
}

/// The numbers of the interface that stand here are small.
fn byte(number: i32) -> [u8; 1] {
    [number.to_le_bytes()[0]]
}

fn bits(policy: Revocation) -> i32 {
    let Revocation { allow_unknown, end_entity_only, allow_expired } = policy;
    [
        (allow_unknown, TLS_REVOCATION_ALLOW_UNKNOWN),
        (end_entity_only, TLS_REVOCATION_END_ENTITY_ONLY),
        (allow_expired, TLS_REVOCATION_ALLOW_EXPIRED),
    ]
    .into_iter()
    .filter_map(|(set, bit)| set.then_some(bit))
    .sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pki_types::UnixTime;

    use super::super::chain_checks::{Crl, Pin};
    use super::*;

    /// A CA and a CRL of it, made once: what is hashed must be the same for ever.
    const CA: &str = "\
        308201363081e9a0030201020214382e3b462245903fd8851231c07ba9b9732bf9ef300506032b65703010310e300c06035504030c05\
        72756c65733020170d3236313132363032313833375a180f32313236313130323032313833375a3010310e300c06035504030c057275\
        6c6573302a300506032b6570032100ddc41f0f1a8e24b6d5f56ed0c8d3039800042f7e0271d129ea01a529d87d0cfea3533051301d06\
        03551d0e041604147bf506a1c4e4b0344d6976a73837576ad2881f85301f0603551d230418301680147bf506a1c4e4b0344d6976a738\
        37576ad2881f85300f0603551d130101ff040530030101ff300506032b6570034100b416b7422c7a9cba28127b795ea31b8451dfc599\
        f26753a07190934d56e5910ecc52beea1f802e9cd86284f6942085463cb1797cf993fd708a733b89b8eb690b";
    const CRL: &str = "\
        3081b9306d020101300506032b65703010310e300c06035504030c0572756c6573170d3236313132363032313833375a180f32313236\
        313130323032313833375aa02f302d301f0603551d230418301680147bf506a1c4e4b0344d6976a73837576ad2881f85300a0603551d\
        140403020101300506032b6570034100adf87e888664e2909d88dfa1fb0030bbeccc928e6620e248db2e19c2ce65aeb0026d9c76365d\
        677ce4777c1693b4021d75b503b89a5c90770a2a021b63d6b30f";

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// With something in every field.
    fn full() -> Recipe {
        let mut recipe = Recipe {
            client_auth: ClientAuth::Required,
            checks: ChainChecks {
                crls: vec![Crl::from_der(&bytes(CRL)).unwrap()],
                revocation: Some(Revocation {
                    allow_unknown: true,
                    end_entity_only: false,
                    allow_expired: true,
                }),
                time: Some(UnixTime::since_unix_epoch(Duration::from_secs(0x0102_0304_0506))),
                pins: vec![Pin([2; 32]), Pin([1; 32]), Pin([2; 32])],
                intermediates: vec![vec![0x30, 8].into()],
                raw_keys: vec![vec![0x30, 9].into()],
                peers: vec![vec![0x30, 10].into()],
            },
            ..Recipe::default()
        };
        recipe.trust.add(&bytes(CA).into(), "the CA").unwrap();
        recipe
    }

    #[test]
    fn the_bytes_are_those_that_stand_in_tickets_of_other_builds() {
        let expected = [
            "6c6962746c7362696f2072756c65732032",
            "010000000102",
            "020000000100",
            "030000006500000010310e300c06035504030c0572756c6573",
            "0000002a300506032b6570032100ddc41f0f1a8e24b6d5f56ed0c8d3039800042f7e0271d129ea01a529d87d0cfe00000000",
            "0000001b000000006b0796fd0000000126ffb4fdffffffffffffffff010101",
            "0400000020449f49e1c8e06920f10fafe7b6f7572b95620374e7bb9140865d1d3e8f975785",
            "050000000105",
            "06000000080000010203040506",
            "07000000200101010101010101010101010101010101010101010101010101010101010101",
            "07000000200202020202020202020202020202020202020202020202020202020202020202",
            "08000000023008",
            "09000000023009",
            "0a00000002300a",
        ];
        assert_eq!(hex(&encoded(&full())), expected.concat());
        assert_eq!(hex(&rules(&full())), "df98ee749cd71f71d2de7573a8748e1a25e76740067a4de1d24520b0fcd08078");
        assert_eq!(
            hex(&rules(&Recipe::default())),
            "f7e6856422d98aca9261b3fd6877108e4a79c1466e248125fcf3ad40c588104d"
        );
    }

    #[test]
    fn the_order_in_which_rules_were_given_is_none_of_them() {
        let mut other = full();
        other.checks.pins = vec![Pin([1; 32]), Pin([2; 32])];
        assert_eq!(encoded(&other), encoded(&full()));
    }

    #[test]
    fn every_rule_makes_a_difference_where_certificates_are_asked_for_and_none_elsewhere() {
        let changes: [fn(&mut Recipe); 9] = [
            |recipe| recipe.client_auth = ClientAuth::Optional,
            |recipe| recipe.verify = Verify::Ask,
            |recipe| recipe.verify = Verify::DangerousNone,
            |recipe| recipe.trust = Default::default(),
            |recipe| recipe.checks.crls.clear(),
            |recipe| recipe.checks.revocation = None,
            |recipe| recipe.checks.time = None,
            |recipe| recipe.checks.pins.truncate(1),
            |recipe| std::mem::swap(&mut recipe.checks.intermediates, &mut recipe.checks.peers),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut other = full();
            change(&mut other);
            assert_ne!(rules(&other), rules(&full()), "change {index}");
            other.client_auth = ClientAuth::None;
            assert_eq!(rules(&other), rules(&Recipe::default()), "change {index}");
        }
    }
}
