//! Lists of application protocols (RFC 7301).

use crate::failure::Failure;
use crate::numbers::MOST_ALPN;
use crate::status::TLS_REASON_ALPN_MALFORMED;

/// Names in order of preference.
pub(crate) type Protocols = Vec<Vec<u8>>;

/// `wire` is a list as in RFC 7301, section 3.1, without its outer length.
pub(crate) fn parse(wire: &[u8]) -> Result<Protocols, Failure> {
    let mut names = Vec::new();
    let mut offset = 0;
    while let Some(&length) = wire.get(offset) {
        let start = offset + 1;
        let malformed = |why: &str| {
            Failure::config(TLS_REASON_ALPN_MALFORMED, format!("ALPN list, offset {offset}: {why}"))
        };
        if length == 0 {
            return Err(malformed("an empty protocol name"));
        }
        let end = start + usize::from(length);
        let name =
            wire.get(start..end).ok_or_else(|| malformed("the name is longer than the rest of the list"))?;
        if end > MOST_ALPN {
            return Err(malformed(&format!("with this name the list is longer than {MOST_ALPN} bytes")));
        }
        names.push(name.to_vec());
        offset = end;
    }
    Ok(names)
}
