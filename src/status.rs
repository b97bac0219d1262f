//! Every number of the C interface, in one place.
//!
//! The macros of the header, the functions `tls_status_name` and `tls_constant`, the tables of the
//! documentation and the constants of the bindings are all made from the tables below; a number is
//! never used twice.

/// What a call answers, as it crosses the C boundary: `tls_status_t`.
pub type Status = i32;

/// One named number of the interface.
#[derive(Debug, Clone, Copy)]
pub struct Constant {
    /// The C name.
    pub name: &'static str,
    /// The C value.
    pub value: i64,
    /// What it says, in one line.
    pub text: &'static str,
}

/// A group of constants that belong together, with the sentence that introduces it.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// What the group is, in one line.
    pub title: &'static str,
    /// Its members, in the order in which the header lists them.
    pub constants: &'static [Constant],
}

macro_rules! groups {
    ($(
        $(#[$meta:meta])*
        $group:ident: $type:ty, $title:literal {
            $($name:ident = $value:expr, $text:literal;)*
        }
    )*) => {
        $($(
            #[doc = $text]
            pub const $name: $type = $value;
        )*)*
        $(
            $(#[$meta])*
            pub const $group: Group = Group {
                title: $title,
                constants: &[$(Constant { name: stringify!($name), value: $name as i64, text: $text }),*],
            };
        )*
        /// All groups, in the order of the header.
        pub const GROUPS: &[Group] = &[$($group),*];
    };
}

groups! {
    /// `TLS_OK` and the waits and questions of a healthy connection.
    WAITS: Status, "Waits and questions: nothing is wrong, the host has something to do" {
        TLS_OK = 0, "done";
        TLS_WANT_FEED = -1, "more wire bytes are needed";
        TLS_WANT_DRAIN = -2, "the outbound queue is full: drain it first";
        TLS_ASK_CONTEXT = -3, "a ClientHello is in: choose a context";
        TLS_ASK_VERIFY = -4, "the peer's identity is in: accept or reject it";
        TLS_ASK_SIGN = -5, "a signature by the host's key is needed";
    }
    /// How a connection's inbound side ends.
    ENDS: Status, "Ends of the inbound side" {
        TLS_CLOSED = -10, "the peer closed properly (close_notify): all its data was read";
        TLS_TRUNCATED = -11, "the transport ended without close_notify";
    }
    /// The host's mistakes.
    MISTAKES: Status, "The host's mistakes: the connection is unharmed" {
        TLS_ERR_ARGUMENT = -20, "an argument is NULL, out of range or malformed";
        TLS_ERR_HANDLE = -21, "the handle was freed, is of another type, or never was one";
        TLS_ERR_STATE = -22, "not allowed now";
        TLS_ERR_BUSY = -23, "another thread is inside this object";
        TLS_ERR_MEMORY = -24, "no memory, or no free handle";
        TLS_ERR_LIMIT = -25, "a limit that the host set was reached";
        TLS_ERR_CONFIG = -30, "unusable certificate, key, trust anchor or option";
        TLS_ERR_IO = -31, "a file that the host named could not be read";
    }
    /// Fatal errors.
    FATAL: Status, "Fatal to the connection, and sticky: the alert to send is in the drain queue" {
        TLS_ERR_PEER = -40, "the peer broke the protocol";
        TLS_ERR_ALERT = -41, "the peer sent a fatal alert";
        TLS_ERR_CERTIFICATE = -42, "the peer's certificate was not accepted";
        TLS_ERR_DECRYPT = -43, "a record failed authentication";
        TLS_ERR_NO_COMMON = -44, "no version, suite, group or protocol in common";
        TLS_ERR_INTERNAL = -50, "a defect or an exhausted resource of this library";
    }
    /// Fine codes for configuration.
    REASONS_CONFIG: i32, "Reasons (tls_error_t.reason): configuration" {
        TLS_REASON_PEM_MALFORMED = 101, "a PEM section is cut off, is not base64, or is none for a slip in its boundaries";
        TLS_REASON_NO_CERTIFICATE = 102, "no certificate in the PEM text";
        TLS_REASON_NO_KEY = 103, "no private key in the PEM text";
        TLS_REASON_KEY_ENCRYPTED = 104, "the private key is encrypted";
        TLS_REASON_KEY_UNUSABLE = 105, "the private key is damaged or of an unsupported type";
        TLS_REASON_CERTIFICATE_UNUSABLE = 106, "a configured certificate cannot be parsed";
        TLS_REASON_KEY_MISMATCH = 107, "the private key does not belong to the certificate";
        TLS_REASON_NO_IDENTITY = 108, "a server context needs a certificate and a key";
        TLS_REASON_NO_TRUST = 109, "verification needs at least one trust anchor";
        TLS_REASON_ALPN_MALFORMED = 110, "the ALPN list is not a list of non-empty, length-prefixed names";
        TLS_REASON_VERSION_UNSUPPORTED = 111, "only TLS 1.2 (0x0303) and TLS 1.3 (0x0304) exist here";
        TLS_REASON_SERVER_NAME_INVALID = 112, "the server name is neither a DNS name nor an IP address";
        TLS_REASON_LIMIT_TOO_SMALL = 113, "a limit is too small for what the context must send or receive";
        TLS_REASON_SYSTEM_TRUST_UNAVAILABLE = 114, "the system's trust store holds no usable certificate";
        TLS_REASON_FILE_UNREADABLE = 115, "a file could not be read";
        TLS_REASON_PEM_LABEL = 116, "a PEM section is of a kind that is not known here";
        TLS_REASON_SEVERAL_KEYS = 117, "the PEM text has more than one private key";
        TLS_REASON_PEM_MISPLACED = 118, "a PEM section says what would be lost: CRLs, trust settings, containers";
        TLS_REASON_SUITE_UNSUPPORTED = 120, "a cipher suite does not exist here, or none is left for a version";
        TLS_REASON_GROUP_UNSUPPORTED = 121, "a key exchange group does not exist here";
        TLS_REASON_COMPRESSION_UNSUPPORTED = 122, "a certificate compression algorithm does not exist here";
        TLS_REASON_ECH_MALFORMED = 123, "the ECHConfigList cannot be parsed";
        TLS_REASON_ECH_UNUSABLE = 124, "the ECHConfigList has no configuration that can be used";
        TLS_REASON_HALF_RTT_IMPOSSIBLE = 125, "data before the client's Finished does not go with the other settings";
        TLS_REASON_CRL_UNUSABLE = 130, "a certificate revocation list cannot be parsed";
        TLS_REASON_NO_CRL = 131, "a revocation policy that refuses unknown status needs a CRL";
        TLS_REASON_PIN_MALFORMED = 132, "a pin is not 32 bytes long";
        TLS_REASON_OCSP_UNUSABLE = 133, "the OCSP response cannot be parsed, or is none of status successful";
        TLS_REASON_TICKET_KEY_UNUSABLE = 140, "a ticket key is too short, of no time, or named like another one";
    }
    /// Fine codes for the peer's certificate.
    REASONS_CERTIFICATE: i32, "Reasons: the peer's certificate" {
        TLS_REASON_CERTIFICATE_EXPIRED = 201, "the certificate has expired";
        TLS_REASON_CERTIFICATE_NOT_YET_VALID = 202, "the certificate is not valid yet";
        TLS_REASON_CERTIFICATE_WRONG_NAME = 203, "the certificate is for another name";
        TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER = 204, "no chain leads to a trust anchor";
        TLS_REASON_CERTIFICATE_REVOKED = 205, "the certificate was revoked";
        TLS_REASON_CERTIFICATE_WRONG_USAGE = 206, "the certificate may not be used for this role";
        TLS_REASON_CERTIFICATE_BAD_SIGNATURE = 207, "a signature in the chain or the handshake does not verify";
        TLS_REASON_CERTIFICATE_MALFORMED = 208, "the certificate cannot be parsed";
        TLS_REASON_CERTIFICATE_UNSUPPORTED = 209, "the certificate uses an unsupported algorithm or extension";
        TLS_REASON_CERTIFICATE_MISSING = 210, "the peer presented no certificate";
        TLS_REASON_CERTIFICATE_REFUSED = 211, "the host rejected the peer's identity";
        TLS_REASON_CERTIFICATE_OTHER = 212, "the certificate was not accepted for another reason";
        TLS_REASON_CERTIFICATE_NOT_PINNED = 213, "no key of the chain is one of the pinned ones";
        TLS_REASON_CERTIFICATE_STATUS_UNKNOWN = 214, "no CRL says whether a certificate of the chain was revoked";
        TLS_REASON_CRL_EXPIRED = 215, "the CRL of a certificate's issuer has expired";
    }
    /// Fine codes for protocol errors.
    REASONS_PROTOCOL: i32, "Reasons: what the peer did" {
        TLS_REASON_NOT_TLS = 301, "the bytes are not TLS";
        TLS_REASON_MALFORMED = 302, "a message cannot be parsed";
        TLS_REASON_UNEXPECTED_MESSAGE = 303, "a message came at the wrong time";
        TLS_REASON_RECORD_OVERFLOW = 304, "a record is larger than the protocol allows";
        TLS_REASON_VIOLATION = 305, "a message breaks a rule of the protocol";
        TLS_REASON_HANDSHAKE_TOO_LARGE = 306, "a handshake message exceeds the inbound limit";
        TLS_REASON_HANDSHAKE_BUDGET = 310, "the handshake took more wire bytes than its budget";
        TLS_REASON_HANDSHAKE_DEADLINE = 311, "the handshake was not done by its deadline";
    }
    /// Fine codes for failed negotiation.
    REASONS_NO_COMMON: i32, "Reasons: what is missing in common" {
        TLS_REASON_NO_COMMON_VERSION = 401, "no protocol version";
        TLS_REASON_NO_COMMON_SUITE = 402, "no cipher suite";
        TLS_REASON_NO_COMMON_GROUP = 403, "no key exchange group";
        TLS_REASON_NO_COMMON_SIGNATURE = 404, "no signature scheme that a certificate at hand can use";
        TLS_REASON_NO_COMMON_ALPN = 405, "no application protocol (ALPN)";
        TLS_REASON_NO_COMMON_FEATURE = 406, "a required extension or feature";
        TLS_REASON_REFUSED = 407, "the host refused the ClientHello";
        TLS_REASON_ECH_REJECTED = 408, "no ECH key: the server rejected the encrypted ClientHello";
    }
    /// Fine codes for internal errors.
    REASONS_INTERNAL: i32, "Reasons: this library" {
        TLS_REASON_PANIC = 501, "a defect was contained; please report it";
        TLS_REASON_RANDOM = 502, "the system gave no random bytes";
        TLS_REASON_CLOCK = 503, "the system gave no time";
        TLS_REASON_KEYS_EXHAUSTED = 504, "the traffic keys may not encrypt more records (TLS 1.2)";
        TLS_REASON_ENGINE = 505, "the engine reported an error that it should not";
        TLS_REASON_SIGNATURE_WRONG = 506, "the signature that the host gave is not one by the certificate's key";
    }
    /// Modes of `tls_builder_client_auth`.
    CLIENT_AUTH: i32, "Modes of tls_builder_client_auth" {
        TLS_CLIENT_AUTH_NONE = 0, "a server asks for no client certificate (default)";
        TLS_CLIENT_AUTH_OPTIONAL = 1, "a server asks; a client may present none";
        TLS_CLIENT_AUTH_REQUIRED = 2, "a server asks; a client without a certificate is refused";
    }
    /// Modes of `tls_builder_verify`.
    VERIFY: i32, "Modes of tls_builder_verify" {
        TLS_VERIFY_PEER = 0, "chain, name, time and usage must be right (default)";
        TLS_VERIFY_ASK = 1, "the handshake stops with TLS_ASK_VERIFY and the host decides";
        TLS_VERIFY_DANGEROUS_NONE = 2, "any certificate is accepted: an attacker can be anybody";
        TLS_VERIFY_ANY_NAME = 3, "chain, time and usage must be right, the name of a server may be any";
    }
    /// Bits of `tls_builder_revocation`.
    REVOCATION: i32, "Bits of tls_builder_revocation" {
        TLS_REVOCATION_STRICT = 0, "the whole chain must have a CRL that has not expired (default)";
        TLS_REVOCATION_ALLOW_UNKNOWN = 1, "a certificate whose issuer has no CRL counts as not revoked";
        TLS_REVOCATION_END_ENTITY_ONLY = 2, "the certificates of intermediate CAs are not looked up";
        TLS_REVOCATION_ALLOW_EXPIRED = 4, "a CRL whose time of next update has passed still counts";
    }
    /// The time that `tls_builder_verify_time` takes for none.
    VERIFY_TIME: i64, "What tls_builder_verify_time takes besides a time" {
        TLS_VERIFY_TIME_NOW = 0, "the clock of the system (default)";
    }
    /// The time that `tls_context_time` takes for none.
    CONTEXT_TIME: i64, "What tls_context_time takes besides a time" {
        TLS_CONTEXT_TIME_SYSTEM = 0, "the clock of the system (default)";
    }
    /// What became of early data.
    EARLY: i32, "What became of early data (tls_early_status)" {
        TLS_EARLY_NONE = 0, "none was sent, or none came";
        TLS_EARLY_PENDING = 1, "a client has sent some, and the server has not answered";
        TLS_EARLY_ACCEPTED = 2, "the server takes it";
        TLS_EARLY_REJECTED = 3, "the server does not take it: what was sent must be sent again";
    }
    /// Bits of `tls_client_options_t`.
    CLIENT_OPTIONS: u32, "Bits of tls_client_options_t.flags" {
        TLS_CLIENT_NO_SNI = 1, "no server name is sent";
        TLS_CLIENT_NO_ALPN = 2, "no protocols are offered, whatever the context says";
        TLS_CLIENT_OWN_SESSIONS = 4, "its sessions are its own, for tls_session_take";
        TLS_CLIENT_ECH_GREASE = 8, "it pretends to offer ECH";
        TLS_CLIENT_NO_ECH = 16, "it neither offers ECH nor pretends to, whatever the context says";
    }
    /// Bits of `tls_server_options_t`.
    SERVER_OPTIONS: u32, "Bits of tls_server_options_t.flags" {
        TLS_SERVER_NO_ALPN = 1, "no protocol is agreed on, whatever the context says";
    }
    /// Numbers of `tls_builder_certificate_compression`.
    COMPRESSION: u16, "Algorithms of tls_builder_certificate_compression (IANA numbers)" {
        TLS_COMPRESSION_ZLIB = 1, "zlib (RFC 1950)";
        TLS_COMPRESSION_BROTLI = 2, "Brotli (RFC 7932)";
    }
    /// What became of ECH.
    ECH: i32, "What became of an encrypted ClientHello (tls_ech_status)" {
        TLS_ECH_NONE = 0, "none was offered";
        TLS_ECH_GREASE = 1, "the client pretended to offer one";
        TLS_ECH_OFFERED = 2, "a client offered one; the server has not answered";
        TLS_ECH_ACCEPTED = 3, "the server decrypted it: only it knows which name was asked for";
        TLS_ECH_REJECTED = 4, "the server did not decrypt it: the connection fails";
    }
    /// Kinds of `tls_channel_binding`.
    BINDING: i32, "Kinds of tls_channel_binding" {
        TLS_BINDING_EXPORTER = 1, "tls-exporter (RFC 9266): bound to this connection";
        TLS_BINDING_SERVER_END_POINT = 2, "tls-server-end-point (RFC 5929): bound to the server's certificate";
    }
    /// Kinds of `tls_peer_name`.
    NAMES: i32, "Kinds of tls_peer_name (tags of GeneralName, RFC 5280, 4.2.1.6)" {
        TLS_NAME_EMAIL = 1, "an e-mail address (rfc822Name)";
        TLS_NAME_DNS = 2, "a DNS name (dNSName), with an asterisk for its first label or without";
        TLS_NAME_URI = 6, "a URI (uniformResourceIdentifier), such as a SPIFFE ID";
        TLS_NAME_IP = 7, "an IP address (iPAddress), as text";
    }
    /// Kinds of handshakes.
    HANDSHAKE: i32, "Kinds of handshakes (tls_handshake_kind)" {
        TLS_HANDSHAKE_UNKNOWN = 0, "not known yet";
        TLS_HANDSHAKE_FULL = 1, "a full handshake";
        TLS_HANDSHAKE_FULL_RETRIED = 2, "a full handshake after a HelloRetryRequest";
        TLS_HANDSHAKE_RESUMED = 3, "a resumed session";
        TLS_HANDSHAKE_RESUMED_RETRIED = 4, "a resumed session after a HelloRetryRequest";
    }
    /// Kinds of events.
    EVENTS: u32, "Kinds of events (tls_event_t.kind), and bits of tls_builder_events" {
        TLS_EVENT_HANDSHAKE_DONE = 1, "the handshake is done; number is the protocol version";
        TLS_EVENT_TICKET = 2, "a client got a ticket (TLS 1.3); number counts them from 1";
        TLS_EVENT_ALERT_RECEIVED = 4, "the peer sent a fatal alert or close_notify; number says which";
        TLS_EVENT_ALERT_SENT = 8, "a fatal alert or close_notify was queued; number says which";
        TLS_EVENT_KEY_UPDATE = 16, "traffic keys changed (TLS 1.3); number is TLS_KEYS_IN or TLS_KEYS_OUT";
        TLS_EVENT_KEY_LOG = 32, "a secret was derived; text is its key-log line (tls_builder_key_log)";
    }
    /// Directions of traffic keys.
    KEYS: u32, "Directions of traffic keys (TLS_EVENT_KEY_UPDATE)" {
        TLS_KEYS_IN = 1, "keys of the peer's wire bytes";
        TLS_KEYS_OUT = 2, "keys of this side's wire bytes";
    }
    /// Bits of the state word.
    STATE: u32, "Bits of the state word (tls_state)" {
        TLS_CAN_FEED = 1, "tls_feed takes at least one byte, and more bytes are of use";
        TLS_CAN_DRAIN = 2, "wire bytes wait to be sent";
        TLS_CAN_READ = 4, "decrypted plain bytes wait to be read";
        TLS_CAN_WRITE = 8, "tls_write_from takes at least one byte";
        TLS_HANDSHAKING = 16, "the handshake is not done";
        TLS_ASKING = 32, "a question is open; tls_advance says which";
        TLS_PEER_CLOSED = 64, "the peer's close_notify was processed";
        TLS_WE_CLOSED = 128, "our close_notify is queued or sent";
        TLS_EOF = 256, "the host said that the transport ended (tls_feed_eof)";
        TLS_FAILED = 512, "a fatal error happened; tls_conn_error says which";
        TLS_HAS_EVENT = 1024, "an event waits in the event queue";
        TLS_WAKE_SENDER = 2048, "this receiving half left something for the peer: call the sending half";
        TLS_HANDED_OVER = 4096, "the traffic secrets were taken: the records are somebody else's";
    }
    /// Numbers of the protocol and of the defaults.
    NUMBERS: i64, "Versions and sizes" {
        TLS_VERSION_1_2 = 0x0303, "TLS 1.2 (RFC 5246)";
        TLS_VERSION_1_3 = 0x0304, "TLS 1.3 (RFC 8446)";
        TLS_MAX_PLAIN_PER_RECORD = crate::record::MAX_PLAIN as i64, "plain bytes that one record can carry (RFC 8446, 5.1)";
        TLS_MAX_RECORD = crate::record::MAX_WIRE as i64, "wire bytes of the largest record that is accepted, header included";
        TLS_DEFAULT_LIMIT = crate::limits::DEFAULT_WIRE as i64, "default of both limits of tls_builder_limits, in wire bytes";
        TLS_MIN_INBOUND_LIMIT = crate::limits::MIN_INBOUND as i64, "least inbound limit: room for any record";
        TLS_MIN_OUTBOUND_LIMIT = crate::limits::MIN_OUTBOUND as i64, "least outbound limit; a long certificate chain needs more";
        TLS_DEFAULT_HANDSHAKE_BUDGET = crate::limits::DEFAULT_BUDGET as i64, "default of tls_builder_handshake_budget, in wire bytes";
        TLS_MIN_HANDSHAKE_BUDGET = crate::limits::MIN_BUDGET as i64, "least handshake budget: room for usual hellos, one of them retried";
        TLS_MAX_ALPN = crate::alpn::MOST_ALPN as i64, "longest list of protocols (ALPN), in bytes";
        TLS_DEFAULT_SESSIONS = crate::limits::DEFAULT_SESSIONS as i64, "default of tls_builder_sessions";
        TLS_MAX_SESSIONS = crate::limits::MOST_SESSIONS as i64, "most that tls_builder_sessions takes";
        TLS_DEFAULT_TICKETS = crate::limits::DEFAULT_TICKETS as i64, "default of tls_builder_tickets";
        TLS_MAX_TICKETS = crate::limits::MOST_TICKETS as i64, "most that tls_builder_tickets and tls_builder_ticket_request take";
        TLS_MAX_RESUMPTION_DATA = crate::limits::MOST_RESUMPTION_DATA as i64, "most that tls_resumption_data_set takes, in bytes";
        TLS_MAX_EARLY_DATA = crate::limits::MOST_EARLY_DATA as i64, "most that tls_builder_early_data takes, in bytes";
        TLS_MIN_RECORD_SIZE = crate::sizing::MIN_RECORD_SIZE as i64, "least that tls_builder_record_size takes, in plain bytes";
        TLS_MAX_PADDING = crate::record::MAX_PADDING as i64, "most that tls_builder_padding takes, in bytes";
        TLS_MAX_EXPORT = crate::connection::MAX_EXPORT as i64, "most bytes that one tls_export can derive";
        TLS_MAX_EXPORT_LABEL = crate::connection::MAX_EXPORT_LABEL as i64, "longest label of tls_export";
        TLS_MAX_EVENTS = crate::connection::MAX_EVENTS as i64, "most events that wait in a connection";
        TLS_DEFAULT_POOL = crate::limits::DEFAULT_POOL as i64, "default of tls_builder_pool, in bytes";
    }
}

/// The groups whose members are statuses.
pub const STATUS_GROUPS: &[Group] = &[WAITS, ENDS, MISTAKES, FATAL];

/// All constants of the interface.
pub fn constants() -> impl Iterator<Item = &'static Constant> {
    GROUPS.iter().flat_map(|group| group.constants)
}

/// The entry of a status, if the number is one.
pub fn describe(status: Status) -> Option<&'static Constant> {
    STATUS_GROUPS
        .iter()
        .flat_map(|group| group.constants)
        .find(|constant| constant.value == i64::from(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_statuses_have_unique_numbers() {
        let mut names: Vec<_> = constants().map(|constant| constant.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));

        for groups in [STATUS_GROUPS, &GROUPS[4..9]] {
            let mut values: Vec<_> =
                groups.iter().flat_map(|group| group.constants).map(|constant| constant.value).collect();
            values.sort_unstable();
            assert!(values.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }

    #[test]
    fn state_bits_are_distinct_powers_of_two() {
        let mut seen = 0;
        for bit in STATE.constants {
            assert!(u64::try_from(bit.value).unwrap().is_power_of_two());
            assert_eq!(seen & bit.value, 0);
            seen |= bit.value;
        }
    }
}
