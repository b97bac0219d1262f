//! A connection that has come from another process, of which rustls knows nothing: what rustls's key schedule and its
//! outputs are to others.

use pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::explain::explain_fault;
use super::full_records;
use super::key_watch;
use crate::facts::{EarlyStatus, EchStatus, Facts, PeerChain};
use crate::failure::Failure;
use crate::parse::moved::{Direction, MAIN_SECRET, Moved, certificates};
use crate::record::fault::Fault;
use crate::record::key_schedule::Derivation;
use crate::record::secrets::{TrafficSecret, TrafficSecrets};
use crate::record::traffic::{HandshakeFacts, KeySchedule, MoveFacts, Remembered};

/// What goes on with `moved`: its present keys, at the beginning of their count, what follows them, and its facts. None if it
/// has what this build does not know.
pub(crate) fn arrived(moved: &Moved<'_>) -> Option<(TrafficSecrets, Box<dyn KeySchedule>, Remembered)> {
    let schedule = Schedule::new(moved)?;
    let secrets =
        TrafficSecrets { receive: schedule.first(moved, true)?, send: schedule.first(moved, false)? };
    let tickets = moved.receiver.tickets;
    let remembered = Remembered { handshake: Box::new(Arrived::new(moved)?), tickets };
    Some((secrets, Box::new(schedule), remembered))
}

/// How long the secrets of a suite of TLS 1.3 are.
pub(crate) fn secret_length(suite: u16) -> Option<usize> {
    Derivation::of(suite).map(Derivation::length)
}

/// What follows the keys. Nothing, in TLS 1.2.
struct Schedule {
    suite: u16,
    derivation: Option<Derivation>,
    /// Of each direction, the inbound one first.
    secrets: [Zeroizing<Vec<u8>>; 2],
    most_records: [u64; 2],
}

impl Schedule {
    fn new(moved: &Moved<'_>) -> Option<Self> {
        let suite = moved.facts.suite;
        let derivation = Derivation::of(suite);
        let directions = [&moved.receive, &moved.send];
        let fits = |direction: &&Direction<'_>| match derivation {
            Some(derivation) => direction.secret.len() == derivation.length(),
            None => direction.secret.is_empty(),
        };
        // In TLS 1.2 that was looked at already.
        let exports = derivation.is_none_or(|derivation| moved.exporter.len() == derivation.length());
        (exports && directions.iter().all(fits)).then(|| Self {
            suite,
            derivation,
            secrets: directions.map(|direction| Zeroizing::new(direction.secret.to_vec())),
            most_records: directions.map(|direction| direction.most_records),
        })
    }

    /// The secret of one direction that the connection came with.
    fn first(&self, moved: &Moved<'_>, inbound: bool) -> Option<TrafficSecret> {
        let (direction, number) = if inbound { (&moved.receive, 0) } else { (&moved.send, 1) };
        let most_records = direction.most_records;
        if let Some(derivation) = self.derivation {
            return derivation.keys(self.suite, &self.secrets[number], most_records);
        }
        let key = Zeroizing::new(direction.key.to_vec());
        let iv = Zeroizing::new(direction.iv.try_into().ok()?);
        Some(TrafficSecret {
            version: moved.facts.version,
            suite: self.suite,
            key,
            iv,
            sequence: 0,
            most_records,
        })
    }
}

impl KeySchedule for Schedule {
    fn next_secret(&mut self, inbound: bool) -> Result<Option<TrafficSecret>, Failure> {
        let Some(derivation) = self.derivation else { return Ok(None) };
        let number = usize::from(!inbound);
        let none = || explain_fault(Fault::NoKey);
        let secret = derivation.next(&self.secrets[number]).ok_or_else(none)?;
        let keys = derivation.keys(self.suite, &secret, self.most_records[number]).ok_or_else(none)?;
        self.secrets[number] = secret;
        key_watch::note(inbound);
        Ok(Some(keys))
    }

    fn reveal(&mut self) -> Result<Option<[Zeroizing<Vec<u8>>; 2]>, Failure> {
        Ok(Some(self.secrets.clone()))
    }

    /// The store of sessions, and what a session is made of, stayed behind.
    fn keep_ticket(&mut self, _: &[u8]) -> Result<bool, Failure> {
        Ok(false)
    }

    fn explain(&self, fault: Fault) -> Failure {
        explain_fault(fault)
    }
}

/// What is known of such a connection.
struct Arrived {
    /// Without what stands beside it.
    facts: Facts<'static>,
    alpn: Option<Box<[u8]>>,
    server_name: Option<Box<str>>,
    resumption_data: Option<Box<[u8]>>,
    /// The peer's certificates, its own first.
    chain: Box<[CertificateDer<'static>]>,
    raw_key: Option<Box<[u8]>>,
    exporter: Zeroizing<Vec<u8>>,
    move_facts: MoveFacts,
}

impl Arrived {
    fn new(moved: &Moved<'_>) -> Option<Self> {
        let given = &moved.facts;
        let some = |bytes: &[u8]| (!bytes.is_empty()).then(|| bytes.into());
        let facts = Facts {
            version: given.version,
            suite: given.suite,
            group: given.group,
            resumed: moved.flags.resumed,
            kind: given.kind.into(),
            bound_secrets: moved.flags.bound_secrets,
            ech: ECH.into_iter().find(|&status| ech_number(status) == given.ech)?,
            early: EARLY.into_iter().find(|&status| early_number(status) == given.early)?,
            ..Facts::default()
        };
        let name = std::str::from_utf8(given.name).ok()?;
        // A client's is the connection's own.
        let server_name = (!name.is_empty() && !moved.flags.is_client).then(|| name.into());
        let chain = certificates(given.chain)?.into_iter().map(|der| der.to_vec().into()).collect();
        Some(Self {
            facts,
            alpn: some(given.alpn),
            server_name,
            resumption_data: some(given.resumption_data),
            chain,
            raw_key: some(given.raw_key),
            exporter: Zeroizing::new(moved.exporter.to_vec()),
            move_facts: MoveFacts {
                id: moved.id,
                moves: moved.moves,
                end_point: moved.facts.end_point.into(),
            },
        })
    }
}

impl HandshakeFacts for Arrived {
    fn facts(&self) -> Facts<'_> {
        let chain = match (&*self.chain, &self.raw_key) {
            ([own, intermediates @ ..], _) => PeerChain::X509(own, intermediates),
            ([], Some(key)) => PeerChain::Raw(key),
            ([], None) => PeerChain::None,
        };
        Facts {
            alpn: self.alpn.as_deref(),
            server_name: self.server_name.as_deref(),
            resumption_data: self.resumption_data.as_deref(),
            chain,
            ..self.facts
        }
    }

    /// They are counted by whoever has the records.
    fn tickets(&self) -> u32 {
        0
    }

    fn export(&mut self, label: &[u8], context: Option<&[u8]>, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let mut output = Zeroizing::new(vec![0; length]);
        match Derivation::of(self.facts.suite) {
            Some(derivation) => {
                derivation.export(&self.exporter, label, context.unwrap_or_default(), &mut output)?;
            }
            None => self.export12(label, context, &mut output)?,
        }
        Some(output)
    }

    fn reveal(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        Some(self.exporter.clone())
    }

    fn move_facts(&self) -> Option<&MoveFacts> {
        Some(&self.move_facts)
    }
}

impl Arrived {
    /// RFC 5705, 4.
    fn export12(&self, label: &[u8], context: Option<&[u8]>, output: &mut [u8]) -> Option<()> {
        let provider = full_records::provider();
        let of_suite = |suite: &&&_| tls12_number(suite) == self.facts.suite;
        let prf = provider.tls12_cipher_suites.iter().find(of_suite)?.prf_provider;
        let (secret, randoms) = self.exporter.split_first_chunk::<MAIN_SECRET>()?;
        let mut seed = randoms.to_vec();
        if let Some(context) = context {
            seed.extend_from_slice(&u16::try_from(context.len()).ok()?.to_be_bytes());
            seed.extend_from_slice(context);
        }
        prf.new_secret(secret).prf(output, label, &seed);
        Some(())
    }
}

fn tls12_number(suite: &rustls::Tls12CipherSuite) -> u16 {
    suite.common.suite.0
}

const ECH: [EchStatus; 5] =
    [EchStatus::None, EchStatus::Grease, EchStatus::Offered, EchStatus::Accepted, EchStatus::Rejected];

/// The number of it in a blob, which stays as it is.
pub(crate) fn ech_number(status: EchStatus) -> u8 {
    match status {
        EchStatus::None => 0,
        EchStatus::Grease => 1,
        EchStatus::Offered => 2,
        EchStatus::Accepted => 3,
        EchStatus::Rejected => 4,
    }
}

const EARLY: [EarlyStatus; 4] =
    [EarlyStatus::None, EarlyStatus::Pending, EarlyStatus::Accepted, EarlyStatus::Rejected];

/// The same of early data.
pub(crate) fn early_number(status: EarlyStatus) -> u8 {
    match status {
        EarlyStatus::None => 0,
        EarlyStatus::Pending => 1,
        EarlyStatus::Accepted => 2,
        EarlyStatus::Rejected => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::moved::MovedFacts;

    fn moved(suite: u16, secret: &'static [u8], exporter: &'static [u8]) -> Moved<'static> {
        let direction = Direction { secret, most_records: 9, ..Direction::default() };
        let facts = MovedFacts { version: 0x0304, suite, ..MovedFacts::default() };
        Moved { facts, receive: direction, send: direction, exporter, ..Moved::default() }
    }

    /// Found by fuzzing: an exporter secret of another length could come, and not go on.
    #[test]
    fn secrets_are_as_long_as_the_suite_says() {
        assert!(arrived(&moved(0x1301, &[1; 32], &[2; 32])).is_some());
        assert!(arrived(&moved(0x1302, &[1; 48], &[2; 48])).is_some());
        for (suite, secret, exporter) in [
            (0x1301, &[1; 48][..], &[2; 32][..]),
            (0x1301, &[1; 32], &[2; 48]),
            (0x1302, &[1; 48], &[2; 47]),
            (0x1304, &[1; 32], &[2; 32]),
            (0xc02f, &[1; 32], &[2; 32]),
        ] {
            assert!(arrived(&moved(suite, secret, exporter)).is_none(), "{suite:x}");
        }
    }
}
