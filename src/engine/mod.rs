//! The TLS engine: the only room that names rustls.
//!
//! Two forms of one trait. [`direct`] runs the handshake and the traffic of a connection on which
//! nothing will be asked. [`pull`] stops at the questions; the traffic that follows runs over two
//! [`halves`], which costs a little more per record. Which form a connection gets is decided when it is
//! made.

mod alert;
mod config;
mod digest;
mod direct;
mod explain;
mod exporter;
mod facts;
mod halves;
mod input;
mod key_log;
mod key_watch;
mod pull;
mod session;
mod store;
mod verifier;

pub(crate) use alert::{refuses_hello, rejects_identity};
pub(crate) use config::{ClientAuth, ClientSetup, Recipe, ServerSetup, Verify};
pub(crate) use digest::digest;
pub(crate) use exporter::Exporter;
pub(crate) use facts::Facts;
pub(crate) use key_log::{KeyLogLine, log_keys};
pub(crate) use key_watch::{KeyUpdates, watch_keys};
pub(crate) use session::{Flow, Outcome, PlainSink, Question, Session, Verdict};
pub(crate) use store::{Credential, TrustStore, subject_and_issuer};
