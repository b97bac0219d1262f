//! The recipe of contexts: mutable, used by one thread at a time, usable for any number of contexts.

use std::path::Path;

use zeroize::Zeroizing;

use super::limits::{HandshakeLimits, Limits};
use super::{identity, trust};
use crate::engine::{
    ClientAuth, Credential, Recipe, Verify, has_compression, has_group, has_scheme, has_suite,
};
use crate::failure::Failure;
use crate::numbers::MIN_RECORD_SIZE;
use crate::numbers::{
    DEFAULT_POOL, MOST_EARLY_DATA, MOST_OPEN_QUESTIONS, MOST_RAMP, MOST_SESSIONS, MOST_TICKETS,
};
use crate::parse::alpn;
use crate::parse::ech::Ech;
use crate::record::layout::{MAX_PADDING, MAX_PLAIN};
use crate::record::sizing::{ENGINES_OWN, Sizing, padding_block, record_size};
use crate::status::*;

/// What `tls_builder_t` stands for.
pub(crate) struct Builder {
    pub(crate) recipe: Recipe,
    pub(crate) limits: Limits,
    pub(crate) handshake: HandshakeLimits,
    pub(crate) pool: usize,
    /// How plain bytes are cut into records.
    pub(crate) sizing: Sizing,
    /// Whether servers ask for another context when the ClientHello is in.
    pub(crate) asks_context: bool,
    /// Kinds of events to record, as bits; key-log lines are the recipe's.
    events: u32,
    /// What went wrong first, until the host says that it has seen it.
    failure: Option<Failure>,
    /// A call was left in its middle: what is set is not known.
    is_spoilt: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            recipe: Recipe { tls12: true, tls13: true, ..Recipe::default() },
            limits: Limits::default(),
            handshake: HandshakeLimits::default(),
            pool: DEFAULT_POOL,
            sizing: ENGINES_OWN,
            asks_context: false,
            events: 0,
            failure: None,
            is_spoilt: false,
        }
    }
}

/// What went wrong stands between a builder and everything that could be made of it: a host that does not look
/// would otherwise get less than it asked for.
impl Builder {
    /// Sets something, by `body`.
    pub(crate) fn set(&mut self, body: impl FnOnce(&mut Self) -> Result<(), Failure>) -> Result<(), Failure> {
        if self.is_spoilt { Err(Failure::panic()) } else { body(self) }
    }

    /// Whether something can be made of this builder.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// What went wrong first.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Remembers that something went wrong, if nothing did before. Returns the status.
    pub(crate) fn remember(&mut self, failure: Failure) -> Status {
        let status = failure.status;
        self.failure.get_or_insert(failure);
        status
    }

    /// A panic ended a call in its middle. It is not known what is set: this is never forgotten.
    pub(crate) fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// Forgets what went wrong: the host has seen it.
    pub(crate) fn forget(&mut self) -> Result<(), Failure> {
        if self.is_spoilt {
            return Err(Failure::panic());
        }
        self.failure = None;
        Ok(())
    }
}

impl Builder {
    pub(crate) fn identity_pem(&mut self, chain: &[u8], key: &[u8]) -> Result<(), Failure> {
        self.add(identity::from_pem(chain, key)?)
    }

    pub(crate) fn identity_external(&mut self, chain: &[u8]) -> Result<(), Failure> {
        self.add(identity::external_from_pem(chain)?)
    }

    /// A raw key stands alone: with it nobody can be told which certificates there would be.
    fn add(&mut self, credential: Credential) -> Result<(), Failure> {
        if self.recipe.credentials.iter().any(Credential::is_raw) {
            return Err(Failure::new(TLS_ERR_STATE, 0, "the identity of this builder is a raw public key"));
        }
        self.recipe.credentials.push(credential);
        Ok(())
    }

    pub(crate) fn identity_file(&mut self, chain: &Path, key: &Path) -> Result<(), Failure> {
        let key = read("the file of the key", key)?;
        self.identity_pem(&read("the file of the chain", chain)?, &key)
    }

    pub(crate) fn trust_pem(&mut self, text: &[u8]) -> Result<(), Failure> {
        trust::add_pem(&mut self.recipe.trust, text)
    }

    pub(crate) fn trust_file(&mut self, path: &Path) -> Result<(), Failure> {
        self.trust_pem(&read("the file of trust anchors", path)?)
    }

    /// The number of certificates that were passed over, and what came of the others.
    pub(crate) fn trust_bundle(&mut self, text: &[u8]) -> (usize, Result<(), Failure>) {
        trust::add_bundle(&mut self.recipe.trust, text)
    }

    pub(crate) fn trust_bundle_file(&mut self, path: &Path) -> (usize, Result<(), Failure>) {
        match read("the file of trust anchors", path) {
            Ok(text) => self.trust_bundle(&text),
            Err(failure) => (0, Err(failure)),
        }
    }

    pub(crate) fn trust_system(&mut self) -> Result<(), Failure> {
        trust::add_system(&mut self.recipe.trust)
    }

    /// `wire` is a list as in RFC 7301, section 3.1, without its outer length.
    pub(crate) fn alpn(&mut self, wire: &[u8]) -> Result<(), Failure> {
        self.recipe.alpn = alpn::parse(wire)?;
        Ok(())
    }

    pub(crate) fn versions(&mut self, min: u16, max: u16) -> Result<(), Failure> {
        for version in [min, max] {
            if ![TLS_VERSION_1_2, TLS_VERSION_1_3].contains(&i64::from(version)) {
                return Err(Failure::config(
                    TLS_REASON_VERSION_UNSUPPORTED,
                    format!(
                        "version 0x{version:04x}: only 0x0303 (TLS 1.2) and 0x0304 (TLS 1.3) are supported"
                    ),
                ));
            }
        }
        if min > max {
            return Err(Failure::config(
                TLS_REASON_VERSION_UNSUPPORTED,
                format!("the least version 0x{min:04x} is above the greatest one 0x{max:04x}"),
            ));
        }
        self.recipe.tls12 = i64::from(min) == TLS_VERSION_1_2;
        self.recipe.tls13 = i64::from(max) == TLS_VERSION_1_3;
        Ok(())
    }

    /// `suites` are IANA numbers in order of preference.
    pub(crate) fn suites(&mut self, suites: &[u16]) -> Result<(), Failure> {
        check_all(suites, has_suite, TLS_REASON_SUITE_UNSUPPORTED, "cipher suite")?;
        self.recipe.suites = suites.to_vec();
        Ok(())
    }

    /// `schemes` are IANA numbers in order of preference.
    pub(crate) fn signature_schemes(&mut self, schemes: &[u16]) -> Result<(), Failure> {
        check_all(schemes, has_scheme, TLS_REASON_SCHEME_UNSUPPORTED, "signature scheme")?;
        self.recipe.schemes = schemes.to_vec();
        Ok(())
    }

    /// The group of the key share that clients send; 0 for the first one.
    pub(crate) fn key_share(&mut self, group: u16) -> Result<(), Failure> {
        if group != 0 {
            check_groups(&[group])?;
        }
        self.recipe.key_share = group;
        Ok(())
    }

    /// `groups` are IANA numbers in order of preference.
    pub(crate) fn groups(&mut self, groups: &[u16]) -> Result<(), Failure> {
        check_groups(groups)?;
        self.recipe.groups = groups.to_vec();
        Ok(())
    }

    /// `algorithms` are IANA numbers in order of preference.
    pub(crate) fn certificate_compression(&mut self, algorithms: &[u16]) -> Result<(), Failure> {
        check_all(
            algorithms,
            has_compression,
            TLS_REASON_COMPRESSION_UNSUPPORTED,
            "certificate compression algorithm",
        )?;
        self.recipe.compression = algorithms.to_vec();
        Ok(())
    }

    /// `list` is an ECHConfigList; none for no ECH.
    pub(crate) fn ech(&mut self, list: &[u8]) -> Result<(), Failure> {
        self.recipe.ech = if list.is_empty() { Ech::Off } else { Ech::offer(list)? };
        Ok(())
    }

    pub(crate) fn ask_identity(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.asks_identity = is_on(mode)?;
        Ok(())
    }

    pub(crate) fn ask_session(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.asks_session = is_on(mode)?;
        Ok(())
    }

    pub(crate) fn ask_context(&mut self, mode: i32) -> Result<(), Failure> {
        self.asks_context = is_on(mode)?;
        Ok(())
    }

    pub(crate) fn half_rtt(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.half_rtt = is_on(mode)?;
        Ok(())
    }

    pub(crate) fn strict_sni(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.strict_names = is_on(mode)?;
        Ok(())
    }

    pub(crate) fn ech_grease(&mut self, mode: i32) -> Result<(), Failure> {
        match (mode, &self.recipe.ech) {
            (1, _) => self.recipe.ech = Ech::Grease,
            (0, Ech::Grease) => self.recipe.ech = Ech::Off,
            (0, _) => {}
            _ => return Err(Failure::argument(format!("{mode} is neither 0 nor 1"))),
        }
        Ok(())
    }

    pub(crate) fn client_auth(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.client_auth = match mode {
            TLS_CLIENT_AUTH_NONE => ClientAuth::None,
            TLS_CLIENT_AUTH_OPTIONAL => ClientAuth::Optional,
            TLS_CLIENT_AUTH_REQUIRED => ClientAuth::Required,
            _ => return Err(Failure::argument(format!("{mode} is no mode of client authentication"))),
        };
        Ok(())
    }

    pub(crate) fn verify(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.verify = match mode {
            TLS_VERIFY_PEER => Verify::Peer,
            TLS_VERIFY_ASK => Verify::Ask,
            TLS_VERIFY_DANGEROUS_NONE => Verify::DangerousNone,
            TLS_VERIFY_ANY_NAME => Verify::AnyName,
            _ => return Err(Failure::argument(format!("{mode} is no mode of verification"))),
        };
        Ok(())
    }

    pub(crate) fn limits(&mut self, inbound: usize, outbound: usize) -> Result<(), Failure> {
        self.limits = Limits::new(inbound, outbound)?;
        Ok(())
    }

    pub(crate) fn sessions(&mut self, most: usize) -> Result<(), Failure> {
        if most > MOST_SESSIONS {
            return Err(Failure::argument(format!("{most} sessions are more than {MOST_SESSIONS}")));
        }
        self.recipe.sessions = Some(most);
        Ok(())
    }

    pub(crate) fn tickets(&mut self, count: u32) -> Result<(), Failure> {
        check_tickets(count)?;
        self.recipe.tickets = Some(count);
        Ok(())
    }

    pub(crate) fn ticket_request(&mut self, full: u32, resumed: u32) -> Result<(), Failure> {
        self.recipe.ticket_request = Some([check_tickets(full)?, check_tickets(resumed)?]);
        Ok(())
    }

    pub(crate) fn early_data(&mut self, most: u32) -> Result<(), Failure> {
        if most > MOST_EARLY_DATA {
            return Err(Failure::argument(format!(
                "{most} bytes of early data are more than {MOST_EARLY_DATA}"
            )));
        }
        self.recipe.early_data = most;
        Ok(())
    }

    pub(crate) fn events(&mut self, mask: u32) -> Result<(), Failure> {
        const KINDS: u32 = TLS_EVENT_HANDSHAKE_DONE
            | TLS_EVENT_TICKET
            | TLS_EVENT_ALERT_RECEIVED
            | TLS_EVENT_ALERT_SENT
            | TLS_EVENT_KEY_UPDATE;
        if mask & TLS_EVENT_KEY_LOG != 0 {
            return Err(Failure::argument("key-log lines are secrets: ask for them by tls_builder_key_log"));
        }
        if mask & TLS_EVENT_SESSION != 0 {
            let what = "stored sessions have secrets in them: ask for them by tls_builder_ask_session";
            return Err(Failure::argument(what));
        }
        if mask & !KINDS != 0 {
            return Err(Failure::argument(format!("0x{:x} is no kind of event", mask & !KINDS)));
        }
        self.events = mask;
        self.recipe.key_watch = mask & TLS_EVENT_KEY_UPDATE != 0;
        Ok(())
    }

    /// The most plain bytes of a record; 0 for the largest.
    pub(crate) fn record_size(&mut self, most: usize) -> Result<(), Failure> {
        self.sizing.most = checked_record_size(most)?;
        self.recipe.most_record = (self.sizing.most < MAX_PLAIN).then_some(self.sizing.most);
        Ok(())
    }

    /// The first `bytes` plain bytes go into records of at most `small`; 0 of them for none.
    pub(crate) fn record_ramp(&mut self, small: usize, bytes: usize) -> Result<(), Failure> {
        let small = checked_record_size(small)?;
        if bytes > MOST_RAMP {
            return Err(Failure::argument(format!(
                "{bytes} bytes in small records are more than {MOST_RAMP}"
            )));
        }
        self.sizing.small = small;
        self.sizing.ramp = bytes;
        Ok(())
    }

    /// Records are padded to multiples of `block` bytes; 0 for no padding.
    pub(crate) fn padding(&mut self, block: usize) -> Result<(), Failure> {
        self.sizing.block = padding_block(block).ok_or_else(|| {
            Failure::argument(format!("{block} is neither 0 nor a power of two from 2 to {MAX_PADDING}"))
        })?;
        self.recipe.padding = block > 0;
        Ok(())
    }

    pub(crate) fn key_log(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.key_log = is_on(mode)?;
        Ok(())
    }

    pub(crate) fn secret_extraction(&mut self, mode: i32) -> Result<(), Failure> {
        self.recipe.secret_extraction = is_on(mode)?;
        Ok(())
    }

    /// All kinds of events that connections record.
    pub(crate) fn recorded_events(&self) -> u32 {
        self.events | if self.recipe.key_log { TLS_EVENT_KEY_LOG } else { 0 }
    }

    /// The same of servers.
    pub(crate) fn server_events(&self) -> u32 {
        self.recorded_events() | if self.recipe.asks_session { TLS_EVENT_SESSION } else { 0 }
    }

    /// The most questions that are open in the middle of a step; 0 for the default.
    pub(crate) fn open_questions(&mut self, most: u32) -> Result<(), Failure> {
        if most > MOST_OPEN_QUESTIONS {
            return Err(Failure::argument(format!(
                "{most} open questions are more than {MOST_OPEN_QUESTIONS}"
            )));
        }
        self.recipe.open_questions = (most != 0).then_some(most);
        Ok(())
    }

    pub(crate) fn pool(&mut self, bytes: usize) {
        self.pool = bytes;
    }
}

/// Whether a list of groups can be offered.
pub(crate) fn check_groups(groups: &[u16]) -> Result<(), Failure> {
    check_all(groups, has_group, TLS_REASON_GROUP_UNSUPPORTED, "key exchange group")
}

/// Every one of `numbers` must exist here, and none stand twice.
fn check_all(numbers: &[u16], exists: fn(u16) -> bool, reason: i32, what: &str) -> Result<(), Failure> {
    for (index, &number) in numbers.iter().enumerate() {
        let why = if !exists(number) {
            "does not exist here"
        } else if numbers[..index].contains(&number) {
            "stands twice in the list"
        } else {
            continue;
        };
        return Err(Failure::config(
            reason,
            format!("{what} {} of the list, 0x{number:04x}, {why}", index + 1),
        ));
    }
    Ok(())
}

/// The mode of what is on or off.
fn is_on(mode: i32) -> Result<bool, Failure> {
    match mode {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Failure::argument(format!("{mode} is neither 0 nor 1"))),
    }
}

fn checked_record_size(size: usize) -> Result<usize, Failure> {
    record_size(size).ok_or_else(|| {
        Failure::argument(format!(
            "a record of {size} plain bytes: it is 0 (the largest), or from {MIN_RECORD_SIZE} to {MAX_PLAIN}"
        ))
    })
}

fn check_tickets(count: u32) -> Result<u8, Failure> {
    u8::try_from(count)
        .ok()
        .filter(|_| count <= MOST_TICKETS)
        .ok_or_else(|| Failure::argument(format!("{count} tickets are more than {MOST_TICKETS}")))
}

/// What is in a file, which may be a secret.
fn read(what: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    std::fs::read(path).map(Zeroizing::new).map_err(|error| Failure::file(what, path, &error))
}
