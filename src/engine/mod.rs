//! The TLS engine: the only room that names rustls.
//!
//! Two forms of [`handshake`]: [`direct`] for connections on which nothing will be asked, and [`pull`], which stops at the
//! questions. Which one a connection gets is decided when it is made. Where the engine may ask in the middle of a step,
//! [`asking`] is put around either form. What carries the traffic that follows is [`established`].

mod abort;
mod alert;
mod anchors;
mod answered_updates;
mod ask;
mod asked_identity;
mod asked_session;
mod asking;
mod asking_steps;
mod blob;
mod chain;
mod chain_checks;
mod client_cache;
mod clock;
mod collected;
mod client_sessions;
mod client_setup;
mod compression;
mod deep;
// A build for validated cryptography has no records of its own to compare.
#[cfg(all(any(test, fuzzing), not(feature = "fips")))]
mod differential;
mod digest;
mod direct;
mod early;
mod ech;
mod encrypters;
mod established;
mod explain;
mod external_key;
mod facts;
mod fault;
mod full_records;
mod halves;
mod handshake;
mod hello_scan;
mod hidden_sessions;
mod identities;
mod input;
mod judging;
mod kernel;
mod key_log;
mod key_watch;
mod kept_sessions;
mod keys;
mod trusted_peers;
mod lasting;
mod message_count;
mod moved;
mod separate_names;
mod shared_identity;
mod names;
mod observe;
mod client_parameters;
mod padding;
mod paths;
mod plaintext;
mod price;
mod proof;
mod pull;
mod question;
mod receiving;
mod recipe;
mod refusal;
mod resuming;
mod retold;
mod reveal;
mod rules;
mod schemes;
mod seen_hkdf;
mod sending;
mod server_setup;
mod signatures;
mod store;
mod stored;
mod tickets;
mod verifier;
mod wanted;
mod whole;

pub(crate) use abort::abort;
pub(crate) use alert::{refuses_hello, rejects_identity};
pub(crate) use anchors::TrustStore;
pub(crate) use asked_session::{MOST_STORED, StoredSession};
pub(crate) use blob::{fresh_id, open, seal, sealed_length};
pub(crate) use chain_checks::{Crl, Pin, Revocation};
pub(crate) use client_parameters::ClientWish;
pub(crate) use client_sessions::{ClientSession, OwnSessions, SessionFacts};
pub(crate) use client_setup::ClientSetup;
pub(crate) use compression::has_compression;
#[cfg(all(test, not(feature = "fips")))]
pub(crate) use differential::pki;
#[cfg(fuzzing)]
pub use differential::play as play_records;
pub(crate) use digest::digest;
pub(crate) use early::{Early, EarlyTraffic};
pub(crate) use established::own_records;
pub(crate) use full_records::cut;
pub(crate) use handshake::{Decision, Handshake, Question, Settled, Verdict};
pub(crate) use judging::Case;
pub(crate) use key_log::KeyLogLine;
pub(crate) use moved::{arrived, early_number, ech_number, secret_length};
pub(crate) use names::ClientParameters;
pub(crate) use observe::{Observed, Wants, observe};
pub(crate) use question::{Reply, Request};
pub(crate) use recipe::{ClientAuth, Recipe, Verify, has_group, has_suite};
pub(crate) use schemes::has_scheme;
pub(crate) use server_setup::{ServerSetup, half_rtt_impossible};
pub(crate) use store::{Credential, can_be_parsed, subject_and_issuer};
pub(crate) use tickets::{GivenKey, KeySet, NAME as TICKET_KEY_NAME};
pub(crate) use trusted_peers::Usage;
pub(crate) use wanted::{IdentityRequest, LookUp, SignRequest};
