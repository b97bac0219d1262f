//! The two directions of a connection whose records are sealed and opened here, for two threads.
//!
//! Each half has its own direction to itself. What one has to do for the other is left where both find it, behind a lock: the lock is
//! taken where a record asks for something, and where the sending half finds that something was left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cipher::Secret;
use super::fault::Fault;
use super::own::Own;
use super::protection::Exhausted;
use super::receiver::{Answering, Receiver};
use super::sender::Sender;
use super::sizing::Sizing;
use super::traffic::{
    HandshakeFacts, KeySchedule, Outcome, OwnSending, PlainMemory, PlainSink, Receiving, Remembered, Sending,
    Straight, TrafficHalves,
};
use crate::failure::Failure;
use crate::uninitialised::Unfilled;

/// What both use.
struct Shared {
    common: Mutex<Common>,
    /// Something is in it for the sending half.
    is_left: AtomicBool,
}

struct Common {
    /// Whoever has keys follow asks it with this lock held, and the sending half has done before what was left for it: so
    /// its keys follow each other as their KeyUpdates do.
    schedule: Box<dyn KeySchedule>,
    left: Left,
    /// KeyUpdates that the sending half has asked for, and that were not answered.
    unanswered: u8,
    /// The sending half can send nothing more.
    sender_over: bool,
}

/// What the receiving half leaves to be done.
#[derive(Default)]
struct Left {
    /// A KeyUpdate of ours was answered.
    answered: bool,
    /// One of the peer's is to be answered; what follows the key that seals the answer.
    answer: Option<Secret>,
    warning: Option<u8>,
    alert: Option<u8>,
}

impl Shared {
    /// A panic inside of a call ends that half, and is not the other one's.
    fn lock(&self) -> MutexGuard<'_, Common> {
        self.common.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn split(own: Own) -> TrafficHalves {
    let Own { mut sender, receiver, schedule, remembered, .. } = own;
    let shared = share(&mut sender, schedule);
    let sending = Box::new(SendingHalf { sender, shared: Arc::clone(&shared), over: false });
    TrafficHalves {
        receiving: Box::new(ReceivingHalf { receiver, shared, remembered, owed: false }),
        sending,
    }
}

fn share(sender: &mut Sender, schedule: Box<dyn KeySchedule>) -> Arc<Shared> {
    let common = Common {
        schedule,
        left: Left::default(),
        unanswered: sender.take_unanswered(),
        sender_over: sender.is_over(),
    };
    Arc::new(Shared { common: Mutex::new(common), is_left: AtomicBool::new(false) })
}

struct ReceivingHalf {
    receiver: Receiver,
    shared: Arc<Shared>,
    remembered: Remembered,
    owed: bool,
}

/// Leaves what is to be done with the sending half.
struct Leaving<'a> {
    shared: &'a Shared,
    owed: &'a mut bool,
}

impl Leaving<'_> {
    /// Leaves something that makes a record for the peer, if one can follow; whether it can.
    fn leave(&mut self, common: &mut Common, leave: impl FnOnce(&mut Left)) -> bool {
        if common.sender_over || common.left.alert.is_some() {
            return false;
        }
        leave(&mut common.left);
        self.shared.is_left.store(true, Ordering::Release);
        *self.owed = true;
        true
    }
}

impl Answering for Leaving<'_> {
    fn with_schedule<R>(&mut self, run: impl FnOnce(&mut dyn KeySchedule) -> R) -> R {
        run(&mut *self.shared.lock().schedule)
    }

    fn take_answer(&mut self) -> bool {
        let mut common = self.shared.lock();
        common.left.answered = true;
        self.shared.is_left.store(true, Ordering::Release);
        let is_one = common.unanswered > 0;
        common.unanswered = common.unanswered.saturating_sub(1);
        is_one
    }

    fn answer_update(&mut self) -> Result<(), Failure> {
        let mut common = self.shared.lock();
        if common.left.answer.is_some() || common.sender_over {
            return Ok(());
        }
        let next = Secret::next(&mut *common.schedule, false)?;
        self.leave(&mut common, |left| left.answer = Some(next));
        Ok(())
    }

    fn warn(&mut self, alert: u8) {
        self.leave(&mut self.shared.lock(), |left| left.warning = Some(alert));
    }

    fn abort(&mut self, alert: u8) -> bool {
        self.leave(&mut self.shared.lock(), |left| left.alert = Some(alert))
    }
}

impl Receiving for ReceivingHalf {
    fn receive(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Outcome {
        let Self { receiver, shared, remembered, owed } = self;
        let outcome = receiver.receive(wire, sink, &mut Leaving { shared, owed });
        remembered.tickets = receiver.tickets();
        outcome
    }

    fn open_into(&mut self, wire: &[u8], memory: &mut dyn PlainMemory) -> Straight {
        self.receiver.open_into(wire, memory)
    }

    fn opened(&self) -> Option<usize> {
        Some(self.receiver.opened())
    }

    fn rest(&mut self) {
        self.receiver.rest();
    }

    fn take_owed(&mut self) -> bool {
        std::mem::take(&mut self.owed)
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
}

struct SendingHalf {
    sender: Sender,
    shared: Arc<Shared>,
    /// Nothing can follow, which was found when something was to.
    over: bool,
}

impl SendingHalf {
    /// Does what was left, and runs `run` with what both use.
    fn run<R>(
        &mut self,
        out: &mut Vec<u8>,
        run: impl FnOnce(&mut Sender, &mut dyn KeySchedule, &mut Vec<u8>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let Self { sender, shared, over } = self;
        let mut common = shared.lock();
        shared.is_left.store(false, Ordering::Release);
        let Left { answered, answer, warning, alert } = std::mem::take(&mut common.left);
        sender.flush(out);
        if answered {
            sender.take_answer();
        }
        if let Some(next) = answer {
            sender.answer_with(next, out);
        }
        if let Some(warning) = warning {
            sender.warn(warning, out);
        }
        if let Some(alert) = alert {
            sender.abort(alert, out);
        }
        let result = run(sender, &mut *common.schedule, out);
        common.unanswered = common.unanswered.saturating_add(sender.take_unanswered());
        common.sender_over = sender.is_over();
        *over = result.is_err() && common.sender_over;
        result
    }
}

impl OwnSending for SendingHalf {
    fn is_clear_for(&self, records: u64) -> bool {
        !self.shared.is_left.load(Ordering::Acquire) && self.sender.is_clear_for(records)
    }

    fn write_clear(
        &mut self,
        plain: &[&[u8]],
        length: usize,
        sizing: &Sizing,
        out: &mut Unfilled<'_>,
    ) -> Result<u64, Failure> {
        let sealed = self.sender.write_clear(plain, length, sizing, out);
        sealed.map_err(|Exhausted| self.shared.lock().schedule.explain(Fault::Exhausted))
    }
}

impl Sending for SendingHalf {
    fn own(&mut self) -> Option<&mut dyn OwnSending> {
        Some(self)
    }

    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.run(out, |sender, schedule, out| sender.write(plain, block, schedule, out))
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        self.run(out, |sender, schedule, out| sender.update_keys(schedule, out))
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.run(out, |sender, _, out| {
            sender.close(out);
            Ok(())
        })
    }

    fn rest(&mut self) {
        self.sender.rest();
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        // What this does cannot fail.
        let _ = self.run(out, |_, _, _| Ok(()));
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SUITES, pair, read};
    use super::super::traffic::{Flow, Traffic};
    use super::*;
    use crate::record::sizing::ENGINES_OWN;
    use crate::uninitialised::append;

    fn receive(half: &mut impl Receiving, wire: &mut [u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut sink = |_: std::ops::Range<usize>, bytes: &[u8]| {
            plain.extend_from_slice(bytes);
            Flow::More
        };
        half.receive(wire, &mut sink).result.unwrap();
        plain
    }

    fn write(half: &mut SendingHalf, plain: &[u8]) -> Vec<u8> {
        assert!(half.is_clear_for(1));
        let mut wire = Vec::with_capacity(ENGINES_OWN.wire(plain.len()));
        append(&mut wire, |out| half.write_clear(&[plain], plain.len(), &ENGINES_OWN, out)).unwrap();
        wire
    }

    fn halves(own: Own) -> (ReceivingHalf, SendingHalf) {
        let Own { mut sender, receiver, schedule, remembered, .. } = own;
        let shared = share(&mut sender, schedule);
        let sending = SendingHalf { sender, shared: Arc::clone(&shared), over: false };
        (ReceivingHalf { receiver, shared, remembered, owed: false }, sending)
    }

    /// With the lock held by whom they do not wait for, records are opened and sealed.
    #[test]
    fn records_take_no_lock() {
        for suite in SUITES {
            let (mut client, server) = pair(suite, u64::MAX);
            let (mut receiving, mut sending) = halves(server);
            let shared = Arc::clone(&sending.shared);
            let _held = shared.lock();
            let mut wire = Vec::new();
            client.write(&[b"question"], 0, &mut wire).unwrap();
            assert_eq!(receive(&mut receiving, &mut wire), b"question");
            assert_eq!(read(&mut client, &mut write(&mut sending, b"answer")).0, b"answer");
        }
    }

    /// What the receiving half has left stands in the way of a record, and leaves in front of it, with the key before the
    /// one that follows.
    #[test]
    fn what_is_left_leaves_first() {
        let (mut client, server) = pair(SUITES[0], u64::MAX);
        let (mut receiving, mut sending) = halves(server);
        for round in 0..5 {
            let mut wire = Vec::new();
            client.update_keys(&mut wire).unwrap();
            receive(&mut receiving, &mut wire);
            assert!(receiving.take_owed());
            assert!(!sending.is_clear_for(1));
            let mut wire = Vec::new();
            if round % 2 == 0 {
                // One of its own, whose key follows that of the answer.
                sending.update_keys(&mut wire).unwrap();
            }
            sending.write(&[b"plain"], 0, &mut wire).unwrap();
            let (plain, mut answer) = read(&mut client, &mut wire);
            assert_eq!(plain, b"plain");
            client.write(&[], 0, &mut answer).unwrap();
            receive(&mut receiving, &mut answer);
            let mut rest = Vec::new();
            sending.flush(&mut rest);
            assert!(rest.is_empty() && sending.is_clear_for(1), "in round {round}");
        }
    }
}
