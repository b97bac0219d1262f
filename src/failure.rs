//! An error with everything a person needs to act on it.

use std::path::Path;

use crate::status::{
    Status, TLS_ERR_ARGUMENT, TLS_ERR_CONFIG, TLS_ERR_INTERNAL, TLS_ERR_IO, TLS_ERR_LIMIT, TLS_ERR_PEER,
    TLS_REASON_ENGINE, TLS_REASON_FILE_UNREADABLE, TLS_REASON_PANIC,
};

/// What `tls_error_t` reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub status: Status,
    /// One of the `TLS_REASON_*` numbers, 0 if none fits.
    pub reason: i32,
    pub alert_sent: Option<u8>,
    pub alert_received: Option<u8>,
    pub message: Box<str>,
    /// The ECHConfigList that a server gave when it rejected ECH.
    pub ech_retry: Option<Box<[u8]>>,
}

impl Failure {
    pub(crate) fn new(status: Status, reason: i32, message: impl Into<Box<str>>) -> Self {
        Self {
            status,
            reason,
            alert_sent: None,
            alert_received: None,
            message: message.into(),
            ech_retry: None,
        }
    }

    /// Something that the host configured cannot be used.
    pub(crate) fn config(reason: i32, message: impl Into<Box<str>>) -> Self {
        Self::new(TLS_ERR_CONFIG, reason, message)
    }

    /// An argument that no configuration could make right.
    pub(crate) fn argument(message: impl Into<Box<str>>) -> Self {
        Self::new(TLS_ERR_ARGUMENT, 0, message)
    }

    pub(crate) fn limit(message: impl Into<Box<str>>) -> Self {
        Self::new(TLS_ERR_LIMIT, 0, message)
    }

    pub(crate) fn peer(reason: i32, message: impl Into<Box<str>>) -> Self {
        Self::new(TLS_ERR_PEER, reason, message)
    }

    /// A file that cannot be read. Its name is shown where it can be nothing else: a key that is given for the
    /// path of one by mistake is in no directory.
    pub(crate) fn file(what: &str, path: &Path, error: &std::io::Error) -> Self {
        let name = path.to_str().filter(|name| !name.contains(char::is_control));
        let is_placed =
            path.parent().is_some_and(|folder| folder.components().count() > 1 && folder.is_dir());
        let message = match name {
            Some(name) if is_placed => format!("{what} cannot be read: {error}: {name}"),
            _ => format!("{what} cannot be read: {error}"),
        };
        Self::new(TLS_ERR_IO, TLS_REASON_FILE_UNREADABLE, message)
    }

    /// A state that this library should never be in.
    pub(crate) fn unexpected(what: &str) -> Self {
        Self::new(TLS_ERR_INTERNAL, TLS_REASON_ENGINE, format!("defect in the library: {what}"))
    }

    pub(crate) fn panic() -> Self {
        Self::new(
            TLS_ERR_INTERNAL,
            TLS_REASON_PANIC,
            "a defect in the library was contained; this object cannot be used further",
        )
    }
}
