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
        TLS_ASK_IDENTITY = -6, "the server asks for an identity: choose one, or none";
        TLS_ASK_SESSION = -7, "a client offers a session: is it stored?";
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
        TLS_REASON_NONE = 0, "no reason fits: the status says it all";
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
        TLS_REASON_ANCHOR_NOT_CA = 134, "a trust anchor is not a CA, or may not sign certificates";
        TLS_REASON_SCHEME_UNSUPPORTED = 150, "a signature scheme does not exist here, or the key can sign in none of those that were set";
        TLS_REASON_BLOB_FOREIGN = 160, "the bytes are no sealed connection (tls_conn_import)";
        TLS_REASON_BLOB_CUT_OFF = 161, "a sealed connection is cut off, or bytes follow its end";
        TLS_REASON_BLOB_NEWER = 162, "a sealed connection is of a form that a later version wrote";
        TLS_REASON_BLOB_OTHER_KEY = 163, "a sealed connection is under another key";
        TLS_REASON_BLOB_ALTERED = 164, "a sealed connection was altered";
        TLS_REASON_BLOB_UNKNOWN = 165, "a sealed connection has what this build does not know";
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
        TLS_REASON_ANCHOR_EXPIRED = 216, "the trust anchor of the chain has expired";
        TLS_REASON_ANCHOR_NOT_YET_VALID = 217, "the trust anchor of the chain is not valid yet";
        TLS_REASON_ANCHOR_WRONG_USAGE = 219, "the trust anchor may not be used for this role";
        TLS_REASON_ISSUER_WRONG_USAGE = 220, "an issuer of the chain may not sign certificates";
        TLS_REASON_CERTIFICATE_WEAK_KEY = 221, "a key of the peer or of a CA of its chain is too weak";
        TLS_REASON_CERTIFICATE_IS_CA = 230, "a CA certificate is used as the peer's own";
        TLS_REASON_CERTIFICATE_ISSUER_NOT_CA = 231, "a certificate that is no CA's has issued another";
        TLS_REASON_CERTIFICATE_NAME_CONSTRAINT = 232, "a CA of the chain may not issue for the certificate's names";
        TLS_REASON_CERTIFICATE_PATH_LENGTH = 233, "more intermediate CAs than a CA of the chain allows";
        TLS_REASON_CERTIFICATE_TOO_COMPLEX = 234, "judging the chain would take too many steps";
        TLS_REASON_CERTIFICATE_OCSP = 235, "the OCSP response is not a valid one for the certificate";
        TLS_REASON_CERTIFICATE_VERSION = 236, "the certificate is not of version 3";
        TLS_REASON_CERTIFICATE_ALGORITHMS_DIFFER = 237, "the certificate names two signature algorithms for its signature";
        TLS_REASON_CRL_BAD_SIGNATURE = 238, "the signature of a CRL does not verify";
        TLS_REASON_CRL_ISSUER_UNFIT = 239, "the issuer of a CRL may not sign CRLs";
        TLS_REASON_CRL_UNSUPPORTED = 240, "a CRL uses an unsupported algorithm or form";
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
        TLS_REASON_DOWNGRADE = 320, "the server chose TLS 1.2 and marked that both sides know TLS 1.3";
        TLS_REASON_CERTIFICATE_EXTENSION = 321, "a Certificate message has an extension that was not asked for";
        TLS_REASON_RETRY_SUITE_CHANGED = 322, "the cipher suite after a HelloRetryRequest is another one than in it";
        TLS_REASON_EXTENSION_MISPLACED = 323, "an extension stands in a message that may not have it";
        TLS_REASON_EXTENSION_DUPLICATE = 324, "an extension stands in a message twice";
        TLS_REASON_SERVER_NAME_MALFORMED = 325, "the server_name extension is not one host name";
        TLS_REASON_EARLY_DATA_AFTER_RETRY = 326, "the second ClientHello offers early data";
        TLS_REASON_EARLY_DATA_WITHOUT_PSK = 327, "the server took early data without taking the PSK";
        TLS_REASON_EARLY_DATA_SUITE = 328, "the server took early data and chose another cipher suite than the session's";
        TLS_REASON_RETRY_ECH_CHANGED = 329, "the server accepted ECH in one of HelloRetryRequest and ServerHello, not in both";
        TLS_REASON_EMPTY_RECORD = 330, "a record of handshake messages or alerts is empty";
        TLS_REASON_RETRY_HASH_CHANGED = 331, "the cipher suite after a HelloRetryRequest has another hash";
        TLS_REASON_ALERT_LEVEL = 332, "an alert has a level that does not exist";
        TLS_REASON_RETRY_COOKIE_EMPTY = 333, "a HelloRetryRequest has an empty cookie";
        TLS_REASON_RETRY_WITHOUT_CHANGE = 334, "a HelloRetryRequest asks for no change of the ClientHello";
        TLS_REASON_RETRY_GROUP_SENT = 335, "a HelloRetryRequest asks for a key share that the ClientHello had";
        TLS_REASON_RETRY_SUITE_NOT_OFFERED = 336, "a HelloRetryRequest selects a cipher suite that was not offered";
        TLS_REASON_RETRY_GROUP_NOT_OFFERED = 337, "a HelloRetryRequest selects a group that was not offered";
        TLS_REASON_RETRY_VERSION = 338, "a HelloRetryRequest does not select TLS 1.3";
        TLS_REASON_RETRY_SESSION_ID = 339, "a HelloRetryRequest does not echo legacy_session_id";
        TLS_REASON_RETRY_ECH = 340, "a HelloRetryRequest has an ECH extension that is malformed, or that nobody asked for";
        TLS_REASON_CHANGE_CIPHER_SPEC = 341, "a change_cipher_spec record came where none may be, or too many of them";
        TLS_REASON_INNER_PLAINTEXT = 342, "a decrypted record has no content type";
        TLS_REASON_RECORD_NOT_ENCRYPTED = 343, "a record has another type than application_data where all are encrypted";
        TLS_REASON_WARNING_ALERT = 344, "an alert of level warning that TLS 1.3 does not have";
        TLS_REASON_BINDER_WRONG = 345, "the binder of a PSK does not verify";
        TLS_REASON_FINISHED_WRONG = 346, "the Finished message does not verify: the two sides saw different handshakes";
        TLS_REASON_CERTIFICATE_DECOMPRESSION = 347, "a compressed certificate cannot be decompressed to the length that it names";
        TLS_REASON_MAX_EARLY_DATA = 348, "a ticket allows an amount of early data that it may not";
        TLS_REASON_KEY_SHARE_INVALID = 349, "a key share is not a valid one of its group";
        TLS_REASON_KEY_CHANGE_INSIDE_MESSAGE = 350, "keys change in the middle of a handshake message";
        TLS_REASON_MESSAGE_INTERLEAVED = 351, "another record came between two parts of a handshake message";
        TLS_REASON_PSK_WITHOUT_BINDER = 352, "a PSK is offered without a binder";
        TLS_REASON_KEY_SHARE_MISSING = 353, "the ServerHello has no key share";
        TLS_REASON_RETRY_WITHOUT_PSK = 354, "the second ClientHello lacks the PSK of the first";
        TLS_REASON_PSK_WITHOUT_MODES = 355, "a PSK is offered without psk_key_exchange_modes";
        TLS_REASON_RENEGOTIATION_INFO = 356, "renegotiation_info is not empty in the first handshake";
        TLS_REASON_KEY_SHARE_DUPLICATE = 357, "a ClientHello has two key shares of one group";
        TLS_REASON_COMPRESSION_DUPLICATE = 358, "a certificate compression algorithm is offered twice";
        TLS_REASON_EARLY_DATA_VERSION = 359, "the server chose an older version than the early data that it was sent";
        TLS_REASON_ALPN_EMPTY_NAME = 360, "an application protocol (ALPN) has an empty name";
        TLS_REASON_COMPRESSION_METHOD = 361, "a compression method other than null in a TLS 1.3 ClientHello";
        TLS_REASON_PSK_NOT_LAST = 362, "pre_shared_key is not the last extension of a ClientHello";
        TLS_REASON_PSK_BINDER_COUNT = 363, "a ClientHello has not as many binders as PSKs";
        TLS_REASON_RETRY_IGNORED = 364, "the second ClientHello does not do what the HelloRetryRequest asked for";
        TLS_REASON_RESUMPTION_EXTENDED_SECRET = 365, "extended_master_secret is there in the session and not in its resumption, or the other way round";
        TLS_REASON_RESUMPTION_SUITE = 366, "a session is resumed with another cipher suite";
        TLS_REASON_RESUMPTION_HASH = 367, "a PSK is taken with a cipher suite of another hash";
        TLS_REASON_RETRY_VERSION_CHANGED = 368, "the version after a HelloRetryRequest is another one than in it";
        TLS_REASON_PSK_INDEX = 369, "the server selected a PSK by a number that was not offered";
        TLS_REASON_PSK_NOT_OFFERED = 370, "the server selected a PSK and none was offered";
        TLS_REASON_VERSION_EXTENSION = 371, "supported_versions of a ServerHello selects TLS 1.2";
        TLS_REASON_CERTIFICATE_COMPRESSION_NOT_OFFERED = 372, "a certificate is compressed by an algorithm that was not offered";
        TLS_REASON_SUITE_NOT_OFFERED = 373, "the server selected a cipher suite that was not offered";
        TLS_REASON_COMPRESSION_NOT_OFFERED = 374, "the server selected a compression method that was not offered";
        TLS_REASON_GROUP_NOT_OFFERED = 375, "the server selected a group that was not offered";
        TLS_REASON_SESSION_ID_ECHOED = 376, "a TLS 1.2 server echoes a legacy_session_id that names no session";
        TLS_REASON_POINT_FORMATS = 377, "the server does not offer uncompressed points";
        TLS_REASON_RETRY_SERVER_NAME_CHANGED = 378, "the second ClientHello has another server_name than the first";
        TLS_REASON_SIGNATURE_NOT_OF_SUITE = 379, "the key exchange is signed by an algorithm that is not the cipher suite's";
        TLS_REASON_SIGNATURE_SCHEME_NOT_OFFERED = 380, "the handshake is signed by a scheme that was not offered";
        TLS_REASON_TOO_MANY_EMPTY_RECORDS = 381, "too many empty records in a row";
        TLS_REASON_TOO_MANY_MESSAGES = 382, "too many handshake messages in a row after the handshake";
        TLS_REASON_TOO_MANY_RENEGOTIATIONS = 383, "too many requests to renegotiate";
        TLS_REASON_TOO_MANY_WARNINGS = 384, "too many alerts of level warning";
        TLS_REASON_TOO_MUCH_EARLY_DATA = 385, "more early data than the server allows";
        TLS_REASON_EXTENSION_NOT_ENCRYPTED = 386, "a ServerHello has an extension that belongs into EncryptedExtensions";
        TLS_REASON_SESSION_ID_CHANGED = 387, "a ServerHello does not echo legacy_session_id";
        TLS_REASON_EXTENSION_NOT_OFFERED = 388, "the server answers an extension that was not offered";
        TLS_REASON_SCT_NOT_OFFERED = 389, "the server sent certificate timestamps that nobody asked for";
        TLS_REASON_KEY_SHARE_GROUP = 390, "the key share of the server is of another group than was offered";
        TLS_REASON_ECH_NOT_OFFERED = 391, "the server answers ECH that was not offered";
        TLS_REASON_QUIC = 392, "a message breaks a rule of QUIC, which this library does not speak";
        TLS_REASON_OWES_TOO_MUCH = 393, "the peer made this side owe it more than the outbound limit";
        TLS_REASON_HANDSHAKE_CUT_OFF = 395, "the transport ended during the handshake";
        TLS_REASON_DATA_CUT_OFF = 396, "the transport ended after the handshake, without close_notify";
        TLS_REASON_CERTIFICATE_STATUS_TYPE = 394, "a certificate status is of another type than OCSP";
    }
    /// Fine codes for messages that cannot be parsed.
    REASONS_SYNTAX: i32, "Reasons: messages that cannot be parsed" {
        TLS_REASON_FIELD_TOO_LONG = 601, "a field is longer than what holds it";
        TLS_REASON_FIELD_CUT_OFF = 602, "a message ends inside a field";
        TLS_REASON_FIELD_TRAILING = 603, "bytes follow the end of a field";
        TLS_REASON_LIST_EMPTY = 604, "a list that may not be empty is empty";
        TLS_REASON_CHANGE_CIPHER_SPEC_MALFORMED = 605, "a change_cipher_spec record is not the one byte that it has to be";
        TLS_REASON_REQUEST_CONTEXT = 606, "certificate_request_context is not empty during a handshake";
        TLS_REASON_DH_PARAMETERS = 607, "the Diffie-Hellman parameters of a ServerKeyExchange cannot be parsed";
        TLS_REASON_KEY_UPDATE_MALFORMED = 608, "a KeyUpdate asks for something that does not exist";
        TLS_REASON_KEY_EXCHANGE_MISSING = 609, "a ServerKeyExchange has no parameters of the cipher suite's key exchange";
        TLS_REASON_CURVE_TYPE = 610, "a ServerKeyExchange has no named curve";
        TLS_REASON_KEY_EXCHANGE_UNSUPPORTED = 611, "a ServerKeyExchange is of an algorithm that does not exist here";
        TLS_REASON_TICKET_EMPTY = 612, "a ticket is empty";
        TLS_REASON_COMPRESSION_SELECTED = 613, "a ServerHello selects a compression method other than null";
        TLS_REASON_RETRY_EXTENSION = 614, "a HelloRetryRequest has an extension that is not known";
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
        TLS_REASON_NO_COMMON_POINT_FORMAT = 409, "no format of elliptic curve points";
        TLS_REASON_NO_EXTENDED_MASTER_SECRET = 410, "extended_master_secret, which is required";
        TLS_REASON_NO_COMMON_CERTIFICATE_TYPE = 411, "no certificate type (X.509, raw public key)";
        TLS_REASON_NO_KEY_SHARE_EXTENSION = 412, "the key_share extension";
        TLS_REASON_NO_GROUPS_EXTENSION = 413, "the supported_groups extension";
        TLS_REASON_NO_SIGNATURES_EXTENSION = 414, "the signature_algorithms extension";
        TLS_REASON_NO_SERVER_NAME = 415, "a server name, which is required";
        TLS_REASON_NO_NULL_COMPRESSION = 416, "the compression method null";
        TLS_REASON_TOO_MANY_RAW_KEYS = 417, "a raw public key that stands alone";
        TLS_REASON_CERTIFICATE_TYPE_NOT_OFFERED = 418, "a certificate type that was offered";
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
    /// Whose chain `tls_verify_chain` judges.
    ROLE: i32, "Whose chain tls_verify_chain judges" {
        TLS_ROLE_SERVER = 0, "a server's, as a client judges it";
        TLS_ROLE_CLIENT = 1, "a client's, as a server judges it";
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
        TLS_EVENT_SESSION = 64, "a session is to be stored (tls_builder_ask_session); number is for how many seconds";
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
        TLS_HELD_UP = 8192, "a question cannot be opened now (tls_builder_open_questions): call again later";
        TLS_WINDOW_OPEN = 16384, "a window is open (tls_feed_window): it keeps a buffer, of 8 KiB or more";
    }
    /// Numbers of the protocol and of the defaults.
    NUMBERS: i64, "Versions and sizes" {
        TLS_VERSION_1_2 = 0x0303, "TLS 1.2 (RFC 5246)";
        TLS_VERSION_1_3 = 0x0304, "TLS 1.3 (RFC 8446)";
        TLS_MAX_PLAIN_PER_RECORD = crate::numbers::MAX_PLAIN as i64, "plain bytes that one record can carry (RFC 8446, 5.1)";
        TLS_MAX_RECORD = crate::numbers::MAX_WIRE as i64, "wire bytes of the largest record that is accepted, header included";
        TLS_DEFAULT_LIMIT = crate::numbers::DEFAULT_WIRE as i64, "default of both limits of tls_builder_limits, in wire bytes";
        TLS_MIN_INBOUND_LIMIT = crate::numbers::MIN_INBOUND as i64, "least inbound limit: room for any record";
        TLS_MIN_OUTBOUND_LIMIT = crate::numbers::MIN_OUTBOUND as i64, "least outbound limit; a long certificate chain needs more";
        TLS_DEFAULT_HANDSHAKE_BUDGET = crate::numbers::DEFAULT_BUDGET as i64, "default of tls_builder_handshake_budget, in wire bytes";
        TLS_MIN_HANDSHAKE_BUDGET = crate::numbers::MIN_BUDGET as i64, "least handshake budget: room for usual hellos, one of them retried";
        TLS_MAX_ALPN = crate::numbers::MOST_ALPN as i64, "longest list of protocols (ALPN), in bytes";
        TLS_DEFAULT_SESSIONS = crate::numbers::DEFAULT_SESSIONS as i64, "default of tls_builder_sessions";
        TLS_MAX_SESSIONS = crate::numbers::MOST_SESSIONS as i64, "most that tls_builder_sessions takes";
        TLS_DEFAULT_TICKETS = crate::numbers::DEFAULT_TICKETS as i64, "default of tls_builder_tickets";
        TLS_MAX_TICKETS = crate::numbers::MOST_TICKETS as i64, "most that tls_builder_tickets and tls_builder_ticket_request take";
        TLS_MAX_RESUMPTION_DATA = crate::numbers::MOST_RESUMPTION_DATA as i64, "most that tls_resumption_data_set takes, in bytes";
        TLS_MAX_EARLY_DATA = crate::numbers::MOST_EARLY_DATA as i64, "most that tls_builder_early_data takes, in bytes";
        TLS_MIN_RECORD_SIZE = crate::numbers::MIN_RECORD_SIZE as i64, "least that tls_builder_record_size takes, in plain bytes";
        TLS_MAX_PADDING = crate::numbers::MAX_PADDING as i64, "most that tls_builder_padding takes, in bytes";
        TLS_MAX_EXPORT = crate::numbers::MAX_EXPORT as i64, "most bytes that one tls_export can derive";
        TLS_MAX_EXPORT_LABEL = crate::numbers::MAX_EXPORT_LABEL as i64, "longest label of tls_export";
        TLS_MOVE_KEY_LENGTH = crate::numbers::MOVE_KEY as i64, "length of the key of tls_conn_export and tls_conn_import, in bytes";
        TLS_MOVE_ID_LENGTH = crate::numbers::MOVE_ID as i64, "length of what tls_move_id tells, in bytes";
        TLS_MAX_EVENTS = crate::numbers::MAX_EVENTS as i64, "most events that wait in a connection";
        TLS_DEFAULT_POOL = crate::numbers::DEFAULT_POOL as i64, "default of tls_builder_pool, in bytes";
        TLS_DEFAULT_OPEN_QUESTIONS = crate::numbers::DEFAULT_OPEN_QUESTIONS as i64, "default of tls_builder_open_questions";
        TLS_MAX_OPEN_QUESTIONS = crate::numbers::MOST_OPEN_QUESTIONS as i64, "most that tls_builder_open_questions takes";
    }
}

/// The groups whose members are statuses.
pub const STATUS_GROUPS: &[Group] = &[WAITS, ENDS, MISTAKES, FATAL];

/// The groups whose members are reasons.
pub const REASON_GROUPS: &[Group] = &[
    REASONS_CONFIG,
    REASONS_CERTIFICATE,
    REASONS_PROTOCOL,
    REASONS_SYNTAX,
    REASONS_NO_COMMON,
    REASONS_INTERNAL,
];

/// All constants of the interface.
pub fn constants() -> impl Iterator<Item = &'static Constant> {
    GROUPS.iter().flat_map(|group| group.constants)
}

/// The entry of a status, if the number is one.
pub fn describe(status: Status) -> Option<&'static Constant> {
    find(STATUS_GROUPS, status)
}

/// The entry of a reason, if the number is one.
pub fn describe_reason(reason: i32) -> Option<&'static Constant> {
    find(REASON_GROUPS, reason)
}

fn find(groups: &'static [Group], number: i32) -> Option<&'static Constant> {
    groups.iter().flat_map(|group| group.constants).find(|constant| constant.value == i64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_statuses_have_unique_numbers() {
        let mut names: Vec<_> = constants().map(|constant| constant.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));

        for groups in [STATUS_GROUPS, REASON_GROUPS] {
            let mut values: Vec<_> =
                groups.iter().flat_map(|group| group.constants).map(|constant| constant.value).collect();
            values.sort_unstable();
            assert!(values.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }

    #[test]
    fn every_reason_is_in_a_group_of_reasons() {
        for constant in constants().filter(|constant| constant.name.starts_with("TLS_REASON_")) {
            let number = i32::try_from(constant.value).unwrap();
            assert_eq!(describe_reason(number).map(|found| found.name), Some(constant.name));
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
