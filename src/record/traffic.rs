//! Established connections: what carries their records, whoever that is.
//!
//! Bytes for the peer are appended to `out`, also by calls that fail: then the last of them is the alert.

use std::mem::MaybeUninit;
use std::ops::Range;

use zeroize::Zeroizing;

use super::fault::Fault;
use super::secrets::{TrafficSecret, TrafficSecrets};
use super::sizing::Sizing;
use crate::facts::Facts;
use crate::failure::Failure;
use crate::numbers::MOVE_ID;
use crate::parse::moved::{Direction, ReceiverState, SenderState};
use crate::uninitialised::Unfilled;

/// Whether a sink wants more plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Stop,
}

/// Receives the plain bytes of one record, which lie at `Range` of the wire bytes that were given. Called at most
/// once per record, in order.
pub(crate) type PlainSink<'a> = dyn FnMut(Range<usize>, &[u8]) -> Flow + 'a;

/// Memory that records are opened into, one behind the other.
pub(crate) trait PlainMemory {
    /// The next `length` bytes of it, which may be uninitialised; nothing if there are not as many in one piece.
    fn next(&mut self, length: usize) -> Option<&mut [MaybeUninit<u8>]>;

    /// The first `length` bytes of those that [`Self::next`] gave are plain ones. The last one of them becomes what it was
    /// before, if it is none.
    fn keep(&mut self, length: usize);
}

/// What was opened into memory by [`Traffic::open_into`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Straight {
    /// Wire bytes at the front that are done with.
    pub used: usize,
    pub plain: usize,
    pub records: u64,
}

/// What became of the wire bytes given to [`Traffic::receive`].
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many of them, from the front, are done with.
    pub used: usize,
    /// The error that ended the connection, if one did; records before it count.
    pub result: Result<(), Failure>,
}

/// What is known when the handshake is done.
pub(crate) trait HandshakeFacts: Send {
    fn facts(&self) -> Facts<'_>;

    /// How many TLS 1.3 tickets a client has received.
    fn tickets(&self) -> u32;

    /// `length` bytes of keying material (RFC 5705; RFC 8446, 7.5), or nothing where the protocol cannot give as many,
    /// or cannot take the context.
    fn export(&mut self, label: &[u8], context: Option<&[u8]>, length: usize) -> Option<Zeroizing<Vec<u8>>>;

    /// What keying material is derived from, in the form of [`crate::parse::moved::Moved::exporter`].
    fn reveal(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    /// What is known of a connection that has moved here.
    fn move_facts(&self) -> Option<&MoveFacts> {
        None
    }
}

/// What a connection brings along of the process that it comes from.
pub(crate) struct MoveFacts {
    /// The same over all moves.
    pub id: [u8; MOVE_ID],
    pub moves: u64,
    /// The server's end of the connection (RFC 5929, 4), of a server; empty for none.
    pub end_point: Box<[u8]>,
}

/// What is known, and how many tickets came.
pub(crate) struct Remembered {
    pub(crate) handshake: Box<dyn HandshakeFacts>,
    pub(crate) tickets: u32,
}

impl HandshakeFacts for Remembered {
    fn facts(&self) -> Facts<'_> {
        self.handshake.facts()
    }

    fn tickets(&self) -> u32 {
        self.tickets
    }

    fn export(&mut self, label: &[u8], context: Option<&[u8]>, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        self.handshake.export(label, context, length)
    }

    fn reveal(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        self.handshake.reveal()
    }

    fn move_facts(&self) -> Option<&MoveFacts> {
        self.handshake.move_facts()
    }
}

/// Both directions of a connection.
pub(crate) trait Traffic: Send {
    /// Processes the records at the front of `wire` until one is not whole, the sink stops, or the peer closes. Decrypts
    /// in place.
    ///
    /// Bytes that were not used must be at the front of the next call's `wire`, unaltered: messages that span records
    /// are put together there.
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome;

    /// Opens records of application data at the front of `wire` into `memory`, as long as each is whole, fits and is as it
    /// should be. All others are left to [`Self::receive`], as if this had not looked at them.
    fn open_into(&mut self, _wire: &[u8], _memory: &mut dyn PlainMemory) -> Straight {
        Straight::default()
    }

    /// Seals the chunks of `plain`, as if they were one, into records, padded to multiples of `block` bytes if that is
    /// not 0.
    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure>;

    /// Seals a KeyUpdate, after which both directions get new keys; `false` where the version has none.
    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure>;

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure>;

    /// Lets go what the next record brings back. For a connection that is not used.
    fn rest(&mut self) {}

    /// Whether the peer's close_notify was processed.
    fn peer_closed(&self) -> bool;

    fn handshake_facts(&self) -> &dyn HandshakeFacts;

    fn handshake_facts_mut(&mut self) -> &mut dyn HandshakeFacts;

    /// The two directions, for two threads.
    fn split(self: Box<Self>) -> Result<TrafficHalves, Failure>;

    /// Takes the traffic secrets out: from now on the records are somebody else's.
    fn hand_over(self: Box<Self>) -> Result<HandedOver, Failure>;
}

/// The same where the engine has the records.
pub(crate) trait EngineTraffic: Traffic {
    /// The same as what either form can do: Rust 1.85 does not convert the one box into the other.
    fn into_traffic(self: Box<Self>) -> Box<dyn Traffic>;

    /// Whether records of our own are to go on in place of this. To be asked after each call of [`Traffic::receive`] that was given
    /// bytes; `rest` is what it has not used of them.
    fn can_settle(&self, rest: &[u8]) -> bool;

    /// What they go on from, with nothing left to say to the peer but what is appended to `out`.
    fn settle(self: Box<Self>, out: &mut Vec<u8>) -> Result<OwnStart, Failure>;

    /// The same in the form that [`Traffic::hand_over`] takes, with nothing left to say to the peer but what is appended to
    /// `out`.
    fn prepare_hand_over(self: Box<Self>, out: &mut Vec<u8>) -> Result<Box<dyn EngineTraffic>, Failure>;
}

/// How a connection stands, for another process to go on with, but for what is [`Revealed`].
pub(crate) struct Standing<'a> {
    pub receive: Direction<'a>,
    pub send: Direction<'a>,
    pub sender: SenderState<'a>,
    pub receiver: ReceiverState,
}

/// What only the key schedule knows. Wiped when dropped.
#[derive(Default)]
pub(crate) struct Revealed {
    /// The traffic secrets of TLS 1.3; empty in TLS 1.2.
    pub receive: Zeroizing<Vec<u8>>,
    pub send: Zeroizing<Vec<u8>>,
    /// As [`crate::parse::moved::Moved::exporter`].
    pub exporter: Zeroizing<Vec<u8>>,
}

/// What whoever goes on with the records needs, and what is known beside it.
pub(crate) struct HandedOver {
    pub secrets: TrafficSecrets,
    pub schedule: Box<dyn KeySchedule>,
    pub remembered: Remembered,
}

/// What records of our own begin with.
pub(crate) struct OwnStart {
    pub handed_over: HandedOver,
    pub is_client: bool,
    /// How many KeyUpdates of ours the peer has not answered.
    pub outstanding: u8,
}

pub(crate) struct TrafficHalves {
    pub receiving: Box<dyn Receiving>,
    pub sending: Box<dyn Sending>,
}

/// The direction from the peer. It knows what both know.
pub(crate) trait Receiving: Send {
    /// As [`Traffic::receive`]; what is to be said to the peer is left with the sending half.
    fn receive(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Outcome;

    /// As [`Traffic::open_into`].
    fn open_into(&mut self, _wire: &[u8], _memory: &mut dyn PlainMemory) -> Straight {
        Straight::default()
    }

    /// How many wire bytes that the last call has not used were opened, for a message that is not whole; None where that is not known.
    fn opened(&self) -> Option<usize> {
        None
    }

    /// As [`Traffic::rest`].
    fn rest(&mut self) {}

    /// Whether something was left for the peer with the sending half, since this was last asked.
    fn take_owed(&mut self) -> bool;

    fn peer_closed(&self) -> bool;

    fn handshake_facts(&self) -> &dyn HandshakeFacts;

    fn handshake_facts_mut(&mut self) -> &mut dyn HandshakeFacts;
}

/// The direction to the peer.
pub(crate) trait Sending: Send {
    /// This, where the records are our own.
    fn own(&mut self) -> Option<&mut dyn OwnSending>;

    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure>;

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure>;

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure>;

    /// As [`Traffic::rest`].
    fn rest(&mut self) {}

    /// Moves what the receiving half left for the peer to `out`.
    fn flush(&mut self, out: &mut Vec<u8>);

    /// Whether nothing can follow, because this side was closed, or because the receiving half has sent a fatal alert,
    /// which was found when something was to follow.
    fn is_over(&self) -> bool;
}

/// The direction to the peer, of records of our own.
pub(crate) trait OwnSending {
    /// Whether so many records can leave by [`Self::write_clear`]: with nothing in front of them or in between.
    fn is_clear_for(&self, records: u64) -> bool;

    /// Seals `length` bytes, which the pieces of `plain` are together, into records cut as `sizing` says: how many. `out`
    /// has room for all.
    fn write_clear(
        &mut self,
        plain: &[&[u8]],
        length: usize,
        sizing: &Sizing,
        out: &mut Unfilled<'_>,
    ) -> Result<u64, Failure>;
}

/// What follows the first traffic secrets, which only the key schedule of the handshake can tell.
pub(crate) trait KeySchedule: Send {
    /// The secret of one direction that follows a KeyUpdate; None where the version has none.
    fn next_secret(&mut self, inbound: bool) -> Result<Option<TrafficSecret>, Failure>;

    /// The present traffic secrets of TLS 1.3, the inbound one first; None where they cannot be told. What comes of
    /// [`Self::next_secret`] afterwards is not said.
    fn reveal(&mut self) -> Result<Option<[Zeroizing<Vec<u8>>; 2]>, Failure> {
        Ok(None)
    }

    /// Keeps a ticket (RFC 8446, 4.6.1, without its header); `false` where none can come, or none is kept.
    fn keep_ticket(&mut self, payload: &[u8]) -> Result<bool, Failure>;

    /// A fault that was found in the records, in words, and with its alert.
    fn explain(&self, fault: Fault) -> Failure;
}
