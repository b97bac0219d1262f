//! Messages at the wrong time.

use rustls::enums::{ContentType, HandshakeType};

/// The names of RFC 8446 (B.1) for types of records.
fn record(kind: ContentType) -> String {
    match kind.0 {
        20 => "change_cipher_spec".into(),
        21 => "alert".into(),
        22 => "handshake".into(),
        23 => "application_data".into(),
        24 => "heartbeat".into(),
        other => format!("type {other}"),
    }
}

/// The names of RFC 8446 (B.3), and of those that added to it, for types of handshake messages.
fn handshake(kind: HandshakeType) -> String {
    match kind.0 {
        0 => "hello_request",
        1 => "client_hello",
        2 => "server_hello",
        3 => "hello_verify_request",
        4 => "new_session_ticket",
        5 => "end_of_early_data",
        6 => "hello_retry_request",
        8 => "encrypted_extensions",
        11 => "certificate",
        12 => "server_key_exchange",
        13 => "certificate_request",
        14 => "server_hello_done",
        15 => "certificate_verify",
        16 => "client_key_exchange",
        20 => "finished",
        21 => "certificate_url",
        22 => "certificate_status",
        24 => "key_update",
        25 => "compressed_certificate",
        254 => "message_hash",
        other => return format!("type {other}"),
    }
    .into()
}

pub(super) fn unexpected_record(got: ContentType, expected: &[ContentType]) -> String {
    sentence("a record of", record(got), expected.iter().map(|&kind| record(kind)))
}

pub(super) fn unexpected_handshake(got: HandshakeType, expected: &[HandshakeType]) -> String {
    sentence("the handshake message", handshake(got), expected.iter().map(|&kind| handshake(kind)))
}

fn sentence(what: &str, got: String, expected: impl Iterator<Item = String>) -> String {
    let expected: Vec<_> = expected.collect();
    let now = if expected.is_empty() {
        "which may not come now".into()
    } else {
        format!("where it has to be {}", expected.join(" or "))
    };
    format!("the peer sent {what} {got}, {now}")
}
