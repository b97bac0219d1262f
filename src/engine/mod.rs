//! The TLS engine: the only room that names rustls.
//!
//! Two forms of [`handshake`]: [`direct`] for connections on which nothing will be asked, and [`pull`], which stops at the
//! questions. Which one a connection gets is decided when it is made. Where the engine may ask in the middle of a step,
//! [`asking`] is put around either form. What carries the traffic that follows is [`established`].

mod abort;
mod alert;
mod anchors;
mod asked_identity;
mod asked_session;
mod asking;
mod chain;
mod checks;
mod client_cache;
mod clock;
mod collected;
mod client_sessions;
mod compression;
mod config;
mod deep;
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
mod forbearance;
mod full_records;
mod gate;
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
mod known;
mod lasting;
mod named;
mod observe;
mod opening;
mod padding;
mod paths;
mod prelude;
mod price;
mod proof;
mod pull;
mod question;
mod receiving;
mod refusal;
mod resuming;
mod retold;
mod rules;
mod schemes;
mod sending;
mod signatures;
mod store;
mod stored;
mod tickets;
mod verifier;
mod whole;

pub(crate) use abort::abort;
pub(crate) use alert::{refuses_hello, rejects_identity};
pub(crate) use anchors::TrustStore;
pub(crate) use asked_session::{MOST_STORED, StoredSession};
pub(crate) use checks::{Crl, Pin, Revocation};
pub(crate) use client_sessions::{ClientSession, OwnSessions, SessionFacts};
pub(crate) use compression::has_compression;
pub(crate) use config::{
    ClientAuth, ClientSetup, Recipe, ServerSetup, Verify, half_rtt_impossible, has_group, has_suite,
};
pub(crate) use digest::digest;
pub(crate) use early::{Early, EarlyTraffic};
pub(crate) use forbearance::{Wish, count_requests, forbear, no_data};
pub(crate) use full_records::cut;
pub(crate) use handshake::{
    Decision, Handshake, IdentityRequest, LookUp, Question, Settled, SignRequest, Verdict,
};
pub(crate) use judging::Case;
pub(crate) use key_log::KeyLogLine;
pub(crate) use known::Usage;
pub(crate) use observe::{Observed, Wants, observe};
pub(crate) use opening::{ClientWish, Opening};
pub(crate) use question::{Reply, Request};
pub(crate) use schemes::has_scheme;
pub(crate) use store::{Credential, can_be_parsed, subject_and_issuer};
pub(crate) use tickets::{GivenKey, KeySet, NAME as TICKET_KEY_NAME};
