//! What a peer did wrong after the handshake, or what ends a direction.

/// The engine has words for each, and an alert (RFC 8446, 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A record does not authenticate.
    Decrypt,
    /// A record has more plain bytes than it may.
    Oversized,
    /// A record has more wire bytes than it may.
    TooLong,
    /// No content type that there is.
    ContentType,
    /// No version of TLS.
    Version,
    /// A record without a byte, of a type that has none such.
    NoPayload,
    /// The same inside of the encryption.
    NoContent,
    TooManyEmpty,
    /// A record with another outer type than application data opens.
    NotEncrypted,
    /// No content type, only zeros.
    OnlyPadding,
    ProtectedChangeCipherSpec,
    MalformedChangeCipherSpec(Malformed),
    MalformedAlert(Malformed),
    MalformedKeyUpdate(Malformed),
    MalformedHello,
    /// A handshake message that is longer than any is taken.
    MessageTooLong,
    /// A record of another type within a handshake message.
    Interleaved,
    /// More handshake bytes follow a KeyUpdate in its record.
    KeyChangeInsideMessage,
    TooManyMessages,
    TooManyWarnings,
    TooManyRenegotiations,
    AlertLevel(u8, u8),
    Warning(u8),
    Alert(u8),
    /// A record of this content type, where one of those has to come.
    UnexpectedRecord(u8, &'static [u8]),
    /// A handshake message of this type, where one of those has to come.
    UnexpectedMessage(u8, &'static [u8]),
    /// The key for sealing was used as often as it may be.
    Exhausted,
    /// Our side is closed.
    SendingClosed,
    /// A key that follows cannot be made.
    NoKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    TooShort,
    TooLong,
    Value,
}
