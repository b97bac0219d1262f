//! What it costs to have the verifier judge a path, beside signatures, in microseconds of a slow machine.

use super::anchors::Anchor;
use super::paths::Way;
use crate::parse::x509::Amount;

/// Bytes of certificates that it takes apart in a microsecond, where extensions are as short as they can be.
const READ: usize = 200;

/// Of one name that is compared with one constraint, in nanoseconds, whatever they are; each byte of both is one more.
const COMPARISON: usize = 30;

/// `names` are those of the peer's own certificate.
pub(super) fn price_of(names: Amount, way: &Way<'_, '_>, anchors: &[Anchor]) -> u32 {
    let bytes: usize = way.links.iter().map(|link| link.der.len()).sum();
    // At each certificate that it comes to, it looks for the issuer among all of them.
    let reading = bytes.saturating_mul(way.visits) / READ;
    u32::try_from(reading.saturating_add(comparing(names, way, anchors) / 1000)).unwrap_or(u32::MAX)
}

/// All names against all constraints, for each anchor that the path may end at.
fn comparing(names: Amount, way: &Way<'_, '_>, anchors: &[Anchor]) -> usize {
    // The subject of each certificate is a name too.
    let subjects = Amount { entries: way.links.len() + 1, bytes: 0 };
    let names = way.links.iter().map(|link| link.names).fold(names.plus(subjects), Amount::plus);
    let ours = || way.links.iter().map(|link| link.constraints).fold(Amount::default(), Amount::plus);
    let mut constraints = Amount::default();
    for anchor in anchors.iter().filter(|anchor| anchor.subject() == way.issuer) {
        constraints = constraints.plus(anchor.constraints()).plus(ours());
    }
    let each = names.entries.saturating_mul(constraints.entries).saturating_mul(COMPARISON);
    let bytes_of_names = names.bytes.saturating_mul(constraints.entries);
    each.saturating_add(bytes_of_names).saturating_add(constraints.bytes.saturating_mul(names.entries))
}
