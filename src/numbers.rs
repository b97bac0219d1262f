//! Numbers that a host is told of, or that several rooms go by. They stand below everything else.

/// Plain bytes that fit into one record.
pub(crate) const MAX_PLAIN: usize = 16_384;

/// Length of a record header.
pub(crate) const HEADER: usize = 5;

/// Largest payload that the engine accepts: 2048 bytes of expansion, as TLS 1.2 allowed, less the
/// one that it refuses.
pub(crate) const MAX_PAYLOAD: usize = MAX_PLAIN + 2048 - 1;

/// Largest whole record that the engine accepts.
pub(crate) const MAX_WIRE: usize = HEADER + MAX_PAYLOAD;

/// The largest multiple that records can be padded to: RFC 8446, section 5.4, allows one byte more.
pub(crate) const MAX_PADDING: usize = MAX_PLAIN;

/// The least size that a host can set: what a peer can ask for at least (RFC 8449, 4).
pub(crate) const MIN_RECORD_SIZE: usize = 64;

/// The most bytes of a list. The format would allow 65535, but then a ClientHello could exceed what its
/// own length fields and the outbound limit can hold.
pub(crate) const MOST_ALPN: usize = 4096;

/// The most events that wait. Handshakes have less than half of that.
pub(crate) const MAX_EVENTS: usize = 32;

/// What HKDF-Expand can give with the shorter of the hashes of TLS 1.3: 255 blocks of SHA-256.
pub(crate) const MAX_EXPORT: usize = 255 * 32;

/// The length of a label is one byte, which counts "tls13 " in front of it (RFC 8446, 7.1).
pub(crate) const MAX_EXPORT_LABEL: usize = 255 - 6;

/// Default of both limits: a handshake message or an application message of 64 KiB, in records.
pub(crate) const DEFAULT_WIRE: usize = 68 * 1024;

/// Any record fits, so that a full buffer always holds something that can be processed.
pub(crate) const MIN_INBOUND: usize = 20 * 1024;

/// A record of application data fits beside a handshake flight of ordinary size.
pub(crate) const MIN_OUTBOUND: usize = 20 * 1024;

/// Default of the handshake budget: hellos, a chain of 64 KiB, early data of 64 KiB, and all of it twice.
pub(crate) const DEFAULT_BUDGET: u64 = 256 * 1024;

/// Two ClientHellos with post-quantum key shares, and a Finished: nobody connects with less.
pub(crate) const MIN_BUDGET: u64 = 4 * 1024;

/// Default bound on the unused buffers that a context keeps.
pub(crate) const DEFAULT_POOL: usize = 4 * 1024 * 1024;

/// Default bound on the sessions that a context remembers.
pub(crate) const DEFAULT_SESSIONS: usize = 256;

/// The room for sessions is reserved at once: a number beyond this is a mistake.
pub(crate) const MOST_SESSIONS: usize = 1 << 20;

/// Tickets that a TLS 1.3 server sends to clients that do not say how many they want.
pub(crate) const DEFAULT_TICKETS: u32 = 2;

/// The most of them: clients of this library keep no more, and each has its place in a flight.
pub(crate) const MOST_TICKETS: u32 = 8;

/// Default bound on the questions that the connections of a context have open in the middle of a step: each keeps
/// some 48 KB, and two of the mappings of which a process has 65530.
pub(crate) const DEFAULT_OPEN_QUESTIONS: u32 = 1024;

/// The most of them: there are mappings left for everything else.
pub(crate) const MOST_OPEN_QUESTIONS: u32 = 16 * 1024;

/// The most early data that a server may be told to take of one connection: it is kept until it is read.
pub(crate) const MOST_EARLY_DATA: u32 = 64 * 1024;

/// The most that a host may put into tickets: with it, and with a client's chain of usual length, they are still
/// of a size that is issued.
pub(crate) const MOST_RESUMPTION_DATA: usize = 1024;

/// Part of the outbound limit that application data may not use, so that an alert or a
/// close_notify always fits.
pub(crate) const OUTBOUND_RESERVE: usize = 256;

/// Length of the key under which a connection moves.
pub(crate) const MOVE_KEY: usize = 32;

/// Length of what tells a connection that has moved from all others.
pub(crate) const MOVE_ID: usize = 16;

/// The most plain bytes that a host can have put into small records: beyond this, small is what it wants.
pub(crate) const MOST_RAMP: usize = 1 << 30;

/// A record smaller than this is not worth its overhead: with less room than for that, a write
/// waits for a drain.
pub(crate) const MIN_WRITE: usize = 512;
