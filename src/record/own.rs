//! An established connection whose records are sealed and opened here.

use super::cipher::Secret;
use super::fault::Fault;
use super::own_halves;
use super::protection::Exhausted;
use super::receiver::{Answering, Receiver};
use super::secrets::{TrafficSecret, TrafficSecrets};
use super::sender::Sender;
use super::sizing::Sizing;
use super::traffic::{
    HandedOver, HandshakeFacts, KeySchedule, Outcome, OwnStart, PlainMemory, PlainSink, Remembered, Revealed,
    Standing, Straight, Traffic, TrafficHalves,
};
use crate::failure::Failure;
use crate::parse::moved::{Direction, Moved};
use crate::uninitialised::Unfilled;

/// Both directions, without a lock.
pub(crate) struct Own {
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    pub(super) schedule: Box<dyn KeySchedule>,
    pub(super) remembered: Remembered,
}

impl Own {
    pub(crate) fn new(start: OwnStart) -> Result<Self, Failure> {
        let OwnStart { handed_over: HandedOver { secrets, schedule, remembered }, is_client, outstanding } =
            start;
        let parts = (|| {
            let sender = Sender::new(Secret::of(&secrets.send)?, outstanding);
            let receiver = Receiver::new(Secret::of(&secrets.receive)?, is_client, remembered.tickets);
            Some((sender, receiver))
        })();
        match parts {
            Some((sender, receiver)) => Ok(Self { sender, receiver, schedule, remembered }),
            None => Err(schedule.explain(Fault::NoKey)),
        }
    }

    /// Goes on where a connection of another process stood; `secrets` are its own at the beginning of their count. None
    /// if they are none of ours.
    pub(crate) fn from_moved(
        moved: &Moved<'_>,
        secrets: &TrafficSecrets,
        schedule: Box<dyn KeySchedule>,
        remembered: Remembered,
    ) -> Option<Self> {
        let secret = |given, direction: &Direction<'_>| {
            let mut secret = Secret::of(given)?;
            secret.sequence = direction.sequence;
            Some(secret)
        };
        let receive = secret(&secrets.receive, &moved.receive)?;
        Some(Self {
            sender: Sender::from_state(&moved.sender, secret(&secrets.send, &moved.send)?),
            receiver: Receiver::from_state(&moved.receiver, receive, moved.flags.is_client),
            schedule,
            remembered,
        })
    }
}

/// The way of a connection to another process.
impl Own {
    /// Leaves nothing to be said to the peer but what is appended to `out`.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        self.sender.flush(out);
    }

    /// How it stands, for another process to go on with, but for [`Self::reveal`]. None in the midst of a message that is longer than any.
    pub(crate) fn standing(&self) -> Option<Standing<'_>> {
        let (sender, send) = self.sender.state();
        let (receiver, receive) = self.receiver.state()?;
        Some(Standing { receive: receive.direction(), send: send.direction(), sender, receiver })
    }

    /// The secrets that the next keys come from. Nothing else may be done with it afterwards.
    pub(crate) fn reveal(&mut self) -> Result<Revealed, Failure> {
        let untold = || Failure::unexpected("the key schedule does not tell its secrets");
        let exporter = self.remembered.reveal().ok_or_else(untold)?;
        if !self.sender.is_tls13() {
            return Ok(Revealed { exporter, ..Revealed::default() });
        }
        let [receive, send] = self.schedule.reveal()?.ok_or_else(untold)?;
        Ok(Revealed { receive, send, exporter })
    }
}

/// The way of records from the peer.
impl Own {
    /// How many wire bytes that the last call has not used were opened: they are of a message that is not whole.
    pub(crate) fn opened(&self) -> usize {
        self.receiver.opened()
    }
}

/// The way of a record of application data, where nothing else has to leave with it.
impl Own {
    /// Whether so many records can leave with nothing in front of them or in between.
    #[inline]
    pub(crate) fn is_clear_for(&self, records: u64) -> bool {
        self.sender.is_clear_for(records)
    }

    /// Seals `length` bytes, which the pieces of `plain` are together, into records cut as `sizing` says: how many. It
    /// [is clear](Self::is_clear_for) for them, and `out` has room for all.
    #[inline]
    pub(crate) fn write_clear(
        &mut self,
        plain: &[&[u8]],
        length: usize,
        sizing: &Sizing,
        out: &mut Unfilled<'_>,
    ) -> Result<u64, Failure> {
        let sealed = self.sender.write_clear(plain, length, sizing, out);
        sealed.map_err(|Exhausted| self.schedule.explain(Fault::Exhausted))
    }
}

/// The end that the host makes.
impl Own {
    /// See [`Sender::take_back`]. In TLS 1.2 the key has sealed a Finished, which the peer has to have.
    pub(crate) fn take_back(&mut self, records: u64) -> bool {
        self.sender.is_tls13() && self.sender.take_back(records)
    }

    /// See [`Sender::abort_before`].
    pub(crate) fn abort_before(&mut self, former: &TrafficSecret, alert: u8, out: &mut Vec<u8>) -> bool {
        let former = Secret::of(former).filter(|_| self.sender.is_tls13());
        former.is_some_and(|former| self.sender.abort_before(former, alert, out))
    }

    /// Seals a fatal alert, if anything can still be said: which one.
    pub(crate) fn abort(&mut self, alert: u8, out: &mut Vec<u8>) -> Option<u8> {
        self.sender.abort(alert, out).then_some(alert)
    }
}

struct Both<'a> {
    sender: &'a mut Sender,
    schedule: &'a mut dyn KeySchedule,
    out: &'a mut Vec<u8>,
}

impl Answering for Both<'_> {
    fn with_schedule<R>(&mut self, run: impl FnOnce(&mut dyn KeySchedule) -> R) -> R {
        run(self.schedule)
    }

    fn take_answer(&mut self) -> bool {
        self.sender.take_answer()
    }

    fn answer_update(&mut self) -> Result<(), Failure> {
        self.sender.answer_update(self.schedule)
    }

    fn warn(&mut self, alert: u8) {
        self.sender.warn(alert, self.out);
    }

    fn abort(&mut self, alert: u8) -> bool {
        self.sender.abort(alert, self.out)
    }
}

impl Traffic for Own {
    #[inline]
    fn receive(&mut self, wire: &mut [u8], out: &mut Vec<u8>, sink: &mut PlainSink<'_>) -> Outcome {
        let Self { sender, receiver, schedule, remembered } = self;
        let mut both = Both { sender, schedule: &mut **schedule, out };
        let outcome = receiver.receive(wire, sink, &mut both);
        remembered.tickets = receiver.tickets();
        outcome
    }

    fn open_into(&mut self, wire: &[u8], memory: &mut dyn PlainMemory) -> Straight {
        self.receiver.open_into(wire, memory)
    }

    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.sender.write(plain, block, &mut *self.schedule, out)
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        self.sender.update_keys(&mut *self.schedule, out)
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.sender.close(out);
        Ok(())
    }

    fn rest(&mut self) {
        self.sender.rest();
        self.receiver.rest();
    }

    fn peer_closed(&self) -> bool {
        self.receiver.is_closed()
    }

    fn handshake_facts(&self) -> &dyn HandshakeFacts {
        &self.remembered
    }

    fn handshake_facts_mut(&mut self) -> &mut dyn HandshakeFacts {
        &mut self.remembered
    }

    fn split(self: Box<Self>) -> Result<TrafficHalves, Failure> {
        Ok(own_halves::split(*self))
    }

    fn hand_over(self: Box<Self>) -> Result<HandedOver, Failure> {
        let Self { sender, receiver, schedule, remembered, .. } = *self;
        let secrets =
            TrafficSecrets { receive: receiver.into_secret().give(), send: sender.into_secret().give() };
        Ok(HandedOver { secrets, schedule, remembered })
    }
}
