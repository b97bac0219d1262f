//! Where a connection is in its life, and what of the engine carries it there.

use crate::engine::{Handshake, Question, abort};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::record::layout::no_record;
use crate::record::own::Own;
use crate::record::sizing::Sizing;
use crate::record::traffic::{
    EngineTraffic, Flow, HandshakeFacts, KeySchedule, MoveFacts, Outcome, PlainMemory, PlainSink, Receiving,
    Remembered, Sending, Straight, Traffic,
};
use crate::status::Status;
use crate::uninitialised::Unfilled;

pub(super) enum Phase {
    Handshake(Box<dyn Handshake>),
    /// Records are the engine's, as long as something is half done, or for good.
    Traffic(Box<dyn EngineTraffic>),
    /// Records are our own. Named, and not one of the above, because all that is done with them takes this way.
    Own(Box<Own>),
    /// Of two halves.
    Receiving(Box<dyn Receiving>),
    Sending(Box<dyn Sending>),
    /// The traffic secrets were taken.
    SecretsTaken(Box<SecretsTaken>),
    /// It lives on elsewhere.
    Exported,
    /// While it is turned into something else, and after that has failed.
    Gone,
}

/// What is left of a connection whose records are somebody else's.
pub(super) struct SecretsTaken {
    pub(super) schedule: Box<dyn KeySchedule>,
    pub(super) remembered: Remembered,
}

fn not_now() -> Failure {
    Failure::unexpected("the connection is in no phase for this")
}

impl Phase {
    #[inline]
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(self, Self::Handshake(_))
    }

    fn handshake_facts(&self) -> Option<&dyn HandshakeFacts> {
        match self {
            Self::Own(own) => Some(own.handshake_facts()),
            Self::Traffic(traffic) => Some(traffic.handshake_facts()),
            Self::Receiving(half) => Some(half.handshake_facts()),
            Self::SecretsTaken(left) => Some(&left.remembered),
            Self::Handshake(_) | Self::Sending(_) | Self::Exported | Self::Gone => None,
        }
    }

    /// What only an established connection has.
    pub(super) fn handshake_facts_mut(&mut self) -> Option<&mut dyn HandshakeFacts> {
        match self {
            Self::Own(own) => Some(own.handshake_facts_mut()),
            Self::Traffic(traffic) => Some(traffic.handshake_facts_mut()),
            Self::Receiving(half) => Some(half.handshake_facts_mut()),
            Self::SecretsTaken(left) => Some(&mut left.remembered),
            Self::Handshake(_) | Self::Sending(_) | Self::Exported | Self::Gone => None,
        }
    }

    /// What is known of a connection that has moved here.
    pub(super) fn move_facts(&self) -> Option<&MoveFacts> {
        self.handshake_facts()?.move_facts()
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        match self {
            Self::Handshake(handshake) => handshake.facts(),
            _ => self.handshake_facts().map(HandshakeFacts::facts).unwrap_or_default(),
        }
    }

    /// How many TLS 1.3 tickets a client has received.
    pub(super) fn tickets(&self) -> u32 {
        self.handshake_facts().map_or(0, HandshakeFacts::tickets)
    }

    /// Whether the peer's close_notify was processed.
    #[inline]
    pub(super) fn peer_closed(&self) -> bool {
        match self {
            Self::Handshake(handshake) => handshake.peer_closed(),
            Self::Own(own) => own.peer_closed(),
            Self::Traffic(traffic) => traffic.peer_closed(),
            Self::Receiving(half) => half.peer_closed(),
            Self::Sending(_) | Self::SecretsTaken(..) | Self::Exported | Self::Gone => false,
        }
    }

    /// Whether plain bytes can be written.
    pub(super) fn may_write(&self) -> bool {
        match self {
            Self::Handshake(handshake) => handshake.may_write(),
            _ => true,
        }
    }

    /// The open question, if there is one.
    pub(super) fn question(&self) -> Option<Question<'_>> {
        match self {
            Self::Handshake(handshake) => handshake.question(),
            _ => None,
        }
    }

    /// See [`Handshake::held_up`].
    pub(super) fn held_up(&self) -> Option<Status> {
        match self {
            Self::Handshake(handshake) => handshake.held_up(),
            _ => None,
        }
    }

    /// The handshake, for what there is before its end only.
    pub(super) fn handshake(&mut self) -> Result<&mut dyn Handshake, Failure> {
        match self {
            Self::Handshake(handshake) => Ok(&mut **handshake),
            _ => Err(not_now()),
        }
    }

    #[inline]
    pub(super) fn receive(
        &mut self,
        wire: &mut [u8],
        out: &mut Vec<u8>,
        sink: &mut PlainSink<'_>,
    ) -> Outcome {
        match self {
            Self::Own(own) => own.receive(wire, out, sink),
            Self::Traffic(traffic) => traffic.receive(wire, out, sink),
            Self::Handshake(handshake) => handshake.receive(wire, out, sink),
            Self::Receiving(half) => half.receive(wire, sink),
            Self::Sending(_) | Self::SecretsTaken(..) | Self::Exported | Self::Gone => {
                Outcome { used: 0, result: Err(not_now()) }
            }
        }
    }

    /// Opens what can be opened straight into `memory`, and leaves the rest of `wire` to [`Self::receive`].
    #[inline]
    pub(super) fn open_into(&mut self, wire: &[u8], memory: &mut dyn PlainMemory) -> Straight {
        match self {
            Self::Own(own) => own.open_into(wire, memory),
            Self::Traffic(traffic) => traffic.open_into(wire, memory),
            Self::Receiving(half) => half.open_into(wire, memory),
            _ => Straight::default(),
        }
    }

    /// How many wire bytes that the last call has not used were opened, for a message that is not whole; None where whoever has the
    /// records does not keep account of that.
    pub(super) fn opened(&self) -> Option<usize> {
        match self {
            Self::Own(own) => Some(own.opened()),
            Self::Receiving(half) => half.opened(),
            _ => None,
        }
    }

    /// Lets go what the next record brings back.
    pub(super) fn rest(&mut self) {
        match self {
            Self::Own(own) => own.rest(),
            Self::Traffic(traffic) => traffic.rest(),
            Self::Receiving(half) => half.rest(),
            Self::Sending(half) => half.rest(),
            Self::Handshake(_) | Self::SecretsTaken(..) | Self::Exported | Self::Gone => {}
        }
    }

    pub(super) fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Own(own) => own.write(plain, block, out),
            Self::Traffic(traffic) => traffic.write(plain, block, out),
            Self::Sending(half) => half.write(plain, block, out),
            Self::Handshake(handshake) => {
                handshake.early_traffic().ok_or_else(not_now)?.write(plain, block, out)
            }
            Self::Receiving(_) | Self::SecretsTaken(..) | Self::Exported | Self::Gone => Err(not_now()),
        }
    }

    /// Whether [`Self::write_clear`] can seal `length` bytes.
    #[inline]
    pub(super) fn is_clear_for(&mut self, length: usize, sizing: &Sizing) -> bool {
        match self {
            Self::Own(own) => own.is_clear_for(sizing.most_records(length)),
            Self::Sending(half) => {
                half.own().is_some_and(|own| own.is_clear_for(sizing.most_records(length)))
            }
            _ => false,
        }
    }

    /// Seals `length` bytes, which the pieces of `plain` are together, into records cut as `sizing` says: how many. Nothing
    /// else leaves, and `out` has room for all.
    #[inline]
    pub(super) fn write_clear(
        &mut self,
        plain: &[&[u8]],
        length: usize,
        sizing: &Sizing,
        out: &mut Unfilled<'_>,
    ) -> Result<u64, Failure> {
        match self {
            Self::Own(own) => own.write_clear(plain, length, sizing, out),
            Self::Sending(half) => half.own().ok_or_else(not_now)?.write_clear(plain, length, sizing, out),
            _ => Err(not_now()),
        }
    }

    /// Asks for new keys in both directions; `false` where the version has no KeyUpdate.
    pub(super) fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        match self {
            Self::Own(own) => own.update_keys(out),
            Self::Traffic(traffic) => traffic.update_keys(out),
            Self::Sending(half) => half.update_keys(out),
            _ => Err(not_now()),
        }
    }

    pub(super) fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Own(own) => own.close_notify(out),
            Self::Traffic(traffic) => traffic.close_notify(out),
            Self::Sending(half) => half.close_notify(out),
            _ => Err(not_now()),
        }
    }

    /// Ends the connection for a reason of ours, and appends an alert for the peer to `out`: which one. The last `held`
    /// wire bytes that were given were not used.
    pub(super) fn abort(&mut self, held: usize, out: &mut Vec<u8>) -> Option<u8> {
        if let Self::Handshake(handshake) = self {
            return abort(&mut **handshake, held, out);
        }
        let Outcome { result, .. } = self.receive(&mut no_record(held), out, &mut |_, _| Flow::Stop);
        result.err()?.alert_sent
    }

    /// Ends an established connection with an alert, `alert` where records are our own: which one was appended to `out`.
    pub(super) fn refuse(&mut self, alert: u8, out: &mut Vec<u8>) -> Option<u8> {
        match self {
            Self::Own(own) => own.abort(alert, out),
            _ => self.abort(0, out),
        }
    }

    /// Takes it, to turn it into something else.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Gone)
    }

    /// See [`EngineTraffic::prepare_hand_over`]. Records of our own stay what they are: nothing may come of it.
    pub(super) fn prepare_hand_over(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        if let Self::Own(own) = self {
            own.flush(out);
            return Ok(());
        }
        let prepared = self.take_engines()?.prepare_hand_over(out)?;
        *self = Self::Traffic(prepared);
        Ok(())
    }

    /// The same of records that the engine has.
    pub(super) fn take_engines(&mut self) -> Result<Box<dyn EngineTraffic>, Failure> {
        match self.take() {
            Self::Traffic(traffic) => Ok(traffic),
            _ => Err(not_now()),
        }
    }

    pub(super) fn take_traffic(&mut self) -> Result<Box<dyn Traffic>, Failure> {
        match self.take() {
            Self::Own(own) => Ok(own),
            Self::Traffic(traffic) => Ok(traffic.into_traffic()),
            _ => Err(not_now()),
        }
    }
}
